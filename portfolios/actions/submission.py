"""Freezing an attempt, taking it back, opening the next, and holding it."""

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import CLOCK, Actor, User
from accounts.words import plain_text
from catalogue.models import Criterion
from portfolios import manifest, rules
from portfolios.actions.drafting import (
    CUT_OFF_DEADLINE,
    SUBMISSION_KINDS,
    open_deadline,
    running,
)
from portfolios.definitions import ALLOWED
from portfolios.enums import (
    ENDED_ATTEMPT,
    AttestationState,
    ConsiderationOutcome,
    EvidenceKind,
    HoldKind,
    PartKind,
    SnapshotState,
)
from portfolios.exceptions import KeyReused, ReasonNeeded
from portfolios.models import (
    EvidenceItem,
    Hold,
    LinkSnapshot,
    Part,
    Portfolio,
    Submission,
    SubmissionEvidence,
)
from portfolios.transitions import SUBMIT
from workflows.actions import cancel_deadline
from workflows.exceptions import GuardsNotMet, NotPermitted
from workflows.models import Deadline, IdempotencyKey
from workflows.notifications import notify
from workflows.transitions import begin, perform

DECLARATION = _(
    "This is my own work, except where I say so.\n"
    "People who can be recognised in it have agreed to that.\n"
    "It holds no restricted or security information.\n"
    "What I say in it is true."
)

CONSIDERATION_DEADLINE = "consideration"
CONSIDERATION_EVIDENCE = "consideration_evidence"


@transaction.atomic
def submit_portfolio(
    portfolio: Portfolio,
    *,
    actor: Actor,
    key: str,
    declaration: str,
    ai_use: str = "",
    reason: str = "",
    in_reo: bool | None = None,
) -> Submission:
    """Freeze the portfolio as one attempt, and issue its reference and fingerprint.

    Writes the declaration, the manifest, the pins on the bytes, and the learner's part; closes the
    submission deadline. `declaration` is the text that was accepted, empty where it was not; `in_reo` that
    the work is in te reo Māori, None for what the portfolio says already. The same
    `key` again gives the same submission (a double tap, a request sent twice). Somebody who submits for
    the learner must say why. The receipt leaves through the outbox. Raises GuardsNotMet with every
    reason; then nothing is kept, the declaration included.
    """
    digest = hashlib.sha256(f"{portfolio.pk}\n{declaration}".encode()).hexdigest()
    fresh = Portfolio.objects.select_for_update(of=("self",), no_key=True).get(pk=portfolio.pk)
    learner = fresh.enrolment.learner
    holder = actor if isinstance(actor, User) else learner
    if (before := IdempotencyKey.objects.filter(actor=holder, key=key).first()) is not None:
        if before.digest != digest:
            raise KeyReused
        reference = before.response_url.rstrip("/").rsplit("/", 1)[-1]
        same: Submission = Submission.objects.get(reference=reference)
        return same
    on_behalf = not rules.owns_portfolio(fresh, actor)
    if on_behalf and rules.can_submit(fresh, actor) and not reason.strip():
        raise ReasonNeeded("Say why you submit for the learner.")
    fresh.declaration_text = plain_text(declaration)
    fresh.declaration_accepted_at = timezone.now() if declaration else None
    fresh.ai_use = plain_text(ai_use)
    fresh.in_reo = fresh.in_reo if in_reo is None else in_reo
    fresh.save(update_fields=["declaration_text", "declaration_accepted_at", "ai_use", "in_reo"])
    submission: Submission = begin(
        SUBMIT,
        parent=fresh,
        actor=actor,
        reason=plain_text(reason),
        build=lambda: _frozen(fresh),
        on_behalf_of=learner if on_behalf else None,
        facts=lambda made: {"reference": made.reference, "fingerprint": made.fingerprint},
    )
    SubmissionEvidence.objects.bulk_create(
        SubmissionEvidence(submission=submission, evidence=item, number=number, sha256=item.sha256)
        for number, item in enumerate(fresh.used_evidence(), 1)
    )
    Part.objects.create(submission=submission, person=learner, kind=PartKind.LEARNER)
    close_deadline(fresh, actor=actor, reason="Submitted")
    IdempotencyKey.objects.create(
        actor=holder,
        key=key,
        route="portfolios:submit",
        digest=digest,
        response_url=f"/learn/p/{fresh.pk}/receipt/{submission.reference}/",
    )
    return submission


