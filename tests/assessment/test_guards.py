"""Each guard and rule of the steps of marking: what it refuses, and that nothing else does."""

import pytest
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import SYSTEM, DeclaredConflict, Membership
from assessment import guards, rules
from assessment.actions.deciding import record_decision, refer
from assessment.actions.marking import save_draft, start_assessment
from assessment.definitions import Judged, Marks
from assessment.enums import AllocationRole
from assessment.models import Allocation, AssessmentDecision
from assessment.querysets import waiting_for
from catalogue.models import Delivery
from portfolios.enums import HoldKind, PartKind
from portfolios.enums import SubmissionState as S
from portfolios.models import Hold, Part, Submission
from tests.factories.assessment import (
    allocated,
    assessed,
    decided,
    drafted,
    marks,
    opened,
    referred,
)
from tests.factories.portfolios import submitted
from tests.tampering import tampering
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.guards import guards_for
from workflows.transitions import perform

START, RECORD, REFER = "start_assessment", "record_decision", "refer"


def refused(call):
    with pytest.raises(GuardsNotMet) as caught:
        call()
    return caught.value.codes


def override(submission, **values):
    keys = {key.replace("__", "."): value for key, value in values.items()}
    delivery = Delivery.objects.get(pk=submission.delivery_id)
    delivery.policy_overrides = {**delivery.policy_overrides, **keys}
    delivery.save()


def test_the_steps_have_exactly_these_guards():
    """A guard that is taken off a step fails here, whatever else covers for it."""

    def codes(step):
        found = guards_for(f"portfolios.submission.{step}")
        return {one.code for one in found if one.check.__module__ == "assessment.guards"}

    assert codes(START) == {
        "not_independent", "not_calibrated", "early_check_open", "lease_taken",
    }  # fmt: skip
    assert codes(REFER) == {
        "not_independent", "feedback_missing", "decision_stale", "nothing_to_refer",
        "referrals_used_up", "already_sealed",
    }  # fmt: skip
    assert codes(RECORD) == {
        "not_independent", "criterion_not_judged", "feedback_missing", "decision_stale",
        "revision_missing", "second_decision_missing", "outside_tolerance",
    }  # fmt: skip
    assert codes("disagree") == {"no_disagreement", "discussion_open"}
    assert codes("hand_back") == {"discussion_open"}
    assert codes("adjudicate") == {
        "not_independent", "criterion_not_judged", "feedback_missing", "decision_stale",
        "adjudicator_not_neither",
    }  # fmt: skip


# -- start ------------------------------------------------------------------------------------------


def test_only_the_allocated_assessor_starts(cast):
    submission = allocated(cast)
    for name in ("abe", "moses", "lea", "pam", "rita", "olga", "petra", "lena"):
        with pytest.raises(NotPermitted):
            perform(submission, START, actor=cast.people[name])
    with pytest.raises(NotPermitted):
        perform(submission, START, actor=SYSTEM)
    assert perform(submission, START, actor=cast.ada).state == S.IN_ASSESSMENT


def test_an_ended_part_starts_nothing(cast):
    submission = allocated(cast)
    Part.objects.filter(person=cast.ada).update(ended_at=timezone.now())
    with pytest.raises(NotPermitted):
        perform(submission, START, actor=cast.ada)


@pytest.mark.parametrize("direction", ["assessor names learner", "learner names assessor"])
def test_a_declared_conflict_stops_the_start_and_the_verdict(cast, direction):
    submission = allocated(cast)
    pair = {"person": cast.ada, "other": cast.lena}
    if direction.startswith("learner"):
        pair = {"person": cast.lena, "other": cast.ada}
    drafted(submission, cast.ada)
    made = DeclaredConflict.objects.create(**pair, kind="whanau", declared_by=cast.pam)
    assert "not_independent" in refused(lambda: record_decision(submission, actor=cast.ada))
    made.delete()
    other = allocated(cast, "hone")
    DeclaredConflict.objects.create(
        person=cast.ada, other=cast.hone, kind="team", declared_by=cast.pam
    )
    assert refused(lambda: start_assessment(other, actor=cast.ada)) == ["not_independent"]


