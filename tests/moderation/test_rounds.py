"""From assessed to moderated: frozen before drawn, whole or not at all, and no way around."""

import hashlib
import json

import pytest
import rfc8785
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import SYSTEM
from assessment.models import AssessmentDecision
from catalogue.enums import DeliveryRoleKind
from catalogue.models import DeliveryRole
from moderation import sampling, selectors
from moderation.actions import (
    close_round,
    draw_sample,
    extend_sample,
    open_round,
    reopen_round,
    take_back_decision,
)
from moderation.enums import RoundState
from moderation.exceptions import NothingOwed, ReasonNeeded
from moderation.models import ModerationRound, SampleItem
from portfolios.actions.submission import lift_hold, place_hold
from portfolios.enums import HoldKind, PartKind
from portfolios.models import Part, Submission
from tests.factories.moderation import (
    NOTHING_TARGETED,
    assessed_set,
    decided_round,
    drawn_round,
    frozen_round,
    moderated,
    read_round,
)
from tests.personas import Cast, make_cast, make_user
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet, NotPermitted, SetRefused, StaleState
from workflows.models import TransitionRecord
from workflows.transitions import perform, perform_set

pytestmark = pytest.mark.django_db


@kept
def cast() -> Cast:
    return make_cast()


@kept
def pair() -> Cast:
    return make_cast(learners=2)


def states() -> set[str]:
    return set(Submission.objects.values_list("state", flat=True))


def test_the_whole_story() -> None:
    cast = make_cast(learners=3)
    closed = moderated(cast)
    assert closed.state == RoundState.CLOSED
    assert states() == {"moderated"}
    assert closed.population_size == closed.items.count() == 3
    assert closed.statistics["items_read"] == 3
    assert closed.assurance["sentence"]


def test_freezing_stores_everything_before_any_draw() -> None:
    cast = make_cast(learners=3)
    frozen = frozen_round(cast)
    assert frozen.state == RoundState.FROZEN
    assert states() == {"in_moderation"}
    assert not frozen.items.exists()
    assert frozen.algorithm == sampling.ALGORITHM
    assert len(frozen.seed) == 64
    assert frozen.population_hash == sampling.population_hash(
        selectors.rows_of(selectors.current_plan(frozen))
    )
    assert frozen.policy_hash == hashlib.sha256(rfc8785.dumps(frozen.policy)).hexdigest()
    facts = TransitionRecord.objects.get(subject_id=frozen.pk, name="freeze").facts
    assert facts["population_hash"] == frozen.population_hash
    assert facts["seed_hash"] == hashlib.sha256(frozen.seed.encode()).hexdigest()


def test_a_later_change_of_policy_does_not_reach_a_frozen_round() -> None:
    cast = make_cast(learners=3)
    frozen = frozen_round(cast)
    before = selectors.draw_of(selectors.current_plan(frozen))
    cast.delivery.policy_overrides = {"sample.all_if_n_le": 0}
    cast.delivery.save()
    assert selectors.draw_of(selectors.current_plan(frozen)) == before


def test_nothing_to_moderate(cast: Cast) -> None:
    with pytest.raises(GuardsNotMet) as refused:
        open_round(cast.delivery, cast.task, actor=cast.lea)
    assert refused.value.codes == ["round_empty"]
    assert not ModerationRound.objects.exists()


def test_a_hold_keeps_the_whole_set_out(pair: Cast) -> None:
    cast = pair
    first, _second = assessed_set(cast)
    place_hold(first, actor=cast.lea, kind=HoldKind.PRIVACY, reason="Asked by a colleague.")
    with pytest.raises(SetRefused) as refused:
        open_round(cast.delivery, cast.task, actor=cast.lea)
    assert [one.code for one in refused.value.refused[first.pk]] == ["on_hold"]
    assert states() == {"assessed"}
    assert not ModerationRound.objects.exists()


@pytest.mark.parametrize("name", ["lena", "ada", "moses", "ed", "pam", "rita", "olga", "petra"])
def test_only_the_lead_opens(name: str, cast: Cast) -> None:
    assessed_set(cast)
    with pytest.raises(NotPermitted):
        open_round(cast.delivery, cast.task, actor=cast.people[name])


