"""An approval holds for exactly what was read: each bound thing, the doors to it, and the record of it."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.models import Membership, Organisation
from catalogue import guards
from catalogue.actions import (
    approve_version,
    load_definition,
    open_delivery,
    plan_delivery,
    publish_version,
    send_version_back,
    send_version_to_pre_moderation,
)
from catalogue.checklist import QUESTIONS, Answer
from catalogue.definitions import parse
from catalogue.models import (
    AssessmentTask,
    Criterion,
    Grade,
    GradeScheme,
    LearningOutcome,
    Level,
    MicroCredentialVersion,
    PreModeration,
    Rubric,
    policy_defaults,
)
from catalogue.models import version as version_module
from tests.catalogue.test_versions import ACCESS
from tests.factories.catalogue import draft_version
from tests.personas import make_user
from tests.tampering import tampering
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet
from workflows.models import TransitionRecord
from workflows.transitions import perform

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
ROLES = {
    "arthur": OrganisationRole.AUTHOR,
    "petronella": OrganisationRole.PRE_MODERATOR,
    "prudence": OrganisationRole.ADMINISTRATOR,
}


class World:
    """A published version made from a file, and the people of its provider."""

    def __init__(self):
        self.provider = Organisation.objects.create(
            code="provider", name="Provider", kind=OrganisationKind.PROVIDER
        )
        for name, role in ROLES.items():
            setattr(self, name, make_user(name))
            Membership.objects.create(
                user=getattr(self, name), organisation=self.provider, role=role
            )
        self.definition = parse(ACCESS.read_bytes(), policy_defaults=policy_defaults())
        draft = load_definition(self.definition, provider=self.provider, actor=self.arthur).version
        sent = send_version_to_pre_moderation(draft, actor=self.arthur)
        self.approved = approve_version(
            sent,
            actor=self.petronella,
            note="Sound.",
            checklist={name: Answer("yes", "Read.", "All of it") for name in QUESTIONS},
        )
        self.version = publish_version(self.approved, actor=self.prudence)
        today = timezone.now().date()
        self.delivery = plan_delivery(
            self.version, code="next", title="Next", mode="online_live", starts_on=today,
            ends_on=today + timedelta(days=9), actor=self.prudence,
        )  # fmt: skip


@kept
def world():
    return World()


TABLES = {
    LearningOutcome: "catalogue_learningoutcome",
    AssessmentTask: "catalogue_assessmenttask",
    Rubric: "catalogue_rubric",
    Criterion: "catalogue_criterion",
    Level: "catalogue_level",
    Grade: "catalogue_grade",
    GradeScheme: "catalogue_gradescheme",
    MicroCredentialVersion: "catalogue_version",
}
NEXT = {"credits": 6, "level": 7, "rank": 9, "weight": 2, "min_percent": 1, "max_percent": 2,
        "percent": 61, "attestations_required": 3, "file_max_megabytes": 7, "number": 9,
        "review_interval_months": 24,
        "file_types": ["pdf"], "delivery_modes": [], "listing": {}, "policy": {"marking.days": 1},
        "approved_policy": {"marking.days": 2}, "ai_policy": "required", "kind": "merit"}  # fmt: skip
BOUND = [
    ("outcomes", LearningOutcome, ["title", "text", "number"]),
    ("tasks", AssessmentTask, [
        "title", "brief", "ai_policy", "attestations_required", "file_types", "file_max_megabytes",
    ]),
    ("rubrics", Rubric, ["content_hash"]),
    ("rubrics", Criterion, [
        "code", "title", "description", "good_looks_like", "reflection_prompt", "is_required",
        "weight", "number",
    ]),
    ("rubrics", Level, ["code", "label", "descriptor", "is_met", "percent", "rank"]),
    ("scheme", GradeScheme, ["name", "kind", "code"]),
    ("scheme", Grade, [
        "code", "label", "label_mi", "is_pass", "min_percent", "max_percent", "rank",
    ]),
    ("credential", MicroCredentialVersion, [
        "title", "title_mi", "credits", "level", "purpose", "delivery_modes", "listing",
        "review_interval_months",
    ]),
    ("policy", MicroCredentialVersion, ["policy", "approved_policy"]),
]  # fmt: skip
EACH = [(part, model, name) for part, model, names in BOUND for name in names]


def tamper(model, name):
    """Change one column of one row as somebody who owns the tables could: with the triggers gone."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # What waits for the end of the transaction would keep the table from being altered.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            table = model._meta.db_table
            cursor.execute(f"DROP TRIGGER {TABLES[model]}_frozen ON {table}")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (trigger,) in cursor.fetchall():
                if trigger.startswith("catalogue_"):
                    cursor.execute(f"DROP TRIGGER {trigger}")
    row = model.objects.order_by("pk").first()
    value = getattr(row, name)
    moved = not value if isinstance(value, bool) else NEXT.get(name, "moved")
    model.objects.filter(pk=row.pk).update(**{name: moved})


