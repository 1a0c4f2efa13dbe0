"""The assessor's queue: what waits, in which order and why, with filters that live in the address."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from accounts.models import User
from assessment.enums import WORK_STATES, Why
from assessment.models import Allocation
from assessment.querysets import claimable, in_order, unallocated, waiting_for
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from portfolios.querysets import administered, in_delivery

PER_PAGE = 25
QUEUED = (*WORK_STATES, SubmissionState.UNDER_RECONSIDERATION)
DUE = {"overdue": "Overdue", "soon": "Due within 3 days", "later": "Due later"}
WHOSE = {"mine": "Mine", "unallocated": "Unallocated"}


@dataclass(frozen=True)
class Filters:
    """What a person asked to see. Unknown values count as not given."""

    delivery: str = ""
    task: str = ""
    state: str = ""
    attempt: str = ""
    due: str = ""
    whose: str = ""

    @classmethod
    def read(cls, query: Mapping[str, Any]) -> "Filters":
        return cls(
            delivery=_key(query.get("delivery")),
            task=_key(query.get("task")),
            state=_one(query.get("state"), [str(one) for one in QUEUED]),
            attempt=_one(query.get("attempt"), ["1", "2", "3", "4", "5"]),
            due=_one(query.get("due"), DUE),
            whose=_one(query.get("whose"), WHOSE),
        )

    @property
    def query(self) -> str:
        """The filters as they stand in an address, empty ones left out."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return urlencode({name: value for name, value in given.items() if value})

    def apply(self, submissions: "QuerySet[Any]") -> "QuerySet[Any]":
        if self.delivery:
            submissions = submissions.filter(delivery=self.delivery)
        if self.task:
            submissions = submissions.filter(task=self.task)
        if self.state:
            submissions = submissions.filter(state=self.state)
        if self.attempt:
            submissions = submissions.filter(attempt=int(self.attempt))
        now = timezone.now()
        soon = now + timedelta(days=3)
        if self.due == "overdue":
            submissions = submissions.filter(marking_due_at__lt=now)
        elif self.due == "soon":
            submissions = submissions.filter(marking_due_at__gte=now, marking_due_at__lt=soon)
        elif self.due == "later":
            submissions = submissions.filter(
                Q(marking_due_at__gte=soon) | Q(marking_due_at__isnull=True)
            )
        return submissions


def _key(value: object) -> str:
    try:
        return str(UUID(str(value)))
    except ValueError:
        return ""


def _one(value: object, known: Any) -> str:
    return str(value) if value in known else ""


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
    zone: str
    is_open: bool
    is_mine: bool
    is_claimable: bool


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


def led_by(user: User) -> Q:
    """Condition: the person allocates work in the submission's delivery."""
    return administered(user, "delivery") | in_delivery(
        user, "delivery", DeliveryRoleKind.LEAD_MODERATOR
    )


def scope(user: User, whose: str = "") -> "QuerySet[Any]":
    """Everything that stands in this person's queue."""
    queued: QuerySet[Any] = Submission.objects.filter(state__in=QUEUED)
    if whose == "mine":
        return waiting_for(queued, user)
    pool = claimable(Submission.objects.all(), user).values("pk")
    if whose == "unallocated":
        led = unallocated(queued.filter(led_by(user))).values("pk")
        return queued.filter(Q(pk__in=pool) | Q(pk__in=led))
    mine = waiting_for(Submission.objects.all(), user).values("pk")
    return queued.filter(Q(pk__in=mine) | Q(pk__in=pool) | led_by(user))


