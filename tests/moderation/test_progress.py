"""What people of a round are shown while it is read: who has what, what comes next, and what has to wait."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from moderation import selectors
from moderation.actions import (
    adjust_item,
    allocate_moderator,
    escalate_item,
    extend_sample,
    uphold_item,
)
from moderation.enums import EXTENSION, SampleState
from moderation.models import ModerationRound, SampleItem
from tests.factories.moderation import (
    NOTHING_TARGETED,
    drawn_round,
    fresh,
    moderator_of,
    read_round,
    scored,
)
from tests.moderation.test_views import at, signed_in
from tests.personas import Cast, make_cast
from tests.worlds import kept
from workflows.actions import sweep_due
from workflows.actions.reconciling import reconcile
from workflows.definitions import unwanted
from workflows.enums import ReminderState
from workflows.models import Notification, Reminder
from workflows.notifications.wording import Titles
from workflows.outbox import relay

pytestmark = pytest.mark.django_db

POLICY = NOTHING_TARGETED | {"sample.min": 2, "sample.min_per_assessor": 1}
"""Nine passes and one fail of one assessor: the fail is read as targeted, a part of the rest by chance."""

World = tuple[Cast, ModerationRound, SampleItem, list[SampleItem]]


@kept
def world() -> World:
    cast = make_cast(learners=10, policy=POLICY)
    drawn = drawn_round(cast, levels={"lena": "NY"})
    targeted = drawn.items.get(part="targeted")
    return cast, drawn, targeted, list(drawn.items.filter(part="random").order_by("pk"))


def name_of(cast: Cast, item: SampleItem) -> str:
    return "moses" if moderator_of(item) == cast.moses else "ed"


def disagree(item: SampleItem) -> None:
    scored(item, "E")
    adjust_item(fresh(item), actor=moderator_of(item), reason="I read it otherwise.")


def words_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_what_cannot_be_decided_yet_comes_last_and_loses_nothing(world: World) -> None:
    cast, drawn, targeted, random = world
    disagree(random[0])
    SampleItem.objects.filter(pk__in=[one.pk for one in random[1:]]).update(
        moderator=targeted.moderator
    )
    scored(targeted, "G")
    me = moderator_of(targeted)
    queue = list(selectors.queue_of(me))
    assert queue[-1] == targeted
    assert [one.kept_waiting for one in queue] == [False] * (len(queue) - 1) + [True]
    client = signed_in(cast, name_of(cast, targeted))
    page = words_of(client.get(at("compare", targeted.pk)))
    assert "single results cannot change" in page
    for decision in ("adjust", "return"):
        sent = {"decision": decision, "reason": "Kōrero kept.", "action": "Look again."}
        refused = client.post(at("compare", targeted.pk), sent)
        assert refused.status_code == 422
        assert "Kōrero kept." in refused.content.decode()
        assert "your reading is kept" in refused.content.decode()
    kept_on = client.post(at("compare", targeted.pk), {"decision": "uphold", "reason": "So."})
    assert "The assessor&#x27;s decision stands." in kept_on.content.decode()
    # Owed, and drawn but unread, are the same to the moderator; read to the end is not.
    extend_sample(drawn, actor=cast.lea)
    assert selectors.queue_of(me).get(pk=targeted.pk).kept_waiting
    for item in drawn.items.filter(reasons=[EXTENSION]):
        scored(item)
    assert not selectors.queue_of(me).get(pk=targeted.pk).kept_waiting
    adjusting = {"decision": "adjust", "reason": "Seen again."}
    assert client.post(at("compare", targeted.pk), adjusting).status_code == 200


def test_a_reading_of_the_random_part_is_recorded_while_the_sample_grows(world: World) -> None:
    cast, _drawn, _targeted, random = world
    disagree(random[0])
    scored(random[1], "E")
    client = signed_in(cast, name_of(cast, random[1]))
    sent = {"decision": "adjust", "reason": "Another level."}
    assert client.post(at("compare", random[1].pk), sent).status_code == 200
    wrong = sent | {"factual_error": "on"}
    assert client.post(at("compare", random[1].pk), wrong).status_code == 422


def test_nobody_is_led_in_a_circle(world: World) -> None:
    cast, _drawn, targeted, random = world
    disagree(random[0])
    scored(targeted, "G")
    client = signed_in(cast, name_of(cast, targeted))
    SampleItem.objects.filter(state=SampleState.DRAWN).update(moderator=cast.lea)
    page = words_of(client.get(at("decided", random[0].pk)))
    if random[0].moderator != targeted.moderator:
        SampleItem.objects.filter(pk=random[0].pk).update(moderator=targeted.moderator)
    home = words_of(client.get(at("home")))
    assert "All is read that can be read now" in home
    assert targeted.submission.reference in home
    assert "Next: " not in page


def test_the_round_says_who_reads_what_and_what_waits_for_the_lead(world: World) -> None:
    cast, drawn, targeted, random = world
    lea = signed_in(cast, "lea")
    page = words_of(lea.get(at("round", drawn.pk)))
    shares = selectors.shares_of(drawn.items.select_related("moderator"))
    assert sum(one.to_read for one in shares) == len(random) + 1
    for share in shares:
        assert share.moderator is not None
        assert f'{share.moderator.name}</th><td role="cell" data-label="To read"' in page
    assert f"0 of {len(random) + 1} are decided." in page
    scored(targeted, "E")
    escalate_item(fresh(targeted), actor=moderator_of(targeted), reason="Please look with me.")
    assert "Decide what was escalated" in words_of(lea.get(at("home")))
    page = words_of(lea.get(at("round", drawn.pk)))
    assert "Decide 1 escalated item" in page
    assert at("compare", targeted.pk) in page
    assert selectors.waiting_elsewhere(drawn)[0].startswith(f"{targeted.submission.reference}: E")
    disagree(random[0])
    assert "Decide what was escalated" in words_of(lea.get(at("home")))
    uphold_item(fresh(targeted), actor=cast.lea, reason="I looked with them.")
    assert "Draw the extension" in words_of(lea.get(at("home")))


def test_levels_are_told_in_the_words_of_the_rubric(world: World) -> None:
    cast, drawn, _targeted, random = world
    disagree(random[0])
    words = selectors.level_words(cast.task)
    assert words["C1", "E"] != "E"
    client = signed_in(cast, name_of(cast, random[0]))
    compared = selectors.comparison_of(fresh(random[0]))
    assert compared is not None
    assert compared.changes[0] == f"C1 changes from {words['C1', 'G']} to {words['C1', 'E']}."
    assert client.get(at("compare", random[0].pk)).status_code == 200
    page = words_of(signed_in(cast, "lea").get(at("round", drawn.pk)))
    assert f"C1: {words['C1', 'G']} to {words['C1', 'E']}" in page


def test_a_moderator_finds_everything_that_is_theirs(world: World) -> None:
    cast, drawn, targeted, _random = world
    name = name_of(cast, targeted)
    home = words_of(signed_in(cast, name).get(at("home")))
    mine = selectors.shares_of(drawn.items.filter(moderator=targeted.moderator))[0]
    assert at("round", drawn.pk) in home
    assert mine.left in home
    assert f"You have {mine.left}." in words_of(signed_in(cast, name).get(at("round", drawn.pk)))


def drain() -> None:
    for _round in range(3):
        relay(batch=2000)


def test_one_message_for_all_that_a_draw_gives_somebody(world: World) -> None:
    _cast, drawn, _targeted, _random = world
    drain()
    for share in selectors.shares_of(drawn.items.select_related("moderator")):
        assert share.moderator is not None
        told = Notification.objects.get(topic="moderation.item_given", recipient=share.moderator)
        assert told.context["count"] == share.to_read > 1
        assert told.path == at("round", drawn.pk)
        assert f"{share.to_read} submissions to read" in Titles().of(told)


def test_one_reminder_for_all_that_is_due_to_somebody_then(world: World) -> None:
    cast, drawn, targeted, _random = world
    drain()
    first = moderator_of(targeted)
    other = cast.ed if first == cast.moses else cast.moses
    unread = {
        person: drawn.items.filter(moderator=person, state=SampleState.DRAWN).count()
        for person in (first, other)
    }
    assert min(unread.values()) > 1
    scored(targeted)
    drain()
    unread[first] -= 1
    rows = Reminder.objects.filter(deadline__kind="moderation", offset="-48h")
    rows.filter(state=ReminderState.PLANNED).update(fire_at=timezone.now() - timedelta(seconds=1))
    with CaptureQueriesContext(connection) as asked:
        assert sweep_due() == 2
    assert len([one for one in asked if 'FROM "moderation_sampleitem"' in one["sql"]]) == 3
    told = {one.recipient: one for one in Notification.objects.filter(topic="moderation.item_due")}
    assert {who: one.context["count"] for who, one in told.items()} == unread
    for who, one in told.items():
        many = unread[who] > 1
        assert one.path == at("round", drawn.pk) if many else one.path.endswith("/mark/")
        assert f"{unread[who]} items to moderate are due" in Titles().of(one) or not many
        assert unwanted(one) == ""
    assert rows.filter(state=ReminderState.FIRED).count() == sum(unread.values())
    assert reconcile().findings == []
    for item in drawn.items.filter(moderator=first, state=SampleState.DRAWN):
        scored(item)
    assert unwanted(told[first])
    assert not unwanted(told[other])


def test_what_is_given_on_is_told_and_reminds_nobody_else(world: World) -> None:
    cast, _drawn, targeted, _random = world
    drain()
    first = moderator_of(targeted)
    other = cast.ed if first == cast.moses else cast.moses
    allocate_moderator(fresh(targeted), other, actor=cast.lea)
    told = Notification.objects.filter(topic="moderation.item_given", recipient=other)
    assert told.get(path=at("mark", targeted.pk)).context["count"] == 1
    planned = Reminder.objects.filter(deadline__subject_id=targeted.pk, state=ReminderState.PLANNED)
    assert {one.recipient for one in planned} == {other}


def test_the_lead_reads_why_something_was_escalated_and_goes_on_to_the_next(world: World) -> None:
    cast, _drawn, targeted, random = world
    for item in (targeted, random[0]):
        scored(item, "E")
        escalate_item(fresh(item), actor=moderator_of(item), reason="Please look with me.")
    lea = signed_in(cast, "lea")
    page = words_of(lea.get(at("compare", targeted.pk)))
    assert f"{moderator_of(targeted).name} passed this to the lead moderator." in page
    assert page.index("Please look with me.") < page.index("Levels")
    uphold_item(fresh(targeted), actor=cast.lea, reason="I looked with them.")
    done = words_of(lea.get(at("decided", targeted.pk)))
    assert f"Next: {random[0].submission.reference}" in done
    assert at("compare", random[0].pk) in done
    other = words_of(signed_in(cast, name_of(cast, targeted)).get(at("decided", targeted.pk)))
    assert f"Next: {random[0].submission.reference}" not in other
    assert "passed this to the lead" not in words_of(lea.get(at("compare", targeted.pk)))


def test_a_decision_that_is_changed_before_it_is_confirmed_loses_no_word(world: World) -> None:
    cast, _drawn, _targeted, random = world
    item = random[0]
    scored(item, "E")
    client = signed_in(cast, name_of(cast, item))
    sent = {"decision": "adjust", "reason": "Kōrero kept.", "factual_error": "False"}
    assert "Change the decision" in words_of(client.post(at("compare", item.pk), sent))
    page = words_of(client.post(at("compare", item.pk), sent | {"change": "1"}))
    assert "Kōrero kept." in page
    assert "checked" in page.split('value="adjust"')[1].split(">")[0]
    assert "checked" not in page.split('name="factual_error"')[1].split(">")[0]
    assert "There is a problem" not in page
    assert fresh(item).state == SampleState.SCORED


def test_a_decision_on_the_set_that_is_changed_loses_no_word() -> None:
    cast = make_cast()
    found = read_round(cast)
    lea = signed_in(cast, "lea")
    sent = {
        "decision": "accept_with_actions",
        "reason": "Sound.",
        "required_actions": "Standardise on C1.",
        "owner": str(cast.lea.pk),
        "due_on_0": "31",
        "due_on_1": "1",
        "due_on_2": "2027",
    }
    assert "Change the decision" in words_of(lea.post(at("decide", found.pk), sent))
    page = words_of(lea.post(at("decide", found.pk), sent | {"change": "1"}))
    for words in ("Sound.", "Standardise on C1.", 'value="31"', f'value="{cast.lea.pk}" selected'):
        assert words in page
    assert "A second person approves it." in page
    assert "There is a problem" not in page
    assert ModerationRound.objects.get().state == "reviewing"
