"""After a verdict: what a referral shows, who else reads feedback, what comes back, special consideration."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from assessment import rules
from assessment.actions.commenting import mark_comment, write_comment
from assessment.actions.deciding import record_decision, refer
from assessment.actions.reviewing import (
    answer_review,
    ask_about_result,
    ask_review,
    take_review,
)
from assessment.definitions import Remark
from assessment.enums import AllocationRole, Audience, Deed
from assessment.models import FeedbackReview
from assessment.selectors.reviews import waiting_reviews
from catalogue.actions.people import assign_role, end_role
from catalogue.enums import DeliveryRoleKind
from catalogue.models import DeliveryRole
from moderation import rules as moderating
from moderation.selectors.reading import eligible_moderators
from portfolios.actions.submission import lift_hold, place_hold
from portfolios.enums import HoldKind, SubmissionState
from portfolios.models import Submission
from tests.assessment.pages import url
from tests.factories.assessment import allocated, assessed, drafted, opened
from tests.factories.awards import batch, moderate, release, released, sign
from tests.personas import make_user
from tests.tampering import tampering
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import AccessRecord, Deadline, Notification, Reminder

SECRET = "Only staff read this canary"


def referral(cast):
    """Referred back with a comment for the learner, one for staff, one resolved and one removed."""
    submission = allocated(cast)
    drafted(submission, cast.ada, "NY")
    for words, audience in (("The label is missing.", Audience.LEARNER), (SECRET, Audience.STAFF)):
        write_comment(
            submission.pk, actor=cast.ada, evidence=1, remark=Remark(words, audience=audience)
        )
    for words, deed in (("Settled canary", Deed.RESOLVED), ("Removed canary", Deed.REMOVED)):
        made = write_comment(submission.pk, actor=cast.ada, evidence=1, remark=Remark(words))
        mark_comment(made, actor=cast.ada, deed=deed)
    return submission


def test_a_referral_shows_its_comments_and_nothing_for_staff(client, cast):
    submission = referral(cast)
    client.force_login(cast.lena)
    before = client.get(url("referral_feedback", submission.pk))
    assert before.status_code == 404
    refer(submission, actor=cast.ada)
    words = client.get(url("referral_feedback", submission.pk)).content.decode()
    assert "The label is missing." in words
    for hidden in (SECRET, "Settled canary", "Removed canary", "Not yet achieved"):
        assert hidden not in words
    table = client.get(url("comments_table", submission.pk)).content.decode()
    assert "The label is missing." in table
    assert SECRET not in table


def test_a_comment_before_the_referral_is_sealed_reaches_no_learner(client, cast):
    submission = referral(cast)
    client.force_login(cast.lena)
    table = url("comments_table", submission.pk)
    for where in (f"/learn/p/{submission.portfolio_id}/state/", "/learn/", table):
        assert "The label is missing." not in client.get(where).content.decode()


def test_what_a_moderator_returned_stands_on_top_with_what_is_asked(client, cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    record_decision(submission, actor=cast.ada)
    with tampering():
        Submission.objects.filter(pk=submission.pk).update(
            state=SubmissionState.IN_ASSESSMENT,
            returned_at=submission.submitted_at,
            return_note="Look at page 4 again.",
        )
    client.force_login(cast.ada)
    assert "Look at page 4 again." in client.get(url("queue")).content.decode()
    home = client.get(url("home")).content.decode()
    assert "A moderator returned a decision to you" in home
    assert "Look at page 4 again." in home
    client.force_login(cast.lea)
    assert "Look at page 4 again." not in client.get(url("queue")).content.decode()


def second_lead(cast):
    lou = make_user("leo")
    DeliveryRole.objects.create(
        user=lou, delivery=cast.delivery, role=DeliveryRoleKind.LEAD_MODERATOR
    )
    return lou


@pytest.mark.parametrize("sealed", [False, True])
def test_feedback_is_read_by_a_lead_before_or_after_sealing(client, cast, sealed):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    if sealed:
        record_decision(submission, actor=cast.ada)
    client.force_login(cast.ada)
    where = url("ask_review", submission.pk)
    assert client.post(where, {"question": ""}).status_code == 422
    assert client.post(where, {"question": "Is this too harsh?"}).status_code == 302
    review = FeedbackReview.objects.get()
    assert ask_review(submission, actor=cast.ada, question="Again?") == review
    told = Notification.objects.get(topic="assessment.review_asked")
    assert told.recipient == cast.lea
    client.force_login(cast.lea)
    assert "Feedback to read" in client.get(url("home")).content.decode()
    page = client.get(url("review", review.pk)).content.decode()
    assert "Is this too harsh?" in page
    assert "Clear work." not in page
    assert client.post(url("review", review.pk), {"answer": "Fine."}).status_code == 403
    assert client.post(url("take_review", review.pk)).status_code == 302
    opened_by = AccessRecord.objects.filter(subject_id=review.decision_id)
    assert [one.actor for one in opened_by] == [cast.lea]
    page = client.get(url("review", review.pk)).content.decode()
    assert "Clear work." in page
    assert "Look at the evidence" not in page
    assert client.post(url("review", review.pk), {"answer": ""}).status_code == 422
    assert client.post(url("review", review.pk), {"answer": "Say it kindly."}).status_code == 302
    assert client.post(url("review", review.pk), {"answer": "Again."}).status_code == 409
    told = Notification.objects.get(topic="assessment.review_answered")
    assert told.recipient == cast.ada
    client.force_login(cast.ada)
    assert "Say it kindly." in client.get(where).content.decode()


def test_whoever_read_the_feedback_neither_moderates_nor_decides_on_it(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    review = ask_review(submission, actor=cast.ada, question="Clear?")
    before = eligible_moderators(cast.delivery, [submission])[submission.pk]
    for one in (cast.moses, cast.ed):
        DeliveryRole.objects.filter(user=one, delivery=cast.delivery).delete()
    assert eligible_moderators(cast.delivery, [submission])[submission.pk] == [cast.lea]
    take_review(review, actor=cast.lea)
    assert cast.moses in before
    assert eligible_moderators(cast.delivery, [submission])[submission.pk] == []
    assert moderating.judged(submission, cast.lea)


def test_one_lead_takes_it_and_nobody_with_a_part_in_the_work(cast):
    leo = second_lead(cast)
    submission = allocated(cast)
    drafted(submission, cast.ada)
    review = ask_review(submission, actor=cast.ada, question="Clear?")
    assert rules.may_take_review(review, leo)
    take_review(review, actor=cast.lea)
    with pytest.raises(StaleState):
        take_review(review, actor=leo)
    with pytest.raises(NotPermitted):
        answer_review(review, actor=leo, answer="No.")
    assert waiting_reviews(leo) == []
    assert waiting_reviews(cast.lea) == [review]
    other = allocated(cast, "hone", "abe")
    drafted(other, cast.abe)
    asked = ask_review(other, actor=cast.abe, question="Clear?")
    other.parts.create(person=leo, kind="moderator", ended_at=other.submitted_at)
    assert not rules.may_take_review(asked, leo)
    with pytest.raises(NotPermitted):
        take_review(asked, actor=leo)
    with pytest.raises(NotPermitted):
        take_review(asked, actor=cast.moses)


def test_only_the_author_asks_and_the_other_assessor_learns_nothing(client, double):
    submission = allocated(double)
    drafted(submission, double.ada)
    record_decision(submission, actor=double.ada)
    ask_review(submission, actor=double.ada, question="Canary question")
    other = submission.allocations.get(role=AllocationRole.SECOND_ASSESSOR).assessor
    opened(submission, other)
    client.force_login(other)
    page = client.get(url("ask_review", submission.pk))
    assert page.status_code == 200
    assert "Canary question" not in page.content.decode()
    assert client.get(url("review", FeedbackReview.objects.get().pk)).status_code == 404
    with pytest.raises(NotPermitted):
        ask_review(submission, actor=double.pam, question="Mine?")


def about(submission):
    return url("about_result", submission.pk)


def test_a_learner_asks_somebody_senior_about_the_feedback_after_release(client, cast):
    leo = second_lead(cast)
    submission = released(cast)
    client.force_login(cast.lena)
    assert about(submission) in client.get(f"/learn/results/{submission.pk}/").content.decode()
    assert client.post(about(submission), {"question": ""}).status_code == 422
    assert client.post(about(submission), {"question": "Why C1 canary?"}).status_code == 302
    review = FeedbackReview.objects.get()
    assert ask_about_result(submission, actor=cast.lena, question="Again?") == review
    able = {one.recipient for one in Notification.objects.filter(topic="assessment.result_asked")}
    assert leo in able
    assert cast.ada not in able
    deadline = Deadline.objects.of(review).open().get(kind="feedback_review")
    lou = make_user("lou")
    part = assign_role(cast.delivery, lou, DeliveryRoleKind.LEAD_MODERATOR, actor=cast.pam)
    reminded = Reminder.objects.filter(deadline=deadline, state="planned")
    assert reminded.filter(recipient=lou).exists()
    end_role(part, actor=cast.pam)
    assert not reminded.filter(recipient=lou).exists()
    client.force_login(leo)
    assert client.post(url("take_review", review.pk)).status_code == 302
    assert {one.recipient for one in reminded} == {leo}
    page = client.get(url("review", review.pk)).content.decode()
    assert "Why C1 canary?" in page
    assert (
        client.post(url("review", review.pk), {"answer": "It says so on page 4."}).status_code
        == 302
    )
    deadline.refresh_from_db()
    assert deadline.state == "cancelled"
    assert Notification.objects.get(topic="assessment.result_answered").recipient == cast.lena
    client.force_login(cast.lena)
    page = client.get(about(submission)).content.decode()
    assert "It says so on page 4." in page
    assert "Leo" not in page
    assert Submission.objects.get(pk=submission.pk).state == SubmissionState.RELEASED


def test_nobody_asks_about_a_result_before_release_after_the_last_day_or_for_another(client, cast):
    submission = assessed(cast)
    client.force_login(cast.lena)
    assert client.get(about(submission)).status_code == 404
    with pytest.raises(NotPermitted):
        ask_about_result(submission, actor=cast.lena, question="Why?")
    moderate(cast, [submission])
    sign(batch(cast), cast.rita)
    release(cast)
    with pytest.raises(NotPermitted):
        ask_about_result(submission, actor=cast.hone, question="Why?")
    client.force_login(cast.ada)
    assert client.get(about(submission)).status_code == 403
    Submission.objects.filter(pk=submission.pk).update(
        released_at=submission.submitted_at - timedelta(days=60)
    )
    with pytest.raises(StaleState):
        ask_about_result(submission, actor=cast.lena, question="Why?")
    client.force_login(cast.lena)
    assert "The last day to ask was" in client.get(about(submission)).content.decode()


def test_an_answered_review_stays_as_it_was(cast):
    submission = allocated(cast)
    drafted(submission, cast.ada)
    review = ask_review(submission, actor=cast.ada, question="Clear?")
    take_review(review, actor=cast.lea)
    answer_review(review, actor=cast.lea, answer="Yes.")
    rows = FeedbackReview.objects.filter(pk=review.pk)
    for deed in (lambda: rows.update(answer="No."), rows.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            deed()


def test_assessors_read_the_outcome_of_a_special_consideration_and_nothing_else(client, cast):
    submission = allocated(cast)
    hold = place_hold(
        submission,
        actor=cast.pam,
        kind=HoldKind.SPECIAL_CONSIDERATION,
        reason="Canary of the reason",
    )
    client.force_login(cast.ada)
    assert "On hold" in client.get(url("workspace", submission.pk)).content.decode()
    lift_hold(hold, actor=cast.pam, outcome="impaired", note="Canary of the note")
    page = client.get(url("workspace", submission.pk)).content.decode()
    assert "Impaired performance" in page
    for hidden in ("Canary of the reason", "Canary of the note"):
        assert hidden not in page
