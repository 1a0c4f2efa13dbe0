"""Deciding on one item, and what that makes due."""

from datetime import timedelta

import pytest
from django.utils import timezone

from assessment.actions.deciding import record_decision
from assessment.actions.marking import begin_draft, save_draft
from assessment.models import AssessmentDecision
from assessment.selectors import result_for
from catalogue.models import Criterion
from moderation import guards, rules, selectors
from moderation.actions import (
    adjust_item,
    allocate_moderator,
    approve_adjustment,
    bring_back,
    close_round,
    come_back,
    decide_round,
    draw_again,
    end_watch,
    escalate_item,
    extend_sample,
    return_item,
    take_back_decision,
    uphold_item,
    watch_assessor,
)
from moderation.assurance import upper_bound
from moderation.enums import RoundState, SampleState
from moderation.exceptions import NothingDiffers, ReasonNeeded
from moderation.models import AssessorWatch, ModerationDecision, ModerationRound, SampleItem
from portfolios.actions.submission import lift_hold, place_hold
from portfolios.enums import HoldKind
from portfolios.models import Hold, Submission
from tests.factories.assessment import marks
from tests.factories.moderation import (
    NOTHING_TARGETED,
    agreed,
    drawn_round,
    fresh,
    moderator_of,
    scored,
)
from tests.personas import Cast, make_cast
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.outbox import relay
from workflows.transitions import perform

pytestmark = pytest.mark.django_db

CHANCE = NOTHING_TARGETED | {"sample.min": 2, "sample.min_per_assessor": 1}
"""Eight passes of one assessor: three are drawn, five are left."""


@kept
def cast() -> Cast:
    return make_cast()


@kept
def pair() -> Cast:
    return make_cast(learners=2)


def drain() -> None:
    """Let the handlers of everything that happened run, and of what they made happen."""
    for _round in range(3):
        relay(batch=2000)


def decide_adjust(item: SampleItem, levels: str = "E") -> SampleItem:
    scored(item, levels)
    return adjust_item(fresh(item), actor=moderator_of(item), reason="I read it otherwise.")


Chance = tuple[Cast, ModerationRound, list[SampleItem]]


def chance_round(learners: int = 8) -> Chance:
    cast = make_cast(learners=learners, policy=CHANCE)
    drawn = drawn_round(cast)
    return cast, drawn, list(drawn.items.all())


@kept
def chance() -> Chance:
    return chance_round()


# Blind.


def test_a_disagreement_in_the_random_part_changes_no_result(chance: Chance) -> None:
    _cast, drawn, items = chance
    before = {row.pk for row in AssessmentDecision.objects.all()}
    results = {one.pk: result_for(one).pk for one in Submission.objects.all()}  # type: ignore[union-attr]
    decide_adjust(items[0], "NY")
    decide_adjust(items[1], "E")
    assert {row.pk for row in AssessmentDecision.objects.all()} == before
    assert {one.pk: result_for(one).pk for one in Submission.objects.all()} == results  # type: ignore[union-attr]
    assert not ModerationDecision.objects.filter(changes_result=True).exists()
    assert drawn.items.filter(state=SampleState.ADJUSTED).count() == 2


def test_a_targeted_item_changes_with_a_new_version(pair: Cast) -> None:
    cast = pair
    item = drawn_round(cast).items.get(submission__learner=cast.lena)
    old = result_for(item.submission)
    decide_adjust(item, "NY")
    new = result_for(item.submission)
    assert old is not None
    assert new is not None
    assert (old.outcome, new.outcome, new.basis) == ("achieved", "not_achieved", "moderation")
    assert AssessmentDecision.objects.filter(pk=old.pk, outcome="achieved").exists()
    other = Submission.objects.get(learner=cast.hone)
    assert other.decisions.count() == 1


def test_a_factual_error_changes_the_result_and_counts_as_no_disagreement(chance: Chance) -> None:
    _cast, drawn, items = chance
    scored(items[0], "E")
    adjust_item(
        fresh(items[0]),
        actor=moderator_of(items[0]),
        reason="Page 3 was missed.",
        factual_error=True,
    )
    new = result_for(items[0].submission)
    assert new is not None
    assert new.basis == "correction"
    drawn.refresh_from_db()
    assert drawn.extensions_owed == []
    assert not selectors.disagreements_of(drawn)
    # It has no consequence for the set, and is no less likely in what nobody reads.
    said = selectors.assurance_of(drawn)
    assert (said.found, said.errors) == (1, 1)
    assert said.at_most > upper_bound(said.frame, said.read, 0)


