"""Days and times as pages and messages say them, on the clock of a delivery. One spelling for all of them."""

import datetime as dt
import zoneinfo


def day_in_words(day: dt.date) -> str:
    """Friday 14 August 2026. A moment is taken as it stands, in its own zone."""
    return f"{day:%A} {day.day} {day:%B} {day.year}"


def clock(moment: dt.datetime) -> str:
    """5:00 pm, in the moment's own zone."""
    # Not by strftime, which takes as long as everything else that a list says of a moment.
    return f"{moment.hour % 12 or 12}:{moment.minute:02} {'am' if moment.hour < 12 else 'pm'}"


def short_day(day: dt.date) -> str:
    """14 Aug 2026."""
    return f"{day.day} {MONTHS[day.month]} {day.year}"


MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def in_words(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Friday 14 August 2026, 5:00 pm."""
    there = moment.astimezone(zone)
    return f"{day_in_words(there)}, {clock(there)}"


def to_the_second(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Friday 14 August 2026, 5:00:00 pm NZST: as a receipt says it."""
    there = moment.astimezone(zone)
    seconds = f"{there:%I:%M:%S} {there:%p}".lstrip("0").lower()
    return f"{day_in_words(there)}, {seconds} {there:%Z}"
