"""Random stories of dates and readers with a frozen clock: nothing lost, doubled, out of date or at a wrong hour.

Dates move, twice in a moment too, change hands, are met and end; days off come and go; readers change zone, quiet
hours and what they want to be mailed; the machine and the mail server stop for a while. Each mail is judged as it
leaves, and each that does not leave as it is given up, by the choices and dates of that moment and by arithmetic of
its own: nothing of it asks the code when a reminder, a night or a morning is. On SQLite, where what is due goes by
the frozen clock.
"""

import datetime as dt
import os
import random
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone

from accounts.models import SYSTEM, User
from tests.testapp.models import Box
from tests.workflows.conftest import file_docket, person
from workflows import definitions, outbox
from workflows.actions import (
    After,
    cancel_deadline,
    move_deadline,
    pass_on,
    set_deadline,
    sweep_due,
)
from workflows.actions.calendar import DayRow, add_days_off, remove_day_off
from workflows.actions.deadlines import recount
from workflows.actions.digests import send_digests
from workflows.actions.preferences import UNASKED, choose_messages, unsubscribe
from workflows.actions.reconciling import compare
from workflows.enums import Category, Frequency, MessageState, ReminderState
from workflows.models import (
    Deadline,
    MessagePreference,
    NonWorkingDay,
    Notification,
    OutboxMessage,
    QuietHours,
    Reminder,
)
from workflows.notifications import Titles
from workflows.notifications.digest import look_again

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.only_sqlite,
    pytest.mark.proof,
]
FULL = os.environ.get("PROOF") == "full"
STORIES, STEPS = (100, 80) if FULL else (1, 20)
FIRST = int(os.environ.get("STORY", "0"))

ZONES = ["Pacific/Auckland", "Pacific/Chatham", "Australia/Lord_Howe", "Europe/London", "UTC"]
OFFSETS = [
    "-7d",
    "-2d",
    "-1d",
    "-48h",
    "-30h",
    "-20h",
    "-12h",
    "-6h",
    "-3h",
    "-1h",
    "0d",
    "+1wd",
    "+3wd",
]
SOON = "testapp.docket.soon"
DIGEST = "workflows.digest"
SPARE = dt.timedelta(minutes=10)
"""Whether somebody is to be disturbed is asked when news is written, and again after so long."""


# --- arithmetic of its own ---


def on_the_wall(day: dt.date, at: dt.time, zone: str) -> dt.datetime:
    """A wall-clock time; one that clocks skip, after the gap."""
    return dt.datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


def meant(deadline: Deadline, offset: str) -> dt.datetime:
    """When a reminder is to go out, by the design."""
    number, unit = int(offset.rstrip("hdw")), offset.lstrip("+-0123456789")
    if unit == "h":
        return deadline.due_at + dt.timedelta(seconds=3600 * number)
    local = deadline.due_at.astimezone(ZoneInfo(deadline.zone))
    day = local.date()
    if unit == "d" and number:
        return on_the_wall(
            day + dt.timedelta(days=number), local.time().replace(fold=0), deadline.zone
        )
    if unit == "d":
        early = local.time() <= dt.time(8)
        return on_the_wall(day - dt.timedelta(days=early), dt.time(8), deadline.zone)
    return on_the_wall(working_days_on(day, number), dt.time(8), deadline.zone)


def working_days_on(day: dt.date, number: int) -> dt.date:
    """So many working days later."""
    closed = set(
        NonWorkingDay.objects.filter(removed_at=None, region="").values_list("day", flat=True)
    )
    while number:
        day += dt.timedelta(days=1)
        number -= day.isoweekday() < 6 and day not in closed
    return day


def hours_of(reader: User) -> QuietHours:
    return QuietHours.objects.filter(user=reader).first() or QuietHours(is_on=True)


def rests(at: dt.time, hours: QuietHours) -> bool:
    """Whether the hours hold at that time of day."""
    if not hours.is_on or hours.begins == hours.ends:
        return False
    if hours.begins < hours.ends:
        return hours.begins <= at < hours.ends
    return not hours.ends <= at < hours.begins


def disturbs(now: dt.datetime, reader: User) -> bool:
    """Whether it is night or a quiet weekend where the reader is."""
    local, hours = now.astimezone(ZoneInfo(reader.time_zone)), hours_of(reader)
    at_weekend = hours.is_on and hours.weekends and local.isoweekday() > 5
    return at_weekend or rests(local.time(), hours)


