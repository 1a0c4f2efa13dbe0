"""Deadlines: set, moved, cancelled, each with its reminders in the same transaction."""

import datetime as dt
import importlib.metadata
import zoneinfo
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from accounts.models import SYSTEM, Actor, SystemActor, User
from workflows.definitions import countings, deadline_moved
from workflows.enums import DeadlineState, ReminderState
from workflows.exceptions import StaleState
from workflows.models import (
    Deadline,
    DeadlineMove,
    NonWorkingDay,
    Reminder,
)
from workflows.selectors.offsets import Choices
from workflows.working_days import After, WorkingCalendar, at_wall, fire_time

# Used where nobody gives other offsets; a version's policy gives them. d: days on the wall clock, h: hours
# that pass, wd: working days. A minus is before the deadline.
DEFAULT_OFFSETS = ("-7d", "-48h", "0d", "+1wd", "+3wd")


# Why a reminder is not planned; both can become untrue again.
WITHOUT = "The person goes without it."
ELSEWHERE = "It is somebody else’s now."
# Why a reminder is noted and not planned: whoever has the date now was not named yet at its moment.
BEFORE_THEM = "Its moment was over when it came to this person."


def person_of(actor: Actor) -> User | None:
    return None if isinstance(actor, SystemActor) else actor


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
    after: After | None = None,
    required: Sequence[str] = (),
) -> Deadline:
    """Make a deadline and its reminders. An open one of the same kind is moved there instead.

    Setting it to the same date for the same people changes nothing. With `after` the date was
    counted from an event: it is counted again when the calendar changes. `required` names the offsets that
    nobody can choose to go without.
    """
    rows = Deadline.objects.select_for_update(no_key=True).of(subject).open()
    found: Deadline | None = rows.filter(kind=kind).first()
    if found is not None:
        found.counted_from = after.moment if after else None
        found.counted_days = after.days if after else None
        people = list(recipients)
        found.people = sorted(str(one.pk) for one in people)
        found.save(update_fields=["counted_from", "counted_days", "people"])
        if found.due_at != due_at:
            found = move_deadline(found, due_at=due_at, actor=actor, reason="")
        give_to(found, people)
        return found
    wanted = NewDeadline(
        subject, kind, due_at, zone, list(recipients), region, after, offsets, required
    )
    return make_deadlines([wanted], actor=actor)[0]


def give_to(deadline: Deadline, people: Sequence[User]) -> None:
    """Plan the reminders of these people, and set aside what others were still to get. The row is locked."""
    gone = deadline.reminders.filter(state=ReminderState.PLANNED).exclude(recipient__in=people)
    gone.update(state=ReminderState.CANCELLED, because=ELSEWHERE)
    arm(deadline, people)
    calendar, now = NonWorkingDay.objects.calendar(deadline.region), timezone.now()
    over = {
        offset: at
        for offset in deadline.offsets
        if (at := fire_time(deadline.due_at, offset, deadline.zone, calendar)) < now
    }
    # Without a row the nightly comparison would miss a reminder, and plan one that comes too late.
    Reminder.objects.bulk_create(
        (
            Reminder(
                deadline=deadline,
                offset=offset,
                recipient=person,
                generation=deadline.generation,
                fire_at=at,
                state=ReminderState.CANCELLED,
                because=BEFORE_THEM,
            )
            for person in people
            for offset, at in over.items()
        ),
        ignore_conflicts=True,
    )


@transaction.atomic
def pass_on(deadline: Deadline, people: Iterable[User]) -> None:
    """Remind these people of an open date from now on, and nobody else. The date and what has gone out stay."""
    locked, wanted = locked_deadline(deadline), list(people)
    if locked.state != DeadlineState.OPEN:
        return
    locked.people = sorted(str(one.pk) for one in wanted)
    locked.save(update_fields=["people"])
    give_to(locked, wanted)


@dataclass(frozen=True)
class NewDeadline:
    """A deadline that is not there yet, and who is reminded of it."""

    subject: models.Model
    kind: str
    due_at: dt.datetime
    zone: str
    recipients: Sequence[User]
    region: str = ""
    after: After | None = None
    offsets: Sequence[str] | None = None
    required: Sequence[str] = ()


