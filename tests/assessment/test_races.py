"""Two people at once, on real commits: one start, one decision, different work for two who claim."""

import pytest

from assessment.actions.allocation import allocate, claim_next, reallocate
from assessment.actions.deciding import record_decision, refer
from assessment.actions.discussing import say
from assessment.actions.marking import save_draft, start_assessment, take_over
from assessment.enums import AllocationRole, Stand
from assessment.models import Allocation, AssessmentDecision, Discussion, Lease
from portfolios.actions.submission import withdraw_submission
from portfolios.enums import SubmissionState as S
from portfolios.models import Submission
from tests.factories.assessment import allocated, decided, drafted, marks
from tests.factories.portfolios import submitted
from tests.personas import make_cast
from tests.threads import at_once
from workflows.exceptions import (
    GuardsNotMet,
    NotPermitted,
    StaleState,
    StaleVersion,
    TransitionRefused,
)
from workflows.models import TransitionRecord


@pytest.fixture
def cast(committed_db):
    return make_cast(learners=3)


def test_deciding_twice_at_once_decides_once(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    results = at_once(*[lambda: record_decision(submission, actor=cast.ada)] * 4)
    assert sum(isinstance(one, Submission) for one in results) == 1
    assert sum(isinstance(one, StaleState) for one in results) == 3
    assert AssessmentDecision.objects.final().count() == 1
    assert TransitionRecord.objects.filter(name="record_decision").count() == 1


def test_decide_and_refer_at_once_end_in_one_verdict(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada, "NY")
    results = at_once(
        lambda: record_decision(submission, actor=cast.ada),
        lambda: refer(submission, actor=cast.ada),
    )
    assert sum(isinstance(one, Submission) for one in results) == 1
    assert sum(isinstance(one, TransitionRefused) for one in results) == 1
    assert Submission.objects.get().state in (S.ASSESSED, S.REFERRED)


def test_start_and_withdraw_at_once(cast):
    submission = allocated(cast)
    results = at_once(
        lambda: start_assessment(submission, actor=cast.ada),
        lambda: withdraw_submission(submission, actor=cast.lena),
    )
    assert sum(isinstance(one, Submission) for one in results) == 1
    assert Submission.objects.get().state in (S.IN_ASSESSMENT, S.WITHDRAWN)


def test_lease_and_take_over_leave_one_holder(cast):
    submission = allocated(cast)
    results = at_once(
        lambda: start_assessment(submission, actor=cast.ada),
        lambda: take_over(submission, actor=cast.lea),
    )
    assert Lease.objects.count() == 1
    started = isinstance(results[0], Submission)
    assert started or isinstance(results[0], GuardsNotMet)
    assert Lease.objects.get().holder == cast.lea


def test_saving_at_once_saves_one_and_reports_the_other(cast):
    submission = allocated(cast)
    draft = drafted(submission, cast.ada)
    results = at_once(
        *[
            lambda level=level: save_draft(
                submission.pk,
                actor=cast.ada,
                marks=marks(submission, level),
                seen_version=draft.version,
            )
            for level in ("M", "G")
        ]
    )
    assert sum(isinstance(one, AssessmentDecision) for one in results) == 1
    assert sum(isinstance(one, StaleVersion) for one in results) == 1
    draft.refresh_from_db()
    assert len(set(draft.judgements.values_list("level__code", flat=True))) == 1


def test_two_who_claim_at_once_get_different_work(cast):
    for name in ("lena", "hone"):
        submitted(cast, name)
    results = at_once(lambda: claim_next(actor=cast.ada), lambda: claim_next(actor=cast.abe))
    assert len({one.pk for one in results}) == 2
    assert Allocation.objects.count() == 2


def test_one_piece_is_claimed_once(cast):
    submission = submitted(cast)
    results = at_once(
        *[lambda who=who: claim_next(actor=cast.people[who]) for who in ("ada", "abe", "ana")]
    )
    assert [one for one in results if one is not None] == [submission]
    assert Allocation.objects.count() == 1


def test_allocating_at_once_allocates_once(cast):
    submission = submitted(cast)
    results = at_once(
        lambda: allocate(submission, cast.ada, actor=cast.pam),
        lambda: allocate(submission, cast.abe, actor=cast.lea),
    )
    assert sum(isinstance(one, Allocation) for one in results) == 1
    assert sum(isinstance(one, StaleState) for one in results) == 1


def test_deciding_and_reallocating_at_once(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    held = Allocation.objects.get()
    decided_, moved = at_once(
        lambda: record_decision(submission, actor=cast.ada),
        lambda: reallocate(held, cast.abe, actor=cast.pam, reason="?"),
    )
    assert isinstance(decided_, Submission) != isinstance(moved, Allocation)


def test_a_second_seal_and_the_first_ask_one_adjudicator(committed_db):
    cast = make_cast(policy={"marking.double": True})
    submission = allocated(cast)
    decided(submission, cast.ada, "M")
    second = Allocation.objects.get(role=AllocationRole.SECOND_ASSESSOR).assessor
    drafted(submission, second, "NY")
    at_once(*[lambda: record_decision(submission, actor=second)] * 3)
    assert Submission.objects.get().state == S.IN_ADJUDICATION
    assert Allocation.objects.filter(role=AllocationRole.ADJUDICATOR).count() == 1


def test_three_race_on_one_item_and_there_is_one_decision_and_no_lost_text(committed_db):
    """Ada and Abe mark it blind and seal at once, while Ana tries to take it, and a page of Ada's saves again."""
    cast = make_cast(policy={"marking.double": True})
    submission = allocated(cast)
    allocate(submission, cast.abe, actor=cast.pam)
    words = {}
    for who in (cast.ada, cast.abe):
        words[who.pk] = f"Canary of {who.name}, tūturu."
        draft = drafted(submission, who, "M", feedback=words[who.pk])
    late = marks(submission, "NY", feedback="Too late.")
    results = at_once(
        lambda: record_decision(submission, actor=cast.ada),
        lambda: record_decision(submission, actor=cast.abe),
        lambda: claim_next(actor=cast.ana),
        lambda: save_draft(submission.pk, actor=cast.ada, marks=late, seen_version=1),
    )
    assert draft.author == cast.abe
    assert all(isinstance(one, Submission) for one in results[:2])
    assert results[2] is None
    assert isinstance(results[3], StaleVersion | NotPermitted)
    assert Submission.objects.get().state == S.ASSESSED
    assert TransitionRecord.objects.filter(name="record_decision").count() == 1
    sealed = AssessmentDecision.objects.sealed()
    assert dict(sealed.values_list("author", "feedback")) == words
    assert AssessmentDecision.objects.final().count() == 1


def test_two_who_agree_at_once_conclude_once(committed_db):
    cast = make_cast(policy={"marking.double": True, "double.discussion": True})
    submission = allocated(cast)
    allocate(submission, cast.abe, actor=cast.pam)
    decided(submission, cast.ada, "E")
    decided(submission, cast.abe, "NY")
    talk = Discussion.objects.get()
    say(talk, actor=cast.ada, rationale="Page 4.", stand=Stand.MINE)
    results = at_once(
        lambda: say(talk, actor=cast.abe, rationale="Right.", stand=Stand.OTHERS),
        lambda: say(talk, actor=cast.ada, rationale="No way.", stand=Stand.ADJUDICATOR),
    )
    assert sum(isinstance(one, Discussion) for one in results) == 1
    assert sum(isinstance(one, StaleState) for one in results) == 1
    assert Submission.objects.get().state in (S.ASSESSED, S.IN_ADJUDICATION)
    assert Discussion.objects.get().entries.count() == 2
