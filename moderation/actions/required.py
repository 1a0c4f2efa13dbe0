"""Actions that a round or a meeting asks for: answered by their owner, closed by the lead moderator."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.words import plain_text
from moderation import rules
from moderation.exceptions import ReasonNeeded
from moderation.models import ModerationRound, RequiredAction
from workflows.actions import cancel_deadline
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import Deadline

WITHOUT_DATE = timedelta(days=28)
"""How long an action has where the decision named no date."""


def make_required_actions(moderation_round: ModerationRound) -> list[RequiredAction]:
    """One action for each line of what the decision asks for. Called by the closing, once."""
    lines = [one.strip() for one in moderation_round.required_actions.splitlines() if one.strip()]
    wanted = moderation_round.adjustment
    today = timezone.now().astimezone(moderation_round.delivery.zone).date()
    decided_by = moderation_round.decided_by
    assert decided_by is not None  # noqa: S101  only a decided round is closed
    owner = wanted.get("owner") or decided_by.pk
    return RequiredAction.objects.bulk_create(
        RequiredAction(
            round=moderation_round,
            text=line,
            owner_id=owner,
            due_on=wanted.get("due_on") or today + WITHOUT_DATE,
            made_by=decided_by,
        )
        for line in lines
    )


def _lock(action: RequiredAction) -> RequiredAction:
    fresh: RequiredAction = (
        RequiredAction.objects.select_for_update(of=("self",))
        .select_related("round__delivery", "meeting__task__version")
        .get(pk=action.pk)
    )
    if fresh.closed_at is not None or (fresh.meeting and not fresh.meeting.is_signed):
        raise StaleState(instance=fresh)
    return fresh


@transaction.atomic
def respond_to_action(action: RequiredAction, *, actor: User, response: str) -> RequiredAction:
    """Say what was done, as the owner. The lead moderator looks at it; nothing is closed by it."""
    fresh = _lock(action)
    if fresh.owner_id != actor.pk:
        raise NotPermitted(instance=fresh)
    if not response.strip():
        raise ReasonNeeded
    fresh.response, fresh.responded_at = plain_text(response), timezone.now()
    fresh.save(update_fields=["response", "responded_at"])
    return fresh


@transaction.atomic
def close_action(action: RequiredAction, *, actor: User, note: str) -> RequiredAction:
    """Close it as a lead moderator of the delivery or micro-credential, with a note. Deliveries may open again.

    Its dates are cancelled with it, so that nobody is reminded of what is done.
    """
    fresh = _lock(action)
    if not rules.closes_action(fresh, actor):
        raise NotPermitted(instance=fresh)
    if not note.strip():
        raise ReasonNeeded
    fresh.closing_note, fresh.closed_by, fresh.closed_at = plain_text(note), actor, timezone.now()
    fresh.save(update_fields=["closing_note", "closed_by", "closed_at"])
    for deadline in Deadline.objects.of(fresh).open():
        cancel_deadline(deadline, actor=actor, reason="The action was closed.")
    return fresh
