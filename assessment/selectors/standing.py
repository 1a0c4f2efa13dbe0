"""What stands in a person's queue: their relations, read once, and the parts that follow from these."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import User
from assessment.enums import ASSESSES
from assessment.models import WorkFlag
from assessment.querysets import (
    MANY,
    Claims,
    begun_by,
    claimable,
    claims_of,
    in_order,
    place_of_delivery,
    relations_of,
    unallocated,
    waiting_for,
)
from assessment.selectors.early import waiting_for_check
from assessment.selectors.filters import QUEUED, Filters
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery, policy_defaults
from portfolios.models import Part, Submission
from workflows.querysets import Composed

COLUMNS = (
    "pk", "reference", "pseudonym", "learner__name", "task__title", "attempt", "submitted_at",
    "marking_due_at", "state", "delivery_id", "lease__until", "lease__holder__name", "lease__holder",
    "return_note", "hides_learner", "hides_between", "double_blind", "place",
    "is_flagged", "is_begun", "is_paired", "is_held",
)  # fmt: skip
ORDER = "why, marking_due_at NULLS LAST, submitted_at, pk"
"""That of `in_order`."""

composed = Composed()


@dataclass(frozen=True)
class Offer:
    """What the queue needs of a delivery."""

    pk: UUID
    title: str
    time_zone: str
    is_anonymous: bool
    hides_between: bool
    is_led: bool
    tasks: dict[UUID, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """A person's relations that decide what stands in the queue, at one moment."""

    user: User
    now: datetime
    claims: Claims
    led: frozenset[UUID]
    """Deliveries whose work the person allocates."""
    deliveries: tuple[Offer, ...] = ()

    @property
    def works(self) -> bool:
        """Whether these relations alone make the person one who works here (`rules.works_here`).

        Whoever only has a part in a piece of work does so too, and it is not said here.
        """
        return bool(self.led or self.claims.deliveries)

    @property
    def values(self) -> list[UUID | datetime]:
        """Everything of it that goes into a statement; `like` reads it back."""
        return [self.user.pk, self.now, *(key for keys in self._sets for key in sorted(keys))]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(keys) for keys in self._sets)

    @property
    def _sets(self) -> tuple[frozenset[UUID], ...]:
        claims = self.claims
        return (claims.deliveries, claims.employers, claims.clients, self.led)

    def like(self, values: Sequence[Any]) -> "Standing":
        """A standing of the same shape with other values."""
        user, now, *keys = values
        given = iter(keys)
        deliveries, employers, clients, led = (
            frozenset(islice(given, number)) for number in self.shape
        )
        return Standing(User(pk=user), now, Claims(deliveries, employers, clients), led)


def standing_of(user: User) -> Standing:
    """Deliveries in which the person marks or allocates, and what they may take from the pool."""
    now = timezone.now()
    if not user.is_active:
        return Standing(user, now, Claims(), frozenset())
    relations = relations_of(user)
    led = relations.deliveries(DeliveryRoleKind.ADMINISTRATOR, DeliveryRoleKind.LEAD_MODERATOR)
    providers = relations.organisations(OrganisationRole.ADMINISTRATOR)
    claims = claims_of(relations)
    offers: dict[UUID, Offer] = {}
    for row in _read_offers(user, sorted(led | claims.deliveries), sorted(providers)):
        policy = {**policy_defaults(), **row["policy"], **row["policy_overrides"]}
        offer = offers.setdefault(
            row["pk"],
            Offer(
                row["pk"],
                row["title"],
                row["time_zone"],
                bool(policy["anonymous_marking"]),
                bool(policy["anonymous_between_assessors"]),
                is_led=row["pk"] in led or row["provider"] in providers,
            ),
        )
        if row["task"] is not None:
            offer.tasks[row["task"]] = row["task_title"]
    deliveries = tuple(offers.values())
    return Standing(
        user, now, claims, frozenset(one.pk for one in deliveries if one.is_led), deliveries
    )


