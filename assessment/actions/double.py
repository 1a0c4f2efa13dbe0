"""How often a task is read, the draw of what is read twice, and opening the first decision where that is open."""

import secrets

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from assessment import guards, rules
from assessment.enums import Basis, Reading
from assessment.hashing import chance_of
from assessment.models import AssessmentDecision, ReadingDraw, ReadingPlan
from catalogue.models import AssessmentTask, Delivery
from portfolios.models import Submission
from workflows.actions import open_record
from workflows.exceptions import NotPermitted, StaleState

FIRST_DECISION_READ = "Read the first assessor’s decision before deciding."


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


def draw_reading(submission: Submission) -> None:
    """Keep whether the submission is read twice, once, before anybody has marked any of it.

    Only where a share is drawn. The caller holds the submission's lock.
    """
    plan = guards.reading_plan_of(submission)
    if plan is None or plan.reading != Reading.SHARE:
        return
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
