"""Confirmation from the workplace: a personal link by mail or as a code, one answer, no account."""

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.enums import ConflictKind
from accounts.models import CLOCK, SYSTEM, Actor, DeclaredConflict, User
from accounts.words import plain_text
from catalogue.models import Criterion, Delivery
from portfolios import guards, rules
from portfolios.assurance import level_of
from portfolios.enums import AskedBy, AttestationState, EvidenceState
from portfolios.exceptions import ReasonNeeded
from portfolios.models import (
    Attestation,
    AttestationLink,
    AttestationStatement,
    EvidenceItem,
    Portfolio,
)
from portfolios.transitions import ASK_ATTESTATION
from workflows.actions import cancel_deadline, fire_time, set_deadline
from workflows.enums import Lane
from workflows.exceptions import GuardsNotMet, NotPermitted
from workflows.models import Deadline
from workflows.notifications import notify_address
from workflows.transitions import begin, perform
from workflows.words import in_words

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
    if found is not None:
        return found if constant_time_compare(found.token_hash, digest) else None
    link = AttestationLink.objects.filter(token_hash=digest).select_related("attestation").first()
    return link.attestation if link and constant_time_compare(link.token_hash, digest) else None


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
    criteria: Iterable[Criterion] = (),
) -> Attestation:
    """Ask one person to confirm; the personal link goes to their address and nowhere else.

    Only a hash of the link is kept with the request; the mail's copy is encrypted until it
    has left. Nobody may ask themselves, nor anybody who assesses them. No criteria means all.
    """
    asked, token = _ask(
        portfolio,
        AskedBy.EMAIL,
        actor=actor,
        learner=actor,
        evidence=evidence,
        criteria=criteria,
        verifier_name=plain_text(name).strip(),
        verifier_email=email.strip(),
        verifier_relationship=plain_text(relationship).strip(),
        message=plain_text(message).strip(),
    )
    _write_to(asked, token)
    return asked


def _write_to(asked: Attestation, token: str) -> None:
    """The mail with the personal link."""
    portfolio = asked.portfolio
    delivery = portfolio.enrolment.delivery
    notify_address(
        topic="portfolios.attestation.link",
        address=asked.verifier_email,
        name=asked.verifier_name,
        secret_path=f"/v/{token}/",
        context={
            "verifier": asked.verifier_name,
            "learner": asked.requested_by.name,
            "task": portfolio.task.title,
            "message": asked.message,
            "days": delivery.policy_value("verifier.link_days"),
            "provider": delivery.version.micro_credential.provider.name,
        },
        dedupe=f"portfolios.attestation.link:{asked.pk}",
    )


@transaction.atomic
def renew_link(token: str) -> Attestation | None:
    """Somebody with a link that is over asks for a new one: it goes to the address that the old one went to.

    That is a new request with the same words; the old one stays as it ended, and so does its link. Once for
    each request, and only where the learner asked by mail and has neither taken it back nor submitted
    meanwhile. Gives the new request or None; who asks must not be told which.
    """
    known = attestation_for(token)
    if known is None or known.way != AskedBy.EMAIL:
        return None
    old: Attestation = Attestation.objects.select_for_update(of=("self",)).get(pk=known.pk)
    if old.is_waiting and old.expires_at <= timezone.now():
        old = perform(old, "expire", actor=CLOCK)
    if old.state != AttestationState.EXPIRED:
        return None
    if Attestation.objects.filter(renewal_of=old).exists():
        return None
    try:
        with transaction.atomic():
            asked, fresh = _ask(
                old.portfolio,
                AskedBy.EMAIL,
                actor=SYSTEM,
                learner=old.requested_by,
                evidence=old.evidence.filter(state=EvidenceState.READY),
                criteria=old.criteria.all(),
                renewal_of=old,
                verifier_name=old.verifier_name,
                verifier_email=old.verifier_email,
                verifier_relationship=old.verifier_relationship,
                message=old.message,
            )
    except (GuardsNotMet, NotPermitted, ReasonNeeded):
        return None
    _write_to(asked, fresh)
    return asked


def reminder_of(delivery: Delivery, asked_at: dt.datetime, number: int) -> dt.datetime | None:
    """When the verifier is reminded for that time, counted from 0; None after the last."""
    moments = sorted(
        fire_time(asked_at, offset, delivery.time_zone, delivery.calendar)
        for offset in delivery.policy_value("reminder.verifier_offsets")
    )
    return moments[number] if number < len(moments) else None


