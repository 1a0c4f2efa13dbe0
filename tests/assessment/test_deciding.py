"""Verdicts: recording, referring, double marking, adjudication, revision, later versions."""

import pytest

from assessment.actions.allocation import allocate
from assessment.actions.deciding import record_decision, write_new_version, write_new_versions
from assessment.actions.marking import begin_draft, look_again, save_draft, start_assessment
from assessment.definitions import Judged, Marks
from assessment.enums import AllocationRole, Basis, Outcome
from assessment.exceptions import SealedDecisionChanged
from assessment.models import Allocation, AssessmentDecision, Lease
from assessment.selectors import result_for
from catalogue.models import Grade, GradeScheme, Level
from portfolios.enums import PartKind
from portfolios.enums import SubmissionState as S
from portfolios.models import Part, Submission
from tests.factories.assessment import (
    allocated,
    assessed,
    decided,
    drafted,
    marks,
    opened,
    referred,
)
from tests.factories.portfolios import submit
from tests.personas import make_cast
from tests.tampering import tampering
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState, StaleVersion
from workflows.models import Deadline, TransitionRecord

SECOND, ADJUDICATOR = AllocationRole.SECOND_ASSESSOR, AllocationRole.ADJUDICATOR


def holder(submission, role):
    return Allocation.objects.current().get(submission=submission, role=role).assessor


def test_a_single_decision_is_final_at_once(cast):
    submission = assessed(cast)
    decision = submission.decisions.get()
    assert submission.state == S.ASSESSED
    assert (decision.outcome, decision.grade.code) == (Outcome.ACHIEVED, "A")
    assert decision.final_at == decision.sealed_at is not None
    assert decision.manifest_hash == submission.fingerprint
    assert decision.rubric_hash == submission.rubric.content_hash
    assert not Lease.objects.exists()
    assert not Deadline.objects.of(submission).open().exists()
    record = TransitionRecord.objects.of(submission).get(name="record_decision")
    assert record.facts["decisions"] == [{"id": str(decision.pk), "number": 1}]


def test_not_achieved_is_a_decision_too(cast):
    decision = assessed(cast, levels=["NY", "M", "M"]).decisions.get()
    assert (decision.outcome, decision.grade.code) == (Outcome.NOT_ACHIEVED, "N")


def test_a_sealed_decision_is_not_written_to(cast):
    decision = assessed(cast).decisions.get()
    decision.feedback = "Changed."
    with pytest.raises(SealedDecisionChanged):
        decision.save()
    with pytest.raises(SealedDecisionChanged):
        decision.save(update_fields=["feedback", "final_at"])
    draft = AssessmentDecision.objects.create(
        submission=decision.submission, author=cast.abe, number=2,
        manifest_hash="", rubric_hash="", policy_hash="",
    )  # fmt: skip
    draft.feedback = "Drafts change."
    draft.save()


# -- referral ---------------------------------------------------------------------------------------


def test_a_referral_opens_the_next_attempt_for_what_is_unmet(cast):
    submission = referred(cast, levels={"C1": "NY", "C2": "M", "C3": "M"})
    portfolio = submission.portfolio
    portfolio.refresh_from_db()
    assert submission.state == S.REFERRED
    assert portfolio.attempt == 2
    assert {one.code for one in portfolio.met_criteria.all()} == {"C2", "C3"}
    assert [one.code for one in portfolio.open_criteria()] == ["C1"]
    decision = submission.decisions.get()
    assert decision.sealed_at is not None
    assert (decision.final_at, decision.outcome) == (None, "")
    assert result_for(submission) is None


def test_met_criteria_are_carried_over_and_locked(cast):
    first = referred(cast, levels={"C1": "NY", "C2": "G", "C3": "M"})
    first.portfolio.refresh_from_db()
    again = submit(first.portfolio)
    allocate(again, cast.abe, actor=cast.pam)
    draft = opened(again, cast.abe)
    carried = {
        one.criterion.code: (one.carried_over, one.level.code if one.level else None)
        for one in draft.judgements.select_related("criterion", "level")
    }
    assert carried == {"C1": (False, None), "C2": (True, "G"), "C3": (True, "M")}
    save_draft(again.pk, actor=cast.abe, marks=marks(again, "NY"), seen_version=draft.version)
    assert draft.judgements.get(criterion__code="C2").level.code == "G"
    draft.refresh_from_db()
    save_draft(again.pk, actor=cast.abe, marks=marks(again, "M"), seen_version=draft.version)
    record_decision(again, actor=cast.abe)
    assert again.decisions.get().outcome == Outcome.ACHIEVED


# -- double marking ---------------------------------------------------------------------------------


def test_the_second_assessor_is_asked_when_the_first_seals(double):
    submission = decided(allocated(double), double.ada)
    assert submission.state == S.IN_ASSESSMENT
    second = holder(submission, SECOND)
    assert second not in (double.ada, double.lena)
    assert submission.decisions.get().final_at is None
    with pytest.raises(StaleState):
        record_decision(submission, actor=double.ada)
    with pytest.raises(NotPermitted):
        start_assessment(submission, actor=double.ada)


