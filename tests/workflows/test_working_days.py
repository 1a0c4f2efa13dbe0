"""Holidays as they were gazetted, and counting over them."""

import datetime as dt

import pytest

from workflows.working_days import (
    MATARIKI,
    WorkingCalendar,
    add_working_days,
    anniversary,
    easter,
    public_holidays,
)

D = dt.date


def test_the_holidays_of_2026():
    assert sorted(public_holidays(2026)) == [
        D(2026, 1, 1), D(2026, 1, 2), D(2026, 2, 6), D(2026, 4, 3), D(2026, 4, 6), D(2026, 4, 27),
        D(2026, 6, 1), D(2026, 7, 10), D(2026, 10, 26), D(2026, 12, 25), D(2026, 12, 28),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2022, [D(2022, 1, 3), D(2022, 1, 4), D(2022, 12, 26), D(2022, 12, 27)]),
        (2021, [D(2021, 1, 1), D(2021, 1, 4), D(2021, 12, 27), D(2021, 12, 28)]),
        (2027, [D(2027, 2, 8), D(2027, 4, 26), D(2027, 12, 27), D(2027, 12, 28)]),
        (2028, [D(2028, 1, 3), D(2028, 1, 4)]),
    ],
)
def test_weekends_move_to_monday_and_tuesday(year, days):
    assert set(days) <= public_holidays(year)


def test_matariki_is_always_a_friday():
    assert {D(year, *day).weekday() for year, day in MATARIKI.items()} == {4}
    assert set(MATARIKI) == set(range(2022, 2037))


@pytest.mark.parametrize(
    ("year", "sunday"),
    [(2024, D(2024, 3, 31)), (2025, D(2025, 4, 20)), (2026, D(2026, 4, 5)), (2038, D(2038, 4, 25))],
)
def test_easter(year, sunday):
    assert easter(year) == sunday


@pytest.mark.parametrize(
    ("region", "day"),
    [
        ("auckland", D(2026, 1, 26)),
        ("wellington", D(2026, 1, 19)),
        ("nelson", D(2026, 2, 2)),
        ("taranaki", D(2026, 3, 9)),
        ("otago", D(2026, 3, 23)),
        ("southland", D(2026, 4, 7)),
        ("south-canterbury", D(2026, 9, 28)),
        ("hawkes-bay", D(2026, 10, 23)),
        ("marlborough", D(2026, 11, 2)),
        ("canterbury", D(2026, 11, 13)),
        ("chatham", D(2026, 11, 30)),
        ("westland", D(2026, 11, 30)),
    ],
)
def test_anniversaries_of_2026(region, day):
    assert anniversary(region, 2026) == day
    assert not WorkingCalendar(region=region).is_working_day(day)


@pytest.mark.parametrize(
    ("start", "days", "region", "end"),
    [
        (D(2026, 11, 23), 10, "", D(2026, 12, 7)),
        (D(2026, 12, 24), 1, "", D(2026, 12, 29)),
        (D(2026, 4, 2), 1, "", D(2026, 4, 7)),
        (D(2026, 4, 2), 1, "southland", D(2026, 4, 8)),
        (D(2026, 4, 7), -1, "", D(2026, 4, 2)),
        (D(2026, 7, 9), 1, "", D(2026, 7, 13)),
        (D(2026, 11, 21), 0, "", D(2026, 11, 21)),
    ],
)
def test_adding(start, days, region, end):
    assert add_working_days(start, days, region) == end


def test_days_on_which_the_organisation_is_closed():
    closed = {D(2026, 12, day) for day in (29, 30, 31)}
    assert add_working_days(D(2026, 12, 24), 1, closed=closed) == D(2027, 1, 5)
    assert WorkingCalendar(off=frozenset(closed)).next(D(2026, 12, 29)) == D(2027, 1, 5)
    assert WorkingCalendar().next(D(2026, 11, 23)) == D(2026, 11, 23)