def remind_verifiers(limit: int = 100) -> int:
    """Remind verifiers who were asked and have not answered; gives how many.

    Each in a transaction of its own, and skipped where another process holds it. After an outage only the
    latest of several reminders goes.
    """
    waiting = Attestation.objects.filter(
        state__in=[AttestationState.REQUESTED, AttestationState.OPENED],
        remind_at__lte=timezone.now(),
        expires_at__gt=timezone.now(),
    )
    keys = list(waiting.order_by("remind_at").values_list("pk", flat=True)[:limit])
    return sum(remind_verifier(key) for key in keys)


@transaction.atomic
def remind_verifier(key: uuid.UUID) -> int:
    """One reminder with a link of its own, since nobody knows the first any more; both work."""
    now = timezone.now()
    found = (
        Attestation.objects.select_related(
            "requested_by", "portfolio__task", "portfolio__enrolment__delivery__version"
        )
        .select_for_update(of=("self",), skip_locked=True)
        .filter(
            pk=key,
            state__in=[AttestationState.REQUESTED, AttestationState.OPENED],
            remind_at__lte=now,
        )
        .first()
    )
    if found is None:
        return 0
    delivery = found.portfolio.enrolment.delivery
    number = found.reminded + 1
    while (later := reminder_of(delivery, found.requested_at, number)) and later <= now:
        number += 1
    found.reminded, found.remind_at = number, later
    found.save(update_fields=["reminded", "remind_at"])
    token = secrets.token_urlsafe(32)
    AttestationLink.objects.create(attestation=found, token_hash=hash_of(token))
    notify_address(
        topic="portfolios.attestation.reminder",
        address=found.verifier_email,
        name=found.verifier_name,
        secret_path=f"/v/{token}/",
        context={
            "verifier": found.verifier_name,
            "learner": found.requested_by.name,
            "task": found.portfolio.task.title,
            "until": in_words(found.expires_at, delivery.zone),
        },
        lane=Lane.REMINDER,
        dedupe=f"portfolios.attestation.reminder:{found.pk}:{number}",
    )
    return 1


@transaction.atomic
def ask_on_the_spot(
    portfolio: Portfolio,
    *,
    actor: User,
    name: str,
    email: str,
    relationship: str = "",
    evidence: Iterable[EvidenceItem] = (),
    criteria: Iterable[Criterion] = (),
) -> tuple[Attestation, str]:
    """Ask somebody who is there: the link's token, to be shown as a code. No mail is sent before the answer.

    The link works for an hour or so (policy), because whoever looks at the screen can take it.
    """
    return _ask(
        portfolio,
        AskedBy.CODE,
        actor=actor,
        learner=actor,
        evidence=evidence,
        criteria=criteria,
        verifier_name=plain_text(name).strip(),
        verifier_email=email.strip(),
        verifier_relationship=plain_text(relationship).strip(),
    )


def _ask(
    portfolio: Portfolio,
    way: AskedBy,
    *,
    actor: Actor,
    learner: User,
    evidence: Iterable[EvidenceItem],
    criteria: Iterable[Criterion],
    renewal_of: Attestation | None = None,
    **words: str,
) -> tuple[Attestation, str]:
    """The request with its deadline, and the token of which it keeps the hash."""
    address = words["verifier_email"]
    if address.lower() == learner.email.lower():
        raise ReasonNeeded("Ask somebody else than yourself.")
    if guards.assesses(portfolio, email__iexact=address):
        raise ReasonNeeded(
            "This person has a part in assessing you, so they cannot confirm. Ask somebody else."
        )
    items, asked_about = list(evidence), list(criteria)
    if any(not rules.owns_evidence(item, learner) for item in items):
        raise NotPermitted
    if any(one.rubric.task_id != portfolio.task_id for one in asked_about):
        raise NotPermitted
    token = secrets.token_urlsafe(32)
    delivery = portfolio.enrolment.delivery
    now = timezone.now()
    lasts = (
        dt.timedelta(minutes=delivery.policy_value("verifier.code_minutes"))
        if way == AskedBy.CODE
        else dt.timedelta(days=delivery.policy_value("verifier.link_days"))
    )
    asked: Attestation = begin(
        ASK_ATTESTATION,
        parent=portfolio,
        actor=actor,
        build=lambda: Attestation(
            portfolio=portfolio,
            requested_by=learner,
            renewal_of=renewal_of,
            way=way,
            token_hash=hash_of(token),
            expires_at=now + lasts,
            requested_at=now,
            remind_at=reminder_of(delivery, now, 0) if way == AskedBy.EMAIL else None,
            **words,
        ),
    )
    asked.evidence.set(items)
    asked.criteria.set(asked_about)
    if way == AskedBy.EMAIL:
        set_deadline(
            subject=asked,
            kind=ATTESTATION_DEADLINE,
            due_at=asked.expires_at,
            zone=delivery.time_zone,
            region=delivery.region,
            recipients=[learner],
            offsets=delivery.policy_value("reminder.attestation_offsets"),
            actor=SYSTEM,
        )
    return asked, token


