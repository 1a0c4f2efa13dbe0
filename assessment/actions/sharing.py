"""Carrying out a plan that somebody saw, and what plans go by: shares, hours, times, leave, groups and pins."""

import datetime as dt
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from assessment import rules
from assessment.actions.allocation import end_all, give_all
from assessment.models import (
    Allocation,
    AssessmentDecision,
    Capacity,
    LearnerGroup,
    Leave,
    MarkingTime,
    Pin,
)
from assessment.querysets import unallocated
from assessment.selectors import people_of, within
from assessment.selectors.sharing import staff_of
from catalogue.enums import DeliveryRoleKind
from catalogue.models import AssessmentTask, Delivery, Enrolment
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from workflows.exceptions import NotPermitted, StaleState


@transaction.atomic
def allocate_as_planned(
    delivery: Delivery,
    *,
    actor: User,
    previewed: Sequence[tuple[UUID, UUID]],
    moved: Sequence[UUID] = (),
) -> int:
    """Give each piece of work to whom the preview named; each assessor is told. Gives how many.

    `previewed` are pairs (submission, assessor); `moved` are the allocations that end for them, of work that
    nobody has opened, whose drafts are kept. Whatever made the plan, the rules are asked again: where somebody
    allocated, claimed, opened or handed in meanwhile, or a conflict came to light, nothing at all is done and
    StaleState or GuardsNotMet asks to look again. The number of statements does not grow with the pairs.
    """
    if not rules.may_allocate(delivery, actor):
        raise NotPermitted(instance=delivery)
    wanted = dict(previewed)
    if len(wanted) != len(previewed):
        raise StaleState(instance=delivery)
    rows = Submission.objects.filter(delivery=delivery, pk__among=list(wanted))
    list(rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk"))
    if moved:
        _end_unopened(delivery, wanted, moved, actor)
    work = within(delivery, unallocated(rows))
    people = {one.pk: one for one in people_of(delivery, DeliveryRoleKind.ASSESSOR)}
    if len(work) != len(wanted) or not set(wanted.values()) <= set(people):
        raise StaleState(instance=delivery)
    staff = staff_of(delivery, work)
    if any(wanted[one.pk] in staff.taken.get(one.pk, ()) for one in work):
        raise StaleState(instance=delivery)
    give_all([(one, people[wanted[one.pk]]) for one in work], actor=actor)
    return len(work)


def _end_unopened(
    delivery: Delivery, wanted: dict[UUID, UUID], moved: Sequence[UUID], actor: User
) -> None:
    sealed = AssessmentDecision.objects.sealed().filter(submission__pk__among=list(wanted))
    live = list(
        Allocation.objects.current()
        .filter(
            pk__in=moved,
            submission__pk__among=list(wanted),
            submission__state=SubmissionState.SUBMITTED,
        )
        .exclude(submission__in=sealed.values("submission"))
        .select_related("submission")
        .defer("submission__manifest")
    )
    if len(live) != len(set(moved)):
        raise StaleState(instance=delivery)
    end_all(live, reason="Moved to even out the work", actor=actor)


@transaction.atomic
def set_capacity(
    delivery: Delivery, assessor: User, *, actor: User, shares: int, hours: int | None
) -> Capacity:
    """How much of the work somebody takes, and how many hours of it at once. Moves nothing by itself.

    Raises NotPermitted for whoever does not allocate here, and for people who do not assess here.
    """
    _may(delivery, actor, assessor)
    made, _new = Capacity.objects.update_or_create(
        delivery=delivery,
        assessor=assessor,
        defaults={"shares": shares, "hours": hours, "set_by": actor, "set_at": timezone.now()},
    )
    return made


@transaction.atomic
def enter_leave(
    delivery: Delivery, assessor: User, *, actor: User, first_day: dt.date, last_day: dt.date
) -> Leave:
    """Somebody marks nothing on these days, wherever they assess: they are given nothing by itself. Moves nothing.

    Those who allocate enter it; so does the assessor for themselves.
    """
    if actor != assessor or assessor not in people_of(delivery, DeliveryRoleKind.ASSESSOR):
        _may(delivery, actor, assessor)
    made: Leave = Leave.objects.create(
        person=assessor, first_day=first_day, last_day=last_day, entered_by=actor
    )
    return made


@transaction.atomic
def take_back_leave(delivery: Delivery, leave: Leave, *, actor: User) -> None:
    """The person is there after all."""
    if actor != leave.person:
        _may(delivery, actor, leave.person)
    Leave.objects.filter(pk=leave.pk, ended_at__isnull=True).update(ended_at=timezone.now())


@transaction.atomic
def pin_learner(delivery: Delivery, learner: User, assessor: User, *, actor: User) -> Pin:
    """From now on this learner's work here goes to this assessor, if nothing stands against it then."""
    _may(delivery, actor, assessor)
    if not Enrolment.objects.filter(delivery=delivery, learner=learner).exists():
        raise NotPermitted(instance=delivery)
    live = Pin.objects.filter(delivery=delivery, learner=learner, ended_at__isnull=True)
    live.update(ended_at=timezone.now())
    made: Pin = Pin.objects.create(
        delivery=delivery, learner=learner, assessor=assessor, pinned_by=actor
    )
    return made


@transaction.atomic
def unpin(pin: Pin, *, actor: User) -> None:
    """The learner's work goes to whoever may, like that of everybody else."""
    if not rules.may_allocate(pin.delivery, actor):
        raise NotPermitted(instance=pin)
    Pin.objects.filter(pk=pin.pk, ended_at__isnull=True).update(ended_at=timezone.now())


@transaction.atomic
def set_marking_time(
    delivery: Delivery, task: AssessmentTask, *, actor: User, minutes: int | None
) -> None:
    """How long marking one submission of a task takes here; None goes back to the policy's time. Moves nothing.

    Raises NotPermitted for whoever does not allocate here, and for tasks of another version.
    """
    if not rules.may_allocate(delivery, actor) or task.version_id != delivery.version_id:
        raise NotPermitted(instance=delivery)
    if minutes is None:
        MarkingTime.objects.filter(delivery=delivery, task=task).delete()
        return
    MarkingTime.objects.update_or_create(
        delivery=delivery,
        task=task,
        defaults={"minutes": minutes, "set_by": actor, "set_at": timezone.now()},
    )


@transaction.atomic
def set_groups(delivery: Delivery, *, actor: User, groups: Mapping[UUID, str]) -> int:
    """Which group each of these learners is in, by key; an empty name takes the learner out of any.

    Learners who are not named stay where they are. Gives how many were named. Raises NotPermitted for whoever
    does not allocate here, and for people who do not learn here.
    """
    if not rules.may_allocate(delivery, actor):
        raise NotPermitted(instance=delivery)
    here = Enrolment.objects.filter(delivery=delivery, learner__in=list(groups))
    if set(here.values_list("learner_id", flat=True)) != set(groups):
        raise NotPermitted(instance=delivery)
    LearnerGroup.objects.filter(delivery=delivery, learner__in=list(groups)).delete()
    LearnerGroup.objects.bulk_create(
        LearnerGroup(delivery=delivery, learner_id=key, name=name, set_by=actor)
        for key, name in groups.items()
        if name
    )
    return len(groups)


def _may(delivery: Delivery, actor: User, assessor: User) -> None:
    if not rules.may_allocate(delivery, actor):
        raise NotPermitted(instance=delivery)
    if assessor not in people_of(delivery, DeliveryRoleKind.ASSESSOR):
        raise NotPermitted(instance=delivery)
