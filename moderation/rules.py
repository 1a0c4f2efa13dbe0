"""Who may moderate what. Separation of duties is checked for each item, not for each account."""

from typing import TYPE_CHECKING

from catalogue.enums import DeliveryRoleKind
from catalogue.rules import has_delivery_role
from portfolios.enums import PartKind

if TYPE_CHECKING:
    from accounts.models import Actor
    from catalogue.models import Delivery
    from moderation.models import ModerationRound, SampleItem


def leads(moderation_round: "ModerationRound", actor: "Actor") -> bool:
    """A lead moderator of the round's delivery."""
    return has_delivery_role(actor, moderation_round.delivery, DeliveryRoleKind.LEAD_MODERATOR)


def can_view_round(moderation_round: "ModerationRound", actor: "Actor") -> bool:
    """Moderators and the lead of the delivery. Agrees with RoundQuerySet.visible_to."""
    return has_delivery_role(
        actor,
        moderation_round.delivery,
        DeliveryRoleKind.LEAD_MODERATOR,
        DeliveryRoleKind.MODERATOR,
        DeliveryRoleKind.EXTERNAL_MODERATOR,
    )


def moderates(item: "SampleItem", actor: "Actor") -> bool:
    """The moderator to whom the item was given, with a live part as moderator of the submission.

    The part is unique for a person and a submission, so nobody who assessed it can hold it.
    """
    if not getattr(actor, "is_active", False) or item.moderator_id != getattr(actor, "pk", None):
        return False
    return bool(
        item.submission.parts.filter(
            person_id=getattr(actor, "pk", None), kind=PartKind.MODERATOR, ended_at__isnull=True
        ).exists()
    )


def moderates_or_leads(item: "SampleItem", actor: "Actor") -> bool:
    """The item's moderator, or the lead."""
    return moderates(item, actor) or leads(item.round, actor)


def can_view_item(item: "SampleItem", actor: "Actor") -> bool:
    """The item's moderator and the lead. Agrees with SampleQuerySet.visible_to."""
    return moderates_or_leads(item, actor)


def leads_delivery(delivery: "Delivery", actor: "Actor") -> bool:
    """A lead moderator of the delivery."""
    return has_delivery_role(actor, delivery, DeliveryRoleKind.LEAD_MODERATOR)
