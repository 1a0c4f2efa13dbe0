"""Messages that leave, what became of each try, and keys that make a repeated request harmless."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from workflows.enums import AttemptResult, Channel, Lane, MessageKind, MessageState
from workflows.models.audit import TransitionRecord
from workflows.models.notice import Notification
from workflows.models.webhook import Webhook
from workflows.querysets import OutboxMessageQuerySet


class OutboxMessage(models.Model):
    """One thing to do after a commit: tell the handlers of an event, or deliver a notification."""

    kind = models.CharField(max_length=10, choices=MessageKind)
    lane = models.CharField(max_length=12, choices=Lane)
    topic = models.CharField(max_length=150)
    dedupe_key = models.CharField(max_length=300, unique=True)
    record = models.ForeignKey(
        TransitionRecord, models.PROTECT, null=True, blank=True, related_name="messages"
    )
    notification = models.ForeignKey(
        Notification, models.PROTECT, null=True, blank=True, related_name="messages"
    )
    webhook = models.ForeignKey(
        Webhook, models.PROTECT, null=True, blank=True, related_name="messages", db_index=False
    )
    channel = models.CharField(max_length=10, choices=Channel, blank=True, default="")
    state = models.CharField(max_length=10, choices=MessageState, default=MessageState.PENDING)
    created_at = models.DateTimeField(default=timezone.now)
    available_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    # Whether its holder went on from holding it to sending it.
    begun = models.BooleanField(default=False, db_default=False)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    provider_id = models.CharField(max_length=200, blank=True)

    # Set on a claimed message whose holder before had begun to send it and died.
    abandoned = False
    # Set on a claimed message: when it was read with what belongs to it, on this process's own clock.
    fetched = 0.0
    # Set on a mail that is held: what was asked again for all that are held with it (selectors.asked).
    asked: Any = None

    objects = OutboxMessageQuerySet.as_manager()

    class Meta:
        ordering = ["available_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind=MessageKind.EVENT, record__isnull=False)
                | models.Q(kind=MessageKind.DELIVERY, notification__isnull=False)
                | models.Q(kind=MessageKind.DELIVERY, webhook__isnull=False),
                name="workflows_message_carries_something",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=MessageState.values), name="workflows_message_state"
            ),
            models.UniqueConstraint(
                fields=["notification", "channel"],
                condition=models.Q(kind=MessageKind.DELIVERY),
                name="workflows_one_delivery",
            ),
        ]
        indexes = [
            models.Index(
                fields=["kind", "lane", "available_at", "id"],
                name="workflows_message_due",
                condition=models.Q(state=MessageState.PENDING),
            ),
            models.Index(
                fields=["webhook", "state", "available_at", "id"],
                name="workflows_message_hook",
                condition=models.Q(webhook__isnull=False),
            ),
            models.Index(
                fields=["state", "created_at"],
                name="workflows_message_stuck",
                condition=models.Q(state__in=[MessageState.DEAD, MessageState.FAILED]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} ({self.state})"


class DeliveryAttempt(models.Model):
    """One try to deliver one message. Append-only."""

    message = models.ForeignKey(OutboxMessage, models.PROTECT, related_name="tries")
    token = models.UUIDField(null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(default=timezone.now)
    result = models.CharField(max_length=10, choices=AttemptResult)
    answer = models.TextField(blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["ended_at", "result"], name="workflows_attempt_when")]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.result}"


class SendingPace(models.Model):
    """How many mails left in the running minute, for a provider that takes only so many."""

    name = models.CharField(max_length=30, primary_key=True)
    since = models.DateTimeField(default=timezone.now)
    used = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.used} since {self.since}"


class IdempotencyKey(models.Model):
    """The answer that a person's request got; the same key gets the same answer again."""

    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)
    route = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    response_url = models.CharField(max_length=500, blank=True)
    created = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["actor", "key"], name="workflows_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class Heartbeat(models.Model):
    """When a background process last said that it is alive."""

    name = models.CharField(max_length=50, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"
