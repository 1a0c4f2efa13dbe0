"""Asking for a fresh look, and concluding it: never lower without an authorised correction."""

from datetime import timedelta

import icalendar
import pytest
import time_machine
from django.utils import timezone

from assessment.actions.deciding import record_decision
from assessment.enums import AllocationRole, Basis
from assessment.models import Allocation, AssessmentDecision
from awards import guards, selectors
from awards.actions.reconsideration import (
    authorise_correction,
    conclude_reconsideration,
    request_reconsideration,
)
from awards.handlers import on_reconsidered
from awards.models import Credential, Reconsideration
from catalogue.models import DeliveryRole
from portfolios.actions.submission import place_hold
from portfolios.enums import HoldKind, SubmissionState
from portfolios.models import Submission
from tests.factories.assessment import drafted
from tests.factories.awards import decide, ratified, relay_all, release
from tests.tampering import tampering
from workflows.actions.reconciling import compare
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import Deadline, Notification, TransitionRecord
from workflows.notifications import compose
from workflows.selectors.agenda import agenda_of, feed_of
from workflows.transitions import perform

pytestmark = pytest.mark.django_db


def ask(cast, submission: Submission, grounds: str = "Criterion 2 was missed") -> Reconsideration:
    return request_reconsideration(submission, actor=cast.lena, grounds=grounds)


def fresh(submission: Submission, cast, *, achieved: bool) -> AssessmentDecision:
    """The decision of the assessor who was allocated, sealed and not final."""
    person = Allocation.objects.get(
        submission=submission, role=AllocationRole.RECONSIDERATION_ASSESSOR
    ).assessor
    draft = drafted(submission, person, "M" if achieved else "NY")
    record_decision(submission, actor=person)
    return AssessmentDecision.objects.get(pk=draft.pk)


def test_asking_keeps_the_result_and_allocates_somebody_fresh(not_achieved):
    cast, submission = not_achieved
    made = ask(cast, submission)
    assert made.decision_before == selectors.current_decision(submission)
    moved = Submission.objects.get(pk=submission.pk)
    assert moved.state == SubmissionState.UNDER_RECONSIDERATION
    found = Allocation.objects.get(
        submission=submission, role=AllocationRole.RECONSIDERATION_ASSESSOR, ended_at=None
    )
    assert found.assessor in {cast.abe, cast.ana}
    result = selectors.result_for(moved, cast.lena)
    assert result is not None
    assert result.label == "Not achieved"
    relay_all()
    told = Notification.objects.filter(topic="portfolios.submission.reconsideration_requested")
    assert cast.pam in {one.recipient for one in told}
    assert not {cast.lena, cast.ada, cast.olga} & {one.recipient for one in told}


def test_the_fresh_decision_is_asked_what_any_other_is(not_achieved):
    cast, submission = not_achieved
    ask(cast, submission)
    person = Allocation.objects.get(role=AllocationRole.RECONSIDERATION_ASSESSOR).assessor
    draft = drafted(submission, person, "M")
    one = draft.judgements.first()
    draft.judgements.filter(pk=one.pk).update(level=None)
    with pytest.raises(GuardsNotMet) as refused:
        record_decision(submission, actor=person)
    assert refused.value.codes == ["criterion_not_judged"]


def test_nobody_fresh_leaves_it_to_the_administrator(after_release):
    cast, submission = after_release
    DeliveryRole.objects.filter(role="assessor").exclude(user=cast.ada).update(
        ended_at=timezone.now()
    )
    ask(cast, submission)
    assert not Allocation.objects.filter(role=AllocationRole.RECONSIDERATION_ASSESSOR).exists()
    row = selectors.board(cast.delivery).rows[0]
    assert row.attention == {"unallocated"}
    told = Notification.objects.filter(topic="assessment.nobody_eligible")
    assert cast.pam in {one.recipient for one in told}


@pytest.mark.parametrize("name", ["ada", "moses", "pam", "rita", "olga"])
def test_only_the_learner_asks(after_release, name):
    cast, submission = after_release
    with pytest.raises(NotPermitted):
        request_reconsideration(submission, actor=cast.people[name], grounds="x")
    assert not Reconsideration.objects.exists()


