"""Upholding in one go what both read alike: nothing else is in the list, each is upheld by its own step."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from moderation import selectors
from moderation.enums import SampleState
from tests.factories.moderation import drawn_round, fresh, scored
from tests.moderation.test_views import at, signed_in
from tests.personas import make_cast
from workflows.models import AccessRecord

pytestmark = pytest.mark.django_db


def test_only_equal_readings_of_ones_own_are_listed_and_upheld() -> None:
    cast = make_cast(learners=8)
    drawn = drawn_round(cast)
    mine = list(drawn.items.filter(moderator=cast.moses).order_by("pk"))
    theirs = drawn.items.filter(moderator=cast.ed)[0]
    for item in [*mine[:2], theirs]:
        scored(item)
    scored(mine[2], "E")
    assert {one.pk for one in selectors.read_alike(cast.moses)} == {one.pk for one in mine[:2]}
    moses = signed_in(cast, "moses")
    assert "Uphold 2 items" in moses.get(at("home")).content.decode()
    page = moses.get(at("uphold_alike")).content.decode()
    assert mine[0].submission.reference in page
    assert mine[2].submission.reference not in page
    assert AccessRecord.objects.filter(actor=cast.moses).count() == 2
    assert moses.post(at("uphold_alike"), {}).status_code == 422
    sent = {"item": [str(mine[0].pk), str(mine[2].pk), str(theirs.pk), "nonsense"]}
    done = moses.post(at("uphold_alike"), sent).content.decode()
    assert f"{mine[0].submission.reference}: upheld" in done
    states = {one.pk: fresh(one).state for one in [*mine[:3], theirs]}
    assert states == {
        mine[0].pk: SampleState.UPHELD,
        mine[1].pk: SampleState.SCORED,
        mine[2].pk: SampleState.SCORED,
        theirs.pk: SampleState.SCORED,
    }
    assert signed_in(cast, "ada").get(at("uphold_alike")).status_code == 403


def test_the_list_takes_as_many_queries_for_many_as_for_few() -> None:
    cast = make_cast(learners=8)
    mine = list(drawn_round(cast).items.filter(moderator=cast.moses).order_by("pk"))
    counts = []
    for few in (mine[:1], mine[1:4]):
        for item in few:
            scored(item)
        with CaptureQueriesContext(connection) as queries:
            selectors.read_alike(cast.moses)
        counts.append(len(queries))
    assert counts[0] == counts[1], counts
