"""Working days in New Zealand: weekends, public holidays with their Mondays, anniversaries, closed days.

The rules follow the Holidays Act 2003. Matariki has no rule: its Fridays are those of the schedule to Te Kāhui
o Matariki Public Holiday Act 2022, kept here as data. They fill the calendar that administrators keep
(models.NonWorkingDay); what counts is the calendar.
"""

import datetime as dt
import re
import zoneinfo
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

MATARIKI = {
    2022: (6, 24), 2023: (7, 14), 2024: (6, 28), 2025: (6, 20), 2026: (7, 10),
    2027: (6, 25), 2028: (7, 14), 2029: (7, 6), 2030: (6, 21), 2031: (7, 11),
    2032: (7, 2), 2033: (6, 24), 2034: (7, 7), 2035: (6, 29), 2036: (7, 18),
}  # fmt: skip

# Provincial anniversaries. ("near", month, day): the Monday nearest to the day. Others are named below.
ANNIVERSARIES: dict[str, tuple[str, int, int]] = {
    "auckland": ("near", 1, 29),
    "northland": ("near", 1, 29),
    "wellington": ("near", 1, 22),
    "nelson": ("near", 2, 1),
    "marlborough": ("after_labour", 0, 7),
    "taranaki": ("nth_monday", 3, 2),
    "otago": ("near", 3, 23),
    "southland": ("easter_tuesday", 0, 0),
    "south-canterbury": ("nth_monday", 9, 4),
    "hawkes-bay": ("after_labour", 0, -3),
    "canterbury": ("show_day", 11, 0),
    "westland": ("near", 12, 1),
    "chatham": ("near", 11, 30),
}

REGIONS = {
    "auckland": "Auckland",
    "northland": "Northland",
    "wellington": "Wellington",
    "nelson": "Nelson",
    "marlborough": "Marlborough",
    "taranaki": "Taranaki",
    "otago": "Otago",
    "southland": "Southland",
    "south-canterbury": "South Canterbury",
    "hawkes-bay": "Hawke’s Bay",
    "canterbury": "Canterbury",
    "westland": "Westland",
    "chatham": "Chatham Islands",
}
"""Regions with an anniversary of their own. Otago and Southland hold theirs by local custom."""

FILLED_IN = (2024, 2036)
"""Years that the calendar is filled in for, first and last."""


