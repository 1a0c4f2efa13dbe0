"""Models of the catalogue."""

from catalogue.models.delivery import (
    Delivery,
    DeliveryRole,
    Enrolment,
    Escalation,
    TaskSchedule,
)
from catalogue.models.pre_moderation import PreModeration
from catalogue.models.version import (
    AssessmentTask,
    Criterion,
    Grade,
    GradeScheme,
    LearningOutcome,
    Level,
    MicroCredential,
    MicroCredentialVersion,
    Rubric,
    StackingRule,
    policy_defaults,
    policy_words,
    words_of_policy,
)

__all__ = [
    "AssessmentTask",
    "Criterion",
    "Delivery",
    "DeliveryRole",
    "Enrolment",
    "Escalation",
    "Grade",
    "GradeScheme",
    "LearningOutcome",
    "Level",
    "MicroCredential",
    "MicroCredentialVersion",
    "PreModeration",
    "Rubric",
    "StackingRule",
    "TaskSchedule",
    "policy_defaults",
    "policy_words",
    "words_of_policy",
]