def test_grounds_are_needed(after_release):
    cast, submission = after_release
    with pytest.raises(GuardsNotMet) as refused:
        ask(cast, submission, grounds="   ")
    assert refused.value.codes == ["grounds_missing"]
    assert not Reconsideration.objects.exists()
    with pytest.raises(GuardsNotMet) as refused:
        perform(submission, "request_reconsideration", actor=cast.lena)
    assert refused.value.codes == ["grounds_missing"]


def test_the_window_closes_at_the_end_of_its_last_day(after_release):
    cast, submission = after_release
    until = guards.reconsideration_until(submission)
    assert until is not None
    with time_machine.travel(until + timedelta(seconds=1), tick=True):
        with pytest.raises(GuardsNotMet) as refused:
            ask(cast, submission)
        assert refused.value.codes == ["reconsideration_window_over"]
    with time_machine.travel(until - timedelta(minutes=1), tick=True):
        ask(cast, submission)


def shown(cast) -> tuple[list[str], list[tuple[str, str, int]]]:
    """Labels of the learner's agenda; key, state and number of what their calendar feed says of the last day."""
    events = icalendar.Calendar.from_ical(feed_of(cast.lena)).walk("VEVENT")
    found = [
        (str(one["UID"]), str(one["STATUS"]), one["SEQUENCE"])
        for one in events
        if "reconsideration" in one["SUMMARY"]
    ]
    return [one.label for one in agenda_of(cast.lena)], found


def brought(topic: str) -> tuple[str, str, int]:
    """Method, key and number of the entry that the mail brings."""
    notice = Notification.objects.filter(topic=f"portfolios.submission.{topic}").latest("pk")
    made = icalendar.Calendar.from_ical(
        compose(notice, "<m@localhost>").attachments[0].get_payload(decode=True)
    )
    (event,) = made.walk("VEVENT")
    return str(made["METHOD"]), str(event["UID"]), event["SEQUENCE"]


LAST_DAY = "Last day to ask for reconsideration"


@pytest.mark.parametrize("in_order", [True, False])
def test_the_calendar_says_until_when_to_ask_again_as_long_as_the_rule_lets_one(
    after_release, in_order
):
    cast, submission = after_release
    (labels, ((uid, state, number),)) = shown(cast)
    assert (labels, state, number) == ([LAST_DAY], "CONFIRMED", 0)
    made = ask(cast, submission)
    if in_order:
        relay_all()
        assert shown(cast) == ([], [(uid, "CANCELLED", 1)])
    fresh(submission, cast, achieved=False)
    conclude_reconsideration(made, actor=cast.rita, note="Looked at it")
    relay_all()
    number = 2 if in_order else 0
    assert shown(cast) == ([LAST_DAY], [(uid, "CONFIRMED", number)])
    assert brought("reconsidered") == ("PUBLISH", uid, number)
    until = guards.reconsideration_until(submission)
    assert Deadline.objects.of(submission).get(kind="reconsideration").due_at == until
    assert compare().difference == 0
    with time_machine.travel(until - timedelta(minutes=1), tick=True):
        result = selectors.result_for(Submission.objects.get(pk=submission.pk), cast.lena)
        assert result.may_ask
        assert shown(cast)[0] == [LAST_DAY]
    with time_machine.travel(until + timedelta(seconds=1), tick=True):
        assert not selectors.result_for(result.submission, cast.lena).may_ask
        assert shown(cast)[0] == []
    ask(cast, submission, grounds="And page 5")
    relay_all()
    assert shown(cast) == ([], [(uid, "CANCELLED", number + 1)])


