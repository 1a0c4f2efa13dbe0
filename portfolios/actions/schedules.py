"""What a moved schedule of the delivery means for the portfolios that have begun."""

from typing import Any

from django.db.models import Exists, OuterRef

from accounts.models import Actor
from catalogue.actions import when
from catalogue.models import TaskSchedule
from portfolios.actions.submission import open_deadlines
from portfolios.enums import ExtensionState
from portfolios.models import ExtensionRequest, Portfolio
from workflows.actions import move_deadline

GRANTED = [ExtensionState.APPROVED, ExtensionState.CHANGED]


@when("schedule_moved")
def move_portfolios(*, schedule: TaskSchedule, reason: str, actor: Actor, **facts: Any) -> None:
    """Give every first attempt the new dates, its deadline and reminders with it.

    A later date that somebody was granted stays, and a referral keeps its own. Part of the transaction
    that moves the schedule: portfolio and deadline never disagree.
    """
    granted = ExtensionRequest.objects.filter(portfolio=OuterRef("pk"), state__in=GRANTED)
    rows = (
        Portfolio.objects.filter(
            enrolment__delivery=schedule.delivery_id, task=schedule.task_id, attempt=1
        )
        .annotate(is_extended=Exists(granted))
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    for portfolio in rows:
        portfolio.opens_at = schedule.opens_at
        due_before = portfolio.due_at
        if not portfolio.is_extended or portfolio.due_at < schedule.due_at:
            portfolio.due_at = schedule.due_at
            portfolio.cut_off_at = schedule.cut_off_at
        portfolio.save(update_fields=["opens_at", "due_at", "cut_off_at"])
        if portfolio.due_at == due_before:
            continue
        for deadline in open_deadlines(portfolio):
            move_deadline(
                deadline,
                due_at=portfolio.due_at,
                actor=actor,
                reason=reason or "The delivery's dates moved",
            )
