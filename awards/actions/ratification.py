"""Batches for ratification: open, sign, cancel."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from awards import exceptions, guards, rules, selectors
from awards.models import Ratification, RatificationLine, RatificationSignature
from catalogue.models import AssessmentTask, Delivery
from portfolios.models import Submission
from workflows.exceptions import GuardsNotMet, NotPermitted
from workflows.notifications import notify
from workflows.transitions import SetOutcome, perform_set


def open_ratification(
    delivery: Delivery, task: AssessmentTask, *, actor: User, minute: str
) -> Ratification:
    """Put all moderated results of one delivery and task before the ratifiers, as they stand now.

    Each line keeps the decision that counts; the content hash covers all of them, so a later change
    is seen. What cannot be listed stays out, with its reason on the page. The other ratifiers are
    told. Nothing moves. Raises NotPermitted or GuardsNotMet.
    """
    if not rules.may_open_batch(delivery, actor):
        raise NotPermitted
    if not minute.strip():
        raise GuardsNotMet([exceptions.MINUTE_MISSING])
    try:
        with transaction.atomic():
            found = selectors.ratification_candidates(delivery, task).eligible
            pairs = [(one.submission, one.decision) for one in found if one.decision is not None]
            if not pairs:
                raise GuardsNotMet([exceptions.NOTHING_TO_RATIFY])
            batch = Ratification.objects.create(
                delivery=delivery,
                task=task,
                minute=minute.strip(),
                quorum=delivery.policy_value("ratify.quorum"),
                content_hash=selectors.content_hash(pairs),
                opened_by=actor,
            )
            RatificationLine.objects.bulk_create(
                RatificationLine(ratification=batch, submission=submission, decision=decision)
                for submission, decision in pairs
            )
            tell_ratifiers(batch, but=actor)
    except IntegrityError as error:
        raise GuardsNotMet([exceptions.BATCH_OPEN]) from error
    return batch


def tell_ratifiers(batch: Ratification, *, but: User) -> None:
    """One notice for each ratifier of the delivery who is not the one acting."""
    notify(
        topic="awards.batch_opened",
        recipients=[one for one in selectors.ratifiers_of(batch.delivery) if one != but],
        subject=batch,
        path=f"/ratify/batches/{batch.pk}/",
        context={"task": batch.task.title, "delivery": batch.delivery.title},
        lane="digest",
        dedupe=str(batch.pk),
    )


@transaction.atomic
def sign_batch(
    batch: Ratification,
    *,
    actor: User,
    reauthenticated_at: datetime | None,
    seen_hash: str,
) -> SetOutcome | None:
    """Sign a batch; when the quorum is reached, ratify what may move and report the rest with reasons.

    `reauthenticated_at` is when this person last proved who they are, as a fact from the session;
    without one, or with an old one, nothing is signed. The signature is kept whether or not the
    quorum is reached. Returns None while more signatures are needed. Raises NotPermitted, BatchOver,
    GuardsNotMet.
    """
    locked: Ratification = Ratification.objects.select_for_update(of=("self",)).get(pk=batch.pk)
    if not rules.ratifies(locked.delivery, actor):
        raise NotPermitted
    if not locked.is_open:
        raise exceptions.BatchOver(instance=locked)
    unmet = [
        guard
        for guard, holds in (
            (exceptions.BATCH_CHANGED, seen_hash == locked.content_hash),
            (
                exceptions.SIGNED_ALREADY,
                not locked.signatures.filter(ratifier=actor).exists(),
            ),
            (guards.reauthenticated, guards.is_recent(reauthenticated_at, locked.delivery)),
        )
        if not holds
    ]
    if unmet or reauthenticated_at is None:
        raise GuardsNotMet(unmet, instance=locked)
    RatificationSignature.objects.create(
        ratification=locked,
        ratifier=actor,
        reauthenticated_at=reauthenticated_at,
        assessed_in_batch=selectors.judged_in(locked, actor) > 0,
    )
    if not guards.signed_by_quorum(locked):
        return None
    return ratify_signed(locked, actor=actor, reauthenticated_at=reauthenticated_at)


def ratify_signed(batch: Ratification, *, actor: User, reauthenticated_at: datetime) -> SetOutcome:
    """Move what may move; write on each line what became of it; close the batch."""
    outcome = perform_set(
        Submission.objects.filter(ratification_lines__ratification=batch),
        "ratify",
        actor=actor,
        facts={
            "ratification": str(batch.pk),
            "content_hash": batch.content_hash,
            "reauthenticated_at": reauthenticated_at,
        },
    )
    now = timezone.now()
    batch.lines.filter(submission__pk__among=outcome.moved).update(ratified_at=now)
    refused: dict[str, list[Any]] = {}
    for key, reasons in outcome.refused.items():
        refused.setdefault(" ".join(str(one.message) for one in reasons), []).append(key)
    for words, keys in refused.items():
        batch.lines.filter(submission__pk__among=keys).update(refused_because=words)
    batch.completed_at = now
    batch.save(update_fields=["completed_at"])
    return outcome


@transaction.atomic
def cancel_batch(batch: Ratification, *, actor: User) -> Ratification:
    """Take an unsigned or half-signed batch back; its lines and signatures are kept. Nothing moves."""
    locked: Ratification = Ratification.objects.select_for_update(of=("self",)).get(pk=batch.pk)
    if not rules.may_open_batch(locked.delivery, actor):
        raise NotPermitted
    if not locked.is_open:
        raise exceptions.BatchOver(instance=locked)
    locked.cancelled_at = timezone.now()
    locked.save(update_fields=["cancelled_at"])
    return locked
