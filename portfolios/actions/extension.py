"""More time: asking for it, and answering. Dates, deadline and reminders move together or not at all."""

import datetime as dt

from django.db import transaction

from accounts.models import User
from catalogue.rules import is_programme_administrator
from portfolios.actions.drafting import open_deadline, plain_text
from portfolios.actions.submission import open_deadlines
from portfolios.enums import ExtensionState
from portfolios.exceptions import ReasonNeeded
from portfolios.models import ExtensionRequest, Portfolio
from portfolios.transitions import ASK_EXTENSION
from workflows.actions import move_deadline
from workflows.exceptions import NotPermitted
from workflows.transitions import begin, perform


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
    return made


@transaction.atomic
def approve_extension(
    request: ExtensionRequest, *, actor: User, answer: str = ""
) -> ExtensionRequest:
    """Grant the date asked for; moves the portfolio's dates, its deadline and every reminder."""
    decided: ExtensionRequest = perform(request, "approve", actor=actor, answer=plain_text(answer))
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
    _move_dates(decided, actor)
    return decided


@transaction.atomic
def decline_extension(request: ExtensionRequest, *, actor: User, answer: str) -> ExtensionRequest:
    """The dates stay. The learner reads why."""
    if not answer.strip():
        raise ReasonNeeded("Tell the learner why.")
    declined: ExtensionRequest = perform(request, "decline", actor=actor, answer=plain_text(answer))
    return declined


def _move_dates(request: ExtensionRequest, actor: User) -> None:
    portfolio = Portfolio.objects.select_for_update(of=("self",), no_key=True).get(
        pk=request.portfolio_id
    )
    granted = request.granted_until
    assert granted is not None  # noqa: S101  both steps before set it
    grace = portfolio.cut_off_at - portfolio.due_at
    portfolio.due_at, portfolio.cut_off_at = granted, granted + grace
    portfolio.save(update_fields=["due_at", "cut_off_at"])
    running = list(open_deadlines(portfolio))
    for deadline in running:
        move_deadline(deadline, due_at=granted, actor=actor, reason="More time was granted")
    if not running:
        open_deadline(portfolio, actor=actor)