def queue_for(user: User, filters: Filters, page: str | int | None) -> Queue:
    """One page with its totals; the number of queries does not depend on the number of rows."""
    here = Submission.objects.filter(pk=OuterRef("pk")).order_by()
    wanted = in_order(filters.apply(scope(user, filters.whose))).annotate(
        is_mine=Exists(waiting_for(here, user)), is_claimable=Exists(claimable(here, user))
    )
    columns = (
        "pk", "reference", "pseudonym", "learner__name", "task__title", "attempt", "submitted_at",
        "marking_due_at", "why", "state", "delivery_id", "lease__until", "lease__holder__name",
        "is_mine", "is_claimable",
    )  # fmt: skip
    found = Paginator(wanted.values(*columns), PER_PAGE).get_page(page)
    records: list[dict[str, Any]] = list(found.object_list)
    keys = [record["pk"] for record in records]
    deliveries = deliveries_of(user)
    by_id = {one.pk: one for one in deliveries}
    led = {one.pk for one in deliveries if getattr(one, "is_led", False)}
    holders: dict[UUID, list[str]] = {}
    if led:
        live = Allocation.objects.current().filter(submission__in=keys).order_by("allocated_at")
        for key, name in live.values_list("submission_id", "assessor__name"):
            holders.setdefault(key, []).append(name)
    now = timezone.now()
    rows = []
    for record in records:
        delivery = by_id[record["delivery_id"]]
        is_open = record["is_mine"] or delivery.pk in led
        anonymous = delivery.policy_value("anonymous_marking")
        name = record["pseudonym"] if anonymous else record["learner__name"]
        due_at = record["marking_due_at"]
        leased = record["lease__until"] is not None and record["lease__until"] > now
        rows.append(
            Row(
                pk=record["pk"],
                who=name if is_open else record["reference"],
                reference=record["reference"],
                task=record["task__title"],
                attempt=record["attempt"],
                submitted_at=record["submitted_at"],
                due_at=due_at,
                why=str(Why(record["why"]).label),
                is_overdue=due_at is not None and due_at < now,
                state=str(SubmissionState(record["state"]).label),
                opened_by=record["lease__holder__name"] if leased and is_open else "",
                allocated_to=", ".join(holders.get(record["pk"], [])) if delivery.pk in led else "",
                zone=delivery.time_zone,
                is_open=is_open,
                is_mine=record["is_mine"],
                is_claimable=record["is_claimable"],
            )
        )
    totals = count_all(user)
    tasks: dict[UUID, str] = {}
    for one in deliveries:
        for task in one.version.tasks.all():
            tasks[task.pk] = task.title
    return Queue(
        filters=filters,
        page=found,
        rows=rows,
        mine=totals[0],
        pool=totals[1],
        leads=bool(led),
        deliveries=[(str(one.pk), one.title) for one in deliveries],
        tasks=[(str(pk), title) for pk, title in tasks.items()],
    )


def count_all(user: User) -> tuple[int, int]:
    """How much waits for this person, and how much they could take from the pool."""
    counted = Submission.objects.aggregate(
        mine=Count("pk", filter=Q(pk__in=waiting_for(Submission.objects.all(), user).values("pk"))),
        pool=Count("pk", filter=Q(pk__in=claimable(Submission.objects.all(), user).values("pk"))),
    )
    return counted["mine"], counted["pool"]


def deliveries_of(user: User) -> list[Delivery]:
    """Deliveries in which the person marks or allocates; those they lead are marked `is_led`."""
    led = Q(pk__in=Delivery.objects.administered_by(user).values("pk")) | Q(
        pk__in=Delivery.objects.with_role(user, DeliveryRoleKind.LEAD_MODERATOR).values("pk")
    )
    marked = Submission.objects.filter(parts__person=user, parts__ended_at__isnull=True)
    found = (
        Delivery.objects.annotate(
            is_led=Case(When(led, then=Value(True)), default=Value(False)),
        )
        .filter(
            Q(is_led=True)
            | Q(pk__in=Delivery.objects.with_role(user, DeliveryRoleKind.ASSESSOR).values("pk"))
            | Q(pk__in=marked.values("delivery_id"))
        )
        .select_related("version")
        .prefetch_related("version__tasks")
    )
    return list(found)


@dataclass(frozen=True)
class Place:
    """Where a piece of work stands in the person's own view, and what comes after it."""

    number: int
    total: int
    following: UUID | None


def place_of(submission: Submission, user: User, filters: Filters) -> Place:
    """ "4 of 23 in this view". After the last comes the first that still waits."""
    keys = list(in_order(filters.apply(scope(user, "mine"))).values_list("pk", flat=True)[:1000])
    if submission.pk not in keys:
        return Place(0, len(keys), keys[0] if keys else None)
    at = keys.index(submission.pk)
    others = keys[at + 1 :] + keys[:at]
    return Place(at + 1, len(keys), others[0] if others else None)


@dataclass(frozen=True)
class NextCard:
    """The one thing to do next."""

    title: str
    text: str
    submission: UUID | None
    action: str


def next_for(user: User) -> tuple[NextCard, list[dict[str, Any]]]:
    """Returned, overdue, a draft left open, due soonest, pool, or nothing; then what else waits."""
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
    rows = [
        {"submission": one, "who": name_of(one), "why": Why(one.why).label} for one in ordered[1:]
    ]
    card = NextCard(
        title, f"{first.task.title}: {name_of(first)}, {first.reference}", first.pk, "Open"
    )
    return card, rows


def name_of(submission: Submission) -> str:
    """The learner's name, or the pseudonym wherever marking is anonymous."""
    if submission.delivery.policy_value("anonymous_marking"):
        return submission.pseudonym
    return str(submission.learner.name)
