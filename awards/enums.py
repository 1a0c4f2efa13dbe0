"""States and fixed vocabularies of confirmation."""

from django.db import models


class CredentialState(models.TextChoices):
    """States of a credential."""

    ISSUED = "issued", "Issued"
    SUSPENDED = "suspended", "Suspended"
    REVOKED = "revoked", "Revoked"


class ReleaseOutcome(models.TextChoices):
    """How a scheduled release ended."""

    SCHEDULED = "scheduled", "Scheduled"
    DONE = "done", "Released"
    CANCELLED = "cancelled", "Cancelled"
