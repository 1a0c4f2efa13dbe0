"""Relations that people declare, and conflicts that two administrators set aside."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.enums import ConflictGround, ConflictKind
from accounts.models import DeclaredConflict, User
from accounts.words import plain_text
from assessment import rules, selectors
from assessment.actions.allocation import allocate_automatically, hand_over, lock
from assessment.conflicts import conflicts_among
from assessment.models import ConflictWaiver
from catalogue.models import Delivery
from portfolios.models import Submission
from workflows.actions import open_record
from workflows.exceptions import NotPermitted, StaleState
from workflows.notifications import notify


@transaction.atomic
def declare_known(submission: Submission, *, actor: User, kind: ConflictKind) -> Submission:
    """The person whose turn it is says that they know the learner: the work goes to somebody else.

    Writes the relation, ends allocation and part, and asks the next person who may; where there is none the
    administrators are told. Opens nothing: neither draft nor lease is made, and nobody's name is shown. Work
    that was open already is handed back first, and its draft is kept. Raises NotPermitted for everybody else.
    """
    fresh = lock(submission)
    if not rules.is_turn(fresh, actor):
        raise NotPermitted(instance=fresh)
    _declare(actor, fresh.learner, kind, by=actor)
    moved = hand_over(fresh, actor=actor, reason="Knows the learner")
    allocate_automatically(moved, avoiding=[actor.pk])
    return moved


@transaction.atomic
def declare_conflict(
    delivery: Delivery, person: User, learner: User, *, actor: User, kind: ConflictKind
) -> DeclaredConflict:
    """Somebody who allocates writes down that two people of the delivery are close. Moves no work.

    Raises NotPermitted for everybody else, and for two of whom one does not learn or work in the delivery.
    """
    if not rules.may_allocate(delivery, actor):
        raise NotPermitted(instance=delivery)
    works = delivery.roles.current().filter(user=person).exists()
    learns = delivery.enrolments.filter(learner=learner).exists()
    if not works or not learns or person == learner:
        raise NotPermitted(instance=delivery)
    return _declare(person, learner, kind, by=actor)


def _declare(person: User, learner: User, kind: ConflictKind, *, by: User) -> DeclaredConflict:
    made, _new = DeclaredConflict.objects.get_or_create(
        person=person, other=learner, kind=kind, defaults={"declared_by": by}
    )
    return made


@transaction.atomic
def ask_for_waiver(
    submission: Submission, person: User, *, actor: User, ground: ConflictGround, reason: str
) -> ConflictWaiver:
    """Say why a conflict between this person and the learner should not count. Nothing counts before another signs.

    The others who allocate in the delivery are told. Raises NotPermitted for everybody else and for the person
    concerned; ValueError without a reason; StaleState where there is nothing to waive, or it is waived already.
    """
    if not rules.may_allocate(submission.delivery, actor) or actor == person:
        raise NotPermitted(instance=submission)
    why = plain_text(reason).strip()
    if not why:
        raise ValueError("A waiver needs a reason.")
    found = conflicts_among([person.pk], [submission]).findings(person.pk, submission)
    if ground not in {one.ground for one in found if one.can_be_waived}:
        raise StaleState(instance=submission)
    try:
        with transaction.atomic():
            made: ConflictWaiver = ConflictWaiver.objects.create(
                delivery=submission.delivery,
                person=person,
                learner=submission.learner,
                ground=ground,
                reason=why,
                asked_by=actor,
            )
    except IntegrityError:
        raise StaleState(instance=submission) from None
    others = selectors.allocators_of(submission.delivery)
    notify(
        topic="assessment.waiver_asked",
        recipients=[one for one in others if one not in (actor, person)],
        subject=submission.delivery,
        path=f"/assess/conflicts/{submission.delivery_id}/",
        context={"delivery": submission.delivery.title, "assessor": person.name},
        dedupe=f"waiver:{made.pk}",
    )
    return made


def _locked(waiver: ConflictWaiver, actor: User) -> ConflictWaiver:
    fresh: ConflictWaiver = (
        ConflictWaiver.objects.select_for_update(of=("self",), no_key=True)
        .select_related("delivery__version__micro_credential")
        .get(pk=waiver.pk)
    )
    if not rules.may_allocate(fresh.delivery, actor):
        raise NotPermitted(instance=fresh)
    return fresh


@transaction.atomic
def sign_waiver(waiver: ConflictWaiver, *, actor: User) -> ConflictWaiver:
    """Agree to what somebody else asked for: from now on the conflict does not keep the work from the person.

    Writes an access record with the reason. Raises NotPermitted for whoever asked, for the person concerned
    and for people who do not allocate; StaleState where it is signed or ended already.
    """
    fresh = _locked(waiver, actor)
    if not rules.may_sign_waiver(fresh, actor):
        raise NotPermitted(instance=fresh)
    if fresh.signed_at is not None or fresh.ended_at is not None:
        raise StaleState(instance=fresh)
    fresh.signed_by, fresh.signed_at = actor, timezone.now()
    fresh.save(update_fields=["signed_by", "signed_at"])
    open_record(fresh, actor=actor, purpose=f"Conflict waived. {fresh.reason}"[:100])
    return fresh


@transaction.atomic
def end_waiver(waiver: ConflictWaiver, *, actor: User) -> ConflictWaiver:
    """Let the conflict count again, or turn down what was asked for. Moves no work that was given meanwhile."""
    fresh = _locked(waiver, actor)
    if fresh.ended_at is not None:
        raise StaleState(instance=fresh)
    fresh.ended_by, fresh.ended_at = actor, timezone.now()
    fresh.save(update_fields=["ended_by", "ended_at"])
    return fresh
