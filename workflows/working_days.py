"""Working days in New Zealand: weekends, public holidays with their Mondays, anniversaries, closed days.

The rules follow the Holidays Act 2003. Matariki has no rule: its Fridays are those of the schedule to Te Kāhui
o Matariki Public Holiday Act 2022, kept here as data.
"""

import datetime as dt
from collections.abc import Collection
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
        return nearest_monday(dt.date(year, month, number))
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


@cache
def public_holidays(year: int, region: str = "") -> frozenset[dt.date]:
    """The days of a year on which nobody has to work, as they are observed."""
    sunday = easter(year)
    days = {
        *observed_pair(dt.date(year, 1, 1)),
        observed(dt.date(year, 2, 6)),
        sunday - dt.timedelta(days=2),
        sunday + dt.timedelta(days=1),
        observed(dt.date(year, 4, 25)),
        nth_monday(year, 6, 1),
        nth_monday(year, 10, 4),
        *observed_pair(dt.date(year, 12, 25)),
    }
    if year in MATARIKI:
        days.add(dt.date(year, *MATARIKI[year]))
    if region:
        days.add(anniversary(region, year))
    return frozenset(days)


def is_working_day(day: dt.date, region: str = "", closed: Collection[dt.date] = ()) -> bool:
    """True on a weekday that is neither a holiday nor a day on which the organisation is closed."""
    return day.weekday() < 5 and day not in closed and day not in public_holidays(day.year, region)


def add_working_days(
    day: dt.date, days: int, region: str = "", closed: Collection[dt.date] = ()
) -> dt.date:
    """The day that many working days later (or earlier). The day itself is not counted."""
    step = dt.timedelta(days=1 if days >= 0 else -1)
    left = abs(days)
    while left:
        day += step
        left -= is_working_day(day, region, closed)
    return day


def next_working_day(day: dt.date, region: str = "", closed: Collection[dt.date] = ()) -> dt.date:
    """The day itself where it is a working day, otherwise the next that is."""
    while not is_working_day(day, region, closed):
        day += dt.timedelta(days=1)
    return day
