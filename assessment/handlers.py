"""Who is told about marking, and what follows by itself."""

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from assessment.actions.allocation import MARKING_DEADLINE, allocate_automatically
from assessment.actions.double import DISCUSSION_DEADLINE
from assessment.actions.reviewing import REVIEW_DEADLINE
from assessment.actions.seeding import place_beside, place_seeds
from assessment.enums import EARLY_READERS, WORK_STATES
from assessment.models import Allocation, Discussion, EarlyPlace, FeedbackReview
from assessment.querysets import unallocated
from assessment.rules import is_turn, reads_early
from assessment.selectors import people_of
from assessment.selectors.early import decided_places
from portfolios.actions.drafting import RESUBMISSION_DEADLINE
from portfolios.enums import SubmissionState
from portfolios.models import Hold, Submission
from workflows.definitions import (
    describe,
    each_round,
    handles,
    lies_in,
    quiet,
    reminder_batch,
    reminder_relevant,
    reminder_text,
    still_relevant,
    when_moved,
)
from workflows.enums import Category, DeadlineState, Frequency
from workflows.models import Deadline, Notification, Reminder, TransitionRecord
from workflows.notifications import notify
from workflows.words import in_words

quiet(
    "portfolios.submission.assessment_started",
    because="The learner sees the state; an opened workspace asks nothing of anybody.",
)
quiet(
    "portfolios.submission.disagreed",
    because="The adjudicator is asked with the allocation; the two assessors learn nothing of each other.",
)
quiet(
    "portfolios.submission.handed_back",
    because="The work is in the queue again, where the next person finds it.",
)


def submission_of(record: TransitionRecord) -> Submission:
    found: Submission = Submission.objects.select_related("delivery__version", "task").get(
        pk=record.subject_id
    )
    return found


def context_of(submission: Submission) -> dict[str, Any]:
    """Names the work by its reference: no learner's name, no result, no evidence."""
    return {"reference": submission.reference, "task": submission.task.title}


@handles(
    "portfolios.submission.assessed",
    "portfolios.submission.adjudicated",
    tells=["assessment.early_check_ready"],
)
def tell_early_readers(record: TransitionRecord) -> None:
    """The moderators of the delivery, once, when the last of the first decisions is there."""
    place = EarlyPlace.objects.filter(
        submission=record.subject_id, check_of__passed_at__isnull=True
    ).first()
    if place is None or len(decided_places(place.check_of)) < place.check_of.size:
        return
    check = place.check_of
    notify(
        topic="assessment.early_check_ready",
        recipients=[
            one for one in people_of(check.delivery, *EARLY_READERS) if reads_early(check, one)
        ],
        subject=check,
        path=f"/moderate/early/{check.pk}/",
        context={"task": check.task.title, "delivery": check.delivery.title, "size": check.size},
    )


@handles(
    "portfolios.submission.returned",
    tells=["assessment.returned"],
)
def tell_of_return(record: TransitionRecord) -> None:
    """Whoever has to revise the decision now."""
    submission = submission_of(record)
    live = Allocation.objects.current().filter(submission=submission).select_related("assessor")
    people = [one.assessor for one in live]
    notify(
        topic="assessment.returned",
        recipients=[one for one in people if is_turn(submission, one)],
        record=record,
        path=f"/assess/m/{submission.pk}/",
        context=context_of(submission),
    )


@handles(
    "portfolios.submission.referred", tells=["assessment.referral", "assessment.early_check_ready"]
)
def tell_of_referral(record: TransitionRecord) -> None:
    """The learner, at once: what is asked for stands behind the link, never in the mail.

    A referral is one of the first decisions on a new task as any other.
    """
    submission = submission_of(record)
    tell_early_readers(record)
    notify(
        topic="assessment.referral",
        recipients=[submission.learner],
        record=record,
        path=f"/learn/referral/{submission.pk}/",
        context=context_of(submission),
        deadline=Deadline.objects.filter(
            subject_id=submission.portfolio_id, kind=RESUBMISSION_DEADLINE, state=DeadlineState.OPEN
        ).first(),
    )


