"""The stacks, each started once for the tests that need it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys import stacks


@pytest.fixture
def local_stack(tmp_path: Any) -> Iterator[stacks.Stack]:
    with stacks.local(tmp_path) as stack:
        yield stack


@pytest.fixture
def production_stack(tmp_path: Any, mail_sink: Any) -> Iterator[stacks.Stack]:
    with stacks.production(tmp_path, mail_sink) as stack:
        yield stack


@pytest.fixture(params=["local_stack", "production_stack"])
def stack(request: Any) -> stacks.Stack:
    """First as on one machine, then as in production."""
    found: stacks.Stack = request.getfixturevalue(request.param)
    return found