def easter(year: int) -> dt.date:
    """Easter Sunday by the anonymous Gregorian rule."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return dt.date(year, month, day + 1)


def nth_monday(year: int, month: int, nth: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(7 - first.weekday()) % 7 + 7 * (nth - 1))


def nearest_monday(day: dt.date) -> dt.date:
    """Back from Tuesday to Thursday, on from Friday to Sunday."""
    after = day.weekday()
    return day - dt.timedelta(days=after) if after <= 3 else day + dt.timedelta(days=7 - after)


def observed(day: dt.date) -> dt.date:
    """A single holiday that falls on a weekend is kept on the Monday after."""
    return day + dt.timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)


def observed_pair(first: dt.date) -> list[dt.date]:
    """Two holidays in a row: Saturday moves to Monday, Sunday to Tuesday, so that neither is lost."""
    pair = [first, first + dt.timedelta(days=1)]
    return [day + dt.timedelta(days=2) if day.weekday() >= 5 else day for day in pair]


def anniversary(region: str, year: int) -> dt.date:
    """The day on which a region keeps its anniversary."""
    kind, month, number = ANNIVERSARIES[region]
    labour = nth_monday(year, 10, 4)
    if kind == "near":
        # Where Easter Monday is kept already, the Tuesday after it (Otago in 2035).
        monday = nearest_monday(dt.date(year, month, number))
        is_taken = monday == easter(year) + dt.timedelta(days=1)
        return monday + dt.timedelta(days=1) if is_taken else monday
    if kind == "nth_monday":
        return nth_monday(year, month, number)
    if kind == "after_labour":
        return labour + dt.timedelta(days=number)
    if kind == "easter_tuesday":
        return easter(year) + dt.timedelta(days=2)
    # Canterbury's show day: the second Friday after the first Tuesday of November.
    first = dt.date(year, 11, 1)
    tuesday = first + dt.timedelta(days=(1 - first.weekday()) % 7)
    return tuesday + dt.timedelta(days=3 + 7)


def named_holidays(year: int) -> list[tuple[dt.date, str]]:
    """The national holidays of a year with their names, on the days on which they are kept."""
    sunday = easter(year)
    new_year, after = observed_pair(dt.date(year, 1, 1))
    christmas, boxing = observed_pair(dt.date(year, 12, 25))
    found = [
        (new_year, "New Year’s Day"),
        (after, "Day after New Year’s Day"),
        (observed(dt.date(year, 2, 6)), "Waitangi Day"),
        (sunday - dt.timedelta(days=2), "Good Friday"),
        (sunday + dt.timedelta(days=1), "Easter Monday"),
        (observed(dt.date(year, 4, 25)), "Anzac Day"),
        (nth_monday(year, 6, 1), "King’s Birthday"),
        (nth_monday(year, 10, 4), "Labour Day"),
        (christmas, "Christmas Day"),
        (boxing, "Boxing Day"),
    ]
    if year in MATARIKI:
        found.append((dt.date(year, *MATARIKI[year]), "Matariki"))
    return sorted(found)


@cache
def public_holidays(year: int, region: str = "") -> frozenset[dt.date]:
    """The days of a year on which nobody has to work, as they are observed, by rule alone."""
    days = {day for day, _name in named_holidays(year)}
    if region:
        days.add(anniversary(region, year))
    return frozenset(days)


def computed_days(first: int, last: int) -> list[tuple[dt.date, str, str]]:
    """(day, name, region) of every holiday and anniversary of these years, for the calendar to begin with."""
    found: list[tuple[dt.date, str, str]] = []
    for year in range(first, last + 1):
        national = named_holidays(year)
        found += [(day, name, "") for day, name in national]
        kept = {day for day, _name in national}
        for region, label in REGIONS.items():
            day = anniversary(region, year)
            if day not in kept:
                found.append((day, f"{label} Anniversary Day", region))
    merged: dict[tuple[dt.date, str], str] = {}
    for day, name, region in found:
        merged[day, region] = f"{merged[day, region]}, {name}" if (day, region) in merged else name
    return [(day, name, region) for (day, region), name in sorted(merged.items())]


@dataclass(frozen=True)
class WorkingCalendar:
    """The days on which nobody has to work in one region. Years that were never filled in go by rule."""

    off: frozenset[dt.date] = frozenset()
    years: frozenset[int] = frozenset()
    region: str = ""

    def is_working_day(self, day: dt.date) -> bool:
        """True on a weekday that is no holiday and on which nothing is closed."""
        if day.weekday() >= 5 or day in self.off:
            return False
        return day.year in self.years or day not in public_holidays(day.year, self.region)

    def add(self, day: dt.date, days: int) -> dt.date:
        """The day that many working days later (or earlier). The day itself is not counted."""
        step = dt.timedelta(days=1 if days >= 0 else -1)
        left = abs(days)
        while left:
            day += step
            left -= self.is_working_day(day)
        return day

    def next(self, day: dt.date) -> dt.date:
        """The day itself where it is a working day, otherwise the next that is."""
        while not self.is_working_day(day):
            day += dt.timedelta(days=1)
        return day

    def between(self, first: dt.date, last: dt.date) -> int:
        """How many working days come after the one day, up to and with the other; 0 when it is earlier."""
        days = (first + dt.timedelta(days=one) for one in range(1, (last - first).days + 1))
        return sum(self.is_working_day(day) for day in days)


BY_RULE = WorkingCalendar()

OFFSET = re.compile(r"([+-]?\d{1,4})(wd|d|h)")
"""An offset of a reminder: "-7d" by the wall clock, "-48h" of elapsed time, "+1wd" by the calendar."""


OFFSET_UNITS = {"wd": "working day", "d": "day", "h": "hour"}


def offset_words(offset: str) -> str:
    """“-48h” is “48 hours before”, “+1wd” “1 working day after”, “0d” “on the day”."""
    found = OFFSET.fullmatch(offset)
    if found is None:
        return offset.replace("_", " ")
    number, unit = int(found[1]), OFFSET_UNITS[found[2]]
    if number == 0:
        return "on the day"
    words = unit if abs(number) == 1 else f"{unit}s"
    return f"{abs(number)} {words} {'before' if number < 0 else 'after'}"


def moments_of(wall: dt.datetime, zone: zoneinfo.ZoneInfo) -> list[dt.datetime]:
    """What a wall-clock time can mean, in UTC: one moment; two where clocks go back or leap over it.

    In the hour that comes twice these are the first and the second. A time that clocks skip is, by PEP 495,
    the one an hour on (by the clock before the change) and the one an hour back (by the clock after it).
    """
    found = [wall.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1)]
    return found[:1] if found[0] == found[1] else found


def is_skipped(wall: dt.datetime, zone: zoneinfo.ZoneInfo) -> bool:
    """Whether the clocks of the zone leap over this time."""
    first = moments_of(wall, zone)[0]
    return first.astimezone(zone).replace(tzinfo=None, fold=0) != wall


def days_after(offset: str) -> int:
    """How many days after its deadline a reminder goes out; 0 for one before, and for one in hours."""
    parts = OFFSET.fullmatch(offset)
    return max(int(parts[1]), 0) if parts is not None and parts[2] != "h" else 0


MORNING = dt.time(8)


def at_wall(wall: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """A wall-clock time as a moment. A time that the clocks skip counts as the same time after the gap."""
    return moments_of(wall, zone)[0]


@dataclass(frozen=True)
class After:
    """A date relative to an event: so many working days later, at a time of day in the delivery's zone."""

    moment: dt.datetime
    days: int
    at: dt.time = dt.time(17)

    def resolve(self, zone: zoneinfo.ZoneInfo, calendar: WorkingCalendar) -> dt.datetime:
        """The moment in UTC. The day of the event is not counted."""
        day = calendar.add(self.moment.astimezone(zone).date(), self.days)
        return at_wall(dt.datetime.combine(day, self.at), zone)


