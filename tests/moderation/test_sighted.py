"""Reading with the assessor's decision in sight: only where the plan says so, with its trace, and told apart."""

import json

import pytest

from moderation import selectors, verification
from moderation.actions import change_plan, close_round, decide_round, draw_sample, open_in_sight
from moderation.enums import ReadingMode, RoundDecision
from moderation.models import ModerationRound, ModeratorReading
from moderation.receipts import facts_of
from tests.factories.moderation import agreed, frozen_round, moderator_of
from tests.moderation.test_plans import form_of
from tests.moderation.test_views import at, signed_in
from tests.personas import Cast, make_cast
from tests.worlds import kept
from workflows.exceptions import NotPermitted
from workflows.models import AccessRecord

pytestmark = pytest.mark.django_db
PURPOSE = "Reading in sight of the decision"


@kept
def cast():
    made = make_cast(learners=2, policy={"sample.all_if_n_le": 8})
    frozen_round(made, assessors=("ada", "abe"))
    return made


def sighted(cast: Cast) -> ModerationRound:
    frozen = ModerationRound.objects.get()
    policy = selectors.current_plan(frozen).policy | {"moderator.blind_first": False}
    change_plan(frozen, policy, actor=cast.lea, reason="A second marker was asked for.")
    return draw_sample(ModerationRound.objects.get(), actor=cast.lea)


def test_blind_is_the_rule_and_opens_nothing(cast: Cast) -> None:
    frozen = ModerationRound.objects.get()
    assert frozen.reads_blind
    item = draw_sample(frozen, actor=cast.lea).items.all()[0]
    assert open_in_sight(item, actor=moderator_of(item)) is None
    client = signed_in(cast, moderator_of(item).email.split("@")[0])
    page = client.get(at("mark", item.pk)).content.decode()
    assert "blind" in page
    assert "The assessor's decision</h2>" not in page
    agreed(item)
    assert ModeratorReading.objects.get().mode == ReadingMode.BLIND
    assert not AccessRecord.objects.filter(purpose=PURPOSE).exists()


def test_in_sight_the_decision_stands_beside_and_its_opening_is_kept(cast: Cast) -> None:
    item = sighted(cast).items.all()[0]
    reader = moderator_of(item)
    page = signed_in(cast, reader.email.split("@")[0]).get(at("mark", item.pk)).content.decode()
    assert "The assessor's decision</h2>" in page
    assert "the record says so" in page
    for one in item.decision.judgements.all():
        assert one.feedback in page
    trace = AccessRecord.objects.get(purpose=PURPOSE)
    assert (trace.actor, trace.subject_id) == (reader, item.decision_id)
    for name in ("lea", "ada"):
        with pytest.raises(NotPermitted):
            open_in_sight(item, actor=cast.people[name])


def test_the_record_says_so_and_agreement_is_not_counted(cast: Cast) -> None:
    drawn = sighted(cast)
    lea = signed_in(cast, "lea")
    for item in drawn.items.all():
        agreed(item)
    page = lea.get(at("round", drawn.pk)).content.decode()
    assert "had the assessor&#x27;s decision in sight" in page or "decision in sight" in page
    decide_round(drawn, actor=cast.lea, decision=RoundDecision.ACCEPT, reason="Good.")
    closed = close_round(drawn, actor=cast.lea)
    record = json.loads(json.dumps(selectors.record_of(closed)))
    assert record["round"]["blind_first"] is False
    assert {one["mode"] for item in record["items"] for one in item["readings"]} == {"sighted"}
    assert verification.verify(record) is None
    assert any("in sight" in str(row) for row in facts_of(record)["rows"])
    known = selectors.figures_over([ModerationRound.objects.get()])
    assert (known["all"], known["rounds"], known["sighted"]) == (None, 0, 1)
    assert "1 more round read with" in lea.get(at("agreement")).content.decode()


def test_the_plan_asks_how_work_is_read(cast: Cast) -> None:
    frozen = ModerationRound.objects.get()
    lea = signed_in(cast, "lea")
    assert "Work is read blind" in lea.get(at("plan", frozen.pk)).content.decode()
    policy = selectors.current_plan(frozen).policy
    sent = form_of(policy, reading="sighted", reason="Asked for.", confirm="1")
    assert lea.post(at("change_plan", frozen.pk), sent).status_code == 302
    assert not ModerationRound.objects.get().reads_blind
    assert "decision in sight" in lea.get(at("plan", frozen.pk)).content.decode()