@pytest.mark.parametrize(
    ("part", "model", "name"), EACH, ids=[f"{model.__name__}.{name}" for _p, model, name in EACH]
)
def test_a_change_of_any_bound_thing_voids_the_approval(part, model, name, world):
    assert guards.moved_parts(world.version) == []
    tamper(model, name)
    delivery = type(world.delivery).objects.get(pk=world.delivery.pk)
    assert part in guards.moved_parts(delivery.version)
    with pytest.raises(GuardsNotMet) as refused:
        open_delivery(delivery, actor=world.prudence)
    assert "content_moved" in refused.value.codes


def test_without_a_change_only_what_is_not_there_yet_is_missing(world):
    with pytest.raises(GuardsNotMet) as refused:
        open_delivery(world.delivery, actor=world.prudence)
    assert "content_moved" not in refused.value.codes


def test_a_version_that_nobody_approved_opens_nothing(world):
    version = draft_version(world.provider, "other")
    assert guards.moved_parts(version) == list(guards.PARTS)
    assert guards.delivers_what_was_approved.holds(type(world.delivery)(version=version))


def test_what_moved_before_publishing_is_not_published(world):
    version = draft_version(world.provider, "other")
    perform(version, "send_to_pre_moderation", actor=version.author)
    version = perform(version, "approve", actor=world.petronella)
    tamper(Level, "descriptor")
    Level.objects.filter(criterion__rubric__task__version=version).update(descriptor="Moved.")
    with pytest.raises(GuardsNotMet) as refused:
        publish_version(version, actor=world.prudence)
    assert refused.value.codes == ["content_moved"]


def test_a_spoilt_version_can_be_loaded_anew(world):
    same = load_definition(world.definition, provider=world.provider, actor=world.arthur)
    assert (same.version, same.created) == (world.version, False)
    tamper(AssessmentTask, "brief")
    anew = load_definition(world.definition, provider=world.provider, actor=world.arthur)
    assert (anew.version.number, anew.created) == (2, True)


def test_a_later_default_does_not_reach_an_approved_version(world, monkeypatch):
    later = {**policy_defaults(), "marking.days": 99, "something.new": 4}
    monkeypatch.setattr(version_module, "policy_defaults", lambda: later)
    version = MicroCredentialVersion.objects.get(pk=world.version.pk)
    assert version.policy_value("marking.days") == 15
    assert version.policy_value("something.new") == 4
    assert guards.moved_parts(version) == []
    draft = draft_version(world.provider, "other")
    assert draft.policy_value("marking.days") == 99
    with pytest.raises(KeyError):
        version.policy_value("nobody.knows")


def test_the_approved_policy_is_fixed_with_the_approval(world):
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        MicroCredentialVersion.objects.filter(pk=world.version.pk).update(approved_policy={})


@pytest.mark.only_postgresql
def test_approvals_from_before_are_bound_by_the_migration(world):
    bind = import_module("catalogue.migrations.0007_bind_earlier_approvals").bind
    rows = MicroCredentialVersion.objects.filter(pk=world.version.pk)
    with tampering():
        world.version.pre_moderations.all().delete()
        rows.update(approved_policy={}, pre_moderation_checklist={"reo": "yes"})
        assert guards.moved_parts(rows.get()) == list(guards.PARTS)
        bind(apps, None)
    bound = rows.get()
    assert guards.moved_parts(bound) == []
    assert bound.approved_policy["marking.days"] == 15
    decided = bound.pre_moderations.get()
    assert (decided.moderator, decided.at) == (world.petronella, bound.approved_at)
    assert [(row["name"], row["answer"]) for row in decided.checklist] == [("reo", "yes")]


