"""From a definition to a version in draft."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.models import Organisation, User
from catalogue.definitions import Definition, DefinitionError, Problem
from catalogue.guards import moved_parts
from catalogue.hashing import digest
from catalogue.models import (
    AssessmentTask,
    Criterion,
    Grade,
    GradeScheme,
    LearningOutcome,
    Level,
    MicroCredential,
    MicroCredentialVersion,
    Rubric,
    StackingRule,
)
from catalogue.rules import writes_for
from catalogue.transitions import DRAFT_VERSION
from workflows.exceptions import NotPermitted
from workflows.transitions import begin


@dataclass(frozen=True)
class LoadOutcome:
    """The version that now has this content, and whether it is new."""

    version: MicroCredentialVersion
    created: bool


@transaction.atomic
def load_definition(definition: Definition, *, provider: Organisation, actor: User) -> LoadOutcome:
    """Make a new version in draft, unless the newest version has this very content.

    A version whose rows were changed after its approval, or that was rejected, no longer counts as having it.

    Makes the micro-credential and the grade scheme where they do not exist yet. Nothing that exists is
    changed: a changed scheme becomes a new scheme beside the old one. DefinitionError where the code
    belongs to another provider, the client is unknown, or visibility differs from the listed one.
    """
    data = definition.data
    credential = _credential(data, provider=provider, actor=actor)
    newest = credential.versions.order_by("-number").first()
    if newest is not None and newest.definition_hash == definition.digest and not _spoilt(newest):
        return LoadOutcome(newest, created=False)
    scheme = _scheme(data["grade_scheme"])
    version = begin(
        DRAFT_VERSION,
        parent=credential,
        actor=actor,
        build=lambda: MicroCredentialVersion(
            micro_credential=credential,
            number=newest.number + 1 if newest else 1,
            title=data["title"],
            title_mi=data.get("title_mi", ""),
            credits=data["credits"],
            level=data["level"],
            purpose=data["purpose"],
            delivery_modes=data["delivery_modes"],
            grade_scheme=scheme,
            policy=data.get("policy", {}),
            listing={
                "workload": data["workload"],
                "title_justification": data.get("title_justification", ""),
            },
            definition_hash=definition.digest,
            definition=definition.data,
            review_interval_months=data.get("review_interval_months", 12),
            author=actor,
        ),
        facts={"definition": definition.digest},
    )
    _write_content(version, data)
    return LoadOutcome(version, created=True)


def _spoilt(version: MicroCredentialVersion) -> bool:
    """Whether it was rejected, or its approval voided by a change of what it was bound to."""
    return version.is_rejected or (version.approved_at is not None and bool(moved_parts(version)))


def _credential(data: dict[str, Any], *, provider: Organisation, actor: User) -> MicroCredential:
    """The listed credential of this code, made if there is none. Locked against a second load."""
    client = None
    if "client" in data:
        client = Organisation.objects.filter(code=data["client"]).first()
        if client is None:
            raise _refused("client", f"There is no organisation “{data['client']}”.")
    found = MicroCredential.objects.select_for_update().filter(code=data["code"]).first()
    if found is None:
        made = MicroCredential(
            code=data["code"], provider=provider, visibility=data["visibility"], client=client
        )
        if not writes_for(made, actor):
            raise NotPermitted
        made.save(force_insert=True)
        return made
    if found.provider_id != provider.pk:
        raise _refused("code", "Another provider uses this code.")
    if (found.visibility, found.client) != (data["visibility"], client):
        raise _refused("visibility", "Visibility and client cannot change with a new version.")
    return found


def _refused(field: str, message: str) -> DefinitionError:
    return DefinitionError([Problem(1, field, message)])


def _scheme(data: dict[str, Any]) -> GradeScheme:
    """A scheme with exactly these grades: one that exists, or a new one with the next free code."""
    grades = [
        (
            grade["code"],
            grade["label"],
            grade.get("label_mi", ""),
            rank,
            grade["is_pass"],
            grade.get("min_percent"),
            grade.get("max_percent"),
        )
        for rank, grade in enumerate(data["grades"])
    ]
    code = data["code"]
    for number in range(1, 1000):
        code = data["code"] if number == 1 else f"{data['code'][:44]}-{number}"
        found = GradeScheme.objects.filter(code=code).first()
        if found is None:
            break
        has = list(
            found.grades.order_by("rank").values_list(
                "code", "label", "label_mi", "rank", "is_pass", "min_percent", "max_percent"
            )
        )
        if (found.name, found.kind, has) == (data["name"], data["kind"], grades):
            return found
    scheme = GradeScheme.objects.create(code=code, name=data["name"], kind=data["kind"])
    Grade.objects.bulk_create(
        Grade(
            scheme=scheme,
            code=code,
            label=label,
            label_mi=label_mi,
            rank=rank,
            is_pass=is_pass,
            min_percent=low,
            max_percent=high,
        )
        for code, label, label_mi, rank, is_pass, low, high in grades
    )
    return scheme


def _write_content(version: MicroCredentialVersion, data: dict[str, Any]) -> None:
    outcomes = {
        outcome["code"]: LearningOutcome(
            version=version, number=number, title=outcome["title"], text=outcome.get("text", "")
        )
        for number, outcome in enumerate(data["outcomes"], start=1)
    }
    LearningOutcome.objects.bulk_create(outcomes.values())
    for number, task in enumerate(data["tasks"], start=1):
        made = AssessmentTask.objects.create(
            version=version,
            number=number,
            title=task["title"],
            brief=task["brief"],
            ai_policy=task["ai_policy"],
            attestations_required=task.get("attestations_required", 0),
            file_types=task.get("file_types", []),
            file_max_megabytes=task.get("file_max_megabytes"),
            marking_minutes=task.get("marking_minutes"),
        )
        # What decisions bind to: the criteria with their levels, and the scheme that turns them into a result.
        bound = {"criteria": task["criteria"], "grade_scheme": data["grade_scheme"]}
        rubric = Rubric.objects.create(task=made, content_hash=digest(bound))
        criteria = [
            Criterion(
                rubric=rubric,
                outcome=outcomes[criterion["outcome"]],
                number=place,
                code=criterion["code"],
                title=criterion["title"],
                description=criterion.get("description", ""),
                good_looks_like=criterion.get("good_looks_like", ""),
                reflection_prompt=criterion.get("reflection_prompt", ""),
                is_required=criterion.get("required", True),
                weight=criterion.get("weight", 1),
            )
            for place, criterion in enumerate(task["criteria"], start=1)
        ]
        Criterion.objects.bulk_create(criteria)
        Level.objects.bulk_create(
            Level(
                criterion=criterion,
                rank=rank,
                code=level["code"],
                label=level["label"],
                descriptor=level["descriptor"],
                is_met=level["is_met"],
                percent=level.get("percent"),
            )
            for criterion, source in zip(criteria, task["criteria"], strict=True)
            for rank, level in enumerate(source["levels"])
        )
    StackingRule.objects.bulk_create(
        StackingRule(
            version=version,
            target_code=rule["code"],
            target_title=rule["title"],
            max_credits=rule["max_credits"],
        )
        for rule in data.get("stacks_into", [])
    )
