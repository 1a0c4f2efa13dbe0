"""Planning and opening deliveries; dates of their tasks."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from accounts.models import Actor, Organisation, User
from catalogue import guards, rules
from catalogue.actions.hooks import tell
from catalogue.definitions import BLOCKS, WARNS, in_both, policy_problem
from catalogue.exceptions import PolicyRefused, ScheduleRefused
from catalogue.models import (
    AssessmentTask,
    Delivery,
    MicroCredentialVersion,
    TaskSchedule,
    policy_defaults,
)
from workflows.actions import After, set_deadline
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import Deadline


@transaction.atomic
def plan_delivery(
    version: MicroCredentialVersion,
    *,
    code: str,
    title: str,
    mode: str,
    starts_on: date,
    ends_on: date,
    actor: User,
    time_zone: str = "Pacific/Auckland",
    region: str = "",
    client: Organisation | None = None,
) -> Delivery:
    """Make a delivery that is not open yet. Learners in it see nothing before it opens."""
    if not rules.administers_version(version, actor):
        raise NotPermitted
    made: Delivery = Delivery.objects.create(
        version=version,
        code=code,
        title=title,
        mode=mode,
        starts_on=starts_on,
        ends_on=ends_on,
        time_zone=time_zone,
        region=region,
        client=client,
    )
    return made


def expect_answer(
    subject: Model,
    *,
    kind: str,
    delivery: Delivery,
    policy: str,
    recipients: Iterable[User],
    actor: Actor,
    offsets: Sequence[str] | None = None,
    since: datetime | None = None,
) -> Deadline:
    """Set the date by which people of a delivery are to act: the policy's working days from now, with reminders.

    `since` counts from another moment. The date moves with the delivery’s calendar. Nobody is told by this.
    """
    after = After(since or timezone.now(), delivery.policy_value(policy))
    return set_deadline(
        subject=subject,
        kind=kind,
        due_at=after.resolve(delivery.zone, delivery.calendar),
        zone=delivery.time_zone,
        region=delivery.region,
        after=after,
        recipients=recipients,
        offsets=offsets,
        actor=actor,
    )


@transaction.atomic
def set_policy(delivery: Delivery, *, overrides: dict[str, Any], actor: User) -> Delivery:
    """Replace the delivery's own policy values. Only before it opens: StaleState afterwards.

    PolicyRefused names each value that is unknown or of the wrong kind; nothing is saved then.
    """
    locked = lock_delivery(delivery, actor)
    if locked.opened_at is not None:
        raise StaleState(instance=locked)
    known = policy_defaults()
    problems = {
        key: "There is no such policy." if key not in known else policy_problem(key, value, known)
        for key, value in overrides.items()
    }
    problems = {key: problem for key, problem in problems.items() if problem}
    named = {key: overrides.get(key, locked.version.policy_value(key)) for key in (BLOCKS, WARNS)}
    if not problems and (both := in_both(named)):
        problems[BLOCKS if BLOCKS in overrides else WARNS] = both
    if problems:
        raise PolicyRefused(problems)
    locked.policy_overrides = overrides
    locked.save(update_fields=["policy_overrides"])
    return locked


@transaction.atomic
def set_schedule(
    delivery: Delivery,
    task: AssessmentTask,
    *,
    opens_at: datetime,
    due_at: datetime,
    cut_off_at: datetime,
    actor: User,
    reason: str = "",
) -> TaskSchedule:
    """Set when a task opens, is due and closes, or move that.

    Portfolios and deadlines of the learners move in the same transaction, through `when("schedule_moved")`.
    """
    locked = lock_delivery(delivery, actor)
    if task.version_id != locked.version_id:
        raise ScheduleRefused("This task belongs to another version.")
    if not opens_at < due_at <= cut_off_at:
        raise ScheduleRefused("A task opens before it is due, and closes then or later.")
    dates = {"opens_at": opens_at, "due_at": due_at, "cut_off_at": cut_off_at}
    schedule, made = TaskSchedule.objects.select_for_update().get_or_create(
        delivery=locked, task=task, defaults=dates
    )
    if made:
        return schedule
    if all(getattr(schedule, name) == value for name, value in dates.items()):
        return schedule
    for name, value in dates.items():
        setattr(schedule, name, value)
    schedule.save()
    tell("schedule_moved", schedule=schedule, reason=reason, actor=actor)
    return schedule


@transaction.atomic
def open_delivery(delivery: Delivery, *, actor: User) -> Delivery:
    """Open the delivery to its learners and fix its policy.

    Every policy value that holds now is written into the delivery, so that neither a new default nor a
    change of the version reaches work that has begun. GuardsNotMet with everything that is missing;
    StaleState if it is open already.
    """
    locked = lock_delivery(delivery, actor)
    if locked.opened_at is not None:
        raise StaleState(instance=locked)
    if missing := missing_to_open(locked):
        raise GuardsNotMet(missing, instance=locked)
    locked.policy_overrides = {key: locked.policy_value(key) for key in policy_defaults()}
    locked.opened_at = timezone.now()
    locked.save(update_fields=["policy_overrides", "opened_at"])
    tell("delivery_opened", delivery=locked, actor=actor)
    return locked


def missing_to_open(delivery: Delivery) -> list[Any]:
    """The guards that stand in the way of opening; the delivery's page shows them beforehand."""
    return [guard for guard in guards.TO_OPEN if not guard.holds(delivery)]


def lock_delivery(delivery: Delivery, actor: User) -> Delivery:
    """The delivery as it is now, kept from others; NotPermitted unless `actor` administers it."""
    locked: Delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if not rules.is_programme_administrator(actor, locked):
        raise NotPermitted(instance=locked)
    return locked
