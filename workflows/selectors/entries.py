"""Dates as calendar entries: attached to mails, and as a feed. Never a result, never somebody else's name."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from functools import cache
from urllib.parse import urlsplit

import icalendar
from django.conf import settings

from workflows.enums import DeadlineState
from workflows.models import Deadline
from workflows.working_days import moments_of

PRODUCT = "-//Moderato//Dates//EN"
SPAN = dt.timedelta(minutes=30)
LABELS = {
    "submission": "Portfolio due",
    "resubmission": "More evidence due",
    "cut_off": "Task closes",
    "marking": "Marking due",
    "moderation": "Item to moderate due",
    "action": "Action of a moderation round due",
    "action_overdue": "Somebody’s action of a moderation round due",
    "attestation": "Confirmation from work due",
    "reconsideration": "Last day to ask for reconsideration",
    "extension_decision": "Request for more time to answer",
    "review": "Micro-credential to review",
}


def label_of(deadline: Deadline) -> str:
    """What the date is, in words that say nothing about anybody."""
    return LABELS.get(deadline.kind, "Due")


def uid_of(deadline: Deadline) -> str:
    """The same for every version of the entry, so that a calendar replaces it."""
    return f"deadline-{deadline.pk}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}"


def on_its_clock(deadline: Deadline) -> tuple[dt.datetime, dt.datetime]:
    """Begin and end on the clock of the deadline's zone; in UTC where that clock shows one of them twice.

    A local time of RFC 5545 that comes twice means the first, so the second could not be said.
    """
    end = deadline.due_at.astimezone(dt.UTC)
    both = (end - SPAN, end)
    zone = zoneinfo.ZoneInfo(deadline.zone)
    local = tuple(one.astimezone(zone) for one in both)
    plain = all(len(moments_of(one.replace(tzinfo=None, fold=0), zone)) == 1 for one in local)
    return (local[0], local[1]) if plain and deadline.zone != "UTC" else both


@cache
def zone_table(zone: str, first: int, last: int) -> bytes:
    """The zone's changes of clocks over these years, so that a calendar needs no table of its own."""
    made: icalendar.Timezone = icalendar.Timezone.from_tzid(
        zone, first_date=dt.date(first, 1, 1), last_date=dt.date(last, 12, 31)
    )
    made.pop("comment", None)
    return bytes(made.to_ical())


def entry(deadline: Deadline, summary: str, url: str = "") -> icalendar.Event:
    """One entry. SEQUENCE rises with each move; a date that is over says CANCELLED (RFC 5545)."""
    made = icalendar.Event()
    cancelled = deadline.state != DeadlineState.OPEN
    made.add("uid", uid_of(deadline))
    made.add("sequence", deadline.generation - 1 + cancelled)
    made.add("dtstamp", deadline.created_at.astimezone(dt.UTC))
    begins, ends = on_its_clock(deadline)
    made.add("dtstart", begins)
    made.add("dtend", ends)
    made.add("summary", summary)
    made.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    made.add("transp", "TRANSPARENT")
    if url:
        made.add("url", url)
    if not cancelled:
        alarm = icalendar.Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", summary)
        alarm.add("trigger", dt.timedelta(hours=-24))
        made.add_component(alarm)
    return made


def calendar_of(entries: Iterable[icalendar.Event], method: str = "PUBLISH") -> bytes:
    """A whole calendar of these entries, with a table for each zone that they name."""
    found = list(entries)
    years: dict[str, set[int]] = {}
    for one in found:
        begins = one.decoded("dtstart")
        if begins.tzinfo is not dt.UTC and (zone := one["dtstart"].params.get("TZID")):
            years.setdefault(zone, set()).add(begins.year)
    tables = [
        zone_table(zone, min(named) - 1, max(named) + 1) for zone, named in sorted(years.items())
    ]
    return b"".join([opening(method), *tables, *(bytes(one.to_ical()) for one in found), CLOSING])


CLOSING = b"END:VCALENDAR\r\n"


@cache
def opening(method: str) -> bytes:
    """The lines of a calendar before its first part."""
    made = icalendar.Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("method", method)
    return bytes(made.to_ical()).removesuffix(CLOSING)


def attachment_for(deadline: Deadline, url: str) -> tuple[bytes, str]:
    """The entry as it is when the mail leaves, and its method: a date that is over is cancelled."""
    method = "PUBLISH" if deadline.state == DeadlineState.OPEN else "CANCEL"
    return calendar_of([entry(deadline, label_of(deadline), url)], method), method
