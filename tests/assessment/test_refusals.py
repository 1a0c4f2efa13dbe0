"""What marking refuses besides its steps: each refusal here was once taken out without any other test noticing."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.enums import ConflictGround, ConflictKind
from accounts.models import DeclaredConflict
from assessment.actions.allocation import allocate, end_allocation, hand_back
from assessment.actions.commenting import mark_comment, write_comment
from assessment.actions.conflicts import ask_for_waiver, declare_conflict
from assessment.actions.deciding import record_decision, refer
from assessment.actions.discussing import say
from assessment.actions.double import open_first_decision
from assessment.actions.early import ask_for_early_changes, begin_reading, record_reading
from assessment.actions.marking import (
    raise_concern,
    renew_lease,
    start_assessment,
    take_over,
)
from assessment.actions.offline import from_data
from assessment.actions.reviewing import ask_review, take_review
from assessment.actions.sharing import pin_learner
from assessment.definitions import Remark
from assessment.enums import Deed, Reading, Stand
from assessment.models import (
    Allocation,
    AssessmentDecision,
    Discussion,
    EarlyCheck,
    EarlyPlace,
    EvidenceComment,
    Lease,
    ReadingPlan,
)
from portfolios.models import Part, Submission
from tests.factories.assessment import allocated, assessed, drafted, opened
from tests.personas import make_cast
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast():
    """Ada has Lena's work, and has decided Hōne's."""
    made = make_cast(learners=2)
    made.work = allocated(made)
    made.done = assessed(made, "hone")
    return made


def close(cast, person):
    DeclaredConflict.objects.create(
        person=cast.people[person], other=cast.lena, kind=ConflictKind.WHANAU, declared_by=cast.pam
    )


def make_double(cast):
    """Abe marks Lena's work as well, and neither knows of the other."""
    cast.delivery.policy_overrides = {"marking.double": True}
    cast.delivery.save()
    Submission.objects.filter(pk=cast.work.pk).update(double_blind=True)
    cast.work.refresh_from_db()
    allocate(Submission.objects.get(pk=cast.work.pk), cast.abe, actor=cast.pam)


# --- comments


def test_nobody_marks_a_comment_of_the_other_assessor(cast):
    make_double(cast)
    opened(cast.work, cast.ada)
    opened(cast.work, cast.abe)
    remark = Remark(body="Look here.")
    made = write_comment(cast.work.pk, actor=cast.ada, evidence=1, remark=remark)
    with pytest.raises(NotPermitted):
        mark_comment(made, actor=cast.abe, deed=Deed.REMOVED)
    mark_comment(made, actor=cast.ada, deed=Deed.REMOVED)


def test_a_comment_is_not_changed_by_a_word_that_is_no_deed(cast):
    opened(cast.work, cast.ada)
    remark = Remark(body="Look here.")
    made = write_comment(cast.work.pk, actor=cast.ada, evidence=1, remark=remark)
    with pytest.raises(ValueError, match="written"):
        mark_comment(made, actor=cast.ada, deed=Deed.WRITTEN)
    page = Client()
    page.force_login(cast.ada)
    where = reverse("assessment:mark_comment", args=[cast.work.pk, made.pk])
    assert page.post(where, {"deed": "mended"}).status_code == 404
    assert EvidenceComment.objects.get().entries.count() == 1


# --- conflicts and pins


def test_a_conflict_is_between_somebody_who_works_and_somebody_who_learns_here(cast):
    for person, learner in ((cast.olga, cast.lena), (cast.ada, cast.olga), (cast.ada, cast.ada)):
        with pytest.raises(NotPermitted):
            declare_conflict(cast.delivery, person, learner, actor=cast.pam, kind="whanau")
    declare_conflict(cast.delivery, cast.ada, cast.lena, actor=cast.pam, kind="whanau")


def test_a_waiver_says_why(cast):
    close(cast, "abe")
    given = {"actor": cast.pam, "ground": ConflictGround.WHANAU}
    with pytest.raises(ValueError, match="reason"):
        ask_for_waiver(cast.work, cast.abe, **given, reason="  ")
    ask_for_waiver(cast.work, cast.abe, **given, reason="Nobody else is there.")


def test_only_learners_of_the_delivery_are_pinned(cast):
    with pytest.raises(NotPermitted):
        pin_learner(cast.delivery, cast.olga, cast.ada, actor=cast.pam)
    pin_learner(cast.delivery, cast.lena, cast.ada, actor=cast.pam)


# --- verdicts


@pytest.mark.parametrize("verdict", [record_decision, refer])
def test_no_verdict_on_work_that_somebody_took_over(cast, verdict):
    drafted(cast.work, cast.ada, "NY")
    take_over(cast.work, actor=cast.lea)
    with pytest.raises(StaleState):
        verdict(cast.work, actor=cast.ada)
    Lease.objects.all().delete()
    verdict(cast.work, actor=cast.ada)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("verdict", [record_decision, refer])
def test_no_verdict_on_work_that_is_not_open(cast, verdict, double):
    """A draft is left of an earlier turn, and the learner may still take the work back."""
    if double:
        make_double(cast)
    drafted(cast.work, cast.ada, "NY")
    hand_back(cast.work, actor=cast.ada)
    work = Submission.objects.get(pk=cast.work.pk)
    allocate(work, cast.ada, actor=cast.pam)
    with pytest.raises(StaleState):
        verdict(work, actor=cast.ada)
    assert not work.decisions.filter(sealed_at__isnull=False).exists()
    start_assessment(work, actor=cast.ada)
    verdict(work, actor=cast.ada)


