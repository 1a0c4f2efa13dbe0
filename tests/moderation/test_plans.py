"""The plan of a round: shown, changed with a reason, drawn as shown, and replayed on what is past."""

import json
import re

import pytest
from django.test import Client

from catalogue.models.version import policy_defaults
from moderation import charts, findings, policies, replay, sampling, selectors, verification
from moderation.actions import change_plan, draw_sample
from moderation.exceptions import PlanUnchanged, ReasonNeeded
from moderation.forms.plans import PlanForm, initial_of
from moderation.models import ModerationRound
from tests.factories.moderation import NOTHING_TARGETED, agreed, frozen_round
from tests.moderation.test_record import extended
from tests.moderation.test_views import at, signed_in
from tests.personas import Cast, make_cast
from tests.tampering import tampering
from workflows.exceptions import NotPermitted, StaleState

pytestmark = pytest.mark.django_db


def big_round(cast: Cast) -> ModerationRound:
    return frozen_round(cast, levels={"lena": "NY"}, assessors=("ada", "abe"))


def form_of(policy: dict[str, object], **changes: object) -> dict[str, object]:
    """What the page would post."""
    sent = {key: value for key, value in initial_of(policy).items() if value is not None}
    return {**sent, **changes}


def test_a_change_is_a_new_plan_with_a_reason_and_the_same_seed() -> None:
    cast = make_cast(learners=9, policy=NOTHING_TARGETED)
    frozen = big_round(cast)
    first = selectors.current_plan(frozen)
    before = selectors.draw_of(first)
    assert [pick.reasons for pick in before.targeted] == [("fail",)]
    policy = first.policy | {
        "sample.targeted": [],
        "sample.custom_size": 4,
        "sample.min_per_assessor": 1,
    }
    with pytest.raises(ReasonNeeded):
        change_plan(frozen, policy, actor=cast.lea, reason=" ")
    with pytest.raises(NotPermitted):
        change_plan(frozen, policy, actor=cast.moses, reason="So.")
    with pytest.raises(PlanUnchanged):
        change_plan(frozen, dict(first.policy), actor=cast.lea, reason="So.")
    made = change_plan(frozen, policy, actor=cast.lea, reason="Fails were read elsewhere.")
    assert (made.number, made.seed, made.reason) == (2, first.seed, "Fails were read elsewhere.")
    orders = [
        sampling.shuffle_of(selectors.rows_of(plan), plan.seed, plan.algorithm)
        for plan in (first, made)
    ]
    assert orders[0] == orders[1]
    with pytest.raises(StaleState):
        change_plan(frozen, first.policy, actor=cast.lea, reason="Back.", seen_plan=1)
    sample = selectors.draw_of(made)
    assert not sample.targeted
    assert len(sample.random) == 4
    assert not frozen.members.exclude(targeted_for=[]).exists()
    drawn = draw_sample(frozen, actor=cast.lea)
    codes = dict(drawn.members.values_list("submission_id", "code"))
    assert {codes[one.submission_id] for one in drawn.items.all()} == {
        pick.key for pick in sample.picks
    }
    assert drawn.draws[0]["plan"] == 2
    with pytest.raises(StaleState):
        change_plan(frozen, first.policy, actor=cast.lea, reason="Too late.")
    record = json.loads(json.dumps(selectors.record_of(drawn)))
    assert verification.verify(record) is None
    assert [one["reason"] for one in record["plans"]] == [
        "The policy of the delivery.",
        "Fails were read elsewhere.",
    ]


def test_a_round_that_was_frozen_under_the_first_algorithm_goes_on_with_it() -> None:
    """Its seed was stored with the order of that time: neither another plan nor the draw may change it."""
    cast = make_cast(learners=12, policy=NOTHING_TARGETED)
    frozen = frozen_round(cast, levels={"lena": "NY"}, assessors=("ada", "abe"))
    first = selectors.current_plan(frozen)
    old = sampling.FIRST_ALGORITHM
    known = {
        "algorithm": old,
        "population_hash": sampling.population_hash(selectors.rows_of(first), old),
    }
    with tampering():
        frozen.plans.update(**known)
    policy = first.policy | {"sample.targeted": [], "sample.custom_size": 4}
    made = change_plan(frozen, policy, actor=cast.lea, reason="Fewer.")
    assert made.algorithm == old
    sample = sampling.draw(
        selectors.rows_of(made),
        verification.sampling_rules(policy),
        made.seed,
        verification.size_rule(policy),
        old,
    )
    assert selectors.draw_of(made) == sample
    drawn = draw_sample(frozen, actor=cast.lea)
    record = json.loads(json.dumps(selectors.record_of(drawn)))
    assert (record["plans"][1]["algorithm"], record["draws"][0]["algorithm"]) == (old, old)
    assert not list(verification.draw_faults(record))
    record["plans"][1]["algorithm"] = "moderato-0"
    assert [one.part for one in verification.plan_faults(record)] == ["plan 2"]


