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
from moderation.forms.plans import PlanChangeForm, PlanForm

__all__ = [
    "BlindForm",
    "ClosingForm",
    "ItemDecisionForm",
    "ModeratorForm",
    "PlanChangeForm",
    "PlanForm",
    "ReasonForm",
    "ResponseForm",
    "RoundDecisionForm",
    "WatchForm",
]
