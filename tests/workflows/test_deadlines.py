"""Deadlines move with their reminders, across changes of the clocks and over holidays."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db.models.functions import Now
from django.utils import timezone

from tests.workflows.conftest import person
from workflows import definitions, outbox
from workflows.actions import cancel_deadline, fire_time, move_deadline, set_deadline, sweep_due
from workflows.enums import DeadlineState, ReminderState
from workflows.exceptions import StaleState
from workflows.models import Deadline, Notification, Reminder

AUCKLAND, CHATHAM = "Pacific/Auckland", "Pacific/Chatham"
WAITING = {"answer": True}


@pytest.fixture(autouse=True)
def kind(monkeypatch):
    """A kind of deadline with its words and its question."""
    monkeypatch.setitem(WAITING, "answer", True)
    monkeypatch.setitem(
        definitions.reminder_relevance, "hand_in", lambda deadline: WAITING["answer"]
    )
    monkeypatch.setitem(
        definitions.reminder_texts,
        "hand_in",
        lambda reminder: ("testapp.docket.soon", "/here/", {"title": reminder.offset}),
    )


def local(zone, *parts):
    return dt.datetime(*parts, tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("zone", "due", "offset", "wanted"),
    [
        # Clocks go forward on 27 September 2026: a day on the wall has 23 hours.
        (AUCKLAND, (2026, 9, 27, 12), "-1d", (2026, 9, 26, 12)),
        (AUCKLAND, (2026, 9, 27, 12), "-24h", (2026, 9, 26, 11)),
        (CHATHAM, (2026, 9, 27, 12), "-1d", (2026, 9, 26, 12)),
        (CHATHAM, (2026, 9, 27, 12), "-24h", (2026, 9, 26, 11)),
        # And back on 4 April 2027: 25 hours.
        (AUCKLAND, (2027, 4, 4, 17), "-48h", (2027, 4, 2, 18)),
        (AUCKLAND, (2027, 4, 4, 17), "-7d", (2027, 3, 28, 17)),
        (CHATHAM, (2027, 4, 4, 17), "-24h", (2027, 4, 3, 18)),
        # On the day: in the morning; the morning before where the date is not later than that.
        (AUCKLAND, (2026, 8, 14, 17), "0d", (2026, 8, 14, 8)),
        (AUCKLAND, (2026, 8, 14, 8, 1), "0d", (2026, 8, 14, 8)),
        (AUCKLAND, (2026, 8, 14, 8), "0d", (2026, 8, 13, 8)),
        (AUCKLAND, (2026, 8, 14, 6), "0d", (2026, 8, 13, 8)),
        (AUCKLAND, (2026, 9, 27, 4), "0d", (2026, 9, 26, 8)),
        (CHATHAM, (2027, 4, 4, 0, 30), "0d", (2027, 4, 3, 8)),
        # Working days: over Easter and ANZAC Day (a Saturday in 2026, kept on Monday 27 April).
        (AUCKLAND, (2026, 4, 2, 17), "+1wd", (2026, 4, 7, 8)),
        (AUCKLAND, (2026, 4, 24, 17), "+1wd", (2026, 4, 28, 8)),
        (AUCKLAND, (2026, 7, 9, 17), "+3wd", (2026, 7, 15, 8)),
    ],
)
def test_each_offset_names_its_clock(zone, due, offset, wanted):
    assert fire_time(local(zone, *due), offset, zone) == local(zone, *wanted)


@pytest.mark.parametrize("zone", [AUCKLAND, CHATHAM])
def test_a_wall_time_in_the_gap_counts_once_after_it(zone):
    gap = {AUCKLAND: (2, 30), CHATHAM: (3, 0)}[zone]
    fired = fire_time(local(zone, 2026, 9, 28, *gap), "-1d", zone).astimezone(ZoneInfo(zone))
    assert (fired.day, fired.hour, fired.minute) == (27, gap[0] + 1, gap[1])


def test_an_offset_without_clock_is_refused():
    with pytest.raises(ValueError, match="names no clock"):
        fire_time(timezone.now(), "-7x", AUCKLAND)


def in_days(days):
    return timezone.now() + dt.timedelta(days=days)


@pytest.fixture
def deadline(docket, ada):
    return set_deadline(
        subject=docket,
        kind="hand_in",
        due_at=in_days(30),
        zone=AUCKLAND,
        recipients=[ada],
        actor=ada,
    )


def due_now(deadline, *offsets):
    """Move rows, not time: the database's clock decides."""
    deadline.reminders.filter(offset__in=offsets).update(fire_at=Now() - dt.timedelta(seconds=1))


pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_a_deadline_brings_its_reminders(deadline, ada):
    assert set(deadline.reminders.values_list("offset", "recipient", "state", "generation")) == {
        (offset, ada.pk, ReminderState.PLANNED, 1)
        for offset in ("-7d", "-48h", "0d", "+1wd", "+3wd")
    }
    wall = deadline.due_at.astimezone(ZoneInfo(AUCKLAND))
    assert deadline.wall_time == wall.strftime("%Y-%m-%dT%H:%M")
    assert deadline.tzdata_version


