"""Somebody senior reads the feedback of a decision: asked for, taken, answered."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.words import plain_text
from assessment import guards, rules
from assessment.actions.allocation import lock
from assessment.models import FeedbackReview
from assessment.selectors import administrators_of, people_of, result_for
from catalogue.actions import expect_answer, when
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from portfolios.enums import PartKind
from portfolios.models import Part, Submission
from workflows.actions import After, cancel_deadline, open_record, pass_on
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import Deadline
from workflows.notifications import notify

REVIEW_DEADLINE = "feedback_review"


@transaction.atomic
def ask_review(submission: Submission, *, actor: User, question: str) -> FeedbackReview:
    """Ask the lead moderators to read the feedback of one's own newest decision, draft or sealed.

    Tells those who may take it. While one request on the decision is open, gives that one.
    """
    fresh = lock(submission)
    decision = guards.latest_of(fresh, actor)
    if decision is None or not rules.may_ask_review(fresh, actor):
        raise NotPermitted(instance=fresh)
    made: FeedbackReview
    made, is_new = FeedbackReview.objects.get_or_create(
        decision=decision,
        answered_at=None,
        defaults={
            "submission": fresh,
            "asked_by": actor,
            "question": plain_text(question).strip(),
        },
    )
    if is_new:
        leads = people_of(fresh.delivery.cohort, DeliveryRoleKind.LEAD_MODERATOR)
        notify(
            topic="assessment.review_asked",
            recipients=[one for one in leads if rules.may_take_review(made, one)],
            subject=made,
            path=f"/assess/reviews/{made.pk}/",
            context={"reference": fresh.reference, "task": fresh.task.title},
        )
    return made


def last_day_to_ask(submission: Submission) -> dt.datetime | None:
    """Until when a learner may ask about the feedback of a released result, in the delivery's working days."""
    if submission.released_at is None:
        return None
    delivery = submission.delivery
    days = After(submission.released_at, delivery.policy_value("feedback_review.ask_days"))
    return days.resolve(delivery.zone, delivery.calendar)


@transaction.atomic
def ask_about_result(submission: Submission, *, actor: User, question: str) -> FeedbackReview:
    """The learner asks somebody senior to read the feedback of the released result. It changes no result.

    Tells the lead moderators who may take it, with a date and its reminders. While one request is open, gives
    that one. NotPermitted for others and before release; StaleState after the last day.
    """
    fresh = lock(submission)
    decision = result_for(fresh)
    if decision is None or not rules.may_ask_about_result(fresh, actor):
        raise NotPermitted(instance=fresh)
    until = last_day_to_ask(fresh)
    if until is None or timezone.now() > until:
        raise StaleState(instance=fresh)
    made: FeedbackReview
    made, is_new = FeedbackReview.objects.get_or_create(
        submission=fresh,
        asked_by=actor,
        answered_at=None,
        defaults={"decision": decision, "question": plain_text(question).strip()},
    )
    if not is_new:
        return made
    delivery, able = fresh.delivery, able_to_answer(made)
    expect_answer(
        made,
        kind=REVIEW_DEADLINE,
        delivery=delivery,
        policy="feedback_review.answer_days",
        recipients=able,
        actor=actor,
    )
    notify(
        topic="assessment.result_asked",
        recipients=able or administrators_of(delivery),
        subject=made,
        path=f"/assess/reviews/{made.pk}/" if able else f"/manage/deliveries/{delivery.pk}/",
        context={"reference": fresh.reference, "task": fresh.task.title},
    )
    return made


def able_to_answer(review: FeedbackReview) -> list[User]:
    """Lead moderators who may take the question."""
    leads = people_of(review.submission.delivery, DeliveryRoleKind.LEAD_MODERATOR)
    return [one for one in leads if rules.may_take_review(review, one)]


@when("parts_changed")
def pass_questions_on(*, delivery: Delivery, **facts: Any) -> None:
    """Who may take what nobody has taken is reminded of it, also who came later; who left is not."""
    rows = FeedbackReview.objects.filter(
        submission__delivery=delivery, taken_by__isnull=True
    ).select_related("submission__delivery", "decision")
    waiting = {one.pk: one for one in rows}
    for deadline in Deadline.objects.open().filter(kind=REVIEW_DEADLINE, subject_id__in=waiting):
        pass_on(deadline, able_to_answer(waiting[deadline.subject_id]))


def _locked(review: FeedbackReview) -> FeedbackReview:
    fresh: FeedbackReview = (
        FeedbackReview.objects.select_for_update(of=("self",), no_key=True)
        .select_related("submission__delivery", "submission__task", "asked_by", "decision")
        .get(pk=review.pk)
    )
    return fresh


@transaction.atomic
def take_review(review: FeedbackReview, *, actor: User) -> FeedbackReview:
    """Open the decision to the person who takes the request: from now on they had a part in the work.

    They neither moderate it nor mark it, and they alone are reminded of its date. Writes that part, ended, and an
    access record. StaleState where somebody else took it; GuardsNotMet where they are not independent of the learner.
    """
    fresh = _locked(review)
    if fresh.taken_by_id == actor.pk:
        return fresh
    if not rules.may_take_review(fresh, actor):
        raise NotPermitted(instance=fresh)
    if fresh.taken_by_id is not None:
        raise StaleState(instance=fresh)
    if not guards.independent_of_learner.holds(fresh.submission, actor):
        raise GuardsNotMet([guards.independent_of_learner], instance=fresh)
    now = timezone.now()
    Part.objects.create(
        submission=fresh.submission,
        person=actor,
        kind=PartKind.FEEDBACK_READER,
        since=now,
        ended_at=now,
    )
    fresh.taken_by, fresh.taken_at = actor, now
    fresh.save(update_fields=["taken_by", "taken_at"])
    for deadline in Deadline.objects.of(fresh).open().filter(kind=REVIEW_DEADLINE):
        pass_on(deadline, [actor])
    open_record(fresh.decision, actor=actor, purpose=fresh.purpose)
    return fresh


@transaction.atomic
def answer_review(review: FeedbackReview, *, actor: User, answer: str) -> FeedbackReview:
    """Say what one thinks of the feedback, once, and tell whoever asked. Changes no decision.

    NotPermitted for anybody but who took it; StaleState where it is answered.
    """
    fresh = _locked(review)
    if fresh.taken_by_id != actor.pk or not rules.can_view_review(fresh, actor):
        raise NotPermitted(instance=fresh)
    if fresh.answered_at is not None:
        raise StaleState(instance=fresh)
    fresh.answer, fresh.answered_at = plain_text(answer).strip(), timezone.now()
    fresh.save(update_fields=["answer", "answered_at"])
    for deadline in Deadline.objects.of(fresh).open().filter(kind=REVIEW_DEADLINE):
        cancel_deadline(deadline, actor=actor, reason="Answered")
    by_learner = fresh.is_by_learner
    notify(
        topic="assessment.result_answered" if by_learner else "assessment.review_answered",
        recipients=[fresh.asked_by],
        subject=fresh,
        path=f"/learn/feedback/{fresh.submission_id}/"
        if by_learner
        else f"/assess/m/{fresh.submission_id}/review/",
        context={"reference": fresh.submission.reference, "task": fresh.submission.task.title},
    )
    return fresh
