"""Seeds: agreed work is hidden among live work, comes when it is due, and is withdrawn or told about."""

import datetime as dt
import secrets

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import wording
from accounts.models import User
from accounts.words import plain_text
from assessment import rules
from assessment.actions.allocation import lock, take_away
from assessment.enums import Telling
from assessment.exceptions import SeedsRefused
from assessment.models import Exemplar, Seed, SeedPlan, SeedWithdrawal
from assessment.models.seeds import MOST_PERCENT
from assessment.selectors.seeds import (
    choices_for,
    comes_alone,
    is_due,
    is_marking_over,
    obstacles,
    takers,
)
from catalogue.actions.seeding import stand_beside
from catalogue.models import AssessmentTask, Delivery, DeliveryRole
from portfolios.actions.seeding import Piece, Words, hand_in
from portfolios.manifest import Support
from portfolios.models import Submission
from workflows.exceptions import NotPermitted, StaleState
from workflows.notifications import notify

ONE_IN = 4
"""Of so many arrivals of live work one brings a seed that is due."""


@transaction.atomic
def begin_seeds(
    delivery: Delivery, task: AssessmentTask, *, actor: User, percent: int, telling: str
) -> SeedPlan:
    """Let agreed work be hidden among the live work of this task from now on, at this share of it.

    Hides nothing yet and tells nobody. SeedsRefused with everything that stands in the way; NotPermitted for
    anybody but a lead moderator of the delivery; StaleState where a plan runs already.
    """
    if not rules.may_seed(delivery, actor) or task.version_id != delivery.version_id:
        raise NotPermitted(instance=delivery)
    said = obstacles(delivery, task)
    if not 1 <= percent <= MOST_PERCENT:
        said.append(f"Give a share from 1 to {wording.percent(MOST_PERCENT / 100)}.")
    if telling not in Telling.values:
        said.append("Say whether assessors are told afterwards.")
    if said:
        raise SeedsRefused(said)
    try:
        with transaction.atomic():
            made: SeedPlan = SeedPlan.objects.create(
                delivery=delivery,
                task=task,
                percent=percent,
                telling=telling,
                chance=secrets.token_hex(16),
                begun_by=actor,
            )
    except IntegrityError:
        raise StaleState(instance=delivery) from None
    return made


def _locked(plan: SeedPlan, actor: User) -> SeedPlan:
    fresh: SeedPlan = (
        SeedPlan.objects.select_for_update(of=("self",), no_key=True)
        .select_related("delivery__version__micro_credential", "task")
        .get(pk=plan.pk)
    )
    if not rules.can_view_seed_plan(fresh, actor):
        raise NotPermitted(instance=fresh)
    return fresh


@transaction.atomic
def end_seeds(plan: SeedPlan, *, actor: User) -> SeedPlan:
    """Hide nothing more. What is hidden stays where it is until it is marked or withdrawn."""
    fresh = _locked(plan, actor)
    if fresh.ended_at is not None:
        raise StaleState(instance=fresh)
    fresh.ended_at, fresh.ended_by = timezone.now(), actor
    fresh.save(update_fields=["ended_at", "ended_by"])
    return fresh


@transaction.atomic
def withdraw_seed(seed: Seed, *, actor: User, reason: str) -> SeedWithdrawal:
    """Count it no more. Where it is not decided, it leaves the assessor's queue like work given to somebody else.

    Tells nobody. Draft and decision stay. SeedsRefused without a reason; NotPermitted for anybody but a lead
    moderator for whom it was not hidden; StaleState where it is withdrawn already.
    """
    fresh: Seed = Seed.objects.select_related("plan__delivery", "submission").get(pk=seed.pk)
    if fresh.assessor_id == actor.pk or not rules.may_seed(fresh.plan.delivery, actor):
        raise NotPermitted(instance=fresh)
    if not (said := plain_text(reason).strip()):
        raise SeedsRefused(["Say why it is withdrawn."])
    submission = lock(fresh.submission)
    if SeedWithdrawal.objects.filter(seed=fresh).exists():
        raise StaleState(instance=submission)
    made: SeedWithdrawal = SeedWithdrawal.objects.create(seed=fresh, by=actor, reason=said)
    if not submission.decisions.filter(sealed_at__isnull=False).exists():
        take_away(submission, reason="Withdrawn", actor=actor)
        # Without a part in what holds it, nobody finds it in the pool.
        parts = DeliveryRole.objects.filter(delivery=submission.delivery_id, ended_at__isnull=True)
        parts.update(ended_at=timezone.now())
    return made


