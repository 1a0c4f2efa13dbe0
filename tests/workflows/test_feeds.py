"""Calendar entries in mails, the secret feed, and the table of the zone."""

import datetime as dt
import email
import email.errors
import email.policy
from email.encoders import encode_base64
from email.mime.base import MIMEBase
from zoneinfo import ZoneInfo

import icalendar
import pytest
from django.core.mail import BadHeaderError, EmailMultiAlternatives
from django.test import Client
from django.utils import timezone

from accounts.models import SYSTEM
from workflows import definitions
from workflows.actions import cancel_deadline, move_deadline, set_deadline, sweep_due
from workflows.actions.preferences import (
    end_feed,
    feed_owner,
    make_feed,
)
from workflows.models import (
    CalendarFeed,
    Deadline,
    Notification,
)
from workflows.notifications import compose
from workflows.notifications.wire import Mail, folded
from workflows.selectors.agenda import agenda_of, feed_of
from workflows.selectors.entries import LABELS, calendar_of, entry

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
SOON = "testapp.docket.soon"


@pytest.fixture
def deadline(docket, ada, monkeypatch):
    monkeypatch.setitem(
        definitions.reminder_texts, "hand_in", lambda row: (SOON, "/here/", {"title": row.offset})
    )
    return set_deadline(
        subject=docket, kind="hand_in", due_at=timezone.now() + dt.timedelta(days=30),
        zone="Pacific/Auckland", recipients=[ada], actor=SYSTEM,
    )  # fmt: skip


def entry_of(content):
    calendar = icalendar.Calendar.from_ical(content)
    (event,) = calendar.walk("VEVENT")
    return calendar, event


def test_a_mail_about_a_date_brings_its_entry_which_follows_the_date(deadline, ada):
    deadline.reminders.filter(offset="-7d").update(fire_at=timezone.now())
    sweep_due()
    made = Notification.objects.get()
    part = compose(made, "<x@y>").attachments[0]
    assert part.get_content_type() == "text/calendar"
    calendar, event = entry_of(part.get_payload(decode=True))
    assert str(calendar["METHOD"]) == part.get_param("method") == "PUBLISH"
    assert event["SEQUENCE"] == 0
    assert event["DTEND"].dt == deadline.due_at.replace(microsecond=0)
    uid = str(event["UID"])
    move_deadline(deadline, due_at=timezone.now() + dt.timedelta(days=40), actor=SYSTEM, reason="")
    made = Notification.objects.get()
    _calendar, moved = entry_of(compose(made, "<x@y>").attachments[0].get_payload(decode=True))
    assert (str(moved["UID"]), moved["SEQUENCE"]) == (uid, 1)
    cancel_deadline(deadline, actor=SYSTEM)
    made = Notification.objects.get()
    calendar, over = entry_of(compose(made, "<x@y>").attachments[0].get_payload(decode=True))
    assert (str(over["UID"]), over["SEQUENCE"], str(over["STATUS"])) == (uid, 2, "CANCELLED")
    assert str(calendar["METHOD"]) == "CANCEL"
    text = calendar.to_ical().decode()
    assert ada.name not in text
    assert "Tā moko" not in text


def test_a_feed_is_secret_shows_only_ones_own_dates_and_can_be_stopped(client, deadline, ada, abe):
    client.force_login(ada)
    page = client.post("/settings/calendar/new/").content.decode()
    token = page.split("/calendar/feed/")[1].split(".ics")[0]
    assert CalendarFeed.objects.get().token_hash != token
    stranger = Client()
    answer = stranger.get(f"/calendar/feed/{token}.ics")
    _calendar, event = entry_of(answer.content)
    assert event["DTEND"].dt == deadline.due_at.replace(microsecond=0)
    assert "no-store" in answer["Cache-Control"]
    other = make_feed(actor=abe)
    assert b"VEVENT" not in stranger.get(f"/calendar/feed/{other}.ics").content
    make_feed(actor=ada)
    assert stranger.get(f"/calendar/feed/{token}.ics").status_code == 404
    newest = make_feed(actor=ada)
    client.post("/settings/calendar/stop/")
    assert feed_owner(newest) is None
    end_feed(actor=ada)
    ada.is_active = False
    ada.save()


def test_a_date_that_went_to_somebody_else_leaves_the_calendar(deadline, docket, ada, abe):
    set_deadline(
        subject=docket, kind="hand_in", due_at=deadline.due_at, zone="Pacific/Auckland",
        recipients=[abe], actor=SYSTEM,
    )  # fmt: skip
    assert b"VEVENT" not in feed_of(ada)
    assert agenda_of(ada) == []
    assert b"VEVENT" in feed_of(abe)
    Deadline.objects.update(people=None)
    assert b"VEVENT" in feed_of(ada)


def test_a_closed_account_has_no_feed(ada):
    token = make_feed(actor=ada)
    assert feed_owner(token) == ada
    ada.is_active = False
    ada.save()
    assert feed_owner(token) is None


def test_every_kind_of_date_has_words():
    assert {*definitions.reminder_texts, *definitions.reminder_batches} <= set(LABELS)


ENTRY_ZONES = [
    "Pacific/Auckland", "Pacific/Chatham", "Australia/Lord_Howe", "America/New_York", "UTC",
]  # fmt: skip


