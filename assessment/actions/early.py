"""The early check of a new task: its places, its readings, and whether marking goes on."""

from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Actor, User
from accounts.words import plain_text
from assessment import guards, rules
from assessment.enums import EarlyVerdictKind
from assessment.exceptions import EarlyNoteNeeded
from assessment.models import (
    AssessmentDecision,
    EarlyAnswer,
    EarlyCheck,
    EarlyPlace,
    EarlyReading,
    EarlyVerdict,
)
from assessment.selectors import people_of
from assessment.selectors.early import decided_places, reader_left
from catalogue.actions import when
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery
from portfolios.enums import PartKind
from portfolios.models import Part, Submission
from workflows.actions import open_record
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.notifications import notify

SIZE = "marking.early_check"


@when("delivery_opened")
def begin_early_checks(*, delivery: Delivery, actor: Actor, **facts: Any) -> None:
    """One check for each task of which fewer decisions than the policy's number stand anywhere yet.

    Part of the transaction that opens the delivery. A policy value of 0 makes none.
    """
    size = int(delivery.policy_value(SIZE))
    for task in delivery.version.tasks.all():
        known = (
            AssessmentDecision.objects.sealed()
            .filter(submission__task=task, submission__delivery__seeds_for__isnull=True)
            .order_by()
            .values("submission")
            .distinct()
        )
        passed = EarlyCheck.objects.filter(task=task, passed_at__isnull=False)
        if size and known.count() < size and not passed.exists():
            EarlyCheck.objects.create(delivery=delivery, task=task, size=size)


def lock_check(submission: Submission) -> EarlyCheck | None:
    """The open check that the work belongs to, kept from others: two starts follow one another."""
    found: EarlyCheck | None = (
        EarlyCheck.objects.open()
        .filter(delivery=submission.delivery_id, task=submission.task_id)
        .select_for_update(no_key=True)
        .first()
    )
    return found


def take_place(check: EarlyCheck, submission: Submission) -> None:
    """Give the work that was just opened the lowest free place. The caller holds the check's lock, and has asked
    whether there is one."""
    if EarlyPlace.objects.filter(submission=submission).exists():
        return
    taken = set(check.places.values_list("number", flat=True))
    number = min(set(range(1, check.size + 1)) - taken)
    EarlyPlace.objects.create(check_of=check, submission=submission, number=number)


def free_place(submission: Submission) -> None:
    """Work that was handed back with nothing decided leaves its place to another."""
    check = lock_check(submission)
    if check is not None and not submission.decisions.filter(sealed_at__isnull=False).exists():
        check.places.filter(submission=submission).delete()


def _locked(check: EarlyCheck, actor: User) -> EarlyCheck:
    fresh: EarlyCheck = (
        EarlyCheck.objects.select_for_update(of=("self",), no_key=True)
        .select_related("delivery", "task")
        .get(pk=check.pk)
    )
    if not rules.reads_early(fresh, actor):
        raise NotPermitted(instance=fresh)
    if fresh.passed_at is not None:
        raise StaleState(instance=fresh)
    return fresh


@transaction.atomic
def begin_reading(place: EarlyPlace, *, actor: User) -> EarlyPlace:
    """Take the part of a moderator in the work, so that its evidence opens. It ends with the reading.

    Raises NotPermitted for whoever marked any of the first pieces or is no moderator of the delivery,
    GuardsNotMet where the person is not independent of the learner, StaleState where nothing is decided.
    """
    check = _locked(place.check_of, actor)
    submission = place.submission
    if not guards.independent_of_learner.holds(submission, actor):
        raise GuardsNotMet([guards.independent_of_learner], instance=submission)
    if place.pk not in {one.pk for one in decided_places(check)}:
        raise StaleState(instance=check)
    Part.objects.get_or_create(
        submission=submission, person=actor, ended_at=None, defaults={"kind": PartKind.MODERATOR}
    )
    return place


@transaction.atomic
def record_reading(
    place: EarlyPlace,
    decision: AssessmentDecision,
    *,
    actor: User,
    is_sound: bool,
    note: str = "",
    sent_back: bool = False,
) -> EarlyReading:
    """Keep what the moderator thinks of the decision that they read, and end their part in the work.

    With `sent_back` a concern goes to the author of the decision, who is told and asked to answer it. Changes
    no level and moves no state: the round alone returns work to an assessor (lifecycle 2). Raises
    EarlyNoteNeeded where a concern has no words, NotPermitted before begin_reading, StaleState where the
    decision is no longer the one that counts or was read already.
    """
    check = _locked(place.check_of, actor)
    part = reader_left(place, actor)
    if part is None:
        raise NotPermitted(instance=check)
    if not is_sound and not note.strip():
        raise EarlyNoteNeeded
    newest = {one.pk: one.decision for one in decided_places(check)}
    if newest.get(place.pk) != decision:
        raise StaleState(instance=check)
    open_record(decision, actor=actor, purpose="Early check")
    made, is_new = EarlyReading.objects.get_or_create(
        place=place,
        decision=decision,
        moderator=actor,
        defaults={
            "is_sound": is_sound,
            "note": plain_text(note).strip(),
            "sent_back": sent_back and not is_sound,
        },
    )
    if not is_new:
        raise StaleState(instance=check)
    if made.sent_back:
        notify(
            topic="assessment.early_changes_asked",
            recipients=[decision.author],
            path=page_of(check),
            context={
                "task": check.task.title,
                "delivery": check.delivery.title,
                "note": made.note,
                "reference": place.submission.reference,
            },
            dedupe=f"early-reading:{made.pk}",
        )
    part.ended_at = timezone.now()
    part.save(update_fields=["ended_at"])
    return made


