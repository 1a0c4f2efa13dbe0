"""Every page of the product passes the gate, in every state it can be in.

By default one in eighteen pages in their typical state get one visit (visit.py), and a rotation of pages, other
states and runs is drawn by a seed, another one each day; PROOF=full walks everything with all sixteen runs.
GATE_SEED repeats a rotation.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.accessibility import (
    award_states,
    marking_states,
    moderation_states,
    seed_states,
    states,
)
from tests.accessibility.gate import RUNS, check, check_all
from tests.accessibility.hostile import VALUES, broken_by
from tests.accessibility.pages import ERROR, NOT_PAGES, PAGES, TYPICAL, GatePage
from tests.accessibility.visit import FIRST_VISIT, WORKSPACE, visit
from tests.accessibility.world import World
from tests.conftest import own_database, served
from tests.sessions import cookies_of

pytestmark = pytest.mark.browser


ONE_IN = 18


def drawn_part(pages: list[GatePage]) -> list[GatePage]:
    """One page in so many, drawn by the seed, in the order of the list."""
    chosen = set(random.Random(f"part {SEED}").sample(range(len(pages)), -(-len(pages) // ONE_IN)))
    return [one for number, one in enumerate(pages) if number in chosen]


FULL = os.environ.get("PROOF") == "full"
SEED = os.environ.get("GATE_SEED") or date.today().isoformat()
TURNS = 0 if FULL else 4
MODULES = (states, marking_states, moderation_states, award_states, seed_states)
STATES = {name: one for module in MODULES for name, one in vars(module).items()}
USED = {one.state for one in PAGES}
MAKERS = [
    name
    for module in MODULES
    for name, one in vars(module).items()
    if name in USED and one.__module__ == module.__name__
]
HOSTILE = VALUES if FULL else {"nul": VALUES["nul"]}
VISITED = PAGES if FULL else drawn_part([one for one in PAGES if one.kind == TYPICAL])


@dataclass
class Site:
    """The product running on data of its own."""

    url: str
    world: World

    def address(self, one: GatePage) -> tuple[str, list[dict[str, str]] | None]:
        """Where the page is, in its state, and the cookies of who looks at it."""
        filled = dict(self.world.state(STATES[one.state])) if one.state else {}
        session = filled.pop("session", {})
        query = filled.pop("query", "") or one.query
        path = one.path or reverse(one.view, kwargs=wanted(one.view, filled))
        if query:
            path += f"?{query}"
        person = self.world.cast.people[one.persona] if one.persona else None
        signed_in = cookies_of(self.url, person, session) if person or session else None
        return self.url + path, signed_in


def patterns(resolver: Any, space: str = "", path: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every named address that is ours or drawn by our templates, with its pattern."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            if each.app_name != "admin":
                inner = f"{space}{each.namespace}:" if each.namespace else space
                yield from patterns(each, inner, path + str(each.pattern))
        elif each.name:
            yield space + each.name, each


def wanted(view: str, filled: dict[str, Any]) -> dict[str, Any]:
    """Of what the state offers, what this address takes."""
    # What an outer part of an address takes stands only here, and only for names without a namespace.
    outer = get_resolver("config.urls").reverse_dict.getlist(view)
    found = (
        outer[0][3]
        if outer
        else dict(patterns(get_resolver("config.urls")))[view].pattern.converters
    )
    return {name: filled[name] for name in found}


def send(one: GatePage) -> Any:
    """Fill the page's form in and send it, past the browser's own checks."""
    if one.submit is None:
        return None

    def prepare(page: Any) -> None:
        with page.expect_navigation():
            page.evaluate(
                """([selector, fields]) => {
                    const form = [...document.querySelectorAll(selector)].at(-1);
                    for (const [name, value] of Object.entries(fields)) {
                        const known = form.elements[name];
                        // What a pressed button sends is not sent by submit().
                        const fills = known && 'value' in known && !known.length && known.type !== 'submit';
                        if (fills) { known.value = value; continue; }
                        const hidden = document.createElement('input');
                        Object.assign(hidden, {type: 'hidden', name, value});
                        form.append(hidden);
                    }
                    HTMLFormElement.prototype.submit.call(form);
                }""",
                [one.form, one.submit],
            )

    return prepare


@pytest.fixture(scope="module")
def site(browser: Any, migrated_db: None, django_db_blocker: Any) -> Iterator[Site]:
    """One site with one world for all pages of this module."""
    from django.test.utils import override_settings

    with (
        own_database(django_db_blocker),
        django_db_blocker.unblock(),
        override_settings(ROOT_URLCONF="tests.accessibility.urls"),
        served() as url,
    ):
        yield Site(url, World())


@pytest.mark.proof
@pytest.mark.parametrize("one", VISITED, ids=lambda one: one.name)
def test_page_passes_the_gate(browser: Any, site: Site, one: GatePage) -> None:
    url, cookies = site.address(one)
    found = visit(
        browser,
        url,
        cookies=cookies,
        prepare=send(one),
        status=one.status,
        has_errors=one.kind == ERROR,
        limit=WORKSPACE if one.workspace else FIRST_VISIT,
    )
    if FULL:
        found |= check_all(browser, url, cookies=cookies, prepare=send(one))
    assert found == {}


def turns() -> list[tuple[GatePage, str]]:
    """Pages with one run each that a visit does not cover, drawn by the seed; each state comes first once."""
    drawn = random.Random(SEED)
    others = [one for one in PAGES if one.kind != TYPICAL]
    pages = drawn.sample(others, min(TURNS, len(others)))
    pages += drawn.sample(PAGES, TURNS)
    return [(one, drawn.choice(sorted(RUNS))) for one in pages[: 2 * TURNS]]


@pytest.mark.parametrize("turn", range(TURNS))
def test_a_rotation_of_states_and_runs_passes(browser: Any, site: Site, turn: int) -> None:
    """Turn n takes two pages, one of them not in its typical state."""
    every = turns()
    for one, run in every[turn::TURNS]:
        url, cookies = site.address(one)
        found = check(browser, url, run, cookies=cookies, prepare=send(one))
        assert found == [], f"{one.name}, {run}; again with GATE_SEED={SEED}"


def test_a_state_has_one_maker() -> None:
    assert [name for name in MAKERS if MAKERS.count(name) > 1] == []


def test_every_page_is_in_the_gate(site: Site) -> None:
    """An address that answers GET with a page has an entry; one that has none is POST only or named."""
    from django.test import Client

    client = Client()
    client.force_login(site.world.cast.petra)
    have = {one.view for one in PAGES}
    missing = []
    for name, pattern in patterns(get_resolver("config.urls")):
        if name in have or name in NOT_PAGES or name.startswith(("mfa_", "account_")):
            continue
        samples = {
            "uuid": "0" * 8 + "-0000-4000-8000-" + "0" * 12,
            "int": 1,
            "str": "x",
            "slug": "x",
        }
        filled = {
            key: samples[
                type(one).__name__.removesuffix("Converter").lower().replace("string", "str")
            ]
            for key, one in pattern.pattern.converters.items()
        }
        if client.get(reverse(name, kwargs=filled)).status_code != 405:
            missing.append(name)
    assert missing == []


@pytest.mark.proof
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_value_breaks_a_page_or_its_forms(site: Site, value: str) -> None:
    """Bad input gets an answer in words, never a server error."""
    from django.test import Client

    broken: list[str] = []
    sent: set[Any] = set()
    for one in VISITED:
        if one.kind != TYPICAL or one.submit is not None or one.path:
            continue
        url, cookies = site.address(one)
        client = Client(raise_request_exception=False)
        for cookie in cookies or []:
            client.cookies[cookie["name"]] = cookie["value"]
        broken += broken_by(client, url.removeprefix(site.url), value, sent)
    assert broken == []


def test_what_is_called_no_page_exists() -> None:
    names = {name for name, _ in patterns(get_resolver("config.urls"))}
    assert {one.view for one in PAGES if not one.path} | set(NOT_PAGES) <= names


def test_every_item_of_the_navigation_leads_somewhere() -> None:
    from config.navigation import ROLES, address

    assert [name for role in ROLES for _, name in role.items if address(name) is None] == []
