"""From assessed to moderated, whole or not at all."""

import pytest

from moderation.enums import RoundState
from portfolios.models import Submission
from tests.factories.moderation import moderated
from tests.personas import make_cast

pytestmark = pytest.mark.django_db


def test_the_whole_story() -> None:
    cast = make_cast(learners=3)
    closed = moderated(cast)
    assert closed.state == RoundState.CLOSED
    assert set(Submission.objects.values_list("state", flat=True)) == {"moderated"}
    assert closed.population_size == closed.items.count() == 3
