"""Days and times as people read them."""

import datetime as dt
import zoneinfo

import pytest

from workflows.words import day_in_words, in_words, to_the_second

AUCKLAND = zoneinfo.ZoneInfo("Pacific/Auckland")
CHATHAM = zoneinfo.ZoneInfo("Pacific/Chatham")


@pytest.mark.parametrize(
    ("hour", "zone", "says"),
    [
        (5, AUCKLAND, "Friday 14 August 2026, 5:00 pm"),
        (0, AUCKLAND, "Friday 14 August 2026, 12:00 pm"),
        (12, AUCKLAND, "Saturday 15 August 2026, 12:00 am"),
        (14, CHATHAM, "Saturday 15 August 2026, 2:45 am"),
    ],
)
def test_a_moment_is_said_on_the_clock_of_its_zone(hour, zone, says):
    assert in_words(dt.datetime(2026, 8, 14, hour, tzinfo=dt.UTC), zone) == says


def test_a_receipt_names_the_second_and_the_zone():
    at = dt.datetime(2026, 8, 8, 21, 4, 9, tzinfo=dt.UTC)
    assert to_the_second(at, AUCKLAND) == "Sunday 9 August 2026, 9:04:09 am NZST"


def test_a_day_has_no_leading_zero():
    assert day_in_words(dt.date(2026, 8, 9)) == "Sunday 9 August 2026"