@transaction.atomic
def make_deadlines(wanted: Sequence[NewDeadline], *, actor: Actor) -> list[Deadline]:
    """Make many deadlines with their reminders, in a number of statements that does not grow with them.

    The caller has made sure that no subject has an open one of that kind; the database refuses a second.
    """
    made = Deadline.objects.bulk_create(
        Deadline(
            subject_type=one.subject._meta.label_lower,
            subject_id=one.subject.pk,
            kind=one.kind,
            due_at=one.due_at,
            zone=one.zone,
            region=one.region,
            offsets=list(DEFAULT_OFFSETS if one.offsets is None else one.offsets),
            required=list(one.required),
            counted_from=one.after.moment if one.after else None,
            counted_days=one.after.days if one.after else None,
            people=sorted(str(person.pk) for person in one.recipients),
            **provenance(one.due_at, one.zone),
        )
        for one in wanted
    )
    DeadlineMove.objects.bulk_create(
        DeadlineMove(
            deadline=one, generation=1, due_to=one.due_at, actor=person_of(actor), reason=""
        )
        for one in made
    )
    calendars = {
        region: NonWorkingDay.objects.calendar(region) for region in {one.region for one in wanted}
    }
    choices = Choices.of(person.pk for one in wanted for person in one.recipients)
    reminders = [
        reminder
        for deadline, one in zip(made, wanted, strict=True)
        for reminder in reminders_ahead(deadline, one.recipients, calendars[one.region], choices)
    ]
    Reminder.objects.bulk_create(reminders, ignore_conflicts=True)
    return made


def provenance(due_at: dt.datetime, zone: str) -> dict[str, str]:
    """Wall time and version of the time-zone data, so that a later change of the rules can be seen."""
    wall = due_at.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)
    return {
        "wall_time": wall.isoformat(timespec="minutes"),
        "tzdata_version": importlib.metadata.version("tzdata"),
    }


def arm(deadline: Deadline, recipients: Iterable[User]) -> None:
    """Make the reminders that are not there yet, and plan those again whose reason has gone."""
    people = list(recipients)
    calendar = NonWorkingDay.objects.calendar(deadline.region)
    choices = Choices.of(one.pk for one in people)
    fresh = reminders_ahead(deadline, people, calendar, choices)
    Reminder.objects.bulk_create(fresh, ignore_conflicts=True)
    plan_again(fresh)


def plan_again(wanted: Sequence[Reminder]) -> None:
    """Plan the rows of these reminders that were set aside because somebody else had them or went without.

    Also those that went, or were given up, before the date moved while it was somebody else's.
    """
    if not wanted:
        return
    set_aside = models.Q(state=ReminderState.CANCELLED, because__in=[WITHOUT, ELSEWHERE])
    of_before = ~models.Q(state=ReminderState.PLANNED) & models.Q(
        generation__lt=models.F("deadline__generation")
    )
    aside = Reminder.objects.filter(
        set_aside | of_before,
        deadline__in={one.deadline_id for one in wanted},
        recipient__in={one.recipient_id for one in wanted},
    )
    moments = {(one.deadline_id, one.offset, one.recipient_id): one for one in wanted}
    again = []
    for row in aside:
        if one := moments.get((row.deadline_id, row.offset, row.recipient_id)):
            row.fire_at, row.generation = one.fire_at, one.generation
            row.state, row.because, row.fired_at = ReminderState.PLANNED, "", None
            again.append(row)
    if again:
        changed = ["fire_at", "generation", "state", "because", "fired_at"]
        Reminder.objects.bulk_update(again, changed)


def reminders_ahead(
    deadline: Deadline, recipients: Iterable[User], calendar: WorkingCalendar, choices: Choices
) -> list[Reminder]:
    """The unsaved reminders of a deadline that these people want. Moments that lie behind already are left out."""
    now = timezone.now()
    moments = {
        offset: fire_time(deadline.due_at, offset, deadline.zone, calendar)
        for offset in deadline.offsets
    }
    return [
        Reminder(
            deadline=deadline,
            offset=offset,
            recipient=person,
            generation=deadline.generation,
            fire_at=moments[offset],
        )
        for person in recipients
        for offset in choices.offsets(deadline, person.pk)
        if moments[offset] >= now
    ]


def locked_deadline(deadline: Deadline) -> Deadline:
    """The row, locked against others that change it.

    Not against rows that only point to it: a sweep that holds its reminders writes such rows, and each
    would wait for the other.
    """
    found: Deadline = Deadline.objects.select_for_update(no_key=True).get(pk=deadline.pk)
    return found


