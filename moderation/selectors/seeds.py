"""Hidden agreed work for its lead: how each assessor marked it, and how that moves."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Q

from accounts.models import User
from assessment.calibration import Verdict
from assessment.models import SeedPlan
from assessment.selectors.seeds import (
    SeedRow,
    choices_for,
    obstacles,
    rows_of_seeds,
    seeds_of,
    takers,
    verdict_on,
)
from catalogue.models import AssessmentTask, Delivery
from moderation.charts import Chart, Estimate, intervals, lines
from moderation.selectors.agreement import led_by

ENDS = (-2.0, 2.0)
TICKS = (-2, -1, 0, 1, 2)
ON_WORK = "seeds__submission"
ASKS = Q(seeds__withdrawal__isnull=True) & (
    Q(**{f"{ON_WORK}__holds__isnull": False, f"{ON_WORK}__holds__closed_at__isnull": True})
    | Q(
        **{
            f"{ON_WORK}__feedback_reviews__isnull": False,
            f"{ON_WORK}__feedback_reviews__answered_at__isnull": True,
        }
    )
)
"""Seeds on hold for a concern of the assessor, or with a question to somebody senior that is open."""


@dataclass(frozen=True)
class SeededTask:
    """One task of a delivery that the person leads."""

    delivery: Delivery
    task: AssessmentTask
    running: SeedPlan | None
    hidden: int
    waits: int
    """Pieces about which the assessor has a question or a concern that nobody has answered."""


def seeded_tasks(user: User) -> list[SeededTask]:
    """Every task of the deliveries that the person leads, in which seeds run or ran first. Three queries.

    What was hidden for the person is counted nowhere.
    """
    led = list(
        Delivery.objects.filter(pk__in=led_by(user))
        .select_related("version__micro_credential")
        .prefetch_related("version__tasks")
        .order_by("-starts_on", "code")
    )
    plans: dict[tuple[UUID, UUID], list[SeedPlan]] = defaultdict(list)
    for one in (
        SeedPlan.objects.visible_to(user)
        .annotate(
            hidden=Count("seeds", filter=~Q(seeds__assessor=user), distinct=True),
            waits=Count("seeds", filter=~Q(seeds__assessor=user) & ASKS, distinct=True),
        )
        .order_by("begun_at")
    ):
        plans[one.delivery_id, one.task_id].append(one)
    found = []
    for delivery in led:
        for task in delivery.version.tasks.all():
            known = plans[delivery.pk, task.pk]
            running = next((one for one in known if one.is_running), None)
            number = sum(vars(one)["hidden"] for one in known)
            waits = sum(vars(one)["waits"] for one in known)
            found.append(SeededTask(delivery, task, running, number, waits))
    return sorted(found, key=lambda one: (not one.waits, one.running is None, not one.hidden))


@dataclass(frozen=True)
class PersonOnSeeds:
    """What one assessor made of the seeds that count."""

    name: str
    decided: int
    verdict: Verdict

    @property
    def bias(self) -> float:
        """Mean signed difference in levels; + is kinder."""
        return float(self.verdict.bias)


@dataclass
class SeedStanding:
    """One task of one delivery: its plans, every seed, figures by person, and what stands in the way."""

    plans: list[SeedPlan]
    rows: list[SeedRow]
    people: list[PersonOnSeeds]
    charts: list[Chart] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    left: list[tuple[str, int]] = field(default_factory=list)
    """How many pieces of agreed work there are still for each assessor who can have any, while a plan runs."""

    @property
    def running(self) -> SeedPlan | None:
        return next((one for one in self.plans if one.is_running), None)

    @property
    def to_tell(self) -> list[SeedPlan]:
        """Plans that end with telling, and of which nobody has told yet."""
        return [one for one in self.plans if one.telling == "after" and one.told_at is None]


def seed_standing(delivery: Delivery, task: AssessmentTask, user: User) -> SeedStanding:
    """Everything that this person may see of the task's seeds."""
    plans = list(
        SeedPlan.objects.visible_to(user)
        .filter(delivery=delivery, task=task)
        .select_related("begun_by", "ended_by", "told_by", "delivery", "task__rubric")
        .order_by("-begun_at", "pk")
    )
    rows = rows_of_seeds(seeds_of(plans, user))
    people = people_on(rows, task)
    found = SeedStanding(plans, rows, people)
    if people:
        found.charts = [by_person(people), over_time(rows)]
    found.reasons = obstacles(delivery, task)
    if (running := found.running) is not None:
        found.left = [(one.name, len(choices_for(running, one))) for one in takers(delivery)]
    return found


def people_on(rows: Iterable[SeedRow], task: AssessmentTask) -> list[PersonOnSeeds]:
    """By name; people of whom nothing counts yet are left out."""
    mine: dict[UUID, list[SeedRow]] = defaultdict(list)
    for one in rows:
        if one.counts:
            mine[one.seed.assessor_id].append(one)
    found = []
    for some in mine.values():
        verdict = verdict_on(some, task)
        if verdict is not None:
            found.append(PersonOnSeeds(some[0].seed.assessor.name, len(some), verdict))
    return sorted(found, key=lambda one: one.name)


def by_person(people: Sequence[PersonOnSeeds]) -> Chart:
    """The mean signed difference of each assessor. Without intervals: so few pieces bear none."""
    far = [one for one in people if not one.verdict.passed]
    title = "Nobody lies outside the rule of calibration"
    if far:
        title = f"{len(far)} of {len(people)} {'lies' if len(far) == 1 else 'lie'} outside the rule"
    return intervals(
        "seeds",
        title,
        "The mean difference is the assessor's level minus the agreed one. Above 0 the assessor is kinder than "
        "agreed. A few pieces of work say little: they are a reason to talk, and change nothing.",
        [Estimate(one.name, one.bias, None, None, one.decided) for one in people],
        of="Assessor",
        measure="Mean difference",
        ends=ENDS,
        ticks=TICKS,
        shown="signed",
        reference=(0, "as agreed"),
        counted="Pieces",
    )


def over_time(rows: Iterable[SeedRow]) -> Chart:
    """The mean difference by the month in which the seeds were decided, all assessors together."""
    months: dict[str, list[SeedRow]] = defaultdict(list)
    for one in rows:
        if one.counts and one.decision is not None and one.decision.sealed_at is not None:
            zone = one.seed.plan.delivery.zone
            months[f"{one.decision.sealed_at.astimezone(zone):%Y-%m}"].append(one)
    order = sorted(months)
    values = [sum(one.signed for one in months[key]) / len(months[key]) for key in order]
    title = "A trend shows once agreed work was decided in two months"
    if len(order) > 1:
        change = abs(values[-1]) - abs(values[0])
        moved = "closer to" if change < 0 else "further from"
        title = (
            "Marking lies about as far from what was agreed as in the first month"
            if abs(change) < 0.1
            else f"Marking has moved {moved} what was agreed"
        )
    return lines(
        "seeds-trend",
        title,
        "Months are those in which agreed work was decided. Each dot is the mean difference of that month's pieces.",
        x_title="Month",
        y_title="Mean difference",
        x_labels=[
            f"{key}: {len(months[key])} piece{'' if len(months[key]) == 1 else 's'}"
            for key in order
        ],
        x_short=order,
        series=[("Mean difference", values)],
        ends=ENDS,
        ticks=TICKS,
        shown="signed",
    )