def test_preview_is_what_is_drawn() -> None:
    cast = make_cast(learners=9, policy=NOTHING_TARGETED)
    frozen = frozen_round(cast)
    shown = selectors.draw_of(selectors.current_plan(frozen))
    codes = dict(frozen.members.values_list("submission_id", "code"))
    drawn = draw_sample(frozen, actor=cast.lea)
    made = {codes[item.submission_id]: item for item in drawn.items.all()}
    assert set(made) == {pick.key for pick in shown.picks}
    for pick in shown.picks:
        item = made[pick.key]
        assert (item.part, tuple(item.reasons), item.stratum) == (
            pick.part,
            pick.reasons,
            pick.stratum,
        )
        assert item.inclusion_probability == pytest.approx(float(pick.probability))
    assert drawn.draws[0]["seed"] == frozen.seed
    with pytest.raises(StaleState):
        draw_sample(drawn, actor=cast.lea)


def test_only_the_lead_draws_and_only_from_a_frozen_set(cast: Cast) -> None:
    frozen = frozen_round(cast)
    with pytest.raises(NotPermitted):
        draw_sample(frozen, actor=cast.moses)
    ModerationRound.objects.filter(pk=frozen.pk).update(seed="")
    with pytest.raises(GuardsNotMet) as refused:
        draw_sample(frozen, actor=cast.lea)
    assert refused.value.codes == ["not_frozen"]


def test_items_are_spread_evenly_and_the_lead_reads_nothing() -> None:
    cast = make_cast(learners=4)
    drawn = drawn_round(cast)
    counts = [drawn.items.filter(moderator=cast.people[name]).count() for name in ("moses", "ed")]
    assert counts == [2, 2]
    assert not drawn.items.filter(moderator=cast.lea).exists()
    parts = Part.objects.filter(kind=PartKind.MODERATOR, ended_at__isnull=True)
    assert parts.count() == 4


def test_nobody_moderates_what_they_assessed_even_with_both_roles(pair: Cast) -> None:
    cast = pair
    DeliveryRole.objects.create(
        delivery=cast.delivery, user=cast.ada, role=DeliveryRoleKind.MODERATOR
    )
    DeliveryRole.objects.filter(user__in=[cast.moses, cast.ed]).update(
        role=DeliveryRoleKind.RATIFIER
    )
    drawn = drawn_round(cast, assessors=("ada", "abe"))
    for item in drawn.items.select_related("decision"):
        assert item.moderator_id != item.decision.author_id
    by_ada = drawn.items.get(decision__author=cast.ada)
    assert by_ada.moderator == cast.lea
    assert drawn.items.get(decision__author=cast.abe).moderator == cast.ada


def test_declared_conflict_keeps_a_moderator_away(pair: Cast) -> None:
    from accounts.models import DeclaredConflict

    cast = pair
    DeclaredConflict.objects.create(
        person=cast.lena, other=cast.moses, kind="whanau", declared_by=cast.moses
    )
    drawn = drawn_round(cast)
    assert drawn.items.get(submission__learner=cast.lena).moderator == cast.ed


def test_an_item_nobody_may_read_is_named(cast: Cast) -> None:
    DeliveryRole.objects.filter(user__in=[cast.moses, cast.ed]).update(
        role=DeliveryRoleKind.RATIFIER
    )
    DeliveryRole.objects.filter(user=cast.lea).update(ended_at=None)
    assessed_set(cast)
    submission = Submission.objects.get()
    Part.objects.create(submission=submission, person=cast.lea, kind=PartKind.SECOND_ASSESSOR)
    opened = open_round(cast.delivery, cast.task, actor=cast.lea)
    drawn = draw_sample(opened, actor=cast.lea)
    assert drawn.items.get().moderator is None
    assert "nobody yet" in selectors.unresolved_reasons(drawn)[0]


# No path around the gate.


def test_work_never_enters_alone(cast: Cast) -> None:
    (submission,) = assessed_set(cast)
    for actor in (cast.lea, SYSTEM):
        with pytest.raises(GuardsNotMet) as refused:
            perform(submission, "enter_moderation", actor=actor)
        assert "not_in_round" in refused.value.codes
    with pytest.raises(SetRefused):
        perform_set(Submission.objects.all(), "enter_moderation", actor=cast.lea, whole=True)
    with pytest.raises(NotPermitted):
        perform(submission, "enter_moderation", actor=cast.moses)


