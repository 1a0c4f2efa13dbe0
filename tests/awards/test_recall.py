"""Taking results back: two people, one of each kind."""

from datetime import timedelta

import pytest
from django.utils import timezone

from awards import guards, selectors
from awards.actions.recall import ask_recall, cancel_recall, confirm_recall
from awards.actions.reconsideration import request_reconsideration
from awards.exceptions import RecallOver
from awards.handlers import on_released, result_still_released
from awards.models import Credential, Recall
from moderation.models import ModerationRound
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from tests.factories.awards import (
    batch,
    conclude,
    ratified,
    relay_all,
    release,
    released,
    sign,
)
from workflows.exceptions import GuardsNotMet, NotPermitted
from workflows.models import Notification, TransitionRecord
from workflows.transitions import perform, perform_set

pytestmark = pytest.mark.django_db


def ask(cast, name: str = "lea", reason: str = "The wrong rubric was used") -> Recall:
    return ask_recall(cast.delivery, cast.task, actor=cast.people[name], reason=reason)


def test_two_people_take_results_back(after_release):
    cast, submission = after_release
    made = ask(cast)
    assert Submission.objects.get(pk=submission.pk).state == SubmissionState.RELEASED
    done = confirm_recall(made, actor=cast.rita)
    moved = Submission.objects.get(pk=submission.pk)
    assert moved.state == SubmissionState.IN_MODERATION
    assert moved.released_at is None
    assert Credential.objects.get().state == "suspended"
    assert selectors.result_for(moved, cast.lena) is None
    assert done.report == {
        "recalled": [str(submission.pk)],
        "refused": {},
        "credentials_suspended": 1,
    }
    record = TransitionRecord.objects.of(submission).get(name="recall")
    assert record.actor == cast.rita
    assert record.facts == {"recall": str(made.pk), "asked_by": str(cast.lea.pk)}
    assert record.label.reason == "The wrong rubric was used"


def test_those_affected_are_told_once_and_without_the_reason(two):
    from tests.factories.awards import moderated

    moderated(two, "lena")
    moderated(two, "hone", achieved=False)
    sign(batch(two), two.rita)
    release(two)
    confirm_recall(ask(two), actor=two.rita)
    relay_all()
    learners = Notification.objects.filter(topic="portfolios.submission.recalled")
    assert {one.recipient for one in learners} == {two.lena, two.hone}
    staff = Notification.objects.filter(topic="awards.recalled")
    told = [one.recipient for one in staff]
    assert {two.lea, two.rita, two.rob, two.pam} <= set(told)
    assert len(told) == len(set(told))
    assert not {two.lena, two.hone, two.ada, two.moses} & set(told)
    assert "rubric" not in str([one.context for one in [*learners, *staff]])


@pytest.mark.parametrize(
    ("asks", "confirms", "right"),
    [
        ("lea", "rita", True),
        ("rita", "lea", True),
        ("lea", "lea", False),
        ("rita", "rita", False),
        ("rita", "rob", False),
        ("lea", "pam", False),
        ("lea", "moses", False),
        ("lea", "olga", False),
    ],
)
def test_it_takes_one_of_each(after_release, asks, confirms, right):
    cast, _submission = after_release
    made = ask(cast, asks)
    if right:
        assert confirm_recall(made, actor=cast.people[confirms]).confirmed_at
    else:
        with pytest.raises(NotPermitted):
            confirm_recall(made, actor=cast.people[confirms])
        assert not Recall.objects.get().confirmed_at


@pytest.mark.parametrize("name", ["pam", "moses", "ada", "lena", "olga", "petra"])
def test_others_do_not_ask(after_release, name):
    cast, _submission = after_release
    with pytest.raises(NotPermitted):
        ask(cast, name)


