"""The assessor's queue: what waits, in which order and why, with filters that live in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from textwrap import shorten
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.utils import timezone

from accounts.models import User
from assessment.enums import Why
from assessment.guards import calibrated_if_asked
from assessment.models import Allocation
from assessment.querysets import in_order, seen_state, waiting_for
from assessment.selectors.filters import QUEUED, Filters
from assessment.selectors.standing import (
    Standing,
    find_page,
    marks_among,
    place_among,
    read_rows,
    standing_of,
    totals_of,
)
from portfolios.enums import SubmissionState
from portfolios.models import Submission

WHY_LABELS = {int(one): str(one.label) for one in Why}
EARLY_LABEL = "Waits: the first decisions are being read"
STATE_LABELS = {str(one): str(one.label) for one in SubmissionState}


@dataclass(frozen=True)
class Row:
    """One line of the queue. Work in the pool shows neither name nor link to those who may only claim it."""

    pk: UUID
    who: str
    reference: str
    task: str
    attempt: int
    submitted_at: datetime
    due_at: datetime | None
    why: str
    is_overdue: bool
    state: str
    opened_by: str
    allocated_to: str
    zone: ZoneInfo
    is_open: bool
    is_mine: bool
    is_claimable: bool
    asked: str = ""
    """What a moderator who returned it asks for; empty for whoever does not have to do it."""
    is_flagged: bool = False
    is_led: bool = False
    """Whether the person allocates it."""


@dataclass
class Queue:
    """One page of the queue."""

    filters: Filters
    page: "Page[Any]"
    rows: list[Row]
    mine: int
    pool: int
    leads: bool
    deliveries: list[tuple[str, str]] = field(default_factory=list)
    tasks: list[tuple[str, str]] = field(default_factory=list)


class Counted(Paginator):  # type: ignore[type-arg]  # not generic when it runs
    """Pages of something whose number of rows is known, and whose rows are read elsewhere."""

    def __init__(self, total: int, per_page: int) -> None:
        super().__init__((), per_page)
        self.count = total


def queue_for(
    user: User, filters: Filters, page: str | int | None, *, standing: Standing | None = None
) -> Queue:
    """One page with its totals; the number of queries does not depend on the number of rows.

    `standing` is the person's, where it was read already.
    """
    standing = standing or standing_of(user)
    size, number = filters.per_page, number_in(page)
    keys, counts = find_page(standing, filters, start=(number - 1) * size, limit=size)
    if not keys and number > 1:
        # Beyond the last row nothing says how many there are.
        counts = find_page(standing, filters, start=0, limit=1)[1]
    found = Counted(sum(counts.values()), size).get_page(page)
    if found.number != number:
        keys, counts = find_page(standing, filters, start=(found.number - 1) * size, limit=size)
    totals = counts
    if standing.led or filters.narrow:
        totals = totals_of(standing, "mine", "pool")
    return Queue(
        filters=filters,
        page=found,
        rows=rows_from(keys, standing) if keys else [],
        mine=totals.get("mine", 0),
        pool=totals.get("pool", 0),
        leads=bool(standing.led),
        deliveries=[(str(one.pk), one.title) for one in standing.deliveries],
        tasks=list(
            {
                str(key): title for one in standing.deliveries for key, title in one.tasks.items()
            }.items()
        ),
    )


def number_in(page: str | int | None) -> int:
    """The page that is asked for, if it can be one; the paginator has the last word."""
    try:
        number = int(page or 1)
    except ValueError:
        return 1
    return number if 1 <= number <= MOST_PAGES else 1


MOST_PAGES = 100_000


def rows_from(found: Sequence[tuple[UUID, int, str]], standing: Standing) -> list[Row]:
    """The lines of one page, with whose they are and who has them."""
    parts = {key: part for key, _why, part in found}
    reasons = {key: why for key, why, _part in found}
    mine = {key for key, part in parts.items() if part == "mine"}
    pool = {key for key, part in parts.items() if part == "pool"}
    holders: dict[UUID, list[str]] = {}
    if led := [key for key, part in parts.items() if part == "led"]:
        marks = marks_among(standing, led)
        mine.update(key for key, word in marks if word == "mine")
        pool.update(key for key, word in marks if word == "pool")
        live = Allocation.objects.current().filter(submission__in=led).order_by("allocated_at")
        for key, name in live.values_list("submission_id", "assessor__name"):
            holders.setdefault(key, []).append(name)
    now = timezone.now()
    zones = {one.pk: ZoneInfo(one.time_zone) for one in standing.deliveries}
    anonymous = {one.pk for one in standing.deliveries if one.is_anonymous}
    rows = []
    for record in read_rows(standing.user, list(parts)):
        key, delivery, due_at = record["pk"], record["delivery_id"], record["marking_due_at"]
        place, why = record["place"], reasons[key]
        is_open = key in mine or delivery in standing.led
        hides = record["hides_learner"]
        coded = place in anonymous if hides is None else hides
        name = record["pseudonym"] if coded else record["learner__name"]
        leased = record["lease__until"] is not None and record["lease__until"] > now
        state = record["state"]
        if parts[key] != "led":
            is_pair = record["double_blind"] and why != Why.RETURNED
            state = seen_state(state, is_pair=is_pair, has_begun=record["is_begun"])
            leased = leased and not (is_pair and record["is_paired"])
        rows.append(
            Row(
                pk=key,
                who=name if is_open else record["reference"],
                reference=record["reference"],
                task=record["task__title"],
                attempt=record["attempt"],
                submitted_at=record["submitted_at"],
                due_at=due_at,
                why=WHY_LABELS[why],
                is_overdue=due_at is not None and due_at < now,
                state=EARLY_LABEL if record["is_held"] else STATE_LABELS[state],
                opened_by=holder_of(record, standing) if leased else "",
                allocated_to=", ".join(holders.get(key, [])),
                zone=zones[place],
                is_open=is_open,
                is_mine=key in mine,
                is_claimable=key in pool,
                is_flagged=record["is_flagged"],
                is_led=delivery in standing.led,
                asked=asked_for(record["return_note"])
                if key in mine and why == Why.RETURNED
                else "",
            )
        )
    return rows


def asked_for(note: str) -> str:
    """The beginning of what a moderator asks for; all of it stands in the workspace."""
    return shorten(note, ASKED, placeholder=" …")


ASKED = 200
SOMEBODY = "Somebody else"
"""What an assessor reads where the names of others are kept from them."""


def holder_of(record: Mapping[str, Any], standing: Standing) -> str:
    """Who else has it open: the name for those who lead it, and for assessors who may know of one another.

    Of two who mark the same work blind neither is to learn from the queue when the other is at it, which whoever
    asks has seen to. One's own is not said: beside a share that is drawn it would tell what was drawn.
    """
    name = str(record["lease__holder__name"])
    if record["delivery_id"] in standing.led:
        return name
    if record["lease__holder"] == standing.user.pk:
        return ""
    offer = next(one for one in standing.deliveries if one.pk == record["place"])
    fixed = record["hides_between"]
    return SOMEBODY if (offer.hides_between if fixed is None else fixed) else name


@dataclass(frozen=True)
class Place:
    """Where a piece of work stands in the person's own view, and what comes after it."""

    number: int
    total: int
    following: UUID | None