def test_the_learners_employer_is_a_conflict(cast):
    submission = allocated(cast)
    Membership.objects.create(
        user=cast.ada, organisation=cast.client, role=OrganisationRole.EMPLOYEE
    )
    assert refused(lambda: start_assessment(submission, actor=cast.ada)) == ["not_independent"]


def test_an_employer_that_two_people_share_is_a_conflict(cast):
    submission = allocated(cast)
    submission.enrolment.employer = None
    submission.enrolment.save()
    for user in (cast.ada, cast.lena):
        Membership.objects.create(
            user=user, organisation=cast.client, role=OrganisationRole.EMPLOYEE
        )
    assert refused(lambda: start_assessment(submission, actor=cast.ada)) == ["not_independent"]


def test_nobody_marks_their_own_work(cast):
    assert not guards.independent_of_learner.holds(allocated(cast), cast.lena)


def test_calibration_that_nobody_has_refuses(cast):
    submission = allocated(cast)
    override(submission, marking__requires_calibration=True)
    assert refused(lambda: start_assessment(submission, actor=cast.ada)) == ["not_calibrated"]


def test_another_persons_lease_refuses_and_an_old_one_does_not(cast):
    from assessment.actions.marking import take_over
    from assessment.models import Lease

    submission = allocated(cast)
    take_over(submission, actor=cast.lea)
    assert refused(lambda: start_assessment(submission, actor=cast.ada)) == ["lease_taken"]
    Lease.objects.update(until=timezone.now())
    assert start_assessment(submission, actor=cast.ada).state == S.IN_ASSESSMENT


@pytest.mark.parametrize("step", [START, RECORD, REFER])
def test_a_hold_stops_every_step(cast, step):
    submission = allocated(cast)
    if step != START:
        drafted(submission, cast.ada, "NY")
    Hold.objects.create(
        submission=submission, kind=HoldKind.INTEGRITY, reason="?", opened_by=cast.pam
    )
    calls = {START: start_assessment, RECORD: record_decision, REFER: refer}
    assert "on_hold" in refused(lambda: calls[step](submission, actor=cast.ada))


# -- record -----------------------------------------------------------------------------------------


def test_every_criterion_needs_a_level(cast):
    submission = allocated(cast)
    draft = opened(submission, cast.ada)
    said = dict(marks(submission).criteria)
    said[3] = Judged(feedback="Not looked at.")
    save_draft(submission.pk, actor=cast.ada, marks=Marks(said), seen_version=draft.version)
    assert refused(lambda: record_decision(submission, actor=cast.ada)) == ["criterion_not_judged"]


def test_not_yet_needs_feedback(cast):
    submission = allocated(cast)
    draft = drafted(submission, cast.ada, ["NY", "M", "M"])
    said = {1: Judged(level=draft.judgements.get(criterion__number=1).level_id, feedback=" \n ")}
    save_draft(submission.pk, actor=cast.ada, marks=Marks(said), seen_version=draft.version)
    assert refused(lambda: record_decision(submission, actor=cast.ada)) == ["feedback_missing"]
    assert refused(lambda: refer(submission, actor=cast.ada)) == ["feedback_missing"]


@pytest.mark.parametrize("what", ["manifest", "rubric", "policy"])
@pytest.mark.parametrize("verdict", [record_decision, refer])
def test_a_decision_bound_to_something_else_is_stale(cast, what, verdict):
    submission = allocated(cast)
    drafted(submission, cast.ada, "NY")
    if what == "manifest":
        Submission.objects.filter(pk=submission.pk).update(fingerprint="f" * 64)
    elif what == "rubric":
        # A published rubric is frozen by the database, so the decision is the one that is off.
        with tampering():
            AssessmentDecision.objects.filter(submission=submission).update(rubric_hash="e" * 64)
    else:
        override(submission, referral__max=5)
    assert refused(lambda: verdict(submission, actor=cast.ada)) == ["decision_stale"]


