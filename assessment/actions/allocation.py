"""Who is asked to mark what: by hand, in equal shares, from the pool, and by itself on submission."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models import SYSTEM, Actor, SystemActor, User
from assessment import guards, rules, selectors
from assessment.actions.double import fix_reading
from assessment.actions.early import free_place
from assessment.conflicts import conflicts_among
from assessment.enums import ASSESSES, AllocationRole
from assessment.models import Allocation, AssessmentDecision, Lease
from assessment.querysets import claimable, in_order, lying_in
from portfolios.enums import SubmissionState
from portfolios.models import Part, Submission
from workflows.actions import (
    After,
    NewDeadline,
    cancel_deadline,
    cancel_deadlines,
    make_deadlines,
    set_deadline,
)
from workflows.enums import Lane
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import Deadline
from workflows.notifications import Draft, notify, notify_all
from workflows.transitions import perform
from workflows.working_days import WorkingCalendar

MARKING_DEADLINE = "marking"


def lock(submission: Submission) -> Submission:
    """The submission's row, kept from others: allocation, lease and decisions follow one another."""
    rows = Submission.objects.select_for_update(of=("self",), no_key=True)
    fresh: Submission = rows.select_related(
        "delivery__version__grade_scheme",
        "delivery__version__micro_credential",
        "enrolment",
        "rubric",
    ).get(pk=submission.pk)
    return fresh


def marking_due(submission: Submission) -> dt.datetime:
    """Working days after submission by policy, at five in the afternoon of the delivery's zone."""
    if submission.marking_due_at is not None:
        return submission.marking_due_at
    delivery = submission.delivery
    return marking_time(submission).resolve(delivery.zone, delivery.calendar)


def marking_time(submission: Submission) -> After:
    """From when, and in how many working days, a submission is to be marked: more for work in te reo Māori."""
    policy = submission.delivery.policy_value
    days = policy("marking.days") + (policy("marking.reo_days") if submission.in_reo else 0)
    return After(submission.submitted_at, days)


def counted_time(
    submission: Submission, due_at: dt.datetime, calendar: WorkingCalendar
) -> After | None:
    """The same where the date follows from it; None where somebody moved it, so that no calendar counts it anew."""
    after = marking_time(submission)
    return after if due_at == after.resolve(submission.delivery.zone, calendar) else None


def refuse_conflicts(pairs: Sequence[tuple[Submission, User]]) -> None:
    """GuardsNotMet where the policy keeps one of these pieces of work from the person it is meant for."""
    found = conflicts_among({one.pk for _work, one in pairs}, [work for work, _one in pairs])
    for work, one in pairs:
        if found.blocks(one.pk, work):
            raise GuardsNotMet([guards.independent_of_learner], instance=work)


def _give(
    submission: Submission, assessor: User, role: str, *, actor: Actor, tell: bool = True
) -> Allocation:
    """Write allocation and part, set the deadline, tell the assessor. The caller holds the lock.

    Every way of giving work to one person comes through here, so that none passes the conflicts by.
    """
    refuse_conflicts([(submission, assessor)])
    fix_reading(submission)
    calendar = submission.delivery.calendar
    due_at = submission.marking_due_at
    if due_at is None:
        due_at = marking_time(submission).resolve(submission.delivery.zone, calendar)
        Submission.objects.filter(pk=submission.pk).update(marking_due_at=due_at)
    made: Allocation = Allocation.objects.create(
        submission=submission,
        assessor=assessor,
        role=role,
        due_at=due_at,
        allocated_by=None if isinstance(actor, SystemActor) else actor,
    )
    Part.objects.create(submission=submission, person=assessor, kind=role)
    others = _besides(submission, assessor)
    if not others:
        stop_deadline(submission, actor=actor, reason="Allocated anew")
    _remind(submission, [assessor, *others], due_at, calendar, actor=actor)
    if tell:
        notify_all([_news(made)])
    return made