def fire_time(
    due_at: dt.datetime, offset: str, zone: str, calendar: WorkingCalendar = BY_RULE
) -> dt.datetime:
    """When a reminder goes out. Each offset names its clock: "-1d" is not "-24h" over a change of clocks.

    "0d" is eight in the morning of the day; of the day before where the date itself is not later than that.
    """
    parts = OFFSET.fullmatch(offset)
    if parts is None:
        raise ValueError(f"{offset} names no clock; use d, h or wd")
    number, unit = int(parts[1]), parts[2]
    if unit == "h":
        # In UTC: Python adds to an aware local time as the wall clock does, not as time passes.
        return due_at.astimezone(dt.UTC) + dt.timedelta(hours=number)
    where = zoneinfo.ZoneInfo(zone)
    wall = due_at.astimezone(where).replace(tzinfo=None, fold=0)
    if unit == "wd":
        return at_wall(dt.datetime.combine(calendar.add(wall.date(), number), MORNING), where)
    if number == 0:
        morning = at_wall(dt.datetime.combine(wall.date(), MORNING), where)
        if morning < due_at:
            return morning
        # Due before people are reminded: the morning before, while there is a day left to act in.
        return at_wall(dt.datetime.combine(wall.date() - dt.timedelta(days=1), MORNING), where)
    return at_wall(wall + dt.timedelta(days=number), where)


def add_working_days(
    day: dt.date, days: int, region: str = "", closed: Collection[dt.date] = ()
) -> dt.date:
    """As WorkingCalendar.add, by rule alone."""
    return WorkingCalendar(off=frozenset(closed), region=region).add(day, days)
