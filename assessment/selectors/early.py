"""What stands in the places of an early check, and which work waits for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Prefetch, QuerySet

from accounts.models import User
from assessment.enums import WORK_STATES
from assessment.models import (
    AssessmentDecision,
    CriterionJudgement,
    EarlyCheck,
    EarlyPlace,
    EarlyReading,
)
from catalogue.enums import DeliveryRoleKind
from portfolios.enums import EvidenceState, PartKind, SubmissionState
from portfolios.models import EvidenceItem, Part, SubmissionEvidence


@dataclass(frozen=True)
class DecidedPlace:
    """One of the first pieces of work with the decision that counts, or with which it was referred back."""

    pk: int
    place: EarlyPlace
    decision: AssessmentDecision
    readings: list[EarlyReading]
    still_assesses: bool
    """Whether the author of the decision can still be asked about it."""

    @property
    def is_read(self) -> bool:
        """By anybody, as it is now: a later decision has to be read again."""
        return any(one.decision_id == self.decision.pk for one in self.readings)

    @property
    def has_concern(self) -> bool:
        return any(
            one.decision_id == self.decision.pk and not one.is_sound for one in self.readings
        )

    @property
    def waits_for_answer(self) -> bool:
        return self.still_assesses and any(
            one.decision_id == self.decision.pk and one.sent_back and not hasattr(one, "answer")
            for one in self.readings
        )


def decided_places(check: EarlyCheck) -> list[DecidedPlace]:
    """The places on whose work a decision stands, by number. Nothing of drafts or of half a pair."""
    places = list(
        check.places.exclude(submission__state__in=WORK_STATES)
        .select_related("submission__task", "submission__rubric", "submission__delivery")
        .prefetch_related("readings__moderator", "readings__answer")
        .order_by("number")
    )
    decisions: dict[UUID, AssessmentDecision] = {}
    sealed = AssessmentDecision.objects.sealed().filter(
        submission__in=[one.submission_id for one in places]
    )
    for one in sealed.select_related("author", "grade", "submission").order_by("number"):
        counts = one.final_at is not None or one.submission.state == SubmissionState.REFERRED
        if counts:
            decisions[one.submission_id] = one
    assess = set(
        check.delivery.roles.current()
        .filter(role=DeliveryRoleKind.ASSESSOR, user__is_active=True)
        .values_list("user_id", flat=True)
    )
    return [
        DecidedPlace(
            one.pk,
            one,
            decisions[one.submission_id],
            list(one.readings.all()),
            decisions[one.submission_id].author_id in assess,
        )
        for one in places
        if one.submission_id in decisions
    ]


def sent_back_to(user: User) -> QuerySet[Any]:
    """Readings of the person's own decisions that were sent back to them, in order of places."""
    found: QuerySet[Any] = (
        EarlyReading.objects.filter(sent_back=True, decision__author=user)
        .filter(place__check_of__in=EarlyCheck.objects.answered_by(user))
        .select_related(
            "answer", "decision", "place__submission", "place__check_of__task",
            "place__check_of__delivery",
        )
        .order_by("place__check_of", "place__number", "at")
    )  # fmt: skip
    return found


def with_judgements(readings: QuerySet[Any]) -> list[tuple[EarlyReading, list[CriterionJudgement]]]:
    """Each with the judgements of its decision, in the order of the rubric. Two queries."""
    rubric = CriterionJudgement.objects.select_related("criterion", "level").order_by(
        "criterion__number"
    )
    rows = readings.prefetch_related(Prefetch("decision__judgements", rubric))
    return [(one, list(one.decision.judgements.all())) for one in rows]


def evidence_open_to(
    user: User, submissions: Iterable[UUID]
) -> dict[UUID, list[SubmissionEvidence]]:
    """By submission, the evidence that the person may open in the viewer now, by number. One query."""
    seen = EvidenceItem.objects.visible_to(user).filter(state=EvidenceState.READY)
    found: dict[UUID, list[SubmissionEvidence]] = {}
    for pin in SubmissionEvidence.objects.filter(
        submission__in=list(submissions), evidence__in=seen
    ).order_by("number"):
        found.setdefault(pin.submission_id, []).append(pin)
    return found


def to_answer(user: User) -> list[EarlyCheck]:
    """Open checks in which the person has not answered yet, oldest first."""
    waiting = sent_back_to(user).filter(answer__isnull=True)
    found: list[EarlyCheck] = list(
        EarlyCheck.objects.open()
        .filter(pk__in=waiting.order_by().values("place__check_of"))
        .select_related("task", "delivery")
    )
    return found


def reader_left(place: EarlyPlace, actor: User) -> Part | None:
    """The part in which the moderator reads the work now."""
    found: Part | None = Part.objects.filter(
        submission=place.submission_id,
        person=actor,
        kind=PartKind.MODERATOR,
        ended_at__isnull=True,
    ).first()
    return found


def waiting_for_check(submissions: "QuerySet[Any]") -> "QuerySet[Any]":
    """Of these, unopened work that cannot be opened before the early check is passed."""
    full = (
        EarlyCheck.objects.open()
        .filter(delivery=OuterRef("delivery"), task=OuterRef("task"))
        .annotate(taken=Count("places"))
        .filter(taken__gte=F("size"))
    )
    return submissions.filter(
        Exists(full), state=SubmissionState.SUBMITTED, early_place__isnull=True
    )


def waiting_checks(user: User) -> list[EarlyCheck]:
    """Open checks of the person's deliveries with something to read, oldest first."""
    found: list[EarlyCheck] = list(
        EarlyCheck.objects.visible_to(user)
        .open()
        .filter(
            Exists(
                EarlyPlace.objects.filter(check_of=OuterRef("pk")).exclude(
                    submission__state__in=WORK_STATES
                )
            )
        )
        .select_related("task", "delivery")
    )
    return found
