"""Which page and which button of the workspace somebody gets: whose turn it is, who leads, and who did both."""

import pytest

from assessment.actions.allocation import allocate, hand_back, reallocate
from assessment.actions.deciding import record_decision
from assessment.actions.marking import take_over
from assessment.enums import AllocationRole
from assessment.models import Allocation, AssessmentDecision, Lease
from awards.actions.reconsideration import request_reconsideration
from catalogue.models import DeliveryRole
from tests.assessment.pages import url
from tests.factories.assessment import allocated, assessed, decided, drafted, opened
from tests.factories.awards import moderate, released
from tests.factories.portfolios import fresh, submitted
from tests.personas import as_, make_cast
from tests.worlds import kept


@kept
def talking():
    """Marked twice; who disagrees talks about it first."""
    return make_cast(learners=2, policy={"marking.double": True, "double.discussion": True})


def page(person, submission, name="workspace"):
    return as_(person).get(url(name, submission.pk)).content.decode()


def leads(cast, person):
    DeliveryRole.objects.create(delivery=cast.delivery, user=person, role="lead_moderator")


# --- the workspace and the page before it


def test_work_that_was_handed_back_is_begun_anew(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    hand_back(fresh(submission), actor=cast.ada, reason="Leave.")
    allocate(fresh(submission), cast.ada, actor=cast.pam)
    before = page(cast.ada, submission)
    assert "Start marking" in before
    assert 'id="marks"' not in before
    as_(cast.ada).post(url("start", submission.pk))
    assert "Clear work." in page(cast.ada, submission)


def test_a_draft_on_other_work_opens_nothing_here(double):
    """Nor does the first assessor's draft open the workspace to the second."""
    drafted(allocated(double, "hone"), double.ada)
    submission = allocated(double)
    allocate(submission, double.abe, actor=double.pam)
    drafted(submission, double.abe)
    before = page(double.ada, submission)
    assert "Start marking" in before
    assert "Clear work." not in before


@pytest.mark.parametrize("hides", [True, False])
@pytest.mark.parametrize("holder", ["abe", "lea"])
def test_who_has_the_work_open_is_named_to_those_who_may_know(db, hides, holder):
    cast = make_cast(policy={"anonymous_between_assessors": hides})
    submission = allocated(cast)
    opened(submission, cast.ada)
    assert "has had this open" not in page(cast.ada, submission)
    take_over(fresh(submission), actor=cast.lea)
    Lease.objects.update(holder=cast.people[holder])
    name = str(cast.people[holder].name)
    shown = page(cast.ada, submission)
    known = holder == "lea" or not hides
    assert (f"{name} has had this open" in shown) is known
    assert ("Somebody else has had this open" in shown) is not known
    assert url("take_over", submission.pk) not in shown
    led = page(cast.pam, submission)
    assert f"{name} has had this open" in led
    assert url("take_over", submission.pk) in led


def test_nothing_is_taken_over_that_nobody_has_open(cast):
    submission = allocated(cast)
    assert url("take_over", submission.pk) not in page(cast.pam, submission)


# --- how the marking stands


def test_who_has_it_is_who_has_it_now_and_said_to_those_who_lead(cast):
    submission = allocated(cast)
    allocated(cast, "hone", "ana")
    held = Allocation.objects.get(submission=submission)
    reallocate(held, cast.abe, actor=cast.pam, reason="Ada is ill.")
    led = page(cast.pam, submission)
    assert "Abe Assessor" in led
    for name in ("Ada Assessor", "Ana Assessor"):
        assert name not in led
    decided(submission, cast.abe)
    own = page(cast.abe, submission)
    assert "Your decision is sealed" in own
    for words in ("Who has it", "Reallocate", url("allocate", cast.delivery.pk)):
        assert words not in own


def test_work_is_handed_back_for_somebody_by_administrators_while_it_is_open(cast):
    submission = allocated(cast)
    button = url("hand_back", submission.pk)
    assert button not in page(cast.pam, submission)
    opened(submission, cast.ada)
    assert button in page(cast.pam, submission)
    assert button not in page(cast.lea, submission)
    decided(submission, cast.ada)
    for person in (cast.pam, cast.ada):
        assert button not in page(person, submission)


def test_whoever_runs_it_and_marked_it_hands_nothing_back_of_what_they_sealed(double):
    submission = allocated(double)
    decided(submission, double.ada)
    assert url("hand_back", submission.pk) not in page(double.ada, submission)


def test_one_of_two_who_disagree_ends_no_talk_of_their_own_though_they_lead(talking):
    submission = allocated(talking)
    allocate(submission, talking.abe, actor=talking.pam)
    leads(talking, talking.ada)
    decided(submission, talking.ada, "E")
    button = url("end_discussion", submission.pk)
    assert button not in page(talking.lea, submission)
    decided(submission, talking.abe, "NY")
    assert button in page(talking.lea, submission)
    own = page(talking.ada, submission)
    assert button not in own
    talk = f'href="{url("discussion", submission.pk)}"'
    assert talk in own
    assert talk not in page(talking.lea, submission)
    as_(talking.lea).post(button, {"reason": "They are away."})
    assert button not in page(talking.lea, submission)


def test_feedback_is_asked_about_until_the_work_is_moderated(cast):
    submission = assessed(cast)
    where = url("ask_review", submission.pk)
    assert where in page(cast.ada, submission)
    assert where not in page(cast.pam, submission)
    moderate(cast, [submission])
    assert where not in page(cast.ada, submission)


def test_a_name_that_is_shown_anyway_is_not_offered(cast):
    submission = released(cast)
    for person in (cast.ada, cast.pam):
        assert url("reveal_learner", submission.pk) not in page(person, submission)


# --- the verdict


def test_whoever_leads_and_lost_the_work_finishes_it_no_more(cast):
    submission = allocated(cast)
    draft = drafted(submission, cast.ada)
    leads(cast, cast.ada)
    held = Allocation.objects.get(submission=submission)
    reallocate(held, cast.abe, actor=cast.pam, reason="Ada leads now.")
    shown = page(cast.ada, submission, "finish")
    assert "Who has it" in shown
    assert "Verdict on" not in shown
    sent = {"verdict": "record", "version": draft.version}
    late = as_(cast.ada).post(url("finish", submission.pk), sent)
    assert late.status_code == 403
    assert "Only those who mark this submission give a verdict." in late.content.decode()
    assert AssessmentDecision.objects.get(pk=draft.pk).sealed_at is None


REFER = 'value="refer"'


def test_an_adjudicator_refers_nothing_back_and_is_told_of_a_decision_alone(double):
    submission = allocated(double)
    drafted(submission, double.ada, "NY")
    mine = page(double.ada, submission, "finish")
    assert REFER in mine
    assert "If you and the other assessor both refer it back" in mine
    assert "This work is marked twice" in mine
    decided(submission, double.ada, "NY")
    assert "You will not see the other one" in page(double.ada, submission, "recorded")
    second = Allocation.objects.current().get(role=AllocationRole.SECOND_ASSESSOR).assessor
    decided(submission, second, "M")
    person = Allocation.objects.current().get(role=AllocationRole.ADJUDICATOR).assessor
    drafted(submission, person, "NY")
    mine = page(person, submission, "finish")
    assert "Verdict on" in mine
    for words in (REFER, "Why it cannot be referred back", "This work is marked twice"):
        assert words not in mine
    decided(submission, person, "NY")
    done = page(person, submission, "recorded")
    assert "Decision recorded" in done
    assert "You will not see the other one" not in done


def test_a_fresh_decision_refers_nothing_back(cast):
    submission = released(cast)
    request_reconsideration(submission, actor=cast.lena, grounds="Criterion 2 was missed")
    role = AllocationRole.RECONSIDERATION_ASSESSOR
    person = Allocation.objects.current().get(role=role).assessor
    drafted(fresh(submission), person, "NY")
    mine = page(person, submission, "finish")
    assert "Verdict on" in mine
    assert REFER not in mine
    assert "Who has it" in page(cast.pam, submission)
    record_decision(fresh(submission), actor=person)
    assert "Your decision is sealed" in page(person, submission)


def test_work_that_is_marked_once_is_said_to_be(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada, "NY")
    mine = page(cast.ada, submission, "finish")
    assert "If you refer it back, the learner will see, at once" in mine
    for words in ("marked twice", "both refer it back", "What you change"):
        assert words not in mine
    decided(submission, cast.ada, "NY")
    assert "Decision recorded" in page(cast.ada, submission, "recorded")


def test_those_without_a_decision_read_of_none(cast):
    submission = submitted(cast)
    for name in ("recorded", "finish"):
        shown = page(cast.pam, submission, name)
        assert "Who has it" in shown
        assert "Decision recorded" not in shown
