"""Reminders go out: claimed by index, asked again, written with their mark, in batches."""

from collections import defaultdict
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from workflows.actions.deadlines import WITHOUT
from workflows.definitions import (
    overdue,
    reminder_batches,
    reminder_relevance,
    reminder_texts,
    reminders_together,
)
from workflows.enums import DeadlineState, Lane, ReminderState
from workflows.models import Reminder
from workflows.notifications import Draft, notify_all
from workflows.outbox import nudge
from workflows.querysets import clock
from workflows.selectors.offsets import Choices

log = structlog.get_logger(__name__)
Text = tuple[str, str, dict[str, Any]]


def sweep_due(batch: int = 500) -> int:
    """Send out the reminders whose moment has come. Gives how many people were reminded.

    Rows are claimed by index and skipped where another sweep holds them; what they cause is committed with
    their mark. After an outage a person gets the latest that still applies, the others are superseded with
    the reason. A reminder that cannot be worded is left for the next sweep and holds up no other.
    """
    sent = 0
    poison: set[int] = set()
    while True:
        try:
            fired, claimed = sweep_batch(batch, without=poison)
        except Exception:
            log.exception("reminders.batch_failed")
            fired, claimed = sweep_singly(batch, poison)
        sent += fired
        if claimed < batch:
            break
    if sent:
        nudge()
    return sent


def sweep_singly(batch: int, poison: set[int]) -> tuple[int, int]:
    """The same batch, each reminder in a transaction of its own; those that fail again are named in `poison`."""
    keys = list(
        Reminder.objects.due()
        .exclude(pk__in=poison)
        .order_by("fire_at", "id")
        .values_list("pk", flat=True)[:batch]
    )
    fired = 0
    for key in keys:
        try:
            fired += sweep_batch(1, only=key)[0]
        except Exception:
            log.exception("reminders.one_failed", reminder=key)
            poison.add(key)
    return fired, len(keys)


@transaction.atomic
def sweep_batch(
    batch: int, *, without: set[int] | None = None, only: int | None = None
) -> tuple[int, int]:
    """One claimed batch: how many were sent, how many were looked at."""
    due = Reminder.objects.due()
    if without:
        due = due.exclude(pk__in=without)
    if only is not None:
        due = due.filter(pk=only)
    later = Reminder.objects.filter(
        Q(fire_at__gt=OuterRef("fire_at")) | Q(fire_at=OuterRef("fire_at"), pk__gt=OuterRef("pk")),
        deadline=OuterRef("deadline"),
        recipient=OuterRef("recipient"),
        generation=OuterRef("generation"),
        # One that went out already too: a sweep that died, or words that failed, let it pass this one by.
        state__in=[ReminderState.PLANNED, ReminderState.FIRED],
        fire_at__lte=clock(due.db),
    )
    rows = list(
        due.annotate(is_overtaken=Exists(later))
        .select_related("deadline", "recipient")
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("fire_at", "id")[:batch]
    )
    choices = Choices.of(row.recipient_id for row in rows)
    marks: dict[tuple[str, str], list[int]] = defaultdict(list)
    asked: dict[str, list[Reminder]] = defaultdict(list)
    for row in rows:
        if row.generation > row.deadline.generation:
            # Moved while this statement read: the reminder is that of now, the deadline that of before.
            continue
        if refusal := refused(row, choices):
            marks[refusal].append(row.pk)
        else:
            asked[row.deadline.kind].append(row)
    drafts: dict[tuple[str, Any], Draft] = {}
    late_ones: list[Reminder] = []
    for kind, waiting in asked.items():
        texts = texts_of(kind, waiting)
        shared = shared_of(kind, [row for row in waiting if row.pk in texts])
        for row in waiting:
            if (text := texts.get(row.pk)) is None:
                marks[ReminderState.CANCELLED, "Nothing is waited for any more."].append(row.pk)
                continue
            marks[late(row)].append(row.pk)
            if late(row)[0] == ReminderState.FIRED:
                key, said = shared.get(row.pk) or (own_key(row), text)
                drafts.setdefault((key, row.recipient_id), draft_of(row, said, key))
                if row.offset.startswith("+"):
                    late_ones.append(row)
    others = [one for hook in overdue for one in hook(late_ones)] if late_ones else []
    notify_all([*drafts.values(), *others])
    for (state, because), keys in marks.items():
        Reminder.objects.filter(pk__in=keys).update(
            state=state, because=because, fired_at=Now() if state == ReminderState.FIRED else None
        )
    return len(drafts), len(rows)


def refused(row: Reminder, choices: Choices) -> tuple[str, str] | None:
    """What becomes of a due reminder that nothing needs to be asked about, and why."""
    deadline = row.deadline
    if deadline.state != DeadlineState.OPEN or row.generation != deadline.generation:
        return ReminderState.CANCELLED, "The deadline is no longer this one."
    if not row.recipient.is_active:
        return ReminderState.CANCELLED, "The recipient's account is closed."
    if not choices.is_wanted(row):
        return ReminderState.CANCELLED, WITHOUT
    return None


def late(row: Any) -> tuple[str, str]:
    """Whether a wanted reminder still helps: sent, late if need be, or superseded with the reason."""
    if row.is_overtaken:
        return ReminderState.SUPERSEDED, "A later reminder was due at the same time."
    if not row.offset.startswith("+") and row.deadline.due_at < timezone.now():
        return ReminderState.SUPERSEDED, "The deadline had passed."
    return ReminderState.FIRED, ""


def texts_of(kind: str, rows: list[Reminder]) -> dict[int, Text]:
    """Topic, path and context of each reminder that is still wanted."""
    if kind in reminder_batches:
        return reminder_batches[kind](rows)
    if kind not in reminder_texts:
        raise LookupError(f"No text for reminders of {kind}")
    ask = reminder_relevance.get(kind)
    wanted: dict[int, bool] = {}
    texts = {}
    for row in rows:
        if row.deadline_id not in wanted:
            wanted[row.deadline_id] = ask is None or bool(ask(row.deadline))
        if wanted[row.deadline_id]:
            texts[row.pk] = reminder_texts[kind](row)
    return texts


def shared_of(kind: str, rows: list[Reminder]) -> dict[int, tuple[str, Text]]:
    """Key and text of reminders that go out together with others of the same person and moment."""
    if kind not in reminders_together or not rows:
        return {}
    found = reminders_together[kind](rows)
    return {
        row.pk: (f"reminder:{kind}:{what}:{row.offset}:{row.fire_at.timestamp():.0f}", text)
        for row in rows
        if row.pk in found
        for what, text in [found[row.pk]]
    }


def own_key(row: Reminder) -> str:
    """Once in a generation."""
    return f"reminder:{row.deadline_id}:{row.offset}:{row.generation}"


def key_of(row: Reminder) -> str:
    """The part of the notification's key between topic and recipient."""
    shared = shared_of(row.deadline.kind, [row]).get(row.pk)
    return shared[0] if shared else own_key(row)


def draft_of(row: Reminder, text: Text, key: str) -> Draft:
    topic, path, context = text
    deadline = row.deadline
    return Draft(
        topic=topic,
        recipient=row.recipient,
        path=path,
        context=context,
        lane=Lane.REMINDER,
        anchor=key,
        subject=(deadline.subject_type, deadline.subject_id),
        deadline=deadline,
        useful_until=None if row.offset.startswith("+") else deadline.due_at,
    )
