"""Whose names are kept from whom, task by task; and names shown in spite of that, each time noted."""

from django.db import transaction

from accounts.models import User
from accounts.words import plain_text
from assessment import rules
from assessment.selectors import author_of_result
from catalogue.models import AssessmentTask, Delivery, TaskSchedule
from portfolios.models import Submission
from workflows.actions import open_record
from workflows.exceptions import NotPermitted, StaleState

LEARNER_SHOWN = "Name of the learner shown."
ASSESSOR_SHOWN = "Name of the assessor shown to the learner."


@transaction.atomic
def reveal_learner(submission: Submission, *, actor: User, reason: str = "") -> str:
    """The learner's name. Writes an access record with as much of the reason as it holds.

    From release on for those who marked it; before that only for those who allocate the work, with a reason.
    Raises NotPermitted for everybody else.
    """
    why = plain_text(reason).strip()
    if not rules.may_reveal_learner(submission, actor, has_reason=bool(why)):
        raise NotPermitted(instance=submission)
    open_record(submission, actor=actor, purpose=f"{LEARNER_SHOWN} {why}".strip()[:100])
    return str(submission.learner.name)


@transaction.atomic
def reveal_assessor(submission: Submission, *, actor: User) -> str:
    """Who gave the result, for its learner from release on. Writes an access record.

    Never before, and never who gave a decision that did not become the result. NotPermitted otherwise.
    """
    author = author_of_result(submission)
    if author is None or not rules.may_reveal_assessor(submission, actor):
        raise NotPermitted(instance=submission)
    open_record(submission, actor=actor, purpose=ASSESSOR_SHOWN)
    return str(author.name)


@transaction.atomic
def plan_names(
    delivery: Delivery,
    task: AssessmentTask,
    *,
    actor: User,
    learner: bool | None,
    assessor: bool | None,
    between: bool | None,
) -> TaskSchedule:
    """Say for one task whose names are kept from whom until release; None leaves it to the policy.

    Every later submission of the task keeps what is said now. NotPermitted for whoever does not allocate here,
    and for a task without dates; StaleState once something was submitted for it.
    """
    schedule = (
        TaskSchedule.objects.select_for_update(of=("self",), no_key=True)
        .filter(delivery=delivery, task=task)
        .first()
    )
    if schedule is None or not rules.may_allocate(delivery, actor):
        raise NotPermitted(instance=delivery)
    if Submission.objects.filter(delivery=delivery, task=task).exists():
        raise StaleState(instance=delivery)
    schedule.hides_learner = learner
    schedule.hides_assessor = assessor
    schedule.hides_between = between
    schedule.save(update_fields=["hides_learner", "hides_assessor", "hides_between"])
    found: TaskSchedule = schedule
    return found