def test_moments_that_are_over_make_no_reminder(docket, ada):
    made = set_deadline(
        subject=docket,
        kind="hand_in",
        due_at=in_days(3),
        zone=AUCKLAND,
        recipients=[ada],
        actor=ada,
    )
    assert "-7d" not in made.reminders.values_list("offset", flat=True)


def test_a_due_reminder_goes_out_once(deadline, ada):
    due_now(deadline, "-7d")
    assert sweep_due() == 1
    assert sweep_due() == 0
    notice = Notification.objects.get()
    assert (notice.recipient, notice.path, notice.lane) == (ada, "/here/", "reminder")
    assert deadline.reminders.get(offset="-7d").state == ReminderState.FIRED
    assert outbox.deliver() == 1
    assert len(mail.outbox) == 1


def test_a_move_takes_all_reminders_along_and_arms_sent_ones_again(deadline, ada):
    due_now(deadline, "-7d")
    sweep_due()
    moved = move_deadline(deadline, due_at=in_days(60), actor=ada, reason="Extension")
    assert moved.generation == 2
    rows = {row.offset: row for row in moved.reminders.all()}
    assert {row.state for row in rows.values()} == {ReminderState.PLANNED}
    assert {row.generation for row in rows.values()} == {2}
    assert rows["-48h"].fire_at == moved.due_at - dt.timedelta(hours=48)
    due_now(moved, "-7d")
    assert sweep_due() == 1
    assert Notification.objects.count() == 2  # once in each generation
    assert moved.moves.last().reason == "Extension"


def test_a_move_to_an_earlier_day_cancels_what_is_over_and_makes_what_was_left_out(docket, ada):
    made = set_deadline(
        subject=docket,
        kind="hand_in",
        due_at=in_days(3),
        zone=AUCKLAND,
        recipients=[ada],
        actor=ada,
    )
    later = move_deadline(made, due_at=in_days(20), actor=ada, reason="")
    assert later.reminders.get(offset="-7d").state == ReminderState.PLANNED
    sooner = move_deadline(made, due_at=in_days(3), actor=ada, reason="")
    assert sooner.reminders.get(offset="-7d").state == ReminderState.CANCELLED
    assert sooner.reminders.get(offset="-48h").state == ReminderState.PLANNED


def test_setting_again_moves(deadline, docket, ada, abe):
    again = set_deadline(
        subject=docket,
        kind="hand_in",
        due_at=in_days(40),
        zone=AUCKLAND,
        recipients=[ada, abe],
        actor=ada,
    )
    assert again.pk == deadline.pk
    assert Reminder.objects.filter(recipient=abe).count() == 5
    assert Deadline.objects.count() == 1


def test_after_an_outage_only_the_latest_goes(deadline):
    due_now(deadline, "-7d", "-48h")
    deadline.reminders.filter(offset="-7d").update(fire_at=Now() - dt.timedelta(days=5))
    assert sweep_due() == 1
    assert deadline.reminders.get(offset="-7d").state == ReminderState.SUPERSEDED
    assert deadline.reminders.get(offset="-48h").state == ReminderState.FIRED


def test_due_soon_is_not_said_after_the_deadline(deadline):
    due_now(deadline, "-7d")
    Deadline.objects.update(due_at=Now() - dt.timedelta(minutes=1))
    assert sweep_due() == 0
    row = deadline.reminders.get(offset="-7d")
    assert (row.state, row.because) == (ReminderState.SUPERSEDED, "The deadline had passed.")


def test_what_is_no_longer_waited_for_is_not_reminded(deadline, monkeypatch):
    due_now(deadline, "-7d")
    monkeypatch.setitem(WAITING, "answer", False)
    assert sweep_due() == 0
    assert deadline.reminders.get(offset="-7d").state == ReminderState.CANCELLED


def test_a_closed_account_is_not_reminded(deadline, ada):
    due_now(deadline, "-7d")
    ada.is_active = False
    ada.save()
    assert sweep_due() == 0


def test_a_cancelled_deadline_is_silent_and_does_not_move(deadline, ada):
    cancel_deadline(deadline, actor=ada, reason="Withdrawn")
    again = cancel_deadline(deadline, actor=ada)
    assert again.state == DeadlineState.CANCELLED
    assert set(deadline.reminders.values_list("state", flat=True)) == {ReminderState.CANCELLED}
    with pytest.raises(StaleState):
        move_deadline(deadline, due_at=in_days(50), actor=ada, reason="")


def test_batches_drain_completely(docket, ada):
    people = [person(f"P{number}") for number in range(7)]
    made = set_deadline(
        subject=docket,
        kind="hand_in",
        due_at=in_days(30),
        zone=AUCKLAND,
        recipients=people,
        offsets=["-7d"],
        actor=ada,
    )
    due_now(made, "-7d")
    assert sweep_due(batch=3) == 7