def test_decisions_are_kept_for_ever(world):
    decided = world.version.pre_moderations.get()
    for change in (
        lambda: PreModeration.objects.update(note="x"),
        lambda: PreModeration.objects.update(parts={}),
        lambda: PreModeration.objects.filter(pk=decided.pk).delete(),
    ):
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            change()
    assert str(decided) == "Approved: Digital Accessibility in Practice, version 1"


def test_the_record_says_what_was_answered_found_and_bound(world):
    decided = world.version.pre_moderations.get()
    assert (decided.decision, decided.moderator, decided.note) == (
        "approved", world.petronella, "Sound.",
    )  # fmt: skip
    assert {row["name"] for row in decided.by_system} == {
        "outcomes_assessed", "minimum_pass", "workload", "ai_use",
    }  # fmt: skip
    assert all(row["answer"] == "yes" and row["note"] == "Read." for row in decided.by_person)
    record = TransitionRecord.objects.get(subject_id=world.version.pk, name="approve")
    assert record.facts["content"] == decided.parts
    assert record.facts["pre_moderation"] == str(decided.pk)


def test_a_request_for_changes_is_kept_beside_the_approval(world):
    version = draft_version(world.provider, "other")
    sent = send_version_to_pre_moderation(version, actor=version.author)
    back = send_version_back(
        sent, actor=world.petronella, note="C2.", checklist={"reo": Answer("no", "Say so.")}
    )
    assert guards.moved_parts(back) == list(guards.PARTS), "a request is no approval"
    LearningOutcome.objects.filter(version=back).update(text="More.")
    sent = send_version_to_pre_moderation(back, actor=back.author)
    approved = approve_version(sent, actor=world.petronella)
    first, second = approved.pre_moderations.order_by("number")
    assert [first.decision, second.decision] == ["changes_required", "approved"]
    assert first.parts["outcomes"] != second.parts["outcomes"]
    assert guards.moved_parts(approved) == []


def gap(world):
    """A version whose second outcome hangs on an optional criterion alone, sent to be checked."""
    version = draft_version(world.provider, "gap")
    Criterion.objects.filter(rubric__task__version=version, outcome__number=2).update(
        is_required=False
    )
    return send_version_to_pre_moderation(version, actor=version.author)


def test_a_bare_pass_that_leaves_an_outcome_open_cannot_be_approved(world):
    sent = gap(world)
    with pytest.raises(GuardsNotMet) as refused:
        approve_version(sent, actor=world.petronella)
    assert refused.value.codes == ["least_pass_leaves_a_gap"]
    back = send_version_back(sent, actor=world.petronella, note="Make C1 required.")
    [kept_row] = [
        row for row in back.pre_moderations.get().checklist if row["name"] == "minimum_pass"
    ]
    assert kept_row["answer"] == "no"
    assert "not have shown outcome 2" in kept_row["found"][0]


def test_the_pages_say_what_the_system_worked_out(world, client):
    sent = gap(world)
    client.force_login(world.petronella)
    address = reverse("catalogue:pre_moderation", args=[sent.pk])
    page = client.get(address).content.decode()
    assert "Somebody can pass and still not have shown outcome 2" in page
    assert "Worked out by the system" in page
    assert 'name="minimum_pass"' not in page
    answers = dict.fromkeys(QUESTIONS, "yes")
    refused = client.post(address, {"decision": "approve", "seq": sent.seq, **answers})
    assert refused.status_code == 422
    assert "only changes mend it" in refused.content.decode()
    client.post(
        address,
        {
            "decision": "send_back", "note": "Make C1 required.", "seq": sent.seq,
            "reo": "no", "reo_note": "It says nothing.", "reo_evidence": "The brief",
        },
    )  # fmt: skip
    decided = sent.pre_moderations.get()
    [row] = [one for one in decided.checklist if one["name"] == "reo"]
    assert (row["answer"], row["note"], row["evidence"]) == ("no", "It says nothing.", "The brief")
    page = client.get(reverse("catalogue:version", args=[sent.pk])).content.decode()
    assert "Changes required by Petronella" in page
    assert "It says nothing." in page


def test_the_page_of_a_spoilt_version_names_what_moved(world, client):
    tamper(Level, "descriptor")
    client.force_login(world.prudence)
    page = client.get(reverse("catalogue:version", args=[world.version.pk])).content.decode()
    assert "The approval of this version no longer holds" in page
    assert "<li>the rubrics</li>" in page
