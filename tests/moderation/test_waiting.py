"""Items that wait while the sample is extended, and who is told when they can be decided."""

import pytest
from django.urls import reverse

from moderation.actions import escalate_item, extend_sample, uphold_item
from moderation.enums import SampleState
from moderation.models import ModerationRound, SampleItem
from tests.factories.moderation import fresh, moderator_of, scored
from tests.moderation.test_items import Chance, chance_round, decide_adjust, drain
from tests.worlds import kept
from workflows.definitions import unwanted
from workflows.models import Notification
from workflows.notifications import compose

pytestmark = pytest.mark.django_db


@kept
def chance() -> Chance:
    return chance_round()


def told() -> list[Notification]:
    return list(Notification.objects.filter(topic="moderation.waiting_over"))


def extended(chance: Chance) -> tuple[SampleItem, SampleItem, list[SampleItem]]:
    """One item that was read and one that was escalated wait for the three of an extension."""
    cast, drawn, items = chance
    decide_adjust(items[0])
    for item in items[1:]:
        scored(item)
    escalate_item(fresh(items[2]), actor=moderator_of(items[2]), reason="You decide.")
    extend_sample(drawn, actor=cast.lea)
    return items[1], items[2], list(drawn.items.filter(draw=2))


def test_those_whose_items_waited_are_told_once_when_the_last_is_read(chance: Chance) -> None:
    cast, drawn, _items = chance
    waits, escalated, more = extended(chance)
    for item in more[:-1]:
        scored(item)
        drain()
        assert told() == []
    last = more[-1]
    scored(last)
    drain()
    expected: dict[object, int] = {cast.lea: 1}
    for item in [waits, *more[:-1]]:
        expected[item.moderator] = expected.get(item.moderator, 0) + 1
    assert {one.recipient: one.context["count"] for one in told()} == expected
    to_lead = next(one for one in told() if one.recipient == cast.lea)
    assert to_lead.path == reverse("moderation:compare", args=[escalated.pk])
    # Three items wait with two moderators; which of them has more is chance.
    most = max(told(), key=lambda one: one.context["count"])
    assert most.path == reverse("moderation:round", args=[drawn.pk])
    mail = compose(most, "<m@localhost>")
    assert f"{expected[most.recipient]} items" in mail.subject
    assert waits.submission.reference not in mail.body
    drain()
    assert len(told()) == len(expected)
    assert [unwanted(one) for one in told()] == [""] * len(expected)
    ModerationRound.objects.filter(pk=drawn.pk).update(extensions_owed=[{"count": 1}])
    assert all(map(unwanted, told()))
    ModerationRound.objects.filter(pk=drawn.pk).update(extensions_owed=[])
    for item in drawn.items.filter(state=SampleState.SCORED):
        uphold_item(fresh(item), actor=moderator_of(item), reason="It stands.")
    assert unwanted(most)
    assert not unwanted(to_lead)


def test_an_ordinary_reading_tells_nobody(chance: Chance) -> None:
    _cast, _drawn, items = chance
    for item in items:
        scored(item)
    drain()
    assert told() == []


def test_an_extension_that_finds_nothing_to_draw_ends_the_waiting_too(chance: Chance) -> None:
    cast, drawn, items = chance
    decide_adjust(items[0], "NY")  # the whole stratum
    for item in drawn.items.filter(draw=extend_sample(drawn, actor=cast.lea).draws[-1]["draw"]):
        scored(item)
    drain()
    before = {one.pk for one in told()}
    drawn.refresh_from_db()
    asked = drawn.draws[-1]["asked"][0]
    ModerationRound.objects.filter(pk=drawn.pk).update(
        extensions_owed=[{**asked, "code": asked["assessor"], "kind": "extend", "plan": 1}]
    )
    extend_sample(fresh(items[0]).round, actor=cast.lea)
    assert {one.pk for one in told()} > before
