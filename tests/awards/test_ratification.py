"""Batches: what is listed, who signs, what moves."""

from datetime import timedelta

import pytest
from django.utils import timezone

from assessment.enums import Basis
from awards import exceptions, selectors
from awards.actions.ratification import cancel_batch, open_ratification, sign_batch
from awards.exceptions import BatchOver
from awards.models import RatificationSignature
from catalogue.models import DeliveryRole
from portfolios.actions.submission import place_hold
from portfolios.enums import HoldKind, SubmissionState
from portfolios.models import Submission
from tests.factories.awards import batch, decide, moderated, sign
from tests.factories.portfolios import submitted
from tests.personas import make_cast
from tests.tampering import tampering
from workflows.exceptions import GuardsNotMet, NotPermitted
from workflows.models import Notification, TransitionRecord
from workflows.transitions import perform, perform_set

pytestmark = pytest.mark.django_db


def codes(refused: pytest.ExceptionInfo[GuardsNotMet]) -> set[str]:
    return set(refused.value.codes)


def test_a_batch_lists_what_is_moderated_and_says_why_the_rest_is_not(two):
    ready = moderated(two, "lena")
    waiting = submitted(two, "hone")
    found = selectors.ratification_candidates(two.delivery, two.task)
    assert [one.submission for one in found.eligible] == [ready]
    assert [one.submission for one in found.excluded] == [waiting]
    assert found.excluded[0].reasons == ["The state is “Submitted”, not “Moderated”."]
    assert found.counts == [("Achieved", 1)]
    made = batch(two)
    assert [line.submission for line in made.lines.all()] == [ready]
    assert made.content_hash == selectors.content_hash(
        [(line.submission, line.decision) for line in made.lines.all()]
    )


def test_a_held_result_is_left_out_with_the_reason(one_ready):
    cast, submission = one_ready
    place_hold(submission, actor=cast.pam, kind=HoldKind.INTEGRITY, reason="A question")
    found = selectors.ratification_candidates(cast.delivery, cast.task)
    assert found.eligible == []
    assert found.excluded[0].reasons == ["On hold: Academic integrity."]


def test_the_other_ratifiers_are_told_once(one_ready):
    cast, _submission = one_ready
    batch(cast)
    told = Notification.objects.filter(topic="awards.batch_opened")
    assert [one.recipient for one in told] == [cast.rob]


def test_only_ratifiers_and_administrators_open_a_batch(one_ready):
    cast, _submission = one_ready
    with pytest.raises(NotPermitted):
        batch(cast, actor="moses")
    assert batch(cast, actor="pam").is_open


def test_a_batch_needs_a_minute_and_something_to_list(cast):
    with pytest.raises(GuardsNotMet) as refused:
        batch(cast)
    assert codes(refused) == {"nothing_to_ratify"}
    moderated(cast)
    with pytest.raises(GuardsNotMet) as refused:
        batch(cast, minute="  ")
    assert codes(refused) == {"minute_missing"}


def test_one_batch_at_a_time(one_ready):
    cast, _submission = one_ready
    batch(cast)
    with pytest.raises(GuardsNotMet) as refused:
        batch(cast)
    assert codes(refused) == {"batch_open"}


def test_signing_ratifies_and_notes_what_became_of_each(two):
    first, second = moderated(two, "lena"), moderated(two, "hone", achieved=False)
    made = batch(two)
    place_hold(second, actor=two.pam, kind=HoldKind.PRIVACY, reason="A question")
    outcome = sign(made, two.rita)
    assert outcome is not None
    assert outcome.moved == [first.pk]
    lines = {line.submission_id: line for line in made.lines.all()}
    assert lines[first.pk].ratified_at is not None
    assert lines[second.pk].refused_because == "This submission is on hold."
    made.refresh_from_db()
    assert made.completed_at is not None
    record = TransitionRecord.objects.of(first).get(name="ratify")
    assert record.actor == two.rita
    assert record.facts["ratification"] == str(made.pk)
    assert record.facts["content_hash"] == made.content_hash
    assert Submission.objects.get(pk=second.pk).state == SubmissionState.MODERATED


