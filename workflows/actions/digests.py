"""The morning's digest: what waited for it, in one mail, things to do first."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from workflows.definitions import topic_of
from workflows.enums import Channel, Lane, MessageKind, MessageState
from workflows.models import Notification, OutboxMessage
from workflows.notifications import Draft, Titles, notify_all
from workflows.outbox import nudge, unwanted
from workflows.selectors.preferences import zone_of

DIGEST = "workflows.digest"


def send_digests(limit: int = 200) -> int:
    """Write the digests whose moment has come; gives how many mails follow.

    Each person's in a transaction of its own: the mail exists exactly when its items are marked. What was
    read meanwhile, or is no longer relevant, is left out with the reason; an empty digest is not sent.
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
    titles = Titles()
    items: list[tuple[bool, dict[str, Any]]] = []
    kept: list[int] = []
    for row in rows:
        notice: Notification = row.notification
        why = "Read already." if notice.read_at is not None else unwanted(notice)
        if why:
            OutboxMessage.objects.filter(pk=row.pk).update(
                state=MessageState.CANCELLED, last_error=why
            )
            continue
        kept.append(row.pk)
        items.append(
            (
                not topic_of(notice.topic).asks,
                {"title": titles.of(notice), "path": notice.path, "key": notice.pk},
            )
        )
    if not kept:
        return 0
    items.sort(key=lambda one: one[0])
    reader = User.objects.get(pk=person)
    today = timezone.now().astimezone(zone_of(reader)).date()
    (made,) = notify_all(
        [
            Draft(
                topic=DIGEST,
                recipient=reader,
                path="/inbox/",
                context={
                    "todo": [item for news, item in items if not news],
                    "news": [item for news, item in items if news],
                    "number": len(items),
                },
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
