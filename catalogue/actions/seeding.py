"""What stands beside a cohort and holds the agreed work that is hidden for one of its assessors."""

import secrets

from accounts.models import User
from catalogue.enums import DeliveryRoleKind
from catalogue.models import AssessmentTask, Delivery, DeliveryRole, TaskSchedule


def stand_beside(delivery: Delivery, task: AssessmentTask, assessor: User) -> Delivery:
    """A delivery for the seeds of one assessor, alike in all that the assessor may read, and nobody else's.

    It has the cohort's version, title, clock, dates and policy, the task's dates and switches of names, and
    the assessor alone as a person. Tells nobody. Not found through `Delivery.objects`.
    """
    made: Delivery = Delivery.with_seeds.create(
        version=delivery.version,
        code=f"seeds-{secrets.token_hex(12)}",
        title=delivery.title,
        mode=delivery.mode,
        time_zone=delivery.time_zone,
        region=delivery.region,
        starts_on=delivery.starts_on,
        ends_on=delivery.ends_on,
        policy_overrides=delivery.policy_overrides,
        opened_at=delivery.opened_at,
        seeds_for=delivery,
    )
    schedule = TaskSchedule.objects.get(delivery=delivery, task=task)
    TaskSchedule.objects.create(
        delivery=made,
        task=task,
        opens_at=schedule.opens_at,
        due_at=schedule.due_at,
        cut_off_at=schedule.cut_off_at,
        hides_learner=schedule.hides_learner,
        hides_assessor=schedule.hides_assessor,
        hides_between=schedule.hides_between,
    )
    DeliveryRole.objects.create(delivery=made, user=assessor, role=DeliveryRoleKind.ASSESSOR)
    return made
