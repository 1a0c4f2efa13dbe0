"""A person's dates: what is due, in order, and whether it still waits for anything."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from workflows.definitions import owners, reminder_batches, reminder_relevance, reminder_texts
from workflows.enums import DeadlineState
from workflows.models import Deadline, Reminder
from workflows.selectors.entries import calendar_of, entry, label_of

BACK = dt.timedelta(days=60)


@dataclass(frozen=True)
class Item:
    """One date: what it is, where it leads, and its zone."""

    deadline: Deadline
    label: str
    title: str
    path: str

    @property
    def due_at(self) -> dt.datetime:
        return self.deadline.due_at

    @property
    def is_over(self) -> bool:
        return self.deadline.due_at < timezone.now()


def deadlines_of(person: User) -> Any:
    """Deadlines that are the person's, also by their kind; on rows from before people were named, by reminders.

    Not what they had and have no more: beside the same work of somebody else, its end would tell of the other.
    """
    named = (
        Q(people__contains=[str(person.pk)])
        if connection.features.supports_json_field_contains
        else Q(people__icontains=str(person.pk))
    )
    mine = Reminder.objects.filter(recipient=person).values("deadline")
    theirs = named | Q(people__isnull=True, pk__in=mine)
    for kind, ask in owners.items():
        theirs |= Q(kind=kind, subject_id__in=ask(person))
    return Deadline.objects.filter(theirs)


def agenda_of(
    person: User, begin: dt.datetime | None = None, end: dt.datetime | None = None
) -> list[Item]:
    """Open dates of the person that still wait for something, soonest first."""
    rows = deadlines_of(person).filter(state=DeadlineState.OPEN).order_by("due_at", "pk")
    if begin is not None:
        rows = rows.filter(due_at__gte=begin)
    if end is not None:
        rows = rows.filter(due_at__lt=end)
    return list(items_for(person, rows[:500]))


def items_for(person: User, deadlines: Iterable[Deadline]) -> Iterable[Item]:
    """Each with the words and the place of its reminder; kinds that answer for many are asked once."""
    rows = list(deadlines)
    made = {
        number: Reminder(pk=-number, deadline=row, recipient=person, offset="0d")
        for number, row in enumerate(rows, start=1)
    }
    texts: dict[int, tuple[str, str, dict[str, Any]]] = {}
    for kind, batch in reminder_batches.items():
        mine = [one for one in made.values() if one.deadline.kind == kind]
        if mine:
            texts |= batch(mine)
    for number, row in enumerate(rows, start=1):
        text = texts.get(-number)
        if row.kind not in reminder_batches:
            ask = reminder_relevance.get(row.kind)
            if ask is not None and not ask(row):
                continue
            word = reminder_texts.get(row.kind)
            text = word(made[number]) if word is not None else ("", "/", {})
        if text is not None:
            _topic, path, context = text
            title = str(context.get("task") or context.get("version") or "")
            yield Item(row, label_of(row), title, path)


def feed_of(person: User) -> bytes:
    """The person's dates as a calendar, those of the last two months and all ahead; over is cancelled."""
    rows = deadlines_of(person).filter(due_at__gte=timezone.now() - BACK).order_by("due_at", "pk")
    return calendar_of(
        entry(row, label_of(row), f"{settings.SITE_URL}/calendar/") for row in rows[:1000]
    )
