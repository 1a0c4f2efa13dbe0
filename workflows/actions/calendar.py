"""Keeping the days on which nobody has to work: adding, removing, taking in lists."""

import csv
import datetime as dt
import io
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from workflows.actions.deadlines import recount, recount_deadlines
from workflows.enums import DaySource, OffKind
from workflows.exceptions import NotPermitted
from workflows.models import NonWorkingDay
from workflows.rules import may_keep_calendar
from workflows.selectors.entries import label_of
from workflows.working_days import REGIONS, WorkingCalendar

MOST_ROWS = 2000
LONGEST = 60
DAY_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d/%m/%y", "%d %B %Y", "%d %b %Y")
REASON = "The working-day calendar changed"


@dataclass(frozen=True)
class DayRow:
    """One day of a list, as it would be kept."""

    day: dt.date
    name: str
    kind: str = OffKind.CLOSED
    region: str = ""

    @property
    def where(self) -> str:
        return REGIONS.get(self.region, "Everywhere")

    @property
    def kind_label(self) -> str:
        return str(OffKind(self.kind).label)


@dataclass
class DayList:
    """What a list says: rows to add, rows that are there already, and a sentence for each bad row."""

    rows: list[DayRow] = field(default_factory=list)
    known: list[DayRow] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_csv(self) -> str:
        """The rows to add, in the form in which they can be read again."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["day", "name", "kind", "region"])
        writer.writerows([one.day.isoformat(), one.name, one.kind, one.region] for one in self.rows)
        return out.getvalue()


@dataclass(frozen=True)
class MovingDate:
    """Dates of a kind and its people that would move together: from when to when, and how many."""

    label: str
    before: dt.datetime
    after: dt.datetime
    zone: str
    people: tuple[str, ...]
    number: int = 1


def dates_moving(
    added: Collection[DayRow] = (), removed: NonWorkingDay | None = None
) -> list[MovingDate]:
    """Dates that would move if these days were added, or this one removed, soonest first. Changes nothing."""
    others: set[str] = set()
    if removed is not None:
        same_day = NonWorkingDay.objects.current().filter(day=removed.day).exclude(pk=removed.pk)
        others = set(same_day.values_list("region", flat=True))

    def changed(calendar: WorkingCalendar) -> WorkingCalendar:
        here = {"", calendar.region}
        off = calendar.off | {row.day for row in added if row.region in here}
        if removed is not None and removed.region in here and not others & here:
            off -= {removed.day}
        return replace(calendar, off=off)

    moves = recount(calendar_as=changed)
    names = dict(
        User.objects.filter(
            pk__in={person for deadline, _at in moves for person in deadline.people or ()}
        ).values_list("pk", "name")
    )
    found = Counter(
        MovingDate(
            label_of(deadline),
            deadline.due_at,
            at,
            deadline.zone,
            tuple(sorted(names[UUID(key)] for key in deadline.people or () if UUID(key) in names)),
        )
        for deadline, at in moves
    )
    rows = [replace(one, number=number) for one, number in found.items()]
    return sorted(rows, key=lambda one: (one.before, one.label, one.people))


def read_days(content: bytes) -> DayList:
    """Read a CSV or an iCalendar file. Changes nothing; every bad row is named by its number."""
    found = DayList()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        found.problems.append("The file is not UTF-8 text. Save it as UTF-8 and try again.")
        return found
    if "BEGIN:VCALENDAR" in text[:1000]:
        read = list(_from_ics(text, found.problems))
    else:
        read = list(_from_csv(text, found.problems))
    if len(read) > MOST_ROWS:
        found.problems.append(f"The list has more than {MOST_ROWS} days. Split it.")
        return found
    there = set(NonWorkingDay.objects.current().values_list("day", "region"))
    for row in sorted(set(read), key=lambda one: (one.day, one.region, one.name)):
        (found.known if (row.day, row.region) in there else found.rows).append(row)
        there.add((row.day, row.region))
    if not read and not found.problems:
        found.problems.append("The list has no days.")
    return found


def _from_csv(text: str, problems: list[str]) -> Iterable[DayRow]:
    rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    names = {str(one).strip().lower() for one in rows.fieldnames or []}
    if not {"day", "name"} <= names:
        problems.append(
            "The first row must name the columns: day, name, and if you like kind, region."
        )
        return
    labels = {label.lower(): code for code, label in REGIONS.items()}
    kinds = {str(label).lower(): value for value, label in OffKind.choices}
    for number, raw in enumerate(rows, start=2):
        row = {str(key).strip().lower(): str(value or "").strip() for key, value in raw.items()}
        if not any(row.values()):
            continue
        day = _day(row["day"])
        region = row.get("region", "").lower()
        region = labels.get(region, region)
        kind = row.get("kind", "").lower() or OffKind.CLOSED
        kind = kinds.get(kind, kind)
        wrong = []
        if day is None:
            wrong.append(f"“{row['day']}” is no day. Write it like 2026-12-29.")
        if not row["name"]:
            wrong.append("The name is missing.")
        if region and region not in REGIONS:
            wrong.append(f"There is no region “{region}”.")
        if kind not in OffKind.values:
            wrong.append(f"The kind “{kind}” is none of {', '.join(OffKind.values)}.")
        problems += [f"Row {number}: {one}" for one in wrong]
        if not wrong and day is not None:
            yield DayRow(day, row["name"][:200], kind, region)


def _day(text: str) -> dt.date | None:
    for form in DAY_FORMATS:
        try:
            made = dt.datetime.strptime(text, form).date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            continue
        return made if 2000 <= made.year <= 2100 else None
    return None


def _from_ics(text: str, problems: list[str]) -> Iterable[DayRow]:
    """Whole-day events; each day of a longer one is a row."""
    import icalendar  # noqa: PLC0415  wanted by few pages

    try:
        events = icalendar.Calendar.from_ical(text).walk("VEVENT")
    except (ValueError, IndexError, KeyError) as error:
        problems.append(f"The calendar file cannot be read: {error}.")
        return
    for number, event in enumerate(events, start=1):
        name = str(event.get("SUMMARY", "")).strip()
        start = getattr(event.get("DTSTART"), "dt", None)
        end = getattr(event.get("DTEND"), "dt", None)
        if not name:
            problems.append(f"Event {number}: it has no name.")
        elif not isinstance(start, dt.date) or isinstance(start, dt.datetime):
            problems.append(f"Event {number}, “{name}”: only whole days count, this has a time.")
        elif "RRULE" in event:
            problems.append(f"Event {number}, “{name}”: it repeats. List its days one by one.")
        else:
            last = end if isinstance(end, dt.date) and end > start else start + dt.timedelta(days=1)
            length = (last - start).days
            if length > LONGEST:
                problems.append(f"Event {number}, “{name}”: it lasts {length} days.")
                continue
            for one in range(length):
                yield DayRow(start + dt.timedelta(days=one), name[:200])


@transaction.atomic
def add_days_off(rows: Iterable[DayRow], *, actor: User, source: str = DaySource.TYPED) -> int:
    """Keep more days on which nobody has to work; those that are there already stay as they are.

    Deadlines ahead that were counted in working days are counted again, with their reminders. Gives how
    many days were added.
    """
    if not may_keep_calendar(actor):
        raise NotPermitted
    there = set(NonWorkingDay.objects.current().values_list("day", "region"))
    fresh = {(row.day, row.region): row for row in rows if (row.day, row.region) not in there}
    NonWorkingDay.objects.bulk_create(
        NonWorkingDay(
            day=row.day,
            name=row.name,
            kind=row.kind,
            region=row.region,
            source=source,
            added_by=actor,
        )
        for row in fresh.values()
    )
    if fresh:
        recount_deadlines(actor=actor, reason=REASON)
    return len(fresh)


@transaction.atomic
def remove_day_off(row: NonWorkingDay, *, actor: User) -> NonWorkingDay:
    """Make a working day of it again. The row stays, with who removed it; deadlines are counted again."""
    if not may_keep_calendar(actor):
        raise NotPermitted
    fresh: NonWorkingDay = NonWorkingDay.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if fresh.removed_at is None:
        fresh.removed_at, fresh.removed_by = timezone.now(), actor
        fresh.save(update_fields=["removed_at", "removed_by"])
        recount_deadlines(actor=actor, reason=REASON)
    return fresh