def still_marking(submissions: Iterable[UUID]) -> dict[UUID, list[User]]:
    """Who has these to mark as first or second assessor and has not sealed: two where they mark blind."""
    done = AssessmentDecision.objects.sealed().filter(
        submission=OuterRef("submission"), author=OuterRef("assessor")
    )
    live = Allocation.objects.current().filter(
        ~Exists(done), submission__in=list(submissions), role__in=selectors.MARKING_ROLES
    )
    found: dict[UUID, list[User]] = defaultdict(list)
    for one in live.select_related("assessor"):
        found[one.submission_id].append(one.assessor)
    return found


def _besides(submission: Submission, person: User) -> list[User]:
    return [one for one in still_marking([submission.pk])[submission.pk] if one.pk != person.pk]


def _remind(
    submission: Submission,
    people: Sequence[User],
    due_at: dt.datetime,
    calendar: WorkingCalendar,
    *,
    actor: Actor,
) -> None:
    """Set the marking deadline for these. Its date and its generation do not tell how many they are."""
    set_deadline(
        subject=submission,
        kind=MARKING_DEADLINE,
        due_at=due_at,
        zone=submission.delivery.time_zone,
        region=submission.delivery.region,
        after=counted_time(submission, due_at, calendar),
        recipients=people,
        actor=actor,
    )


def stop_reminding(submission: Submission, person: User, *, actor: Actor, reason: str) -> None:
    """The person has sealed, or has the work no more: no more reminders for them; the other one's stay as they are."""
    if others := _besides(submission, person):
        calendar = submission.delivery.calendar
        _remind(submission, others, marking_due(submission), calendar, actor=actor)
    else:
        stop_deadline(submission, actor=actor, reason=reason)


def give_all(
    pairs: Sequence[tuple[Submission, User]],
    *,
    actor: User,
    roles: Mapping[UUID, str] | None = None,
) -> None:
    """What _give() writes, for many at once: the statements do not grow with the pairs. The caller holds the locks.

    Without `roles`, by submission, each gets the role that the work waits for.
    """
    refuse_conflicts(pairs)
    delivery_calendars: dict[UUID, WorkingCalendar] = {}
    due: dict[UUID, dt.datetime] = {}
    for submission, _assessor in pairs:
        place = submission.delivery
        if place.pk not in delivery_calendars:
            delivery_calendars[place.pk] = place.calendar
        counted = marking_time(submission).resolve(place.zone, delivery_calendars[place.pk])
        due[submission.pk] = submission.marking_due_at or counted
    dates = defaultdict(list)
    for submission, _assessor in pairs:
        if submission.marking_due_at is None:
            dates[due[submission.pk]].append(submission.pk)
    for due_at, keys in dates.items():
        Submission.objects.filter(pk__in=keys).update(marking_due_at=due_at)
    if roles is None:
        needed = selectors.roles_needed(one for one, _assessor in pairs)
        roles = {key: str(role) for key, role in needed.items()}
    made = Allocation.objects.bulk_create(
        Allocation(
            submission=submission,
            assessor=assessor,
            role=roles[submission.pk],
            due_at=due[submission.pk],
            allocated_by=actor,
        )
        for submission, assessor in pairs
    )
    Part.objects.bulk_create(
        Part(submission=one.submission, person=one.assessor, kind=one.role) for one in made
    )
    old = Deadline.objects.open().filter(
        kind=MARKING_DEADLINE,
        subject_type=Submission._meta.label_lower,
        subject_id__in=[one.submission_id for one in made],
    )
    cancel_deadlines(old, actor=actor, reason="Allocated anew")
    marking = still_marking([one.submission_id for one in made])
    make_deadlines(
        [
            NewDeadline(
                one.submission,
                MARKING_DEADLINE,
                due[one.submission_id],
                one.submission.delivery.time_zone,
                list({who.pk: who for who in (one.assessor, *marking[one.submission_id])}.values()),
                one.submission.delivery.region,
                counted_time(
                    one.submission,
                    due[one.submission_id],
                    delivery_calendars[one.submission.delivery_id],
                ),
            )
            for one in made
        ],
        actor=actor,
    )
    notify_all([_news(one) for one in made])