@transaction.atomic
def ask_automatic_submission(
    portfolio: Portfolio, *, actor: User, declaration: str, ai_use: str = "", in_reo: bool = False
) -> Portfolio:
    """Accept the declaration now, and let the clock submit at the cut-off if everything is there then.

    Only where the delivery's policy has it. The learner may go on working, submit earlier, or take it back.
    """
    fresh: Portfolio = Portfolio.objects.select_for_update(of=("self",), no_key=True).get(
        pk=portfolio.pk
    )
    if not rules.owns_portfolio(fresh, actor):
        raise NotPermitted(instance=fresh)
    if not fresh.enrolment.delivery.policy_value("submission.auto_submit"):
        raise ReasonNeeded("This delivery does not submit for you.")
    now = timezone.now()
    if now >= fresh.cut_off_at:
        raise ReasonNeeded("The task is closed. Ask for more time.")
    fresh.declaration_text = plain_text(declaration)
    fresh.ai_use = plain_text(ai_use)
    fresh.in_reo = in_reo
    fresh.declaration_accepted_at = fresh.auto_submit_asked_at = now
    fresh.save(
        update_fields=[
            "declaration_text",
            "ai_use",
            "in_reo",
            "declaration_accepted_at",
            "auto_submit_asked_at",
        ]
    )
    return fresh


@transaction.atomic
def stop_automatic_submission(portfolio: Portfolio, *, actor: User) -> Portfolio:
    """Take it back: nothing is submitted that the learner does not submit."""
    fresh: Portfolio = Portfolio.objects.select_for_update(of=("self",), no_key=True).get(
        pk=portfolio.pk
    )
    if not rules.owns_portfolio(fresh, actor):
        raise NotPermitted(instance=fresh)
    fresh.auto_submit_asked_at = fresh.declaration_accepted_at = None
    fresh.save(update_fields=["auto_submit_asked_at", "declaration_accepted_at"])
    return fresh


def submit_at_cut_off(limit: int = 100) -> int:
    """Submit what learners asked to be submitted and whose cut-off has come; gives how many were.

    Each in a transaction of its own; several clocks may run at once, the submission exists once. What is
    not complete is not submitted: the learner is told what was missing, once.
    """
    waiting = Portfolio.objects.filter(
        auto_submit_asked_at__isnull=False,
        cut_off_at__lte=timezone.now(),
        enrolment__ended_at__isnull=True,
    ).exclude(submissions__in=Submission.objects.exclude(state__in=ENDED_ATTEMPT))
    done = 0
    for portfolio in waiting.order_by("cut_off_at")[:limit]:
        try:
            submit_portfolio(
                portfolio,
                actor=CLOCK,
                key=f"cut-off:{portfolio.pk.hex[:24]}:{portfolio.attempt}",
                declaration=portfolio.declaration_text,
                ai_use=portfolio.ai_use,
                reason="Submitted at the cut-off, as the learner asked",
            )
        except GuardsNotMet as error:
            _tell_what_was_missing(portfolio, error.reasons)
        else:
            done += 1
    return done


@transaction.atomic
def _tell_what_was_missing(portfolio: Portfolio, reasons: list[str]) -> None:
    notify(
        topic="portfolios.portfolio.not_submitted",
        recipients=[portfolio.enrolment.learner],
        subject=portfolio,
        path=f"/learn/p/{portfolio.pk}/",
        context={"task": portfolio.task.title, "reasons": reasons},
        dedupe=f"{portfolio.pk}:{portfolio.attempt}",
    )
    Portfolio.objects.filter(pk=portfolio.pk).update(auto_submit_asked_at=None)


