"""Deadlines: set, moved, cancelled, each with its reminders in the same transaction."""

import datetime as dt
import importlib.metadata
import re
import zoneinfo
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from accounts.models import Actor, SystemActor, User
from workflows.enums import DeadlineState, ReminderState
from workflows.exceptions import StaleState
from workflows.models import Deadline, DeadlineMove, Reminder
from workflows.working_days import add_working_days

# Used where nobody gives other offsets; a version's policy gives them. d: days on the wall clock, h: hours
# that pass, wd: working days. A minus is before the deadline.
DEFAULT_OFFSETS = ("-7d", "-48h", "0d", "+1wd", "+3wd")
OFFSET = re.compile(r"([+-]?\d{1,4})(wd|d|h)")
MORNING = dt.time(8)


def person_of(actor: Actor) -> User | None:
    return None if isinstance(actor, SystemActor) else actor


def at_wall(wall: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """A wall-clock time as a moment. A time that the clocks skip counts as the same time after the gap."""
    return wall.replace(tzinfo=zone).astimezone(dt.UTC)


def fire_time(due_at: dt.datetime, offset: str, zone: str, region: str = "") -> dt.datetime:
    """When a reminder goes out. Each offset names its clock: "-1d" is not "-24h" over a change of clocks."""
    parts = OFFSET.fullmatch(offset)
    if parts is None:
        raise ValueError(f"{offset} names no clock; use d, h or wd")
    number, unit = int(parts[1]), parts[2]
    if unit == "h":
        # In UTC: Python adds to an aware local time as the wall clock does, not as time passes.
        return due_at.astimezone(dt.UTC) + dt.timedelta(hours=number)
    where = zoneinfo.ZoneInfo(zone)
    wall = due_at.astimezone(where).replace(tzinfo=None)
    if unit == "wd":
        day = add_working_days(wall.date(), number, region)
        return at_wall(dt.datetime.combine(day, MORNING), where)
    if number == 0:
        return min(at_wall(dt.datetime.combine(wall.date(), MORNING), where), due_at)
    return at_wall(wall + dt.timedelta(days=number), where)


@transaction.atomic
def set_deadline(
    *,
    subject: models.Model,
    kind: str,
    due_at: dt.datetime,
    zone: str,
    recipients: Iterable[User],
    offsets: Sequence[str] | None = None,
    actor: Actor,
    region: str = "",
) -> Deadline:
    """Make a deadline and its reminders. An open one of the same kind is moved there instead."""
    found = Deadline.objects.select_for_update().of(subject).open().filter(kind=kind).first()
    if found is not None:
        moved = move_deadline(found, due_at=due_at, actor=actor, reason="")
        arm(moved, recipients)
        return moved
    made = Deadline.objects.create(
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        kind=kind,
        due_at=due_at,
        zone=zone,
        region=region,
        offsets=list(DEFAULT_OFFSETS if offsets is None else offsets),
        **provenance(due_at, zone),
    )
    DeadlineMove.objects.create(
        deadline=made, generation=1, due_to=due_at, actor=person_of(actor), reason=""
    )
    arm(made, recipients)
    return made


def provenance(due_at: dt.datetime, zone: str) -> dict[str, str]:
    """Wall time and version of the time-zone data, so that a later change of the rules can be seen."""
    wall = due_at.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)
    return {
        "wall_time": wall.isoformat(timespec="minutes"),
        "tzdata_version": importlib.metadata.version("tzdata"),
    }


def arm(deadline: Deadline, recipients: Iterable[User]) -> None:
    """Make the reminders that are not there yet. Moments that lie behind already are left out."""
    now = timezone.now()
    fresh = []
    for person in recipients:
        for offset in deadline.offsets:
            fire_at = fire_time(deadline.due_at, offset, deadline.zone, deadline.region)
            if fire_at >= now:
                fresh.append(
                    Reminder(
                        deadline=deadline,
                        offset=offset,
                        recipient=person,
                        generation=deadline.generation,
                        fire_at=fire_at,
                    )
                )
    Reminder.objects.bulk_create(fresh, ignore_conflicts=True)


@transaction.atomic
def move_deadline(
    deadline: Deadline, *, due_at: dt.datetime, actor: Actor, reason: str
) -> Deadline:
    """Move a deadline and all its reminders, in one generation more.

    Planned reminders get their new moment; sent ones whose moment lies ahead again are armed again; those
    whose new moment is over already are cancelled. A reminder goes out once in a generation.
    """
    locked: Deadline = Deadline.objects.select_for_update().get(pk=deadline.pk)
    if locked.state != DeadlineState.OPEN:
        raise StaleState(instance=locked)
    before = locked.due_at
    locked.due_at = due_at
    locked.generation += 1
    for name, value in provenance(due_at, locked.zone).items():
        setattr(locked, name, value)
    locked.save(update_fields=["due_at", "generation", "wall_time", "tzdata_version"])
    now = timezone.now()
    people: set[Any] = set()
    for offset in set(locked.offsets):
        fire_at = fire_time(due_at, offset, locked.zone, locked.region)
        rows = Reminder.objects.filter(deadline=locked, offset=offset)
        people.update(rows.values_list("recipient", flat=True))
        if fire_at >= now:
            rows.update(
                fire_at=fire_at,
                generation=locked.generation,
                state=ReminderState.PLANNED,
                because="",
                fired_at=None,
            )
        else:
            rows.filter(state=ReminderState.PLANNED).update(
                fire_at=fire_at,
                generation=locked.generation,
                state=ReminderState.CANCELLED,
                because="Its moment was over when the deadline was moved.",
            )
    # An offset that lay behind when the deadline was made has no row yet.
    arm(locked, User.objects.filter(pk__in=people))
    DeadlineMove.objects.create(
        deadline=locked,
        generation=locked.generation,
        due_from=before,
        due_to=due_at,
        actor=person_of(actor),
        reason=reason,
    )
    return locked


@transaction.atomic
def cancel_deadline(deadline: Deadline, *, actor: Actor, reason: str = "") -> Deadline:
    """Close a deadline; nothing that was planned goes out. Cancelling twice is harmless."""
    locked: Deadline = Deadline.objects.select_for_update().get(pk=deadline.pk)
    if locked.state == DeadlineState.OPEN:
        locked.state = DeadlineState.CANCELLED
        locked.save(update_fields=["state"])
        locked.reminders.filter(state=ReminderState.PLANNED).update(
            state=ReminderState.CANCELLED, because="The deadline was cancelled."
        )
        DeadlineMove.objects.create(
            deadline=locked,
            generation=locked.generation,
            due_from=locked.due_at,
            actor=person_of(actor),
            reason=reason,
        )
    return locked
