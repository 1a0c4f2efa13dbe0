"""Everybody and one of each thing that has an address, for the tests that walk the routes.

Built on the world of the proofs, which has a submission in every state. What a route needs beyond that is
made here by the same actions that people use; where several things of one kind are needed in different
states, each has a delivery of its own with the same staff.
"""

import dataclasses
import functools
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.models import User
from assessment.enums import AllocationRole
from catalogue.models import (
    DeliveryRole,
    Enrolment,
)
from moderation.actions import allocate_moderator
from moderation.models import ModerationRound, SampleItem
from portfolios.models import Submission
from tests.personas import STAFF, Cast, make_user
from tests.proofs.world import World, other_delivery

OUT = ("out", "vic", "closed")
"""Signed out; a verifier who pressed Start on a personal link; somebody whose account is closed."""
PEOPLE = (
    "owner",  # the learner whose thing it is
    "hone",  # another learner of the delivery
    "ada",  # assessor, has the work
    "abe",  # assessor of the delivery without this work
    "ana",  # as abe; adjudicates the double marked work
    "cora",  # assessor employed where the learners are
    "fran",  # was an assessor of the delivery
    "moses",  # moderator, has the item
    "ed",  # external moderator, has another item or none
    "lea",  # lead moderator
    "pam",  # programme administrator of the delivery
    "rita",  # ratifier
    "rob",  # ratifier
    "prue",  # programme administrator of the provider
    "arthur",  # author at the provider
    "petronella",  # pre-assessment moderator at the provider
    "otto",  # has every part, in another delivery of the same version
    "lou",  # a learner, in another delivery
    "olga",  # administers another provider
    "xia",  # was asked from outside to look at the closed round
    "nila",  # an account, and no part in anything
    "petra",  # platform administrator
)
PERSONAS = (*OUT, *PEOPLE)


@dataclass(frozen=True)
class Place:
    """What the addresses of one thing are filled in with, whose it is, and what its forms send.

    `also` gives people of this thing a second name by which the tables speak of them.
    """

    kwargs: dict[str, Any]
    owner: str = "hone"
    data: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    also: dict[str, str] = field(default_factory=dict)


@dataclass
class House:
    """The world, the places by name, and a session for each person."""

    world: World
    places: dict[str, Place] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)

    @property
    def people(self) -> dict[str, User]:
        return self.world.people

    def ask(self, persona: str, place: Place, method: str, where: str, **options: Any) -> Any:
        """The answer to a GET, or to a POST of what the place sends."""
        client = self.client(persona, place)
        if method == "GET":
            return client.get(where, headers=place.headers, **options)
        return client.post(where, place.data, headers=place.headers, **options)

    def name_of(self, persona: str, place: Place) -> str:
        return place.owner if persona == "owner" else persona

    def client(self, persona: str, place: Place, **options: Any) -> Client:
        """A fresh browser of that person, already signed in."""
        made = Client(raise_request_exception=False, **options)
        if key := self.sessions.get(self.name_of(persona, place)):
            made.cookies[settings.SESSION_COOKIE_NAME] = key
        return made


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside did not happen."""
    cache.clear()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def walk(
    resolver: URLResolver, spaces: tuple[str, ...] = (), outer: tuple[str, ...] = ()
) -> list[tuple[str, tuple[str, ...]]]:
    """Every pattern below a resolver: its full name ("" for none) and the names of its arguments."""
    found = []
    for one in resolver.url_patterns:
        names = (*outer, *(one.pattern.converters or one.pattern.regex.groupindex))
        if isinstance(one, URLResolver):
            inner = (*spaces, one.namespace) if one.namespace else spaces
            found += walk(one, inner, names)
        else:
            found.append((":".join((*spaces, one.name)) if one.name else "", names))
    return found


@functools.cache
def patterns() -> dict[str, tuple[str, ...]]:
    """Our own named addresses and those of packages, with their arguments. Of two the first answers."""
    found: dict[str, tuple[str, ...]] = {}
    for name, names in walk(get_resolver()):
        found.setdefault(name, names)
    found.pop("", None)
    return found


def arguments(view: str) -> tuple[str, ...]:
    """Names of the arguments in a view's address."""
    return patterns()[view]


