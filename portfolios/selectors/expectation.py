"""When a result may be expected, and how long a submission stood in each state."""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils import timezone

from catalogue.models import Delivery
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from workflows.selectors.service import spells_of
from workflows.working_days import WorkingCalendar


@dataclass(frozen=True)
class Expectation:
    """When a result is to be expected, and what that is made of."""

    day: dt.date
    working_days: int
    from_experience: int
    is_over: bool


ENOUGH_RESULTS = 5
LOOK_BACK_DAYS = 400
MOST_RESULTS = 500
S = SubmissionState
PLANNED = {
    S.SUBMITTED: "marking.days",
    S.IN_ASSESSMENT: "marking.days",
    S.IN_ADJUDICATION: "marking.days",
    S.ASSESSED: "moderation.days",
    S.IN_MODERATION: "moderation.days",
    S.MODERATED: "service.sign_off_days",
    S.RATIFIED: "service.sign_off_days",
}
"""The policy that says how many working days a state may last, for each in which a result is waited for."""


@dataclass
class Forecast:
    """What is known about how long results of some tasks take in a delivery; `lengths` by task and attempt."""

    delivery: Delivery
    calendar: WorkingCalendar
    lengths: dict[tuple[UUID, int], list[int]] = field(default_factory=dict)
    known: dict[tuple[UUID, int, dt.date], Expectation] = field(default_factory=dict)

    @classmethod
    def of(
        cls, delivery: Delivery, calendar: WorkingCalendar, tasks: Collection[UUID]
    ) -> "Forecast":
        """The working days to each of the latest results of the last year, shortest first. One query."""
        made = cls(delivery, calendar)
        since = timezone.now() - dt.timedelta(days=LOOK_BACK_DAYS)
        released = Submission.objects.filter(task__in=tasks, released_at__gte=since)
        rows = released.order_by("-released_at").values_list(
            "task", "attempt", "submitted_at", "released_at"
        )
        between: dict[tuple[dt.date, dt.date], int] = {}
        found: dict[tuple[UUID, int], list[int]] = defaultdict(list)
        for task, attempt, begun, done in rows[:MOST_RESULTS]:
            dates = made.day_of(begun), made.day_of(done)
            if dates not in between:
                between[dates] = made.calendar.between(*dates)
            found[task, attempt].append(between[dates])
        made.lengths = {key: sorted(some) for key, some in found.items()}
        return made

    @cached_property
    def planned(self) -> int:
        """The sum of the policy's days for marking, moderation and sign-off."""
        return sum(int(self.delivery.policy_value(key)) for key in set(PLANNED.values()))

    def day_of(self, moment: dt.datetime) -> dt.date:
        return moment.astimezone(self.delivery.zone).date()

    def result(self, task: UUID, attempt: int, submitted_at: dt.datetime) -> Expectation:
        """The working day by which four of five results of the task were released after submission.

        Below five results it is what is planned. `is_over` says that the day is past: it takes longer than
        usual.
        """
        begun = self.day_of(submitted_at)
        if (task, attempt, begun) not in self.known:
            self.known[task, attempt, begun] = self._result(task, attempt, begun)
        return self.known[task, attempt, begun]

    def _result(self, task: UUID, attempt: int, begun: dt.date) -> Expectation:
        lengths = self.lengths.get((task, attempt), [])
        enough = len(lengths) >= ENOUGH_RESULTS
        days = lengths[math.ceil(len(lengths) * 0.8) - 1] if enough else self.planned
        day = self.calendar.add(begun, days)
        return Expectation(
            day, days, len(lengths) if enough else 0, day < self.day_of(timezone.now())
        )


def expected_result(submission: Submission) -> Expectation:
    """When the learner may expect the result."""
    delivery = submission.delivery
    forecast = Forecast.of(delivery, delivery.calendar, [submission.task_id])
    return forecast.result(submission.task_id, submission.attempt, submission.submitted_at)


@dataclass(frozen=True)
class Stay:
    """One stay of a submission in a state, for those who run the delivery."""

    label: str
    since: dt.datetime
    until: dt.datetime | None
    working_days: int
    planned: int | None

    @property
    def is_over(self) -> bool:
        """Whether it has taken more working days than planned."""
        return self.planned is not None and self.working_days > self.planned


def stays_of(
    submissions: Iterable[Submission], delivery: Delivery, calendar: WorkingCalendar
) -> dict[Any, list[Stay]]:
    """Every stay of each submission, oldest first, with what is planned for it. One query."""
    labels = dict(SubmissionState.choices)
    keys = [one.pk for one in submissions]
    spells = spells_of(Submission._meta.label_lower, keys, calendar, delivery.zone)
    return {
        key: [
            Stay(
                str(labels.get(one.state, one.state)),
                one.since,
                one.until,
                one.working_days,
                int(delivery.policy_value(PLANNED[S(one.state)])) if one.state in PLANNED else None,
            )
            for one in some
        ]
        for key, some in spells.items()
    }


def days_in(submission: Submission, steps: Iterable[Collection[str]]) -> list[int]:
    """Working days that the submission has stood in the states of each step."""
    delivery = submission.delivery
    spells = spells_of(
        Submission._meta.label_lower, [submission.pk], delivery.calendar, delivery.zone
    ).get(submission.pk, [])
    return [sum(one.working_days for one in spells if one.state in states) for states in steps]