def test_a_conclusion_after_the_last_day_opens_it_to_nobody(after_release):
    cast, submission = after_release
    made = ask(cast, submission)
    relay_all()
    fresh(submission, cast, achieved=False)
    until = guards.reconsideration_until(submission)
    with time_machine.travel(until + timedelta(hours=1), tick=True):
        conclude_reconsideration(made, actor=cast.rita, note="Looked at it")
        # The relay goes by the database's clock, which did not travel.
        on_reconsidered(
            TransitionRecord.objects.of(submission).get(name="conclude_reconsideration")
        )
        (labels, ((uid, state, _number),)) = shown(cast)
        assert (labels, state) == ([], "CANCELLED")
        assert brought("reconsidered") == ("CANCEL", uid, 1)
        with pytest.raises(GuardsNotMet):
            ask(cast, submission)


def test_one_request_at_a_time_and_none_before_release(cast):

    submission = ratified(cast)
    with pytest.raises(StaleState):
        ask(cast, submission)
    release(cast)
    ask(cast, submission)
    with pytest.raises((GuardsNotMet, StaleState)):
        ask(cast, submission)


def test_a_hold_stops_asking_and_concluding(after_release):
    cast, submission = after_release
    hold = place_hold(submission, actor=cast.pam, kind=HoldKind.PRIVACY, reason="A question")
    with pytest.raises(GuardsNotMet) as refused:
        ask(cast, submission)
    assert refused.value.codes == ["on_hold"]
    hold.closed_at = timezone.now()
    hold.save()
    made = ask(cast, submission)
    fresh(submission, cast, achieved=True)
    place_hold(submission, actor=cast.pam, kind=HoldKind.INTEGRITY, reason="Another")
    with pytest.raises(GuardsNotMet) as refused:
        conclude_reconsideration(made, actor=cast.rita, note="Looked at it")
    assert refused.value.codes == ["on_hold"]


def test_a_higher_result_replaces_the_released_one_and_issues_the_credential(not_achieved):
    cast, submission = not_achieved
    made = ask(cast, submission)
    decision = fresh(submission, cast, achieved=True)
    assert not Credential.objects.exists()
    done = conclude_reconsideration(made, actor=cast.rita, note="Criterion 2 is met on page 4")
    assert done.decision_after == decision
    moved = Submission.objects.get(pk=submission.pk)
    assert moved.state == SubmissionState.RELEASED
    result = selectors.result_for(moved, cast.lena)
    assert result is not None
    assert result.label == "Achieved"
    assert result.credential == Credential.objects.get(state="issued")
    assert result.concluded == done
    record = TransitionRecord.objects.of(submission).get(name="conclude_reconsideration")
    assert record.facts["after"] == str(decision.pk)
    relay_all()
    told = Notification.objects.get(topic="portfolios.submission.reconsidered")
    assert told.recipient == cast.lena


def test_a_lower_result_leaves_the_released_one(after_release):
    cast, submission = after_release
    before = selectors.current_decision(submission)
    made = ask(cast, submission)
    fresh(submission, cast, achieved=False)
    done = conclude_reconsideration(made, actor=cast.rita, note="Looked at it")
    assert done.decision_after == before
    assert selectors.current_decision(submission) == before
    assert Credential.objects.get().state == "issued"


def test_the_door_refuses_a_lower_result(after_release):
    """Whatever an action wrote as the result: only an authorised correction gets through."""
    cast, submission = after_release
    made = ask(cast, submission)
    lower = fresh(submission, cast, achieved=False)
    moved = Submission.objects.get(pk=submission.pk)
    for basis, approver, reason in [
        (Basis.RECONSIDERATION, cast.lea, "Wrong file"),
        (Basis.CORRECTION, None, "Wrong file"),
        (Basis.CORRECTION, lower.author, "Wrong file"),
        (Basis.CORRECTION, cast.lea, " "),
    ]:
        with tampering():
            AssessmentDecision.objects.filter(pk=lower.pk).update(
                basis=basis, approved_by=approver, reason=reason
            )
        Reconsideration.objects.filter(pk=made.pk).update(decision_after=lower)
        with pytest.raises(GuardsNotMet) as refused:
            perform(moved, "conclude_reconsideration", actor=cast.rita)
        assert refused.value.codes == ["lower_without_correction"]


