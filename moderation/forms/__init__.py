"""Forms of moderation."""

from moderation.forms.deciding import (
    BlindForm,
    ClosingForm,
    ItemDecisionForm,
    ModeratorForm,
    ReasonForm,
    ResponseForm,
    RoundDecisionForm,
    WatchForm,
)
from moderation.forms.early import EarlyReadingForm, EarlyVerdictForm
from moderation.forms.external import CommentForm, InvitationForm, ReportForm
from moderation.forms.plans import PlanChangeForm, PlanForm, ReplayForm

__all__ = [
    "BlindForm",
    "ClosingForm",
    "CommentForm",
    "EarlyReadingForm",
    "EarlyVerdictForm",
    "InvitationForm",
    "ItemDecisionForm",
    "ModeratorForm",
    "PlanChangeForm",
    "PlanForm",
    "ReasonForm",
    "ReplayForm",
    "ReportForm",
    "ResponseForm",
    "RoundDecisionForm",
    "WatchForm",
]