@pytest.mark.parametrize(
    ("first", "second", "state", "final"),
    [
        ("MMM", "MMM", S.ASSESSED, 1),
        ("MMM", "GMM", S.ASSESSED, 2),
        ("GGG", "MMM", S.ASSESSED, 1),
        ("MMM", "EMM", S.IN_ADJUDICATION, None),
        ("MMM", ["NY", "M", "M"], S.IN_ADJUDICATION, None),
        (["NY", "NY", "M"], ["NY", "M", "M"], S.ASSESSED, 2),
        (["NY", "M", "M"], ["NY", "M", "E"], S.IN_ADJUDICATION, None),
    ],
)
def test_tolerance(double, first, second, state, final):
    submission = decided(allocated(double), double.ada, list(first))
    done = decided(submission, holder(submission, SECOND), list(second))
    assert done.state == state
    result = result_for(done)
    assert (result.number if result else None) == final
    assert done.decisions.sealed().count() == 2


def test_the_tolerance_is_the_policys(double):
    double.delivery.policy_overrides |= {"double.max_level_difference": 2}
    double.delivery.save()
    submission = decided(allocated(double), double.ada, "M")
    assert decided(submission, holder(submission, SECOND), "E").state == S.ASSESSED


def test_the_adjudicator_is_neither_and_decides(double):
    submission = decided(allocated(double), double.ada, "M")
    second = holder(submission, SECOND)
    submission = decided(submission, second, "NY")
    adjudicator = holder(submission, ADJUDICATOR)
    assert adjudicator not in (double.ada, second, double.lena)
    done = decided(submission, adjudicator, "G")
    result = result_for(done)
    assert (done.state, result.author, result.basis) == (
        S.ASSESSED,
        adjudicator,
        Basis.ADJUDICATION,
    )
    assert done.decisions.sealed().count() == 3
    assert done.decisions.final().count() == 1


def test_without_an_eligible_second_the_work_waits_in_the_pool(double):
    from assessment.querysets import unallocated
    from workflows.models import Notification

    double.delivery.roles.filter(user__in=[double.abe, double.ana], role="assessor").delete()
    submission = decided(allocated(double), double.ada)
    assert not Allocation.objects.filter(role=SECOND).exists()
    assert unallocated(Submission.objects.all()).get() == submission
    told = Notification.objects.filter(topic="assessment.nobody_eligible")
    assert [one.recipient.name for one in told if one.recipient == double.pam] == ["Pam Programme"]


# -- drafts -----------------------------------------------------------------------------------------


def test_a_draft_is_refused_when_another_page_saved_first(cast):
    submission = allocated(cast)
    draft = opened(submission, cast.ada)
    save_draft(submission.pk, actor=cast.ada, marks=marks(submission), seen_version=1)
    with pytest.raises(StaleVersion) as caught:
        save_draft(submission.pk, actor=cast.ada, marks=marks(submission, "NY"), seen_version=1)
    assert caught.value.theirs == draft
    assert draft.judgements.filter(level__code="M").count() == 3