def test_one_person_alone_gets_nothing_through_the_door(after_release):
    cast, submission = after_release
    with pytest.raises(GuardsNotMet) as refused:
        perform(submission, "recall", actor=cast.lea)
    assert refused.value.codes == ["recall_needs_two"]
    ask(cast)
    for name in ("lea", "rita"):
        outcome = perform_set(
            Submission.objects.filter(pk=submission.pk), "recall", actor=cast.people[name]
        )
        assert [one.code for one in outcome.refused[submission.pk]] == ["recall_needs_two"]
    with pytest.raises(NotPermitted):
        perform(submission, "recall", actor=cast.pam)


@pytest.mark.parametrize(
    "changes",
    [
        {"confirmed_by": None},
        {"cancelled_at": timezone.now()},
        {"confirmed_at": timezone.now() - timedelta(days=30)},
        {"reason": ""},
    ],
)
def test_the_guard_wants_a_recall_by_two_since_this_release(after_release, changes):
    cast, submission = after_release
    made = ask(cast)
    Recall.objects.filter(pk=made.pk).update(confirmed_by=cast.rita, confirmed_at=timezone.now())
    assert guards.recalled_by_two.holds(submission)
    Recall.objects.filter(pk=made.pk).update(**changes)
    assert not guards.recalled_by_two.holds(submission)


def test_a_recall_needs_a_reason_and_a_released_result(one_ratified):
    cast, submission = one_ratified
    with pytest.raises(GuardsNotMet) as refused:
        ask(cast, reason=" ")
    assert refused.value.codes == ["reason_missing", "nothing_to_recall"]
    release(cast)
    ask(cast)
    with pytest.raises(GuardsNotMet) as refused:
        ask(cast)
    assert refused.value.codes == ["recall_open"]
    assert submission.pk


def test_a_dropped_recall_cannot_be_confirmed(after_release):
    cast, _submission = after_release
    made = ask(cast)
    with pytest.raises(NotPermitted):
        cancel_recall(made, actor=cast.pam)
    cancel_recall(made, actor=cast.lea)
    with pytest.raises(RecallOver):
        confirm_recall(made, actor=cast.rita)
    with pytest.raises(RecallOver):
        cancel_recall(made, actor=cast.lea)


def test_what_is_under_reconsideration_stays_and_is_named(after_release):
    cast, submission = after_release
    made = ask(cast)
    request_reconsideration(submission, actor=cast.lena, grounds="x")
    with pytest.raises(GuardsNotMet) as refused:
        confirm_recall(made, actor=cast.rita)
    assert refused.value.codes == ["nothing_to_recall"]
    assert Recall.objects.get().confirmed_at is None
    found = selectors.recall_candidates(cast.delivery, cast.task)
    assert found.excluded[0].reasons == ["Conclude its reconsideration first."]


def test_news_of_a_release_that_was_recalled_is_taken_back(cast):
    """The handler comes late: no credential, no last day; and a mail not yet sent does not leave."""
    from awards.actions.release import release_now

    submission = ratified(cast)
    release_now(cast.delivery, cast.task, actor=cast.pam)
    confirm_recall(ask(cast), actor=cast.rita)
    on_released(TransitionRecord.objects.of(submission).get(name="release"))
    assert not Credential.objects.exists()
    notice = Notification.objects.get(topic="portfolios.submission.released")
    assert not result_still_released(notice)


@pytest.mark.parametrize(("achieved", "states"), [(True, ["issued"]), (False, ["revoked"])])
def test_released_anew_the_credential_follows_the_result(cast, achieved, states):
    from assessment.enums import Basis
    from tests.factories.awards import decide

    submission = released(cast)
    confirm_recall(ask(cast), actor=cast.rita)
    if not achieved:
        decide(submission, cast.abe, achieved=False, basis=Basis.MODERATION)
    conclude(cast, ModerationRound.objects.get(state="reopened"))
    sign(batch(cast), cast.rita)
    release(cast)
    assert [one.state for one in Credential.objects.all()] == states
    # The recall of the first release does not open the second one.
    again = Submission.objects.get(pk=submission.pk)
    assert not guards.recalled_by_two.holds(again)
