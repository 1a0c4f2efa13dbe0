"""Publication of ratified results: schedule, cancel, now, and when the clock says so."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import CLOCK, Actor, User
from awards import exceptions, guards, selectors
from awards.actions.credentials import settle_credential
from awards.enums import ReleaseOutcome
from awards.models import Release
from catalogue.models import AssessmentTask, Delivery
from catalogue.rules import is_programme_administrator
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from workflows.actions import cancel_deadline, reopen_deadline, set_deadline
from workflows.enums import DeadlineState
from workflows.exceptions import GuardsNotMet, NotPermitted
from workflows.models import Deadline
from workflows.transitions import perform_set

RECONSIDERATION_DEADLINE = "reconsideration"


def schedule_release(
    delivery: Delivery,
    task: AssessmentTask,
    *,
    actor: User,
    at: datetime | None = None,
) -> Release:
    """Plan the release for `at`, or for the next working day at the policy's hour. Nothing moves yet.

    What is ratified when the time comes is released then, by the clock. Refuses the past, days nobody
    works, and Friday after 3 pm. Raises NotPermitted or GuardsNotMet.
    """
    at = at or selectors.default_release_time(delivery)
    unmet = []
    if at <= timezone.now() or selectors.is_bad_release_time(at, delivery):
        unmet.append(exceptions.RELEASE_TIME)
    return _create(delivery, task, actor=actor, at=at, unmet=unmet)


def _create(
    delivery: Delivery,
    task: AssessmentTask,
    *,
    actor: User,
    at: datetime,
    unmet: list[Any],
) -> Release:
    if not is_programme_administrator(actor, delivery):
        raise NotPermitted
    if not selectors.release_candidates(delivery, task).eligible:
        unmet.append(exceptions.NOTHING_TO_RELEASE)
    if unmet:
        raise GuardsNotMet(unmet)
    try:
        with transaction.atomic():
            return Release.objects.create(
                delivery=delivery, task=task, scheduled_for=at, created_by=actor
            )
    except IntegrityError as error:
        raise GuardsNotMet([exceptions.RELEASE_SCHEDULED]) from error


@transaction.atomic
def release_now(delivery: Delivery, task: AssessmentTask, *, actor: User) -> Release:
    """Release everything ratified at once, in the administrator's name; a scheduled release is taken over."""
    if not is_programme_administrator(actor, delivery):
        raise NotPermitted
    waiting = Release.objects.select_for_update(of=("self",)).filter(
        delivery=delivery, task=task, outcome=ReleaseOutcome.SCHEDULED
    )
    for one in waiting:
        _cancel(one)
    release = _create(delivery, task, actor=actor, at=timezone.now(), unmet=[])
    return carry_out(release, actor=actor)


def carry_out(release: Release, *, actor: Actor) -> Release:
    """Release what may move and keep the report. Called with the release row locked."""
    outcome = perform_set(
        Submission.objects.filter(
            delivery=release.delivery_id, task=release.task_id, state=SubmissionState.RATIFIED
        ),
        "release",
        actor=actor,
        facts={"release": str(release.pk), "scheduled_for": release.scheduled_for},
    )
    release.outcome = ReleaseOutcome.DONE
    release.done_at = timezone.now()
    release.report = {
        "released": [str(key) for key in outcome.moved],
        "refused": {
            str(key): [str(one.message) for one in reasons]
            for key, reasons in outcome.refused.items()
        },
    }
    release.save(update_fields=["outcome", "done_at", "report"])
    return release


@transaction.atomic
def cancel_release(release: Release, *, actor: User) -> Release:
    """Take a scheduled release back. Nothing was published, so nobody is told."""
    locked: Release = Release.objects.select_for_update(of=("self",)).get(pk=release.pk)
    if not is_programme_administrator(actor, locked.delivery):
        raise NotPermitted
    if locked.outcome != ReleaseOutcome.SCHEDULED:
        raise exceptions.ReleaseOver(instance=locked)
    return _cancel(locked)


def _cancel(release: Release) -> Release:
    release.outcome = ReleaseOutcome.CANCELLED
    release.save(update_fields=["outcome"])
    return release


def release_due() -> int:
    """Carry out every release whose time has come, each in its own transaction; how many were done.

    Several clocks may call this at once: each release is taken by one of them.
    """
    done = 0
    for key in list(Release.objects.due().values_list("pk", flat=True)):
        done += _carry_out_due(key)
    return done


@transaction.atomic
def _carry_out_due(key: UUID) -> int:
    release = (
        Release.objects.due()
        .select_for_update(of=("self",), skip_locked=True)
        .filter(pk=key)
        .first()
    )
    if release is None:
        return 0
    carry_out(release, actor=CLOCK)
    return 1


@transaction.atomic
def settle_release(submission: Submission) -> Deadline | None:
    """What follows the release of one result: its credential, and the last day to ask for a fresh look.

    Called for each released submission from the outbox, so a large release holds no long transaction.
    Repeating it changes nothing. Gives the last day; None where nobody may ask any more.
    """
    settle_credential(submission)
    return settle_window(submission)


@transaction.atomic
def settle_window(submission: Submission, *, reason: str = "") -> Deadline | None:
    """Let the last day to ask stand in the learner's calendar exactly while the rule lets them ask.

    Whatever happened to the result, and in whatever order its facts are handled: open while it is released, the
    same entry again where it was closed meanwhile; otherwise closed with the reason. Gives the open one.
    """
    rows = Deadline.objects.of(submission).filter(kind=RECONSIDERATION_DEADLINE)
    window = guards.reconsideration_window(submission)
    if window is None or submission.state != SubmissionState.RELEASED:
        for deadline in rows.open():
            cancel_deadline(deadline, actor=CLOCK, reason=reason)
        return None
    delivery = submission.delivery
    due_at = window.resolve(delivery.zone, delivery.calendar)
    newest = rows.order_by("-pk").first()
    if newest is not None and newest.state == DeadlineState.CANCELLED:
        if due_at < timezone.now():
            return None
        reopen_deadline(newest, due_at=due_at, actor=CLOCK, reason=reason)
    return set_deadline(
        subject=submission,
        kind=RECONSIDERATION_DEADLINE,
        due_at=due_at,
        after=window,
        zone=delivery.time_zone,
        region=delivery.region,
        recipients=[submission.learner],
        offsets=[],
        actor=CLOCK,
    )