@transaction.atomic
def answer_early(
    reading: EarlyReading, *, actor: User, would_change: bool, text: str
) -> EarlyAnswer:
    """Say to a concern whether one would judge otherwise now, and why. The moderators of the delivery read it.

    The decision stays as it was frozen. Raises EarlyNoteNeeded without words, NotPermitted for anybody but
    the author of a decision that was sent back, StaleState once it is answered or marking goes on.
    """
    check: EarlyCheck = (
        EarlyCheck.objects.select_for_update(of=("self",), no_key=True)
        .select_related("delivery", "task")
        .get(pk=reading.place.check_of_id)
    )
    own = reading.sent_back and reading.decision.author_id == actor.pk
    if not own or not rules.answers_early(check, actor):
        raise NotPermitted(instance=check)
    if check.passed_at is not None or EarlyAnswer.objects.filter(reading=reading).exists():
        raise StaleState(instance=check)
    if not text.strip():
        raise EarlyNoteNeeded
    made: EarlyAnswer = EarlyAnswer.objects.create(
        reading=reading, assessor=actor, would_change=would_change, text=plain_text(text).strip()
    )
    return made


@transaction.atomic
def pass_early_check(check: EarlyCheck, *, actor: User, note: str = "") -> EarlyCheck:
    """Let marking go on; assessors are told. Every decision that is there has to be read before, and every
    one that was sent back answered.

    A note is needed while fewer decisions than planned are there, or somebody had a concern: else
    EarlyNoteNeeded. GuardsNotMet where something is unread or nothing is decided.
    """
    fresh = _locked(check, actor)
    places = decided_places(fresh)
    if missing := [
        one
        for one in (guards.early_decided, guards.early_read, guards.early_answered)
        if not one.holds(places)
    ]:
        raise GuardsNotMet(missing, instance=fresh)
    doubtful = len(places) < fresh.size or any(one.has_concern for one in places)
    if doubtful and not note.strip():
        raise EarlyNoteNeeded
    verdict = _verdict(fresh, EarlyVerdictKind.PASSED, actor, note)
    fresh.passed_at, fresh.passed_by = verdict.at, actor
    fresh.save(update_fields=["passed_at", "passed_by"])
    Part.objects.filter(
        submission__early_place__check_of=fresh, kind=PartKind.MODERATOR, ended_at__isnull=True
    ).update(ended_at=verdict.at)
    _tell_assessors("assessment.early_check_passed", verdict)
    return fresh


@transaction.atomic
def ask_for_early_changes(check: EarlyCheck, *, actor: User, note: str) -> EarlyCheck:
    """Say what has to change before marking goes on; assessors and the version's author are told.

    Marking stays closed until the check is passed. No decision changes by it: the first ones are read in
    full by the round, which can return each of them.
    """
    fresh = _locked(check, actor)
    if not guards.early_decided.holds(decided_places(fresh)):
        raise GuardsNotMet([guards.early_decided], instance=fresh)
    if not note.strip():
        raise EarlyNoteNeeded
    verdict = _verdict(fresh, EarlyVerdictKind.CHANGES_ASKED, actor, note)
    _tell_assessors("assessment.early_changes_asked", verdict)
    return fresh


def _verdict(check: EarlyCheck, kind: EarlyVerdictKind, actor: User, note: str) -> EarlyVerdict:
    made: EarlyVerdict = EarlyVerdict.objects.create(
        check_of=check, kind=kind, moderator=actor, note=plain_text(note).strip()
    )
    return made


def _tell_assessors(topic: str, verdict: EarlyVerdict) -> None:
    """Everybody who assesses in the delivery; who wrote the version too, where something has to change."""
    check = verdict.check_of
    assessors = people_of(check.delivery, DeliveryRoleKind.ASSESSOR)
    author = check.delivery.version.author
    asks = topic == "assessment.early_changes_asked"
    told = [(assessors, page_of(check) if asks else "/assess/queue/")]
    if asks and author not in assessors:
        told.append(([author], reverse("catalogue:version", args=[check.delivery.version_id])))
    for people, path in told:
        notify(
            topic=topic,
            recipients=people,
            path=path,
            context={
                "task": check.task.title,
                "delivery": check.delivery.title,
                "note": verdict.note,
            },
            dedupe=f"early:{verdict.pk}",
        )


def page_of(check: EarlyCheck) -> str:
    """Where assessors read what was asked for, and answer for their own decisions."""
    return reverse("assessment:early_check", args=[check.pk])
