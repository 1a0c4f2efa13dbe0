"""The gate catches each seeded fault, passes the page they are made from, and passes our pages."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.accessibility import states
from tests.accessibility.faults import FAULTS
from tests.accessibility.gate import RUNS, check, check_all
from tests.accessibility.pages import PAGES, GatePage
from tests.personas import make_cast

pytestmark = pytest.mark.browser


def test_the_good_page_passes_every_run(browser: Any, faults_url: str) -> None:
    assert check_all(browser, f"{faults_url}/good") == {}


@pytest.mark.parametrize("name", FAULTS)
def test_each_seeded_fault_is_caught(browser: Any, faults_url: str, name: str) -> None:
    assert check(browser, f"{faults_url}/{name}", FAULTS[name].run), f"nobody noticed {name}"


def test_there_are_sixteen_runs_and_thirteen_faults() -> None:
    assert len(RUNS) == 16
    assert len(FAULTS) == 13


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_passes_the_gate(
    browser: Any, live_site: str, cookies_of: Callable[[Any, str], Any], page: GatePage
) -> None:
    cast = make_cast() if page.persona or page.state else None
    person = getattr(cast, page.persona) if page.persona else None
    path = page.path
    if page.state:
        path = path.format(**getattr(states, page.state)(cast))
    cookies = cookies_of(person, live_site) if person else None
    assert check_all(browser, live_site + path, cookies=cookies) == {}
