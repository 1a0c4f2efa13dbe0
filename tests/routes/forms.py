"""What may be sent to a form and what must come of it: foreign ids, left-out fields, awkward text."""

import os
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max, Model
from django.utils import timezone

from assessment.models import Allocation
from catalogue.models import (
    Criterion,
    Delivery,
    DeliveryRole,
    Enrolment,
    Level,
)
from portfolios.actions.attestation import ask_to_confirm
from portfolios.actions.submission import place_hold
from portfolios.enums import HoldKind
from portfolios.models import Submission
from tests.routes.cells import Row
from tests.routes.places import House, Place, arguments
from tests.routes.table import ROWS
from workflows.models import Deadline, TransitionRecord

FULL = os.environ.get("PROOF") == "full"
UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def served(row: Row, house: House, method: str) -> str:
    """The first persona whom the address serves by this method; "" for nobody."""
    spec = row.get if method == "GET" else row.post
    if spec == "405":
        return ""
    for part in spec.removeprefix("all ").split(" | "):
        status, _colon, names = part.partition(": ")
        if status in ("200", "302"):
            found = names.split()[0] if names else "lou" if "hone" in spec else "ada"
            return (
                house.places[row.place].also.get(found, "ed")
                if found in ("reader", "fresh")
                else found
            )
    return ""


def refused(row: Row) -> Iterator[str]:
    """Somebody whom the form refuses because they see the thing, and somebody who does not see it."""
    for part in row.post.split(" | "):
        status, _colon, names = part.partition(": ")
        if status == "403" and names:
            yield names.split()[0].replace("reader", "lea")
        elif status in ("403", "404") and not names:
            yield next(one for one in ("lou", "nila", "otto") if one not in row.post.split())


# --- ids of other relations -------------------------------------------------------------------------


def foreign(house: House) -> dict[str, Any]:
    """A value for each argument of an address that belongs to something else."""
    world = house.world
    cast, people = world.cast, house.people
    elsewhere = Delivery.objects.get(code="elsewhere")
    confirmed = Delivery.objects.get(code="confirmed")
    lena = world.submissions["in_assessment"]
    far = Allocation.objects.current().exclude(submission__delivery=cast.delivery)[0]
    asked = ask_to_confirm(
        confirmed.enrolments.get().portfolios.get(),
        actor=people["confirmed-1"],
        name="Vic",
        email="vic3@example.org",
        evidence=[],
    )
    hold = place_hold(lena, actor=people["pam"], kind=HoldKind.PRIVACY, reason="x")
    return {
        "task": confirmed.version.tasks.get().pk,
        "delivery": elsewhere.pk,
        "part": DeliveryRole.objects.filter(delivery=elsewhere)[0].pk,
        "enrolment": Enrolment.objects.get(delivery=elsewhere).pk,
        "criterion": Criterion.objects.filter(rubric__task__version=confirmed.version)[0].pk,
        "evidence": lena.pins.order_by("number")[0].evidence_id,
        "reference": lena.reference,
        "attestation": asked.pk,
        "hold": hold.pk,
        "allocation": far.pk,
        "submission": far.submission_id,
    }


APART = {"assessment:waive_calibration"}
"""Addresses whose arguments do not belong to one another: whoever may waive it may do so for each pair."""