@still_relevant("assessment.allocated", "assessment.adjudicator_asked", "assessment.due_moved")
def still_allocated(notification: Notification) -> bool:
    """Whether the person still has the work, and the learner has not taken it back."""
    return (
        Allocation.objects.current()
        .filter(submission=notification.subject_id, assessor=notification.recipient)
        .exclude(submission__state=SubmissionState.WITHDRAWN)
        .exists()
    )


@still_relevant("assessment.nobody_eligible")
def still_unallocated(notification: Notification) -> bool:
    """Whether the work still waits in the pool, be it for one of two who mark it."""
    waiting = Submission.objects.filter(pk=notification.subject_id)
    return unallocated(waiting).exists()


@reminder_relevant(MARKING_DEADLINE)
def still_to_mark(deadline: Deadline) -> bool:
    """Not decided, handed back, withdrawn or held in the meantime."""
    submission = Submission.objects.filter(pk=deadline.subject_id).first()
    if submission is None or submission.holds.open().exists():
        return False
    return submission.state in {*WORK_STATES, SubmissionState.UNDER_RECONSIDERATION}


@lies_in(MARKING_DEADLINE)
def deliveries_of_marking(keys: Iterable[Any]) -> dict[Any, Any]:
    """Where each submission lies."""
    return dict(Submission.objects.filter(pk__in=keys).values_list("pk", "delivery"))


@when_moved(MARKING_DEADLINE)
def keep_marking_dates(deadline: Deadline) -> None:
    """The queue and the allocation show the date that was counted anew."""
    Submission.objects.filter(pk=deadline.subject_id).update(marking_due_at=deadline.due_at)
    Allocation.objects.current().filter(submission=deadline.subject_id).update(
        due_at=deadline.due_at
    )


@reminder_text(MARKING_DEADLINE, tells=["assessment.marking_due"])
def marking_reminder(reminder: Reminder) -> tuple[str, str, dict[str, Any]]:
    submission = Submission.objects.select_related("task", "delivery").get(
        pk=reminder.deadline.subject_id
    )
    return marking_text(reminder, context_of(submission), submission.delivery.zone)


def marking_text(
    row: Reminder, context: dict[str, Any], zone: ZoneInfo
) -> tuple[str, str, dict[str, Any]]:
    due = in_words(row.deadline.due_at, zone)
    return (
        "assessment.marking_due",
        f"/assess/m/{row.deadline.subject_id}/",
        {**context, "due": due},
    )


@reminder_batch(MARKING_DEADLINE)
def marking_reminders(rows: list[Reminder]) -> dict[int, tuple[str, str, dict[str, Any]]]:
    """Both answers for many at once; the same as `still_to_mark` and `marking_reminder`, in one query."""
    waiting = {*WORK_STATES, SubmissionState.UNDER_RECONSIDERATION}
    found = (
        Submission.objects.filter(
            pk__in={row.deadline.subject_id for row in rows}, state__in=waiting
        )
        .exclude(holds__in=Hold.objects.open())
        .values_list("pk", "reference", "task__title", "delivery__time_zone")
    )
    known = {key: rest for key, *rest in found}
    texts = {}
    for row in rows:
        if rest := known.get(row.deadline.subject_id):
            reference, task, zone = rest
            context = {"reference": reference, "task": task}
            texts[row.pk] = marking_text(row, context, ZoneInfo(zone))
    return texts


@reminder_relevant(DISCUSSION_DEADLINE)
def still_to_agree(deadline: Deadline) -> bool:
    """Not concluded in the meantime, and nothing is on hold."""
    rows = Discussion.objects.filter(submission=deadline.subject_id, concluded_at__isnull=True)
    return rows.exclude(submission__holds__in=Hold.objects.open()).exists()


