"""Confirmation from the workplace: a personal link, one answer, no account."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import CLOCK, SYSTEM, Actor, User
from accounts.words import plain_text
from catalogue.models import Criterion
from portfolios import rules
from portfolios.enums import AttestationState
from portfolios.exceptions import ReasonNeeded
from portfolios.models import Attestation, AttestationStatement, EvidenceItem, Portfolio
from portfolios.transitions import ASK_ATTESTATION
from workflows.actions import cancel_deadline, set_deadline
from workflows.exceptions import NotPermitted
from workflows.models import Deadline
from workflows.notifications import notify_address
from workflows.transitions import begin, perform

ATTESTATION_DEADLINE = "attestation"


def close_attestation(attestation: Attestation, *, actor: Actor) -> None:
    """Nobody is reminded of what was answered or taken back."""
    for deadline in Deadline.objects.of(attestation).open().filter(kind=ATTESTATION_DEADLINE):
        cancel_deadline(deadline, actor=actor, reason="Over")


def hash_of(token: str) -> str:
    """What is kept of a link's token: not enough to open it."""
    return hashlib.sha256(token.encode()).hexdigest()


def attestation_for(token: str) -> Attestation | None:
    """The request that a personal link belongs to."""
    digest = hash_of(token)
    found = Attestation.objects.filter(token_hash=digest).first()
    return found if found and constant_time_compare(found.token_hash, digest) else None


@transaction.atomic
def ask_to_confirm(
    portfolio: Portfolio,
    *,
    actor: User,
    name: str,
    email: str,
    relationship: str = "",
    message: str = "",
    evidence: Iterable[EvidenceItem] = (),
) -> Attestation:
    """Ask one person to confirm; the personal link goes to their address and nowhere else.

    Only a hash of the link is kept with the request; the mail's copy is encrypted until it
    has left. Nobody may ask themselves.
    """
    if email.strip().lower() == actor.email.lower():
        raise ReasonNeeded("Ask somebody else than yourself.")
    token = secrets.token_urlsafe(32)
    delivery = portfolio.enrolment.delivery
    now = timezone.now()
    items = list(evidence)
    if any(not rules.owns_evidence(item, actor) for item in items):
        raise NotPermitted
    asked: Attestation = begin(
        ASK_ATTESTATION,
        parent=portfolio,
        actor=actor,
        build=lambda: Attestation(
            portfolio=portfolio,
            requested_by=actor,
            verifier_name=plain_text(name).strip(),
            verifier_email=email.strip(),
            verifier_relationship=plain_text(relationship).strip(),
            message=plain_text(message).strip(),
            token_hash=hash_of(token),
            expires_at=now + dt.timedelta(days=delivery.policy_value("verifier.link_days")),
            requested_at=now,
        ),
    )
    asked.evidence.set(items)
    set_deadline(
        subject=asked,
        kind=ATTESTATION_DEADLINE,
        due_at=asked.expires_at,
        zone=delivery.time_zone,
        region=delivery.region,
        recipients=[actor],
        offsets=delivery.policy_value("reminder.attestation_offsets"),
        actor=SYSTEM,
    )
    notify_address(
        topic="portfolios.attestation.link",
        address=asked.verifier_email,
        name=asked.verifier_name,
        secret_path=f"/v/{token}/",
        context={
            "verifier": asked.verifier_name,
            "learner": actor.name,
            "task": portfolio.task.title,
            "message": asked.message,
            "days": delivery.policy_value("verifier.link_days"),
        },
        dedupe=f"portfolios.attestation.link:{asked.pk}",
    )
    return asked


@transaction.atomic
def open_attestation(attestation: Attestation) -> Attestation:
    """The verifier pressed Start. Pressing it again, or coming back, changes nothing more."""
    fresh: Attestation = Attestation.objects.select_for_update(of=("self",)).get(pk=attestation.pk)
    if fresh.state == AttestationState.OPENED:
        return fresh
    opened: Attestation = perform(fresh, "open", actor=SYSTEM)
    return opened


@transaction.atomic
def attest(
    attestation: Attestation,
    *,
    statements: Mapping[Criterion, tuple[str, str]],
    relationship: str = "",
    period_observed: str = "",
    conflict_note: str = "",
    comment: str = "",
) -> Attestation:
    """Record what the verifier says on each criterion, and lock it. The learner is told that an answer came."""
    given: Attestation = perform(attestation, "attest", actor=SYSTEM)
    close_attestation(given, actor=SYSTEM)
    AttestationStatement.objects.bulk_create(
        AttestationStatement(
            attestation=given, criterion=criterion, answer=answer, comment=plain_text(words)
        )
        for criterion, (answer, words) in statements.items()
    )
    given.verifier_relationship = plain_text(relationship).strip() or given.verifier_relationship
    given.period_observed = plain_text(period_observed).strip()
    given.conflict_note = plain_text(conflict_note).strip()
    given.comment = plain_text(comment).strip()
    given.save(
        update_fields=["verifier_relationship", "period_observed", "conflict_note", "comment"]
    )
    return given


@transaction.atomic
def decline_to_confirm(attestation: Attestation, *, reason: str = "") -> Attestation:
    """Not the right person, or not willing. The learner may ask somebody else."""
    declined: Attestation = perform(
        attestation, "decline", actor=SYSTEM, why=plain_text(reason).strip()
    )
    close_attestation(declined, actor=SYSTEM)
    return declined


@transaction.atomic
def revoke_attestation(attestation: Attestation, *, actor: User) -> Attestation:
    """Take the request back; its link stops working at once."""
    revoked: Attestation = perform(attestation, "revoke", actor=actor)
    close_attestation(revoked, actor=actor)
    return revoked


def expire_attestations(limit: int = 100) -> int:
    """End the requests whose link is over. Each in a transaction of its own."""
    over = Attestation.objects.filter(
        state__in=[AttestationState.REQUESTED, AttestationState.OPENED],
        expires_at__lte=timezone.now(),
    )
    expired = 0
    for attestation in over.order_by("expires_at")[:limit]:
        perform(attestation, "expire", actor=CLOCK)
        expired += 1
    return expired