QUORUM = [
    # policy overrides, who signs in this order, ratified after each
    ({}, ["rita"], [True]),
    ({}, ["ada"], [False]),
    ({}, ["ada", "rita"], [False, True]),
    ({}, ["rita"], [True]),
    ({"ratify.quorum": 2}, ["rita", "rob"], [False, True]),
    ({"ratify.quorum_if_assessed": 3}, ["ada", "rita", "rob"], [False, False, True]),
    ({"ratify.quorum": 3, "ratify.quorum_if_assessed": 2}, ["ada", "rita", "rob"], [False, False, True]),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "signers", "done"), QUORUM)
def test_the_quorum(db, policy, signers, done):
    cast = make_cast(policy=policy)
    submission = moderated(cast)
    DeliveryRole.objects.create(delivery=cast.delivery, user=cast.ada, role="ratifier")
    made = batch(cast)
    for name, expected in zip(signers, done, strict=True):
        sign(made, cast.people[name])
        state = Submission.objects.get(pk=submission.pk).state
        assert (state == SubmissionState.RATIFIED) is expected, name
    signed = RatificationSignature.objects.filter(ratification=made, ratifier=cast.ada)
    assert all(one.assessed_in_batch for one in signed)


def test_an_ended_part_still_counts_as_having_judged(one_ready):
    cast, submission = one_ready
    submission.parts.filter(person=cast.ada).update(ended_at=timezone.now())
    DeliveryRole.objects.create(delivery=cast.delivery, user=cast.ada, role="ratifier")
    assert sign(batch(cast), cast.ada) is None


def test_the_door_refuses_without_a_batch(one_ready):
    cast, submission = one_ready
    with pytest.raises(GuardsNotMet) as refused:
        perform(submission, "ratify", actor=cast.rita)
    assert codes(refused) >= {"not_in_batch", "quorum_missing", "not_reauthenticated"}


def test_the_door_refuses_without_enough_signatures(one_ready):
    cast, submission = one_ready
    batch(cast)
    with pytest.raises(GuardsNotMet) as refused:
        perform(submission, "ratify", actor=cast.rita)
    assert codes(refused) == {"quorum_missing", "not_reauthenticated"}


@pytest.mark.parametrize("name", ["moses", "lea", "pam", "ada", "olga", "petra", "lena"])
def test_only_ratifiers_of_the_delivery_sign(one_ready, name):
    cast, submission = one_ready
    made = batch(cast)
    with pytest.raises(NotPermitted):
        sign(made, cast.people[name])
    with pytest.raises(NotPermitted):
        perform(submission, "ratify", actor=cast.people[name])
    outcome = perform_set(
        Submission.objects.filter(pk=submission.pk), "ratify", actor=cast.people[name]
    )
    assert [one.code for one in outcome.refused[submission.pk]] == ["not_permitted"]


@pytest.mark.parametrize("minutes", [None, 5.2, 60, -1])
def test_without_a_fresh_proof_nothing_is_signed(one_ready, minutes):
    """None is somebody without password or passkey; -1 a time in the future."""
    cast, submission = one_ready
    made = batch(cast)
    proof = None if minutes is None else timezone.now() - timedelta(minutes=minutes)
    with pytest.raises(GuardsNotMet) as refused:
        sign_batch(made, actor=cast.rita, reauthenticated_at=proof, seen_hash=made.content_hash)
    assert codes(refused) == {"not_reauthenticated"}
    assert not made.signatures.exists()
    assert Submission.objects.get(pk=submission.pk).state == SubmissionState.MODERATED