def test_sizes_of_the_random_part() -> None:
    policy = selectors.current_plan(
        frozen_round(make_cast(learners=2, policy=NOTHING_TARGETED))
    ).policy
    assert verification.size_rule(policy) is None
    chosen = verification.size_rule(policy | {"sample.custom_size": 7})
    assured = verification.size_rule(policy | {"sample.by_assurance": True})
    steps = verification.size_rule(policy | {"sample.sequential": True})
    assert chosen
    assert assured
    assert steps
    assert (chosen(100), assured(100), steps(100)) == (7, 25, 44)
    assert steps(10) == 10


def test_the_page_says_who_is_picked_why_and_what_that_can_detect() -> None:
    cast = make_cast(learners=9, policy=NOTHING_TARGETED)
    frozen = big_round(cast)
    lea = signed_in(cast, "lea")
    page = lea.get(at("plan", frozen.pk)).content.decode()
    for text in ("Not achieved", "1 picked", "Hours to read", "meets at least one error"):
        assert text in page
    eight = lea.get(at("plan", frozen.pk), {"read": "8"}).content.decode()
    assert "Reading 8 of 8 meets at least one error with a chance of 100\u00a0%" in eight
    for nonsense in ("0", "-3", "x", "9" * 400):
        assert lea.get(at("plan", frozen.pk), {"read": nonsense}).status_code == 200
    assert signed_in(cast, "moses").get(at("plan", frozen.pk)).status_code == 403


def test_rules_are_changed_in_the_browser_after_a_preview() -> None:
    cast = make_cast(learners=9, policy=NOTHING_TARGETED)
    frozen = big_round(cast)
    policy = selectors.current_plan(frozen).policy
    lea: Client = signed_in(cast, "lea")
    path = at("change_plan", frozen.pk)
    assert lea.get(path).status_code == 200
    sent = form_of(policy, targeted=["borderline"], size="sequential", reason="Step by step.")
    missing = lea.post(path, {**sent, "reason": "", "size": "custom", "custom_size": ""})
    assert "Say how many." in missing.content.decode()
    preview = lea.post(path, sent).content.decode()
    assert "8 of 9" in preview or "9 of 9" in preview
    assert frozen.plans.count() == 1
    same = lea.post(path, form_of(policy, reason="None.", confirm="1")).content.decode()
    assert "Change one first" in same
    done = lea.post(path, {**sent, "confirm": "1", "plan": "1"})
    assert done["Location"] == at("plan", frozen.pk)
    page = lea.get(at("plan", frozen.pk)).content.decode()
    assert "Versions of the plan" in page
    assert "Step by step: when the set is accepted" in page
    stale = lea.post(at("plan", frozen.pk), {"plan": "1"})
    assert stale.status_code == 409
    assert lea.post(at("plan", frozen.pk), {"plan": "2"}).status_code == 302
    assert lea.get(path).status_code == 409
    assert signed_in(cast, "moses").get(path).status_code == 403


def rows(count: int, wrong: int) -> tuple[str, set[str]]:
    from moderation import population

    made = [sampling.Row(f"W{n:04}", "", "A01", "M") for n in range(count)]
    return population.write(made), {f"W{n:04}" for n in range(wrong)}


def test_a_replay_counts_work_and_detections_exactly() -> None:
    policy = selectors.current_plan(
        frozen_round(make_cast(learners=2, policy=NOTHING_TARGETED))
    ).policy
    text, wrong = rows(20, 2)
    told = replay.replay(text, policy | {"sample.custom_size": 5}, "5eed", wrong)
    assert (told.targeted, told.random, told.frame, told.known) == (0, 5, 20, 2)
    assert told.expected == pytest.approx(0.5)
    # One minus the chance that neither is among 5 of 20: 15·14 / (20·19).
    assert told.any_met == pytest.approx(1 - 15 * 14 / (20 * 19))
    assert told.hours == pytest.approx(5 * 45 / 60)
    everything = replay.replay(text, policy | {"sample.all_if_n_le": 20}, "5eed", wrong)
    assert (everything.certain, everything.any_met, everything.expected) == (2, 1.0, 2.0)


def test_a_past_round_is_put_through_another_plan() -> None:
    cast = make_cast(
        learners=9, policy=NOTHING_TARGETED | {"sample.min": 4, "sample.min_per_assessor": 2}
    )
    closed = extended(cast)
    lea = signed_in(cast, "lea")
    path = at("simulate", closed.pk)
    asked = lea.get(path).content.decode()
    assert "Try another plan" in asked
    assert "How work is read" not in asked
    policy = closed.plans.get().policy
    page = lea.get(path, form_of(policy, size="custom", custom_size=9)).content.decode()
    assert "9 of 9" in page
    assert "Disagreements met on average" in page
    assert "1.0 of 1" in page
    assert ModerationRound.objects.get().state == "closed"
    assert signed_in(cast, "moses").get(path).status_code == 403


