"""Each condition of a rule by itself: a part that ended or lies elsewhere, a decision that is too old."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.models import Membership, Organisation
from assessment import guards, rules
from assessment.actions.calibration import waive_calibration
from assessment.actions.double import open_first_decision, plan_readings
from assessment.actions.reviewing import ask_review
from assessment.conflicts import conflicts_among
from assessment.enums import Basis, Reading
from assessment.models import (
    Allocation,
    AssessmentDecision,
    CalibrationWaiver,
    Discussion,
    EarlyCheck,
    EarlyPlace,
    Exemplar,
    FeedbackReview,
)
from catalogue.models import DeliveryRole
from portfolios.models import Part, Submission
from tests.factories.assessment import allocated, assessed, decided, drafted
from tests.factories.catalogue import published_version
from tests.factories.portfolios import fresh, submitted
from tests.personas import make_cast, make_user, open_delivery
from tests.tampering import tampering
from tests.worlds import kept
from workflows.exceptions import NotPermitted

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast():
    """Two learners, a newcomer without any part, and a delivery of another micro-credential."""
    made = make_cast(learners=2)
    made.new = make_user("noor")
    version = published_version(made.provider, "other")
    made.elsewhere, _task = open_delivery(version, "other", "Elsewhere", made.client, made.people)
    made.exemplar = Exemplar(task=made.task, for_calibration=True)
    return made


def part(delivery, user, role):
    return DeliveryRole.objects.create(delivery=delivery, user=user, role=role)


# --- parts in a delivery

HELD = {
    "keeps exemplars": ("lead_moderator", lambda cast, who: rules.keeps_exemplars(cast.task, who)),
    "calibrates": ("assessor", lambda cast, who: rules.calibrates_on(cast.task, who)),
    "finds exemplars": (
        "external_moderator",
        lambda cast, who: rules.can_view_exemplar(cast.exemplar, who),
    ),
    "shares the bank": (
        "assessor",
        lambda cast, who: rules.marks_micro_credential(cast.task.version.micro_credential, who),
    ),
    "seeds": ("lead_moderator", lambda cast, who: rules.may_seed(cast.delivery, who)),
    "allocates": ("lead_moderator", lambda cast, who: rules.may_allocate(cast.delivery, who)),
    "reads early": (
        "moderator",
        lambda cast, who: rules.reads_early(EarlyCheck(delivery=cast.delivery), who),
    ),
    "answers early": (
        "assessor",
        lambda cast, who: rules.answers_early(EarlyCheck(delivery=cast.delivery), who),
    ),
}


@pytest.mark.parametrize("what", HELD)
def test_a_part_counts_where_it_is_while_it_lasts_and_for_nobody_who_has_gone(cast, what):
    role, holds = HELD[what]
    part(cast.elsewhere, cast.new, role)
    part(cast.delivery, cast.new, "ratifier")
    assert not holds(cast, cast.new)
    mine = part(cast.delivery, cast.new, role)
    assert holds(cast, cast.new)
    cast.new.is_active = False
    assert not holds(cast, cast.new)
    cast.new.is_active = True
    mine.ended_at = timezone.now()
    mine.save()
    assert not holds(cast, cast.new)


def test_only_parts_of_those_who_assess_and_moderate_lead_to_exemplars(cast):
    assert not rules.uses_exemplars(cast.new)
    part(cast.elsewhere, cast.new, "ratifier")
    assert not rules.uses_exemplars(cast.new)
    mine = part(cast.elsewhere, cast.new, "assessor")
    assert rules.uses_exemplars(cast.new)
    # What is kept for calibration is kept from those whom it measures.
    assert not rules.can_view_exemplar(cast.exemplar, cast.ada)
    DeliveryRole.objects.filter(pk=mine.pk).update(ended_at=timezone.now())
    assert not rules.uses_exemplars(cast.new)


# --- early checks and questions


def test_nobody_reads_early_who_had_a_hand_in_any_of_it(cast):
    """A marking part that has ended is one, and so is a decision that was written for the whole set."""
    done = assessed(cast)
    check = EarlyCheck.objects.create(delivery=cast.delivery, task=cast.task, size=2)
    EarlyPlace.objects.create(check_of=check, submission=done, number=1)
    for one in (cast.moses, cast.lea, cast.new):
        if one == cast.new:
            part(cast.delivery, one, "moderator")
        Part.objects.create(submission=done, person=one, kind="moderator")
        assert rules.reads_early(check, one)
    old = done.decisions.get()
    AssessmentDecision.objects.create(
        submission=done, author=cast.lea, basis=Basis.MODERATION, number=2, reason="Read again",
        reason_code="standard", manifest_hash=old.manifest_hash, rubric_hash=old.rubric_hash,
        policy_hash=old.policy_hash,
    )  # fmt: skip
    assert not rules.reads_early(check, cast.lea)
    Part.objects.filter(person=cast.moses).update(kind="assessor", ended_at=timezone.now())
    assert not rules.reads_early(check, cast.moses)
    assert rules.reads_early(check, cast.new)


def test_who_asked_or_works_on_it_finds_no_question_and_who_worked_on_it_takes_none(cast):
    work = allocated(cast)
    drafted(work, cast.ada)
    review = ask_review(work, actor=cast.ada, question="Clear?")
    part(cast.delivery, cast.new, "lead_moderator")
    part(cast.delivery, cast.ada, "lead_moderator")

    def finds(who):
        seen = FeedbackReview.objects.visible_to(who).exists()
        assert seen == rules.can_view_review(review, who)
        return seen

    assert finds(cast.new)
    assert not finds(cast.moses)
    Allocation.objects.all().delete()
    Part.objects.filter(person=cast.ada).delete()
    assert not finds(cast.ada)
    had = Part.objects.create(submission=work, person=cast.new, kind="moderator")
    assert not finds(cast.new)
    had.ended_at = timezone.now()
    had.save()
    assert finds(cast.new)
    assert not rules.may_take_review(review, cast.new)
    had.delete()
    assert rules.may_take_review(review, cast.new)
    # Nor the learner, whatever else they are.
    Part.objects.filter(person=cast.lena).delete()
    part(cast.delivery, cast.lena, "lead_moderator")
    assert finds(cast.lena)
    assert not rules.may_take_review(review, cast.lena)


# --- decisions


def test_a_revision_is_newer_than_what_it_answers(cast):
    """A reason that was there before the work came back is no answer to it."""
    row = assessed(cast)
    AssessmentDecision.objects.create(
        submission=row, author=cast.ada, number=2, manifest_hash="", rubric_hash="", policy_hash="",
        reason="C2 is met after all.", reason_code="overlooked",
    )  # fmt: skip
    row.returned_at = timezone.now() - dt.timedelta(1)
    assert guards.revised_with_reason.holds(row, cast.ada)
    row.returned_at = timezone.now() + dt.timedelta(1)
    assert not guards.revised_with_reason.holds(row, cast.ada)


def test_a_waiver_of_calibration_is_for_the_rubric_as_it_was(cast):
    cast.delivery.policy_overrides = {"marking.requires_calibration": True}
    cast.delivery.save()
    work = fresh(submitted(cast))
    assert not guards.calibrated_if_asked.holds(work, cast.ada)
    waive_calibration(cast.task, cast.ada, actor=cast.lea, reason="Known.")
    assert guards.calibrated_if_asked.holds(work, cast.ada)
    assert CalibrationWaiver.objects.current().exists()
    work.rubric.content_hash = "2" * 64
    assert not guards.calibrated_if_asked.holds(work, cast.ada)


def test_the_first_assessor_opens_no_first_decision_though_the_work_came_back(cast):
    plan_readings(cast.delivery, cast.task, actor=cast.pam, reading=Reading.OPEN)
    work = decided(allocated(cast), cast.ada)
    second = Allocation.objects.current().get(role="second_assessor").assessor
    work = decided(work, second)
    with tampering():
        Submission.objects.filter(pk=work.pk).update(
            state="in_assessment", returned_at=timezone.now(), return_note="Read it again."
        )
    work = fresh(work)
    turns = [one for one in (cast.ada, second) if rules.is_turn(work, one)]
    assert turns == [work.decisions.get(final_at__isnull=False).author] == [cast.ada]
    for one in (cast.ada, second):
        with pytest.raises(NotPermitted):
            open_first_decision(work, actor=one)


def test_a_discussion_is_read_by_who_allocates_once_the_work_is_moderated(cast):
    done = assessed(cast)
    first = done.decisions.get()
    other = AssessmentDecision.objects.create(
        submission=done, author=cast.abe, basis="second_assessment", number=2,
        manifest_hash=first.manifest_hash, rubric_hash=first.rubric_hash,
        policy_hash=first.policy_hash, outcome="achieved", sealed_at=timezone.now(),
    )  # fmt: skip
    talk = Discussion.objects.create(
        submission=done, first=first, second=other, due_at=timezone.now()
    )

    def readers(state):
        vars(talk.submission)["state"] = state
        return {name for name, one in cast.people.items() if rules.may_read_discussion(talk, one)}

    for state in ("in_assessment", "in_adjudication", "assessed", "in_moderation", "referred"):
        assert readers(state) == {"ada", "abe"}, state
    for state in ("moderated", "ratified", "released", "under_reconsideration"):
        assert readers(state) == {"ada", "abe", "pam", "lea"}, state


# --- closeness


def test_only_employees_of_the_same_client_are_colleagues(cast):
    work = submitted(cast)
    work.enrolment.employer = None
    work.enrolment.save()
    school = Organisation.objects.create(
        code="school", name="School", kind=OrganisationKind.PROVIDER
    )
    for organisation, roles in (
        (school, (OrganisationRole.EMPLOYEE, OrganisationRole.EMPLOYEE)),
        (cast.client, (OrganisationRole.AUTHOR, OrganisationRole.EMPLOYEE)),
        (cast.client, (OrganisationRole.EMPLOYEE, OrganisationRole.AUTHOR)),
    ):
        Membership.objects.all().filter(user__in=[cast.ada, cast.lena]).delete()
        for person, role in zip((cast.ada, cast.lena), roles, strict=True):
            Membership.objects.create(user=person, organisation=organisation, role=role)
        for people in ([cast.ada.pk], [cast.ada.pk, cast.abe.pk]):
            found = conflicts_among(people, [fresh(work)])
            assert found.findings(cast.ada.pk, fresh(work)) == []


def test_the_learners_own_employer_counts_for_its_employees_alone(cast):
    work = fresh(submitted(cast))
    for role, blocks in ((OrganisationRole.AUTHOR, False), (OrganisationRole.EMPLOYEE, True)):
        Membership.objects.create(user=cast.ada, organisation=cast.client, role=role)
        assert conflicts_among([cast.ada.pk], [work]).blocks(cast.ada.pk, work) is blocks
