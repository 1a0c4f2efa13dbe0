"""Days and times as pages and messages say them, on the clock of a delivery. One spelling for all of them."""

import datetime as dt
import zoneinfo


def day_in_words(day: dt.date) -> str:
    """Friday 14 August 2026. A moment is taken as it stands, in its own zone."""
    return f"{day:%A} {day.day} {day:%B} {day.year}"


def clock(moment: dt.datetime) -> str:
    """5:00 pm, in the moment's own zone."""
    return f"{moment:%I:%M} {moment:%p}".lstrip("0").lower()


def in_words(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Friday 14 August 2026, 5:00 pm."""
    there = moment.astimezone(zone)
    return f"{day_in_words(there)}, {clock(there)}"


def to_the_second(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Friday 14 August 2026, 5:00:00 pm NZST: as a receipt says it."""
    there = moment.astimezone(zone)
    seconds = f"{there:%I:%M:%S} {there:%p}".lstrip("0").lower()
    return f"{day_in_words(there)}, {seconds} {there:%Z}"
