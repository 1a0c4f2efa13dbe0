"""Double marked work that a moderator returned: the revision is held against the other sealed decision."""

import pytest

from assessment import guards
from assessment.actions.deciding import record_decision
from assessment.actions.marking import save_draft, start_assessment
from assessment.enums import AllocationRole, Basis
from assessment.models import Allocation, AssessmentDecision
from assessment.selectors import result_for
from moderation.actions import draw_sample, open_round, return_item
from moderation.enums import SampleState
from moderation.models import SampleItem
from portfolios.enums import SubmissionState as S
from tests.factories.assessment import allocated, decided, marks
from tests.factories.awards import relay_all
from tests.factories.moderation import moderator_of, scored
from tests.factories.portfolios import fresh
from tests.personas import make_cast
from workflows.exceptions import GuardsNotMet, NotPermitted
from workflows.models import TransitionRecord
from workflows.transitions import perform

pytestmark = pytest.mark.django_db


@pytest.fixture
def double():
    return make_cast(policy={"marking.double": True})


def holder(submission, role):
    return Allocation.objects.current().get(submission=submission, role=role).assessor


def returned(cast, submission):
    """Taken into a round, read by a moderator, and sent back."""
    drawn = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
    item = drawn.items.get()
    scored(item, "M")
    return_item(
        SampleItem.objects.get(pk=item.pk),
        actor=moderator_of(item),
        reason="Page 2 was not read.",
        action="Read page 2.",
    )
    relay_all()
    return fresh(submission)


def revised(submission, author, levels):
    """The author opens the work again, changes the levels, says why, and records."""
    start_assessment(submission, actor=author)
    draft = AssessmentDecision.objects.drafts_of(author).get(submission=submission)
    said = marks(submission, levels, reason="Page 2 shows it.")
    save_draft(submission.pk, actor=author, marks=said, seen_version=draft.version)
    return record_decision(submission, actor=author)


def agreed_and_returned(cast, first="M", second="M"):
    """Marked twice within the tolerance, then returned. Gives the work and the two people."""
    submission = decided(allocated(cast), cast.ada, first)
    other = holder(submission, AllocationRole.SECOND_ASSESSOR)
    submission = decided(submission, other, second)
    assert submission.state == S.ASSESSED
    return returned(cast, submission), cast.ada, other


def test_a_revision_close_to_the_other_decision_counts(double):
    submission, ada, other = agreed_and_returned(double)
    done = revised(submission, ada, "G")
    result = result_for(done)
    assert (done.state, result.author, result.number) == (S.ASSESSED, ada, 3)
    assert {one.level.code for one in result.judgements.all()} == {"G"}
    record = TransitionRecord.objects.of(done).order_by("-seq")[0]
    kept = done.decisions.get(author=other)
    assert [one["id"] for one in record.facts["decisions"]] == [str(result.pk), str(kept.pk)]


def test_the_revision_counts_also_where_the_other_is_better_for_the_learner(double):
    """What stood before the return does not come back because it was kinder."""
    submission, ada, other = agreed_and_returned(double, "G", "G")
    assert result_for(revised(submission, ada, "M")).author == ada
    assert submission.decisions.get(author=other).final_at is None


@pytest.mark.parametrize("levels", ["E", "NY"])
def test_a_revision_too_far_from_the_other_goes_to_an_adjudicator(double, levels):
    """Two levels apart, or another outcome: nobody alone changes what two people found."""
    submission, ada, other = agreed_and_returned(double)
    moved = revised(submission, ada, levels)
    assert moved.state == S.IN_ADJUDICATION
    adjudicator = holder(moved, AllocationRole.ADJUDICATOR)
    assert adjudicator not in (ada, other)
    done = decided(fresh(moved), adjudicator, "G")
    relay_all()
    assert result_for(done).author == adjudicator
    assert fresh(done).state == S.IN_MODERATION  # the round waited for it
    assert SampleItem.objects.get().state == SampleState.SCORED


def test_the_door_itself_refuses_a_revision_that_is_too_far(double):
    submission, ada, _other = agreed_and_returned(double)
    start_assessment(submission, actor=ada)
    draft = AssessmentDecision.objects.drafts_of(ada).get(submission=submission)
    said = marks(submission, "E", reason="Page 2 shows it.")
    draft = save_draft(submission.pk, actor=ada, marks=said, seen_version=draft.version)
    draft.outcome, draft.sealed_at = "achieved", draft.saved_at
    draft.save()
    with pytest.raises(GuardsNotMet) as refused:
        perform(fresh(submission), "record_decision", actor=ada)
    assert "outside_tolerance" in refused.value.codes


def test_only_the_author_of_the_decision_that_counted_revises(double):
    submission, _ada, other = agreed_and_returned(double)
    with pytest.raises(NotPermitted):
        start_assessment(submission, actor=other)


def test_an_adjudicator_revises_alone(double):
    submission = decided(allocated(double), double.ada, "M")
    second = holder(submission, AllocationRole.SECOND_ASSESSOR)
    submission = decided(submission, second, "NY")
    adjudicator = holder(submission, AllocationRole.ADJUDICATOR)
    decided(submission, adjudicator, "M")
    back = returned(double, submission)
    assert not guards.is_double_marked(back)
    done = revised(back, adjudicator, "E")
    result = result_for(done)
    assert (done.state, result.author, result.basis) == (
        S.ASSESSED,
        adjudicator,
        Basis.ADJUDICATION,
    )
