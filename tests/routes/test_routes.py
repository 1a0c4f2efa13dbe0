"""Every address × everybody, against the tables in table.py and packages.py. A new address without a row fails.

Without PROOF=full each row is asked with three of those whom it serves, and with a seeded sample of those
whom it refuses and of those who get what everybody else gets; then one answer of each kind is held
against that for a missing thing.
"""

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.routes.cells import Row
from tests.routes.forms import some
from tests.routes.packages import PACKAGE_ROWS, admin_pages
from tests.routes.places import OUT, PERSONAS, House, address, bare, missing, patterns, undone
from tests.routes.table import ROWS

pytestmark = pytest.mark.proof
FULL = os.environ.get("PROOF") == "full"
OTHERS_ASKED = 1
REFUSED_ASKED = 1
SERVED_ASKED = 3
METHODS = ("GET", "POST")
OPEN_TO_ALL = {"link", "answers", "objection"}
ALL = [*ROWS, *PACKAGE_ROWS]


def cells(row: Row, spec: str, house: House) -> Iterator[str]:
    """The personas to ask: all at full size, else some whom the cell names and some of the rest."""
    if FULL:
        yield from PERSONAS
        return
    if spec == "405":
        yield from ("out", "lea")
        return
    if spec.startswith("all "):
        yield from ("out", "owner", "lea", "petra")
        return
    place = house.places[row.place]
    parts = {part.partition(": ")[0]: part.partition(": ")[2].split() for part in spec.split(" | ")}
    named = {name for names in parts.values() for name in names}
    day = os.environ.get("GATE_SEED")
    chosen = {
        *some(sorted(named - {*parts.get("403", [])}), f"{row.name} {spec} {day}", SERVED_ASKED)
    }
    chosen |= {*some(parts.get("403", []), f"{row.name} {spec} refused", REFUSED_ASKED)}
    yield from (one for one in PERSONAS if one in chosen or one in place.also.values())
    rest = [one for one in PERSONAS if one not in named and one not in OUT]
    chance = random.Random(f"{row.name} {spec}")
    yield from (chance.choice(OUT), *chance.sample(rest, min(OTHERS_ASKED, len(rest))))


def expected(row: Row, method: str, persona: str, house: House) -> int:
    """What the table says; a person who is the reader of the thing gets what the reader gets, and so on."""
    place = house.places[row.place]
    spec = row.get if method == "GET" else row.post
    parts = (
        part for part, who in place.also.items() if who == persona and f" {part} " in f"{spec} "
    )
    return row.expected(method, next(parts, persona))


def sent_elsewhere(row: Row, wanted: int, persona: str, response: Any) -> bool:
    """Whether somebody who has to sign in was led anywhere else."""
    if wanted != 302 or persona not in OUT or row.place in OPEN_TO_ALL:
        return False
    return not str(response.url).startswith("/accounts/login/")


def is_page(row: Row, response: Any) -> bool:
    """A whole page, neither a part of one nor a file."""
    fragment = row.view == "assessment:result" or response.streaming
    return not fragment and response["Content-Type"].startswith("text/html")


def test_every_named_address_has_a_row() -> None:
    assert {row.view for row in ALL} == {name for name in patterns() if name[:6] != "admin:"}


@pytest.mark.parametrize("row", ALL, ids=[row.name for row in ALL])
def test_who_gets_what(house: House, row: Row) -> None:
    place = house.places[row.place]
    where = address(row.view, place.kwargs)
    wrong: list[str] = []
    compared: set[str] = set()
    for method in METHODS:
        for persona in cells(row, row.get if method == "GET" else row.post, house):
            if persona != "owner" and house.name_of("owner", place) == persona:
                continue
            with undone():
                response = house.ask(persona, place, method, where)
                wanted = expected(row, method, persona, house)
                if response.status_code != wanted:
                    wrong.append(f"{method} {persona}: {response.status_code}, not {wanted}")
                    continue
                if sent_elsewhere(row, wanted, persona, response):
                    wrong.append(f"{method} {persona}: sent to {response.url}")
                if wanted == 200 and method == "GET" and is_page(row, response):
                    assert response.content.count(b"<h1") == 1, row.name
                if wanted != 404 or persona in OUT or (method in compared and not FULL):
                    continue
                compared.add(method)
                nowhere = missing(place.kwargs)
                if nowhere == place.kwargs:
                    continue
                never = house.ask(persona, place, method, address(row.view, nowhere))
                if (never.status_code, bare(never)) != (404, bare(response)):
                    wrong.append(f"{method} {persona}: a missing one is answered otherwise")
    assert not wrong, "\n".join(wrong)


NOT_ASKED = {
    "admin:login", "admin:logout", "admin:password_change", "admin:password_change_done",
    "admin:autocomplete", "admin:jsi18n", "admin:view_on_site", "admin:app_list", "admin:index",
}  # fmt: skip
"""Django's own, about no model of ours; test_surface visits them."""


def test_the_admin_changes_people_and_nothing_else(house: House) -> None:
    """Every address of it: others are sent to its sign-in; state and results are looked at, no more."""
    wrong = []
    nothing = house.places["nothing"]
    pages = list(admin_pages())
    for page in pages:
        for persona in ("out", "closed", "pam", "prue", "lea") if FULL else ("out", "prue"):
            with undone():
                response = house.client(persona, nothing).get(page.address)
            if response.status_code != 302 or not response.url.startswith("/admin/login/"):
                wrong.append(f"{page.address} by {persona}: {response.status_code}")
        with undone():
            got = house.client("petra", nothing).get(page.address).status_code
        with undone():
            sent = house.client("petra", nothing).post(page.address, {"post": "yes"}).status_code
        if (got, sent) != (page.get, page.post):
            wrong.append(f"{page.address}: {got} {sent}, not {page.get} {page.post}")
    assert not wrong, "\n".join(wrong)
    names = {name for name in patterns() if name.startswith("admin:")}
    assert {page.name for page in pages} == names - NOT_ASKED