def test_only_the_assessor_records(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    for name in ("abe", "moses", "lea", "pam", "rita", "lena", "petra"):
        with pytest.raises(NotPermitted):
            perform(submission, RECORD, actor=cast.people[name])
        with pytest.raises(NotPermitted):
            record_decision(submission, actor=cast.people[name])


def test_a_second_click_finds_it_done(cast):
    submission = assessed(cast)
    with pytest.raises(StaleState):
        record_decision(submission, actor=cast.ada)


# -- refer ------------------------------------------------------------------------------------------


def test_met_work_is_not_referred(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    assert refused(lambda: refer(submission, actor=cast.ada)) == ["nothing_to_refer"]


def test_referrals_are_counted_against_the_policy(cast):
    from tests.factories.portfolios import submit

    first = referred(cast, levels=["NY", "M", "M"])
    first.portfolio.refresh_from_db()
    again = submit(first.portfolio)
    from assessment.actions.allocation import allocate

    allocate(again, cast.ada, actor=cast.pam)
    drafted(again, cast.ada, ["NY", "M", "M"])
    assert refused(lambda: refer(again, actor=cast.ada)) == ["referrals_used_up"]
    override(again, referral__max=2)
    with tampering():
        AssessmentDecision.objects.filter(submission=again).update(
            policy_hash=guards.policy_hash(Delivery.objects.get())
        )
    assert refer(again, actor=cast.ada).state == S.REFERRED


def test_nobody_refers_past_a_sealed_decision(double):
    submission = allocated(double)
    decided(submission, double.ada)
    second = Allocation.objects.get(role=AllocationRole.SECOND_ASSESSOR).assessor
    drafted(submission, second, "NY")
    fresh = Submission.objects.get(pk=submission.pk)
    assert refused(lambda: perform(fresh, REFER, actor=second)) == ["already_sealed"]
    # What the second wishes is sealed all the same, so that they learn nothing of the first.
    assert refer(submission, actor=second).state == S.IN_ADJUDICATION


def test_only_the_assessor_refers(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada, "NY")
    for name in ("abe", "moses", "lea", "pam", "lena"):
        with pytest.raises(NotPermitted):
            perform(submission, REFER, actor=cast.people[name])


# -- double marking, adjudication -------------------------------------------------------------------


def test_one_of_two_sealed_decisions_records_nothing(double):
    submission = allocated(double)
    decided(submission, double.ada)
    assert refused(lambda: perform(submission, RECORD, actor=double.ada)) == [
        "second_decision_missing", "outside_tolerance",
    ]  # fmt: skip


def test_two_decisions_by_one_person_are_not_two(double):
    submission = allocated(double)
    decided(submission, double.ada)
    first = submission.decisions.get()
    first.pk, first.number, first.basis = None, 2, "second_assessment"
    first._state.adding = True
    first.__dict__["was_sealed"] = False
    first.save()
    assert not guards.both_sealed.holds(submission)


def test_two_decisions_that_differ_are_not_recorded(double):
    submission = adjudicable(double)
    assert submission.state == S.IN_ADJUDICATION
    assert not guards.decisions_agree.holds(submission)
    assert guards.decisions_differ.holds(submission)


def test_disagreement_is_for_the_system_and_needs_two_that_differ(double):
    submission = allocated(double)
    decided(submission, double.ada)
    for name in ("ada", "abe", "lea", "pam"):
        with pytest.raises(NotPermitted):
            perform(submission, "disagree", actor=double.people[name])
    assert refused(lambda: perform(submission, "disagree", actor=SYSTEM)) == ["no_disagreement"]


def adjudicable(double):
    submission = allocated(double)
    decided(submission, double.ada, "M")
    second = Allocation.objects.get(role=AllocationRole.SECOND_ASSESSOR).assessor
    return decided(submission, second, "NY")


def test_only_the_adjudicator_adjudicates(double):
    submission = adjudicable(double)
    adjudicator = Allocation.objects.get(role=AllocationRole.ADJUDICATOR).assessor
    drafted(submission, adjudicator)
    for name in ("moses", "lea", "pam", "lena", "rita"):
        with pytest.raises(NotPermitted):
            perform(submission, "adjudicate", actor=double.people[name])
    assert record_decision(submission, actor=adjudicator).state == S.ASSESSED


def test_the_adjudicator_is_neither_even_if_the_parts_were_wrong(double):
    submission = adjudicable(double)
    Part.objects.filter(person=double.ada).update(kind=PartKind.ADJUDICATOR)
    assert "adjudicator_not_neither" in refused(
        lambda: perform(submission, "adjudicate", actor=double.ada)
    )


def test_adjudication_has_the_guards_of_a_decision(double):
    submission = adjudicable(double)
    adjudicator = Allocation.objects.get(role=AllocationRole.ADJUDICATOR).assessor
    opened(submission, adjudicator)
    assert refused(lambda: record_decision(submission, actor=adjudicator)) == [
        "criterion_not_judged"
    ]


# -- revision ---------------------------------------------------------------------------------------


def give_back(submission):
    """As a moderator's return leaves it. The step itself belongs to moderation."""
    row = Submission.objects.get(pk=submission.pk)
    row.__dict__["state"] = S.IN_ASSESSMENT
    row.returned_at, row.return_note = timezone.now(), "Read criterion 2 again."
    return row


def test_a_returned_decision_needs_a_newer_one_with_a_reason(cast):
    row = give_back(assessed(cast))
    assert not guards.revised_with_reason.holds(row, cast.ada)
    draft = AssessmentDecision.objects.create(
        submission=row, author=cast.ada, number=2, manifest_hash="", rubric_hash="", policy_hash=""
    )
    assert not guards.revised_with_reason.holds(row, cast.ada)
    draft.reason = "C2 is met after all."
    draft.save()
    assert not guards.revised_with_reason.holds(row, cast.ada)
    draft.reason_code = "overlooked"
    draft.save()
    assert guards.revised_with_reason.holds(row, cast.ada)


# -- sets -------------------------------------------------------------------------------------------


def test_undecided_work_does_not_enter_moderation_and_both_forms_agree(cast):
    done, open_one = assessed(cast), allocated(cast, "hone")
    stale = assessed(cast, "mere")
    Submission.objects.filter(pk=stale.pk).update(fingerprint="0" * 64)
    rows = Submission.objects.all()
    failing = guards.finally_decided.failing(rows)
    assert failing == {open_one.pk, stale.pk}
    assert failing == {one.pk for one in rows if not guards.finally_decided.holds(one)}
    assert done.pk not in failing


def test_a_changed_policy_makes_decisions_stale(cast):
    done = assessed(cast)
    override(done, referral__max=7)
    assert guards.finally_decided.failing(Submission.objects.all()) == {done.pk}


# -- agreement of rule and queryset -----------------------------------------------------------------


def stories(cast):
    yield submitted(cast, "mere")
    yield allocated(cast, "hone")


def test_whose_turn_it_is_as_rule_and_as_query(double):
    cast = double
    submission = allocated(cast)

    def agree_now():
        for one in Submission.objects.all():
            for name, person in cast.people.items():
                listed = waiting_for(Submission.objects.all(), person).filter(pk=one.pk).exists()
                assert listed == rules.is_turn(one, person), (name, one.state)

    agree_now()
    for _story in stories(cast):
        agree_now()
    opened(submission, cast.ada)
    agree_now()
    decided(submission, cast.ada)
    agree_now()
    second = Allocation.objects.get(role=AllocationRole.SECOND_ASSESSOR).assessor
    decided(submission, second, "NY")
    agree_now()
    adjudicator = Allocation.objects.get(role=AllocationRole.ADJUDICATOR).assessor
    decided(submission, adjudicator)
    agree_now()
