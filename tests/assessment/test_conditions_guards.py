"""Conditions of guards and rules that other refusals cover on the way: each is asked here by itself."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.models import Membership, Organisation
from assessment import guards, rules
from assessment.actions.allocation import allocate
from assessment.actions.discussing import say
from assessment.enums import Basis, Stand
from assessment.models import (
    AssessmentDecision,
    CalibrationAttempt,
    ConflictWaiver,
    CriterionJudgement,
    Discussion,
    EarlyCheck,
    EarlyPlace,
    Lease,
)
from catalogue.models import DeliveryRole
from portfolios.models import Part, Submission
from tests.factories.assessment import allocated, assessed, decided, drafted, opened
from tests.factories.portfolios import fresh, submitted
from tests.personas import make_cast, make_user, second_cohort
from tests.tampering import tampering
from tests.worlds import kept


@kept
def pair():
    """Ada and Abe may mark Lena's work twice, blind to each other, and talk where they differ."""
    made = make_cast(learners=2, policy={"marking.double": True, "double.discussion": True})
    made.work = allocated(made)
    allocate(made.work, made.abe, actor=made.pam)
    return made


def written(submission, author, **values):
    """A decision that is changed as nobody can, so that one condition alone decides."""
    found = AssessmentDecision.objects.filter(submission=submission, author=author)
    with tampering():
        found.update(**values)
    return found.order_by("-number").first()


# --- whose decision, and which -----------------------------------------------------------------------------


def test_each_is_asked_about_their_own_newest_decision(pair):
    drafted(pair.work, pair.ada)
    opened(pair.work, pair.abe)
    work = fresh(pair.work)
    assert guards.latest_of(work, pair.ada).author == pair.ada
    assert guards.every_criterion_judged.holds(work, pair.ada)
    assert not guards.every_criterion_judged.holds(work, pair.abe)


def test_whoever_has_written_nothing_has_judged_nothing(pair):
    for one in (guards.every_criterion_judged, guards.feedback_on_each_not_yet):
        assert not one.holds(pair.work, pair.ada)


def test_a_draft_is_neither_of_the_two(pair):
    decided(pair.work, pair.ada, "E")
    drafted(pair.work, pair.abe, "NY")
    first, second = guards.sealed_pair(fresh(pair.work))
    assert (first.author, second) == (pair.ada, None)


def test_words_are_asked_of_what_is_not_met_alone(cast):
    work = allocated(cast)
    drafted(work, cast.ada, ["NY", "M", "M"])
    judged = CriterionJudgement.objects.filter(decision__submission=work)
    judged.filter(level__is_met=True).update(feedback="")
    assert guards.feedback_on_each_not_yet.holds(work, cast.ada)
    judged.filter(level__is_met=False).update(feedback=" ")
    assert not guards.feedback_on_each_not_yet.holds(work, cast.ada)


def test_a_revision_has_words_beside_its_code(cast):
    work = assessed(cast)
    work.returned_at = timezone.now() - dt.timedelta(hours=1)
    later = {"created_at": timezone.now(), "reason_code": "reading"}
    for words, holds in (("Page 4.", True), (" ", False)):
        written(work, cast.ada, reason=words, **later)
        assert guards.revised_with_reason.holds(work, cast.ada) is holds
    written(work, cast.ada, reason="Page 4.", **later | {"reason_code": ""})
    assert not guards.revised_with_reason.holds(work, cast.ada)


def test_work_is_decided_by_its_own_decision(cast):
    done, open_work = assessed(cast), allocated(cast, "hone")
    assert guards.finally_decided.holds(done)
    assert not guards.finally_decided.holds(open_work)
    both = Submission.objects.filter(pk__in=[done.pk, open_work.pk])
    assert guards.finally_decided.failing(both) == {open_work.pk}
    other = assessed(cast, "mere")
    both = Submission.objects.filter(pk__in=[done.pk, other.pk])
    assert guards.finally_decided.failing(both) == set()


# --- two readings ----------------------------------------------------------------------------------------------


def test_an_adjudication_counts_once_it_is_sealed(pair):
    decided(pair.work, pair.ada)
    assert guards.is_double_marked(pair.work)
    found = written(pair.work, pair.ada, basis=Basis.ADJUDICATION, sealed_at=None)
    assert guards.is_double_marked(pair.work)
    written(pair.work, found.author, sealed_at=timezone.now())
    assert not guards.is_double_marked(pair.work)


