"""Doing one thing to work that was chosen in the queue, as it was previewed, or nothing at all."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from assessment import rules
from assessment.actions.allocation import MARKING_DEADLINE, end_all, give_all
from assessment.models import Allocation
from assessment.selectors import MARKING_ROLES, people_of, within
from assessment.selectors.chosen import held_of
from assessment.selectors.filters import QUEUED
from assessment.selectors.sharing import staff_of
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from workflows.actions import NewDeadline, cancel_deadlines, make_deadlines
from workflows.enums import Lane
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import Deadline
from workflows.notifications import Draft, notify_all
from workflows.words import in_words

MOVABLE = (SubmissionState.SUBMITTED, SubmissionState.IN_ASSESSMENT)


def _locked(delivery: Delivery, keys: Sequence[UUID], actor: User) -> list[Submission]:
    """These submissions of the delivery, locked. NotPermitted; StaleState where one waits no longer."""
    if not rules.may_allocate(delivery, actor):
        raise NotPermitted(instance=delivery)
    rows = Submission.objects.filter(delivery=delivery, pk__in=keys, state__in=QUEUED)
    list(rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk"))
    found = within(delivery, rows.order_by("pk"))
    if len(found) != len(keys):
        raise StaleState(instance=delivery)
    return found


@transaction.atomic
def move_chosen(
    delivery: Delivery, *, actor: User, moves: Sequence[tuple[UUID, UUID, UUID]], reason: str
) -> int:
    """Give each piece of work to somebody else; drafts are kept, and each new assessor is told. Gives how many.

    `moves` are (submission, new assessor, allocation that ends). Only first and second assessments that nobody has
    decided. Where anything of it has changed since it was looked at nothing is done: StaleState, or GuardsNotMet
    where a conflict came to light. The number of statements does not grow with the moves.
    """
    work = _locked(delivery, [one for one, _to, _held in moves], actor)
    held = held_of(work)
    wanted = {key: (to, allocation) for key, to, allocation in moves}
    people = {one.pk: one for one in people_of(delivery, DeliveryRoleKind.ASSESSOR)}
    taken = staff_of(delivery, work).taken
    ended: list[Allocation] = []
    for one in work:
        to, allocation = wanted[one.pk]
        rows = held.unsealed(one)
        fits = (
            [each.pk for each in rows] == [allocation]
            and rows[0].role in MARKING_ROLES
            and one.state in MOVABLE
            and to in people
            and to not in taken.get(one.pk, ())
        )
        if not fits:
            raise StaleState(instance=delivery)
        ended.append(rows[0])
    end_all(ended, reason=reason, actor=actor)
    give_all(
        [(one, people[wanted[one.pk][0]]) for one in work],
        actor=actor,
        roles={one.submission_id: one.role for one in ended},
    )
    return len(work)


@transaction.atomic
def release_chosen(
    delivery: Delivery, *, actor: User, held: Sequence[tuple[UUID, Sequence[UUID]]]
) -> int:
    """Put work that nobody has opened back into the pool. Gives how much.

    `held` are (submission, its live allocations). The assessors are told by its absence alone; reminders stop.
    StaleState where anything has changed since it was looked at; then nothing is done.
    """
    work = _locked(delivery, [one for one, _keys in held], actor)
    now = held_of(work)
    wanted = {key: sorted(keys) for key, keys in held}
    ended: list[Allocation] = []
    for one in work:
        rows = now.unsealed(one)
        if one.state != SubmissionState.SUBMITTED or not rows:
            raise StaleState(instance=delivery)
        if sorted(each.pk for each in rows) != wanted[one.pk]:
            raise StaleState(instance=delivery)
        ended += rows
    reason = "Put back into the pool"
    end_all(ended, reason=reason, actor=actor)
    cancel_deadlines(_deadlines(work), actor=actor, reason=reason)
    return len(work)


@transaction.atomic
def extend_chosen(
    delivery: Delivery,
    *,
    actor: User,
    seen: Sequence[tuple[UUID, dt.datetime | None]],
    due_at: dt.datetime,
    reason: str,
) -> int:
    """Give more time for marking: work, allocations and reminders move; whoever has the work is told. Gives how much.

    `seen` are (submission, the date that it had). Nothing is ever due earlier by it. StaleState where a date has
    moved since it was looked at, or the new one is no later or is over; then nothing is done.
    """
    work = _locked(delivery, [one for one, _due in seen], actor)
    had = dict(seen)
    for one in work:
        now = one.marking_due_at
        if now != had[one.pk] or due_at <= timezone.now() or (now is not None and due_at <= now):
            raise StaleState(instance=delivery)
    keys = [one.pk for one in work]
    Submission.objects.filter(pk__in=keys).update(marking_due_at=due_at)
    live = Allocation.objects.current().filter(submission__in=keys)
    live.update(due_at=due_at)
    rows = _deadlines(work)
    reminded = dict(rows.values_list("subject_id", "people"))
    people = User.objects.in_bulk({key for some in reminded.values() for key in some or ()})
    cancel_deadlines(rows, actor=actor, reason=reason)
    by_key = {one.pk: one for one in work}
    make_deadlines(
        [
            NewDeadline(
                by_key[key],
                MARKING_DEADLINE,
                due_at,
                delivery.time_zone,
                [one for one in people.values() if str(one.pk) in (some or ())],
                delivery.region,
            )
            for key, some in reminded.items()
        ],
        actor=actor,
    )
    due = in_words(due_at, delivery.zone)
    notify_all(
        [
            Draft(
                topic="assessment.due_moved",
                recipient=one.assessor,
                path=f"/assess/m/{one.submission_id}/",
                context={
                    "reference": by_key[one.submission_id].reference,
                    "task": by_key[one.submission_id].task.title,
                    "due": due,
                },
                lane=Lane.RESULT,
                anchor=f"due:{one.pk}:{due_at.isoformat()}",
                subject=(Submission._meta.label_lower, one.submission_id),
            )
            for one in live.select_related("assessor")
        ]
    )
    return len(work)


def _deadlines(work: Sequence[Submission]) -> QuerySet[Deadline]:
    """Open marking deadlines of this work; one each at most."""
    rows: QuerySet[Deadline] = Deadline.objects.open().filter(
        kind=MARKING_DEADLINE,
        subject_type=Submission._meta.label_lower,
        subject_id__in=[one.pk for one in work],
    )
    return rows
