"""What is no conflict though it looks like one, and what each finding allows."""

from uuid import UUID

import pytest
from django.utils import timezone

from accounts.enums import ConflictGround as G
from accounts.enums import OrganisationRole
from accounts.models import Membership
from assessment import rules
from assessment.actions.allocation import allocate, reallocate
from assessment.actions.deciding import refer
from assessment.conflicts import Conflicts, Finding, Weight, conflicts_among
from assessment.models import Allocation
from catalogue.models import DeliveryRole, Enrolment
from portfolios.models import Part, Submission
from tests.assessment.pages import url
from tests.factories.assessment import allocated, assessed, drafted
from tests.factories.awards import released
from tests.factories.portfolios import fresh, submit, submitted
from tests.personas import as_, make_cast, second_cohort
from tests.worlds import kept


@kept
def coded():
    """Codes instead of learners' names."""
    return make_cast(learners=2, policy={"anonymous_marking": True})


def found(submission, *people):
    now = fresh(submission)
    all_found = conflicts_among([one.pk for one in people], [now])
    return {one.ground for each in people for one in all_found.findings(each.pk, now)}


def test_who_runs_the_employer_is_no_colleague_of_its_learners(cast):
    work = submitted(cast)
    office = Membership.objects.create(
        user=cast.ada, organisation=cast.client, role=OrganisationRole.ADMINISTRATOR
    )
    assert found(work, cast.ada) == found(work, cast.ada, cast.abe) == set()
    office.role = OrganisationRole.EMPLOYEE
    office.save()
    assert found(work, cast.ada) == {G.EMPLOYER}


def test_only_who_decided_an_attempt_that_was_referred_back_is_its_earlier_assessor(cast):
    """Neither whoever decided this one, nor whoever had the earlier one and wrote no more than a draft."""
    assert found(assessed(cast, "mere"), cast.ada) == set()
    first = allocated(cast, "lena", "abe")
    drafted(first, cast.abe, "M")
    held = Allocation.objects.get(submission=first)
    reallocate(held, cast.ada, actor=cast.pam, reason="Abe is ill.")
    drafted(first, cast.ada, "NY")
    refer(fresh(first), actor=cast.ada)
    first.portfolio.refresh_from_db()
    again = submit(first.portfolio)
    assert found(again, cast.ada) == {G.EARLIER_ASSESSOR}
    assert found(again, cast.abe) == set()


def test_whose_decision_is_read_is_who_marks_it_now(double):
    submission = allocated(double)
    allocate(submission, double.abe, actor=double.pam)
    Part.objects.create(submission=submission, person=double.moses, kind="moderator")

    def authors():
        now = fresh(submission)
        return conflicts_among([double.ed.pk], [now], reads=True).authors.get(now.pk)

    assert authors() == {double.ada.pk, double.abe.pk}
    Part.objects.filter(person=double.abe).update(ended_at=timezone.now())
    assert authors() == {double.ada.pk}


def test_two_moderators_and_those_who_left_read_nobodys_decisions_in_turn(cast):
    """Only who assesses is read: not a second moderator of the same work, nor whoever has it no more."""
    DeliveryRole.objects.create(delivery=cast.delivery, user=cast.moses, role="assessor")
    one, other = allocated(cast, "hone", "moses"), allocated(cast, "mere", "ada")
    Part.objects.create(submission=one, person=cast.ada, kind="moderator")
    Part.objects.create(submission=other, person=cast.moses, kind="moderator")

    def pairs():
        people = [cast.moses.pk, cast.ada.pk, cast.ed.pk, cast.lea.pk]
        return conflicts_among(people, [fresh(one)], reads=True).reciprocal

    both = {(cast.moses.pk, cast.ada.pk), (cast.ada.pk, cast.moses.pk)}
    assert pairs() == both
    third = allocated(cast, "lena", "abe")
    for who in (cast.ed, cast.lea):
        Part.objects.create(submission=third, person=who, kind="moderator")
    assert pairs() == both
    mine = Part.objects.filter(person=cast.moses, kind="assessor")
    mine.update(ended_at=timezone.now())
    assert pairs() == set()


def test_what_is_waived_still_weighs_as_a_warning_and_own_work_is_never_waived():
    person, learner, delivery = (UUID(int=number) for number in (1, 2, 3))
    work = Submission(learner_id=learner, delivery_id=delivery, enrolment=Enrolment())
    own = Submission(learner_id=person, delivery_id=delivery, enrolment=Enrolment())
    all_found = Conflicts(
        close={(person, learner): {G.WHANAU}},
        waived=frozenset(
            {(G.WHANAU, person, learner, delivery), (G.OWN, person, person, delivery)}
        ),
        policies={delivery: (frozenset({G.WHANAU}), frozenset())},
    )
    (waived,) = all_found.findings(person, work)
    assert (waived.is_waived, waived.blocks, waived.can_be_waived) == (True, False, False)
    assert waived.words == f"{G.WHANAU.label} (waived)"
    assert all_found.standing(person, work) == Weight.WARNS
    (mine,) = all_found.findings(person, own)
    assert (mine.is_waived, mine.blocks, mine.can_be_waived) == (False, True, False)
    assert Finding(G.WHANAU, Weight.BLOCKS).can_be_waived
    assert not Finding(G.WHANAU, Weight.WARNS).can_be_waived


# --- beside a code


def test_a_ground_is_kept_from_who_marks_here_by_codes_now(coded):
    """Not from a lead whose part has ended, lies elsewhere or is a moderator's, nor where names are shown."""
    lea, delivery = coded.lea, coded.delivery
    work = submitted(coded)
    assert rules.marks_blind(delivery, coded.ada)
    assert not rules.marks_blind(delivery, lea)
    part = Part.objects.create(submission=work, person=lea, kind="moderator")
    assert not rules.marks_blind(delivery, lea)
    part.kind = "adjudicator"
    part.save()
    assert rules.marks_blind(delivery, lea)
    assert not rules.marks_blind(second_cohort(coded).delivery, lea)
    part.ended_at = timezone.now()
    part.save()
    assert not rules.marks_blind(delivery, lea)


def test_where_names_are_shown_nothing_is_kept_from_anybody(cast):
    assert not rules.marks_blind(cast.delivery, cast.ada)


def test_who_allocates_and_never_marked_it_says_why_they_want_the_name_also_after_release(coded):
    work = released(coded)
    where = url("reveal_learner", work.pk)
    assert as_(coded.pam).post(where).status_code == 403
    assert as_(coded.ada).post(where).status_code == 200
    assert as_(coded.pam).post(where, {"reason": "She rang up."}).status_code == 200


@pytest.mark.parametrize("name", ["rita", "lena", "moses"])
def test_pages_of_marking_are_for_those_who_mark_or_run_something(cast, name):
    assert as_(cast.people[name]).get(url("queue")).status_code == 403
    assert as_(cast.ada).get(url("queue")).status_code == 200