def _news(made: Allocation) -> Draft:
    """What the assessor is told of an allocation."""
    adjudicates = made.role == AllocationRole.ADJUDICATOR
    submission = made.submission
    return Draft(
        topic="assessment.adjudicator_asked" if adjudicates else "assessment.allocated",
        recipient=made.assessor,
        path=f"/assess/m/{submission.pk}/",
        context={"reference": submission.reference, "task": submission.task.title},
        lane=Lane.RESULT,
        anchor=f"allocation:{made.pk}",
        subject=(submission._meta.label_lower, submission.pk),
    )


def stop_deadline(submission: Submission, *, actor: Actor, reason: str) -> None:
    """Stop the reminders of the marking deadline; there is one at most."""
    for deadline in Deadline.objects.of(submission).open().filter(kind=MARKING_DEADLINE):
        cancel_deadline(deadline, actor=actor, reason=reason)


def _end(allocation: Allocation, *, reason: str, actor: Actor) -> None:
    """End allocation and part, free the lease. The draft stays."""
    now = timezone.now()
    allocation.ended_at, allocation.end_reason = now, reason[:200]
    allocation.save(update_fields=["ended_at", "end_reason"])
    Part.objects.filter(
        submission=allocation.submission_id, person=allocation.assessor_id, ended_at__isnull=True
    ).update(ended_at=now)
    Lease.objects.filter(
        submission=allocation.submission_id, holder=allocation.assessor_id
    ).delete()
    stop_reminding(
        allocation.submission,
        allocation.assessor,
        actor=actor,
        reason=reason or "Allocation ended",
    )


def end_all(allocations: Sequence[Allocation], *, reason: str, actor: User) -> None:
    """What _end() writes, for many at once. The caller holds the locks, and gives the work to others."""
    now = timezone.now()
    keys = [one.submission_id for one in allocations]
    people = {one.assessor_id for one in allocations}
    held = {(one.submission_id, one.assessor_id) for one in allocations}
    Allocation.objects.filter(pk__in=[one.pk for one in allocations]).update(
        ended_at=now, end_reason=reason[:200]
    )
    parts = Part.objects.filter(
        submission__pk__among=keys, person__in=people, ended_at__isnull=True
    ).values_list("pk", "submission_id", "person_id")
    ended = [key for key, submission, person in parts if (submission, person) in held]
    Part.objects.filter(pk__in=ended).update(ended_at=now)
    leases = Lease.objects.filter(submission__pk__among=keys, holder__in=people)
    leased = leases.values_list("pk", "submission_id", "holder_id")
    gone = [key for key, submission, person in leased if (submission, person) in held]
    Lease.objects.filter(pk__in=gone).delete()


def take_away(submission: Submission, *, reason: str, actor: Actor) -> None:
    """End whatever allocation is live, in whatever state the work is. The caller holds the lock."""
    live = Allocation.objects.current().filter(submission=submission)
    for one in live.select_related("assessor", "submission__delivery"):
        _end(one, reason=reason, actor=actor)


@transaction.atomic
def allocate(submission: Submission, assessor: User, *, actor: User) -> Allocation:
    """Ask one person to mark a submission, in the role that it waits for.

    Writes the allocation and the person's part, sets the marking deadline with reminders, and tells the
    assessor. Raises NotPermitted; StaleState where it waits for nobody; GuardsNotMet where the person is not
    independent of the learner, or has had a part in it.
    """
    fresh = lock(submission)
    if not rules.may_allocate(fresh.delivery, actor):
        raise NotPermitted(instance=fresh)
    needed = selectors.role_needed(fresh)
    if needed is None:
        raise StaleState(instance=fresh)
    if assessor.pk not in {one.pk for one in selectors.eligible_assessors(fresh, needed)}:
        raise GuardsNotMet([guards.independent_of_learner], instance=fresh)
    return _give(fresh, assessor, needed, actor=actor)


