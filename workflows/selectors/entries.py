"""Dates as calendar entries: attached to mails, and as a feed. Never a result, never somebody else's name."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parseaddr
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from workflows.enums import DeadlineState
from workflows.models import Deadline, Notification
from workflows.working_days import moments_of

PRODUCT = "-//Moderato//Dates//EN"
SPAN = dt.timedelta(minutes=30)
STAMP = "%Y%m%dT%H%M%S"
WIDE = 75
"""Octets of a content line (RFC 5545, 3.1)."""
LABELS = {
    "submission": "Portfolio due",
    "resubmission": "More evidence due",
    "cut_off": "Task closes",
    "marking": "Marking due",
    "consideration": "Special consideration to decide",
    "consideration_evidence": "Evidence for special consideration due",
    "discussion": "Two decisions to agree on",
    "feedback_review": "Question about feedback to answer",
    "moderation": "Item to moderate due",
    "action": "Action of moderation due",
    "action_overdue": "Somebody’s action of moderation due",
    "attestation": "Confirmation from work due",
    "reconsideration": "Last day to ask for reconsideration",
    "extension_decision": "Request for more time to answer",
    "changes": "Changes to a micro-credential due",
    "review": "Micro-credential to review",
}


def label_of(deadline: Deadline) -> str:
    """What the date is, in words that say nothing about anybody."""
    return LABELS.get(deadline.kind, "Due")


def entry_to_drop(recipient: Any, subject: Any, kinds: Iterable[str]) -> Deadline | None:
    """A date that is over and that a mail had put into somebody's calendar, so that another takes it out again.

    `recipient` and `subject` are keys. The newest mail of these kinds of date counts.
    """
    sent = Notification.objects.filter(
        recipient=recipient,
        deadline__subject_id=subject,
        deadline__kind__in=kinds,
        deadline__state=DeadlineState.CANCELLED,
    )
    newest = sent.select_related("deadline").order_by("-pk").first()
    return newest.deadline if newest is not None else None


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
    import icalendar  # noqa: PLC0415  wanted by few pages

    made: icalendar.Timezone = icalendar.Timezone.from_tzid(
        zone, first_date=dt.date(first, 1, 1), last_date=dt.date(last, 12, 31)
    )
    made.pop("comment", None)
    return bytes(made.to_ical())


@cache
def organiser(sender: str) -> str:
    """Whose entry it is: without one, a calendar may not take a change or a cancellation for it (RFC 5546, 3.2)."""
    return parseaddr(sender)[1]


@dataclass(frozen=True)
class Entry:
    """One entry as it stands in a calendar; the zone that its times name, if any, and its year."""

    content: bytes
    zone: str
    year: int


def text(value: str) -> str:
    """A value of type TEXT (RFC 5545, 3.3.11)."""
    value = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return value.replace("\r\n", "\n").replace("\n", "\\n")


def line_of(words: str) -> bytes:
    """A content line; only one that is too long has to be folded."""
    if len(words) * 4 <= WIDE or len(words.encode()) <= WIDE:
        return f"{words}\r\n".encode()
    from icalendar.parser import Contentline  # noqa: PLC0415  wanted by few pages

    folded: bytes = Contentline(words).to_ical()  # type: ignore[no-untyped-call]
    return folded + b"\r\n"


def entry(deadline: Deadline, summary: str, url: str = "") -> Entry:
    """One entry. SEQUENCE rises with each move; a date that is over says CANCELLED (RFC 5545).

    Written line by line, because a mail of each reminder carries one, and the objects of the package cost
    as much as all the rest of the mail. What is written is read back by the package in the tests.
    """
    cancelled = deadline.state != DeadlineState.OPEN
    begins, ends = on_its_clock(deadline)
    zone = "" if begins.tzinfo is dt.UTC else deadline.zone
    named, mark = (f";TZID={zone}", "") if zone else ("", "Z")
    words = text(summary)
    lines = [
        "BEGIN:VEVENT",
        f"UID:{uid_of(deadline)}",
        f"SEQUENCE:{deadline.generation - 1 + cancelled}",
        f"DTSTAMP:{deadline.created_at.astimezone(dt.UTC):{STAMP}}Z",
        f"DTSTART{named}:{begins:{STAMP}}{mark}",
        f"DTEND{named}:{ends:{STAMP}}{mark}",
        f"ORGANIZER;CN=Moderato:mailto:{organiser(settings.DEFAULT_FROM_EMAIL)}",
        f"SUMMARY:{words}",
        f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}",
        "TRANSP:TRANSPARENT",
    ]
    if url:
        lines.append(f"URL:{url}")
    if not cancelled:
        lines += ["BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{words}", "TRIGGER:-P1D"]
        lines.append("END:VALARM")
    lines.append("END:VEVENT")
    return Entry(b"".join(map(line_of, lines)), zone, begins.year)


def calendar_of(entries: Iterable[Entry], method: str = "PUBLISH") -> bytes:
    """A whole calendar of these entries, with a table for each zone that they name."""
    found = list(entries)
    years: dict[str, set[int]] = {}
    for one in found:
        if one.zone:
            years.setdefault(one.zone, set()).add(one.year)
    tables = [
        zone_table(zone, min(named) - 1, max(named) + 1) for zone, named in sorted(years.items())
    ]
    return b"".join([opening(method), *tables, *(one.content for one in found), CLOSING])


CLOSING = b"END:VCALENDAR\r\n"


@cache
def opening(method: str) -> bytes:
    """The lines of a calendar before its first part."""
    import icalendar  # noqa: PLC0415  wanted by few pages

    made = icalendar.Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("method", method)
    return bytes(made.to_ical()).removesuffix(CLOSING)


def attachment_for(deadline: Deadline, url: str) -> tuple[bytes, str]:
    """The entry as it is when the mail leaves, and its method: a date that is over is cancelled."""
    method = "PUBLISH" if deadline.state == DeadlineState.OPEN else "CANCEL"
    return calendar_of([entry(deadline, label_of(deadline), url)], method), method