@lies_in(DISCUSSION_DEADLINE)
def deliveries_of_discussions(keys: Iterable[Any]) -> dict[Any, Any]:
    """Where each submission lies."""
    return dict(Submission.objects.filter(pk__in=keys).values_list("pk", "delivery"))


@when_moved(DISCUSSION_DEADLINE)
def keep_discussion_dates(deadline: Deadline) -> None:
    """The page shows the date that was counted anew."""
    rows = Discussion.objects.filter(submission=deadline.subject_id, concluded_at__isnull=True)
    rows.update(due_at=deadline.due_at)


@reminder_text(DISCUSSION_DEADLINE, tells=["assessment.discussion_due"])
def discussion_reminder(reminder: Reminder) -> tuple[str, str, dict[str, Any]]:
    _topic, path, context = marking_reminder(reminder)
    return ("assessment.discussion_due", f"{path}discussion/", context)


@reminder_relevant(REVIEW_DEADLINE)
def still_to_answer(deadline: Deadline) -> bool:
    """Not answered in the meantime."""
    return FeedbackReview.objects.open().filter(pk=deadline.subject_id).exists()


@lies_in(REVIEW_DEADLINE)
def deliveries_of_reviews(keys: Iterable[Any]) -> dict[Any, Any]:
    """Where each request lies."""
    rows = FeedbackReview.objects.filter(pk__in=keys)
    return dict(rows.values_list("pk", "submission__delivery"))


@reminder_text(REVIEW_DEADLINE, tells=["assessment.review_due"])
def review_reminder(reminder: Reminder) -> tuple[str, str, dict[str, Any]]:
    review = FeedbackReview.objects.select_related("submission__task", "submission__delivery").get(
        pk=reminder.deadline.subject_id
    )
    due = in_words(reminder.deadline.due_at, review.submission.delivery.zone)
    return (
        "assessment.review_due",
        f"/assess/reviews/{review.pk}/",
        {**context_of(review.submission), "due": due},
    )


@handles("portfolios.submission.submitted", tells=["assessment.allocated"])
def allocate_what_was_submitted(record: TransitionRecord) -> None:
    """Allocate an assessor, or leave the work in the pool with a notice to the administrators.

    Agreed work that is due for others comes right after it; what goes wrong there keeps no live work.
    """
    submission = Submission.objects.filter(
        pk=record.subject_id, state=SubmissionState.SUBMITTED
    ).first()
    if submission is not None:
        allocate_automatically(submission)
        transaction.on_commit(lambda: place_beside(submission), robust=True)


each_round("place_seeds")(place_seeds)

WORK = {"reference": "MOD-2026-7K4W9", "task": "Workplace portfolio"}
GIVEN = "You assess in this delivery."
A = "assessment."
describe(
    A + "allocated",
    Category.MARKING,
    who="The assessor",
    why=GIVEN,
    asks=True,
    frequency=Frequency.DAILY,
    sample=WORK,
)
describe(
    A + "adjudicator_asked",
    Category.MARKING,
    who="The adjudicator",
    why=GIVEN,
    asks=True,
    frequency=Frequency.DAILY,
    sample=WORK,
)
describe(
    A + "marking_due",
    Category.MARKING,
    who="The assessor, while it is not marked",
    why=GIVEN,
    asks=True,
    sample={**WORK, "due": "Friday 14 August 2026, 5:00 pm"},
)
for topic, who in (
    ("discussion_opened", "Two assessors whose decisions lie too far apart"),
    ("discussion_said", "The other of the two assessors"),
    ("discussion_due", "The two assessors, while they do not agree"),
):
    describe(
        A + topic,
        Category.MARKING,
        who=who,
        why=GIVEN,
        asks=True,
        sample={**WORK, "due": "Friday 14 August 2026, 5:00 pm"} if topic.endswith("due") else WORK,
    )
