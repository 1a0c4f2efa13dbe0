"""What stands in the places of an early check, and which work waits for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef

from accounts.models import User
from assessment.enums import WORK_STATES
from assessment.models import AssessmentDecision, EarlyCheck, EarlyPlace, EarlyReading
from portfolios.enums import PartKind, SubmissionState
from portfolios.models import Part, Submission


@dataclass(frozen=True)
class DecidedPlace:
    """One of the first pieces of work with the decision that counts, or with which it was referred back."""

    pk: int
    place: EarlyPlace
    decision: AssessmentDecision
    readings: list[EarlyReading]

    @property
    def is_read(self) -> bool:
        """By anybody, as it is now: a later decision has to be read again."""
        return any(one.decision_id == self.decision.pk for one in self.readings)

    @property
    def has_concern(self) -> bool:
        return any(
            one.decision_id == self.decision.pk and not one.is_sound for one in self.readings
        )


def decided_places(check: EarlyCheck) -> list[DecidedPlace]:
    """The places on whose work a decision stands, by number. Nothing of drafts or of half a pair."""
    places = list(
        check.places.exclude(submission__state__in=WORK_STATES)
        .select_related("submission__task", "submission__rubric", "submission__delivery")
        .prefetch_related("readings__moderator")
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
    return [
        DecidedPlace(one.pk, one, decisions[one.submission_id], list(one.readings.all()))
        for one in places
        if one.submission_id in decisions
    ]


def reader_left(place: EarlyPlace, actor: User) -> Part | None:
    """The part in which the moderator reads the work now."""
    found: Part | None = Part.objects.filter(
        submission=place.submission_id,
        person=actor,
        kind=PartKind.MODERATOR,
        ended_at__isnull=True,
    ).first()
    return found


def waiting_for_check(submissions: Iterable[UUID]) -> set[UUID]:
    """Of this unopened work, what cannot be opened before the early check is passed. One query."""
    full = (
        EarlyCheck.objects.open()
        .filter(delivery=OuterRef("delivery"), task=OuterRef("task"))
        .annotate(taken=Count("places"))
        .filter(taken__gte=F("size"))
    )
    found = Submission.objects.filter(
        Exists(full),
        pk__in=list(submissions),
        state=SubmissionState.SUBMITTED,
        early_place__isnull=True,
    )
    return set(found.order_by().values_list("pk", flat=True))


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