@transaction.atomic
def allocate_automatically(
    submission: Submission, *, avoiding: Iterable[UUID] = ()
) -> Allocation | None:
    """Allocate the least loaded eligible assessor to each role that the work waits for; a pin comes first.

    Nobody who is away or has as many hours in hand as they take. Two who mark blind are asked together, the
    second being nobody who had the work before. Does nothing where somebody has it, so that it may run twice.
    Where nobody is eligible the work stays in the pool and the programme administrators are told. Gives the
    first allocation that was made.
    """
    fresh = lock(submission)
    fix_reading(fresh)
    made: Allocation | None = None
    left_out = set(avoiding)
    while (role := selectors.role_needed(fresh)) is not None:
        if role == AllocationRole.SECOND_ASSESSOR and fresh.double_blind:
            left_out |= selectors.ever_marked(fresh)
        candidates = selectors.candidates_for(fresh, role)
        able = (
            one.person
            for one in candidates
            if one.is_able and one.is_there and one.person.pk not in left_out
        )
        if (chosen := next(able, None)) is None:
            _nobody_for(fresh, role, candidates)
            return made
        given = _give(fresh, chosen, role, actor=SYSTEM)
        made = made or given
    return made


def _nobody_for(fresh: Submission, role: str, candidates: Sequence[selectors.Candidate]) -> None:
    """Keep the work in the pool with its date, and tell the programme administrators once."""
    if fresh.marking_due_at is None:
        Submission.objects.filter(pk=fresh.pk).update(marking_due_at=marking_due(fresh))
    notify(
        topic="assessment.nobody_eligible",
        recipients=selectors.administrators_of(fresh.delivery),
        subject=fresh,
        path=f"/assess/allocate/{fresh.delivery_id}/",
        context={
            "reference": fresh.reference,
            "delivery": fresh.delivery.title,
            "lacks_reo": fresh.in_reo and not any(one.marks_reo for one in candidates),
        },
        dedupe=f"unallocated:{fresh.pk}:{role}",
    )


@transaction.atomic
def claim_next(
    *,
    actor: User,
    delivery: UUID | None = None,
    task: UUID | None = None,
    only: UUID | None = None,
) -> Submission | None:
    """Take the most urgent piece of the pool that this person may mark. Nobody sees any of it before.

    Two who claim at once get different work: rows that the other has locked are skipped.
    """
    submissions = Submission.objects.all()
    if delivery is not None:
        submissions = lying_in(submissions, delivery)
    if task is not None:
        submissions = submissions.filter(task=task)
    if only is not None:
        submissions = submissions.filter(pk=only)
    for key in in_order(claimable(submissions, actor)).values_list("pk", flat=True)[:25]:
        rows = Submission.objects.filter(pk=key)
        if rows.select_for_update(of=("self",), no_key=True, skip_locked=True).first() is None:
            continue
        related = Submission.objects.select_related("delivery__version", "task", "enrolment")
        fresh: Submission = related.get(pk=key)
        role = selectors.role_needed(fresh)
        # Somebody may have been allocated, or a conflict declared, between the look and the lock.
        if role is not None and claimable(rows, actor).exists():
            _give(fresh, actor, role, actor=actor, tell=False)
            return fresh
    return None


@transaction.atomic
def end_allocation(allocation: Allocation, *, actor: User, reason: str) -> None:
    """Put work that nobody has opened back into the pool. The assessor is told by its absence alone.

    Work that is being assessed is handed back or reallocated instead: StaleState.
    """
    fresh = lock(allocation.submission)
    if not rules.may_allocate(fresh.delivery, actor):
        raise NotPermitted(instance=fresh)
    current = Allocation.objects.current().filter(pk=allocation.pk).first()
    if current is None or fresh.state != SubmissionState.SUBMITTED or has_sealed(current):
        raise StaleState(instance=fresh)
    _end(current, reason=reason, actor=actor)


