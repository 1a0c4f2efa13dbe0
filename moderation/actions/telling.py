"""Who reads what, told to the person: the date with its reminders, and one message for all of a draw."""

from accounts.models import Actor
from moderation.models import ModerationRound, SampleItem
from workflows.actions import set_deadline
from workflows.models import TransitionRecord
from workflows.notifications import notify

MODERATION_DEADLINE = "moderation"


def about_round(moderation_round: ModerationRound) -> dict[str, object]:
    """What messages about a round say of it."""
    return {
        "task": moderation_round.task.title,
        "delivery": moderation_round.delivery.title,
        "number": moderation_round.number,
    }


def tell_reader(item: SampleItem, *, actor: Actor, record: TransitionRecord | None = None) -> None:
    """Set the reading date of an item, for its moderator alone, and tell them.

    With the record of the draw: one message for everything that the draw gave this person, with how much.
    Without: the item was given on, and the message is of its own. Reminders of whoever had it end.
    """
    reader = item.moderator
    if reader is None:
        return
    delivery = item.round.delivery
    if item.due_at is not None:
        set_deadline(
            subject=item,
            kind=MODERATION_DEADLINE,
            due_at=item.due_at,
            zone=delivery.time_zone,
            region=delivery.region,
            recipients=[reader],
            offsets=["-48h", "+1wd"],
            actor=actor,
        )
    count, anchor = 1, f"{item.pk}:{item.allocated_at}"
    if record is not None:
        together = SampleItem.objects.filter(round=item.round_id, draw=item.draw, moderator=reader)
        count, anchor = together.count(), f"{item.round_id}:{item.draw}"
    notify(
        topic="moderation.item_given",
        recipients=[reader],
        record=record,
        subject=None if record is not None else item,
        dedupe=anchor,
        path=f"/moderate/r/{item.pk}/mark/" if count == 1 else f"/moderate/rounds/{item.round_id}/",
        context=about_round(item.round)
        | {"due": item.due_at.isoformat() if item.due_at else "", "count": count},
    )