@transaction.atomic
def open_attestation(
    attestation: Attestation, *, visitor: User | None = None, on_learners_device: bool = False
) -> Attestation:
    """The verifier pressed Start. Pressing it again, or coming back, changes nothing more.

    `visitor` is who is signed in there, if anybody: nobody who assesses the learner may go on.
    """
    if not rules.may_confirm(attestation, visitor):
        raise NotPermitted
    fresh: Attestation = Attestation.objects.select_for_update(of=("self",)).get(pk=attestation.pk)
    if fresh.state == AttestationState.OPENED:
        return fresh
    opened: Attestation = perform(
        fresh, "open", actor=SYSTEM, on_learners_device=on_learners_device
    )
    return opened


@transaction.atomic
def attest(
    attestation: Attestation,
    *,
    statements: Mapping[Criterion, tuple[str, str]],
    relationship: str = "",
    period_observed: str = "",
    has_conflict: bool = False,
    conflict_note: str = "",
    comment: str = "",
    visitor: User | None = None,
    on_learners_device: bool = False,
) -> Attestation:
    """Record what the verifier says on each criterion, and lock it; the learner is told that an answer came.

    The level of assurance is settled now and stands in the record of the step. The address gets a notice
    with a link by which its owner can say that they did not give this. An account with that address is
    from now on too close to the learner to judge their work.
    """
    if not rules.may_confirm(attestation, visitor):
        raise NotPermitted
    fresh: Attestation = Attestation.objects.select_for_update(of=("self",)).get(pk=attestation.pk)
    on_learners_device = on_learners_device or fresh.on_learners_device
    level = level_of(
        way=fresh.way,
        on_learners_device=on_learners_device,
        address=fresh.verifier_email,
        employer_domain=fresh.employer_domain,
    )
    token = secrets.token_urlsafe(32)
    given: Attestation = perform(
        fresh,
        "attest",
        actor=SYSTEM,
        facts={"assurance": level},
        answer={
            "verifier_relationship": (
                plain_text(relationship).strip() or fresh.verifier_relationship
            ),
            "period_observed": plain_text(period_observed).strip(),
            "has_conflict": has_conflict,
            "conflict_note": plain_text(conflict_note).strip(),
            "comment": plain_text(comment).strip(),
            "on_learners_device": on_learners_device,
            "assurance": level,
            "objection_hash": hash_of(token),
        },
    )
    close_attestation(given, actor=SYSTEM)
    AttestationStatement.objects.bulk_create(
        AttestationStatement(
            attestation=given, criterion=criterion, answer=answer, comment=plain_text(words)
        )
        for criterion, (answer, words) in statements.items()
    )
    learner = given.portfolio.enrolment.learner
    account = User.objects.filter(email__iexact=given.verifier_email).exclude(pk=learner.pk).first()
    if account is not None:
        DeclaredConflict.objects.get_or_create(
            person=account,
            other=learner,
            kind=ConflictKind.VERIFIER,
            defaults={"declared_by": learner},
        )
    notify_address(
        topic="portfolios.attestation.notice",
        address=given.verifier_email,
        name=given.verifier_name,
        secret_path=f"/v/not-me/{token}/",
        context={"learner": learner.name, "task": given.portfolio.task.title},
        dedupe=f"portfolios.attestation.notice:{given.pk}",
    )
    return given


def objection_to(token: str) -> Attestation | None:
    """The answer that a "this was not me" link belongs to."""
    digest = hash_of(token)
    found = Attestation.objects.filter(objection_hash=digest).first()
    return found if found and constant_time_compare(found.objection_hash, digest) else None


@transaction.atomic
def disown_attestation(attestation: Attestation) -> Attestation:
    """The person named did not give it: it is void, and learner and lead moderator are told. Once."""
    fresh: Attestation = Attestation.objects.select_for_update(of=("self",)).get(pk=attestation.pk)
    if fresh.state == AttestationState.VOIDED:
        return fresh
    voided: Attestation = perform(fresh, "disown", actor=SYSTEM)
    return voided


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
