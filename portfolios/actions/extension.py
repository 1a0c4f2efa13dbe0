"""More time: asking for it, and answering. Dates, deadline and reminders move together or not at all."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models import SYSTEM, User
from accounts.words import plain_text
from catalogue.actions import expect_answer, when
from catalogue.models import AssessmentTask, Delivery
from catalogue.rules import is_programme_administrator
from portfolios.actions.drafting import follow_dates, tell_of_new_date
from portfolios.enums import ENDED_ATTEMPT, ExtensionState
from portfolios.exceptions import ReasonNeeded
from portfolios.models import ExtensionRequest, Portfolio, Submission
from portfolios.selectors import administrators_of
from portfolios.transitions import ASK_EXTENSION
from workflows.actions import cancel_deadline, pass_on
from workflows.exceptions import NotPermitted
from workflows.models import Deadline
from workflows.transitions import begin, perform

ANSWER_DEADLINE = "extension_decision"


def _answered(request: ExtensionRequest, actor: User) -> None:
    """Nobody is reminded of what was answered."""
    for deadline in Deadline.objects.of(request).open().filter(kind=ANSWER_DEADLINE):
        cancel_deadline(deadline, actor=actor, reason="Answered")


@when("parts_changed")
def pass_requests_on(*, delivery: Delivery, **facts: Any) -> None:
    """Who may answer is reminded of what waits, also who came later; who left is not."""
    waiting = ExtensionRequest.objects.filter(
        portfolio__enrolment__delivery=delivery, state=ExtensionState.REQUESTED
    )
    for deadline in Deadline.objects.open().filter(
        kind=ANSWER_DEADLINE, subject_id__in=waiting.values("pk")
    ):
        pass_on(deadline, administrators_of(delivery))


def working_days(portfolio: Portfolio, start: dt.datetime, end: dt.datetime) -> int:
    """How many working days of the delivery's zone come after the one day, up to and with the other."""
    zone = portfolio.enrolment.delivery.zone
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    return portfolio.enrolment.delivery.calendar.between(first, last)


@transaction.atomic
def ask_for_more_time(
    portfolio: Portfolio, *, actor: User, until: dt.datetime, reason: str, note: str = ""
) -> ExtensionRequest:
    """Ask for a later due date. Who may answer is told through the outbox; asking twice gives the first."""
    fresh = Portfolio.objects.select_for_update(of=("self",), no_key=True).get(pk=portfolio.pk)
    waiting: ExtensionRequest | None = fresh.extension_requests.filter(
        state=ExtensionState.REQUESTED
    ).first()
    if waiting is not None and waiting.requested_by_id == actor.pk:
        return waiting
    if until <= fresh.due_at:
        raise ReasonNeeded("Choose a date after the one you have now.")
    made: ExtensionRequest = begin(
        ASK_EXTENSION,
        parent=fresh,
        actor=actor,
        build=lambda: ExtensionRequest(
            portfolio=fresh,
            requested_by=actor,
            reason=reason,
            note=plain_text(note),
            due_before=fresh.due_at,
            asked_until=until,
            working_days=working_days(fresh, fresh.due_at, until),
        ),
    )
    delivery = fresh.enrolment.delivery
    expect_answer(
        made,
        kind=ANSWER_DEADLINE,
        delivery=delivery,
        policy="extension.answer_days",
        recipients=administrators_of(delivery),
        offsets=["0d", "+1wd"],
        actor=SYSTEM,
    )
    return made


@transaction.atomic
def approve_extension(
    request: ExtensionRequest, *, actor: User, answer: str = ""
) -> ExtensionRequest:
    """Grant the date asked for; moves the portfolio's dates, its deadline and every reminder."""
    decided: ExtensionRequest = perform(request, "approve", actor=actor, answer=plain_text(answer))
    _answered(decided, actor)
    _move_dates(decided, actor)
    return decided


