"""Where people stand with calibration, what there is to mark, and own levels beside the agreed ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from assessment.calibration import Pair
from assessment.models import (
    CalibrationAttempt,
    CalibrationItem,
    CalibrationWaiver,
    Exemplar,
)
from catalogue.enums import DeliveryRoleKind
from catalogue.models import AssessmentTask, DeliveryRole


def unseen_exemplars(task: AssessmentTask, assessor: User) -> QuerySet[Exemplar]:
    """What is kept for calibration under the task's rubric and this person cannot know.

    Not what they froze, find in the bank, or marked in an earlier attempt or as a seed, nor the same work frozen
    anew; and nothing in which they had any part as somebody's submission.
    """
    met = Exemplar.objects.filter(
        Q(pk__in=Exemplar.objects.visible_to(assessor).values("pk"))
        | Q(made_by=assessor)
        | Q(calibration_items__attempt__assessor=assessor)
        | Q(seeds__assessor=assessor)
    )
    found: QuerySet[Exemplar] = (
        Exemplar.objects.fitting(task.rubric)
        .filter(for_calibration=True)
        .exclude(pk__in=met.values("pk"))
        .exclude(source__in=met.filter(source__isnull=False).values("source"))
        .exclude(source__parts__person=assessor)
        .exclude(source__learner=assessor)
        .exclude(source__decisions__author=assessor)
        .order_by("code")
        .distinct()
    )
    return found


@dataclass(frozen=True)
class Standing:
    """Where one person stands with one task."""

    task: AssessmentTask
    assessor: User
    is_asked: bool
    attempts: list[CalibrationAttempt]
    waiver: CalibrationWaiver | None

    @property
    def valid(self) -> CalibrationAttempt | None:
        """The passed attempt that holds longest."""
        held = [one for one in self.attempts if one.is_valid]
        return max(held, key=lambda one: one.valid_until or one.started_at, default=None)

    @property
    def open_attempt(self) -> CalibrationAttempt | None:
        return next((one for one in self.attempts if one.concluded_at is None), None)

    @property
    def last(self) -> CalibrationAttempt | None:
        return next((one for one in self.attempts if one.concluded_at is not None), None)

    @property
    def may_mark(self) -> bool:
        return self.valid is not None or self.waiver is not None

    @property
    def words(self) -> str:
        if self.valid is not None:
            return "Calibrated"
        if self.waiver is not None:
            return "Waived"
        if self.open_attempt is not None:
            return "Begun"
        if self.last is not None:
            return "Expired" if self.last.passed else "Not passed"
        return "Not calibrated"


def standings(pairs: Sequence[tuple[AssessmentTask, User, bool]]) -> list[Standing]:
    """Where these people stand with these tasks, in two queries."""
    hashes = {task.rubric.content_hash for task, _person, _asked in pairs}
    people = {person.pk for _task, person, _asked in pairs}
    attempts: dict[tuple[UUID, str], list[CalibrationAttempt]] = {}
    for one in CalibrationAttempt.objects.filter(assessor__in=people, rubric_hash__in=hashes):
        attempts.setdefault((one.assessor_id, one.rubric_hash), []).append(one)
    waivers = {
        (one.assessor_id, one.rubric_hash): one
        for one in CalibrationWaiver.objects.current()
        .filter(assessor__in=people, rubric_hash__in=hashes)
        .order_by("valid_until")
    }
    return [
        Standing(
            task,
            person,
            asked,
            attempts.get((person.pk, task.rubric.content_hash), []),
            waivers.get((person.pk, task.rubric.content_hash)),
        )
        for task, person, asked in pairs
    ]


def _pairs(roles: Iterable[DeliveryRole]) -> list[tuple[AssessmentTask, User, bool]]:
    """Each task and person once; asked for where any of the deliveries asks."""
    asked: dict[tuple[UUID, UUID], tuple[AssessmentTask, User, bool]] = {}
    for role in roles:
        wanted = bool(role.delivery.policy_value("marking.requires_calibration"))
        for task in role.delivery.version.tasks.all():
            before = asked.get((task.pk, role.user_id))
            both = wanted or (before is not None and before[2])
            asked[task.pk, role.user_id] = (task, role.user, both)
    return sorted(asked.values(), key=lambda one: (one[0].title, one[1].search_key))


def own_standings(user: User) -> list[Standing]:
    """The tasks that the person assesses anywhere."""
    return standings(_pairs(_roles(Q(user=user))))


def led_standings(user: User) -> list[Standing]:
    """The assessors of deliveries that the person leads."""
    led = user.delivery_roles.current().filter(role=DeliveryRoleKind.LEAD_MODERATOR)
    return standings(_pairs(_roles(Q(delivery__in=led.values("delivery")))))


def _roles(which: Q) -> QuerySet[DeliveryRole]:
    found: QuerySet[DeliveryRole] = (
        DeliveryRole.objects.current()
        .filter(which, role=DeliveryRoleKind.ASSESSOR, user__is_active=True)
        .select_related("user", "delivery__version__micro_credential")
        .prefetch_related("delivery__version__tasks__rubric")
    )
    return found


@dataclass(frozen=True)
class ComparedLevel:
    """One criterion: the person's level, the agreed one, and why it was agreed."""

    criterion: Any
    own: Any
    agreed: Any
    reason: str
    rationale: str

    @property
    def gap(self) -> int:
        return int(self.own.rank - self.agreed.rank)

    @property
    def words(self) -> str:
        """How far the person's level lies from the agreed one."""
        if self.gap == 0:
            return "The same"
        levels = "1 level" if abs(self.gap) == 1 else f"{abs(self.gap)} levels"
        return f"{levels} {'higher' if self.gap > 0 else 'lower'}"


@dataclass(frozen=True)
class ComparedItem:
    """One exemplar, own marking beside what was agreed."""

    item: CalibrationItem
    rows: list[ComparedLevel]

    @property
    def same_outcome(self) -> bool:
        return self.item.outcome == self.item.exemplar.outcome

    @property
    def pair(self) -> Pair:
        return pair_of(self.rows, self.same_outcome)


def pair_of(rows: Sequence[ComparedLevel], same_outcome: bool) -> Pair:
    """One piece of work for the rule of calibration: ranks by criterion, own and agreed."""
    own = {row.criterion.pk: row.own.rank for row in rows}
    return Pair(own, {row.criterion.pk: row.agreed.rank for row in rows}, same_outcome)


def beside(said: Any, agreed: Any, reason: str) -> ComparedLevel:
    """One judgement beside the level that was agreed for its criterion."""
    return ComparedLevel(said.criterion, said.level, agreed.level, reason, agreed.rationale)


def compared(attempt: CalibrationAttempt) -> list[ComparedItem]:
    """Everything that was marked beside what was agreed. For concluded attempts: it tells the levels."""
    items = attempt.items.select_related("exemplar").prefetch_related(
        "judgements__criterion",
        "judgements__level",
        "exemplar__levels__level",
    )
    found = []
    for item in items.order_by("number"):
        agreed = {one.criterion_id: one for one in item.exemplar.levels.all()}
        rows = [
            beside(one, agreed[one.criterion_id], one.reason)
            for one in sorted(item.judgements.all(), key=lambda one: one.criterion.number)
        ]
        found.append(ComparedItem(item, rows))
    return found


def next_item(attempt: CalibrationAttempt) -> CalibrationItem | None:
    """The first that is not marked."""
    found: CalibrationItem | None = (
        attempt.items.filter(marked_at__isnull=True).order_by("number").first()
    )
    return found
