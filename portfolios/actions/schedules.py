"""What happens in a delivery, and what it means for portfolios: they begin with it and move with it."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import CLOCK, Actor
from catalogue.actions import when
from catalogue.actions.hooks import previews_schedule
from catalogue.models import Delivery, Enrolment, TaskSchedule
from portfolios.actions.drafting import (
    SUBMISSION_KINDS,
    create_portfolio,
    follow_dates,
    tell_of_new_date,
)
from portfolios.enums import ENDED_ATTEMPT
from portfolios.models import Portfolio, Submission
from workflows.models import Deadline
from workflows.selectors.deadlines import MoveEffect, preview_moves


def begun(schedule: TaskSchedule) -> "QuerySet[Any]":
    """First attempts of the task, with whether something was submitted that still counts."""
    live = Submission.objects.filter(portfolio=OuterRef("pk")).exclude(state__in=ENDED_ATTEMPT)
    rows: QuerySet[Any] = Portfolio.objects.filter(
        enrolment__delivery=schedule.delivery_id, task=schedule.task_id, attempt=1
    )
    annotated: QuerySet[Any] = rows.annotate(is_submitted=Exists(live)).order_by("pk")
    return annotated


def keeps_its_date(portfolio: Portfolio, due_at: dt.datetime) -> bool:
    """A later date that somebody was granted stays."""
    return portfolio.granted_until is not None and portfolio.due_at >= due_at


@dataclass
class ScheduleEffect:
    """Whom new dates concern: who gets them with which reminders, who keeps a later one, who is done."""

    moving: list[MoveEffect] = field(default_factory=list)
    silent: int = 0
    keeping: list[Portfolio] = field(default_factory=list)
    submitted: list[Portfolio] = field(default_factory=list)

    @property
    def people(self) -> int:
        """How many get the new date."""
        return len(self.moving) + self.silent


@previews_schedule
def preview(*, schedule: TaskSchedule, due_at: dt.datetime, **facts: Any) -> ScheduleEffect:
    """The same reading of the rules as in `move_portfolios`, without the move."""
    found = ScheduleEffect()
    rows = list(begun(schedule).select_related("enrolment__learner"))
    due = {}
    for portfolio in rows:
        if portfolio.is_submitted:
            found.submitted.append(portfolio)
        elif keeps_its_date(portfolio, due_at):
            found.keeping.append(portfolio)
        elif portfolio.due_at != due_at:
            due[portfolio.pk] = portfolio
    deadlines = Deadline.objects.open().filter(
        subject_type=Portfolio._meta.label_lower, subject_id__in=due, kind__in=SUBMISSION_KINDS
    )
    moving = preview_moves((deadline, due_at) for deadline in deadlines)
    found.moving = sorted(moving, key=lambda one: [person.search_key for person in one.people])
    found.silent = len(due) - len(found.moving)
    return found


@when("delivery_opened")
def begin_portfolios(*, delivery: Delivery, actor: Actor, **facts: Any) -> None:
    """A portfolio for each learner and task, in the transaction that opens the delivery."""
    for enrolment in delivery.enrolments.current().select_related("learner", "delivery"):
        begin_portfolios_of(enrolment, actor=actor)


@when("learner_enrolled")
def begin_after_enrolment(*, enrolment: Enrolment, actor: Actor, **facts: Any) -> None:
    """The same for somebody who comes when the delivery is open already."""
    if enrolment.delivery.opened_at is not None:
        begin_portfolios_of(enrolment, actor=actor)


def begin_portfolios_of(enrolment: Enrolment, *, actor: Actor) -> None:
    """Every portfolio that the enrolment asks for and that is not there yet."""
    for schedule in enrolment.delivery.schedules.select_related("task"):
        create_portfolio(enrolment, schedule.task, actor=actor)


def without_portfolio() -> "QuerySet[Any]":
    """Current enrolments in open deliveries that lack the portfolio of a scheduled task."""
    there = Portfolio.objects.filter(enrolment=OuterRef(OuterRef("pk")), task=OuterRef("task"))
    lacking = TaskSchedule.objects.filter(~Exists(there), delivery=OuterRef("delivery"))
    rows: QuerySet[Any] = Enrolment.objects.current().filter(
        Exists(lacking), delivery__opened_at__isnull=False, delivery__closed_at__isnull=True
    )
    return rows


def begin_missing_portfolios(limit: int = 500) -> int:
    """Begin what no opening and no enrolment began: a task that was scheduled later, rows from before.

    Gives the number of enrolments that were served. One query when nothing is missing. Each in a
    transaction of its own that holds the delivery, as whatever moves its dates or people does; several
    clocks may run at once.
    """
    served = 0
    waiting = without_portfolio().order_by("pk").values_list("pk", "delivery_id")[:limit]
    for pk, delivery in list(waiting):
        with transaction.atomic():
            Delivery.objects.select_for_update().get(pk=delivery)
            rows = without_portfolio().select_related("learner", "delivery")
            enrolment = rows.filter(pk=pk).first()
            if enrolment is None:
                continue
            begin_portfolios_of(enrolment, actor=CLOCK)
            served += 1
    return served


@when("schedule_moved")
def move_portfolios(*, schedule: TaskSchedule, reason: str, actor: Actor, **facts: Any) -> None:
    """Give every first attempt the new dates, its deadlines and reminders with it, and tell the learner.

    A later date that somebody was granted stays, and a referral keeps its own. Part of the transaction
    that moves the schedule: portfolio and deadline never disagree.
    """
    rows = (
        begun(schedule)
        .select_related("enrolment__learner", "enrolment__delivery__version", "task")
        .select_for_update(of=("self",), no_key=True)
    )
    for portfolio in rows:
        before = (portfolio.due_at, portfolio.cut_off_at)
        portfolio.opens_at = schedule.opens_at
        if not keeps_its_date(portfolio, schedule.due_at):
            portfolio.due_at = schedule.due_at
            portfolio.cut_off_at = schedule.cut_off_at
        portfolio.save(update_fields=["opens_at", "due_at", "cut_off_at"])
        if (portfolio.due_at, portfolio.cut_off_at) == before:
            continue
        if portfolio.is_submitted:
            continue
        follow_dates(portfolio, actor=actor, reason=reason or "The delivery's dates moved")
        if portfolio.due_at != before[0]:
            tell_of_new_date(portfolio)
