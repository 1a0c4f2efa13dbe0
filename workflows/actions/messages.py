"""Reading the inbox, and putting a stuck message back."""

from django.db import models, transaction
from django.utils import timezone

from accounts.models import User
from workflows.enums import AttemptResult, MessageState
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import DeliveryAttempt, Notification, OutboxMessage
from workflows.outbox import nudge
from workflows.rules import may_manage_messages


def mark_read(notifications: models.QuerySet[Notification], *, actor: User) -> int:
    """Note that the person has read these; only their own are touched."""
    mine = notifications.filter(recipient=actor, read_at__isnull=True)
    return mine.update(read_at=timezone.now())


@transaction.atomic
def retry_message(message: OutboxMessage, *, actor: User) -> OutboxMessage:
    """Put a dead or refused message back, with all its tries before it. The attempt list keeps who did it."""
    locked: OutboxMessage = OutboxMessage.objects.select_for_update().get(pk=message.pk)
    if locked.state not in (MessageState.DEAD, MessageState.FAILED):
        raise StaleState(instance=locked)
    if not may_manage_messages(actor):
        raise NotPermitted(instance=locked)
    now = timezone.now()
    locked.state = MessageState.PENDING
    locked.attempts = 0
    locked.available_at = locked.created_at = now
    locked.lease_until = locked.lease_token = None
    locked.save()
    DeliveryAttempt.objects.create(
        message=locked, started_at=now, result=AttemptResult.REQUEUED, actor=actor
    )
    transaction.on_commit(nudge, robust=True)
    return locked
