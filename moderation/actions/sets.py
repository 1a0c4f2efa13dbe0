"""Deciding on the whole set, closing the round, and opening it again after a recall."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.words import plain_text
from assessment.actions.allocation import reallocate
from assessment.actions.deciding import write_new_versions
from assessment.enums import Basis
from assessment.models import Allocation
from moderation import guards, rules, selectors
from moderation.actions.required import make_required_actions
from moderation.actions.rounds import extend_sample, lock_round
from moderation.enums import RoundDecision, RoundState
from moderation.exceptions import NothingOwed, ReasonNeeded
from moderation.models import ModerationDecision, ModerationRound, SampleItem
from portfolios.enums import PartKind, SubmissionState
from portfolios.models import Part, Submission
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.transitions import perform, perform_set


@transaction.atomic
def decide_round(
    moderation_round: ModerationRound,
    *,
    actor: User,
    decision: str,
    reason: str,
    required_actions: str = "",
    rule: Mapping[str, Any] | None = None,
    assessor: User | None = None,
    replacement: User | None = None,
    count: int = 0,
    owner: User | None = None,
    due_on: date | None = None,
) -> ModerationRound:
    """Decide on the set. Changes no result yet.

    accept, accept_with_actions (`required_actions`, one for each line, with `owner` and `due_on`): the round
    can be closed. adjust_set (`rule`): a second
    approver is asked; results change with the closing. reassess_set (`assessor`, `replacement`): all work
    that `assessor` decided goes to `replacement`, its items are superseded, and a new draw follows.
    extend_sample (`assessor`, `count`): so many more items of that assessor are drawn now.
    """
    fresh = lock_round(moderation_round)
    if not reason.strip():
        raise ReasonNeeded
    if decision == RoundDecision.ACCEPT_WITH_ACTIONS and not required_actions.strip():
        raise ReasonNeeded
    adjustment: dict[str, Any] = {}
    if decision == RoundDecision.ADJUST_SET:
        if rule is None:
            raise ReasonNeeded
        adjustment = {
            "criterion": str(rule["criterion"]),
            "shift": int(rule["shift"]),
            "assessor": str(rule.get("assessor") or ""),
        }
    if decision == RoundDecision.ACCEPT_WITH_ACTIONS and owner is not None and due_on is not None:
        adjustment = {"owner": str(owner.pk), "due_on": due_on.isoformat()}
    ModerationRound.objects.filter(pk=fresh.pk).update(
        adjustment=adjustment, required_actions=plain_text(required_actions)
    )
    decided = perform(
        fresh,
        "decide",
        actor=actor,
        reason=plain_text(reason),
        decision=decision,
        because=plain_text(reason),
        facts={"decision": decision, "adjustment": adjustment},
    )
    if decision == RoundDecision.REASSESS_SET:
        if assessor is None or replacement is None:
            raise ReasonNeeded
        return _reassess(decided, assessor, replacement, actor=actor, reason=plain_text(reason))
    if decision == RoundDecision.EXTEND_SAMPLE:
        if assessor is None or count < 1:
            raise ReasonNeeded
        return _extend_by_decision(decided, assessor, count, actor=actor)
    return decided


def _extend_by_decision(
    moderation_round: ModerationRound, assessor: User, count: int, *, actor: User
) -> ModerationRound:
    """Go on reading with so many more items of one assessor, from the oldest plan on."""
    left = selectors.left_to_draw(moderation_round, assessor.pk)
    if not left:
        raise NothingOwed
    resumed = perform(moderation_round, "resume", actor=actor)
    code = moderation_round.members.filter(assessor=assessor)[0].assessor_code
    owed = []
    for plan, available in left.items():
        if taken := min(available, count):
            owed.append(
                {
                    "assessor": str(assessor.pk),
                    "code": code,
                    "plan": plan,
                    "kind": "extend",
                    "count": taken,
                    "because": "decision",
                    "item": "",
                }
            )
        count -= taken
    ModerationRound.objects.filter(pk=resumed.pk).update(extensions_owed=owed)
    return extend_sample(resumed, actor=actor)


def _reassess(
    moderation_round: ModerationRound,
    assessor: User,
    replacement: User,
    *,
    actor: User,
    reason: str,
) -> ModerationRound:
    """Send everything that one assessor decided to another, and set its items aside."""
    members = moderation_round.members.filter(assessor=assessor)
    keys = list(members.values_list("submission_id", flat=True))
    now = timezone.now()
    SampleItem.objects.live().filter(round=moderation_round, submission__in=keys).update(
        superseded_at=now
    )
    Part.objects.filter(submission__in=keys, kind=PartKind.MODERATOR, ended_at__isnull=True).update(
        ended_at=now
    )
    perform_set(
        Submission.objects.filter(pk__in=keys),
        "return_to_assessor",
        actor=actor,
        reason=reason,
        whole=True,
        note=reason,
    )
    for allocation in Allocation.objects.current().filter(submission__in=keys, assessor=assessor):
        reallocate(allocation, replacement, actor=actor, reason=reason)
    moderation_round.adjustment = {
        "reassessed": [str(one) for one in keys],
        "assessor": str(assessor.pk),
        "replacement": str(replacement.pk),
    }
    ModerationRound.objects.filter(pk=moderation_round.pk).update(
        adjustment=moderation_round.adjustment
    )
    return moderation_round


@transaction.atomic
def take_back_decision(
    moderation_round: ModerationRound, *, actor: User, reason: str
) -> ModerationRound:
    """Go on reading instead of closing. Not after a reassessment was begun."""
    fresh = lock_round(moderation_round)
    if fresh.decision == RoundDecision.REASSESS_SET:
        raise StaleState(instance=fresh)
    if not reason.strip():
        raise ReasonNeeded
    ModerationRound.objects.filter(pk=fresh.pk).update(adjustment={})
    return perform(fresh, "resume", actor=actor, reason=plain_text(reason))


@transaction.atomic
def approve_adjustment(
    moderation_round: ModerationRound,
    *,
    actor: User,
    proved_at: datetime | None,
    seen_seq: int | None = None,
) -> ModerationRound:
    """Stand for the uniform rule as the second person. Results change when the round is closed.

    `proved_at` is when this person last confirmed who they are; it must be some minutes old at most.
    """
    fresh = lock_round(moderation_round)
    if not rules.may_approve_adjustment(fresh, actor):
        raise NotPermitted(instance=fresh)
    if not guards.freshly_proved((proved_at, fresh.delivery)):
        raise GuardsNotMet([guards.freshly_proved], instance=fresh)
    return perform(fresh, "approve_adjustment", actor=actor, seen_seq=seen_seq)


@transaction.atomic
def close_round(moderation_round: ModerationRound, *, actor: User) -> ModerationRound:
    """Settle what the round decided, store what is known, and move the whole set to `moderated`.

    In this order: adjusted items of strata read in full and the uniform rule become new decision versions;
    agreement and assurance are computed and stored; the round closes; every submission moves, or nothing
    does; another round whose results were recalled with these is open next. Refused, with every reason,
    while an item waits, an extension is owed, work is away or on hold, or the second approver is missing.
    Ratifiers are told; learners are not.
    """
    fresh = lock_round(moderation_round)
    if not rules.leads(fresh, actor):
        raise NotPermitted(instance=fresh)
    if fresh.state != RoundState.DECIDED:
        raise StaleState(instance=fresh)
    if unmet := [one for one in guards.TO_CLOSE if not one(fresh)]:
        raise GuardsNotMet(unmet, instance=fresh)
    _settle(fresh, actor=actor)
    if fresh.decision == RoundDecision.ACCEPT_WITH_ACTIONS:
        make_required_actions(fresh)
    known = selectors.statistics_of(fresh)
    readings = selectors.readings_of(fresh)
    assurance = selectors.assurance_of(fresh).as_json()
    ModerationRound.objects.filter(pk=fresh.pk).update(
        statistics=known, assurance=assurance, readings=readings
    )
    closed = perform(
        fresh,
        "close",
        actor=actor,
        facts={"decision": fresh.decision, "assurance": assurance["sentence"]},
    )
    waiting = Submission.objects.filter(
        round_members__round=fresh, state=SubmissionState.IN_MODERATION
    )
    perform_set(waiting, "conclude_moderation", actor=actor, whole=True)
    _reopen_next(closed, actor=actor)
    return closed


def _reopen_next(closed: ModerationRound, *, actor: User) -> None:
    """A recall may have taken results of several rounds back, and one is open at a time: take up the next."""
    left = Submission.objects.filter(
        delivery=closed.delivery_id, task=closed.task_id, state=SubmissionState.IN_MODERATION
    )
    following = ModerationRound.objects.filter(
        state=RoundState.CLOSED, members__submission__in=left
    )
    if (found := following.order_by("-number").first()) is not None:
        reason = f"Recalled together with round {closed.number}, which is closed again."
        reopen_round(found, actor=actor, reason=reason)


def _settle(moderation_round: ModerationRound, *, actor: User) -> None:
    """Write the new decision versions that the decision on the set brings."""
    rule = moderation_round.adjustment
    adjusted = (
        selectors.adjusted_set(moderation_round, rule)
        if moderation_round.decision == RoundDecision.ADJUST_SET
        else []
    )
    settled = selectors.settled_on_closing(moderation_round)
    if settled:
        made = write_new_versions(
            selectors.levels_to_settle([item for item, _decision in settled]),
            actor=actor,
            basis=Basis.MODERATION,
            reason={item.submission_id: decision.reason for item, decision in settled},
        )
        for item, decision in settled:
            decision.changes_result = True
            decision.new_decision = made[item.submission_id]
        ModerationDecision.objects.bulk_update(
            [decision for _item, decision in settled], ["changes_result", "new_decision"]
        )
    if adjusted:
        write_new_versions(
            {one.member.submission_id: one.levels for one in adjusted},
            actor=moderation_round.decided_by or actor,
            basis=Basis.MODERATION,
            reason=moderation_round.decision_reason,
            approved_by=moderation_round.approved_by,
        )


@transaction.atomic
def reopen_round(moderation_round: ModerationRound, *, actor: User, reason: str) -> ModerationRound:
    """Open a closed round after a recall, so that the set is decided anew. Refused without a recall."""
    lock_round(moderation_round)
    if not reason.strip():
        raise ReasonNeeded
    return perform(moderation_round, "reopen", actor=actor, reason=plain_text(reason))
