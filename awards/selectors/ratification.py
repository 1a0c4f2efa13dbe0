"""Batches to sign, who signs them, and what waits for a ratifier."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef

from accounts.models import User
from assessment.enums import Basis
from assessment.models import AssessmentDecision
from awards import rules
from awards.models import Ratification, Recall, Reconsideration
from awards.selectors.candidates import result_label
from catalogue.enums import DeliveryRoleKind
from catalogue.models import AssessmentTask, Delivery
from portfolios.enums import SubmissionState
from portfolios.models import (
    Part,
    Submission,
)
from workflows.hashing import canonical

S = SubmissionState


def content_hash(lines: Iterable[tuple[Submission, AssessmentDecision]]) -> str:
    """SHA-256 of what a batch lists: each work's fingerprint with the result that stands for it."""
    rows = [
        {
            "submission": submission.pk,
            "fingerprint": submission.fingerprint,
            "decision": decision.pk,
            "number": decision.number,
            "outcome": decision.outcome,
            "grade": decision.grade.code if decision.grade else "",
            "rubric": decision.rubric_hash,
            "policy": decision.policy_hash,
        }
        for submission, decision in sorted(lines, key=lambda pair: str(pair[0].pk))
    ]
    return hashlib.sha256(canonical(rows)).hexdigest()


def judged_in(batch: Ratification, user: User) -> int:
    """How many submissions of the batch this person had a part in judging."""
    return (
        Part.objects.filter(
            submission__ratification_lines__ratification=batch, person=user, kind__in=rules.JUDGED
        )
        .values("submission_id")
        .distinct()
        .count()
    )


def ratifiers_of(delivery: Delivery) -> list[User]:
    """The people who sign for this delivery."""
    return people_of(delivery, DeliveryRoleKind.RATIFIER)


def people_of(delivery: Delivery, *roles: DeliveryRoleKind) -> list[User]:
    """Active people with one of these parts in the delivery, each once."""
    return list(
        User.objects.filter(
            pk__in=delivery.roles.current().filter(role__in=roles).values("user_id"),
            is_active=True,
        )
    )


def counts_of(batch: Ratification) -> list[tuple[str, int]]:
    """How often each result occurs in a batch."""
    return sorted(Counter(result_label(line.decision) for line in batch.lines.all()).items())


def report_lines(report: dict[str, Any]) -> list[tuple[Submission, list[str]]]:
    """The submissions of a stored report with the reasons why they did not move, none where they did."""
    reasons: dict[str, list[str]] = {key: [] for key in report.get("released", [])}
    reasons |= {key: [] for key in report.get("recalled", [])}
    reasons |= report.get("refused", {})
    found = Submission.objects.filter(pk__in=reasons).select_related("learner")
    return [(one, reasons[str(one.pk)]) for one in found.order_by("learner__search_key")]


@dataclass(frozen=True)
class ReadySet:
    """Results of one delivery and task that wait for the same step."""

    delivery: Delivery
    task: AssessmentTask
    count: int


def waiting_sets(deliveries: Iterable[Delivery], state: SubmissionState) -> list[ReadySet]:
    """For each delivery and task how many results are in this state."""
    by_id = {delivery.pk: delivery for delivery in deliveries}
    pairs = Submission.objects.filter(delivery__in=by_id, state=state).order_by()
    counted = Counter(pairs.values_list("delivery_id", "task_id"))
    tasks = AssessmentTask.objects.in_bulk({task for _delivery, task in counted})
    found = [
        ReadySet(by_id[delivery], tasks[task], count) for (delivery, task), count in counted.items()
    ]
    return sorted(found, key=lambda one: (one.delivery.title, one.task.number))


@dataclass
class RatifierHome:
    """What waits for a ratifier, most urgent first."""

    batches: list[Ratification]
    ready: list[ReadySet]
    reconsiderations: list[Reconsideration]
    recalls: list[Recall]


def ratifier_home(user: User) -> RatifierHome:
    """Batches to sign, sets to open, reconsiderations to conclude, recalls that wait for a second person."""
    signing = list(
        Delivery.objects.with_role(user, DeliveryRoleKind.RATIFIER).select_related("version")
    )
    leading = Delivery.objects.with_role(user, DeliveryRoleKind.LEAD_MODERATOR)
    deliveries = {one.pk for one in signing} | set(leading.values_list("pk", flat=True))
    batches = (
        Ratification.objects.open()
        .filter(delivery__in=signing)
        .exclude(signatures__ratifier=user)
        .select_related("delivery__version", "task")
        .prefetch_related("signatures", "lines")
    )
    listed = {
        (batch.delivery_id, batch.task_id)
        for batch in Ratification.objects.open().filter(delivery__in=signing)
    }
    ready = [
        one
        for one in waiting_sets(signing, S.MODERATED)
        if (one.delivery.pk, one.task.pk) not in listed
    ]
    fresh = AssessmentDecision.objects.filter(
        submission=OuterRef("submission"),
        basis=Basis.RECONSIDERATION,
        sealed_at__isnull=False,
        number__gt=OuterRef("decision_before__number"),
    )
    reconsiderations = list(
        Reconsideration.objects.open()
        .filter(Exists(fresh), submission__delivery__in=deliveries)
        .select_related("submission__delivery__version", "submission__task")
    )
    recalls = [
        one
        for one in Recall.objects.open()
        .filter(delivery__in=deliveries)
        .select_related("delivery__version", "task", "asked_by")
        if one.asked_by_id != user.pk
    ]
    return RatifierHome(list(batches), ready, reconsiderations, recalls)
