"""When results come out, and what a learner reads of one that is out."""

from dataclasses import dataclass
from datetime import UTC, datetime, time

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from assessment.enums import Outcome
from assessment.models import AssessmentDecision
from awards import guards
from awards.models import Credential, Reconsideration, Release
from awards.selectors.candidates import VISIBLE, result_label
from catalogue.models import AssessmentTask, Delivery
from portfolios.enums import SubmissionState
from portfolios.models import Submission

S = SubmissionState


def default_release_time(delivery: Delivery, now: datetime | None = None) -> datetime:
    """Next working day at the policy's hour in the delivery's zone, across daylight saving."""
    today = (now or timezone.now()).astimezone(delivery.zone).date()
    hour: int = delivery.policy_value("release.hour")
    day = delivery.calendar.add(today, 1)
    return datetime.combine(day, time(hour), tzinfo=delivery.zone).astimezone(UTC)


def is_bad_release_time(moment: datetime, delivery: Delivery) -> bool:
    """Friday after 3 pm, or a day nobody works: learners with a question would find nobody to ask."""
    local = moment.astimezone(delivery.zone)
    if local.weekday() == 4 and local.time() >= time(15):
        return True
    return not delivery.calendar.is_working_day(local.date())


def scheduled_release(delivery: Delivery, task: AssessmentTask) -> Release | None:
    found: Release | None = Release.objects.scheduled().filter(delivery=delivery, task=task).first()
    return found


def announced_for(submission: Submission) -> datetime | None:
    """When results of this task are due to come out, once that is scheduled; the same for everybody."""
    if submission.state != S.RATIFIED:
        return None
    planned = scheduled_release(submission.delivery, submission.task)
    return planned.scheduled_for if planned else None


@dataclass(frozen=True)
class Result:
    """What a learner may read of a released result."""

    submission: Submission
    decision: AssessmentDecision
    credential: Credential | None
    reconsideration: Reconsideration | None
    concluded: Reconsideration | None
    ask_until: datetime | None

    @property
    def achieved(self) -> bool:
        return self.decision.outcome == Outcome.ACHIEVED

    @property
    def label(self) -> str:
        return result_label(self.decision)

    @property
    def may_ask(self) -> bool:
        return (
            self.submission.state == S.RELEASED
            and self.reconsideration is None
            and self.ask_until is not None
            and timezone.now() <= self.ask_until
        )


def result_for(submission: Submission, learner: User) -> Result | None:
    """The result of the learner's own work; None, with nothing looked up, before it is released."""
    if submission.state not in VISIBLE:
        return None
    decision = (
        AssessmentDecision.objects.shown_to_learner(learner)
        .filter(submission=submission)
        .select_related("grade")
        .prefetch_related(
            "judgements__criterion", "judgements__level", "judgements__pointers__evidence"
        )
        .order_by("-number")
        .first()
    )
    if decision is None:
        return None
    asked = list(submission.reconsiderations.all())
    return Result(
        submission,
        decision,
        Credential.objects.live().filter(submission=submission).first(),
        next((one for one in asked if one.concluded_at is None), None),
        next((one for one in reversed(asked) if one.concluded_at is not None), None),
        guards.reconsideration_until(submission),
    )


def check_address(credential: Credential) -> str:
    """The address at which anybody may check the credential."""
    return settings.SITE_URL + reverse("awards:credential_check", args=[credential.pk])
