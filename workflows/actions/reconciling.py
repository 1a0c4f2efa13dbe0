"""Comparing what there should be with what there is: reminders of deadlines, notices of reminders, events."""

import datetime as dt
import zoneinfo
from collections import defaultdict
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from accounts.actions import follow_ended_memberships
from accounts.models import User
from workflows.actions.deadlines import ELSEWHERE, WITHOUT, follow_zone_data
from workflows.actions.reminders import key_of
from workflows.enums import MessageKind, ReminderState
from workflows.machines import all_arrows
from workflows.models import (
    Deadline,
    NonWorkingDay,
    Notification,
    OutboxMessage,
    Reconciliation,
    Reminder,
    TransitionRecord,
)
from workflows.notifications import notify
from workflows.outbox import events_of, nudge_after_commit
from workflows.querysets import insert_many
from workflows.selectors.offsets import Choices
from workflows.working_days import WorkingCalendar, fire_time

log = structlog.get_logger(__name__)
NIGHT = dt.time(2)
ZONE = zoneinfo.ZoneInfo("Pacific/Auckland")
EXAMPLES = 50
LOOK_BACK = dt.timedelta(days=8)


class Comparison:
    """What was found; nothing is changed before `repair`."""

    def __init__(self) -> None:
        self.run = Reconciliation()
        self.missing: list[Reminder] = []
        self.wrong: list[tuple[Reminder, dt.datetime, int]] = []
        self.extra: list[Reminder] = []
        self.events: list[TransitionRecord] = []
        self.told: list[Reminder] = []

    def note(self, words: str) -> None:
        if len(self.run.findings) < EXAMPLES:
            self.run.findings.append(words)

    @property
    def difference(self) -> int:
        return self.run.missing + self.run.extra


def compare() -> Comparison:
    """Recompute from deadlines and records; reads only.

    A reminder should exist for each offset and person of an open deadline whose moment was not over when
    the deadline last moved, unless the person goes without it. A fired reminder should have its
    notification, and each record of the last eight days its event.
    """
    found = Comparison()
    compare_reminders(found)
    compare_notices(found)
    compare_events(found)
    found.run.missing = len(found.missing) + len(found.wrong) + len(found.told) + len(found.events)
    found.run.extra = len(found.extra)
    return found


def compare_reminders(found: Comparison) -> None:
    calendars: dict[str, WorkingCalendar] = {}
    deadlines = Deadline.objects.open().annotate(armed_at=Max("moves__at")).order_by("pk")
    chunk: list[Any] = []
    for deadline in deadlines.iterator(chunk_size=500):
        if deadline.region not in calendars:
            calendars[deadline.region] = NonWorkingDay.objects.calendar(deadline.region)
        chunk.append(deadline)
        if len(chunk) == 500:
            compare_chunk(found, chunk, calendars)
            chunk = []
    if chunk:
        compare_chunk(found, chunk, calendars)


def compare_chunk(
    found: Comparison, deadlines: list[Any], calendars: dict[str, WorkingCalendar]
) -> None:
    rows: dict[int, dict[tuple[str, str], Reminder]] = defaultdict(dict)
    for row in Reminder.objects.filter(deadline__in=[one.pk for one in deadlines]):
        rows[row.deadline_id][row.offset, str(row.recipient_id)] = row
    active = {
        str(key)
        for key in User.objects.filter(
            is_active=True, pk__in={key for one in deadlines for key in one.people or ()}
        ).values_list("pk", flat=True)
    }
    choices = Choices.of(
        {key for one in deadlines for key in one.people or ()}
        | {person for there in rows.values() for _offset, person in there}
    )
    found.run.deadlines += len(deadlines)
    for deadline in deadlines:
        there = rows[deadline.pk]
        people = (
            {person for _offset, person in there} if deadline.people is None else deadline.people
        )
        expected = set()
        for offset in deadline.offsets:
            at = fire_time(deadline.due_at, offset, deadline.zone, calendars[deadline.region])
            for person in people:
                if offset not in choices.offsets(deadline, person):
                    continue
                expected.add((offset, person))
                found.run.reminders += 1
                row = there.get((offset, person))
                since = [deadline.armed_at, choices.changed_at(person, deadline.kind)]
                armed_at = max((one for one in since if one), default=deadline.created_at)
                what = f"{deadline.kind} {deadline.pk}, {offset}"
                if row is None:
                    if at >= armed_at and person in active:
                        found.note(f"{what}: the reminder is missing")
                        found.missing.append(
                            Reminder(
                                deadline=deadline,
                                offset=offset,
                                recipient_id=person,
                                generation=deadline.generation,
                                fire_at=at,
                            )
                        )
                elif row.state == ReminderState.PLANNED and (
                    row.fire_at != at or row.generation != deadline.generation
                ):
                    found.note(f"{what}: planned for {row.fire_at}, not {at}")
                    found.wrong.append((row, at, deadline.generation))
                elif at >= timezone.now() and (
                    row.because in (WITHOUT, ELSEWHERE)
                    or (row.state != ReminderState.PLANNED and row.generation < deadline.generation)
                ):
                    found.note(f"{what}: set aside, though it is wanted")
                    found.wrong.append((row, at, deadline.generation))
        for key, row in there.items():
            if key not in expected and row.state == ReminderState.PLANNED:
                found.note(f"{deadline.kind} {deadline.pk}, {row.offset}: nobody should get it")
                found.extra.append(row)