def test_the_door_asks_for_a_fresh_signature_of_the_person_acting(one_ready):
    """A signature of an hour ago, or of somebody else, lets nobody through."""
    cast, submission = one_ready
    made = batch(cast)
    RatificationSignature.objects.create(
        ratification=made,
        ratifier=cast.rita,
        reauthenticated_at=timezone.now() - timedelta(hours=1),
    )
    for actor in (cast.rita, cast.rob):
        with pytest.raises(GuardsNotMet) as refused:
            perform(submission, "ratify", actor=actor)
        assert codes(refused) == {"not_reauthenticated"}


def test_the_minutes_are_policy(db):
    cast = make_cast(policy={"ratify.reauthenticate_minutes": 30})
    moderated(cast)
    assert sign(batch(cast), cast.rita, minutes_ago=29) is not None


def test_a_decision_that_changed_since_is_not_ratified(one_ready):
    cast, submission = one_ready
    made = batch(cast)
    decide(submission, cast.abe, achieved=False, basis=Basis.CORRECTION)
    outcome = sign(made, cast.rita)
    assert outcome is not None
    assert outcome.moved == []
    assert "has changed since the batch was opened" in made.lines.get().refused_because


@pytest.mark.parametrize("column", ["manifest_hash", "rubric_hash", "policy_hash"])
def test_a_decision_about_something_else_is_not_listed(one_ready, column):
    cast, submission = one_ready
    with tampering():
        submission.decisions.update(**{column: "f" * 64})
    found = selectors.ratification_candidates(cast.delivery, cast.task)
    assert found.eligible == []
    assert found.excluded[0].reasons == [
        "The decision does not fit what was submitted, or is missing."
    ]


@pytest.mark.parametrize("column", ["manifest_hash", "rubric_hash", "policy_hash"])
def test_a_listed_decision_about_something_else_is_not_ratified(one_ready, column):
    cast, submission = one_ready
    made = batch(cast)
    with tampering():
        submission.decisions.update(**{column: "f" * 64})
    sign(made, cast.rita)
    assert Submission.objects.get(pk=submission.pk).state == SubmissionState.MODERATED


def test_what_was_read_must_be_what_is_signed(one_ready):
    cast, _submission = one_ready
    made = batch(cast)
    with pytest.raises(GuardsNotMet) as refused:
        sign_batch(made, actor=cast.rita, reauthenticated_at=timezone.now(), seen_hash="0" * 64)
    assert codes(refused) == {exceptions.BATCH_CHANGED.code}


def test_nobody_signs_twice_or_late(db):
    cast = make_cast(policy={"ratify.quorum": 2})
    moderated(cast)
    made = batch(cast)
    assert sign(made, cast.rita) is None
    with pytest.raises(GuardsNotMet) as refused:
        sign(made, cast.rita)
    assert codes(refused) == {"signed_already"}
    cancel_batch(made, actor=cast.rob)
    with pytest.raises(BatchOver):
        sign(made, cast.rob)
    with pytest.raises(BatchOver):
        cancel_batch(made, actor=cast.rob)


def test_cancelling_lets_another_batch_open(one_ready):
    cast, _submission = one_ready
    made = batch(cast)
    with pytest.raises(NotPermitted):
        cancel_batch(made, actor=cast.moses)
    cancel_batch(made, actor=cast.rita)
    assert sign(batch(cast), cast.rita) is not None


def test_a_cancelled_batch_lets_nothing_through(one_ready):
    cast, submission = one_ready
    made = batch(cast)
    RatificationSignature.objects.create(
        ratification=made, ratifier=cast.rita, reauthenticated_at=timezone.now()
    )
    cancel_batch(made, actor=cast.rita)
    with pytest.raises(GuardsNotMet) as refused:
        perform(submission, "ratify", actor=cast.rita)
    assert "not_in_batch" in codes(refused)


def test_somebody_from_another_delivery_opens_nothing(one_ready):
    cast, _submission = one_ready
    with pytest.raises(NotPermitted):
        open_ratification(cast.delivery, cast.task, actor=cast.olga, minute="x")
