"""Building a portfolio: evidence, what it shows, and the learner's own words."""

import datetime as dt
import hashlib
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Actor, User
from accounts.words import plain_text
from catalogue.models import AssessmentTask, Criterion, Enrolment, TaskSchedule
from portfolios import guards, rules, storage
from portfolios.actions.scanning import wake_scanner_after_commit
from portfolios.enums import Confidentiality, EvidenceKind, EvidenceState
from portfolios.exceptions import CriterionLocked, ReasonNeeded
from portfolios.models import (
    EvidenceItem,
    EvidenceMapping,
    Portfolio,
    Reflection,
    ReflectionVersion,
    TextAlternativeVersion,
)
from portfolios.selectors import limits_of
from portfolios.transitions import ADD_EVIDENCE
from workflows.actions import cancel_deadline, move_deadline, set_deadline
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleVersion
from workflows.models import Deadline
from workflows.notifications import notify
from workflows.transitions import begin, perform
from workflows.words import in_words

SUBMISSION_DEADLINE = "submission"
RESUBMISSION_DEADLINE = "resubmission"
SUBMISSION_KINDS = (SUBMISSION_DEADLINE, RESUBMISSION_DEADLINE)
CUT_OFF_DEADLINE = "cut_off"


@transaction.atomic
def create_portfolio(
    enrolment: Enrolment, task: AssessmentTask, *, actor: Actor
) -> Portfolio | None:
    """The portfolio of one enrolment and task, made when it is first needed.

    Takes its dates from the delivery's schedule and sets the submission deadline with its reminders.
    Gives the one that is there already, and None where the delivery does not schedule the task.
    """
    found: Portfolio | None = Portfolio.objects.filter(enrolment=enrolment, task=task).first()
    if found is not None:
        return found
    schedule = TaskSchedule.objects.filter(delivery=enrolment.delivery_id, task=task).first()
    if schedule is None:
        return None
    portfolio, made = Portfolio.objects.get_or_create(
        enrolment=enrolment,
        task=task,
        defaults={
            "opens_at": schedule.opens_at,
            "due_at": schedule.due_at,
            "cut_off_at": schedule.cut_off_at,
        },
    )
    if made:
        open_deadline(portfolio, actor=actor)
    return portfolio


def submission_kind(portfolio: Portfolio) -> str:
    """The kind of the date that counts now: a first attempt, or one after a referral."""
    return SUBMISSION_DEADLINE if portfolio.attempt == 1 else RESUBMISSION_DEADLINE


def open_deadline(portfolio: Portfolio, *, actor: Actor) -> None:
    """Set the date by which this portfolio is to be submitted, with the reminders of the policy.

    Where late work is taken, the moment at which that ends is a deadline of its own.
    """
    delivery = portfolio.enrolment.delivery
    shared: dict[str, Any] = {
        "subject": portfolio,
        "zone": delivery.time_zone,
        "region": delivery.region,
        "recipients": [portfolio.enrolment.learner],
        "actor": actor,
    }
    set_deadline(
        kind=submission_kind(portfolio),
        due_at=portfolio.due_at,
        offsets=delivery.policy_value("reminder.offsets"),
        required=delivery.policy_value("reminder.required_offsets"),
        **shared,
    )
    if portfolio.cut_off_at > portfolio.due_at:
        set_deadline(
            kind=CUT_OFF_DEADLINE,
            due_at=portfolio.cut_off_at,
            offsets=delivery.policy_value("reminder.cut_off_offsets"),
            **shared,
        )


def running(portfolio: Portfolio, *kinds: str) -> list[Deadline]:
    """The portfolio's open deadlines of these kinds; one of each at most."""
    return list(Deadline.objects.of(portfolio).open().filter(kind__in=kinds))


