"""A file on its way in: who sends it, how much of it there will be, and who may add to it now."""

import uuid
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.models import User
from portfolios.enums import EvidenceKind, UploadStore
from portfolios.models.evidence import EvidenceItem
from portfolios.models.portfolio import Portfolio
from portfolios.querysets import UploadQuerySet
from portfolios.storage.intake import Ledger


class UploadSession(models.Model):
    """One resumable upload. Becomes an evidence item when all bytes are there, and never before.

    How many bytes are there is asked of the store; `received` is what was last seen, for pages. The lease
    says who may add: it passes to somebody else once it has run out, and whoever lost it is told so at the
    next write.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, models.PROTECT, related_name="uploads")
    portfolio = models.ForeignKey(Portfolio, models.PROTECT, related_name="uploads")
    kind = models.CharField(max_length=10, choices=EvidenceKind, default=EvidenceKind.FILE)
    name = models.CharField(max_length=255)
    declared_type = models.CharField(max_length=120, blank=True)
    length = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    store = models.CharField(max_length=10, choices=UploadStore)
    key = models.CharField(max_length=100, unique=True)
    ledger = models.JSONField(default=dict)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True)
    refusal = models.CharField(max_length=300, blank=True)
    evidence = models.OneToOneField(
        EvidenceItem, models.PROTECT, null=True, related_name="uploaded_by"
    )

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"Upload {self.pk}"

    @property
    def percent(self) -> int:
        """How much was last seen, for the words beside it."""
        return min(100, self.received * 100 // max(1, self.length))

    @property
    def books(self) -> Ledger:
        """The ledger of parts as the store's code uses it."""
        known: dict[str, Any] = self.ledger
        return Ledger(**known) if known else Ledger()
