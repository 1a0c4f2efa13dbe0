"""How often a task is read, the draw of what is read twice, and who opens the decision of whom."""

import secrets

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from assessment import guards, rules
from assessment.enums import Basis, Reading
from assessment.hashing import chance_of
from assessment.models import AssessmentDecision, Discussion, ReadingDraw, ReadingPlan
from catalogue.actions import expect_answer
from catalogue.models import AssessmentTask, Delivery
from portfolios.models import Submission
from workflows.actions import open_record
from workflows.exceptions import NotPermitted, StaleState
from workflows.notifications import notify

DISCUSSION_DEADLINE = "discussion"
FIRST_DECISION_READ = "Read the first assessor’s decision before deciding."
OTHER_DECISION_READ = "Read the other assessor’s decision. Both were sealed."


@transaction.atomic
def plan_readings(
    delivery: Delivery, task: AssessmentTask, *, actor: User, reading: Reading, percent: int = 100
) -> ReadingPlan:
    """Say how often this task is read here. A new seed is drawn each time; nothing is drawn by it yet.

    Raises NotPermitted for whoever does not allocate here; StaleState once something was submitted for it.
    """
    if not rules.may_allocate(delivery, actor) or task.version_id != delivery.version_id:
        raise NotPermitted(instance=delivery)
    locked = Delivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
    if Submission.objects.filter(delivery=locked, task=task).exists():
        raise StaleState(instance=delivery)
    made, _new = ReadingPlan.objects.update_or_create(
        delivery=delivery,
        task=task,
        defaults={
            "reading": reading,
            "percent": percent,
            "seed": secrets.token_hex(32),
            "set_by": actor,
            "set_at": timezone.now(),
        },
    )
    return made


def fix_reading(submission: Submission) -> None:
    """Keep whether two mark the submission blind, once, before anybody has marked any of it.

    Where a share is marked twice, the draw is kept as well. The caller holds the submission's lock.
    """
    plan = guards.reading_plan_of(submission)
    if plan is not None and plan.reading == Reading.SHARE:
        _draw(submission, plan)
    if guards.reads_blind(submission) and not submission.double_blind:
        submission.double_blind = True
        Submission.objects.filter(pk=submission.pk).update(double_blind=True)


def _draw(submission: Submission, plan: ReadingPlan) -> None:
    value = chance_of(plan.seed, submission.pk)
    ReadingDraw.objects.get_or_create(
        submission=submission,
        defaults={
            "seed": plan.seed,
            "percent": plan.percent,
            "value": value,
            "is_double": value * 100 < plan.percent,
        },
    )


@transaction.atomic
def open_first_decision(submission: Submission, *, actor: User) -> AssessmentDecision:
    """The first assessor's sealed decision, for the second one where the task is read in the open.

    Writes an access record, which those who allocate find with the submission. Raises NotPermitted wherever
    the two are blind to each other, and for everybody else.
    """
    if not rules.may_open_first_decision(submission, actor):
        raise NotPermitted(instance=submission)
    first: AssessmentDecision | None = (
        AssessmentDecision.objects.sealed()
        .filter(submission=submission, basis=Basis.ASSESSMENT)
        .select_related("grade")
        .order_by("-number")
        .first()
    )
    if first is None:
        raise NotPermitted(instance=submission)
    open_record(submission, actor=actor, purpose=FIRST_DECISION_READ)
    return first


def open_discussion(
    submission: Submission,
    first: AssessmentDecision,
    second: AssessmentDecision,
    *,
    actor: User,
) -> Discussion:
    """Let two assessors who sealed decisions too far apart talk about them. No state moves.

    Tells both, with a date and its reminders. The caller holds the submission's lock.
    """
    asked = expect_answer(
        submission,
        kind=DISCUSSION_DEADLINE,
        delivery=submission.delivery,
        policy="double.discussion_days",
        recipients=[first.author, second.author],
        actor=actor,
    )
    made: Discussion = Discussion.objects.create(
        submission=submission, first=first, second=second, due_at=asked.due_at
    )
    notify(
        topic="assessment.discussion_opened",
        recipients=[first.author, second.author],
        subject=submission,
        path=f"/assess/m/{submission.pk}/discussion/",
        context={"reference": submission.reference, "task": submission.task.title},
        dedupe=f"discussion:{made.pk}",
    )
    return made


@transaction.atomic
def open_other_decision(discussion: Discussion, *, actor: User) -> AssessmentDecision:
    """The other assessor's sealed decision, for each of two who talk about theirs. Each opening is noted.

    Raises NotPermitted for everybody else, and once the discussion is concluded.
    """
    other = discussion.others(actor)
    if other is None or discussion.concluded_at is not None:
        raise NotPermitted(instance=discussion.submission)
    open_record(discussion.submission, actor=actor, purpose=OTHER_DECISION_READ)
    return other