def follow_dates(portfolio: Portfolio, *, actor: Actor, reason: str) -> None:
    """Move the portfolio's deadlines to its own dates, and make those that it has not yet."""
    due = running(portfolio, *SUBMISSION_KINDS)
    if not due:
        open_deadline(portfolio, actor=actor)
        return
    for deadline in due:
        if deadline.due_at != portfolio.due_at:
            move_deadline(deadline, due_at=portfolio.due_at, actor=actor, reason=reason)
    closing = running(portfolio, CUT_OFF_DEADLINE)
    takes_late = portfolio.cut_off_at > portfolio.due_at
    for deadline in closing:
        if not takes_late:
            cancel_deadline(deadline, actor=actor, reason=reason)
        elif deadline.due_at != portfolio.cut_off_at:
            move_deadline(deadline, due_at=portfolio.cut_off_at, actor=actor, reason=reason)
    if takes_late and not closing:
        open_deadline(portfolio, actor=actor)


def tell_of_new_date(portfolio: Portfolio) -> None:
    """One message for one new date; the key holds the date, so a repeat tells nobody twice."""
    zone = portfolio.enrolment.delivery.zone
    notify(
        topic="portfolios.portfolio.moved",
        recipients=[portfolio.enrolment.learner],
        subject=portfolio,
        path=f"/learn/p/{portfolio.pk}/",
        context={"task": portfolio.task.title, "due": in_words(portfolio.due_at, zone)},
        dedupe=f"{portfolio.pk}:{portfolio.due_at.isoformat()}",
        deadline=next(iter(running(portfolio, *SUBMISSION_KINDS)), None),
    )


def locked_for_editing(portfolio: Portfolio, actor: Actor) -> Portfolio:
    """The portfolio's row, locked. Refuses strangers, and everybody while a submission is under way."""
    fresh: Portfolio = Portfolio.objects.select_for_update(of=("self",)).get(pk=portfolio.pk)
    if not rules.owns_portfolio(fresh, actor):
        raise NotPermitted
    if not guards.no_live_submission.holds(fresh):
        raise GuardsNotMet([guards.no_live_submission])
    return fresh


def title_without(name: str, portfolio: Portfolio, kind: str) -> str:
    """The title where none was given: the file's name, or in anonymous marking only what kind it is."""
    if portfolio.enrolment.delivery.hides_learner(portfolio.task_id):
        return str(EvidenceKind(kind).label)
    return name


def touch(portfolio: Portfolio) -> None:
    Portfolio.objects.filter(pk=portfolio.pk).update(changed_at=timezone.now())


def new_item(portfolio: Portfolio, actor: Actor, **fields: Any) -> EvidenceItem:
    """An item in `uploading` that belongs to the learner and to the organisation that teaches."""
    fields["title"] = (plain_text(fields.get("title", "")).strip() or "Evidence")[:200]
    fields["description"] = plain_text(fields.get("description", ""))
    provider = portfolio.enrolment.delivery.version.micro_credential.provider
    made: EvidenceItem = begin(
        ADD_EVIDENCE,
        parent=portfolio,
        actor=actor,
        build=lambda: EvidenceItem(
            state=EvidenceState.UPLOADING,
            owner=portfolio.enrolment.learner,
            organisation=provider,
            delivery_id=portfolio.enrolment.delivery_id,
            **fields,
        ),
    )
    touch(portfolio)
    return made


def add_file_evidence(
    portfolio: Portfolio,
    *,
    actor: User,
    pieces: Iterable[bytes],
    name: str,
    title: str = "",
    description: str = "",
    kind: EvidenceKind = EvidenceKind.FILE,
    declared_type: str = "",
    expected_size: int | None = None,
) -> EvidenceItem:
    """Store a file's bytes and put it into the library as `stored`, to be checked next.

    The bytes go first and outside the transaction: they lie under their own hash, so that bytes without
    a row do no harm, while a row without bytes would. Raises UploadRefused (kind of file, empty, too big,
    cut off) and keeps nothing then. Nudges the scan after the commit.
    """
    name = storage.clean_name(name)
    if not rules.owns_portfolio(portfolio, actor):
        raise NotPermitted
    if not guards.no_live_submission.holds(portfolio):
        raise GuardsNotMet([guards.no_live_submission])
    limits = limits_of(portfolio)
    limits.check(name, expected_size)
    delivery = portfolio.enrolment.delivery
    stored = storage.store(
        pieces,
        organisation_id=delivery.version.micro_credential.provider_id,
        limit=min(limits.max_bytes, limits.left),
        expected=expected_size,
    )
    with transaction.atomic():
        item = new_item(
            portfolio,
            actor,
            kind=kind,
            title=title or title_without(name, portfolio, kind),
            description=description,
            original_name=name,
            declared_type=declared_type[:120],
        )
        item = perform(
            item,
            "store",
            actor=actor,
            size=stored.size,
            sha256=stored.sha256,
            storage_key=stored.key,
            media_type="application/octet-stream",
        )
        wake_scanner_after_commit()
    return item