def _frozen(portfolio: Portfolio) -> Submission:
    """The unsaved submission, with everything that the manifest lists as it is now."""
    now = timezone.now()
    task, enrolment = portfolio.task, portfolio.enrolment
    version = task.version
    reference = manifest.new_reference(now.astimezone(enrolment.delivery.zone).year)
    while Submission.objects.filter(reference=reference).exists():
        reference = manifest.new_reference(now.year)
    text = manifest.build(
        reference=reference,
        learner=manifest.pseudonym(enrolment.pk),
        micro_credential=version.micro_credential.code,
        version=version.number,
        task=task.title,
        rubric_hash=task.rubric.content_hash,
        attempt=portfolio.attempt,
        submitted_at=now,
        files=_files(portfolio),
        reflections=[
            {"criterion": one.criterion.code, "text": one.text}
            for one in portfolio.reflections.select_related("criterion").order_by(
                "criterion__number"
            )
        ],
        declaration=manifest.Declaration(
            portfolio.declaration_text,
            manifest.moment(portfolio.declaration_accepted_at or now),
            portfolio.ai_use,
        ),
        attestations=_attestations(portfolio),
    )
    schedule = enrolment.delivery.schedules.filter(task=task).first()
    frozen: Submission = Submission(
        reference=reference,
        pseudonym=manifest.pseudonym(enrolment.pk),
        portfolio=portfolio,
        enrolment=enrolment,
        delivery=enrolment.delivery,
        task=task,
        rubric=task.rubric,
        learner=enrolment.learner,
        attempt=portfolio.attempt,
        in_reo=portfolio.in_reo,
        hides_learner=schedule and schedule.hides_learner,
        hides_assessor=schedule and schedule.hides_assessor,
        hides_between=schedule and schedule.hides_between,
        manifest=text,
        fingerprint=manifest.fingerprint(text),
        # What the clock submits counts as handed in at the cut-off, however late the clock came.
        is_late=min(now, portfolio.cut_off_at) > portfolio.due_at,
        submitted_at=now,
    )
    return frozen


def _files(portfolio: Portfolio) -> list[manifest.File]:
    supports: dict[Any, list[manifest.Support]] = defaultdict(list)
    for mapping in portfolio.mappings.select_related("criterion").order_by("criterion__number"):
        supports[mapping.evidence_id].append(
            manifest.Support(mapping.criterion.code, mapping.claim, mapping.locator)
        )
    used = portfolio.used_evidence()
    snapshots = LinkSnapshot.objects.filter(evidence__in=used, state=SnapshotState.KEPT)
    kept = dict(snapshots.values_list("evidence_id", "sha256"))
    return [
        manifest.File(
            id=str(item.pk),
            number=number,
            name=manifest.neutral_name(number, extension_for(item)),
            kind=item.kind,
            title=item.title,
            description=item.description,
            text_alternative=item.text_alternative,
            link=item.link,
            media_type=item.media_type,
            bytes=item.size,
            sha256=item.sha256,
            criteria=supports[item.pk],
            snapshot_sha256=kept.get(item.pk, ""),
        )
        for number, item in enumerate(used, 1)
    ]


def extension_for(item: EvidenceItem) -> str:
    """The usual extension of what was found in the bytes; a link has none."""
    if item.kind == EvidenceKind.NOTE:
        return "txt"
    return ALLOWED.get(item.media_type, ("",))[0]


def _attestations(portfolio: Portfolio) -> list[dict[str, Any]]:
    """Confirmations that were given, without the verifier's name: references only."""
    given = portfolio.attestations.filter(state=AttestationState.ATTESTED).order_by("requested_at")
    return [
        {
            "id": str(one.pk),
            "answered_at": manifest.moment(one.answered_at or one.requested_at),
            "statements": [
                {"criterion": said.criterion.code, "answer": said.answer}
                for said in one.statements.select_related("criterion").order_by("criterion__number")
            ],
        }
        for one in given
    ]


def close_deadline(portfolio: Portfolio, *, actor: Actor, reason: str) -> None:
    """Stop the reminders; nobody is reminded of what is done."""
    for deadline in running(portfolio, *SUBMISSION_KINDS, CUT_OFF_DEADLINE):
        cancel_deadline(deadline, actor=actor, reason=reason)


def _make_editable(portfolio: Portfolio) -> None:
    """Nothing of the old declaration counts for the next attempt."""
    portfolio.declaration_accepted_at = None
    portfolio.declaration_text = ""
    portfolio.auto_submit_asked_at = None
    portfolio.changed_at = timezone.now()


