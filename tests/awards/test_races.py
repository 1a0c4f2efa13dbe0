"""Two at once, on a database whose commits are real."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections, transaction

from awards.actions.recall import ask_recall, confirm_recall
from awards.actions.release import release_due, release_now
from awards.enums import ReleaseOutcome
from awards.models import Credential, Ratification, Release
from portfolios.actions.submission import place_hold
from portfolios.enums import HoldKind, SubmissionState
from portfolios.models import Hold, Submission
from tests.factories.awards import batch, moderated, ratified, relay_all, released, sign
from tests.personas import make_cast
from tests.threads import at_once
from workflows.exceptions import TransitionRefused
from workflows.models import TransitionRecord
from workflows.outbox import relay


def race(*acts: Callable[[], Any]) -> list[Any]:
    """Run them together from a common start; what each gave, or the refusal it got."""
    results = at_once(*acts)
    unexpected = [
        one
        for one in results
        if isinstance(one, Exception) and not isinstance(one, TransitionRefused)
    ]
    assert unexpected == []
    return results


def test_a_hold_that_comes_while_a_batch_is_signed(committed_db):
    """The signature waits for the hold's row lock, and then sees the hold."""
    cast = make_cast()
    submission = moderated(cast)
    made = batch(cast)
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                place_hold(submission, actor=cast.pam, kind=HoldKind.INTEGRITY, reason="x")
                held.set()
                go_on.wait(timeout=30)
        finally:
            connections.close_all()

    outcomes: list[Any] = []

    def signing() -> None:
        try:
            outcomes.append(sign(made, cast.rita))
        finally:
            connections.close_all()

    first = threading.Thread(target=hold)
    first.start()
    assert held.wait(timeout=30)
    second = threading.Thread(target=signing)
    second.start()
    second.join(timeout=1)
    assert second.is_alive()  # it waits for the row
    go_on.set()
    first.join(timeout=30)
    second.join(timeout=30)
    assert Submission.objects.get(pk=submission.pk).state == SubmissionState.MODERATED
    assert [one.code for one in outcomes[0].refused[submission.pk]] == ["on_hold"]
    assert "on hold" in made.lines.get().refused_because


def test_hold_and_signature_together_end_in_one_of_two_ways(committed_db):
    cast = make_cast()
    submission = moderated(cast)
    made = batch(cast)
    race(
        lambda: place_hold(submission, actor=cast.pam, kind=HoldKind.PRIVACY, reason="x"),
        lambda: sign(made, cast.rita),
    )
    line = made.lines.get()
    state = Submission.objects.get(pk=submission.pk).state
    hold = Hold.objects.get()
    if state == SubmissionState.RATIFIED:
        record = TransitionRecord.objects.of(submission).get(name="ratify")
        assert line.ratified_at is not None
        assert hold.opened_at >= record.at or not line.refused_because
    else:
        assert state == SubmissionState.MODERATED
        assert "on hold" in line.refused_because


def test_two_signatures_at_once_ratify_once(committed_db):
    cast = make_cast(policy={"ratify.quorum": 2})
    submission = moderated(cast)
    made = batch(cast)
    results = race(lambda: sign(made, cast.rita), lambda: sign(made, cast.rob))
    assert sorted(one is None for one in results) == [False, True]
    assert TransitionRecord.objects.of(submission).filter(name="ratify").count() == 1
    assert Ratification.objects.get().completed_at is not None


def test_two_batches_at_once_open_one(committed_db):
    cast = make_cast()
    moderated(cast)
    results = race(lambda: batch(cast), lambda: batch(cast, actor="rob"))
    assert Ratification.objects.count() == 1
    assert sum(isinstance(one, TransitionRefused) for one in results) == 1


def test_clock_and_administrator_release_once(committed_db):
    """Three clocks and one administrator: one release is carried out, each result once, one credential."""
    cast = make_cast()
    submission = ratified(cast)
    Release.objects.create(
        delivery=cast.delivery,
        task=cast.task,
        scheduled_for=submission.ratified_at,
        created_by=cast.pam,
    )
    race(
        release_due,
        release_due,
        release_due,
        lambda: release_now(cast.delivery, cast.task, actor=cast.pam),
    )
    assert TransitionRecord.objects.of(submission).filter(name="release").count() == 1
    done = Release.objects.filter(outcome=ReleaseOutcome.DONE)
    assert [one.report["released"] for one in done] == [[str(submission.pk)]]
    assert not Release.objects.scheduled().exists()
    race(lambda: relay(batch=200), lambda: relay(batch=200))
    relay_all()
    assert Credential.objects.count() == 1


def test_release_messages_and_a_recall_leave_no_live_credential(committed_db):
    cast = make_cast()
    submission = ratified(cast)
    release_now(cast.delivery, cast.task, actor=cast.pam)
    recall = ask_recall(cast.delivery, cast.task, actor=cast.lea, reason="x")
    race(relay_all, lambda: confirm_recall(recall, actor=cast.rita))
    relay_all()
    assert Submission.objects.get(pk=submission.pk).state == SubmissionState.IN_MODERATION
    assert not Credential.objects.filter(state="issued").exists()


def test_two_second_people_recall_once(committed_db):
    cast = make_cast()
    submission = released(cast)
    recall = ask_recall(cast.delivery, cast.task, actor=cast.lea, reason="x")
    results = race(
        lambda: confirm_recall(recall, actor=cast.rita),
        lambda: confirm_recall(recall, actor=cast.rob),
    )
    assert sum(isinstance(one, TransitionRefused) for one in results) == 1
    assert TransitionRecord.objects.of(submission).filter(name="recall").count() == 1