def test_an_authorised_correction_lowers_the_result_and_revokes_the_credential(after_release):
    cast, submission = after_release
    made = ask(cast, submission)
    lower = fresh(submission, cast, achieved=False)
    with pytest.raises(NotPermitted):
        authorise_correction(made, actor=cast.rita, reason="Wrong file")
    with pytest.raises(GuardsNotMet) as refused:
        authorise_correction(made, actor=cast.lea, reason=" ")
    assert refused.value.codes == ["reason_missing"]
    correction = authorise_correction(made, actor=cast.lea, reason="The wrong file was marked")
    assert (correction.basis, correction.approved_by) == (Basis.CORRECTION, cast.lea)
    assert correction.author == lower.author
    assert correction.judgements.count() == lower.judgements.count() == 3
    with pytest.raises(GuardsNotMet) as refused:
        authorise_correction(made, actor=cast.lea, reason="Again")
    assert refused.value.codes == ["not_lower"]
    conclude_reconsideration(made, actor=cast.rita, note="The correction stands")
    assert selectors.current_decision(submission) == correction
    assert Credential.objects.get().state == "revoked"


def test_nobody_corrects_what_is_not_lower_or_not_decided(not_achieved):
    cast, submission = not_achieved
    made = ask(cast, submission)
    with pytest.raises(GuardsNotMet) as refused:
        authorise_correction(made, actor=cast.lea, reason="x")
    assert refused.value.codes == ["fresh_decision_missing"]
    fresh(submission, cast, achieved=True)
    with pytest.raises(GuardsNotMet) as refused:
        authorise_correction(made, actor=cast.lea, reason="x")
    assert refused.value.codes == ["not_lower"]


def test_it_is_not_concluded_before_somebody_fresh_decided(after_release):
    cast, submission = after_release
    made = ask(cast, submission)
    with pytest.raises(GuardsNotMet) as refused:
        conclude_reconsideration(made, actor=cast.rita, note="x")
    assert "fresh_decision_missing" in refused.value.codes
    # Somebody who judged it before is not fresh, whatever the decision's basis says.
    decide(submission, cast.ada, achieved=False, basis=Basis.RECONSIDERATION, final=False)
    with pytest.raises(GuardsNotMet) as refused:
        conclude_reconsideration(made, actor=cast.rita, note="x")
    assert "fresh_decision_missing" in refused.value.codes


def test_a_draft_is_no_decision(not_achieved):
    cast, submission = not_achieved
    made = ask(cast, submission)
    decision = fresh(submission, cast, achieved=True)
    with tampering():
        AssessmentDecision.objects.filter(pk=decision.pk).update(sealed_at=None)
    with pytest.raises(GuardsNotMet) as refused:
        conclude_reconsideration(made, actor=cast.rita, note="x")
    assert "fresh_decision_missing" in refused.value.codes


@pytest.mark.parametrize("name", ["lena", "ada", "moses", "lea", "pam", "olga", "petra"])
def test_only_ratifiers_conclude(after_release, name):
    cast, submission = after_release
    made = ask(cast, submission)
    fresh(submission, cast, achieved=True)
    with pytest.raises(NotPermitted):
        conclude_reconsideration(made, actor=cast.people[name], note="x")


def test_a_ratifier_who_judged_it_does_not_conclude(after_release):
    cast, submission = after_release
    made = ask(cast, submission)
    decision = fresh(submission, cast, achieved=True)
    for judge in (cast.ada, decision.author):
        DeliveryRole.objects.create(delivery=cast.delivery, user=judge, role="ratifier")
        with pytest.raises(NotPermitted):
            conclude_reconsideration(made, actor=judge, note="x")


def test_a_conclusion_needs_words_and_happens_once(after_release):
    cast, submission = after_release
    made = ask(cast, submission)
    fresh(submission, cast, achieved=True)
    with pytest.raises(GuardsNotMet) as refused:
        conclude_reconsideration(made, actor=cast.rita, note=" ")
    assert refused.value.codes == ["reason_missing"]
    conclude_reconsideration(made, actor=cast.rita, note="Looked at it")
    with pytest.raises(StaleState):
        conclude_reconsideration(made, actor=cast.rita, note="Again")
