"""Outages over both changes of the clocks in eight zones, kills at each seam of a delivery, three sweeps at once."""

import datetime as dt
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connections
from django.test import override_settings
from django.utils import timezone

from accounts.models import SYSTEM
from tests.testapp.models import Box
from tests.workflows.conftest import file_docket, person
from workflows import definitions, outbox
from workflows.actions import set_deadline, sweep_due
from workflows.models import Deadline, Notification, OutboxMessage, Reminder
from workflows.notifications import mailing
from workflows.transitions import perform

FULL = os.environ.get("PROOF") == "full"
ZONES = [
    "Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia", "Australia/Lord_Howe",
    "Australia/Adelaide", "Europe/London", "America/New_York", "UTC",
]  # fmt: skip
OUTAGES = [
    dt.timedelta(minutes=1), dt.timedelta(hours=3), dt.timedelta(days=3), dt.timedelta(weeks=2),
]  # fmt: skip
YEARS = range(2026, 2037) if FULL else (2027,)
TEXT = ("testapp.docket.soon", "/here/", {"title": "x"})


@pytest.fixture
def worded(monkeypatch):
    monkeypatch.setitem(definitions.reminder_texts, "hand_in", lambda reminder: TEXT)


def changes(zone, year):
    """The days on which the zone's clocks change in a year; two ordinary days where they do not."""
    where, found = ZoneInfo(zone), []
    day = dt.datetime(year, 1, 1, tzinfo=dt.UTC)
    while day.year == year:
        after = day + dt.timedelta(days=1)
        if day.astimezone(where).utcoffset() != after.astimezone(where).utcoffset():
            found.append(day.date())
        day = after
    return found or [dt.date(year, 4, 4), dt.date(year, 9, 26)]


@pytest.mark.django_db
@pytest.mark.sqlite
@pytest.mark.only_sqlite
@pytest.mark.proof
@pytest.mark.parametrize("zone", ZONES)
def test_nothing_is_skipped_or_doubled_by_an_outage_over_a_change_of_clocks(zone, worded):
    """Sweeps right after each moment and six hours later, but for the outage, which begins just before the first."""
    ada = person("Ada")
    box = Box.objects.create()
    where = ZoneInfo(zone)
    for year in YEARS:
        for change in changes(zone, year):
            for outage in OUTAGES:
                due = dt.datetime.combine(change, dt.time(17), tzinfo=where) + dt.timedelta(days=1)
                due = due.astimezone(dt.UTC)
                begin = due - dt.timedelta(days=10)
                with time_machine.travel(begin, tick=False) as clock:
                    made = set_deadline(
                        subject=file_docket(box, ada), kind="hand_in", due_at=due, zone=zone,
                        recipients=[ada], offsets=["-7d", "-48h", "0d"], actor=SYSTEM,
                    )  # fmt: skip
                    planned = dict(made.reminders.values_list("offset", "fire_at"))
                    wall = due.astimezone(where)
                    week = planned["-7d"].astimezone(where)
                    assert (week.hour, week.minute) == (wall.hour, wall.minute)
                    assert (wall.date() - week.date()).days == 7
                    assert due - planned["-48h"] == dt.timedelta(hours=48)
                    down = planned["-7d"] - dt.timedelta(seconds=30)
                    up = down + outage
                    later, hours = dt.timedelta(seconds=1), dt.timedelta(hours=6)
                    moments = [*planned.values(), up, due, due + dt.timedelta(days=15)]
                    rounds = sorted({one + more for one in moments for more in (later, hours)})
                    for moment in rounds:
                        if down <= moment < up:
                            continue
                        clock.move_to(moment)
                        before = Notification.objects.count()
                        sweep_due()
                        assert Notification.objects.count() - before <= 1
                ends = dict(made.reminders.values_list("offset", "state"))
                for offset, at in planned.items():
                    if at >= up:
                        assert ends[offset] == "fired", (zone, change, outage, offset)
                    else:
                        assert ends[offset] in {"fired", "superseded"}
                lost = made.reminders.filter(state="superseded", because="")
                assert not lost.exists()
                told = Notification.objects.filter(deadline=made).count()
                assert told == list(ends.values()).count("fired")
                if outage <= dt.timedelta(hours=3):
                    assert told == 3
                if outage >= dt.timedelta(weeks=2):
                    assert told == 0