@pytest.mark.parametrize("make", [frozen_round, drawn_round, read_round, decided_round])
def test_work_leaves_only_with_a_closed_round(make: object, cast: Cast) -> None:
    make(cast)  # type: ignore[operator]
    submission = Submission.objects.get()
    with pytest.raises(GuardsNotMet) as refused:
        perform(submission, "conclude_moderation", actor=cast.lea)
    assert "round_open" in refused.value.codes
    outcome = perform_set(Submission.objects.all(), "conclude_moderation", actor=cast.lea)
    assert outcome.moved == []
    with pytest.raises(NotPermitted):
        perform(submission, "conclude_moderation", actor=cast.moses)


def test_work_is_not_returned_or_referred_past_the_round(cast: Cast) -> None:
    drawn_round(cast)
    submission = Submission.objects.get()
    with pytest.raises(GuardsNotMet) as refused:
        perform(submission, "return_to_assessor", actor=cast.lea)
    assert refused.value.codes == ["return_not_asked"]
    with pytest.raises(SetRefused):
        perform_set(Submission.objects.all(), "return_to_assessor", actor=cast.lea, whole=True)
    with pytest.raises(NotPermitted):
        perform(submission, "return_to_assessor", actor=cast.rita)


def test_both_forms_of_each_guard_and_rule_agree(pair: Cast) -> None:
    from moderation import guards, rules
    from workflows.guards import allowed_in

    cast = pair
    closed = moderated(cast)
    late = make_user("late")
    assert closed.state == RoundState.CLOSED
    everything = Submission.objects.all()
    for one in (guards.in_frozen_round, guards.return_asked_for, guards.round_closed):
        failing = one.failing(everything)
        assert failing == {row.pk for row in everything if not one.holds(row)}
    for rule in (rules.may_enter, rules.may_conclude, rules.may_return):
        for actor in (cast.lea, cast.rita, late):
            allowed = allowed_in(rule, list(everything), everything, actor)
            assert allowed == {row.pk for row in everything if rule(row, actor)}


# Closing.


def test_closing_is_refused_with_every_reason_and_names(pair: Cast) -> None:
    cast = pair
    decided = decided_round(cast)
    first, second = Submission.objects.order_by("pk")
    hold = place_hold(first, actor=cast.lea, kind=HoldKind.INTEGRITY, reason="A question.")
    with pytest.raises(GuardsNotMet) as refused:
        close_round(decided, actor=cast.lea)
    assert refused.value.codes == ["member_on_hold"]
    assert selectors.unresolved_reasons(decided) == [f"{first.reference}: On hold"]
    assert states() == {"in_moderation"}
    lift_hold(hold, actor=cast.lea, note="Answered.")
    close_round(decided, actor=cast.lea)
    assert states() == {"moderated"}
    assert second.reference


def test_the_step_itself_refuses_open_items_and_owed_extensions(pair: Cast) -> None:
    cast = pair
    drawn = drawn_round(cast)
    with pytest.raises(GuardsNotMet) as refused:
        perform(drawn, "decide", actor=cast.lea, decision="accept")
    assert refused.value.codes == ["sample_unresolved"]
    decided = decided_round_of(cast, drawn)
    ModerationRound.objects.filter(pk=decided.pk).update(
        extensions_owed=[{"assessor": str(cast.ada.pk), "count": 1, "kind": "extend"}]
    )
    with pytest.raises(GuardsNotMet) as refused:
        perform(decided, "close", actor=cast.lea)
    assert refused.value.codes == ["escalation_open"]
    with pytest.raises(GuardsNotMet):
        close_round(decided, actor=cast.lea)


def decided_round_of(cast: Cast, drawn: ModerationRound) -> ModerationRound:
    from moderation.actions import decide_round
    from tests.factories.moderation import agreed

    for item in drawn.items.all():
        agreed(item)
    return decide_round(drawn, actor=cast.lea, decision="accept", reason="Applied as agreed.")


def test_only_a_closing_decision_closes(cast: Cast) -> None:
    decided = decided_round(cast)
    ModerationRound.objects.filter(pk=decided.pk).update(decision="extend_sample")
    with pytest.raises(GuardsNotMet) as refused:
        perform(decided, "close", actor=cast.lea)
    assert refused.value.codes == ["no_decision"]


def test_only_the_lead_closes_and_only_once(cast: Cast) -> None:
    decided = decided_round(cast)
    with pytest.raises(NotPermitted):
        close_round(decided, actor=cast.moses)
    close_round(decided, actor=cast.lea)
    with pytest.raises(StaleState):
        close_round(decided, actor=cast.lea)