@transaction.atomic
def move_deadline(
    deadline: Deadline, *, due_at: dt.datetime, actor: Actor, reason: str
) -> Deadline:
    """Move a deadline and all its reminders, in one generation more.

    Planned reminders get their new moment; sent ones whose moment lies ahead again are armed again; those
    whose new moment is over already are cancelled, and so are those that a person goes without. A reminder
    goes out once in a generation.
    """
    locked = locked_deadline(deadline)
    if locked.state != DeadlineState.OPEN:
        raise StaleState(instance=locked)
    before = locked.due_at
    locked.due_at = due_at
    locked.generation += 1
    for name, value in provenance(due_at, locked.zone).items():
        setattr(locked, name, value)
    locked.save(update_fields=["due_at", "generation", "wall_time", "tzdata_version"])
    now = timezone.now()
    calendar = NonWorkingDay.objects.calendar(locked.region)
    mine = Reminder.objects.filter(deadline=locked)
    if locked.people is not None:
        mine = mine.filter(recipient__in=locked.people)
    people = set(mine.values_list("recipient", flat=True)) | set(map(UUID, locked.people or ()))
    choices = Choices.of(people)
    for offset in set(locked.offsets):
        fire_at = fire_time(due_at, offset, locked.zone, calendar)
        rows = mine.filter(offset=offset)
        fresh = {"fire_at": fire_at, "generation": locked.generation}
        declined = {one for one in people if offset not in choices.offsets(locked, one)}
        if declined:
            rows.filter(recipient__in=declined).update(
                state=ReminderState.CANCELLED, because=WITHOUT, fired_at=None, **fresh
            )
            rows = rows.exclude(recipient__in=declined)
        if fire_at >= now:
            rows.update(state=ReminderState.PLANNED, because="", fired_at=None, **fresh)
        else:
            rows.filter(state=ReminderState.PLANNED).update(
                state=ReminderState.CANCELLED,
                because="Its moment was over when the deadline was moved.",
                **fresh,
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
    locked = locked_deadline(deadline)
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


@transaction.atomic
def reopen_deadline(
    deadline: Deadline, *, due_at: dt.datetime, actor: Actor, reason: str
) -> Deadline:
    """Take up a cancelled deadline again, under the key that calendars know, with its reminders ahead.

    Two generations more: its cancellation was one for a calendar, and an entry counts if its number is higher.
    """
    locked = locked_deadline(deadline)
    if locked.state != DeadlineState.CANCELLED:
        raise StaleState(instance=locked)
    locked.state = DeadlineState.OPEN
    locked.generation += 1
    locked.save(update_fields=["state", "generation"])
    return move_deadline(locked, due_at=due_at, actor=actor, reason=reason)


@transaction.atomic
def cancel_deadlines(deadlines: "models.QuerySet[Any]", *, actor: Actor, reason: str = "") -> int:
    """Close all of these that are open, as cancel_deadline() does, in a number of statements that does not grow.

    Gives how many there were.
    """
    rows = deadlines.filter(state=DeadlineState.OPEN).order_by("pk")
    locked = list(rows.select_for_update(of=("self",), no_key=True))
    keys = [one.pk for one in locked]
    Deadline.objects.filter(pk__in=keys).update(state=DeadlineState.CANCELLED)
    Reminder.objects.filter(deadline__in=keys, state=ReminderState.PLANNED).update(
        state=ReminderState.CANCELLED, because="The deadline was cancelled."
    )
    DeadlineMove.objects.bulk_create(
        DeadlineMove(
            deadline=one,
            generation=one.generation,
            due_from=one.due_at,
            actor=person_of(actor),
            reason=reason,
        )
        for one in locked
    )
    return len(locked)


def should_be(deadline: Deadline, calendar: WorkingCalendar) -> dt.datetime:
    """The moment that a deadline means by the calendar and the time-zone data of today."""
    zone = zoneinfo.ZoneInfo(deadline.zone)
    local = deadline.due_at.astimezone(zone).replace(tzinfo=None, fold=0)
    if deadline.counted_from is not None and deadline.counted_days is not None:
        after = After(deadline.counted_from, deadline.counted_days, local.time())
        return after.resolve(zone, calendar)
    wall = dt.datetime.fromisoformat(deadline.wall_time)
    if local.replace(second=0, microsecond=0) == wall:
        return deadline.due_at
    kept = dt.timedelta(seconds=local.second, microseconds=local.microsecond)
    return at_wall(wall + kept, zone)


def say_from_when(rows: Sequence[Deadline]) -> None:
    """Fill in, in memory, from which event rows count that do not say so, where their kind knows it."""
    for kind, ask in countings.items():
        silent = [one for one in rows if one.kind == kind and one.counted_from is None]
        events = ask({one.subject_id for one in silent}) if silent else {}
        for one in silent:
            if event := events.get(one.subject_id):
                one.counted_from, one.counted_days = event


def as_it_is(calendar: WorkingCalendar) -> WorkingCalendar:
    return calendar


def recount(
    region: str | None = None,
    calendar_as: Callable[[WorkingCalendar], WorkingCalendar] = as_it_is,
    *,
    of_other_zone_data: bool = False,
) -> list[tuple[Deadline, dt.datetime]]:
    """Open deadlines ahead that no longer mean their moment, each with the one it means now. Changes nothing.

    With `calendar_as`, the moment that it would mean by the calendar as that gives it. With
    `of_other_zone_data`, only those that were set by another version of the time-zone data than today's.
    """
    rows = Deadline.objects.open().filter(due_at__gt=timezone.now())
    if region:
        rows = rows.filter(region=region)
    if of_other_zone_data:
        rows = rows.exclude(tzdata_version=importlib.metadata.version("tzdata"))
    calendars: dict[str, WorkingCalendar] = {}
    found: list[tuple[Deadline, dt.datetime]] = []
    going = rows.order_by("pk").iterator(chunk_size=1000)
    while chunk := list(islice(going, 1000)):
        say_from_when(chunk)
        for row in chunk:
            if row.region not in calendars:
                calendars[row.region] = calendar_as(NonWorkingDay.objects.calendar(row.region))
            wanted = should_be(row, calendars[row.region])
            if wanted != row.due_at and wanted > timezone.now():
                found.append((row, wanted))
    return found


def recount_deadlines(*, actor: Actor, reason: str, region: str | None = None) -> int:
    """Move what no longer means its moment, each in the same transaction as its reminders. Gives how many.

    The owners of the date are told through `deadline_moved`, so that their own copy moves with it. Reminders
    that are counted in working days follow the calendar too where their date stays.
    """
    moved = move_to(recount(region), actor=actor, reason=reason)
    count_reminders_anew(region)
    return moved


def move_to(moves: Sequence[tuple[Deadline, dt.datetime]], *, actor: Actor, reason: str) -> int:
    """Move each of these, and tell its owners, in a transaction of its own. Gives how many."""
    for row, wanted in moves:
        with transaction.atomic():
            fresh = move_deadline(row, due_at=wanted, actor=actor, reason=reason)
            for hook in deadline_moved.get(row.kind, ()):
                hook(fresh)
    return len(moves)


def follow_zone_data() -> int:
    """After an update of the time-zone data: move dates whose wall time now means another moment."""
    return move_to(recount(of_other_zone_data=True), actor=SYSTEM, reason="New time-zone data")


@transaction.atomic
def count_reminders_anew(region: str | None = None) -> int:
    """Plan reminders some working days before or after their date by the calendar of today. Gives how many moved."""
    rows = Reminder.objects.filter(
        state=ReminderState.PLANNED, offset__endswith="wd", deadline__state=DeadlineState.OPEN
    )
    if region:
        rows = rows.filter(deadline__region=region)
    calendars: dict[str, WorkingCalendar] = {}
    wanted: dict[tuple[int, int], dt.datetime] = {}
    for row in rows.select_related("deadline").order_by("pk").iterator(chunk_size=1000):
        deadline = row.deadline
        if deadline.region not in calendars:
            calendars[deadline.region] = NonWorkingDay.objects.calendar(deadline.region)
        at = fire_time(deadline.due_at, row.offset, deadline.zone, calendars[deadline.region])
        if at != row.fire_at:
            wanted[row.pk, row.generation] = at
    held = Reminder.objects.filter(
        pk__in=[key for key, _generation in wanted], state=ReminderState.PLANNED
    ).select_for_update()
    changed = [row for row in held.order_by("pk") if (row.pk, row.generation) in wanted]
    for row in changed:
        row.fire_at = wanted[row.pk, row.generation]
    Reminder.objects.bulk_update(changed, ["fire_at"], batch_size=1000)
    return len(changed)
