"""Reading the inbox, and putting a stuck message back."""

from django.db import models, transaction
from django.utils import timezone

from accounts.models import User
from workflows.enums import AttemptResult, MessageState
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import DeliveryAttempt, Notification, OutboxMessage
from workflows.notifications.mailing import address_of
from workflows.outbox import nudge
from workflows.rules import may_manage_messages


def mark_read(notifications: models.QuerySet[Notification], *, actor: User) -> int:
    """Note that the person has read these; only their own are touched."""
    mine = notifications.filter(recipient=actor, read_at__isnull=True)
    return mine.update(read_at=timezone.now())


@transaction.atomic
def retry_message(message: OutboxMessage, *, actor: User, note: str = "") -> OutboxMessage:
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
        message=locked, started_at=now, result=AttemptResult.REQUEUED, actor=actor, answer=note
    )
    transaction.on_commit(nudge, robust=True)
    return locked


def retry_all(*, actor: User, limit: int = 1000) -> int:
    """Put every stuck message back, oldest first; gives how many. Each in a transaction of its own."""
    if not may_manage_messages(actor):
        raise NotPermitted
    done = 0
    for message in OutboxMessage.objects.stuck().order_by("created_at", "id")[:limit]:
        try:
            retry_message(message, actor=actor)
        except StaleState:
            continue
        done += 1
    return done


@transaction.atomic
def readdress(message: OutboxMessage, *, address: str, actor: User) -> OutboxMessage:
    """Send a stuck message to another address, and keep the change with its tries.

    Only this message goes there; the person's own address is changed in their account.
    """
    locked: OutboxMessage = OutboxMessage.objects.select_for_update().get(pk=message.pk)
    if not may_manage_messages(actor):
        raise NotPermitted(instance=locked)
    notice = locked.notification
    if notice is None or locked.state not in (MessageState.DEAD, MessageState.FAILED):
        raise StaleState(instance=locked)
    before = address_of(notice)
    notice.address = address.strip()
    notice.save(update_fields=["address"])
    return retry_message(locked, actor=actor, note=f"Address changed from {before}")
