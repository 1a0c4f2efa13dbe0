"""The gate catches each seeded fault, and passes the page they are made from."""

from typing import Any

import pytest

from tests.accessibility.faults import FAULTS
from tests.accessibility.gate import RUNS, check, check_all

pytestmark = pytest.mark.browser


def test_the_good_page_passes_every_run(browser: Any, faults_url: str) -> None:
    assert check_all(browser, f"{faults_url}/good") == {}


@pytest.mark.parametrize("name", FAULTS)
def test_each_seeded_fault_is_caught(browser: Any, faults_url: str, name: str) -> None:
    assert check(browser, f"{faults_url}/{name}", FAULTS[name].run), f"nobody noticed {name}"


def test_there_are_sixteen_runs_and_thirteen_faults() -> None:
    assert len(RUNS) == 16
    assert len(FAULTS) == 13