def test_a_decision_is_taken_back_with_a_reason(cast: Cast) -> None:
    decided = decided_round(cast)
    with pytest.raises(ReasonNeeded):
        take_back_decision(decided, actor=cast.lea, reason=" ")
    resumed = take_back_decision(decided, actor=cast.lea, reason="One more look.")
    assert (resumed.state, resumed.decision) == (RoundState.REVIEWING, "")


def test_a_lead_who_assessed_part_of_the_set_decides_nothing_on_it(pair: Cast) -> None:
    cast = pair
    DeliveryRole.objects.create(
        delivery=cast.delivery, user=cast.ada, role=DeliveryRoleKind.LEAD_MODERATOR
    )
    read = read_round(cast)
    from moderation.actions import decide_round

    with pytest.raises(NotPermitted):
        decide_round(read, actor=cast.ada, decision="accept", reason="All mine.")


def test_nothing_is_extended_without_need(cast: Cast) -> None:
    drawn = drawn_round(cast)
    with pytest.raises(NothingOwed):
        extend_sample(drawn, actor=cast.lea)
    with pytest.raises(NotPermitted):
        extend_sample(drawn, actor=cast.moses)


def test_a_closed_round_opens_again_only_after_a_recall(cast: Cast) -> None:
    closed = moderated(cast)
    with pytest.raises(GuardsNotMet) as refused:
        reopen_round(closed, actor=cast.lea, reason="We want to.")
    assert refused.value.codes == ["not_recalled"]
    with pytest.raises(NotPermitted):
        reopen_round(closed, actor=cast.moses, reason="I want to.")
    with pytest.raises(ReasonNeeded):
        reopen_round(closed, actor=cast.lea, reason="")


def test_late_work_gets_a_round_of_its_own(pair: Cast) -> None:
    from tests.factories.assessment import assessed

    cast = pair
    assessed(cast, "lena", "G")
    first = open_round(cast.delivery, cast.task, actor=cast.lea)
    assessed(cast, "hone", "G")
    with pytest.raises(GuardsNotMet) as refused:
        open_round(cast.delivery, cast.task, actor=cast.lea)
    assert refused.value.codes == ["round_is_open"]
    drawn = draw_sample(first, actor=cast.lea)
    close_round(decided_round_of(cast, drawn), actor=cast.lea)
    second = open_round(cast.delivery, cast.task, actor=cast.lea)
    assert second.number == 2
    assert [one.submission.learner for one in second.members.all()] == [cast.hone]


def test_the_record_is_json_and_names_no_learner(pair: Cast) -> None:
    cast = pair
    closed = moderated(cast)
    text = json.dumps(selectors.record_of(closed))
    for learner in cast.learners:
        assert learner.name not in text
        assert learner.email not in text
    assert closed.population_hash in text
    assert closed.seed in text


def test_freezing_and_closing_take_as_many_statements_for_many_as_for_few() -> None:
    counts = []
    for size in (3, 8):
        cast = (
            make_cast(learners=size, policy={"sample.all_if_n_le": 0})
            if size == 3
            else another_cast(size)
        )
        assessed_set(cast)
        with CaptureQueriesContext(connection) as opening:
            opened = open_round(cast.delivery, cast.task, actor=cast.lea)
        # Items are read and decided one at a time; here only the set steps are counted.
        SampleItem.objects.filter(round=opened).delete()
        drawn = perform(opened, "draw", actor=cast.lea)
        decided = perform(drawn, "decide", actor=cast.lea, decision="accept")
        with CaptureQueriesContext(connection) as closing:
            close_round(decided, actor=cast.lea)
        counts.append((len(opening), len(closing)))
    assert counts[0] == counts[1], counts


def another_cast(size: int) -> Cast:
    """A second, larger cohort in the delivery of the first."""
    from catalogue.models import AssessmentTask, Delivery, Enrolment

    delivery, task = Delivery.objects.get(), AssessmentTask.objects.get()
    from accounts.models import Organisation, User

    people = {user.email.split("@")[0]: user for user in User.objects.all()}
    cast = Cast(
        Organisation.objects.get(code="provider"),
        Organisation.objects.get(code="ministry"),
        Organisation.objects.get(code="elsewhere"),
        delivery,
        task,
        people,
    )
    for number in range(size):
        person = make_user(f"more{number}")
        people[f"more{number}"] = person
        cast.enrolments[f"more{number}"] = Enrolment.objects.create(
            delivery=delivery, learner=person
        )
    return cast


def test_decisions_are_never_changed_by_moderation(pair: Cast) -> None:
    cast = pair
    moderated(cast)
    assert AssessmentDecision.objects.count() == 2
