"""A cohort whose results are ready."""

import pytest

from tests.personas import Cast, make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def two(db: None) -> Cast:
    return make_cast(learners=2)
