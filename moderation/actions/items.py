"""What is decided about one item, what it does, and what it makes due."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import SYSTEM, User
from accounts.words import plain_text
from assessment.actions.deciding import write_new_version
from assessment.enums import Basis
from moderation import guards, rules, selectors
from moderation.actions.rounds import lock_round
from moderation.actions.telling import tell_reader
from moderation.enums import Disagreement, FeedbackQuality, RoundState, SamplePart, SampleState
from moderation.exceptions import NothingDiffers, ReasonNeeded
from moderation.models import ModerationDecision, ModerationRound, RoundMember, SampleItem
from portfolios.actions.submission import place_hold
from portfolios.enums import HoldKind, PartKind, SubmissionState
from portfolios.guards import no_open_hold
from portfolios.models import Part, Submission
from workflows.actions import open_record
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.transitions import perform


@dataclass(frozen=True)
class Feedback:
    """What the moderator says of the assessor's feedback. `quality` is empty where nothing was said."""

    quality: str = ""
    note: str = ""

    def columns(self) -> dict[str, str]:
        known = self.quality in FeedbackQuality
        return {
            "feedback_quality": self.quality if known else "",
            "feedback_note": plain_text(self.note),
        }


NOTHING_SAID = Feedback()

OPEN = (RoundState.REVIEWING, RoundState.REOPENED)


def _lock(item: SampleItem) -> tuple[ModerationRound, SampleItem]:
    """Round first, then the item: the order in which closing takes them."""
    moderation_round = lock_round(item.round)
    fresh: SampleItem = (
        SampleItem.objects.select_for_update(of=("self",), no_key=True)
        .select_related("submission", "decision", "round__delivery")
        .get(pk=item.pk)
    )
    if moderation_round.state not in OPEN or fresh.superseded_at is not None:
        raise StaleState(instance=fresh)
    return moderation_round, fresh


@transaction.atomic
def open_comparison(item: SampleItem, *, actor: User) -> selectors.Comparison:
    """Show both readings, and note that somebody else's decision was opened.

    Refused with GuardsNotMet until the moderator's own levels are sealed.
    """
    if not rules.can_view_item(item, actor):
        raise NotPermitted(instance=item)
    comparison = selectors.comparison_of(item)
    if comparison is None:
        raise GuardsNotMet([guards.read_blind], instance=item)
    open_record(comparison.decision, actor=actor, purpose="Comparison in moderation")
    return comparison


def _compared(item: SampleItem) -> selectors.Comparison:
    comparison = selectors.comparison_of(item)
    if comparison is None:
        raise GuardsNotMet([guards.read_blind], instance=item)
    return comparison


@transaction.atomic
def uphold_item(
    item: SampleItem, *, actor: User, reason: str = "", feedback: Feedback = NOTHING_SAID
) -> SampleItem:
    """Let the assessor's decision stand.

    A reason is needed where the readings differ. Where the assessor changed a frozen decision after a
    return, that change counts as the disagreement that it was.
    """
    moderation_round, fresh = _lock(item)
    comparison = _compared(fresh)
    if comparison.disagreement != Disagreement.NONE and not reason.strip():
        raise ReasonNeeded
    kind, changed = selectors.change_between(comparison.frozen, comparison.decision)
    moved = perform(fresh, "uphold", actor=actor, reason=plain_text(reason))
    corrected = fresh.decisions.filter(outcome=SampleState.RETURNED, factual_error=True).exists()
    ModerationDecision.objects.create(
        item=moved,
        moderator=actor,
        outcome=SampleState.UPHELD,
        reason=plain_text(reason),
        differences=changed,
        disagreement=kind,
        factual_error=corrected,
        compared_with=comparison.decision,
        **feedback.columns(),
    )
    if kind != Disagreement.NONE and not corrected:
        escalate_by_rule(moderation_round, fresh, kind)
    return moved


