"""A cast for each test of marking."""

import pytest

from tests.personas import Cast, make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    """Lena, Hōne and Mere with their staff, single marking."""
    return make_cast(learners=3)


@pytest.fixture
def double(db: None) -> Cast:
    """The same where every submission is marked twice."""
    return make_cast(learners=3, policy={"marking.double": True})