def address(view: str, kwargs: dict[str, Any]) -> str:
    """The address of a named view, with those of the arguments that it takes."""
    return reverse(view, kwargs={name: kwargs[name] for name in arguments(view)})


def missing(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The same kind of arguments, of things that never were."""
    made = {}
    for name, value in kwargs.items():
        made[name] = uuid.uuid4() if isinstance(value, uuid.UUID) else value
        if isinstance(value, int) and name != "number":
            made[name] = 987_654_321
    return made


VOLATILE = re.compile(rb'csrfmiddlewaretoken" value="[^"]+"|[0-9a-f]{8}-[0-9a-f-]{27}|987654321')


def bare(response: Any) -> bytes:
    """A body without what differs by chance or by the address that was asked."""
    return VOLATILE.sub(b"", response.content)


def with_staff(world: World, code: str, learners: int = 0, **policy: Any) -> Cast:
    """Another delivery with the cast's staff and learners of its own."""
    cast = world.cast
    delivery = other_delivery(cast, code, policy)
    for name, roles in STAFF.items():
        for role in roles:
            DeliveryRole.objects.create(delivery=delivery, user=cast.people[name], role=role)
    enrolments = {}
    for number in range(1, learners + 1):
        name = f"{code}-{number}"
        cast.people[name] = make_user(name)
        enrolments[name] = Enrolment.objects.create(
            delivery=delivery, learner=cast.people[name], employer=cast.client
        )
    return dataclasses.replace(cast, delivery=delivery, enrolments=enrolments)


def item_of(made: ModerationRound) -> SampleItem:
    """An item that Moses reads; the draw gives work to whoever has least."""
    item = made.items.order_by("pk")[0]
    if item.moderator is None or item.moderator.email != "moses@example.org":
        moses = User.objects.get(email="moses@example.org")
        lea = User.objects.get(email="lea@example.org")
        allocate_moderator(item, moses, actor=lea)
    found: SampleItem = SampleItem.objects.get(pk=item.pk)
    return found


def of_set(cast: Cast, **more: Any) -> dict[str, Any]:
    return {"delivery": cast.delivery.pk, "task": cast.task.pk, "pk": cast.delivery.pk, **more}


def of_submission(submission: Submission, **more: Any) -> dict[str, Any]:
    return {
        "pk": submission.pk,
        "submission": submission.pk,
        "portfolio": submission.portfolio_id,
        "reference": submission.reference,
        "delivery": submission.delivery_id,
        "task": submission.task_id,
        **more,
    }


def date_fields(name: str, days: int) -> dict[str, Any]:
    """A date in three boxes, so many days from now."""
    day = timezone.localdate() + timedelta(days=days)
    return {f"{name}_0": day.day, f"{name}_1": day.month, f"{name}_2": day.year}


def readers(house: House, submission: Submission) -> dict[str, str]:
    """Who moderated it, and who looks at it once more, is chosen by load: the reader and the fresh of the tables."""
    item = submission.sample_items.filter(superseded_at__isnull=True).first()
    found = {"reader": short(house, item.moderator)} if item and item.moderator else {}
    again = submission.allocations.filter(role=AllocationRole.RECONSIDERATION_ASSESSOR).first()
    return found | ({"fresh": short(house, again.assessor)} if again else {})


def short(house: House, person: User) -> str:
    return next(name for name, one in house.people.items() if one == person)


def digest() -> dict[str, str]:
    """A fingerprint of every table but those that note who looked or keep what was computed for a page."""
    exempt = {"workflows_accessrecord", "django_session", "moderation_storedfigures"}
    made = {}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            if table in exempt:
                continue
            # Two sums over the rows' own hashes: independent of their order, and no sort.
            cursor.execute(
                f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric),"
                f' sum(hashtextextended(t::text, 1)::numeric) FROM "{table}" t'
            )
            made[table] = str(cursor.fetchone())
    return made
