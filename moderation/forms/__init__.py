"""Forms of moderation."""

from moderation.forms.deciding import (
    BlindForm,
    ItemDecisionForm,
    ModeratorForm,
    ReasonForm,
    RoundDecisionForm,
    WatchForm,
)
from moderation.forms.plans import PlanChangeForm, PlanForm

__all__ = [
    "BlindForm",
    "ItemDecisionForm",
    "ModeratorForm",
    "PlanChangeForm",
    "PlanForm",
    "ReasonForm",
    "RoundDecisionForm",
    "WatchForm",
]