@transaction.atomic
def adjust_item(
    item: SampleItem,
    *,
    actor: User,
    reason: str,
    factual_error: bool = False,
    feedback: Feedback = NOTHING_SAID,
) -> SampleItem:
    """Record that the moderator would give other levels: those of the blind reading.

    Changes the result at once only where everything of that kind is read (the targeted part) or for a
    factual error, through a new decision version; in the random part it counts as a disagreement and the
    round's decision covers the whole set. Nobody tells the learner anything before release. Refused while
    more items are to be drawn and the result would change.
    """
    moderation_round, fresh = _lock(item)
    comparison = _compared(fresh)
    if not reason.strip():
        raise ReasonNeeded
    if comparison.disagreement == Disagreement.NONE:
        raise NothingDiffers
    changes = factual_error or fresh.part == SamplePart.TARGETED
    if changes and not guards.no_extension_open(fresh):
        raise GuardsNotMet([guards.no_extension_open], instance=fresh)
    moved = perform(fresh, "adjust", actor=actor, reason=plain_text(reason))
    decision = ModerationDecision(
        item=moved,
        moderator=actor,
        outcome=SampleState.ADJUSTED,
        reason=plain_text(reason),
        differences=comparison.differences,
        disagreement=comparison.disagreement,
        factual_error=factual_error,
        changes_result=changes,
        compared_with=comparison.decision,
        **feedback.columns(),
    )
    if changes:
        decision.new_decision = write_new_version(
            fresh.submission,
            actor=actor,
            basis=Basis.CORRECTION if factual_error else Basis.MODERATION,
            reason=plain_text(reason),
            levels={
                one.criterion.pk: one.moderator.level_id
                for one in comparison.criteria
                if one.differs and one.moderator.level_id
            },
        )
    decision.save()
    if not factual_error:
        escalate_by_rule(moderation_round, fresh, comparison.disagreement)
    return moved


@transaction.atomic
def return_item(
    item: SampleItem,
    *,
    actor: User,
    reason: str,
    action: str,
    factual_error: bool = False,
    feedback: Feedback = NOTHING_SAID,
) -> SampleItem:
    """Give the work back to its assessor with a reason and the action asked for. The round waits.

    The item is `returned`, the submission `in_assessment`; the assessor is told. Refused while more items
    are to be drawn.
    """
    _round, fresh = _lock(item)
    comparison = _compared(fresh)
    if not reason.strip() or not action.strip():
        raise ReasonNeeded
    moved = perform(fresh, "send_back", actor=actor, reason=plain_text(reason))
    ModerationDecision.objects.create(
        item=moved,
        moderator=actor,
        outcome=SampleState.RETURNED,
        reason=plain_text(f"{reason}\n{action}"),
        differences=comparison.differences,
        factual_error=factual_error,
        compared_with=comparison.decision,
        **feedback.columns(),
    )
    perform(
        fresh.submission,
        "return_to_assessor",
        actor=actor,
        reason=plain_text(reason),
        note=plain_text(action),
    )
    return moved


@transaction.atomic
def escalate_item(
    item: SampleItem,
    *,
    actor: User,
    reason: str,
    integrity: bool = False,
    feedback: Feedback = NOTHING_SAID,
) -> SampleItem:
    """Pass the item to the lead moderator, who decides it.

    For academic integrity the lead may put the work on hold at once; somebody else asks the lead to.
    """
    _round, fresh = _lock(item)
    comparison = _compared(fresh)
    if not reason.strip():
        raise ReasonNeeded
    moved = perform(
        fresh,
        "escalate",
        actor=actor,
        reason=plain_text(reason),
        facts={"integrity": integrity},
    )
    ModerationDecision.objects.create(
        item=moved,
        moderator=actor,
        outcome=SampleState.ESCALATED,
        reason=plain_text(reason),
        differences=comparison.differences,
        compared_with=comparison.decision,
        **feedback.columns(),
    )
    if integrity and rules.leads(fresh.round, actor):
        place_hold(
            fresh.submission, actor=actor, kind=HoldKind.INTEGRITY, reason=plain_text(reason)
        )
    return moved


def escalate_by_rule(
    moderation_round: ModerationRound, item: SampleItem, kind: str
) -> dict[str, Any] | None:
    """Note what one more disagreement makes due for this assessor and task (lifecycle 4.4).

    The first grade-level one extends the assessor's random part by its own size; a second, or any on
    pass or fail, draws the assessor's whole stratum. Nothing is due where nothing is left to draw. The
    caller holds the round's lock.
    """
    owed = due_for(moderation_round, item, kind)
    if owed is None:
        return None
    others = [
        one
        for one in moderation_round.extensions_owed
        if (one["assessor"], one["plan"]) != (owed["assessor"], owed["plan"])
    ]
    moderation_round.extensions_owed = [*others, owed]
    ModerationRound.objects.filter(pk=moderation_round.pk).update(
        extensions_owed=moderation_round.extensions_owed
    )
    return owed