def test_of_two_neither_refers_what_is_not_ready_to_be_referred(cast):
    make_double(cast)
    drafted(cast.work, cast.ada, "M")
    with pytest.raises(GuardsNotMet) as refused:
        refer(cast.work, actor=cast.ada)
    assert refused.value.codes == ["nothing_to_refer"]


def test_work_that_moved_already_asks_the_same_of_whoever_opens_it(cast):
    make_double(cast)
    opened(cast.work, cast.ada)
    close(cast, "abe")
    with pytest.raises(GuardsNotMet) as refused:
        start_assessment(cast.work, actor=cast.abe)
    assert refused.value.codes == ["not_independent"]


def test_only_whose_turn_it_is_raises_a_concern(cast):
    opened(cast.work, cast.ada)
    for name in ("abe", "pam", "lena"):
        with pytest.raises(NotPermitted):
            raise_concern(cast.work, actor=cast.people[name], concern="Copied.")
    raise_concern(cast.work, actor=cast.ada, concern="Copied.")


def test_only_whose_turn_it_is_keeps_the_workspace_open(cast):
    opened(cast.work, cast.ada)
    Lease.objects.all().delete()
    for name in ("abe", "pam", "lena"):
        with pytest.raises(NotPermitted):
            renew_lease(cast.work, actor=cast.people[name])
    renew_lease(cast.work, actor=cast.ada)


def test_what_is_decided_is_not_started_again(cast):
    with pytest.raises(StaleState):
        start_assessment(cast.done, actor=cast.ada)


def test_an_allocation_ends_once(cast):
    mine = Allocation.objects.get(submission=cast.work)
    end_allocation(mine, actor=cast.pam, reason="Leave")
    with pytest.raises(StaleState):
        end_allocation(mine, actor=cast.pam, reason="Leave")


@pytest.mark.parametrize("kept_as", [{"rows": {}, "texts": {}}, {"rows": [], "texts": []}])
def test_a_preview_of_offline_marks_that_is_no_preview_is_refused(kept_as):
    with pytest.raises(TypeError):
        from_data(kept_as)


def test_whoever_takes_a_stand_says_why(cast):
    first = AssessmentDecision.objects.get(submission=cast.done)
    other = AssessmentDecision.objects.create(
        submission=cast.done, author=cast.abe, basis="second_assessment", number=2,
        manifest_hash=first.manifest_hash, rubric_hash=first.rubric_hash,
        policy_hash=first.policy_hash, outcome="achieved", sealed_at=timezone.now(),
    )  # fmt: skip
    talk = Discussion.objects.create(
        submission=cast.done, first=first, second=other, due_at=timezone.now()
    )
    with pytest.raises(ValueError, match="why"):
        say(talk, actor=cast.ada, rationale=" ", stand=Stand.MINE)
    say(talk, actor=cast.ada, rationale="Page 2 shows it.", stand=Stand.MINE)


def test_there_is_no_first_decision_to_read_before_it_is_sealed(cast):
    ReadingPlan.objects.create(
        delivery=cast.delivery, task=cast.task, reading=Reading.OPEN, set_by=cast.pam
    )
    opened(cast.work, cast.ada)
    work = Submission.objects.get(pk=cast.work.pk)
    Part.objects.create(submission=work, person=cast.abe, kind="second_assessor")
    with pytest.raises(NotPermitted):
        open_first_decision(work, actor=cast.abe)


# --- early checks, and somebody senior


def checked(cast):
    check = EarlyCheck.objects.create(delivery=cast.delivery, task=cast.task, size=2)
    return EarlyPlace.objects.create(check_of=check, submission=cast.done, number=1)


def test_a_reading_is_of_the_decision_that_counts_now(cast):
    place = checked(cast)
    begin_reading(place, actor=cast.moses)
    old = AssessmentDecision.objects.get(submission=cast.done)
    newer = AssessmentDecision.objects.create(
        submission=cast.done, author=cast.ada, basis="moderation", number=2, reason="Read again",
        reason_code="standard", manifest_hash=old.manifest_hash, rubric_hash=old.rubric_hash,
        policy_hash=old.policy_hash, outcome="achieved", sealed_at=timezone.now(),
        final_at=timezone.now(),
    )  # fmt: skip
    with pytest.raises(StaleState):
        record_reading(place, old, actor=cast.moses, is_sound=True)
    record_reading(place, newer, actor=cast.moses, is_sound=True)
    with pytest.raises(NotPermitted):
        record_reading(place, newer, actor=cast.moses, is_sound=False, note="On second thoughts.")


def test_no_changes_are_asked_for_before_anything_is_decided(cast):
    check = EarlyCheck.objects.create(delivery=cast.delivery, task=cast.task, size=2)
    with pytest.raises(GuardsNotMet) as refused:
        ask_for_early_changes(check, actor=cast.moses, note="Read C1 again.")
    assert refused.value.codes == ["early_nothing_decided"]


def test_a_lead_too_close_to_the_learner_reads_no_feedback(cast):
    drafted(cast.work, cast.ada)
    review = ask_review(cast.work, actor=cast.ada, question="Clear?")
    close(cast, "lea")
    with pytest.raises(GuardsNotMet):
        take_review(review, actor=cast.lea)
    DeclaredConflict.objects.all().delete()
    take_review(review, actor=cast.lea)
