"""Who is asked to mark what: by hand, by itself, in equal shares, from the pool; parts and deadlines."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.enums import OrganisationRole
from accounts.models import DeclaredConflict, Membership
from assessment.actions.allocation import (
    allocate,
    allocate_automatically,
    claim_next,
    end_allocation,
    hand_back,
    reallocate,
)
from assessment.actions.marking import take_over
from assessment.actions.sharing import allocate_as_planned
from assessment.enums import AllocationRole, Way
from assessment.models import Allocation, AssessmentDecision, Lease
from assessment.querysets import claimable
from assessment.selectors import eligible_assessors
from assessment.selectors.sharing import plan_of
from assessment.selectors.workload import loads_of
from portfolios.enums import PartKind
from portfolios.enums import SubmissionState as S
from portfolios.models import Part, Submission
from tests.factories.assessment import allocated, assessed, decided, drafted, opened
from tests.factories.portfolios import submitted
from workflows import outbox
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import AccessRecord, Deadline, Notification


def conflict(cast, one, other):
    return DeclaredConflict.objects.create(
        person=cast.people[one], other=cast.people[other], kind="team", declared_by=cast.pam
    )


def test_an_allocation_has_its_part_deadline_and_message(cast):
    submission = allocated(cast)
    allocation = Allocation.objects.get()
    part = Part.objects.get(submission=submission, person=cast.ada)
    assert (part.kind, part.ended_at) == (PartKind.ASSESSOR, None)
    deadline = Deadline.objects.of(submission).open().get(kind="marking")
    assert deadline.due_at == allocation.due_at
    assert set(deadline.reminders.values_list("recipient__name", flat=True)) == {"Ada Assessor"}
    fresh = Submission.objects.get(pk=submission.pk)
    local = fresh.marking_due_at.astimezone(cast.delivery.zone)
    assert (local.hour, local.minute) == (17, 0)
    assert local.weekday() < 5
    told = Notification.objects.get(topic="assessment.allocated")
    assert told.recipient == cast.ada
    assert told.path == f"/assess/m/{submission.pk}/"
    assert "Lena" not in str(told.context)


@pytest.mark.parametrize("name", ["ada", "moses", "rita", "lena", "olga", "petra"])
def test_only_administrators_and_lead_moderators_allocate(cast, name):
    submission = submitted(cast)
    with pytest.raises(NotPermitted):
        allocate(submission, cast.ada, actor=cast.people[name])
    with pytest.raises(NotPermitted):
        allocate_as_planned(cast.delivery, actor=cast.people[name], previewed=[])
    allocate(submission, cast.ada, actor=cast.lea)
    held = Allocation.objects.get()
    with pytest.raises(NotPermitted):
        reallocate(held, cast.abe, actor=cast.people[name], reason="?")
    with pytest.raises(NotPermitted):
        end_allocation(held, actor=cast.people[name], reason="?")


def test_one_live_allocation_of_a_role(cast):
    submission = allocated(cast)
    with pytest.raises(StaleState):
        allocate(submission, cast.abe, actor=cast.pam)


def test_nobody_too_close_is_allocated(cast):
    conflict(cast, "lena", "ada")
    submission = submitted(cast)
    assert cast.ada not in eligible_assessors(submission, AllocationRole.ASSESSOR)
    with pytest.raises(GuardsNotMet):
        allocate(submission, cast.ada, actor=cast.pam)
    with pytest.raises(GuardsNotMet):
        allocate(submission, cast.moses, actor=cast.pam)


def test_the_pool_leaves_out_whom_the_guard_would_refuse(cast):
    from assessment.guards import independent_of_learner

    for name in ("lena", "hone", "mere"):
        submitted(cast, name)
    conflict(cast, "ada", "lena")
    conflict(cast, "hone", "abe")
    Membership.objects.create(
        user=cast.ana, organisation=cast.client, role=OrganisationRole.EMPLOYEE
    )
    for assessor in (cast.ada, cast.abe, cast.ana):
        able = set(claimable(Submission.objects.all(), assessor))
        holds = {
            one for one in Submission.objects.all() if independent_of_learner.holds(one, assessor)
        }
        assert able == holds, assessor
    assert not claimable(Submission.objects.all(), cast.moses).exists()
    assert not claimable(Submission.objects.all(), cast.lena).exists()


def test_the_least_loaded_is_chosen_by_itself_after_submission(cast):
    allocated(cast, "hone", "abe")
    submission = submitted(cast)
    while outbox.relay():
        pass
    first = Allocation.objects.get(submission=submission)
    assert first.assessor == cast.ada
    assert first.allocated_by is None
    assert allocate_automatically(submission) is None
    third = submitted(cast, "mere")
    while outbox.relay():
        pass
    assert Allocation.objects.get(submission=third).assessor == cast.ana
    assert set(loads_of([cast.ada, cast.abe, cast.ana]).values()) == {1}


def test_with_nobody_eligible_it_waits_and_the_administrators_know(cast):
    for name in ("ada", "abe", "ana"):
        conflict(cast, name, "lena")
    submission = submitted(cast)
    while outbox.relay():
        pass
    assert not Allocation.objects.exists()
    assert Submission.objects.get(pk=submission.pk).marking_due_at is not None
    people = Notification.objects.filter(topic="assessment.nobody_eligible")
    assert cast.pam in {one.recipient for one in people}
    assert cast.lea not in {one.recipient for one in people}


def test_a_withdrawn_submission_is_not_allocated(cast):
    from portfolios.actions.submission import withdraw_submission

    submission = submitted(cast)
    withdraw_submission(submission, actor=cast.lena)
    while outbox.relay():
        pass
    assert not Allocation.objects.exists()


def test_equal_shares_skip_conflicts_and_say_so(cast):
    for name in ("lena", "hone", "mere"):
        submitted(cast, name)
    for name in ("ada", "abe", "ana"):
        conflict(cast, name, "lena")
    conflict(cast, "ada", "hone")
    shares = plan_of(cast.delivery, Way.EQUAL)
    found = {one.submission.learner.name: one.assessor for one in shares}
    assert found["Lena Tūhoe"] is None
    assert found["Hōne Parata"] != cast.ada
    assert len({one for one in found.values() if one}) == 2
    assert not Allocation.objects.exists()
    pairs = [(one.submission.pk, one.assessor.pk) for one in shares if one.assessor]
    allocate_as_planned(cast.delivery, actor=cast.pam, previewed=pairs)
    assert Allocation.objects.count() == 2


def shared_out(cast):
    """Allocate the pool as its preview says; the number of statements."""
    shares = plan_of(cast.delivery, Way.EQUAL)
    pairs = [(one.submission.pk, one.assessor.pk) for one in shares if one.assessor]
    with CaptureQueriesContext(connection) as asked:
        allocate_as_planned(cast.delivery, actor=cast.pam, previewed=pairs)
    return len(asked)


def test_sharing_out_writes_what_single_allocations_write(cast):
    single = allocated(cast)
    shared = submitted(cast, "hone")
    shared_out(cast)
    one, other = (Allocation.objects.get(submission=each) for each in (single, shared))
    assert (other.role, other.allocated_by, other.ended_at) == (one.role, one.allocated_by, None)
    assert Part.objects.filter(submission=shared, person=other.assessor, kind=one.role).exists()
    deadlines = [Deadline.objects.of(each).open().get() for each in (single, shared)]
    assert deadlines[1].people == [str(other.assessor_id)]
    for name in ("kind", "zone", "region", "offsets", "counted_days"):
        assert getattr(deadlines[0], name) == getattr(deadlines[1], name)
    assert (
        deadlines[1].due_at == other.due_at == Submission.objects.get(pk=shared.pk).marking_due_at
    )
    offsets = [set(each.reminders.values_list("offset", flat=True)) for each in deadlines]
    assert offsets[0] == offsets[1] != set()
    assert [each.moves.count() for each in deadlines] == [1, 1]
    news = Notification.objects.filter(topic="assessment.allocated", subject_id=shared.pk)
    assert [each.recipient for each in news] == [other.assessor]


def test_sharing_out_takes_the_same_statements_for_one_and_three(cast):
    submitted(cast)
    few = shared_out(cast)
    for each in Allocation.objects.all():
        end_allocation(each, actor=cast.pam, reason="Anew.")
    submitted(cast, "hone")
    submitted(cast, "mere")
    Submission.objects.update(marking_due_at=None)
    assert shared_out(cast) == few
    assert Allocation.objects.current().count() == 3


def test_claiming_takes_the_most_urgent_and_tells_nobody(cast):
    submitted(cast, "lena")
    urgent = submitted(cast, "hone")
    from django.utils import timezone

    Submission.objects.filter(pk=urgent.pk).update(marking_due_at=timezone.now())
    assert claim_next(actor=cast.ada) == urgent
    assert not Notification.objects.filter(topic="assessment.allocated").exists()
    assert claim_next(actor=cast.ada, only=urgent.pk) is None
    assert claim_next(actor=cast.moses) is None
    assert claim_next(actor=cast.ada, delivery=cast.delivery.pk, task=cast.task.pk) is not None
    assert claim_next(actor=cast.abe) is None


def test_handing_back_keeps_the_draft_and_frees_the_work(cast):
    submission = allocated(cast)
    draft = drafted(submission, cast.ada)
    back = hand_back(submission, actor=cast.ada, reason="I know her.")
    assert back.state == S.SUBMITTED
    assert not Part.objects.filter(person=cast.ada, ended_at__isnull=True).exists()
    assert not Lease.objects.exists()
    assert not Deadline.objects.of(submission).open().filter(kind="marking").exists()
    assert AssessmentDecision.objects.get() == draft
    allocate(submission, cast.ada, actor=cast.pam)
    assert opened(submission, cast.ada) == draft


def test_administrators_hand_back_for_others_and_strangers_do_not(cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    for name in ("abe", "moses", "lea", "lena", "rita"):
        with pytest.raises(NotPermitted):
            hand_back(submission, actor=cast.people[name])
    hand_back(submission, actor=cast.pam)
    assert not Allocation.objects.current().exists()


def test_reallocation_moves_part_and_reminders_and_keeps_drafts(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    held = Allocation.objects.get()
    reallocate(held, cast.abe, actor=cast.pam, reason="Ada is away.")
    assert Allocation.objects.current().get().assessor == cast.abe
    assert Submission.objects.get(pk=submission.pk).state == S.IN_ASSESSMENT
    deadline = Deadline.objects.of(submission).open().get(kind="marking")
    assert set(deadline.reminders.values_list("recipient__name", flat=True)) == {"Abe Assessor"}
    assert decided(submission, cast.abe).state == S.ASSESSED
    assert AssessmentDecision.objects.filter(author=cast.ada, sealed_at=None).exists()
    with pytest.raises(StaleState):
        reallocate(held, cast.ana, actor=cast.pam, reason="Again.")


def test_a_sealed_part_is_not_moved(double):
    submission = decided(allocated(double), double.ada)
    first = Allocation.objects.get(submission=submission, role=AllocationRole.ASSESSOR)
    with pytest.raises(StaleState):
        reallocate(first, double.ana, actor=double.pam, reason="?")
    with pytest.raises(StaleState):
        end_allocation(first, actor=double.pam, reason="?")


def test_only_unopened_work_goes_back_into_the_pool(cast):
    submission = allocated(cast)
    end_allocation(Allocation.objects.get(), actor=cast.pam, reason="A mistake.")
    assert claimable(Submission.objects.all(), cast.ada).get() == submission
    allocate(submission, cast.abe, actor=cast.pam)
    opened(submission, cast.abe)
    with pytest.raises(StaleState):
        end_allocation(Allocation.objects.current().get(), actor=cast.pam, reason="?")


def test_taking_over_is_logged_and_told(cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    for name in ("abe", "moses", "rita", "lena"):
        with pytest.raises(NotPermitted):
            take_over(submission, actor=cast.people[name])
    take_over(submission, actor=cast.lea, reason="Ada is ill.")
    record = AccessRecord.objects.get()
    assert record.actor == cast.lea
    assert "Ada is ill." in record.purpose
    assert Notification.objects.get(topic="assessment.taken_over").recipient == cast.ada
    assert Lease.objects.get().holder == cast.lea


def test_a_second_part_for_one_person_is_impossible(double):
    submission = decided(allocated(double), double.ada)
    second = Allocation.objects.get(role=AllocationRole.SECOND_ASSESSOR).assessor
    assert second != double.ada
    for role in AllocationRole.values:
        assert double.ada not in eligible_assessors(submission, role)


def test_who_ever_had_a_part_does_not_adjudicate(double):
    submission = allocated(double)
    reallocate(Allocation.objects.get(), double.abe, actor=double.pam, reason="Ada is away.")
    assert double.ada not in eligible_assessors(submission, AllocationRole.ADJUDICATOR)
    assert double.ada not in eligible_assessors(submission, AllocationRole.RECONSIDERATION_ASSESSOR)


def test_shares_take_the_same_statements_for_one_and_three(cast):
    submitted(cast)
    with CaptureQueriesContext(connection) as one:
        plan_of(cast.delivery, Way.EQUAL)
    submitted(cast, "hone")
    submitted(cast, "mere")
    with CaptureQueriesContext(connection) as three:
        plan_of(cast.delivery, Way.EQUAL)
    assert len(three) == len(one)


def test_loads_count_only_what_is_still_to_mark(cast):
    assessed(cast)
    allocated(cast, "hone")
    assert loads_of([cast.ada, cast.abe]) == {cast.ada.pk: 1, cast.abe.pk: 0}
