"""Models of marking."""

from assessment.models.allocation import Allocation, Lease
from assessment.models.decision import AssessmentDecision, CriterionJudgement
from assessment.models.exemplars import Exemplar, ExemplarEvidence, ExemplarLevel

__all__ = [
    "Allocation",
    "AssessmentDecision",
    "CriterionJudgement",
    "Exemplar",
    "ExemplarEvidence",
    "ExemplarLevel",
    "Lease",
]