def compare_notices(found: Comparison) -> None:
    """Fired reminders of the last days without what the recipient was told."""
    since = timezone.now() - LOOK_BACK
    fired = Reminder.objects.filter(state=ReminderState.FIRED, fired_at__gte=since)
    for row in fired.select_related("deadline").iterator(chunk_size=500):
        told = Notification.objects.filter(
            recipient=row.recipient_id, dedupe_key__endswith=f":{key_of(row)}:{row.recipient_id}"
        )
        if not told.exists():
            found.note(f"{row.deadline.kind} {row.deadline_id}, {row.offset}: fired, but untold")
            found.told.append(row)


def compare_events(found: Comparison) -> None:
    """Records of the last days without their event message."""
    since = timezone.now() - LOOK_BACK
    event = OutboxMessage.objects.filter(record=OuterRef("pk"), kind=MessageKind.EVENT)
    rows = TransitionRecord.objects.filter(at__gte=since)
    found.run.events = rows.count()
    for record in rows.annotate(has_event=Exists(event)).filter(has_event=False):
        found.note(f"record {record.pk}: it has no event")
        found.events.append(record)


@transaction.atomic
def reconcile(*, repair: bool = True) -> Reconciliation:
    """Compare, keep the result, and with `repair` create what is missing under the same keys.

    A difference is an alarm: it is logged as an error, shown as a metric and told to administrators.
    """
    found = compare()
    if repair and found.difference:
        Reminder.objects.bulk_create(found.missing, ignore_conflicts=True)
        for row, at, generation in found.wrong:
            Reminder.objects.filter(pk=row.pk, state=row.state).update(
                fire_at=at, generation=generation, state=ReminderState.PLANNED, because=""
            )
        Reminder.objects.filter(pk__in=[row.pk for row in found.told]).update(
            state=ReminderState.PLANNED, fired_at=None
        )
        Reminder.objects.filter(
            pk__in=[row.pk for row in found.extra], state=ReminderState.PLANNED
        ).update(state=ReminderState.CANCELLED, because="Nobody should get it.")
        topics = {one.step_id: one.topic for one in all_arrows()}
        insert_many(
            events_of(
                (topics[step], record)
                for record in found.events
                if (step := f"{record.subject_type}.{record.name}") in topics
            )
        )
        nudge_after_commit()
    found.run.save()
    if found.difference:
        log.error("reconciler.difference", missing=found.run.missing, extra=found.run.extra)
        notify(
            topic="workflows.reconciler.difference",
            recipients=User.objects.filter(is_staff=True, is_active=True),
            path="/manage/messages/",
            context={"missing": found.run.missing, "extra": found.run.extra},
            dedupe=f"reconciler:{found.run.pk}",
        )
    return found.run


def last_night(now: dt.datetime) -> dt.datetime:
    """The last two o'clock at night, in New Zealand's time."""
    local = now.astimezone(ZONE)
    night = dt.datetime.combine(local.date(), NIGHT, tzinfo=ZONE)
    return night if night <= local else night - dt.timedelta(days=1)


def reconcile_nightly() -> int:
    """Reconcile once a night, whoever asks how often. Gives 1 if it ran now."""
    night = last_night(timezone.now())
    if Reconciliation.objects.filter(at__gte=night).exists():
        return 0
    follow_what_time_changed()
    reconcile()
    return 1


def follow_what_time_changed() -> None:
    """What nobody does at its moment: time-zone data that came with an update, parts whose end was set ahead."""
    newest = Reconciliation.objects.aggregate(at=Max("at"))["at"]
    since = min(newest or timezone.now(), timezone.now() - dt.timedelta(days=1))
    for follow in (follow_zone_data, lambda: follow_ended_memberships(since)):
        try:
            follow()
        except Exception:  # the comparison is made all the same
            log.exception("reconciler.not_followed")
