"""Dates as calendar entries: attached to mails, and as a feed. Never a result, never somebody else's name."""

import datetime as dt
from collections.abc import Iterable
from urllib.parse import urlsplit

import icalendar
from django.conf import settings

from workflows.enums import DeadlineState
from workflows.models import Deadline

PRODUCT = "-//Moderato//Dates//EN"
SPAN = dt.timedelta(minutes=30)
LABELS = {
    "submission": "Portfolio due",
    "resubmission": "More evidence due",
    "cut_off": "Task closes",
    "marking": "Marking due",
    "moderation": "Item to moderate due",
    "action": "Action of a moderation round due",
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


def entry(deadline: Deadline, summary: str, url: str = "") -> icalendar.Event:
    """One entry. SEQUENCE rises with each move; a date that is over says CANCELLED (RFC 5545)."""
    made = icalendar.Event()
    cancelled = deadline.state != DeadlineState.OPEN
    made.add("uid", uid_of(deadline))
    made.add("sequence", deadline.generation - 1 + cancelled)
    made.add("dtstamp", deadline.created_at.astimezone(dt.UTC))
    made.add("dtstart", deadline.due_at.astimezone(dt.UTC) - SPAN)
    made.add("dtend", deadline.due_at.astimezone(dt.UTC))
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
    """A whole calendar of these entries. Times are UTC, which needs no zone table."""
    made = icalendar.Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("method", method)
    for one in entries:
        made.add_component(one)
    return bytes(made.to_ical())


def attachment_for(deadline: Deadline, url: str) -> tuple[bytes, str]:
    """The entry as it is when the mail leaves, and its method: a date that is over is cancelled."""
    method = "PUBLISH" if deadline.state == DeadlineState.OPEN else "CANCEL"
    return calendar_of([entry(deadline, label_of(deadline), url)], method), method
