"""Whether a round or a sample item is ready for its next step."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from workflows.guards import guard

if TYPE_CHECKING:
    from moderation.models import ModerationRound, SampleItem


@guard("round_empty", _("There is nothing to moderate: no decision of this task is waiting."))
def round_has_members(moderation_round: "ModerationRound") -> bool:
    return moderation_round.members.exists()


@guard("sample_unresolved", _("Every drawn item must be upheld or adjusted first."))
def every_item_resolved(moderation_round: "ModerationRound") -> bool:
    """Returned items wait for the assessor, escalated ones for adjudication (lifecycle 4)."""
    return not moderation_round.items.unresolved().exists()


@guard(
    "escalation_open",
    _("The sample must be extended to the end first: more items are to be drawn."),
)
def escalations_extended(moderation_round: "ModerationRound") -> bool:
    return not moderation_round.extensions_owed


@guard("no_decision", _("The round needs a decision on the set."))
def decision_closes(moderation_round: "ModerationRound") -> bool:
    """Only accept, accept with actions and adjust the set close a round."""
    return moderation_round.decision in moderation_round.CLOSING_DECISIONS


@guard("second_approver_missing", _("Adjusting the set needs a second approver."))
def adjustment_approved(moderation_round: "ModerationRound") -> bool:
    """A second person, not the one who decided, approved the uniform rule."""
    if moderation_round.decision != "adjust_set":
        return True
    return (
        moderation_round.approved_by_id is not None
        and moderation_round.approved_by_id != moderation_round.decided_by_id
    )


@guard("not_read_blind", _("Save your own levels first. The assessor's decision opens after that."))
def read_blind(item: "SampleItem") -> bool:
    return item.readings.filter(sealed_at__isnull=False).exists()


@guard("extension_open", _("More items are to be drawn, so single results cannot change now."))
def no_extension_open(item: "SampleItem") -> bool:
    """While an extension is open, single results may not change (lifecycle 4.4)."""
    return not item.round.extensions_owed