# --- kills at each seam -------------------------------------------------------------------------------


class Killed(BaseException):
    """The worker is gone at this line."""


def once(real, *, before):
    """The real thing, killed once: right before or right after it."""
    left = [True]

    def dies(*arguments, **options):
        if before and left:
            left.pop()
            raise Killed
        made = real(*arguments, **options)
        if not before and left:
            left.pop()
            raise Killed
        return made

    return dies


SEAMS = {
    "before commit of the handler": (outbox, "finish", True),
    "after commit of the handler": (outbox, "relay_one", False),
    "after claim": (outbox, "attempt", True),
    "connection open": (mailing, "connection", False),
    "announced, before the data": (mailing, "announce", False),
    "after the data were accepted": (mailing, "post", False),
    "after sending, before the mark": (outbox, "attempt", False),
    "after the mark": (outbox, "deliver_one", False),
}
KILLS = 200 if FULL else 3


@pytest.mark.django_db
@pytest.mark.sqlite
@pytest.mark.proof
@pytest.mark.parametrize("seam", SEAMS)
def test_a_kill_at_any_seam_loses_nothing_and_doubles_at_most_that_mail(
    seam, mail_sink, monkeypatch
):
    module, name, before = SEAMS[seam]
    real = getattr(module, name)
    box, ada = Box.objects.create(), person("Ada")
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1", EMAIL_PORT=mail_sink.port,
    ):  # fmt: skip
        for number in range(KILLS):
            owner = person(f"Owner{number}")
            docket = file_docket(box, ada, owner_id=owner.pk)
            perform(docket, "check_it", actor=ada)
            monkeypatch.setattr(module, name, once(real, before=before))
            killed = 0
            for _again in range(4):
                try:
                    outbox.relay()
                    outbox.deliver()
                except Killed:
                    killed += 1
                    mailing.kept.held = None  # the socket dies with the process
                    # Its lease runs out.
                    OutboxMessage.objects.filter(lease_until__isnull=False).update(
                        lease_until=timezone.now() - dt.timedelta(seconds=1)
                    )
            monkeypatch.setattr(module, name, real)
            assert killed == 1, seam
            assert Notification.objects.filter(recipient=owner).count() == 1
            copies = [one for one in mail_sink.messages if one["To"] == owner.email]
            assert 1 <= len(copies) <= 2
            assert len({one["Message-ID"] for one in copies}) == 1
    assert not OutboxMessage.objects.exclude(state="sent").exists()


# --- several at once ----------------------------------------------------------------------------------


def test_three_clocks_at_once_double_nothing(committed_db, worded):
    people = [person(f"P{number}") for number in range(60)]
    made = set_deadline(
        subject=file_docket(Box.objects.create(), people[0]), kind="hand_in",
        due_at=timezone.now() + dt.timedelta(days=30), zone="Pacific/Auckland", recipients=people,
        offsets=["-7d"], actor=SYSTEM,
    )  # fmt: skip
    made.reminders.update(fire_at=timezone.now() - dt.timedelta(seconds=5))
    gate = Barrier(3)

    def beat(_number):
        try:
            gate.wait(20)
            swept = sweep_due(batch=7)
            return swept, outbox.deliver(batch=100)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(beat, range(3)))
    # A batch that another clock held is left to it, so one more round may be needed.
    swept = sum(one for one, _sent in results) + sweep_due()
    sent = sum(one for _swept, one in results) + outbox.deliver(batch=100)
    assert (swept, sent) == (60, 60)
    assert Notification.objects.count() == 60
    assert set(Reminder.objects.values_list("state", flat=True)) == {"fired"}
    assert Deadline.objects.count() == 1
