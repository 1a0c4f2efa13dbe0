"""Random stories of dates and readers with a frozen clock: nothing lost, doubled, out of date or at a wrong hour.

Dates move, twice in a moment too, change hands and end; days off come and go; readers change zone, quiet hours and
what they want to be mailed; the machine and the mail server stop for a while. Each mail is judged as it leaves, by
the choices and dates of that moment. On SQLite, whose clock is the frozen one.
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
from workflows.actions import After, cancel_deadline, move_deadline, set_deadline, sweep_due
from workflows.actions.calendar import DayRow, add_days_off, remove_day_off
from workflows.actions.deadlines import recount
from workflows.actions.digests import send_digests
from workflows.actions.preferences import choose_messages, unsubscribe
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
from workflows.selectors.preferences import is_quiet, next_digest, zone_of
from workflows.working_days import fire_time

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.only_sqlite,
    pytest.mark.proof,
]
FULL = os.environ.get("PROOF") == "full"
STORIES, STEPS = (100, 80) if FULL else (1, 30)
ZONES = ["Pacific/Auckland", "Pacific/Chatham", "Australia/Lord_Howe", "Europe/London", "UTC"]
OFFSETS = ["-7d", "-48h", "-30h", "-20h", "-12h", "-6h", "-3h", "-1h", "0d", "+1wd", "+3wd"]
SOON = "testapp.docket.soon"
DIGEST = "workflows.digest"
SPARE = dt.timedelta(minutes=10)
"""Whether somebody is to be disturbed is asked when news is written, and again after so long."""


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
        for docket in self.dockets:
            self.set_date(docket)

    def pick(self, some: Any) -> Any:
        return self.draw.choice(some)

    def set_date(self, docket: Any) -> None:
        zone = self.pick(ZONES)
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
        set_deadline(
            subject=docket, kind="hand_in", due_at=due, zone=zone, actor=SYSTEM,
            offsets=OFFSETS, after=after if is_counted else None,
            recipients=self.draw.sample(self.people, self.draw.randint(1, 3)),
        )  # fmt: skip

    # --- what happens ---

    def step(self) -> None:
        self.pick(
            [self.goes_on] * 6
            + [self.moves, self.moves_twice, self.ends, self.changes_hands, self.day_off]
            + [self.reader_chooses, self.reader_moves, self.unsubscribes, self.stops]
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

    def day_off(self) -> None:
        ours = NonWorkingDay.objects.current().exclude(source="rule").order_by("pk")
        if ours and self.draw.random() < 0.5:
            remove_day_off(self.pick(list(ours)), actor=self.keeper)
        else:
            day = timezone.localdate() + dt.timedelta(days=self.draw.randint(0, 12))
            add_days_off([DayRow(day, "Closed")], actor=self.keeper)

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

    def round(self) -> None:
        sweep_due()
        send_digests()
        outbox.deliver()
        late = Reminder.objects.filter(state=ReminderState.PLANNED, fire_at__lt=timezone.now())
        if late.exists():
            self.wrong.append(f"{late.count()} reminders are left behind")

    # --- what leaves ---

    def send(self, notice: Notification, _message_id: str) -> str:
        if not self.mail_is_up:
            raise ConnectionError("421 Come back later")
        reader = User.objects.get(pk=notice.recipient_id)
        told = [notice]
        if notice.topic == DIGEST:
            keys = [item["key"] for item in notice.context["news"]]
            told = list(Notification.objects.filter(pk__in=keys).select_related("deadline"))
        for one in told:
            self.sent[one.pk] += 1
            self.judge_news(one, reader, in_digest=notice.topic == DIGEST)
        self.judge_hour(notice, told, reader)
        return "250"

    def judge_news(self, one: Notification, reader: User, *, in_digest: bool) -> None:
        now = timezone.now()
        chosen = MessagePreference.objects.filter(user=reader, category=Category.DATES).first()
        if chosen is not None and chosen.frequency == Frequency.INAPP and not in_digest:
            self.wrong.append(f"{one.dedupe_key} was mailed though its reader wants none")
        deadline = Deadline.objects.get(pk=one.deadline_id)
        generation = int(one.dedupe_key.split(":")[4])
        if not in_digest and (deadline.state != "open" or deadline.generation != generation):
            self.wrong.append(f"{one.dedupe_key} is out of date")
        offset = one.dedupe_key.split(":")[3]
        if not in_digest and not offset.startswith("+") and deadline.due_at < now - SPARE:
            self.wrong.append(f"{one.dedupe_key} came after its date")

    def judge_hour(self, notice: Notification, told: list[Notification], reader: User) -> None:
        now, zone = timezone.now(), zone_of(reader)
        hours = QuietHours.objects.filter(user=reader).first() or QuietHours(is_on=True)
        if not is_quiet(now, zone, hours) or now - notice.created_at <= SPARE:
            return
        morning = next_digest(now, zone, hours)
        dates = [one.deadline.due_at for one in told if one.deadline.due_at > now]
        if all(morning < one for one in dates):
            self.wrong.append(f"{notice.topic} came at {now.astimezone(zone)}")

    def close(self) -> None:
        """Let everything run for as long as a mail is tried again at most, and longer."""
        self.is_up = self.mail_is_up = True
        for _turn in range(24):
            self.clock.shift(dt.timedelta(hours=6))
            self.round()

    def judge(self) -> list[str]:
        found = list(self.wrong)
        found += [
            f"{key} was mailed {times} times" for key, times in self.sent.items() if times > 1
        ]
        keys = Notification.objects.filter(topic=SOON).values_list("dedupe_key", flat=True)
        fired = Reminder.objects.filter(state=ReminderState.FIRED)
        for row in fired:
            ours = f"{SOON}:reminder:{row.deadline_id}:{row.offset}:{row.generation}:{row.recipient_id}"
            if ours not in keys:
                found.append(f"{row} went out and was not told")
        waiting = OutboxMessage.objects.filter(
            state=MessageState.PENDING, kind="delivery", available_at__lte=timezone.now()
        )
        found += [f"{one.topic} waits until {one.available_at}" for one in waiting]
        calendar = NonWorkingDay.objects.calendar()
        for row in Reminder.objects.filter(state=ReminderState.PLANNED).select_related("deadline"):
            if row.fire_at != fire_time(
                row.deadline.due_at, row.offset, row.deadline.zone, calendar
            ):
                found.append(f"{row} is planned for a moment that its date does not mean")
        if difference := compare().difference:
            found.append(f"the nightly comparison finds {difference}")
        return [*found, *(f"{row} should be at {at}" for row, at in recount())]


@pytest.mark.parametrize("number", range(STORIES))
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
        monkeypatch.setitem(definitions.senders, "email", story.send)
        for _step in range(STEPS):
            story.step()
        story.close()
        assert story.judge() == []