@transaction.atomic
def change_extension(
    request: ExtensionRequest, *, actor: User, until: dt.datetime, answer: str = ""
) -> ExtensionRequest:
    """Grant another date. An assessor may give no more days than the policy says."""
    delivery = request.portfolio.enrolment.delivery
    if until <= request.due_before:
        raise ReasonNeeded("Choose a date after the one the learner has now.")
    days = working_days(request.portfolio, request.due_before, until)
    if days > delivery.policy_value(
        "extension.assessor_max_days"
    ) and not is_programme_administrator(actor, delivery):
        raise NotPermitted(instance=request)
    decided: ExtensionRequest = perform(
        request, "change", actor=actor, until=until, answer=plain_text(answer)
    )
    _answered(decided, actor)
    _move_dates(decided, actor)
    return decided


@transaction.atomic
def decline_extension(request: ExtensionRequest, *, actor: User, answer: str) -> ExtensionRequest:
    """The dates stay. The learner reads why."""
    if not answer.strip():
        raise ReasonNeeded("Tell the learner why.")
    declined: ExtensionRequest = perform(request, "decline", actor=actor, answer=plain_text(answer))
    _answered(declined, actor)
    return declined


def _move_dates(request: ExtensionRequest, actor: User) -> None:
    portfolio = Portfolio.objects.select_for_update(of=("self",), no_key=True).get(
        pk=request.portfolio_id
    )
    granted = request.granted_until
    assert granted is not None  # noqa: S101  both steps before set it
    give_time(portfolio, granted, actor=actor, reason="More time was granted")


def give_time(portfolio: Portfolio, until: dt.datetime, *, actor: User, reason: str) -> None:
    """Give one portfolio its later date, with deadlines and reminders. The row is locked by the caller."""
    grace = portfolio.cut_off_at - portfolio.due_at
    portfolio.due_at, portfolio.cut_off_at = until, until + grace
    portfolio.granted_until = until
    portfolio.save(update_fields=["due_at", "cut_off_at", "granted_until"])
    follow_dates(portfolio, actor=actor, reason=reason)


@dataclass
class Concerned:
    """Whom more time for an event would concern."""

    moving: list[Portfolio]
    submitted: list[Portfolio]
    later: list[Portfolio]


def concerned(delivery: Delivery, task: AssessmentTask, until: dt.datetime) -> Concerned:
    """Portfolios of the task: those that would get the date, have submitted, or have as much already."""
    found = Concerned([], [], [])
    live = Submission.objects.filter(portfolio=OuterRef("pk")).exclude(state__in=ENDED_ATTEMPT)
    rows = (
        Portfolio.objects.filter(enrolment__delivery=delivery, task=task)
        .filter(enrolment__ended_at__isnull=True)
        .annotate(is_submitted=Exists(live))
        .select_related("enrolment__learner", "enrolment__delivery__version", "task")
        .order_by("enrolment__learner__search_key")
    )
    for row in rows:
        if row.is_submitted:
            found.submitted.append(row)
        elif row.due_at >= until:
            found.later.append(row)
        else:
            found.moving.append(row)
    return found


@transaction.atomic
def give_time_to_all(
    delivery: Delivery,
    task: AssessmentTask,
    *,
    actor: User,
    until: dt.datetime,
    reason: str,
    learners: Iterable[Any] | None = None,
) -> list[Portfolio]:
    """More time for an event that hit many: a storm, an outage. Only programme administrators.

    Without `learners` (keys of enrolments) all are meant. Who has submitted, or has as much time already,
    is left alone. Each gets one message; deadlines and reminders move in this transaction.
    """
    if not is_programme_administrator(actor, delivery):
        raise NotPermitted
    if not reason.strip():
        raise ReasonNeeded("Say what happened.")
    if until <= timezone.now():
        raise ReasonNeeded("Choose a date that lies ahead.")
    wanted = None if learners is None else {str(one) for one in learners}
    keys = [
        one.pk
        for one in concerned(delivery, task, until).moving
        if wanted is None or str(one.enrolment_id) in wanted
    ]
    rows = Portfolio.objects.select_for_update(of=("self",), no_key=True).filter(
        pk__in=keys, due_at__lt=until
    )
    given = list(rows.select_related("enrolment__delivery__version", "enrolment__learner", "task"))
    for portfolio in given:
        give_time(portfolio, until, actor=actor, reason=plain_text(reason).strip())
        tell_of_new_date(portfolio)
    return given
