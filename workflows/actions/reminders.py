"""Reminders go out: claimed by index, asked again, written with their mark."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from workflows.definitions import reminder_relevance, reminder_texts
from workflows.enums import DeadlineState, Lane, ReminderState
from workflows.models import Reminder
from workflows.notifications import notify
from workflows.outbox import nudge


def sweep_due(batch: int = 200) -> int:
    """Send out the reminders whose moment has come. Gives how many people were reminded.

    Rows are claimed by index and skipped where another sweep holds them; what they cause is committed with
    their mark. After an outage a person gets the latest that still applies, the others are superseded.
    """
    sent = 0
    while True:
        fired, claimed = sweep_batch(batch)
        sent += fired
        if claimed < batch:
            break
    if sent:
        nudge()
    return sent


@transaction.atomic
def sweep_batch(batch: int) -> tuple[int, int]:
    """One claimed batch: how many were sent, how many were looked at."""
    due = Reminder.objects.due().select_for_update(of=("self",), skip_locked=True)
    rows = list(due.select_related("deadline", "recipient").order_by("fire_at", "id")[:batch])
    latest = {(row.deadline_id, row.recipient_id): row.pk for row in rows}
    wanted: dict[int, bool] = {}
    fired = 0
    for row in rows:
        state, because = verdict(row, latest, wanted)
        if state == ReminderState.FIRED:
            send(row)
            fired += 1
        Reminder.objects.filter(pk=row.pk).update(
            state=state, because=because, fired_at=Now() if state == ReminderState.FIRED else None
        )
    return fired, len(rows)


def verdict(
    row: Reminder, latest: dict[tuple[int, Any], int], wanted: dict[int, bool]
) -> tuple[str, str]:
    """What becomes of a due reminder, and why if it does not go out."""
    deadline = row.deadline
    if deadline.state != DeadlineState.OPEN or row.generation != deadline.generation:
        return ReminderState.CANCELLED, "The deadline is no longer this one."
    if not row.recipient.is_active:
        return ReminderState.CANCELLED, "The recipient's account is closed."
    if row.deadline_id not in wanted:
        ask = reminder_relevance.get(deadline.kind)
        wanted[row.deadline_id] = ask is None or bool(ask(deadline))
    if not wanted[row.deadline_id]:
        return ReminderState.CANCELLED, "Nothing is waited for any more."
    if latest[(row.deadline_id, row.recipient_id)] != row.pk:
        return ReminderState.SUPERSEDED, "A later reminder was due at the same time."
    if not row.offset.startswith("+") and deadline.due_at < timezone.now():
        return ReminderState.SUPERSEDED, "The deadline had passed."
    return ReminderState.FIRED, ""


def send(row: Reminder) -> None:
    """Tell the recipient, once in a generation."""
    deadline = row.deadline
    text = reminder_texts.get(deadline.kind)
    if text is None:
        raise LookupError(f"No text for reminders of {deadline.kind}")
    topic, path, context = text(row)
    notify(
        topic=topic,
        recipients=[row.recipient],
        path=path,
        context=context,
        lane=Lane.REMINDER,
        dedupe=f"reminder:{deadline.pk}:{row.offset}:{deadline.generation}",
    )
