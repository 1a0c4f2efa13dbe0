"""Whether messages arrive: what waits, what was sent and what was not, day by day."""

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import CharField, Count, Exists, Max, Min, Q, QuerySet, Value
from django.db.models.functions import Cast, TruncDate
from django.utils import timezone

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.models import User
from workflows.enums import AttemptResult, Lane, MessageKind, MessageState
from workflows.models import DeliveryAttempt, OutboxMessage, SuspendedAddress, Webhook
from workflows.querysets import Composed

DAYS = 14
ZONE = zoneinfo.ZoneInfo("Pacific/Auckland")
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 700, 220, 44, 10, 30
RETRIES = [AttemptResult.DEFERRED, AttemptResult.UNKNOWN]


@dataclass(frozen=True)
class LaneRow:
    """One lane of the queue."""

    label: str
    waiting: int
    due: int
    oldest: dt.timedelta
    most_tries: int

    @property
    def oldest_words(self) -> str:
        seconds = int(self.oldest.total_seconds())
        if seconds < 60:
            return f"{seconds} s"
        return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def lanes() -> list[LaneRow]:
    """What waits in each lane, and for how long the oldest has been due."""
    now = timezone.now()
    due = Q(available_at__lte=now)
    rows = (
        OutboxMessage.objects.filter(state=MessageState.PENDING)
        .order_by()
        .values("lane")
        .annotate(
            waiting=Count("pk"),
            due=Count("pk", filter=due),
            oldest=Min("available_at", filter=due),
            tries=Max("attempts"),
        )
    )
    found = {row["lane"]: row for row in rows}
    made = []
    for lane in Lane:
        row = found.get(lane, {})
        oldest = row.get("oldest")
        made.append(
            LaneRow(
                str(lane.label),
                row.get("waiting", 0),
                row.get("due", 0),
                now - oldest if oldest else dt.timedelta(),
                row.get("tries") or 0,
            )
        )
    return made


@dataclass(frozen=True)
class DayRow:
    """What happened on one day."""

    day: dt.date
    sent: int
    retried: int
    refused: int

    @property
    def total(self) -> int:
        return self.sent + self.retried + self.refused


def days() -> list[DayRow]:
    """The last two weeks, a row for each day of New Zealand's calendar, quiet days included."""
    today = timezone.now().astimezone(ZONE).date()
    first = today - dt.timedelta(days=DAYS - 1)
    begin = dt.datetime.combine(first, dt.time(), tzinfo=ZONE)
    rows = (
        DeliveryAttempt.objects.filter(ended_at__gte=begin)
        .order_by()
        .annotate(day=TruncDate("ended_at", tzinfo=ZONE))
        .values("day")
        .annotate(
            sent=Count("pk", filter=Q(result=AttemptResult.SENT)),
            retried=Count("pk", filter=Q(result__in=RETRIES)),
            refused=Count("pk", filter=Q(result=AttemptResult.REFUSED)),
        )
    )
    found = {row["day"]: row for row in rows}
    span = [first + dt.timedelta(days=one) for one in range(DAYS)]
    made = []
    for day in span:
        row = found.get(day)
        made.append(
            DayRow(day, row["sent"], row["retried"], row["refused"])
            if row
            else DayRow(day, 0, 0, 0)
        )
    return made


@dataclass(frozen=True)
class Bar:
    """One piece of a column of the plot, in the plot's own units."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True)
class Plot:
    """Columns stacked from the bottom: sent, tried again, refused. The table beside it says the same."""

    bars: list[Bar]
    ticks: list[tuple[float, int]]
    labels: list[tuple[float, str]]
    top: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: int = HEIGHT - BOTTOM


def nice(number: int) -> int:
    """The next round number for the top of an axis."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step >= number:
                return factor * step
        step *= 10


def plot(rows: list[DayRow]) -> Plot:
    """Where each piece stands. Nothing is rounded away: a single refusal is at least two units high."""
    top = nice(max([*(row.total for row in rows), 4]))
    room = HEIGHT - BOTTOM - TOP
    step = (WIDTH - LEFT) / len(rows)
    bars, labels = [], []
    for number, row in enumerate(rows):
        x, y = LEFT + number * step, float(HEIGHT - BOTTOM)
        for kind in ("sent", "retried", "refused"):
            count = getattr(row, kind)
            if count:
                high = max(room * count / top, 2.0)
                y -= high
                bars.append(
                    Bar(round(x + 4, 1), round(y, 1), round(step - 8, 1), round(high, 1), kind)
                )
        if number % 2 == 0:
            labels.append((round(x + step / 2, 1), f"{row.day.day}/{row.day.month}"))
    ticks = [(round(HEIGHT - BOTTOM - room * part / 2, 1), top * part // 2) for part in (0, 1, 2)]
    return Plot(bars, ticks, labels, top)


def overview() -> dict[str, Any]:
    """Everything above the list of the page."""
    rows = days()
    events = OutboxMessage.objects.filter(kind=MessageKind.EVENT, state=MessageState.PENDING)
    return {
        "lanes": lanes(),
        "days": rows,
        "plot": plot(rows),
        "events": events.count(),
        "sent_today": rows[-1].sent,
    }


@dataclass(frozen=True)
class Trouble:
    """One kind of thing about messages that somebody has to look at: how many, and an example of them."""

    number: int
    label: str
    key: str


composed = Composed()


def troubles_for(person: User) -> dict[str, Trouble]:
    """What about messages waits for this person, in one statement whatever there is.

    `address`: addresses to which nothing is sent, not looked at yet. `message`: refused or given up. `queue`:
    due for longer than OUTBOX_MAX_SECONDS, receivers of organisations left out. `webhook`: suspended
    receivers. The first three are for those who look after messages, the last for those who keep it.
    """
    if not person.is_active:
        return {}
    staff = person.is_staff

    def build(values: Sequence[Any]) -> QuerySet[Any, Any]:
        asked, now = User(pk=values[0], is_staff=staff), values[1]
        late = now - dt.timedelta(seconds=settings.OUTBOX_MAX_SECONDS)
        caring = Exists(
            asked.memberships.current(now).filter(
                role=OrganisationRole.ADMINISTRATOR, organisation__kind=OrganisationKind.PROVIDER
            )
        )
        waiting = OutboxMessage.objects.filter(
            state=MessageState.PENDING, available_at__lt=late, webhook__isnull=True
        )
        hooks = Webhook.objects.visible_to(asked, now).filter(suspended_at__isnull=False)
        kinds = {
            "address": (SuspendedAddress.objects.to_look_at(), "address"),
            "message": (OutboxMessage.objects.stuck(), "topic"),
            "queue": (waiting, "lane"),
        }
        parts = {
            word: (rows if staff else rows.filter(caring), label)
            for word, (rows, label) in kinds.items()
        } | {"webhook": (hooks, "organisation__name")}
        first, *others = (
            rows.order_by()
            .annotate(word=Value(word), named=Cast("pk", CharField()))
            .values("word")
            .annotate(number=Count("pk"), label=Min(label), key=Min("named"))
            .values_list("word", "number", "label", "key")
            for word, (rows, label) in parts.items()
        )
        found: QuerySet[Any, Any] = first.union(*others)
        return found

    rows = composed.rows(("troubles", staff), build, [person.pk, timezone.now()], limit=10)
    return {word: Trouble(number, label, key) for word, number, label, key in rows if number}