def test_the_plan_that_was_drawn_from_is_the_one_to_compare_with() -> None:
    cast = make_cast(
        learners=9, policy=NOTHING_TARGETED | {"sample.min": 4, "sample.min_per_assessor": 2}
    )
    frozen = frozen_round(cast)
    wider = frozen.policy | {"sample.custom_size": 7}
    change_plan(frozen, wider, actor=cast.lea, reason="More hands.")
    drawn = draw_sample(ModerationRound.objects.get(), actor=cast.lea)
    page = signed_in(cast, "lea").get(
        at("simulate", drawn.pk), form_of(wider, size="custom", custom_size=9)
    )
    rows = {what: (before, after) for what, before, after in page.context["rows"]}
    assert rows["Random"] == ("7 of 9", "9 of 9")


def test_a_set_that_was_not_drawn_has_nothing_to_replay() -> None:
    cast = make_cast()
    frozen = frozen_round(cast)
    assert signed_in(cast, "lea").get(at("simulate", frozen.pk)).status_code == 409


def test_read_step_by_step_plan_files_and_where_the_test_stands() -> None:
    """Every plot of the plan is a file with the rows of its table; the round says whether to go on."""
    policy = NOTHING_TARGETED | {"sample.sequential": True, "sequential.p2": 0.6}
    cast = make_cast(learners=9, policy=policy)
    frozen = frozen_round(cast)
    lea = signed_in(cast, "lea")
    page = lea.get(at("plan", frozen.pk), {"read": "3"}).content.decode()
    assert "Reading 3 of 9 meets" in page
    assert "Step by step a set with 1.0\u00a0% wrong is accepted" in page
    links = re.findall(r'href="([^"]*/plan/[a-z]+\.csv\?read=3)"', page)
    assert [one.split("/")[-1].split(".")[0] for one in links] == ["detection", "steps"]
    for link in links:
        lines = lea.get(link).content.decode().splitlines()
        assert len(lines) > 2
        for cell in ",".join(lines[1:]).split(","):
            assert f">{cell}<" in page.replace("\xa0", " "), (link, cell)
    assert lea.get(at("plan_table", frozen.pk, "nothing")).status_code == 404
    assert signed_in(cast, "moses").get(at("plan_table", frozen.pk, "detection")).status_code == 403
    drawn = draw_sample(frozen, actor=cast.lea)
    count = drawn.items.count()
    assert count < 9
    page = lea.get(at("round", drawn.pk)).content.decode()
    assert (
        "Step by step: 0 read at random, 0 of them judged differently. That is not enough" in page
    )
    assert "as many have been drawn" in page
    assert "Step by step: when the set is accepted" in page
    for item in drawn.items.all():
        agreed(item)
    said = f"Step by step: {count} read at random, 0 of them judged differently. That is enough"
    for name in ("round", "decide"):
        assert said in lea.get(at(name, drawn.pk)).content.decode(), name
    customary = drawn.policy | {"sample.sequential": False}
    ModerationRound.objects.filter(pk=drawn.pk).update(policy=customary)
    assert "Step by step" not in lea.get(at("round", drawn.pk)).content.decode()


def test_a_sequential_plan_says_what_becomes_of_a_set() -> None:
    test = verification.sequential_of(policies.DEFAULTS)
    chart = findings.step_by_step(test, 400)
    assert chart.rows[0] == ("0.0\u00a0%", "100.0\u00a0%", "0.0\u00a0%")
    at_p2 = next(row for row in chart.rows if row[0] == "6.0\u00a0%")
    assert charts.number(at_p2[1]) == pytest.approx(test.operating(0.06, 400).accept, abs=5e-4)
    assert charts.number(at_p2[2]) == pytest.approx(test.operating(0.06, 400).reject, abs=5e-4)
    # Ten readings decide nothing for good: what is in doubt is neither accepted nor refused.
    short = findings.step_by_step(test, 10)
    assert charts.number(short.rows[0][1]) == 0
    assert len(re.findall(r"[.?!](?: |$)", short.summary)) == 2


def test_risks_and_shares_of_a_plan_are_chosen_and_held_together() -> None:
    policy = policy_defaults()
    assert PlanForm(policy, form_of(policy)).is_valid()
    form = PlanForm(policy, form_of(policy, size="assurance", alpha="10", p_star="20", bad="8"))
    assert form.is_valid(), form.errors
    made = form.as_policy()
    assert (made["assurance.alpha"], made["assurance.p_star"], made["sequential.p2"]) == (0.1, 0.2, 0.08)  # fmt: skip
    assert verification.size_rule(made)(1000) == 11
    for wrong, field in (
        ({"good": "6", "bad": "6"}, "bad"),
        ({"refuse_risk": "50", "accept_risk": "50"}, "accept_risk"),
        ({"alpha": "0"}, "alpha"),
    ):
        form = PlanForm(policy, form_of(policy, **wrong))
        assert list(form.errors) == [field]
