"""Counting working days against a slow oracle, whose holidays come from an independent package."""

import datetime as dt
import os

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflows.test_calendar import SUBDIVISIONS
from workflows.working_days import REGIONS, WorkingCalendar

FULL = os.environ.get("PROOF") == "full"
FIRST, LAST = dt.date(2023, 1, 1), dt.date(2036, 12, 31)
ALL = [FIRST + dt.timedelta(days=one) for one in range((LAST - FIRST).days + 1)]
FARTHEST = 60
INSIDE = slice(120, -120)
"""Days from which sixty working days fit into the years that the package and our data both know."""
HALF = slice(ALL.index(dt.date(2026, 10, 1)), ALL.index(dt.date(2027, 5, 1)))
PLACES = ["", *sorted(REGIONS)]


def working_days(region: str, closed: frozenset[dt.date] = frozenset()) -> list[dt.date]:
    """Every working day of these years, written into a list. Christmas of the year before reaches into none."""
    off = set(
        holidays.country_holidays(
            "NZ", subdiv=SUBDIVISIONS[region] if region else None, years=range(2022, 2038)
        )
    )
    return [day for day in ALL if day.weekday() < 5 and day not in off and day not in closed]


def looked_up(working: list[dt.date], start: dt.date, number: int) -> dt.date:
    """The oracle: a position in the list."""
    if number == 0:
        return start
    some = [day for day in working if (day > start if number > 0 else day < start)]
    return some[number - 1] if number > 0 else some[number]


@pytest.mark.proof
@settings(deadline=None, max_examples=20_000 if FULL else 60)
@given(
    st.sampled_from(ALL[INSIDE]),
    st.integers(-FARTHEST, FARTHEST),
    st.sets(st.sampled_from(ALL), max_size=25),
    st.sampled_from(PLACES),
)
def test_any_start_number_region_and_close_down_agree(start, number, closed, region):
    near = [day for day in working_of(region) if abs((day - start).days) <= 150]
    working = [day for day in near if day not in closed]
    calendar = WorkingCalendar(off=frozenset(closed), region=region)
    wanted = looked_up(working, start, number)
    assert calendar.add(start, number) == wanted
    assert calendar.next(start) == next(day for day in working if day >= start)
    if number > 0:
        assert calendar.between(start, wanted) == number
        assert calendar.add(wanted, -number) <= start


KNOWN: dict[str, list[dt.date]] = {}


def working_of(region: str) -> list[dt.date]:
    if region not in KNOWN:
        KNOWN[region] = working_days(region)
    return KNOWN[region]


@pytest.mark.proof
@pytest.mark.parametrize("region", PLACES if FULL else ["", "auckland"])
def test_every_day_and_every_number_up_to_twenty_agree(region):
    """From each day of the years, each number of working days forward and back; reduced: one summer."""
    working, calendar = working_of(region), WorkingCalendar(region=region)
    before = 0  # how many working days lie before the day
    for day in ALL[INSIDE] if FULL else ALL[HALF]:
        while working[before] < day:
            before += 1
        after = before + (working[before] == day)  # the first working day after it
        for number in range(1, 21):
            assert calendar.add(day, number) == working[after + number - 1], (day, number)
            assert calendar.add(day, -number) == working[before - number], (day, -number)
        assert calendar.next(day) == working[before]