def place_of(submission: Submission, user: User, filters: Filters) -> Place:
    """ "4 of 23 in this view". After the last comes the first that still waits."""
    return Place(*place_among(user, filters, submission.pk))


@dataclass(frozen=True)
class NextCard:
    """The one thing to do next."""

    title: str
    text: str
    submission: UUID | None
    action: str


def next_for(user: User) -> tuple[NextCard, list[dict[str, Any]]]:
    """Returned, overdue, a draft left open, due soonest, pool, or nothing; then what else waits.

    Calibration comes before work that it keeps closed.
    """
    waiting = list(
        in_order(waiting_for(Submission.objects.filter(state__in=QUEUED), user))
        .select_related("task", "delivery__version", "learner")
        .prefetch_related("decisions")[:6]
    )
    if not waiting:
        return NextCard("Your queue is empty", "Nothing waits for you to mark.", None, ""), []

    def rank(one: Any) -> tuple[int, int]:
        drafting = any(
            draft.author_id == user.pk and draft.sealed_at is None for draft in one.decisions.all()
        )
        return (one.why if one.why <= Why.OVERDUE else 2 if drafting else 3, waiting.index(one))

    ordered = sorted(waiting, key=rank)
    first = ordered[0]
    titles = {
        Why.RETURNED: "A moderator returned a decision to you",
        Why.OVERDUE: "This is overdue",
    }
    title = titles.get(Why(first.why))
    if title is None:
        title = "Go on with your draft" if rank(first)[0] == 2 else "Next in your queue"
    text = f"{first.task.title}: {name_of(first)}, {first.reference}"
    if first.why == Why.RETURNED:
        text = f"{text}. {asked_for(first.return_note)}"
    if not calibrated_if_asked.holds(first, user):
        title = "Calibrate first"
        text = f"Mark agreed work on “{first.task.title}”; when you have passed, what waits for you opens."
        return NextCard(title, text, None, "Calibration"), [_waits(one) for one in ordered]
    card = NextCard(title, text, first.pk, "Open")
    return card, [_waits(one) for one in ordered[1:]]


def _waits(submission: Any) -> dict[str, Any]:
    return {
        "submission": submission, "who": name_of(submission), "why": Why(submission.why).label
    }  # fmt: skip


def name_of(submission: Submission) -> str:
    """The learner's name, or the pseudonym wherever marking is anonymous."""
    if submission.hides("learner"):
        return submission.pseudonym
    return str(submission.learner.name)
