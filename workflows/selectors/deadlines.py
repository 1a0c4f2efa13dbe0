"""What moving a deadline would do, before it is done."""

import datetime as dt
import zoneinfo
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from workflows.enums import ReminderState
from workflows.models import Deadline, NonWorkingDay, Reminder
from workflows.selectors.offsets import Choices
from workflows.working_days import fire_time


@dataclass(frozen=True)
class ReminderChange:
    """One reminder of one person: when it goes out now, and when it would."""

    offset: str
    before: dt.datetime | None
    after: dt.datetime | None


@dataclass
class MoveEffect:
    """What a new date means for the people of one deadline."""

    deadline: Deadline
    due_at: dt.datetime
    people: list[Any] = field(default_factory=list)
    reminders: list[ReminderChange] = field(default_factory=list)

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.deadline.zone)


def preview_moves(moves: Iterable[tuple[Deadline, dt.datetime]]) -> list[MoveEffect]:
    """People and reminders of each deadline as a move to the new date would leave them. Four queries.

    `after` is None for a reminder that would not go out any more; `before` is None for one that has gone out
    or was left out, and would go again.
    """
    found = {deadline.pk: MoveEffect(deadline, due_at) for deadline, due_at in moves}
    rows: dict[int, list[Reminder]] = defaultdict(list)
    for row in Reminder.objects.filter(deadline__in=found).select_related("recipient"):
        rows[row.deadline_id].append(row)
    choices = Choices.of(row.recipient_id for many in rows.values() for row in many)
    calendars: dict[str, Any] = {}
    now = timezone.now()
    for key, effect in found.items():
        deadline = effect.deadline
        if deadline.region not in calendars:
            calendars[deadline.region] = NonWorkingDay.objects.calendar(deadline.region)
        effect.people = list({row.recipient_id: row.recipient for row in rows[key]}.values())
        for offset in deadline.offsets:
            at = fire_time(effect.due_at, offset, deadline.zone, calendars[deadline.region])
            planned = [
                row.fire_at
                for row in rows[key]
                if row.offset == offset and row.state == ReminderState.PLANNED
            ]
            before = planned[0] if planned else None
            wanted = any(offset in choices.offsets(deadline, one.pk) for one in effect.people)
            after = at if at >= now and (wanted or not effect.people) else None
            if before or after:
                effect.reminders.append(ReminderChange(offset, before, after))
    return list(found.values())
