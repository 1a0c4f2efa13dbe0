"""Models of marking."""

from assessment.models.allocation import Allocation, Lease
from assessment.models.decision import AssessmentDecision, CriterionJudgement

__all__ = ["Allocation", "AssessmentDecision", "CriterionJudgement", "Lease"]