def test_whoever_has_only_a_draft_is_neither_of_the_two_assessors(pair):
    drafted(pair.work, pair.ada)
    assert guards.adjudicator_is_neither.holds(pair.work, pair.ada)
    decided(pair.work, pair.abe)
    assert not guards.adjudicator_is_neither.holds(pair.work, pair.abe)


def test_what_they_agreed_is_about_these_two_decisions_and_no_later_ones(pair):
    decided(pair.work, pair.ada, "E")
    decided(pair.work, pair.abe, "NY")
    work, talk = fresh(pair.work), Discussion.objects.get()
    one, other = guards.sealed_pair(work)
    assert guards.decisions_differ.holds(work)
    say(talk, actor=pair.ada, rationale="Page 4.", stand=Stand.MINE)
    say(talk, actor=pair.abe, rationale="Page 4.", stand=Stand.OTHERS)
    assert guards.settled(work, one, other)
    assert not guards.settled(work, other, other)
    assert not guards.settled(work, one, one)
    assert not guards.decisions_differ.holds(work)


def test_only_two_that_are_asked_for_and_too_far_apart_differ(pair):
    decided(pair.work, pair.ada)
    assert not guards.decisions_differ.holds(fresh(pair.work))
    decided(pair.work, pair.abe)
    assert not guards.decisions_differ.holds(fresh(pair.work))
    written(pair.work, pair.abe, outcome="not_achieved")
    assert guards.decisions_differ.holds(fresh(pair.work))
    pair.delivery.policy_overrides = {"marking.double": False}
    pair.delivery.save()
    assert not guards.decisions_differ.holds(fresh(pair.work))


def test_what_another_sealed_is_not_undone_but_ones_own_is_in_hand(pair):
    decided(pair.work, pair.ada)
    drafted(pair.work, pair.abe)
    work = fresh(pair.work)
    assert guards.nothing_sealed.holds(work, pair.ada)
    assert not guards.nothing_sealed.holds(work, pair.abe)
    assert not guards.nothing_sealed.holds(work, pair.lea)


def test_a_draft_with_an_outcome_is_not_sealed(pair):
    drafted(pair.work, pair.ada)
    drafted(pair.work, pair.abe)
    written(pair.work, pair.ada, outcome="achieved")
    assert guards.nothing_sealed.holds(fresh(pair.work), pair.abe)


def test_two_who_do_not_mark_blind_wait_for_each_other(pair):
    drafted(pair.work, pair.ada)
    Lease.objects.update(holder=pair.ada, until=timezone.now() + dt.timedelta(minutes=10))
    assert guards.lease_free.holds(fresh(pair.work), pair.abe)
    pair.delivery.policy_overrides = {"marking.double": False}
    pair.delivery.save()
    assert not guards.lease_free.holds(fresh(pair.work), pair.abe)


# --- before marking begins -------------------------------------------------------------------------------------


def test_a_calibration_that_was_not_passed_opens_nothing(cast):
    cast.delivery.policy_overrides = {"marking.requires_calibration": True}
    cast.delivery.save()
    work = allocated(cast)
    for passed in (False, True):
        CalibrationAttempt.objects.create(
            assessor=cast.ada, task=cast.task, rubric_hash=work.rubric.content_hash, passed=passed,
            concluded_at=timezone.now(), valid_until=timezone.now() + dt.timedelta(days=9),
        )  # fmt: skip
        assert guards.calibrated_if_asked.holds(fresh(work), cast.ada) is passed


def test_work_keeps_its_place_among_the_first_though_all_are_taken(cast):
    work, other = submitted(cast), submitted(cast, "hone")
    check = EarlyCheck.objects.create(delivery=cast.delivery, task=cast.task, size=1)
    assert guards.place_in_early_check.holds(other)
    EarlyPlace.objects.create(check_of=check, submission=work, number=1)
    assert guards.place_in_early_check.holds(work)
    assert not guards.place_in_early_check.holds(other)


# --- who may ---------------------------------------------------------------------------------------------------


