"""Who asks somebody senior to read feedback, who takes it and who answers: what is refused, and who is reminded."""

import pytest

from assessment.actions.allocation import reallocate
from assessment.actions.deciding import record_decision
from assessment.actions.reviewing import (
    answer_review,
    ask_about_result,
    ask_review,
    take_review,
)
from assessment.models import Allocation, FeedbackReview
from catalogue.actions.people import assign_role, end_role
from catalogue.enums import DeliveryRoleKind
from catalogue.models import DeliveryRole
from portfolios.enums import PartKind
from portfolios.models import Part
from tests.factories.assessment import allocated, drafted
from tests.factories.awards import moderate, released
from tests.personas import make_user
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import AccessRecord, Deadline, Notification

LEAD = DeliveryRoleKind.LEAD_MODERATOR


def lead(cast, name):
    """One more lead moderator."""
    made = make_user(name)
    return made, assign_role(cast.delivery, made, LEAD, actor=cast.pam)


def asked(cast):
    """Ada asks about her draft on Lena's work."""
    submission = allocated(cast)
    drafted(submission, cast.ada)
    return ask_review(submission, actor=cast.ada, question="Clear?")


def test_nobody_asks_about_work_that_they_mark_no_more(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    reallocate(Allocation.objects.get(), cast.abe, actor=cast.pam, reason="Leave")
    with pytest.raises(NotPermitted):
        ask_review(submission, actor=cast.ada, question="Clear?")
    assert not FeedbackReview.objects.exists()


def test_nobody_asks_about_a_decision_once_it_is_moderated(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    record_decision(submission, actor=cast.ada)
    moderate(cast, [submission])
    with pytest.raises(NotPermitted):
        ask_review(submission, actor=cast.ada, question="Clear?")
    assert not FeedbackReview.objects.exists()


def test_only_leads_who_may_take_it_are_told_and_once(cast):
    close, _part = lead(cast, "leo")
    submission = allocated(cast)
    drafted(submission, cast.ada)
    Part.objects.create(
        submission=submission, person=close, kind=PartKind.MODERATOR, ended_at=submission.submitted_at
    )  # fmt: skip
    for _time in range(2):
        ask_review(submission, actor=cast.ada, question="Clear?")
    told = Notification.objects.filter(topic="assessment.review_asked")
    assert [one.recipient for one in told] == [cast.lea]


def test_taking_it_twice_is_taking_it_once(cast):
    review = asked(cast)
    taken = [take_review(review, actor=cast.lea) for _time in range(2)]
    assert taken[0].taken_at == taken[1].taken_at
    assert AccessRecord.objects.filter(actor=cast.lea).count() == 1
    assert Part.objects.filter(person=cast.lea).count() == 1


def test_who_may_not_take_it_does_not_learn_whether_it_is_taken(cast):
    late, _part = lead(cast, "leo")
    review = asked(cast)
    take_review(review, actor=cast.lea)
    for name in ("moses", "ada", "pam", "lena"):
        with pytest.raises(NotPermitted):
            take_review(review, actor=cast.people[name])
    with pytest.raises(StaleState):
        take_review(review, actor=late)
    review.refresh_from_db()
    assert review.taken_by == cast.lea


def test_who_leads_no_more_answers_nothing(cast):
    review = asked(cast)
    take_review(review, actor=cast.lea)
    end_role(DeliveryRole.objects.get(user=cast.lea, role=LEAD), actor=cast.pam)
    with pytest.raises(NotPermitted):
        answer_review(review, actor=cast.lea, answer="Yes.")
    review.refresh_from_db()
    assert (review.answer, review.answered_at) == ("", None)
    assert not Notification.objects.filter(topic="assessment.review_answered").exists()


def test_where_no_lead_may_answer_a_learner_administrators_are_told(cast):
    submission = released(cast)
    Part.objects.create(
        submission=submission, person=cast.lea, kind=PartKind.MODERATOR, ended_at=submission.released_at
    )  # fmt: skip
    for _time in range(2):
        ask_about_result(submission, actor=cast.lena, question="Why?")
    told = Notification.objects.filter(topic="assessment.result_asked")
    people = [one.recipient for one in told]
    assert people.count(cast.pam) == 1
    assert cast.lea not in people
    assert {one.path for one in told} == {f"/manage/deliveries/{cast.delivery.pk}/"}


def test_what_somebody_has_taken_is_nobody_elses_to_be_reminded_of(cast):
    first, _part = lead(cast, "leo")
    submission = released(cast)
    review = ask_about_result(submission, actor=cast.lena, question="Why?")
    take_review(review, actor=first)

    def reminded():
        return Deadline.objects.of(review).open().get(kind="feedback_review").people

    assert reminded() == [str(first.pk)]
    lead(cast, "lou")
    assert reminded() == [str(first.pk)]
    asked_of = Notification.objects.filter(topic="assessment.result_asked")
    assert {one.path for one in asked_of} == {f"/assess/reviews/{review.pk}/"}
    answer_review(review, actor=first, answer="It says so on page 4.")
    told = Notification.objects.get(topic="assessment.result_answered")
    assert (told.recipient, told.path) == (cast.lena, f"/learn/feedback/{submission.pk}/")