def _read_offers(
    user: User, held: Sequence[UUID], providers: Sequence[UUID]
) -> list[dict[str, Any]]:
    """Those deliveries, those of these providers and those in which the person marks; a row for each task."""

    def build(values: Sequence[Any]) -> "QuerySet[Any, Any]":
        asks, keys, offices = values[0], values[1 : len(held) + 1], values[len(held) + 1 :]
        marked = Submission.objects.filter(parts__person=asks, parts__ended_at__isnull=True)
        marked = marked.order_by().annotate(place=place_of_delivery())
        known = Q(pk__in=keys) | Q(pk__in=marked.values("place"))
        if offices:
            known |= Q(version__micro_credential__provider__in=offices)
        found: QuerySet[Any] = Delivery.objects.filter(known).annotate(
            policy=F("version__policy"),
            provider=F("version__micro_credential__provider"),
            task=F("version__tasks__pk"),
            task_title=F("version__tasks__title"),
        )
        return found.order_by("-starts_on", "code", "version__tasks__number").values(
            "pk", "title", "time_zone", "policy_overrides",
            "policy", "provider", "task", "task_title",
        )  # fmt: skip

    shape = ("offers", len(held), len(providers))
    return composed.instances(shape, build, [user.pk, *held, *providers])


def part_names(standing: Standing, filters: Filters) -> list[str]:
    """The parts of the queue that there are for this person, whether or not they are empty."""
    if filters.whose == "mine":
        return ["mine"]
    names = ["pool"] if filters.whose == "unallocated" else ["pool", "mine"]
    return [*names, "led"] if standing.led else names


def part_of(name: str, standing: Standing, filters: Filters) -> "QuerySet[Any]":
    """One part of what stands in the queue. No two have a row in common.

    Each part is found by an index of its own; one condition for all of them would look at every row.
    """
    user, now = standing.user, standing.now
    everything = Submission.objects.filter(state__in=QUEUED)
    queued: QuerySet[Any] = filters.apply(
        everything, now=now, reader=user if name != "led" else None
    )
    if filters.flagged:
        queued = queued.filter(flags_of(user))
    if name == "led":
        led = queued.filter(delivery__in=standing.led)
        return unallocated(led) if filters.whose == "unallocated" else led
    if standing.led and filters.whose != "mine":
        queued = queued.exclude(delivery__in=standing.led)
    if name == "pool":
        return claimable(queued, user, standing.claims, now=now)
    return waiting_for(queued, user)


def totals_of(standing: Standing, *names: str) -> dict[str, int]:
    """How much there is, "mine" or in the "pool", whatever is asked to be seen; one statement."""
    if not standing.user.is_active:
        return dict.fromkeys(names, 0)

    def build(values: Sequence[Any]) -> "QuerySet[Any, Any]":
        asked = standing.like(values)
        everything = Submission.objects.all()
        counts = {
            f"of_{name}": number_of(
                waiting_for(everything, asked.user)
                if name == "mine"
                else claimable(everything, asked.user, asked.claims, now=asked.now)
            )
            for name in names
        }
        person = User.objects.filter(pk=asked.user.pk).order_by()
        return person.annotate(**counts).values_list(*counts)

    row = composed.rows(("totals", names, standing.shape), build, standing.values, limit=1)[0]
    return dict(zip(names, (one or 0 for one in row), strict=True))


def find_page(
    standing: Standing, filters: Filters, *, start: int, limit: int
) -> tuple[list[tuple[UUID, int, str]], dict[str, int]]:
    """Some rows in their common order as (key, why it is where it is, part), and how many each part has.

    Rows alone are found here, so that what they show is read for one page and not for all that waits.
    """
    if not standing.user.is_active:
        return [], {}
    names = part_names(standing, filters)

    def build(values: Sequence[Any]) -> "QuerySet[Any, Any]":
        asked, wanted = read_back(standing, filters, values)
        first: QuerySet[Any, Any]
        first, *rest = [
            in_order(part_of(name, asked, wanted), now=asked.now)
            .annotate(part=Value(name))
            .values_list("pk", "why", "marking_due_at", "submitted_at", "part")
            for name in names
        ]
        if not rest:
            return first
        rest = [one.order_by() for one in rest]
        return (
            first.order_by()
            .union(*rest, all=True)
            .order_by("why", F("marking_due_at").asc(nulls_last=True), "submitted_at", "pk")
        )

    shape = ("page", tuple(names), standing.shape, filters.shape)
    rows, counted = composed.page(
        shape, build, values_of(standing, filters),
        words=names, order=ORDER, limit=limit, start=start,
    )  # fmt: skip
    return [(key, why, part) for key, why, _due, _submitted, part in rows], counted


