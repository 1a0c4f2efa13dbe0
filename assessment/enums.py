"""Fixed vocabularies of marking."""

from django.db import models


class AllocationRole(models.TextChoices):
    """As what a person is asked to mark a submission."""

    ASSESSOR = "assessor", "Assessor"
    SECOND_ASSESSOR = "second_assessor", "Second assessor"
    ADJUDICATOR = "adjudicator", "Adjudicator"
    RECONSIDERATION_ASSESSOR = "reconsideration_assessor", "Reconsideration assessor"


class Basis(models.TextChoices):
    """Why a decision version exists."""

    ASSESSMENT = "assessment", "Assessment"
    SECOND_ASSESSMENT = "second_assessment", "Second assessment"
    ADJUDICATION = "adjudication", "Adjudication"
    MODERATION = "moderation", "Moderation of the set"
    CORRECTION = "correction", "Authorised correction"
    RECONSIDERATION = "reconsideration", "Reconsideration"


class Outcome(models.TextChoices):
    """Result of the whole work."""

    ACHIEVED = "achieved", "Achieved"
    NOT_ACHIEVED = "not_achieved", "Not achieved"
