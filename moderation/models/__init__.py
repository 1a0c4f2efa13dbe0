"""Models of moderation."""

from moderation.models.action import RequiredAction
from moderation.models.external import ExternalComment, ExternalReview
from moderation.models.meeting import Meeting, MeetingAmendment
from moderation.models.plan import PlanVersion, SeverityFigures, StoredFigures
from moderation.models.round import ModerationRound, RoundMember
from moderation.models.sample import (
    AssessorWatch,
    ModerationDecision,
    ModeratorJudgement,
    ModeratorReading,
    SampleItem,
)

__all__ = [
    "AssessorWatch",
    "ExternalComment",
    "ExternalReview",
    "Meeting",
    "MeetingAmendment",
    "ModerationDecision",
    "ModerationRound",
    "ModeratorJudgement",
    "ModeratorReading",
    "PlanVersion",
    "RequiredAction",
    "RoundMember",
    "SampleItem",
    "SeverityFigures",
    "StoredFigures",
]
