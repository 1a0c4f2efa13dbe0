"""Fixed vocabularies of the catalogue."""

from django.db import models


class VersionState(models.TextChoices):
    """States of a micro-credential version (lifecycle, other machines)."""

    DRAFT = "draft", "Draft"
    IN_PRE_MODERATION = "in_pre_moderation", "In pre-assessment moderation"
    APPROVED = "approved", "Approved"
    PUBLISHED = "published", "Published"
    RETIRED = "retired", "Retired"


class PreModerationDecision(models.TextChoices):
    """What comes of pre-assessment moderation (domain 2.2)."""

    APPROVED = "approved", "Approved"
    WITH_MINOR_CHANGES = "minor_changes", "Approved with minor changes"
    CHANGES_REQUIRED = "changes_required", "Changes required"
    REJECTED = "rejected", "Rejected"


APPROVALS = (PreModerationDecision.APPROVED, PreModerationDecision.WITH_MINOR_CHANGES)
"""Decisions after which a version can be published."""


class Visibility(models.TextChoices):
    """Who may find a micro-credential."""

    PUBLIC = "public", "Public"
    CLIENT = "client", "One client organisation"


class DeliveryMode(models.TextChoices):
    """How a delivery is taught."""

    ONLINE_LIVE = "online_live", "Online, live"
    SELF_PACED = "self_paced", "Self-paced"
    IN_PERSON_SERIES = "in_person_series", "In person, series"
    IN_PERSON_BLOCK = "in_person_block", "In person, block"
    ON_THE_JOB = "on_the_job", "On the job"


class SchemeKind(models.TextChoices):
    """How criterion levels become a result."""

    COMPETENCY = "competency", "Achieved or not"
    MERIT = "merit", "Not achieved, Achieved, Merit, Excellence"
    LETTERS = "letters", "Letters with percentages"


class AiPolicy(models.TextChoices):
    """What a task says about generative AI."""

    NOT_ALLOWED = "not_allowed", "Not allowed"
    WITH_DECLARATION = "with_declaration", "Allowed, with declaration"
    REQUIRED = "required", "Part of the task"


class OverdueKind(models.TextChoices):
    """Kinds of deadlines of which somebody else may hear when they are overdue."""

    SUBMISSION = "submission", "A learner has not submitted"
    RESUBMISSION = "resubmission", "A learner has not sent further evidence"
    MARKING = "marking", "A submission is not marked"
    MODERATION = "moderation", "An item of a sample is not read"
    EXTENSION_DECISION = "extension_decision", "A request for more time is not answered"


class DeliveryRoleKind(models.TextChoices):
    """A person's part in one delivery."""

    ASSESSOR = "assessor", "Assessor"
    MODERATOR = "moderator", "Moderator"
    EXTERNAL_MODERATOR = "external_moderator", "External moderator"
    LEAD_MODERATOR = "lead_moderator", "Lead moderator"
    RATIFIER = "ratifier", "Ratifier"
    ADMINISTRATOR = "administrator", "Programme administrator"
