"""Foreign ids reach nothing, a field left out gives nothing more, and no text breaks a page."""

import pytest
from django.test import Client

from tests.routes.forms import (
    AWKWARD,
    HALF_PAIR,
    NUL,
    QUERIES,
    Effect,
    crossed,
    every_form,
    foreign,
    posting,
    refused,
    served,
    some,
    strangers,
    uses,
    with_stranger,
)
from tests.routes.places import House, address, digest, undone
from tests.routes.table import ROWS

pytestmark = pytest.mark.proof


def test_an_address_mixes_no_relations(house: House) -> None:
    """A part, a person, evidence or work of one delivery under the address of another: 404, nothing written."""
    wrong, asked = [], 0
    with undone():
        strange = foreign(house)
        before = digest()
        for row in ROWS:
            place = house.places[row.place]
            for method in ("GET", "POST"):
                persona = served(row, house, method)
                if not persona:
                    continue
                for kwargs in crossed(row, place, strange):
                    client = house.client(persona, place)
                    where = address(row.view, kwargs)
                    answer = (
                        client.get(where) if method == "GET" else client.post(where, place.data)
                    )
                    asked += 1
                    if answer.status_code != 404:
                        wrong.append(f"{method} {row.name} {kwargs}: {answer.status_code}")
        if digest() != before:
            wrong.append("something was written")
    assert not wrong, "\n".join(wrong)
    assert asked > 20


def test_a_form_reaches_nothing_foreign(house: House) -> None:
    """Every id in every form replaced by things of other relations: no row refers to them afterwards."""
    wrong, asked = [], 0
    things = [(thing, uses(thing)) for thing in strangers(house)]
    for row in every_form():
        place = house.places[row.place]
        persona = served(row, house, "POST")
        for key in place.data if persona else ():
            for thing, before in things:
                sent = with_stranger(place.data, key, thing)
                if sent is None:
                    continue
                asked += 1
                with undone():
                    answer = house.client(persona, place).post(
                        address(row.view, place.kwargs), sent
                    )
                    name = f"{row.name} {key} {thing._meta.label}: {answer.status_code}"
                    if answer.status_code >= 500 or uses(thing) != before:
                        wrong.append(name)
    assert not wrong, "\n".join(wrong)
    assert asked > 30


def test_a_field_left_out_gives_nothing_more(house: House) -> None:
    """Whom a form refuses it refuses without any field; whom it serves gets no more step, part or time."""
    wrong = []
    before = digest()
    for row in posting():
        place = house.places[row.place]
        where = address(row.view, place.kwargs)
        for persona in set(refused(row)):
            with undone():
                for key in (*place.data, None):
                    less = {
                        name: value for name, value in place.data.items() if key not in (name, None)
                    }
                    client = house.client(persona, place)
                    answer = client.post(where, less, headers=place.headers)
                    if answer.status_code not in (403, 404):
                        wrong.append(f"{row.name} without {key} by {persona}: {answer.status_code}")
                if digest() != before:
                    wrong.append(f"{row.name} by {persona}: something was written")
        if persona := served(row, house, "POST"):
            with undone():
                house.client(persona, place).post(where, place.data)
                whole = Effect.now()
            for key in some(list(place.data), row.name, 2):
                less = {name: value for name, value in place.data.items() if name != key}
                with undone():
                    answer = house.client(persona, place).post(where, less)
                    if answer.status_code >= 500 or Effect.now().exceeds(whole):
                        wrong.append(f"{row.name} without {key} by {persona}: more than with it")
    assert not wrong, "\n".join(wrong)


def test_no_query_breaks_a_page(house: House) -> None:
    """Awkward values in every query that any page reads."""
    values = [*AWKWARD.values(), NUL, "1" * 40, "0", "-1"]
    wrong = []
    for row in some(ROWS, "queries", len(ROWS) // 5):
        place = house.places[row.place]
        persona = served(row, house, "GET")
        if not persona:
            continue
        where = address(row.view, place.kwargs)
        for name in some(list(QUERIES), row.name, 2):
            for value in some(values, f"{row.name} {name}", 1):
                with undone():
                    answer = house.client(persona, place).get(where, {name: value[:4000]})
                if answer.status_code >= 500:
                    wrong.append(f"{row.name} ?{name}={value[:30]!r}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("made", ["\x00", "%00", "../x", "ā" * 300, "\u202e", "x" * 3000])
def test_no_address_breaks(house: House, made: str) -> None:
    """Words in the place of references and tokens, and numbers beyond any key."""
    for row in ROWS:
        place = house.places[row.place]
        persona = served(row, house, "GET") or served(row, house, "POST") or "petra"
        words = dict.fromkeys(("token", "code"), made.replace("/", "")) | {"reference": made}
        numbers = dict.fromkeys(("number", "part", "hold"), 10**30)
        if isinstance(place.kwargs.get("pk"), int):
            numbers["pk"] = 10**30
        for change in (words, numbers):
            known = {name: value for name, value in change.items() if name in place.kwargs}
            if not known or "/" in str(known.get("reference", "")):
                continue
            with undone():
                where = address(row.view, {**place.kwargs, **known})
                if where == address(row.view, place.kwargs):
                    continue
                client = house.client(persona, place)
                answers = [client.get(where), client.post(where, place.data)]
            assert {one.status_code for one in answers} <= {400, 404, 405}, (row.name, known)


def test_malformed_ids_are_no_addresses(house: House) -> None:
    """What is no key is no page, for anybody."""
    client: Client = house.client("pam", house.places["nothing"])
    for path in (
        "/assess/m/x/",
        "/learn/p/0/",
        "/manage/deliveries/%00/",
        "/inbox/-1/",
        "/v/%2e%2e/",
    ):
        assert client.get(path).status_code in (400, 404, 405), path


def test_no_text_holds_a_nul_or_half_a_character(house: House) -> None:
    """NUL and bytes that are no text, in every field: refused or left out, never a fault of ours."""
    wrong = []
    for row in posting():
        place = house.places[row.place]
        persona = served(row, house, "POST")
        where = address(row.view, place.kwargs)
        for key in place.data if persona else ():
            with undone():
                answer = house.client(persona, place).post(where, {**place.data, key: NUL})
                if answer.status_code >= 500:
                    wrong.append(f"{row.name} {key} NUL: {answer.status_code}")
            with undone():
                body = key.encode() + b"=" + HALF_PAIR
                kind = "application/x-www-form-urlencoded"
                answer = house.client(persona, place).generic("POST", where, body, kind)
                if answer.status_code >= 500:
                    wrong.append(f"{row.name} {key} half a pair: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
