"""Reading the inbox, and putting a stuck message back."""

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from workflows.enums import AttemptResult, MessageKind, MessageState
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


@transaction.atomic
def leave_unsent(message: OutboxMessage, *, actor: User) -> int:
    """Send a stuck message no more, nor any other that is stuck for the same recipient at that address.

    An event is not left: what it has to cause is not for a person to waive. Gives how many messages that are.
    """
    if not may_manage_messages(actor):
        raise NotPermitted(instance=message)
    rows = OutboxMessage.objects.stuck().filter(kind=MessageKind.DELIVERY)
    if not rows.filter(pk=message.pk).exists():
        raise StaleState(instance=message)
    wanted = Q(pk=message.pk)
    if (notice := message.notification) is not None:
        wanted |= Q(
            notification__recipient=notice.recipient_id, notification__address=notice.address
        )
    return cancel_stuck(rows.filter(wanted), actor=actor)


def cancel_stuck(rows: models.QuerySet[OutboxMessage], *, actor: User) -> int:
    """Cancel stuck messages with the reason, in the caller's transaction; their tries keep who said so."""
    found = list(rows.select_for_update(of=("self",)).order_by("pk"))
    why, now, keys = "An administrator left it unsent.", timezone.now(), [one.pk for one in found]
    OutboxMessage.objects.filter(pk__in=keys).update(state=MessageState.CANCELLED, last_error=why)
    # Nobody needs the personal link of a mail that is over.
    Notification.objects.filter(messages__in=keys).exclude(sealed_path="").update(sealed_path="")
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(
            message=one, started_at=now, result=AttemptResult.CANCELLED, actor=actor, answer=why
        )
        for one in found
    )
    return len(found)


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
