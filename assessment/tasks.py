"""What the clock asks for."""

import secrets
from uuid import UUID

from celery import shared_task

from accounts.models import User
from assessment.actions.seeding import place_seed, waiting_alone
from assessment.models import SeedPlan

ROUND_S = 300
"""Beat asks each five minutes; work that always came on the stroke of one would tell."""


@shared_task(ignore_result=True)
def place_seeds() -> int:
    """Let each seed that is due to somebody who marks alone come at some moment of this round."""
    found = waiting_alone()
    for plan, assessor in found:
        place_one.apply_async(
            args=[str(plan.pk), str(assessor.pk)], countdown=secrets.randbelow(ROUND_S)
        )
    return len(found)


@shared_task(ignore_result=True)
def place_one(plan: str, assessor: str) -> bool:
    """Hide one piece of agreed work, if it is still due."""
    found = SeedPlan.objects.get(pk=UUID(plan))
    return place_seed(found, User.objects.get(pk=UUID(assessor))) is not None