def marks_among(standing: Standing, keys: Sequence[UUID]) -> set[tuple[UUID, str]]:
    """Which of these are "mine" and which in the "pool", as (key, word)."""

    def build(values: Sequence[Any]) -> "QuerySet[Any, Any]":
        *own, among = values
        asked = standing.like(own)
        some = Submission.objects.filter(pk__among=among).order_by()
        mine = waiting_for(some, asked.user).values_list("pk", Value("mine"))
        pool = claimable(some, asked.user, asked.claims, now=asked.now)
        return mine.union(pool.values_list("pk", Value("pool")), all=True)

    shape, given = ("marks", standing.shape), [*standing.values, list(keys)]
    return {(key, word) for key, word in composed.rows(shape, build, given, limit=MANY)}


def read_rows(user: User, keys: Sequence[UUID]) -> list[dict[str, Any]]:
    """What a page shows of these, in their order, and of each whether it

    is flagged by the person; is begun by them, who have a draft; is paired, one of those who mark it first having
    it open; is held until the early check is passed.
    """

    def build(values: Sequence[Any]) -> "QuerySet[Any, Any]":
        who, among = User(pk=values[0]), values[1]
        holding = Part.objects.filter(
            submission=OuterRef("pk"),
            person=OuterRef("lease__holder"),
            kind__in=ASSESSES,
            ended_at__isnull=True,
        )
        rows: QuerySet[Any] = Submission.objects.filter(pk__among=among).order_by()
        rows = rows.annotate(
            place=place_of_delivery(),
            is_flagged=flags_of(who),
            is_begun=begun_by(who),
            is_paired=Exists(holding),
            is_held=Exists(waiting_for_check(Submission.objects.filter(pk=OuterRef("pk")))),
        )
        return rows.values_list(*COLUMNS)

    found = composed.rows("read", build, [user.pk, list(keys)], limit=MANY)
    rows = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in found}
    return [rows[key] for key in keys if key in rows]


def flags_of(user: User) -> Exists:
    """Whether the person has a flag on the row, or on a piece of its evidence."""
    return Exists(WorkFlag.objects.filter(submission=OuterRef("pk"), person=user.pk))


def number_of(rows: "QuerySet[Any]") -> Subquery:
    """The number of rows as a value."""
    one = rows.order_by().annotate(all_of=Value(1)).values("all_of")
    return Subquery(one.annotate(number=Count("pk")).values("number"))


def place_among(user: User, filters: Filters, key: UUID) -> tuple[int, int, UUID | None]:
    """The number of this piece of work in what waits for the person in this view, how much that is, what follows.

    Number 0: it does not wait there.
    """
    if not user.is_active:
        return 0, 0, None
    standing = Standing(user, timezone.now(), Claims(), frozenset())
    filters = replace(filters, whose="mine")

    def build(values: Sequence[Any]) -> "QuerySet[Any, Any]":
        *others, here = values
        asked, wanted = read_back(standing, filters, others)
        found: QuerySet[Any] = in_order(part_of("mine", asked, wanted), now=asked.now)
        found = found.annotate(here=ExpressionWrapper(Q(pk=here), BooleanField()))
        return found.values_list("pk", "here", "why", "marking_due_at", "submitted_at")

    shape, given = ("place", standing.shape, filters.shape), values_of(standing, filters)
    return composed.place(shape, build, [*given, key], order=ORDER)


def values_of(standing: Standing, filters: Filters) -> list[UUID | datetime]:
    """What the statements are given."""
    return [*standing.values, *filters.keys]


def read_back(
    standing: Standing, filters: Filters, values: Sequence[Any]
) -> tuple[Standing, Filters]:
    """Standing and filters with these values in the places of their own."""
    own = len(standing.values)
    return standing.like(values[:own]), filters.like(values[own:])
