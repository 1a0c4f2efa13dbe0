"""Models of moderation."""

from moderation.models.round import ModerationRound, RoundMember
from moderation.models.sample import (
    ModerationDecision,
    ModeratorJudgement,
    ModeratorReading,
    SampleItem,
)

__all__ = [
    "ModerationDecision",
    "ModerationRound",
    "ModeratorJudgement",
    "ModeratorReading",
    "RoundMember",
    "SampleItem",
]