@transaction.atomic
def add_link(
    portfolio: Portfolio, *, actor: User, link: str, title: str = "", description: str = ""
) -> EvidenceItem:
    """Keep an address as evidence. Its fingerprint is that of the address; the page is not fetched."""
    locked_for_editing(portfolio, actor)
    link = plain_text(link).strip()
    item = new_item(
        portfolio,
        actor,
        kind=EvidenceKind.LINK,
        title=title or link,
        description=description,
        link=link,
    )
    return _store_text(item, link, actor, "text/uri-list")


@transaction.atomic
def add_note(
    portfolio: Portfolio, *, actor: User, note: str, title: str, description: str = ""
) -> EvidenceItem:
    """Keep a written note as evidence; its words never change afterwards."""
    locked_for_editing(portfolio, actor)
    note = plain_text(note)
    item = new_item(
        portfolio, actor, kind=EvidenceKind.NOTE, title=title, description=description, note=note
    )
    return _store_text(item, note, actor, "text/plain")


def _store_text(item: EvidenceItem, text: str, actor: Actor, media_type: str) -> EvidenceItem:
    raw = text.encode()
    wake_scanner_after_commit()
    stored: EvidenceItem = perform(
        item,
        "store",
        actor=actor,
        size=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
        storage_key="",
        media_type=media_type,
    )
    return stored


@transaction.atomic
def describe_evidence(
    item: EvidenceItem,
    *,
    actor: User,
    title: str,
    description: str = "",
    text_alternative: str = "",
    happened_on: dt.date | None = None,
    confidentiality: str = Confidentiality.INTERNAL,
    consent_given: bool = False,
    seen_version: int | None = None,
) -> EvidenceItem:
    """Say what the evidence shows. A submission keeps the words it was made with.

    A description, transcript or captions that others replace are kept as an earlier version.
    Raises StaleVersion with the words of both sides where somebody saved in between.
    """
    fresh: EvidenceItem = EvidenceItem.objects.select_for_update(of=("self",)).get(pk=item.pk)
    if not rules.owns_evidence(fresh, actor):
        raise NotPermitted
    if seen_version is not None and seen_version != fresh.version:
        raise StaleVersion(mine=plain_text(description), theirs=fresh)
    text_alternative = plain_text(text_alternative)
    if fresh.text_alternative.strip() and fresh.text_alternative != text_alternative:
        TextAlternativeVersion.objects.create(evidence=fresh, text=fresh.text_alternative)
    EvidenceItem.objects.filter(pk=item.pk).update(
        title=plain_text(title).strip()[:200] or fresh.title,
        description=plain_text(description),
        text_alternative=text_alternative,
        happened_on=happened_on,
        confidentiality=confidentiality,
        consent_given=consent_given,
        version=fresh.version + 1,
    )
    fresh.refresh_from_db()
    return fresh


@transaction.atomic
def remove_evidence(item: EvidenceItem, *, actor: User) -> EvidenceItem:
    """Take an item out of the library, softly. Refused while a submission or a portfolio uses it."""
    removed: EvidenceItem = perform(item, "remove", actor=actor)
    return removed


@transaction.atomic
def restore_evidence(item: EvidenceItem, *, actor: User) -> EvidenceItem:
    """Undo a removal. The item is checked again before it counts."""
    wake_scanner_after_commit()
    restored: EvidenceItem = perform(item, "restore", actor=actor)
    return restored