@pytest.fixture
def returned(pair):
    """Lea adjudicated what the moderator has returned."""
    decided(pair.work, pair.ada)
    Part.objects.create(submission=pair.work, person=pair.lea, kind="adjudicator")
    with tampering():
        AssessmentDecision.objects.update(author=pair.lea, basis=Basis.ADJUDICATION)
        Submission.objects.filter(pk=pair.work.pk).update(returned_at=timezone.now())
    return pair


def may_record(cast):
    return rules.may_record(fresh(cast.work), cast.lea)


def test_an_adjudicator_records_what_came_back(returned):
    assert may_record(returned)


@pytest.mark.parametrize("lacks", ["return", "part", "own", "adjudication"])
def test_an_adjudicator_records_nothing_without(returned, lacks):
    with tampering():
        match lacks:
            case "return":
                Submission.objects.filter(pk=returned.work.pk).update(returned_at=None)
            case "part":
                Part.objects.filter(kind="adjudicator").update(ended_at=timezone.now())
            case "own":
                AssessmentDecision.objects.update(author=returned.rob)
            case "adjudication":
                AssessmentDecision.objects.update(basis=Basis.ASSESSMENT)
    assert not may_record(returned)


def test_marking_is_for_who_has_an_office_or_work_now(cast):
    person = make_user("tui")
    assert not rules.works_here(person)
    firm = Organisation.objects.create(code="firm", name="Firm", kind=OrganisationKind.PROVIDER)
    held = Membership.objects.create(user=person, organisation=firm, role=OrganisationRole.EMPLOYEE)
    assert not rules.works_here(person)
    held.role = OrganisationRole.ADMINISTRATOR
    held.save()
    assert rules.works_here(person)
    held.delete()
    part = Part.objects.create(submission=submitted(cast), person=person, kind="assessor")
    assert rules.works_here(person)
    Part.objects.filter(pk=part.pk).update(ended_at=timezone.now())
    assert not rules.works_here(person)


def test_a_closed_account_has_no_marking_no_exemplars_and_no_calibration(cast):
    attempt = CalibrationAttempt.objects.create(
        assessor=cast.ada, task=cast.task, rubric_hash=cast.task.rubric.content_hash
    )
    assert rules.works_here(cast.ada)
    assert rules.uses_exemplars(cast.ada)
    assert rules.can_view_calibration(attempt, cast.ada)
    cast.ada.is_active = False
    cast.ada.save()
    assert not rules.works_here(cast.ada)
    assert not rules.uses_exemplars(cast.ada)
    assert not rules.can_view_calibration(attempt, cast.ada)


def test_a_waiver_is_signed_by_somebody_who_allocates(cast):
    waiver = ConflictWaiver(
        delivery=cast.delivery, person=cast.ada, learner=cast.lena, asked_by=cast.pam
    )
    assert rules.may_sign_waiver(waiver, cast.lea)
    for name in ("pam", "ada", "abe", "moses", "rita"):
        assert not rules.may_sign_waiver(waiver, cast.people[name])


def test_whoever_has_not_written_asks_nobody_about_feedback(pair):
    drafted(pair.work, pair.ada)
    assert rules.may_ask_review(fresh(pair.work), pair.ada)
    assert not rules.may_ask_review(fresh(pair.work), pair.abe)


def test_another_learner_never_learns_who_assessed(cast):
    work = submitted(cast)
    with tampering():
        Submission.objects.filter(pk=work.pk).update(state="released")
    work = fresh(work)
    assert rules.may_reveal_assessor(work, cast.lena)
    for name in ("hone", "abe", "lea", "pam"):
        assert not rules.may_reveal_assessor(work, cast.people[name])


def test_blind_marking_of_one_delivery_hides_nothing_in_another(cast):
    """That Ada marks work of one cohort keeps no grounds of the other from her."""
    evening = second_cohort(cast, "hone").delivery
    for one in (cast.delivery, evening):
        one.policy_overrides = {"anonymous_marking": True}
        one.save()
    DeliveryRole.objects.filter(user=cast.ada).delete()
    work = submitted(cast)
    part = Part.objects.create(submission=work, person=cast.ada, kind="assessor")
    assert rules.marks_blind(cast.delivery, cast.ada)
    assert not rules.marks_blind(evening, cast.ada)
    Part.objects.filter(pk=part.pk).update(ended_at=timezone.now())
    assert not rules.marks_blind(cast.delivery, cast.ada)
