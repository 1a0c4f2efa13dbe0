"""Where an organisation's own systems are told what happened."""

import datetime as dt
import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Organisation
from workflows.querysets import WebhookQuerySet


class Webhook(models.Model):
    """One receiver: an address, what it is told, and the secret by which it knows that we are the sender.

    The secret is kept encrypted. After a change the one before counts for a day beside the new one, so that
    the receiver can change over. A removed one stays as a row, because its messages do.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="webhooks")
    address = models.CharField(max_length=500)
    topics = models.JSONField(default=list)
    sealed_secret = models.TextField()
    sealed_before = models.TextField(blank=True)
    before_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # Tries that failed one after the other, the first of them, and the last that did not.
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    because = models.CharField(max_length=500, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"{self.organisation_id}: {self.address}"

    def is_both(self, now: dt.datetime) -> bool:
        """Whether the secret before the current one still counts."""
        return self.before_until is not None and now < self.before_until