@transaction.atomic
def withdraw_submission(submission: Submission, *, actor: User, reason: str = "") -> Submission:
    """Take an attempt back while no assessor has opened it. The portfolio becomes editable again.

    The deadline and its reminders come back; the receipt stays readable and says that it was withdrawn.
    """
    taken_back = perform(submission, "withdraw", actor=actor, reason=plain_text(reason))
    taken_back.parts.filter(ended_at__isnull=True).update(ended_at=timezone.now())
    portfolio: Portfolio = Portfolio.objects.select_for_update(of=("self",), no_key=True).get(
        pk=taken_back.portfolio_id
    )
    _make_editable(portfolio)
    portfolio.save(
        update_fields=[
            "declaration_accepted_at",
            "declaration_text",
            "auto_submit_asked_at",
            "changed_at",
        ]
    )
    open_deadline(portfolio, actor=actor)
    return taken_back


@transaction.atomic
def open_next_attempt(
    submission: Submission,
    *,
    met_criteria: Iterable[Criterion],
    due_at: dt.datetime,
    actor: Actor,
) -> Portfolio:
    """Open attempt n + 1 after a referral: only criteria that were not met may be worked on.

    Called by the step that refers, in its transaction. Sets the new date and its reminders.
    """
    portfolio: Portfolio = Portfolio.objects.select_for_update(of=("self",), no_key=True).get(
        pk=submission.portfolio_id
    )
    portfolio.attempt = submission.attempt + 1
    portfolio.due_at = portfolio.cut_off_at = due_at
    portfolio.granted_until = None
    _make_editable(portfolio)
    portfolio.save()
    portfolio.met_criteria.set(met_criteria)
    open_deadline(portfolio, actor=actor)
    return portfolio


@transaction.atomic
def place_hold(submission: Submission, *, actor: User, kind: HoldKind, reason: str) -> Hold:
    """Block every forward step until the hold is lifted. Moves no state.

    The learner is told that the submission waits, never why; the reason is for staff.
    """
    fresh = Submission.objects.select_for_update(of=("self",), no_key=True).get(pk=submission.pk)
    if not rules.may_hold(fresh, actor):
        raise NotPermitted(instance=fresh)
    if not reason.strip():
        raise ReasonNeeded("Say why this submission has to wait.")
    hold: Hold
    hold, made = Hold.objects.get_or_create(
        submission=fresh,
        kind=kind,
        closed_at=None,
        defaults={"reason": plain_text(reason).strip(), "opened_by": actor},
    )
    if made:
        _tell_of_hold(fresh, hold, "portfolios.hold.placed")
    return hold


@transaction.atomic
def lift_hold(hold: Hold, *, actor: User, note: str = "", outcome: str = "") -> Hold:
    """Let the submission move again. Lifting twice is the same as once.

    A special consideration ends with its outcome, which is all that assessors read of it. ReasonNeeded
    without one.
    """
    fresh: Hold = Hold.objects.select_for_update(of=("self",)).get(pk=hold.pk)
    if not rules.may_lift(fresh, actor):
        raise NotPermitted(instance=fresh)
    considers = fresh.kind == HoldKind.SPECIAL_CONSIDERATION
    if considers and outcome not in ConsiderationOutcome.values:
        raise ReasonNeeded("Choose what came of it.")
    if fresh.closed_at is None:
        fresh.closed_at, fresh.closed_by = timezone.now(), actor
        fresh.closing_note = plain_text(note).strip()
        fresh.outcome = outcome if considers else ""
        fresh.save(update_fields=["closed_at", "closed_by", "closing_note", "outcome"])
        if considers:
            rows = Deadline.objects.of(fresh.submission).open()
            kinds = (CONSIDERATION_DEADLINE, CONSIDERATION_EVIDENCE)
            for deadline in rows.filter(kind__in=kinds):
                cancel_deadline(deadline, actor=actor, reason="Decided")
        _tell_of_hold(fresh.submission, fresh, "portfolios.hold.lifted")
    return fresh


def _tell_of_hold(submission: Submission, hold: Hold, topic: str) -> None:
    notify(
        topic=topic,
        recipients=[submission.learner],
        path=f"/learn/p/{submission.portfolio_id}/",
        context={"reference": submission.reference, "task": submission.task.title},
        dedupe=f"{topic}:{hold.pk}",
    )