def has_sealed(allocation: Allocation) -> bool:
    """Whether the allocated person has sealed a decision: then their part in it stays."""
    sealed = AssessmentDecision.objects.sealed()
    return sealed.filter(
        submission=allocation.submission_id, author=allocation.assessor_id
    ).exists()


@transaction.atomic
def reallocate(allocation: Allocation, assessor: User, *, actor: User, reason: str) -> Allocation:
    """Give the same role to somebody else, whether or not marking has begun. Drafts are kept.

    For somebody who sealed a decision only after a moderator returned it. The new assessor is told.
    """
    fresh = lock(allocation.submission)
    if not rules.may_allocate(fresh.delivery, actor):
        raise NotPermitted(instance=fresh)
    current = Allocation.objects.current().filter(pk=allocation.pk).first()
    if current is None or (has_sealed(current) and fresh.returned_at is None):
        raise StaleState(instance=fresh)
    able = {one.pk for one in selectors.eligible_assessors(fresh, current.role)}
    if assessor.pk not in able:
        raise GuardsNotMet([guards.independent_of_learner], instance=fresh)
    _end(current, reason=reason, actor=actor)
    return _give(fresh, assessor, current.role, actor=actor)


@transaction.atomic
def hand_back(submission: Submission, *, actor: User, reason: str = "") -> Submission:
    """Put the work back into the queue. The draft stays; allocation, part and lease end.

    The next assessor is found by a claim or by hand. Where two mark blind and the other one has begun, the work
    stays in assessment, so that the other notices nothing: no step is taken, only the allocation ends with its
    reason. Raises what perform() raises.
    """
    fresh = lock(submission)
    holder = _holder(fresh, actor)
    if holder is not None and not has_sealed(holder) and _other_goes_on(fresh, holder):
        if not rules.may_hand_back(fresh, actor):
            raise NotPermitted(instance=fresh)
        _end(holder, reason=reason or "Handed back", actor=actor)
        return fresh
    moved: Submission = perform(fresh, "hand_back", actor=actor, reason=reason)
    if holder is not None:
        _end(holder, reason=reason or "Handed back", actor=actor)
    free_place(moved)
    return moved


def _other_goes_on(submission: Submission, holder: Allocation) -> bool:
    """Whether the other one of two who mark blind has a draft or a decision of their own."""
    if submission.state != SubmissionState.IN_ASSESSMENT or submission.returned_at is not None:
        return False
    others = submission.parts.filter(kind__in=ASSESSES, ended_at__isnull=True)
    others = others.exclude(person=holder.assessor_id)
    begun = submission.decisions.filter(author__in=others.values("person"))
    return submission.double_blind and bool(begun.exists())


def hand_over(submission: Submission, *, actor: User, reason: str) -> Submission:
    """End the part of the person whose turn it is, in whatever state the work waits. The caller holds the lock.

    Work that is being assessed is handed back; elsewhere no state moves. The draft stays.
    """
    if submission.state == SubmissionState.IN_ASSESSMENT:
        return hand_back(submission, actor=actor, reason=reason)
    held = Allocation.objects.current().filter(submission=submission, assessor=actor).first()
    if held is not None:
        _end(held, reason=reason, actor=actor)
    return submission


def _holder(submission: Submission, actor: User) -> Allocation | None:
    """The actor's own allocation; an administrator's hand-back ends that of whoever's turn it is."""
    rows = Allocation.objects.current().filter(submission=submission)
    live: list[Allocation] = list(rows.select_related("assessor"))
    for one in live:
        if one.assessor_id == actor.pk:
            return one
    for one in live:
        if rules.is_turn(submission, one.assessor):
            return one
    return None