@transaction.atomic
def tell_assessors(plan: SeedPlan, *, actor: User) -> SeedPlan:
    """Open each assessor's own seeds to them, beside what was agreed and why, and tell them so.

    Only where the plan says so, and when nothing of the delivery waits to be marked: SeedsRefused otherwise.
    Ends the plan, for nobody is blind any more. StaleState where they were told.
    """
    fresh = _locked(plan, actor)
    if fresh.told_at is not None:
        raise StaleState(instance=fresh)
    if fresh.telling != Telling.AFTER:
        raise SeedsRefused(["It was decided that assessors are never told."])
    if not is_marking_over(fresh.delivery):
        raise SeedsRefused(
            ["Work of this delivery still waits to be marked. Tell them when marking is over."]
        )
    now = timezone.now()
    fresh.told_at, fresh.told_by = now, actor
    if fresh.ended_at is None:
        fresh.ended_at, fresh.ended_by = now, actor
    fresh.save(update_fields=["told_at", "told_by", "ended_at", "ended_by"])
    told = Seed.objects.told_about().filter(plan=fresh).select_related("assessor")
    notify(
        topic="assessment.seeds_told",
        recipients=[one.assessor for one in told],
        subject=fresh,
        path="/assess/calibration/",
        context={"task": fresh.task.title, "delivery": fresh.delivery.title},
    )
    return fresh


def place_beside(submission: Submission) -> int:
    """Hide what is due for others at the moment at which this live work came; gives how many were hidden.

    One arrival in four, by chance, brings what is due, so that a seed does not follow closely on the live work
    that made it due. Whoever has the work itself gets none with it: two at once would say that one of them is
    no learner's. A plan in whose way something has come since rests.
    """
    plan = (
        SeedPlan.objects.running()
        .filter(delivery=submission.delivery_id, task=submission.task_id)
        .select_related("delivery__version__micro_credential", "task__rubric")
        .first()
    )
    if plan is None or obstacles(plan.delivery, plan.task):
        return 0
    has_it = set(submission.parts.values_list("person_id", flat=True))
    others = [one for one in takers(plan.delivery) if one.pk not in has_it]
    drawn = [one for one in others if secrets.randbelow(ONE_IN) == 0]
    return sum(place_seed(plan, one) is not None for one in drawn if is_due(plan, one))


def waiting_alone() -> list[tuple[SeedPlan, User]]:
    """For whom one is due now, of those to whom all live work of a task goes."""
    now = timezone.now()
    running = SeedPlan.objects.running().select_related(
        "delivery__version__micro_credential", "task__rubric"
    )
    return [
        (plan, one)
        for plan in running.order_by("begun_at", "pk")
        if not obstacles(plan.delivery, plan.task)
        for one in takers(plan.delivery)
        if comes_alone(plan, one, now) and is_due(plan, one)
    ]


def place_seeds() -> int:
    """Hide what is due for people who mark alone; gives how many were hidden."""
    return sum(place_seed(plan, one) is not None for plan, one in waiting_alone())


@transaction.atomic
def place_seed(plan: SeedPlan, assessor: User) -> Seed | None:
    """Hide one piece of agreed work among this person's; None where there is none, or it is not due any more.

    It is submitted in a delivery of its own beside the cohort, and allocated, told and timed by what follows any
    submission. Choosing is by chance. Two rounds at once hide one.
    """
    fresh: SeedPlan = (
        SeedPlan.objects.select_for_update(of=("self",), no_key=True)
        .select_related("delivery__version__micro_credential", "task__rubric")
        .get(pk=plan.pk)
    )
    if not fresh.is_running or not is_due(fresh, assessor):
        return None
    if not (choices := choices_for(fresh, assessor)):
        return None
    exemplar = secrets.choice(choices)
    submission = hand_in(
        _place_for(fresh, assessor),
        fresh.task,
        texts=[(one["criterion"], one["text"]) for one in exemplar.texts],
        pieces=_pieces_of(exemplar),
        notes=[
            Words(text, [Support(**said) for said in supports])
            for text, supports in exemplar.notes.items()
        ],
        ai_use=exemplar.ai_use,
    )
    made: Seed = Seed.objects.create(
        plan=fresh, exemplar=exemplar, assessor=assessor, submission=submission
    )
    return made


def _place_for(plan: SeedPlan, assessor: User) -> Delivery:
    """What holds this person's seeds of the plan, made with the first."""
    held = Delivery.with_seeds.filter(
        submissions__seed__plan=plan,
        roles__user=assessor,
        roles__ended_at__isnull=True,
    ).first()
    found: Delivery = held or stand_beside(plan.delivery, plan.task, assessor)
    return found


def _pieces_of(exemplar: Exemplar) -> list[Piece]:
    """Its evidence with what was frozen of it, as old as it was when its learner handed it in."""
    source = exemplar.source
    later = dt.timedelta()
    if source is not None:
        zone = source.delivery.zone
        handed_in = source.submitted_at.astimezone(zone).date()
        later = timezone.now().astimezone(zone).date() - handed_in
    return [
        Piece(
            one.item,
            one.about,
            [Support(**said) for said in one.supports],
            one.item.happened_on and one.item.happened_on + later,
        )
        for one in exemplar.evidence.select_related("item").order_by("number")
    ]
