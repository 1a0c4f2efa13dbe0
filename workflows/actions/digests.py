"""The morning's digest: what waited for it, in one mail, things to do first."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from workflows.enums import Channel, Lane, MessageKind, MessageState
from workflows.models import Notification, OutboxMessage
from workflows.notifications import Draft, Titles, notify_all
from workflows.notifications.digest import DIGEST, left_out, listed
from workflows.outbox import nudge
from workflows.selectors.preferences import morning_for, zone_of


def send_digests(limit: int = 200) -> int:
    """Write the digests whose moment has come; gives how many mails follow.

    Each person's in a transaction of its own: the mail exists exactly when its items are marked. What was
    read meanwhile, or is no longer relevant, is left out with the reason; an empty digest is not sent. The
    same is asked again when the mail leaves (`notifications.digest.look_again`). Where the person's night has
    begun meanwhile, because they moved to another zone or nothing ran, it waits for their next morning.
    """
    people = (
        OutboxMessage.objects.due()
        .filter(channel=Channel.DIGEST)
        .order_by()
        .values_list("notification__recipient", flat=True)
        .distinct()[:limit]
    )
    sent = sum(digest_for(key) for key in list(people) if key is not None)
    if sent:
        nudge()
    return sent


@transaction.atomic
def digest_for(person: Any) -> int:
    rows = list(
        OutboxMessage.objects.due()
        .filter(channel=Channel.DIGEST, notification__recipient=person)
        .select_related("notification__recipient", "notification__record", "notification__deadline")
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("notification__created_at", "id")
    )
    notices: list[Notification] = []
    kept: list[int] = []
    for row in rows:
        if why := left_out(row.notification):
            OutboxMessage.objects.filter(pk=row.pk).update(
                state=MessageState.CANCELLED, last_error=why
            )
            continue
        kept.append(row.pk)
        notices.append(row.notification)
    if not kept:
        return 0
    reader = User.objects.get(pk=person)
    now = timezone.now()
    if morning := morning_for(reader, now, notices):
        OutboxMessage.objects.filter(pk__in=kept).update(available_at=morning)
        return 0
    today = now.astimezone(zone_of(reader)).date()
    (made,) = notify_all(
        [
            Draft(
                topic=DIGEST,
                recipient=reader,
                path="/inbox/",
                context=listed(notices, Titles()),
                lane=Lane.DIGEST,
                anchor=f"{today.isoformat()}:{min(kept)}",
                in_app=False,
            )
        ]
    )
    OutboxMessage.objects.filter(pk__in=kept, kind=MessageKind.DELIVERY).update(
        state=MessageState.SENT, provider_id=f"digest {made.pk}", attempts=1, lease_until=None
    )
    return 1
