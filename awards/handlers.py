"""Who is told what when results are confirmed, published, asked about, or taken back."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from assessment.selectors import administrators_of
from awards import guards, selectors
from awards.actions.release import (
    RECONSIDERATION_DEADLINE,
    release_due,
    settle_release,
    settle_window,
)
from awards.models import Reconsideration
from catalogue.enums import DeliveryRoleKind
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from workflows.definitions import (
    belongs_to,
    counts_from,
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
from workflows.selectors.entries import entry_to_drop


def submission_of(record: TransitionRecord) -> Submission:
    """The submission that the record is about, with what messages name."""
    found: Submission = Submission.objects.select_related(
        "learner", "task", "portfolio", "delivery__version__micro_credential"
    ).get(pk=record.subject_id)
    return found


def words(submission: Submission) -> dict[str, Any]:
    """What a message may say: the task and the delivery, never a result."""
    return {"task": submission.task.title, "delivery": submission.delivery.title}


def tell_learner(
    topic: str, submission: Submission, record: TransitionRecord, deadline: Deadline | None
) -> None:
    """That something happened to the result; the page of the result says what."""
    notify(
        topic=topic,
        recipients=[submission.learner],
        record=record,
        subject=submission,
        path=f"/learn/results/{submission.pk}/",
        context=words(submission),
        deadline=deadline,
    )


@handles("portfolios.submission.released")
def on_released(record: TransitionRecord) -> None:
    """Credential and last day to ask, then one message that says where the news is, not what it is."""
    submission = submission_of(record)
    last_day = settle_release(submission)
    tell_learner("portfolios.submission.released", submission, record, last_day)


@still_relevant("portfolios.submission.released")
def result_still_released(notification: Notification) -> bool:
    """A recall between release and mail takes the news back."""
    visible = Submission.objects.filter(pk=notification.subject_id, state__in=selectors.VISIBLE)
    return bool(visible.exists())


def to_ask_about() -> QuerySet[Submission]:
    """Results that are out and of which no fresh look is under way; one that was concluded bars no other."""
    waiting = Reconsideration.objects.filter(submission=OuterRef("pk"), concluded_at__isnull=True)
    found: QuerySet[Submission] = Submission.objects.filter(
        ~Exists(waiting), state=SubmissionState.RELEASED
    )
    return found


@reminder_relevant(RECONSIDERATION_DEADLINE)
def still_to_ask(deadline: Deadline) -> bool:
    """Only while the learner may ask: not while a fresh look waits, not after a recall, and never as overdue."""
    is_ahead = deadline.due_at >= timezone.now()
    return is_ahead and to_ask_about().filter(pk=deadline.subject_id).exists()


@belongs_to(RECONSIDERATION_DEADLINE)
def own_results(person: User) -> QuerySet[Any]:
    """The learner's, also where the row names nobody, as those did that were made before calendars had them."""
    return to_ask_about().filter(learner=person).values("pk")


@counts_from(RECONSIDERATION_DEADLINE)
def releases(keys: Iterable[Any]) -> dict[Any, tuple[datetime, int]]:
    """Rows from the same time hold a moment alone; the window that they mean follows the calendar."""
    rows = Submission.objects.filter(pk__in=keys).select_related("delivery__version")
    windows = {row.pk: guards.reconsideration_window(row) for row in rows}
    return {key: (one.moment, one.days) for key, one in windows.items() if one is not None}


def last_day_to_drop(submission: Submission) -> Deadline | None:
    """The last day to ask, where it is over and stands in the learner's calendar."""
    return entry_to_drop(submission.learner_id, submission.pk, [RECONSIDERATION_DEADLINE])


@reminder_text(RECONSIDERATION_DEADLINE)
def last_day_to_ask(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """Where the learner asks. It stands in their calendar; nobody is reminded of it (lifecycle 2)."""
    submission = Submission.objects.select_related("task", "delivery").get(
        pk=row.deadline.subject_id
    )
    return "portfolios.submission.released", f"/learn/results/{submission.pk}/", words(submission)


@handles("portfolios.submission.reconsideration_requested")
def on_reconsideration_requested(record: TransitionRecord) -> None:
    """Programme administrators watch that somebody fresh takes it up; the learner's last day has been used."""
    submission = submission_of(record)
    settle_window(submission, reason="Asked")
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
    """The learner reads the conclusion on the result page; until the last day they may ask again."""
    submission = submission_of(record)
    last_day = settle_window(submission, reason="Concluded") or last_day_to_drop(submission)
    tell_learner("portfolios.submission.reconsidered", submission, record, last_day)


@handles(
    "portfolios.submission.recalled", tells=["portfolios.submission.recalled", "awards.recalled"]
)
def on_recalled(record: TransitionRecord) -> None:
    """Those affected: the learner, and the people who run the delivery, once for the whole recall."""
    submission = submission_of(record)
    last_day = settle_window(submission, reason="Taken back") or last_day_to_drop(submission)
    tell_learner("portfolios.submission.recalled", submission, record, last_day)
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