def test_there_is_nothing_to_adjust_where_both_agree(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    scored(item)
    with pytest.raises(NothingDiffers):
        adjust_item(fresh(item), actor=moderator_of(item), reason="Still.")
    with pytest.raises(ReasonNeeded):
        adjust_item(fresh(item), actor=moderator_of(item), reason="")
    assert cast.lea


# Escalation arithmetic.


def test_one_grade_level_disagreement_extends_by_its_own_size(chance: Chance) -> None:
    cast, drawn, items = chance
    assert len(items) == 3
    said = selectors.effect_of(items[0], _compared(items[0], "E"), None)
    assert "round's decision covers the whole set" in said[0]
    adjust_item(fresh(items[0]), actor=moderator_of(items[0]), reason="Stronger.")
    drawn.refresh_from_db()
    (owed,) = drawn.extensions_owed
    assert (owed["assessor"], owed["kind"], owed["count"]) == (str(cast.ada.pk), "extend", 3)
    for item in items[1:]:
        agreed(item)
    with pytest.raises(GuardsNotMet) as refused:
        decide_round(drawn, actor=cast.lea, decision="accept", reason="Enough.")
    assert refused.value.codes == ["escalation_open"]
    before = {one.submission_id: (one.pk, one.draw) for one in drawn.items.all()}
    extended = extend_sample(drawn, actor=cast.lea)
    after = {one.submission_id: (one.pk, one.draw) for one in extended.items.all()}
    assert len(after) == 6
    assert {key: after[key] for key in before} == before
    assert {draw for key, (_pk, draw) in after.items() if key not in before} == {2}
    assert extended.extensions_owed == []


def _compared(item: SampleItem, levels: str) -> selectors.Comparison:
    scored(item, levels)
    found = selectors.comparison_of(fresh(item))
    assert found is not None
    return found


def test_a_second_one_draws_the_whole_stratum(chance: Chance) -> None:
    _cast, drawn, items = chance
    decide_adjust(items[0])
    decide_adjust(items[1])
    drawn.refresh_from_db()
    (owed,) = drawn.extensions_owed
    assert (owed["kind"], owed["count"]) == ("whole", 5)


def test_any_pass_fail_disagreement_draws_the_whole_stratum(chance: Chance) -> None:
    _cast, drawn, items = chance
    decide_adjust(items[0], "NY")
    drawn.refresh_from_db()
    (owed,) = drawn.extensions_owed
    assert (owed["kind"], owed["count"], owed["because"]) == ("whole", 5, "pass_fail")


def test_assessors_are_counted_apart() -> None:
    cast = make_cast(
        learners=12, policy=NOTHING_TARGETED | {"sample.min": 2, "sample.min_per_assessor": 2}
    )
    drawn = drawn_round(cast, assessors=("ada", "abe"))
    one = drawn.items.filter(decision__author=cast.ada).first()
    other = drawn.items.filter(decision__author=cast.abe).first()
    assert one is not None
    assert other is not None
    decide_adjust(one)
    decide_adjust(other)
    drawn.refresh_from_db()
    assert {owed["kind"] for owed in drawn.extensions_owed} == {"extend"}
    assert len(drawn.extensions_owed) == 2


def test_while_an_extension_is_owed_no_single_result_changes(chance: Chance) -> None:
    _cast, drawn, items = chance
    decide_adjust(items[0])
    scored(items[1], "E")
    assert not guards.no_extension_open.holds(fresh(items[1]))
    with pytest.raises(GuardsNotMet) as refused:
        adjust_item(
            fresh(items[1]), actor=moderator_of(items[1]), reason="Missed.", factual_error=True
        )
    assert refused.value.codes == ["extension_open"]
    with pytest.raises(GuardsNotMet) as refused:
        return_item(fresh(items[1]), actor=moderator_of(items[1]), reason="So.", action="Look.")
    assert refused.value.codes == ["extension_open"]
    assert drawn.pk


def test_a_stratum_read_in_full_settles_with_the_closing(chance: Chance) -> None:
    cast, drawn, items = chance
    decide_adjust(items[0], "NY")
    extended = extend_sample(drawn, actor=cast.lea)
    for item in extended.items.filter(state=SampleState.DRAWN):
        agreed(item)
    for item in items[1:]:
        if fresh(item).state == SampleState.DRAWN:
            agreed(item)
    ((settled, _decision),) = selectors.settled_on_closing(extended)
    assert settled.pk == items[0].pk
    decided = decide_round(extended, actor=cast.lea, decision="accept", reason="Read in full.")
    before = result_for(items[0].submission)
    assert before is not None
    assert before.outcome == "achieved"
    closed = close_round(decided, actor=cast.lea)
    after = result_for(items[0].submission)
    assert after is not None
    assert after.outcome == "not_achieved"
    assert closed.assurance["at_most"] == closed.assurance["disagreements"] == 1
    assert AssessmentDecision.objects.count() == 9


# Returning.


def decide_anew(submission: Submission, cast: Cast, levels: str) -> None:
    person = cast.ada
    now = Submission.objects.get(pk=submission.pk)
    draft = begin_draft(now, person)
    save_draft(
        submission.pk,
        actor=person,
        marks=marks(now, levels, reason="Looked at it again."),
        seen_version=draft.version,
    )
    record_decision(now, actor=person)


def test_returned_work_comes_back_to_be_compared_again(chance: Chance) -> None:
    cast, drawn, items = chance
    item = items[0]
    scored(item, "E")
    with pytest.raises(ReasonNeeded):
        return_item(fresh(item), actor=moderator_of(item), reason="So.", action="")
    return_item(
        fresh(item), actor=moderator_of(item), reason="Feedback is thin.", action="Say more."
    )
    submission = Submission.objects.get(pk=item.submission_id)
    assert (submission.state, submission.return_note) == ("in_assessment", "Say more.")
    back = f"{submission.reference}: Being assessed (returned to {cast.ada.name})"
    assert selectors.waiting_elsewhere(drawn) == [back]
    with pytest.raises(StaleState):
        uphold_item(fresh(item), actor=moderator_of(item), reason="Anyway.")
    drain()
    decide_anew(submission, cast, "E")
    drain()
    assert Submission.objects.get(pk=submission.pk).state == "in_moderation"
    assert fresh(item).state == SampleState.SCORED
    come_back(submission)
    again = selectors.comparison_of(fresh(item))
    assert again is not None
    assert again.revision == "The assessor decided anew after the work was returned."
    assert again.disagreement == ""
    uphold_item(fresh(item), actor=moderator_of(item))
    # The revision changed the level that was frozen: that is a disagreement all the same.
    (found,) = selectors.disagreements_of(drawn)
    assert found.disagreement == "grade"
    drawn.refresh_from_db()
    assert drawn.extensions_owed[0]["kind"] == "extend"


def test_work_that_comes_back_on_hold_waits_for_the_lead(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    scored(item, "E")
    return_item(fresh(item), actor=moderator_of(item), reason="Thin.", action="Say more.")
    decide_anew(item.submission, cast, "E")
    hold = place_hold(
        item.submission, actor=cast.lea, kind=HoldKind.INTEGRITY, reason="A question."
    )
    drain()
    assert Submission.objects.get().state == "assessed"
    assert bring_back(item.round, actor=cast.lea) == 0
    lift_hold(hold, actor=cast.lea, note="Answered.")
    with pytest.raises(NotPermitted):
        bring_back(item.round, actor=cast.moses)
    assert bring_back(item.round, actor=cast.lea) == 1
    assert Submission.objects.get().state == "in_moderation"
    assert fresh(item).state == SampleState.SCORED


def test_a_moderator_whose_role_ended_sees_and_decides_nothing(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    person = moderator_of(item)
    person.delivery_roles.update(ended_at="2026-01-01T00:00Z")
    assert not rules.moderates(item, person)
    assert not SampleItem.objects.visible_to(person).exists()
    assert cast.lea


def test_returned_work_cannot_be_referred(cast: Cast) -> None:
    from assessment.actions.deciding import refer

    item = drawn_round(cast).items.get()
    scored(item, "NY")
    return_item(fresh(item), actor=moderator_of(item), reason="No.", action="Look again.")
    submission = Submission.objects.get()
    with pytest.raises(GuardsNotMet) as refused:
        perform(submission, "refer", actor=cast.ada)
    assert "being_moderated" in refused.value.codes
    assert refer


# Escalating to the lead.


def test_an_escalated_item_is_the_leads(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    scored(item, "E")
    with pytest.raises(ReasonNeeded):
        escalate_item(fresh(item), actor=moderator_of(item), reason="")
    escalate_item(
        fresh(item), actor=moderator_of(item), reason="Whose words are these?", integrity=True
    )
    assert not Hold.objects.exists()
    with pytest.raises(NotPermitted):
        uphold_item(fresh(item), actor=moderator_of(item), reason="After all.")
    assert (
        uphold_item(fresh(item), actor=cast.lea, reason="Looked into.").state == SampleState.UPHELD
    )


# Giving to somebody else.


def test_the_lead_gives_an_unread_item_to_somebody_free(cast: Cast) -> None:
    item = drawn_round(cast).items.get()
    was = moderator_of(item)
    other = cast.ed if was == cast.moses else cast.moses
    with pytest.raises(NotPermitted):
        allocate_moderator(item, other, actor=was)
    with pytest.raises(NotPermitted):
        allocate_moderator(item, cast.ada, actor=cast.lea)
    allocate_moderator(item, other, actor=cast.lea)
    assert moderator_of(item) == other
    assert not rules.moderates(fresh(item), was)
    scored(item)
    with pytest.raises(StaleState):
        allocate_moderator(item, was, actor=cast.lea)


# Deciding on the set.


def read_all(drawn: ModerationRound) -> None:
    for item in drawn.items.live().filter(state=SampleState.DRAWN):
        agreed(item)


def test_adjusting_the_set_takes_two_people_and_changes_everybody_alike() -> None:
    cast, drawn, _items = chance_round(learners=3)
    read_all(drawn)
    criterion = Criterion.objects.get(code="C1")
    rule = {"criterion": str(criterion.pk), "shift": -1, "assessor": ""}
    preview = selectors.adjusted_set(drawn, rule)
    assert [(one.before.code, one.after.code) for one in preview] == [("G", "M")] * 3
    assert all(one.outcome_before == one.outcome_after for one in preview)
    with pytest.raises(ReasonNeeded):
        decide_round(drawn, actor=cast.lea, decision="adjust_set", reason="Too generous.")
    decided = decide_round(
        drawn, actor=cast.lea, decision="adjust_set", reason="Too generous.", rule=rule
    )
    with pytest.raises(GuardsNotMet) as refused:
        close_round(decided, actor=cast.lea)
    assert refused.value.codes == ["second_approver_missing"]
    for name in ("lea", "ada", "rita"):
        with pytest.raises(NotPermitted):
            approve_adjustment(decided, actor=cast.people[name], proved_at=timezone.now())
    for proof in (None, timezone.now() - timedelta(minutes=6), timezone.now() + timedelta(hours=1)):
        with pytest.raises(GuardsNotMet) as refused:
            approve_adjustment(decided, actor=cast.moses, proved_at=proof)
        assert refused.value.codes == ["not_reauthenticated"]
    now = timezone.now()
    with pytest.raises(StaleState):
        approve_adjustment(decided, actor=cast.moses, proved_at=now, seen_seq=decided.seq - 1)
    approved = approve_adjustment(decided, actor=cast.moses, proved_at=now, seen_seq=decided.seq)
    assert approved.approved_by == cast.moses
    assert AssessmentDecision.objects.count() == 3
    close_round(approved, actor=cast.lea)
    for submission in Submission.objects.all():
        result = result_for(submission)
        assert result is not None
        assert (result.number, result.approved_by) == (2, cast.moses)
        assert result.judgements.get(criterion=criterion).level.code == "M"


def test_only_an_adjustment_is_approved(cast: Cast) -> None:
    drawn = drawn_round(cast)
    read_all(drawn)
    decided = decide_round(drawn, actor=cast.lea, decision="accept", reason="Good.")
    with pytest.raises(GuardsNotMet) as refused:
        approve_adjustment(decided, actor=cast.moses, proved_at=timezone.now())
    assert refused.value.codes == ["nothing_to_approve"]


def test_an_adjustment_does_not_touch_what_was_settled_alone(pair: Cast) -> None:
    cast = pair
    drawn = drawn_round(cast)
    item = drawn.items.get(submission__learner=cast.lena)
    decide_adjust(item, "E")
    criterion = Criterion.objects.get(code="C1")
    preview = selectors.adjusted_set(drawn, {"criterion": str(criterion.pk), "shift": -1})
    assert [one.member.submission.learner for one in preview] == [cast.hone]


def test_accepting_with_actions_names_them(cast: Cast) -> None:
    drawn = drawn_round(cast)
    read_all(drawn)
    with pytest.raises(ReasonNeeded):
        decide_round(drawn, actor=cast.lea, decision="accept_with_actions", reason="Mostly.")
    decided = decide_round(
        drawn,
        actor=cast.lea,
        decision="accept_with_actions",
        reason="Mostly.",
        required_actions="Reword criterion 2.",
    )
    assert decided.required_actions == "Reword criterion 2."
    assert decided.decision_reason == "Mostly."


def test_extending_by_decision_goes_on_reading(chance: Chance) -> None:
    cast, drawn, _items = chance
    read_all(drawn)
    extended = decide_round(
        drawn,
        actor=cast.lea,
        decision="extend_sample",
        reason="Unsure.",
        assessor=cast.ada,
        count=2,
    )
    assert extended.state == RoundState.REVIEWING
    assert extended.items.count() == 5


def test_a_set_is_assessed_again_by_somebody_else_and_drawn_anew(pair: Cast) -> None:
    cast = pair
    drawn = drawn_round(cast)
    read_all(drawn)
    decided = decide_round(
        drawn,
        actor=cast.lea,
        decision="reassess_set",
        reason="Not consistent.",
        assessor=cast.ada,
        replacement=cast.abe,
    )
    assert decided.state == RoundState.DECIDED
    assert not decided.items.live().exists()
    assert {one.state for one in Submission.objects.all()} == {"in_assessment"}
    with pytest.raises(GuardsNotMet):
        draw_again(decided, actor=cast.lea)
    with pytest.raises(StaleState):
        take_back_decision(decided, actor=cast.lea, reason="No.")
    for submission in Submission.objects.all():
        draft = begin_draft(submission, cast.abe)
        save_draft(
            submission.pk,
            actor=cast.abe,
            marks=marks(submission, "M", reason="Assessed anew."),
            seen_version=draft.version,
        )
        record_decision(submission, actor=cast.abe)
    drain()
    assert {one.state for one in Submission.objects.all()} == {"in_moderation"}
    old_seed = decided.seed
    again = draw_again(decided, actor=cast.lea)
    assert again.state == RoundState.REVIEWING
    assert again.seed != old_seed
    assert {one.decision.author for one in again.items.live()} == {cast.abe}
    before = {one.submission_id: one.moderator_id for one in again.items.exclude(draw=2)}
    for one in again.items.live():
        assert one.moderator_id != before[one.submission_id]
    assert [one["because"] for one in again.draws] == ["first", "reassessed"]
    read_all(again)
    close_round(
        decide_round(again, actor=cast.lea, decision="accept", reason="Consistent now."),
        actor=cast.lea,
    )
    assert {one.state for one in Submission.objects.all()} == {"moderated"}


# Watching.


def test_an_assessor_on_watch_is_read_in_full() -> None:
    cast = make_cast(learners=9, policy=CHANCE)
    with pytest.raises(NotPermitted):
        watch_assessor(cast.delivery, cast.ada, actor=cast.moses, reason="Drift.")
    with pytest.raises(ReasonNeeded):
        watch_assessor(cast.delivery, cast.ada, actor=cast.lea, reason=" ")
    watch = watch_assessor(cast.delivery, cast.ada, actor=cast.lea, reason="Drift.")
    drawn = drawn_round(cast)
    assert drawn.items.count() == 9
    assert {tuple(one.reasons) for one in drawn.items.all()} == {("watch",)}
    with pytest.raises(NotPermitted):
        end_watch(watch, actor=cast.moses)
    end_watch(watch, actor=cast.lea)
    assert not AssessorWatch.objects.current().exists()


def test_what_is_seen_agrees_with_the_rules(pair: Cast) -> None:
    cast = pair
    drawn = drawn_round(cast)
    item = drawn.items.first()
    assert item is not None
    DeliveryRoleEnd = cast.ed.delivery_roles  # noqa: N806  reads as a table
    DeliveryRoleEnd.update(ended_at="2026-01-01T00:00Z")
    cast.olga.is_active = False
    cast.olga.save()
    for person in cast.people.values():
        for one in drawn.items.all():
            seen = SampleItem.objects.visible_to(person).filter(pk=one.pk).exists()
            assert seen == rules.can_view_item(one, person), person
        seen = ModerationRound.objects.visible_to(person).filter(pk=drawn.pk).exists()
        assert seen == rules.can_view_round(drawn, person), person
