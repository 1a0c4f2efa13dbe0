"""The service clock: how long things stood in each state, in working days, read from their records."""

import datetime as dt
import zoneinfo
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from workflows.models import TransitionRecord
from workflows.working_days import WorkingCalendar


@dataclass(frozen=True)
class Spell:
    """One stay in one state; `until` is None while it lasts."""

    state: str
    since: dt.datetime
    until: dt.datetime | None
    working_days: int


def spells_of(
    subject_type: str,
    keys: Iterable[Any],
    calendar: WorkingCalendar,
    zone: zoneinfo.ZoneInfo,
) -> dict[Any, list[Spell]]:
    """The stays of many subjects, oldest first, in one query. The day on which a stay began is not counted."""
    records = (
        TransitionRecord.objects.filter(subject_type=subject_type, subject_id__in=list(keys))
        .order_by("subject_id", "seq")
        .values_list("subject_id", "target", "at")
    )
    moves: dict[Any, list[tuple[str, dt.datetime]]] = defaultdict(list)
    for subject, target, at in records:
        moves[subject].append((target, at))
    now = timezone.now()
    found: dict[Any, list[Spell]] = {}
    for subject, steps in moves.items():
        ends = [at for _state, at in steps[1:]]
        found[subject] = [
            Spell(
                state,
                since,
                until,
                calendar.between(
                    since.astimezone(zone).date(), (until or now).astimezone(zone).date()
                ),
            )
            for (state, since), until in zip(steps, [*ends, None], strict=True)
        ]
    return found
