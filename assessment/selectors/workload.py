"""How much waits for whom, how long it takes, and who is there to do it."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from assessment.enums import WORK_STATES
from assessment.models import Allocation, AssessmentDecision, Leave, MarkingTime
from assessment.querysets import place_of_delivery
from catalogue.models import AssessmentTask, Delivery
from portfolios.enums import SubmissionState
from workflows.working_days import WorkingCalendar

PER_ITEM = "marking.minutes_per_item"


@dataclass(frozen=True)
class Times:
    """How many minutes marking one submission takes: set by the delivery for the task, else as the task's
    definition says, else by policy."""

    by_task: Mapping[tuple[UUID, UUID], int] = field(default_factory=dict)
    by_delivery: Mapping[UUID, int] = field(default_factory=dict)

    def of(self, delivery: UUID, task: UUID) -> int:
        return self.by_task.get((delivery, task), self.by_delivery.get(delivery, 0))


def times_of(deliveries: Iterable[Delivery]) -> Times:
    """The times of these deliveries, in two queries where their versions are loaded."""
    found = list(deliveries)
    keys = [one.pk for one in found]
    defined = AssessmentTask.objects.filter(version__deliveries__in=keys)
    said = defined.filter(marking_minutes__isnull=False).order_by()
    set_here = MarkingTime.objects.filter(delivery__in=keys)
    rows = [
        *said.values_list("version__deliveries", "pk", "marking_minutes"),
        *set_here.values_list("delivery_id", "task_id", "minutes"),
    ]
    return Times(
        {(place, task): minutes for place, task, minutes in rows if minutes is not None},
        {one.pk: int(one.policy_value(PER_ITEM)) for one in found},
    )  # fmt: skip


def _waiting(people: Collection[UUID]) -> QuerySet[Any]:
    """Live allocations of these people whose decision they have not sealed."""
    done = AssessmentDecision.objects.filter(
        submission=OuterRef("submission"), author=OuterRef("assessor"), sealed_at__isnull=False
    )
    open_states = [*WORK_STATES, SubmissionState.UNDER_RECONSIDERATION]
    rows: QuerySet[Any] = Allocation.objects.current().filter(
        ~Exists(done), assessor__in=people, submission__state__in=open_states
    )
    return rows.order_by()


def loads_of(assessors: Iterable[User]) -> Counter[UUID]:
    """How many pieces of work each of them still has to mark. Seeds are no pieces."""
    people = [person.pk for person in assessors]
    live = _waiting(people).filter(submission__delivery__seeds_for__isnull=True)
    counted = live.values("assessor").annotate(number=Count("pk"))
    loads: Counter[UUID] = Counter(dict.fromkeys(people, 0))
    loads.update(dict(counted.values_list("assessor", "number")))
    return loads


def in_hand(
    assessors: Iterable[User], *, with_seeds: bool = False
) -> tuple[Counter[UUID], Counter[UUID]]:
    """How many pieces wait for each of them in all deliveries, and how many minutes of marking; four queries.

    Seeds count only where the next seed is asked about: in any other figure those who allocate could work
    out who has one.
    """
    people = [person.pk for person in assessors]
    loads: Counter[UUID] = Counter(dict.fromkeys(people, 0))
    minutes: Counter[UUID] = Counter(dict.fromkeys(people, 0))
    places = ("assessor", "place", "submission__task")
    rows = _waiting(people)
    if not with_seeds:
        rows = rows.filter(submission__delivery__seeds_for__isnull=True)
    waiting = rows.annotate(place=place_of_delivery("submission__delivery"))
    counted = list(
        waiting.values(*places).annotate(number=Count("pk")).values_list(*places, "number")
    )
    deliveries = Delivery.objects.filter(pk__in={place for _one, place, _task, _n in counted})
    times = times_of(deliveries.select_related("version"))
    for person, place, task, number in counted:
        loads[person] += number
        minutes[person] += number * times.of(place, task)
    return loads, minutes


@dataclass(frozen=True)
class Absence:
    """Days on which somebody is away, so that they are given nothing by itself."""

    first: dt.date
    last: dt.date
    is_now: bool = True

    @property
    def words(self) -> str:
        """In the middle of a sentence: "away until 5 December"."""
        if self.is_now:
            return f"away until {self.last:%-d %B}"
        return f"away from {self.first:%-d %B} to {self.last:%-d %B}"


def absences_among(people: Iterable[UUID], delivery: Delivery) -> dict[UUID, Absence]:
    """Who of these cannot be counted on for work that comes today, by the delivery's days.

    Whoever is away today, and whoever will be away on more than half of the working days that the policy gives
    for marking.
    """
    today = timezone.now().astimezone(delivery.zone).date()
    rows = Leave.objects.filter(
        person__in=list(people), ended_at__isnull=True, last_day__gte=today
    ).order_by("first_day")
    leaves: defaultdict[UUID, list[tuple[dt.date, dt.date]]] = defaultdict(list)
    for person, first, last in rows.values_list("person_id", "first_day", "last_day"):
        leaves[person].append((first, last))
    if not leaves:
        return {}
    calendar = delivery.calendar
    days = working_days_after(today, int(delivery.policy_value("marking.days")), calendar)
    found = {}
    for person, spans in leaves.items():
        if now := [last for first, last in spans if first <= today]:
            found[person] = Absence(today, max(now))
            continue
        gone = [day for day in days if any(first <= day <= last for first, last in spans)]
        if 2 * len(gone) > len(days):
            reached = [last for first, last in spans if first <= gone[-1]]
            found[person] = Absence(spans[0][0], max(reached), is_now=False)
    return found


def working_days_after(day: dt.date, number: int, calendar: WorkingCalendar) -> list[dt.date]:
    """So many working days after this one."""
    found: list[dt.date] = []
    while len(found) < number:
        day = calendar.add(day, 1)
        found.append(day)
    return found
