"""When a learner may expect the result."""

import datetime as dt
import math
from dataclasses import dataclass

from django.utils import timezone

from portfolios.models import Submission


@dataclass(frozen=True)
class Expectation:
    """When a result is to be expected, and what that is made of."""

    day: dt.date
    working_days: int
    from_experience: int
    is_over: bool


ENOUGH_RESULTS = 5
LOOK_BACK_DAYS = 400


def expected_result(submission: Submission) -> Expectation:
    """The working day by which four of five results of the task were released after submission.

    Below five results of the last year it is the sum of the policy's days for marking, moderation and
    sign-off. `is_over` says that the day is past: it takes longer than usual.
    """
    delivery = submission.delivery
    zone, calendar = delivery.zone, delivery.calendar
    since = timezone.now() - dt.timedelta(days=LOOK_BACK_DAYS)
    released = Submission.objects.filter(
        task=submission.task_id, released_at__gte=since, attempt=submission.attempt
    ).values_list("submitted_at", "released_at")[:500]
    lengths = sorted(
        calendar.between(begun.astimezone(zone).date(), done.astimezone(zone).date())
        for begun, done in released
    )
    if len(lengths) >= ENOUGH_RESULTS:
        days = lengths[math.ceil(len(lengths) * 0.8) - 1]
    else:
        keys = ("marking.days", "moderation.days", "service.sign_off_days")
        days = sum(int(delivery.policy_value(key)) for key in keys)
    day = calendar.add(submission.submitted_at.astimezone(zone).date(), days)
    today = timezone.now().astimezone(zone).date()
    experience = len(lengths) if len(lengths) >= ENOUGH_RESULTS else 0
    return Expectation(day, days, experience, day < today)