def open_criterion(portfolio: Portfolio, criterion: Criterion) -> Criterion:
    """The criterion, if the learner may work on it in this attempt."""
    found = portfolio.open_criteria().filter(pk=criterion.pk).first()
    if found is None:
        raise CriterionLocked(f"{criterion} was met in an earlier attempt and stays as it is.")
    return found


@transaction.atomic
def map_evidence(
    portfolio: Portfolio,
    item: EvidenceItem,
    criterion: Criterion,
    *,
    actor: User,
    claim: str = "",
    locator: str = "",
) -> EvidenceMapping:
    """Say that this evidence supports this criterion, where in it, and how. Saying it again changes it."""
    fresh = locked_for_editing(portfolio, actor)
    open_criterion(fresh, criterion)
    if not rules.owns_evidence(item, actor) or item.state == EvidenceState.REMOVED:
        raise NotPermitted
    mapping, _made = EvidenceMapping.objects.update_or_create(
        portfolio=fresh,
        evidence=item,
        criterion=criterion,
        defaults={
            "claim": plain_text(claim).strip()[:500],
            "locator": plain_text(locator).strip()[:100],
        },
    )
    touch(fresh)
    return mapping


@transaction.atomic
def unmap_evidence(
    portfolio: Portfolio, item: EvidenceItem, criterion: Criterion, *, actor: User
) -> None:
    """Take back that this evidence supports this criterion. The evidence stays in the library."""
    fresh = locked_for_editing(portfolio, actor)
    open_criterion(fresh, criterion)
    EvidenceMapping.objects.filter(portfolio=fresh, evidence=item, criterion=criterion).delete()
    touch(fresh)


def save_reflection(
    portfolio: Portfolio, criterion: Criterion, *, actor: User, text: str, seen_version: int
) -> Reflection:
    """Save the learner's words on one criterion; `seen_version` is 0 for the first time.

    The text before goes into the history. Where another page saved in between, nothing is overwritten:
    the text that came too late is kept in the history, and StaleVersion carries both.
    """
    text = plain_text(text)
    with transaction.atomic():
        fresh = locked_for_editing(portfolio, actor)
        open_criterion(fresh, criterion)
        reflection, made = Reflection.objects.select_for_update().get_or_create(
            portfolio=fresh, criterion=criterion, defaults={"text": text}
        )
        stale = not made and reflection.version != seen_version and reflection.text != text
        if stale:
            ReflectionVersion.objects.create(
                reflection=reflection,
                version=seen_version,
                text=text,
                saved_at=timezone.now(),
                is_conflict=True,
            )
        elif not made and reflection.text != text:
            ReflectionVersion.objects.create(
                reflection=reflection,
                version=reflection.version,
                text=reflection.text,
                saved_at=reflection.saved_at,
            )
            reflection.text = text
            reflection.version += 1
            reflection.saved_at = timezone.now()
            reflection.save(update_fields=["text", "version", "saved_at"])
            touch(fresh)
    if stale:
        raise StaleVersion(mine=text, theirs=reflection)
    return reflection


@transaction.atomic
def waive_attestation(portfolio: Portfolio, *, actor: User, reason: str) -> Portfolio:
    """Let a portfolio be submitted without the confirmation that its task asks for.

    For programme administrators, with a reason; the learner's page says that it was waived.
    """
    fresh: Portfolio = Portfolio.objects.select_for_update(of=("self",)).get(pk=portfolio.pk)
    if not rules.may_waive_attestation(fresh, actor):
        raise NotPermitted
    if not reason.strip():
        raise ReasonNeeded("Say why no confirmation is needed.")
    fresh.attestation_waived_at = timezone.now()
    fresh.attestation_waived_by = actor
    fresh.attestation_waiver_reason = plain_text(reason).strip()
    fresh.save(
        update_fields=[
            "attestation_waived_at",
            "attestation_waived_by",
            "attestation_waiver_reason",
        ]
    )
    return fresh
