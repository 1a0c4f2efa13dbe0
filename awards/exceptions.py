"""Refusals that no single guard of a step expresses."""

from django.utils.translation import gettext_lazy as _

from workflows.exceptions import StaleState
from workflows.guards import Guard


def _never(_subject: object) -> bool:
    return False


class BatchOver(StaleState):
    """Nothing can be signed or cancelled any more."""

    headline = _("This batch was completed or cancelled meanwhile.")


class ReleaseOver(StaleState):
    """Nothing can be taken back any more."""

    headline = _("This release was done or cancelled meanwhile.")


class RecallOver(StaleState):
    """Nothing can be confirmed or dropped any more."""

    headline = _("This recall was confirmed or dropped meanwhile.")


# The action's own reasons: sentences for the screen, raised inside GuardsNotMet like a guard's.
NOTHING_TO_RATIFY = Guard(
    "nothing_to_ratify", _("No result of this task is ready to be ratified."), _never
)
NOTHING_TO_RELEASE = Guard(
    "nothing_to_release", _("No result of this task is ready to be released."), _never
)
NOTHING_TO_RECALL = Guard("nothing_to_recall", _("No released result can be recalled."), _never)
ROUND_OPEN = Guard(
    "round_open",
    _(
        "Another moderation round of this task is open. Close it first; then results can be recalled."
    ),
    _never,
)
BATCH_OPEN = Guard(
    "batch_open", _("There is an open batch for this task already. Sign or cancel it."), _never
)
BATCH_CHANGED = Guard(
    "batch_changed",
    _("What the batch lists has changed since you looked at it. Cancel it and open a new one."),
    _never,
)
SIGNED_ALREADY = Guard("signed_already", _("You have signed this batch already."), _never)
MINUTE_MISSING = Guard("minute_missing", _("Write the minute of the meeting."), _never)
REASON_MISSING = Guard("reason_missing", _("Give a reason."), _never)
RELEASE_SCHEDULED = Guard(
    "release_scheduled", _("A release of this task is scheduled already."), _never
)
RELEASE_TIME = Guard(
    "release_time",
    _("Choose a working day in the future, and not Friday after 3 pm."),
    _never,
)
RECONSIDERATION_OPEN = Guard(
    "reconsideration_open", _("You have asked for reconsideration already."), _never
)
RECALL_OPEN = Guard("recall_open", _("A recall of this task was asked for already."), _never)
NOT_LOWER = Guard(
    "not_lower", _("The new decision is not lower, so no correction is needed."), _never
)