def test_a_level_of_another_criterion_is_not_taken(cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    other = Level.objects.get(criterion__code="C2", code="M")
    said = Marks({1: Judged(level=other.pk, feedback="?")})
    draft = save_draft(submission.pk, actor=cast.ada, marks=said, seen_version=1)
    assert draft.judgements.get(criterion__code="C1").level is None


def test_words_are_kept_in_nfc_with_macrons(cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    said = Marks({1: Judged(feedback="Ka\u0304ore\r\nano\u0304")}, feedback="Te\u0304na\u0304")
    draft = save_draft(submission.pk, actor=cast.ada, marks=said, seen_version=1)
    assert draft.feedback == "Tēnā"
    assert draft.judgements.get(criterion__code="C1").feedback == "Kāore\nanō"


def test_pointers_name_pinned_evidence(cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    said = Marks({1: Judged(pointers=[1, 2, 99]), 2: Judged(pointers=None)})
    draft = save_draft(submission.pk, actor=cast.ada, marks=said, seen_version=1)
    pointed = draft.judgements.get(criterion__code="C1").pointers
    assert sorted(pointed.values_list("number", flat=True)) == [1, 2]
    less = Marks({1: Judged(pointers=[2]), 2: Judged(pointers=None)})
    save_draft(submission.pk, actor=cast.ada, marks=less, seen_version=2)
    assert list(pointed.values_list("number", flat=True)) == [2]


def test_who_lost_the_part_writes_no_more(cast):
    submission = allocated(cast)
    opened(submission, cast.ada)
    from django.utils import timezone

    Part.objects.filter(person=cast.ada).update(ended_at=timezone.now())
    with pytest.raises(NotPermitted):
        save_draft(submission.pk, actor=cast.ada, marks=marks(submission), seen_version=1)


def test_an_old_verdict_is_refused(cast):
    submission = allocated(cast)
    draft = drafted(submission, cast.ada)
    with pytest.raises(StaleVersion):
        record_decision(submission, actor=cast.ada, seen_version=draft.version - 1)


def test_looking_again_binds_the_draft_anew(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    with tampering():
        AssessmentDecision.objects.update(rubric_hash="e" * 64)
    with pytest.raises(GuardsNotMet):
        record_decision(submission, actor=cast.ada)
    look_again(submission, actor=cast.ada)
    assert record_decision(submission, actor=cast.ada).state == S.ASSESSED


def test_a_draft_left_behind_takes_the_basis_of_the_new_part(double):
    submission = allocated(double, assessor="abe")
    draft = opened(submission, double.abe)
    Part.objects.filter(person=double.abe).update(kind=PartKind.SECOND_ASSESSOR)
    assert begin_draft(submission, double.abe).basis == Basis.SECOND_ASSESSMENT
    draft.refresh_from_db()
    assert draft.basis == Basis.SECOND_ASSESSMENT


# -- revision, later versions -----------------------------------------------------------------------


def test_later_versions_add_and_recompute(cast):
    submission = assessed(cast)
    first = result_for(submission)
    c1 = submission.rubric.criteria.get(code="C1")
    made = write_new_version(
        submission,
        actor=cast.lea,
        basis=Basis.MODERATION,
        reason="Criterion 1 read one level lower.",
        levels={c1.pk: c1.levels.get(code="NY").pk},
        approved_by=cast.moses,
    )
    assert (made.number, made.outcome, made.grade.code) == (2, Outcome.NOT_ACHIEVED, "N")
    assert made.author == cast.lea
    assert made.approved_by == cast.moses
    assert made.judgements.count() == 3
    assert made.judgements.get(criterion=c1).feedback.startswith("On C1")
    assert result_for(submission) == made
    first.refresh_from_db()
    assert first.outcome == Outcome.ACHIEVED
    assert Submission.objects.get(pk=submission.pk).state == S.ASSESSED


def test_later_versions_refuse_nonsense(cast):
    submission = assessed(cast)
    c1, c2 = submission.rubric.criteria.filter(code__in=["C1", "C2"]).order_by("number")
    given = {"actor": cast.lea, "basis": Basis.MODERATION, "reason": "Why."}
    with pytest.raises(ValueError, match="reason"):
        write_new_version(submission, **{**given, "reason": " "}, levels={})
    with pytest.raises(ValueError, match="basis"):
        write_new_version(submission, **{**given, "basis": Basis.ASSESSMENT}, levels={})
    with pytest.raises(ValueError, match="no level of"):
        write_new_version(submission, **given, levels={c1.pk: c2.levels.first().pk})
    with pytest.raises(StaleState):
        write_new_version(allocated(cast, "hone"), **given, levels={})


def test_later_versions_point_to_the_same_evidence(cast):
    submission = allocated(cast)
    draft = drafted(submission, cast.ada)
    said = marks(submission)
    pointed = {
        number: Judged(one.level, one.feedback, "", [2]) for number, one in said.criteria.items()
    }
    save_draft(submission.pk, actor=cast.ada, marks=Marks(pointed), seen_version=draft.version)
    record_decision(submission, actor=cast.ada)
    made = write_new_version(
        submission, actor=cast.lea, basis=Basis.CORRECTION, reason="A slip.", levels={}
    )
    for one in made.judgements.all():
        assert list(one.pointers.values_list("number", flat=True)) == [2]


def test_many_later_versions_take_no_more_statements(cast, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    done = [assessed(cast, name) for name in ("lena", "hone", "mere")]
    given = {"actor": cast.lea, "basis": Basis.MODERATION, "reason": "Why."}
    with CaptureQueriesContext(connection) as one:
        write_new_versions({done[0].pk: {}}, **given)
    with CaptureQueriesContext(connection) as three:
        write_new_versions({each.pk: {} for each in done}, **given)
    assert len(three) == len(one)


@pytest.mark.parametrize(
    ("kind", "bands", "levels", "grade", "percent"),
    [
        ("merit", [("N", 0, False), ("A", 1, True), ("M", 2, True), ("E", 3, True)],
         ["G", "G", "NY"], "M", None),
        ("letters", [("D", 0, False, 0), ("C", 1, True, 50), ("B", 2, True, 70), ("A", 3, True, 85)],
         ["G", "G", "M"], "B", "70.00"),
    ],
)  # fmt: skip
def test_merit_and_letters_reach_the_recorded_decision(db, kind, bands, levels, grade, percent):
    # The factory takes the scheme that it finds under this code; a published one is frozen.
    scheme = GradeScheme.objects.create(code="achieved", name=kind, kind=kind)
    for code, rank, is_pass, *least in bands:
        Grade.objects.create(
            scheme=scheme, code=code, label=code, rank=rank, is_pass=is_pass,
            min_percent=least[0] if least else None,
        )  # fmt: skip
    decision = assessed(make_cast(), levels=levels).decisions.get()
    assert decision.grade.code == grade
    assert (str(decision.percent) if decision.percent is not None else None) == percent
