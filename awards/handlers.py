"""Who is told what when results are confirmed, published, asked about, or taken back."""

from typing import Any

from assessment.selectors import administrators_of
from awards import selectors
from awards.actions.release import RECONSIDERATION_DEADLINE, release_due, settle_release
from catalogue.enums import DeliveryRoleKind
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from workflows.definitions import (
    describe,
    each_round,
    extra_topics,
    handles,
    quiet,
    reminder_relevant,
    reminder_text,
    still_relevant,
)
from workflows.enums import Category
from workflows.models import Deadline, Notification, Reminder, TransitionRecord
from workflows.notifications import notify


def submission_of(record: TransitionRecord) -> Submission:
    """The submission that the record is about, with what messages name."""
    found: Submission = Submission.objects.select_related(
        "learner", "task", "portfolio", "delivery__version__micro_credential"
    ).get(pk=record.subject_id)
    return found


def words(submission: Submission) -> dict[str, Any]:
    """What a message may say: the task and the delivery, never a result."""
    return {"task": submission.task.title, "delivery": submission.delivery.title}


@handles("portfolios.submission.released")
def on_released(record: TransitionRecord) -> None:
    """Credential and last day to ask, then one message that says where the news is, not what it is."""
    submission = submission_of(record)
    settle_release(submission)
    notify(
        topic="portfolios.submission.released",
        recipients=[submission.learner],
        record=record,
        subject=submission,
        path=f"/learn/results/{submission.pk}/",
        context=words(submission),
    )


@still_relevant("portfolios.submission.released")
def result_still_released(notification: Notification) -> bool:
    """A recall between release and mail takes the news back."""
    visible = Submission.objects.filter(pk=notification.subject_id, state__in=selectors.VISIBLE)
    return bool(visible.exists())


@reminder_relevant(RECONSIDERATION_DEADLINE)
def still_to_ask(deadline: Deadline) -> bool:
    """Only while the learner may ask: not once somebody has, and not after a recall."""
    found = Submission.objects.filter(pk=deadline.subject_id, state=SubmissionState.RELEASED)
    return bool(found.filter(reconsiderations__isnull=True).exists())


@reminder_text(RECONSIDERATION_DEADLINE)
def last_day_to_ask(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """Where the learner asks. It stands in their calendar; nobody is reminded of it (lifecycle 2)."""
    submission = Submission.objects.select_related("task", "delivery").get(
        pk=row.deadline.subject_id
    )
    return "portfolios.submission.released", f"/learn/results/{submission.pk}/", words(submission)


@handles("portfolios.submission.reconsideration_requested")
def on_reconsideration_requested(record: TransitionRecord) -> None:
    """Programme administrators watch that somebody fresh takes it up."""
    submission = submission_of(record)
    notify(
        topic="portfolios.submission.reconsideration_requested",
        recipients=administrators_of(submission.delivery),
        record=record,
        subject=submission,
        path=f"/manage/learners/{submission.enrolment_id}/",
        context={**words(submission), "reference": submission.reference},
    )


@handles("portfolios.submission.reconsidered")
def on_reconsidered(record: TransitionRecord) -> None:
    """The learner reads the conclusion on the result page."""
    submission = submission_of(record)
    notify(
        topic="portfolios.submission.reconsidered",
        recipients=[submission.learner],
        record=record,
        subject=submission,
        path=f"/learn/results/{submission.pk}/",
        context=words(submission),
    )


@handles(
    "portfolios.submission.recalled", tells=["portfolios.submission.recalled", "awards.recalled"]
)
def on_recalled(record: TransitionRecord) -> None:
    """Those affected: the learner, and the people who run the delivery, once for the whole recall."""
    submission = submission_of(record)
    notify(
        topic="portfolios.submission.recalled",
        recipients=[submission.learner],
        record=record,
        subject=submission,
        path=f"/learn/results/{submission.pk}/",
        context=words(submission),
    )
    recall = record.facts.get("recall", "")
    staff = selectors.people_of(
        submission.delivery, DeliveryRoleKind.LEAD_MODERATOR, DeliveryRoleKind.RATIFIER
    )
    notify(
        topic="awards.recalled",
        recipients=[*administrators_of(submission.delivery), *staff],
        subject=submission.delivery,
        path=f"/ratify/recalls/{recall}/",
        context=words(submission),
        dedupe=recall,
    )


quiet(
    "portfolios.submission.ratified",
    because="Nothing of a decision leaves before release; administrators see the set on their page.",
)
quiet("awards.credential.issued", because="The learner is told of the result and finds it there.")
quiet("awards.credential.suspended", because="The recall tells those affected.")
quiet("awards.credential.reinstated", because="The new release tells the learner.")
quiet("awards.credential.revoked", because="The release or reconsideration tells the learner.")

# Sent by actions, without a transition of their own.
extra_topics.update({"awards.batch_opened", "awards.recall_asked"})

each_round("release_due")(release_due)


OF = {"task": "Workplace portfolio", "delivery": "Winter cohort"}
for one in ("released", "reconsidered", "recalled"):
    describe(
        f"portfolios.submission.{one}",
        Category.RESULTS,
        who="The learner",
        required=True,
        why="This is about your submission.",
        sample=OF,
    )
describe(
    "portfolios.submission.reconsideration_requested",
    Category.SIGN_OFF,
    who="Programme administrators",
    readers=frozenset({"administrator"}),
    why="You administer this delivery.",
    asks=True,
    sample={**OF, "reference": "MOD-2026-7K4W9"},
)
describe(
    "awards.recalled",
    Category.SIGN_OFF,
    who="Administrators, lead moderators and ratifiers",
    why="You work in this delivery.",
    required=True,
    sample=OF,
)
describe(
    "awards.batch_opened",
    Category.SIGN_OFF,
    who="Ratifiers",
    readers=frozenset({"ratifier"}),
    asks=True,
    why="You ratify in this delivery.",
    sample=OF,
)
describe(
    "awards.recall_asked",
    Category.SIGN_OFF,
    who="The second person",
    asks=True,
    required=True,
    why="A recall needs two people.",
    sample={**OF, "asked_by": "Lea Lead"},
)