def crossed(row: Row, place: Place, strange: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The address's arguments with one of another relation, where there are two or more."""
    names = arguments(row.view)
    if len(names) < 2 or row.view in APART:
        return
    kinds = {
        "assessment:end": "allocation",
        "assessment:allocate_one": "submission",
        "assessment:waive_conflict": "submission",
    }
    for name in names:
        kind = kinds.get(row.view, name) if name == "pk" else name
        if kind in strange and place.kwargs[name] != strange[kind]:
            yield {**place.kwargs, name: strange[kind]}


def strangers(house: House) -> list[Model]:
    """Things of five kinds that no form of the cast's delivery may reach."""
    confirmed = Delivery.objects.get(code="confirmed")
    level = Level.objects.filter(criterion__rubric__task__version=confirmed.version)[0]
    return [
        house.world.submissions["in_assessment"].pins.order_by("number")[0].evidence,
        level,
        level.criterion,
        house.people["otto"],
        Submission.objects.exclude(delivery__code__in=["pool", "marking", "cohort"])[0],
    ]


def uses(thing: Model) -> list[int]:
    """How often other rows refer to it, relation by relation; in one statement, because it is asked so often."""
    counted = []
    for relation in thing._meta.related_objects:
        field = relation.field
        if relation.related_model._meta.label in ("workflows.AccessRecord", "admin.LogEntry"):
            continue
        table, column = (
            (field.m2m_db_table(), field.m2m_reverse_name())
            if relation.many_to_many
            else (relation.related_model._meta.db_table, field.column)
        )
        counted.append(f'(SELECT count(*) FROM "{table}" WHERE "{column}" = %s)')
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(counted)}", [thing.pk] * len(counted))
        return list(cursor.fetchone())


def with_stranger(data: dict[str, Any], key: str, thing: Model) -> dict[str, Any] | None:
    """The same answers with one id replaced; None where the field holds no id."""
    value = data[key]
    many = isinstance(value, list)
    texts = [str(one) for one in value] if many else [str(value)]
    if not any(UUID_TEXT.search(one) for one in texts):
        return None
    new = [UUID_TEXT.sub(str(thing.pk), one) for one in texts]
    return {**data, key: new if many else new[0]}


# --- left-out fields --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Effect:
    """What a request did, as far as it could be too much."""

    steps: Counter[str]
    parts: int
    enrolments: int
    latest: datetime

    @staticmethod
    def now() -> "Effect":
        return Effect(
            Counter(TransitionRecord.objects.values_list("name", flat=True)),
            DeliveryRole.objects.current().count(),
            Enrolment.objects.current().count(),
            Deadline.objects.aggregate(at=Max("due_at"))["at"] or timezone.now(),
        )

    def exceeds(self, other: "Effect") -> bool:
        more = (
            self.steps - other.steps,
            self.parts > other.parts,
            self.enrolments > other.enrolments,
            self.latest > other.latest,
        )
        return any(bool(one) for one in more)


# --- awkward text -----------------------------------------------------------------------------------

AWKWARD = {
    "macrons": "Ngā mihi: ā ē ī ō ū Ā Ē Ī Ō Ū",
    "decomposed": "Nga\u0304 mihi o te ra\u0304",
    "right to left": "a\u202egnp.exe\u200f",
    "nothing wide": "zero\u200bwidth\u2060here\ufeff",
    "emoji": "👩🏽‍💻 🇳🇿 ☃",
    "markup": '<script>alert("x")</script><img src=x onerror=alert(1)>',
    "statement": "'; DROP TABLE accounts_user; --",
    "template": "{{ 7|add:7 }}{% debug %}{# x #}%(name)s %s {0} ${x}",
    "path": "../../../etc/passwd\\..\\con",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "lines": "one\r\ntwo\rthree\nfour",
    "controls": "bell\x07 escape\x1b[31m tab\tend",
    "escape of half a pair": "\\ud800 \\u0000 &#x0;",
    "number": "-1e309",
    "digit that is no number": "²",
    "too many digits": "9" * 5000,
    "long": "kōrero " * 14_300,  # 100 kB
}
NUL = "before\x00after"
HALF_PAIR = b"half%ED%A0%80pair"
"""A lone surrogate, as bytes that are no UTF-8."""


QUERIES = (
    "page", "q", "state", "attention", "criterion", "kind", "from", "by", "next", "whose",
    "delivery", "task", "due", "attempt", "role", "year", "size",
)  # fmt: skip


def some(values: Iterable[Any], seed: str, count: int) -> list[Any]:
    """All at full size, else a seeded few."""
    every = list(values)
    return every if FULL else random.Random(seed).sample(every, min(count, len(every)))


def every_form() -> list[Row]:
    return [row for row in ROWS if row.post != "405"]


def posting() -> list[Row]:
    """Rows with a form: all at full size, else a seeded part."""
    return some(every_form(), "forms", len(every_form()) // 8)
