"""When a piece of news reaches a person by mail: at once, with the morning's digest, or not at all."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from accounts.models import User
from workflows.definitions import Topic, relations, topics, useful_until
from workflows.enums import Category, Frequency
from workflows.models import MessagePreference, Notification, QuietHours
from workflows.working_days import at_wall

MORNING = dt.time(7, 30)
HOME = zoneinfo.ZoneInfo("Pacific/Auckland")


@dataclass(frozen=True)
class Plan:
    """At once (`at` is None), or in the digest of that moment; `email` False means only in the application."""

    email: bool = True
    at: dt.datetime | None = None


def zone_of(person: User) -> zoneinfo.ZoneInfo:
    """The person's own zone; New Zealand's where it is none."""
    try:
        return zoneinfo.ZoneInfo(person.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return HOME


@dataclass
class Wishes:
    """The choices of some people, read once."""

    chosen: dict[tuple[Any, str], str] = field(default_factory=dict)
    quiet: dict[Any, QuietHours] = field(default_factory=dict)
    usual: QuietHours = field(default_factory=lambda: QuietHours(is_on=settings.QUIET_HOURS))

    @classmethod
    def of(cls, people: Iterable[User]) -> "Wishes":
        """Two queries, whatever the number of people."""
        keys = {one.pk for one in people}
        rows = MessagePreference.objects.filter(user__in=keys)
        return cls(
            {(row.user_id, row.category): row.frequency for row in rows},
            {row.user_id: row for row in QuietHours.objects.filter(user__in=keys)},
        )

    def frequency(self, person: User, topic: Topic) -> str:
        if topic.required:
            return Frequency.NOW
        return self.chosen.get((person.pk, topic.category), topic.frequency)

    def hours(self, person: User) -> QuietHours:
        return self.quiet.get(person.pk) or self.usual

    def plan(
        self, person: User, topic: Topic, now: dt.datetime, useful_until: dt.datetime | None = None
    ) -> Plan:
        """Required news goes at once. What the weekly digest brings too late goes as if it were mailed at once; what
        the morning brings too late does not wait for it.
        """
        frequency = self.frequency(person, topic)
        if frequency == Frequency.INAPP:
            return Plan(email=False)
        hours = self.hours(person)
        zone = zone_of(person)
        disturbs = not topic.required and is_quiet(now, zone, hours)
        if frequency == Frequency.NOW and not disturbs:
            return Plan()
        at = next_digest(now, zone, hours, weekly=frequency == Frequency.WEEKLY)
        if useful_until is None or at < useful_until:
            return Plan(at=at)
        morning = next_digest(now, zone, hours)
        return Plan(at=morning) if disturbs and morning < useful_until else Plan()


def is_quiet(now: dt.datetime, zone: zoneinfo.ZoneInfo, hours: QuietHours) -> bool:
    """Whether the person's quiet hours hold at that moment, on their own clock."""
    if not hours.is_on:
        return False
    local = now.astimezone(zone)
    if hours.weekends and local.weekday() >= 5:
        return True
    return holds_at(local.time(), hours)


def holds_at(at: dt.time, hours: QuietHours) -> bool:
    """Whether the hours hold at that time of day, over midnight too."""
    begins, ends = hours.begins, hours.ends
    return begins <= at < ends if begins <= ends else at >= begins or at < ends


def digest_time(hours: QuietHours) -> dt.time:
    """Half past seven; for whom that is too early, the end of their quiet hours."""
    return hours.ends if hours.is_on and holds_at(MORNING, hours) else MORNING


def next_digest(
    now: dt.datetime, zone: zoneinfo.ZoneInfo, hours: QuietHours, *, weekly: bool = False
) -> dt.datetime:
    """The next digest on the person's clock, on a day that no weekend's quiet holds; weekly: on a Monday."""
    at, day = digest_time(hours), now.astimezone(zone).date()
    spared = hours.is_on and hours.weekends
    while True:
        moment = at_wall(dt.datetime.combine(day, at), zone)
        unfit = (weekly and day.weekday() != 0) or (spared and day.weekday() >= 5)
        if moment > now and not unfit:
            return moment
        day += dt.timedelta(days=1)


def morning_for(
    person: User,
    now: dt.datetime,
    notices: Iterable[Notification],
    wishes: Wishes | None = None,
) -> dt.datetime | None:
    """When optional news goes on that would disturb the person now; None where it may go, or cannot wait."""
    hours, zone = (wishes or Wishes.of([person])).hours(person), zone_of(person)
    if not is_quiet(now, zone, hours):
        return None
    morning = next_digest(now, zone, hours)
    dates = [until for one in notices if (until := useful_until(one)) is not None]
    return morning if all(morning < one for one in dates) else None


@dataclass(frozen=True)
class CategoryRow:
    """One line of the settings: what is in the category for this person, and what they chose."""

    category: Category
    frequency: str
    required: list[Topic]
    optional: list[Topic]

    @property
    def reasons(self) -> list[str]:
        """Why required news comes, each reason once."""
        found = dict.fromkeys(one.why for one in self.required)
        return list(found)


def categories_for(person: User) -> list[CategoryRow]:
    """Categories of which the person may get anything, with their choice.

    Those of which every topic is required have none.
    """
    wishes = Wishes.of([person])
    held = {word for ask in relations for word in ask(person)}
    if person.is_staff:
        held.add("administrator")
    mine = [one for one in topics.values() if one.concerns(held)]
    rows = []
    for category in Category:
        inside = [one for one in mine if one.category == category]
        optional = [one for one in inside if not one.required]
        if inside:
            usual = optional[0].frequency if optional else Frequency.NOW
            rows.append(
                CategoryRow(
                    category,
                    wishes.chosen.get((person.pk, category), usual),
                    [one for one in inside if one.required],
                    optional,
                )
            )
    return rows