def morning_after(now: dt.datetime, reader: User, *, weekly: bool = False) -> dt.datetime:
    """The reader's next digest: at half past seven, or when their quiet ends."""
    hours, day = hours_of(reader), now.astimezone(ZoneInfo(reader.time_zone)).date()
    at = hours.ends if rests(dt.time(7, 30), hours) else dt.time(7, 30)
    while True:
        moment = on_the_wall(day, at, reader.time_zone)
        free = (
            day.isoweekday() == 1
            if weekly
            else not (hours.is_on and hours.weekends and day.isoweekday() > 5)
        )
        if moment > now and free:
            return moment
        day += dt.timedelta(days=1)


class Story:
    """The people and dates of one story, and what left for whom."""

    def __init__(self, number: int, box: Any, clock: Any) -> None:
        self.draw = random.Random(number)
        self.clock, self.is_up, self.mail_is_up = clock, True, True
        self.keeper = person(f"Kim{number}", is_staff=True)
        self.people = [person(f"P{number}-{one}", time_zone=self.pick(ZONES)) for one in range(3)]
        self.dockets = [file_docket(box, self.people[0], title=f"D{one}") for one in range(4)]
        self.sent: Counter[Any] = Counter()
        self.wrong: list[str] = []
        self.met: dict[Any, dt.datetime] = {}
        self.rounds: list[dt.datetime] = []
        self.dropped: set[int] = set()
        self.written: set[int] = set()
        for docket in self.dockets:
            self.set_date(docket)

    def pick(self, some: Any) -> Any:
        return self.draw.choice(some)

    def still_waits(self, deadline: Deadline) -> bool:
        return deadline.subject_id not in self.met

    def set_date(self, docket: Any) -> None:
        zone = self.pick(ZONES)
        self.met.pop(docket.pk, None)
        found = Deadline.objects.of(docket).open().first()
        if found is not None:
            zone = found.zone
        after = After(timezone.now(), self.draw.randint(1, 4))
        is_counted = self.draw.random() < 0.5
        due = (
            after.resolve(ZoneInfo(zone), NonWorkingDay.objects.calendar())
            if is_counted
            else timezone.now() + dt.timedelta(minutes=self.draw.randint(5, 6_000))
        )
        made = set_deadline(
            subject=docket, kind="hand_in", due_at=due, zone=zone, actor=SYSTEM,
            offsets=OFFSETS, after=after if is_counted else None,
            recipients=self.draw.sample(self.people, self.draw.randint(1, 3)),
        )  # fmt: skip
        self.judge_planned(made)

    # --- what happens ---

    def step(self) -> None:
        self.pick(
            [self.goes_on] * 6
            + [self.moves, self.moves_twice, self.ends, self.changes_hands, self.passes_on]
            + [
                self.is_met,
                self.day_off,
                self.reader_chooses,
                self.reader_moves,
                self.unsubscribes,
                self.stops,
            ]
            + [self.is_held_up] * 3
        )()
        if self.is_up:
            self.round()

    def goes_on(self) -> None:
        minutes = self.pick([1, 5, 20, 60, 60, 60, 120, 180, 300, 480, 1440])
        self.clock.shift(dt.timedelta(minutes=minutes))

    def moves(self) -> None:
        rows = list(Deadline.objects.open().order_by("pk"))
        if rows:
            due = timezone.now() + dt.timedelta(minutes=self.draw.randint(1, 6_000))
            one = self.pick(rows)
            if one.counted_from is None:
                move_deadline(one, due_at=due, actor=SYSTEM, reason="")
                self.judge_planned(one)

    def moves_twice(self) -> None:
        self.moves()
        self.round()
        self.moves()

    def ends(self) -> None:
        docket = self.pick(self.dockets)
        if (one := Deadline.objects.of(docket).open().first()) is not None:
            cancel_deadline(one, actor=SYSTEM)
        else:
            self.set_date(docket)

    def changes_hands(self) -> None:
        self.set_date(self.pick(self.dockets))

    def passes_on(self) -> None:
        """Others are reminded from now on; the date stays."""
        rows = list(Deadline.objects.open().order_by("pk"))
        if rows:
            one = self.pick(rows)
            pass_on(one, self.draw.sample(self.people, self.draw.randint(1, 3)))
            self.judge_planned(one)
            if difference := compare().difference:
                self.wrong.append(f"passing on leaves a difference of {difference}")

    def is_met(self) -> None:
        self.met.setdefault(self.pick(self.dockets).pk, timezone.now())

    def day_off(self) -> None:
        ours = NonWorkingDay.objects.current().exclude(source="rule").order_by("pk")
        if ours and self.draw.random() < 0.5:
            remove_day_off(self.pick(list(ours)), actor=self.keeper)
        else:
            day = timezone.localdate() + dt.timedelta(days=self.draw.randint(0, 12))
            add_days_off([DayRow(day, "Closed")], actor=self.keeper)
        now = timezone.now()
        for row in Deadline.objects.open().filter(counted_from__isnull=False, due_at__gt=now):
            zone = ZoneInfo(row.zone)
            day = working_days_on(row.counted_from.astimezone(zone).date(), row.counted_days)
            if now < (wanted := on_the_wall(day, dt.time(17), row.zone)) != row.due_at:
                self.wrong.append(f"{row} is to be at {wanted}")

    def reader_chooses(self) -> None:
        hours = [dt.time(self.draw.randint(0, 23)), dt.time(self.draw.randint(0, 23))]
        choose_messages(
            actor=self.pick(self.people), language="site", wanted={},
            frequencies={Category.DATES: self.pick([Frequency.NOW] * 6 + list(Frequency))},
            is_on=self.draw.random() < 0.8, begins=hours[0], ends=hours[1],
            weekends=self.draw.random() < 0.5,
        )  # fmt: skip

    def reader_moves(self) -> None:
        User.objects.filter(pk=self.pick(self.people).pk).update(time_zone=self.pick(ZONES))

    def unsubscribes(self) -> None:
        if self.draw.random() < 0.2:
            unsubscribe(self.pick(self.people), Category.DATES)

    def stops(self) -> None:
        self.is_up, self.mail_is_up = self.draw.random() < 0.7, self.draw.random() < 0.6

    def is_held_up(self) -> None:
        """The mail server is away for some hours in which something changes, and then takes what waits."""
        self.mail_is_up = False
        for _hour in range(self.draw.randint(2, 8)):
            self.clock.shift(dt.timedelta(minutes=self.draw.randint(20, 120)))
            if self.is_up:
                self.round()
        changes = [self.moves, self.ends, self.is_met, self.changes_hands, self.reader_moves]
        self.pick([*changes, self.reader_chooses, self.unsubscribes, self.goes_on])()
        self.mail_is_up = True
        for _turn in range(3):
            # Longer than a mail waits for its next try.
            self.clock.shift(dt.timedelta(minutes=25))
            if self.is_up:
                self.round()

    def round(self) -> None:
        self.rounds.append(timezone.now())
        sweep_due()
        send_digests()
        outbox.deliver()
        late = Reminder.objects.filter(state=ReminderState.PLANNED, fire_at__lt=timezone.now())
        if late.exists():
            self.wrong.append(f"{late.count()} reminders are left behind")
        self.judge_written()
        self.judge_dropped()

    # --- what is planned, written and given up ---

    def judge_planned(self, deadline: Deadline) -> None:
        """Whoever has the date gets each reminder whose moment lies ahead."""
        now, fresh = timezone.now(), Deadline.objects.get(pk=deadline.pk)
        known = {(row.offset, str(row.recipient_id)): row for row in fresh.reminders.all()}
        for offset in OFFSETS:
            at = meant(fresh, offset)
            for reader in fresh.people if at > now else ():
                row = known.get((offset, reader))
                is_current = row is not None and row.generation == fresh.generation
                # One in working days whose day became a holiday once it had gone does not go again.
                is_over = (
                    offset.endswith("wd") and is_current and row.state != ReminderState.PLANNED
                )
                if not is_over and not (
                    is_current and row.state == ReminderState.PLANNED and row.fire_at == at
                ):
                    self.wrong.append(f"{offset} of {fresh} is not planned for {at}")

    def judge_written(self) -> None:
        """Each piece of news has its mail at once, its place in the next digest, or a reader who wants neither."""
        now = timezone.now()
        fresh = Notification.objects.exclude(pk__in=self.written).filter(topic=SOON)
        told: Counter[Any] = Counter(fresh.values_list("deadline", "recipient"))
        if max(told.values(), default=0) > 1:
            self.wrong.append(f"several reminders of one date at {now}")
        for one in fresh.select_related("recipient", "deadline"):
            self.written.add(one.pk)
            if one.deadline.subject_id in self.met:
                self.wrong.append(f"{one.dedupe_key} was written though nothing is waited for")
            offset = one.dedupe_key.split(":")[3]
            if offset[0] != "+" and one.deadline.due_at < now:
                self.wrong.append(f"{one.dedupe_key} was written after its date")
            row = Reminder.objects.get(
                deadline=one.deadline, offset=offset, recipient=one.recipient
            )
            if row.fire_at != meant(one.deadline, offset):
                self.wrong.append(f"{one.dedupe_key} was meant for another moment")
            frequency = self.frequency_of(one.recipient)
            message = OutboxMessage.objects.filter(notification=one).first()
            if message is None:
                if frequency != Frequency.INAPP:
                    self.wrong.append(f"{one.dedupe_key} has no mail")
                continue
            if message.channel == "digest" and message.state == MessageState.PENDING:
                due = one.deadline.due_at
                wanted = morning_after(now, one.recipient, weekly=frequency == Frequency.WEEKLY)
                if offset[0] != "+" and wanted >= due:
                    wanted = morning_after(now, one.recipient)
                if message.available_at != wanted:
                    self.wrong.append(f"{one.dedupe_key} waits until {message.available_at}")
                if offset[0] != "+" and one.deadline.due_at <= message.available_at:
                    self.wrong.append(f"{one.dedupe_key} waits beyond its date")
            if message.channel == "email" and not message.attempts:
                self.wrong.append(f"{one.dedupe_key} was left behind")

    def judge_dropped(self) -> None:
        """A mail is given up for one of these reasons, each true at that moment."""
        now = timezone.now()
        ended = OutboxMessage.objects.exclude(pk__in=self.dropped).filter(topic=SOON)
        ended = ended.exclude(state__in=[MessageState.PENDING, MessageState.SENT])
        for row in ended.select_related("notification__deadline", "notification__recipient"):
            self.dropped.add(row.pk)
            one, why = row.notification, row.last_error
            deadline, offset, generation = one.deadline, *one.dedupe_key.split(":")[3:5]
            reasons = {
                "The deadline is over.": deadline.state != "open",
                "The deadline has moved since.": deadline.generation != int(generation),
                "The deadline had passed.": deadline.due_at < now and offset[0] != "+",
                "Nothing is waited for any more.": deadline.subject_id in self.met,
                "Read already.": one.read_at is not None,
                UNASKED: self.frequency_of(one.recipient) == Frequency.INAPP,
            }
            is_old = now - row.created_at > dt.timedelta(hours=72)
            if not reasons.get(why, row.state == MessageState.DEAD and is_old):
                self.wrong.append(f"{one.dedupe_key} was given up: {row.state}, {why}")

    def frequency_of(self, reader: User) -> str:
        chosen = MessagePreference.objects.filter(user=reader, category=Category.DATES).first()
        return chosen.frequency if chosen is not None else Frequency.NOW

    # --- what leaves ---

    def send(self, notice: Notification, _message_id: str) -> str:
        if not self.mail_is_up:
            raise ConnectionError("421 Come back later")
        reader = User.objects.get(pk=notice.recipient_id)
        told = [notice]
        if notice.topic == DIGEST:
            look_again(notice, Titles())  # as the real sender does
            keys = [item["key"] for part in ("todo", "news") for item in notice.context[part]]
            told = list(Notification.objects.filter(pk__in=keys).select_related("deadline"))
        for one in told:
            self.sent[one.pk] += 1
            self.judge_news(one, reader, in_digest=notice.topic == DIGEST)
        self.judge_hour(notice, told, reader)
        return "250"

    def judge_news(self, one: Notification, reader: User, *, in_digest: bool) -> None:
        now = timezone.now()
        if self.frequency_of(reader) == Frequency.INAPP and not in_digest:
            self.wrong.append(f"{one.dedupe_key} was mailed though its reader wants none")
        deadline = Deadline.objects.get(pk=one.deadline_id)
        offset, generation = one.dedupe_key.split(":")[3:5]
        if deadline.state != "open" or deadline.generation != int(generation):
            self.wrong.append(f"{one.dedupe_key} is out of date")
        if offset[0] != "+" and one.created_at <= deadline.due_at < now - SPARE:
            self.wrong.append(f"{one.dedupe_key} came after its date")
        met = self.met.get(deadline.subject_id, now)
        if now - met > SPARE and now - one.created_at > SPARE:
            self.wrong.append(f"{one.dedupe_key} came though nothing was waited for any more")

    def judge_hour(self, notice: Notification, told: list[Notification], reader: User) -> None:
        now = timezone.now()
        if not disturbs(now, reader):
            return
        morning = morning_after(now, reader)
        dates = [
            one.deadline.due_at
            for one in told
            if one.deadline.due_at > now and one.dedupe_key.split(":")[3][0] != "+"
        ]
        fresh = now - notice.created_at <= SPARE and now > notice.created_at
        if not fresh and all(morning < one for one in dates):
            self.wrong.append(f"{notice.topic} came at {now} to {reader.time_zone}")

    def close(self) -> None:
        """Let everything run for as long as a mail is tried again at most, and longer."""
        self.is_up = self.mail_is_up = True
        for _turn in range(144):
            # Each hour: some readers are open to mails for one hour of the day only.
            self.clock.shift(dt.timedelta(hours=1))
            self.round()

    def judge(self) -> list[str]:
        found = list(self.wrong)
        found += [
            f"{key} was mailed {times} times" for key, times in self.sent.items() if times > 1
        ]
        keys = Notification.objects.filter(topic=SOON).values_list("dedupe_key", flat=True)
        fired = Reminder.objects.filter(state=ReminderState.FIRED)
        for row in fired.select_related("deadline"):
            ours = f"{SOON}:reminder:{row.deadline_id}:{row.offset}:{row.generation}:{row.recipient_id}"
            if ours not in keys:
                found.append(f"{row} went out and was not told")
        now = timezone.now()
        for one in OutboxMessage.objects.filter(state=MessageState.PENDING, kind="delivery"):
            weekly = Frequency.WEEKLY in {
                row.frequency for row in MessagePreference.objects.filter(category=Category.DATES)
            }
            longest = dt.timedelta(days=12 if weekly else 5)
            if one.available_at <= now or now - one.created_at > longest:
                found.append(f"{one.topic} of {one.created_at} waits until {one.available_at}")
        for row in Reminder.objects.select_related("deadline"):
            found += self.judge_row(row)
        if difference := compare().difference:
            found.append(f"the nightly comparison finds {difference}")
        return [*found, *(f"{row} should be at {at}" for row, at in recount())]

    def judge_row(self, row: Reminder) -> list[str]:
        """That it was to go out at the right moment, and that what did not go out could not."""
        deadline, at = row.deadline, row.fire_at
        if row.state == ReminderState.PLANNED:
            right = at == meant(deadline, row.offset) and deadline.state == "open"
            return [] if right else [f"{row} is planned for {at}, which its date does not mean"]
        if row.state == ReminderState.SUPERSEDED and row.generation == deadline.generation:
            if not row.offset.endswith("wd") and at != meant(deadline, row.offset):
                return [f"{row} was planned for {at}, which its date did not mean"]
            moved = deadline.moves.order_by("-pk").values_list("at", flat=True)[0]
            seen = [one for one in self.rounds if max(at, moved) <= one]
            if row.because == "The deadline had passed.":
                passed = bool(seen) and seen[0] > deadline.due_at and row.offset[0] != "+"
                return [] if passed else [f"{row} was passed over before its date"]
            later = deadline.reminders.filter(
                recipient=row.recipient_id, generation=row.generation, fire_at__gte=at
            ).exclude(pk=row.pk)
            return [] if later.exists() else [f"{row} gave way to none"]
        return []


@pytest.mark.parametrize("number", range(FIRST, STORIES))
@override_settings(QUIET_HOURS=True)
def test_no_story_loses_doubles_or_mistimes_a_notice(number, db, monkeypatch):
    monkeypatch.setitem(
        definitions.reminder_texts, "hand_in", lambda row: (SOON, "/", {"title": row.offset})
    )
    year, (month, day) = (
        2026 + number % 10,
        [(4, 1), (9, 24), (3, 25), (10, 28), (12, 22)][number % 5],
    )
    start = dt.datetime(year, month, day, 9, tzinfo=dt.UTC)
    with time_machine.travel(start, tick=False) as clock:
        story = Story(number, Box.objects.create(), clock)
        monkeypatch.setitem(definitions.reminder_relevance, "hand_in", story.still_waits)
        monkeypatch.setitem(definitions.senders, "email", story.send)
        # SQLite's own clock is not frozen; what is due is asked of the frozen one.
        monkeypatch.setattr(outbox, "Now", timezone.now)
        for _step in range(STEPS):
            story.step()
        story.close()
        wrong = story.judge()
        assert not wrong, "\n".join(map(str, wrong))
