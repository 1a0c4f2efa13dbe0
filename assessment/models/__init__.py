"""Models of marking."""

from assessment.models.allocation import Allocation, Lease
from assessment.models.calibration import (
    CalibrationAttempt,
    CalibrationItem,
    CalibrationJudgement,
    CalibrationWaiver,
)
from assessment.models.capacity import Capacity, LearnerGroup, Leave, MarkingTime, Pin
from assessment.models.comment import CommentEntry, EvidenceComment, PreparedComment
from assessment.models.conflict import ConflictWaiver
from assessment.models.decision import AssessmentDecision, CriterionJudgement
from assessment.models.double import Discussion, DiscussionEntry, ReadingDraw, ReadingPlan
from assessment.models.early import (
    EarlyAnswer,
    EarlyCheck,
    EarlyPlace,
    EarlyReading,
    EarlyVerdict,
)
from assessment.models.exemplars import Exemplar, ExemplarEvidence, ExemplarLevel
from assessment.models.flag import WorkFlag
from assessment.models.review import FeedbackReview
from assessment.models.seeds import Seed, SeedPlan, SeedWithdrawal

__all__ = [
    "Allocation",
    "AssessmentDecision",
    "CalibrationAttempt",
    "CalibrationItem",
    "CalibrationJudgement",
    "CalibrationWaiver",
    "Capacity",
    "CommentEntry",
    "ConflictWaiver",
    "CriterionJudgement",
    "Discussion",
    "DiscussionEntry",
    "EarlyAnswer",
    "EarlyCheck",
    "EarlyPlace",
    "EarlyReading",
    "EarlyVerdict",
    "EvidenceComment",
    "Exemplar",
    "ExemplarEvidence",
    "ExemplarLevel",
    "FeedbackReview",
    "LearnerGroup",
    "Lease",
    "Leave",
    "MarkingTime",
    "Pin",
    "PreparedComment",
    "ReadingDraw",
    "ReadingPlan",
    "Seed",
    "SeedPlan",
    "SeedWithdrawal",
    "WorkFlag",
]