describe(
    A + "returned",
    Category.MARKING,
    who="Whoever has to revise the decision",
    why=GIVEN,
    asks=True,
    sample=WORK,
)
describe(
    A + "taken_over",
    Category.MARKING,
    who="The assessor who had the work open",
    why=GIVEN,
    sample={"reference": "MOD-2026-7K4W9", "by": "Lea Lead"},
)
describe(
    A + "concern_raised",
    Category.DELIVERY,
    who="Programme administrators; lead moderators where it is about hidden agreed work",
    asks=True,
    why="You look after this delivery.",
    sample={"reference": "MOD-2026-7K4W9", "delivery": "Winter cohort"},
)
describe(
    A + "waiver_asked",
    Category.DELIVERY,
    who="Those who allocate in the delivery, but for who asked and who it is about",
    asks=True,
    why="You allocate work in this delivery.",
    sample={"delivery": "Winter cohort", "assessor": "Ada Assessor"},
)
describe(
    A + "nobody_eligible",
    Category.DELIVERY,
    who="Programme administrators",
    asks=True,
    why="You administer this delivery.",
    sample={"reference": "MOD-2026-7K4W9", "delivery": "Winter cohort", "lacks_reo": False},
)
describe(
    A + "due_moved",
    Category.MARKING,
    who="Whoever has the work, when somebody gives more time for marking",
    why=GIVEN,
    frequency=Frequency.DAILY,
    sample={**WORK, "due": "Friday 14 August 2026, 5:00 pm"},
)
describe(
    A + "referral",
    Category.RESULTS,
    who="The learner",
    required=True,
    asks=True,
    why="This is about your submission.",
    sample=WORK,
)
describe(
    A + "review_asked",
    Category.MODERATION,
    who="Lead moderators without a part in the work",
    why="You lead moderation in this delivery.",
    asks=True,
    sample=WORK,
)
describe(
    A + "review_answered",
    Category.MARKING,
    who="The assessor who asked",
    why=GIVEN,
    sample=WORK,
)
describe(
    A + "result_asked",
    Category.MODERATION,
    who="Lead moderators without a part in the work; administrators where there is none",
    why="You lead moderation in this delivery.",
    asks=True,
    sample=WORK,
)
describe(
    A + "review_due",
    Category.MODERATION,
    who="The lead moderators who were asked, while nobody answered",
    why="You lead moderation in this delivery.",
    asks=True,
    sample={**WORK, "due": "Friday 14 August 2026, 5:00 pm"},
)
describe(
    A + "result_answered",
    Category.RESULTS,
    who="The learner who asked",
    why="This is about your submission.",
    sample=WORK,
)
EARLY = {"task": "Workplace portfolio", "delivery": "Winter cohort"}
describe(
    A + "early_check_ready",
    Category.MODERATION,
    who="Moderators of the delivery who marked none of it",
    why="You moderate in this delivery.",
    asks=True,
    sample={**EARLY, "size": 5},
)
describe(
    A + "early_check_passed",
    Category.MARKING,
    who="Assessors of the delivery",
    why=GIVEN,
    frequency=Frequency.DAILY,
    sample={**EARLY, "note": ""},
)
describe(
    A + "early_changes_asked",
    Category.MARKING,
    who="Assessors of the delivery, and the author of the version",
    why="You assess in this delivery, or wrote its tasks.",
    asks=True,
    sample={**EARLY, "note": "Read criterion 2 again: a sketch is no plan."},
)
describe(
    A + "calibration_not_passed",
    Category.MODERATION,
    who="Lead moderators of the version’s deliveries",
    why="You lead moderation in a delivery of this micro-credential.",
    sample={"assessor": "Ada Assessor", "task": "Workplace portfolio"},
)
describe(
    A + "seeds_told",
    Category.MARKING,
    who="Assessors who marked agreed work without knowing, when a lead moderator opens it to them",
    why=GIVEN,
    sample={"task": "Workplace portfolio", "delivery": "Winter cohort"},
)