def due_for(
    moderation_round: ModerationRound, item: SampleItem, kind: str
) -> dict[str, Any] | None:
    """The extension that a disagreement of this kind on this item would make due; None if none."""
    if kind == Disagreement.NONE:
        return None
    assessor = item.decision.author_id
    found = [
        one
        for one in selectors.disagreements_of(moderation_round)
        if one.item.decision.author_id == assessor and one.item_id != item.pk
    ]
    member = moderation_round.members.get(submission=item.submission_id)
    left = selectors.left_to_draw(moderation_round, assessor).get(member.plan, 0)
    if not left:
        return None
    whole = (
        kind == Disagreement.PASS_FAIL
        or any(one.disagreement == Disagreement.PASS_FAIL for one in found)
        or len(found) + 1 >= moderation_round.policy["escalate.full_on"]
    )
    size = moderation_round.items.live().filter(part=SamplePart.RANDOM, decision__author=assessor)
    return {
        "assessor": str(assessor),
        "code": member.assessor_code,
        "plan": member.plan,
        "kind": "whole" if whole else "extend",
        "count": left if whole else min(left, size.count()),
        "because": kind,
        "item": str(item.pk),
    }


@transaction.atomic
def allocate_moderator(item: SampleItem, moderator: User, *, actor: User) -> SampleItem:
    """Give an unread item to another moderator, who must be free to judge it, and tell them.

    Ends the other's part and reminders.
    """
    moderation_round, fresh = _lock(item)
    if not rules.leads(moderation_round, actor):
        raise NotPermitted(instance=fresh)
    if fresh.state != SampleState.DRAWN:
        raise StaleState(instance=fresh)
    Part.objects.filter(
        submission=fresh.submission,
        person=fresh.moderator,
        kind=PartKind.MODERATOR,
        ended_at__isnull=True,
    ).update(ended_at=timezone.now())
    submission = Submission.objects.select_related("enrolment").get(pk=fresh.submission_id)
    if moderator.pk not in {one.pk for one in selectors.free_to_read(submission)}:
        raise NotPermitted(instance=fresh)
    Part.objects.create(submission=submission, person=moderator, kind=PartKind.MODERATOR)
    fresh.moderator, fresh.allocated_at = moderator, timezone.now()
    SampleItem.objects.filter(pk=fresh.pk).update(
        moderator=moderator, allocated_at=fresh.allocated_at
    )
    tell_reader(fresh, actor=actor)
    return fresh


@transaction.atomic
def bring_back(moderation_round: ModerationRound, *, actor: User) -> int:
    """Take work that was assessed again, and was on hold when it came, back into the round now."""
    fresh = lock_round(moderation_round)
    if not rules.leads(fresh, actor):
        raise NotPermitted(instance=fresh)
    waiting = Submission.objects.filter(round_members__round=fresh, state=SubmissionState.ASSESSED)
    return sum(come_back(one) for one in waiting.order_by("pk"))


@transaction.atomic
def come_back(submission: Submission) -> bool:
    """Take work that was assessed again back into its round. Done by the system; twice is once.

    The submission enters moderation anew and a returned item waits to be compared again. A set that is
    assessed again waits for the draw that follows. Work on hold stays where it is: the round's page names
    it, and the lead brings it back when the hold is lifted. Says whether it came back.
    """
    member = (
        RoundMember.objects.filter(submission=submission)
        .exclude(round__state=RoundState.CLOSED)
        .select_related("round")
        .first()
    )
    if member is None:
        return False
    lock_round(member.round)
    fresh = Submission.objects.get(pk=submission.pk)
    if fresh.state != SubmissionState.ASSESSED or not no_open_hold(fresh):
        return False
    perform(fresh, "enter_moderation", actor=SYSTEM)
    for item in SampleItem.objects.live().filter(
        round=member.round, submission=submission, state=SampleState.RETURNED
    ):
        perform(item, "compare_again", actor=SYSTEM)
    return True
