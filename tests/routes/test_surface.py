"""No visit changes anything; every response is safe; every form needs its token; openings leave a trace."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import override_settings

from catalogue.models import Grade
from tests.routes.cells import Row
from tests.routes.forms import some
from tests.routes.places import PERSONAS, House, address, arguments, digest, patterns, undone
from tests.routes.surface import faults, posts, production_settings, sampled, visits
from tests.routes.table import ROWS
from tests.tampering import tampering
from workflows.models import AccessRecord

pytestmark = pytest.mark.proof
FULL = os.environ.get("PROOF") == "full"
PACKAGES = sorted(
    name
    for name in patterns()
    if name.startswith(("account_", "mfa_", "admin:")) and not arguments(name)
)
"""Addresses of allauth and the admin that take no argument."""


GRADE = "Kōkako grade"
SCALES = ("catalogue:", "assessment:new_exemplar")
"""Pages that show the grades of a scheme themselves, and nobody's."""


def visit(house: House, row: Row, persona: str) -> Any:
    place = house.places[row.place]
    return house.ask(persona, place, "GET", address(row.view, place.kwargs))


@dataclass
class Walk:
    """One visit to every address by those for whom it does something."""

    asked: list[tuple[Row, str]]
    changed: list[str] = field(default_factory=list)
    """Tables that are not as they were."""
    shown: set[str] = field(default_factory=set)
    """Addresses at which somebody else's decision stood."""
    silent: list[str] = field(default_factory=list)
    """Those of them that left no trace."""


@pytest.fixture(scope="module")
def walk(house: House) -> Walk:
    found = Walk(
        [
            (row, persona)
            for row in ROWS
            for persona in (PERSONAS if FULL else visits(row, house))
            if row.get != "405"
        ]
    )
    with undone():
        with tampering():
            Grade.objects.filter(code="A").update(label=GRADE)
        before = digest()
        for row, persona in found.asked:
            who = house.people.get(house.name_of(persona, house.places[row.place]))
            opened = AccessRecord.objects.filter(actor=who)
            known = opened.count()
            response = visit(house, row, persona)
            if shows_a_decision(house, row, persona, response):
                found.shown.add(row.view)
                if opened.count() == known:
                    found.silent.append(f"{row.name} by {persona}")
        for persona in ("out", "ada", "petra"):
            for name in PACKAGES:
                house.client(persona, house.places["nothing"]).get(address(name, {}))
        after = digest()
        found.changed = [table for table in before if before[table] != after[table]]
    return found


def shows_a_decision(house: House, row: Row, persona: str, response: Any) -> bool:
    """Whether a grade or feedback of Ada stands there, for whoever is neither she nor its learner."""
    place = house.places[row.place]
    name = house.name_of(persona, place)
    if row.view.startswith(SCALES) or name in ("ada", "out", "vic") or name == place.owner:
        return False
    text = response.content.decode(errors="replace") if not response.streaming else ""
    return GRADE in text or "look at the evidence again" in text


def test_a_visit_changes_nothing(house: House, walk: Walk) -> None:
    """Every address by GET: each table is as it was, but for sessions and the notes of who looked."""
    if not walk.changed:
        return
    culprits = []
    for row, persona in walk.asked:
        with undone():
            before = digest()
            visit(house, row, persona)
            if digest() != before:
                culprits.append(f"{row.name} by {persona}")
    raise AssertionError(f"{walk.changed} by {culprits}")


def test_opening_a_decision_of_somebody_else_leaves_a_trace(walk: Walk) -> None:
    """Each page on which a grade or feedback of Ada stands, for whoever is neither she nor its learner."""
    assert not walk.silent, "\n".join(walk.silent)
    known = {
        "awards:batch",
        "awards:batch_result",
        "awards:reconsideration",
        "awards:recall_new",
        "awards:recall",
        "awards:release_set",
        "awards:set",
        "moderation:compare",
    }
    assert known <= walk.shown, known - walk.shown


def test_every_response_is_safe(house: House) -> None:
    """Headers, markup and cookies of every address in each of its answers, as production sends them."""
    wrong: list[str] = []
    settings = production_settings()
    with override_settings(**settings):
        for row in some(ROWS, "headers", len(ROWS) // 8):
            place = house.places[row.place]
            where = address(row.view, place.kwargs)
            for method, spec in (("GET", row.get), ("POST", row.post)):
                for persona, _status in sampled(spec, house, place):
                    with undone():
                        response = house.ask(persona, place, method, where, secure=True)
                        signed_in = persona not in ("out", "vic", "closed")
                        wrong += [
                            f"{method} {row.name} by {persona}: {one}"
                            for one in faults(
                                response,
                                signed_in=signed_in,
                                is_mail=row.view == "workflows:message_preview",
                            )
                        ]
        for persona in ("out", "ada", "petra"):
            for name in PACKAGES:
                with undone():
                    client = house.client(persona, house.places["nothing"])
                    response = client.get(address(name, {}), secure=True)
                    wrong += [
                        f"{name} by {persona}: {one}"
                        for one in faults(response, signed_in=persona != "out")
                    ]
    assert not wrong, "\n".join(sorted(set(wrong)))


def test_errors_and_static_files_are_safe_too(house: House) -> None:
    """Answers that no view of ours gives: unknown, wrong host, without length, static, to plain HTTP."""
    wrong: list[str] = []
    static = {"WHITENOISE_USE_FINDERS": True, "WHITENOISE_AUTOREFRESH": True}
    with override_settings(**production_settings(), **static), undone():
        client = house.client("ada", house.places["nothing"])
        for response, status in (
            (client.get("/nowhere/", secure=True), 404),
            (client.get("/static/images/mark.svg", secure=True), 200),
            (client.get("/", secure=True, headers={"host": "evil.example"}), 400),
            (
                client.generic(
                    "POST", "/role/", secure=True, headers={"transfer-encoding": "chunked"}
                ),
                411,
            ),
            (client.get("/help", secure=True), 301),
        ):
            assert response.status_code == status, (status, response.status_code)
            wrong += [f"{status}: {one}" for one in faults(response, signed_in=False)]
        plain = client.get("/help/")
        assert plain.status_code == 301
        assert plain.url.startswith("https://")
    assert not wrong, "\n".join(wrong)


def test_every_form_needs_its_token(house: House) -> None:
    """POST without the token, or with another's: refused, and nothing is written."""
    wrong = []
    with undone():
        before = digest()
        for row in posts():
            place = house.places[row.place]
            where = address(row.view, place.kwargs)
            persona = next(visits_by_post(row, house))
            for more in ({}, {"csrfmiddlewaretoken": "x" * 64}):
                client = house.client(persona, place, enforce_csrf_checks=True)
                client.cookies["csrftoken"] = "y" * 32
                answer = client.post(where, {**place.data, **more})
                if answer.status_code != 403:
                    wrong.append(f"{row.name}: {answer.status_code}")
        assert digest() == before
    assert not wrong, "\n".join(wrong)


def visits_by_post(row: Row, house: House) -> Iterator[str]:
    """Whom the form serves."""
    return (
        persona
        for persona, status in sampled(row.post, house, house.places[row.place])
        if status in (0, 200, 302, 409, 422, 404)
    )