@pytest.mark.parametrize("zone", ENTRY_ZONES)
def test_an_entry_brings_the_table_of_its_zone_and_means_the_same_moment(zone):
    """Every half hour of the days round both changes of clocks, by the table alone, not by our own zones."""
    where = ZoneInfo(zone)
    for month, day in ((4, 4), (9, 26), (3, 14), (11, 7)):
        for half in range(96):
            due = dt.datetime(2027, month, day, tzinfo=dt.UTC) - dt.timedelta(hours=12)
            due += dt.timedelta(minutes=30) * half
            row = Deadline(
                pk=1, kind="marking", due_at=due, zone=zone, generation=1, created_at=due
            )
            calendar, event = entry_of(calendar_of([entry(row, "Due")]))
            ends = event["DTEND"]
            if zone == "UTC":
                assert not calendar.walk("VTIMEZONE")
            if "TZID" not in ends.params:
                assert ends.dt == due
                continue
            (table,) = calendar.walk("VTIMEZONE")
            assert str(table["TZID"]) == ends.params["TZID"] == zone
            local = ends.dt.replace(tzinfo=None)
            assert local == due.astimezone(where).replace(tzinfo=None)
            assert local - slow_offset(table, local) == due.replace(tzinfo=None)


def slow_offset(table, local):
    """What the table says of a local time: the offset after the last change that is not later (RFC 5545)."""
    changes = []
    for part in table.subcomponents:
        times = [part["DTSTART"].dt, *(one.dt for one in getattr(part.get("RDATE"), "dts", []))]
        changes += [(at, part["TZOFFSETTO"].td) for at in times]
    return max((at, offset) for at, offset in changes if at <= local)[1]


@pytest.mark.parametrize(
    "words",
    ["Due", "a; b, c\\d", "two\nlines", "ā" * 70, "x" * 74, "x" * 200, "\\n, \\; " * 20],
)
def test_any_words_and_any_address_are_read_back_as_they_were(words):
    due = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
    row = Deadline(
        pk=1, kind="marking", due_at=due, zone="UTC", generation=3, created_at=due, state="open"
    )
    url = f"https://moderato.example/{'a' * 90}/?x=1;2,3"
    made = calendar_of([entry(row, words, url)])
    assert max(len(line) for line in made.split(b"\r\n")) <= 75
    _calendar, event = entry_of(made)
    assert (str(event["SUMMARY"]), str(event["URL"])) == (words, url)
    assert (event["SEQUENCE"], event["STATUS"]) == (2, "CONFIRMED")
    assert event["DTSTAMP"].dt == event["DTEND"].dt == due
    (alarm,) = event.walk("VALARM")
    assert (alarm["TRIGGER"].dt, str(alarm["DESCRIPTION"])) == (dt.timedelta(days=-1), words)


@pytest.mark.parametrize(
    "body",
    ["Text\nāē", "a\rb\r\n\r\n.c\n", "", "plain", "From me\n", "x" * 999, "ā" * 499, "\u2028\x0b"],
    ids=["macrons", "ends", "empty", "plain", "from", "wide", "widest", "odd"],
)
@pytest.mark.parametrize(
    "subject", ["News", "Ngā rā: ā ē ī ō ū", "long " * 40, "ā long " * 40, "x" * 200]
)
def test_a_mail_reads_the_same_as_one_that_the_standard_library_writes(subject, body):
    def made(kind):
        mail = kind(
            subject, body, "Moderato <a@example.org>", ["Hēmi <b@example.org>"],
            headers={"Message-ID": "<x@y>", "Date": "Mon, 1 Mar 2027 00:00:00 +0000",
                     "List-Unsubscribe": f"<https://x.example/u/{'t' * 150}/>, <mailto:u@x.example>"},
        )  # fmt: skip
        mail.attach_alternative("<p>Ā</p>", "text/html")
        part = MIMEBase("text", "calendar", method="PUBLISH", name="date.ics")
        part.set_payload(b"BEGIN" * 40)
        encode_base64(part)
        mail.attach(part)
        written = mail.wire() if kind is Mail else mail.message().as_bytes(linesep="\r\n")
        return email.message_from_bytes(written, policy=email.policy.default)

    ours, theirs = made(Mail), made(EmailMultiAlternatives)
    names = set(theirs) - {"Content-Type"}
    # The standard library leaves a space where it folds before a word that is too long for any line.
    assert {one: ours[one].strip() for one in names} == {one: theirs[one].strip() for one in names}
    for one, other in zip(ours.walk(), theirs.walk(), strict=True):
        assert one.get_content_type() == other.get_content_type()
        assert one.is_multipart() or one.get_payload() == other.get_payload()
    boundaries = [one.get_boundary() for one in ours.walk() if one.is_multipart()]
    assert len(set(boundaries)) == len(boundaries) == 2


def test_a_header_cannot_be_smuggled_into_a_mail():
    mail = Mail("News\r\nBcc: evil@example.org", "x", "a@example.org", ["b@example.org"])
    with pytest.raises(BadHeaderError):
        mail.wire()
    with pytest.raises(email.errors.HeaderParseError):
        folded("Subject", "News\r\nBcc: evil@example.org")
