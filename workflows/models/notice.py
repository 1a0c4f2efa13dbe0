"""What a person is told: the copy in the application, which the mail only points to."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from workflows.models.audit import TransitionRecord
from workflows.models.deadline import Deadline
from workflows.querysets import NotificationQuerySet


class Notification(models.Model):
    """One piece of news for one recipient: a person with an account, or an address for somebody without."""

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="notifications",
    )
    address = models.EmailField(blank=True)
    name = models.CharField(max_length=200, blank=True)
    topic = models.CharField(max_length=150)
    lane = models.CharField(max_length=12)
    subject_type = models.CharField(max_length=100, blank=True)
    subject_id = models.UUIDField(null=True, blank=True)
    record = models.ForeignKey(
        TransitionRecord, models.PROTECT, null=True, blank=True, related_name="notifications"
    )
    path = models.CharField(max_length=500, default="/")
    # A personal link, which only its mail may show: encrypted, and blanked once that has left.
    sealed_path = models.TextField(blank=True, default="", db_default="")
    # The date that the news is about; its calendar entry goes with the mail.
    deadline = models.ForeignKey(
        Deadline, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    context = models.JSONField(default=dict, blank=True)
    dedupe_key = models.CharField(max_length=300, unique=True)
    in_app = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(recipient__isnull=False) | ~models.Q(address=""),
                name="workflows_notice_has_recipient",
            ),
        ]
        indexes = [
            models.Index(
                fields=["recipient", "-created_at"],
                name="workflows_notice_inbox",
                condition=models.Q(in_app=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} for {self.recipient_id or self.address}"
