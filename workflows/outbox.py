"""What leaves after the commit. The database holds the messages; a broker only says "look now".

Claim, then commit, then act: no lock is held while a handler's mail is on its way. A claim gives a lease and
a fresh token; who finishes with an old token touches nothing. Expiry is part of the claim, so nothing
that could die has to clean up behind a dead worker.
"""

import datetime as dt
import hashlib
import hmac
import random
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterable
from itertools import zip_longest
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Min
from django.db.models.functions import Now
from django.utils import timezone

from workflows.definitions import (
    DIGEST,
    HELD,
    SCHEDULE,
    NotWanted,
    OutcomeUnknown,
    RefusedForGood,
    batch_begins,
    batch_ends,
    handlers,
    offers,
    senders,
    silences,
    topic_of,
    unwanted,
)
from workflows.enums import (
    REPEATABLE_LANES,
    AttemptResult,
    Channel,
    Lane,
    MessageKind,
    MessageState,
)
from workflows.models import (
    DeliveryAttempt,
    Heartbeat,
    Notification,
    OutboxMessage,
    SendingPace,
    TransitionRecord,
    Webhook,
)
from workflows.selectors.asked import AskedAnew, has_waited
from workflows.selectors.preferences import morning_for

__all__ = [
    "beat",
    "deliver",
    "deliver_outside",
    "events_of",
    "nudge",
    "nudge_after_commit",
    "on_nudge",
    "relay",
]

# Once a message is over, nobody needs its personal link any more. Refused ones may be put back by a person.
FORGETS = (MessageState.SENT, MessageState.CANCELLED)

# What is read together with a message: for a mail, for a webhook.
BESIDE = ("notification__recipient notification__deadline", "webhook record")

AT_ONCE = 20
"""So many mails are claimed and read together."""
SLOW = 1.0
"""After a mail that took so many seconds the others that are held are given back."""

log = structlog.get_logger(__name__)
_nudges: list[Callable[[], Any]] = []


class Fenced(Exception):  # noqa: N818  reads as a fact
    """Another worker holds the message now; what was done for it is undone."""


def on_nudge(hook: Callable[[], Any]) -> Callable[[], Any]:
    """Register what wakes the relay after a commit. A lost nudge costs one poll interval, nothing else."""
    _nudges.append(hook)
    return hook


def nudge() -> None:
    for hook in _nudges:
        hook()


def beat(name: str) -> None:
    """Leave a sign of life that the health page reads."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": timezone.now()})


def events_of(pairs: Iterable[tuple[str, TransitionRecord]]) -> list[OutboxMessage]:
    """One unsaved event message for each (topic, record); the door inserts them with the records."""
    return [
        OutboxMessage(
            kind=MessageKind.EVENT,
            lane=Lane.RESULT,
            topic=topic,
            dedupe_key=f"event:{record.pk}",
            record_id=record.pk,
        )
        for topic, record in pairs
    ]


def nudge_after_commit() -> None:
    """Wake the relay when what was written stands."""
    transaction.on_commit(nudge, robust=True)


def claim(
    kind: str,
    *,
    batch: int,
    lane: str | None = None,
    topic: str | None = None,
    webhook: Any = None,
) -> list[OutboxMessage]:
    """Take what is due, oldest first, and hold it under a lease with a new token.

    `attempts` rises here, so that a message that kills its worker still runs out of tries. What goes to a
    webhook is taken only by naming that.
    """
    only: dict[str, Any] = {"webhook": webhook}
    if lane is not None:
        only["lane"] = lane
    if topic is not None:
        only["topic"] = topic
    token = uuid.uuid4()
    before = OutboxMessage.objects.take(kind, token, lease(), batch, **only)
    beside = "record" if kind == MessageKind.EVENT else BESIDE[webhook is not None]
    return rows_of(before, beside)


def rows_of(before: dict[int, bool], beside: str) -> list[OutboxMessage]:
    """The messages that were taken, oldest first, with what is read together with them."""
    if not before:
        return []
    found = OutboxMessage.objects.filter(pk__in=before).select_related(*beside.split())
    rows: list[OutboxMessage] = sorted(found, key=lambda row: (row.available_at, row.pk))
    for row in rows:
        # A lease that was there and ran out: its holder died between beginning and finish.
        row.abandoned = before[row.pk]
        row.fetched = time.monotonic()
    return rows


def lease() -> dt.timedelta:
    return dt.timedelta(seconds=SCHEDULE.lease_seconds)


def hold(lane: str, topics: list[str], most: int) -> list[OutboxMessage]:
    """Hold some mails of a lane, as many of each topic, in turns. Topics that have no more leave the list.

    Nothing of them is begun yet: whoever dies now has sent none of them.
    """
    token, before = uuid.uuid4(), dict[int, bool]()
    each = -(-most // len(topics))
    for topic in list(topics):
        if (wanted := min(each, most - len(before))) == 0:
            break
        found = OutboxMessage.objects.take(
            MessageKind.DELIVERY,
            token,
            dt.timedelta(seconds=min(SCHEDULE.hold_seconds, SCHEDULE.lease_seconds)),
            wanted,
            begun=False,
            webhook=None,
            lane=lane,
            topic=topic,
        )
        if not found:
            topics.remove(topic)
        before |= found
    rows = rows_of(before, BESIDE[0])
    asked = AskedAnew.of(row.notification for row in rows if row.notification is not None)
    by_topic: dict[str, list[OutboxMessage]] = {}
    for row in rows:
        row.asked = asked
        by_topic.setdefault(row.topic, []).append(row)
    turns = zip_longest(*by_topic.values())
    return [row for turn in turns for row in turn if row is not None]


def finish(message: OutboxMessage, token: uuid.UUID | None, **changes: Any) -> bool:
    """End the message if this token still holds it; False means fenced out."""
    changed = OutboxMessage.objects.filter(
        pk=message.pk, lease_token=token, state=MessageState.PENDING
    ).update(lease_until=None, lease_token=None, **changes)
    if not changed:
        log.warning("outbox.fenced", message=message.pk, topic=message.topic)
    return bool(changed)


def delay(attempts: int) -> dt.timedelta:
    """How long to wait after that many tries: doubling, bounded, spread so that failures do not march in step."""
    seconds = min(2 ** min(attempts, 20) * SCHEDULE.first_delay, SCHEDULE.longest_delay)
    return dt.timedelta(seconds=seconds * random.uniform(1 - SCHEDULE.spread, 1 + SCHEDULE.spread))  # noqa: S311


def again_or_dead(message: OutboxMessage, error: str) -> dict[str, Any]:
    """What a failed try makes of the message: later, or dead once its time is over."""
    changes: dict[str, Any] = {"last_error": error[:2000]}
    if timezone.now() - message.created_at > dt.timedelta(hours=SCHEDULE.give_up_hours):
        return {**changes, "state": MessageState.DEAD}
    return {**changes, "available_at": Now() + delay(message.attempts)}


def relay(batch: int = 50) -> int:
    """Call the handlers of due events; each in a transaction of its own with the end of its message.

    What a handler writes and the mark "sent" are committed together, so a repeat finds it done.
    """
    done = 0
    for message in claim(MessageKind.EVENT, batch=batch):
        try:
            relay_one(message)
            done += 1
        except Fenced:
            continue
        except Exception as error:
            # One poison message must not stop the others; it comes again, later and later.
            log.exception("outbox.handler_failed", message=message.pk, topic=message.topic)
            finish(message, message.lease_token, **again_or_dead(message, repr(error)))
    return done


@transaction.atomic
def relay_one(message: OutboxMessage) -> None:
    """Handle one event and end its message, or undo both."""
    if message.topic not in silences:
        if message.topic not in handlers:
            raise LookupError(f"Nobody handles {message.topic}")
        for handler in handlers[message.topic]:
            handler(cast("TransitionRecord", message.record))
    if message.topic in offers:
        tell_outside(message.topic, cast("TransitionRecord", message.record))
    if not finish(message, message.lease_token, state=MessageState.SENT):
        raise Fenced


def tell_outside(topic: str, record: TransitionRecord) -> None:
    """Write a message for each receiver of an organisation that the fact concerns and that wants to know.

    A suspended receiver's wait with the reason; nothing is told that happened before a receiver was there.
    """
    wanting = [
        hook
        for hook in Webhook.objects.filter(removed_at__isnull=True, created_at__lte=record.at)
        if topic in hook.topics
    ]
    if not wanting:
        return
    concerned = offers[topic][1](record).organisations
    OutboxMessage.objects.bulk_create(
        (
            OutboxMessage(
                kind=MessageKind.DELIVERY,
                lane=Lane.INTEGRATION,
                topic=topic,
                dedupe_key=f"webhook:{hook.pk}:{record.pk}",
                record=record,
                webhook=hook,
                channel=Channel.WEBHOOK,
                **(
                    {"state": MessageState.CANCELLED, "last_error": HELD}
                    if hook.suspended_at
                    else {}
                ),
            )
            for hook in wanting
            if hook.organisation_id in concerned
        ),
        ignore_conflicts=True,
    )


def deliver(batch: int = 50, *, lane: str | None = None) -> int:
    """Send due deliveries, each lane for itself, and in a lane each topic in turn. Gives how many were sent.

    Some are held together and each is begun right before it leaves: a flood of one topic delays another by
    one mail at most, and who dies has begun one. Stops where the provider's pace is used up.
    """
    lanes = [lane] if lane is not None else list(Lane.values)
    sent, goes_on = 0, True
    for begin in batch_begins:
        begin()
    for one in lanes:
        left = batch
        topics = due_topics(one) if goes_on else []
        while topics and left > 0 and goes_on:
            held = hold(one, topics, min(left, AT_ONCE))
            left -= len(held)
            done, goes_on = deliver_held(held)
            sent += done
    for end in batch_ends:
        end()
    return sent


def deliver_held(held: list[OutboxMessage]) -> tuple[int, bool]:
    """Send messages that are held together; how many were sent, and whether the pace allows more.

    After a slow one the others are given back: somebody else may be faster. One that was taken over
    meanwhile is left to whoever has it.
    """
    sent, waiting, has_place = 0, deque(held), False
    while waiting:
        message = waiting.popleft()
        if not message.begun:
            has_place = has_place or may_send()
            if not has_place:
                give_back([message, *waiting])
                return sent, False
            if not OutboxMessage.objects.begin(message.pk, message.lease_token, lease()):
                continue
            message.attempts += 1
        since = time.monotonic()
        has_place = bool(waiting) and may_send()
        following = waiting[0] if has_place else None
        sent += deliver_one(message, following)
        # A place that was not needed is kept for whoever comes next: taken twice, the pace would halve.
        has_place = following is not None and not following.begun
        if time.monotonic() - since > SLOW and waiting and not waiting[0].begun:
            give_back(waiting)
            break
    return sent, True


def give_back(rest: Collection[OutboxMessage]) -> None:
    OutboxMessage.objects.give_back([one.pk for one in rest], next(iter(rest)).lease_token)


def due_topics(lane: str) -> list[str]:
    """Topics with something due in the lane, the one that waits longest first."""
    due = OutboxMessage.objects.due().filter(kind=MessageKind.DELIVERY, lane=lane)
    due = due.filter(webhook__isnull=True)
    waiting = due.exclude(channel=Channel.DIGEST).order_by().values("topic")
    return [row["topic"] for row in waiting.annotate(first=Min("available_at")).order_by("first")]


def deliver_outside(batch: int = 50) -> int:
    """Send due messages to webhooks, each receiver in turn. Gives how many were taken.

    A receiver that does not take a message is left alone for a while, longer each time: its other messages
    wait behind, in their order, and hold up nobody else's.
    """
    due = OutboxMessage.objects.due().filter(webhook__isnull=False).order_by().values("webhook")
    hooks = [row["webhook"] for row in due.annotate(first=Min("available_at")).order_by("first")]
    left, sent = batch, 0
    while hooks and left > 0:
        for hook in list(hooks):
            held = claim(MessageKind.DELIVERY, batch=1, webhook=hook) if left else []
            if not held:
                hooks.remove(hook)
                continue
            left -= 1
            if deliver_one(held[0]):
                sent += 1
                continue
            if failures := Webhook.objects.get(pk=hook).failures:
                until = timezone.now() + delay(failures)
                waiting = OutboxMessage.objects.filter(webhook=hook, state=MessageState.PENDING)
                waiting.filter(available_at__lt=until).update(available_at=until)
                hooks.remove(hook)
    return sent


def may_send() -> bool:
    """Take one place of the running minute; False when the provider's limit is reached. No limit: always."""
    limit = settings.EMAIL_PER_MINUTE
    if not limit:
        return True
    now = timezone.now()
    begun = now - dt.timedelta(minutes=1)
    paces = SendingPace.objects.filter(name=Channel.EMAIL)
    if paces.filter(since__gt=begun, used__lt=limit).update(used=F("used") + 1):
        return True
    if paces.filter(since__lte=begun).update(since=now, used=1):
        return True
    return bool(SendingPace.objects.get_or_create(name=Channel.EMAIL, defaults={"used": 1})[1])


def deliver_one(message: OutboxMessage, following: OutboxMessage | None = None) -> bool:
    """Ask again whether it is wanted, send, note the try, end the message if the token still holds it.

    Where it went well the `following` is begun with the same statement.
    """
    started, token = timezone.now(), message.lease_token
    result, answer, changes = attempt(message)
    if result == AttemptResult.SENT and not is_secret(message):
        if following is not None and timezone.now() - started > dt.timedelta(seconds=SLOW):
            following = None
        ended = OutboxMessage.objects.end_as_sent(
            message.pk, token, answer, started, following.pk if following else None, lease()
        )
        if ended is not None:
            done, begun = ended
            if following is not None and begun:
                following.begun = True
                following.attempts += 1
            if not done:
                log.warning("outbox.fenced", message=message.pk, topic=message.topic)
            return done
    with transaction.atomic():
        if not finish(message, token, **changes):
            result = AttemptResult.FENCED
        elif changes.get("state") in FORGETS:
            Notification.objects.filter(pk=message.notification_id or 0).exclude(
                sealed_path=""
            ).update(sealed_path="")
        DeliveryAttempt.objects.create(
            message=message, token=token, started_at=started, result=result, answer=answer[:2000]
        )
    return result == AttemptResult.SENT


def is_secret(message: OutboxMessage) -> bool:
    """Whether the message carries a personal link, which has to be forgotten when it is over."""
    return message.notification is not None and message.notification.sealed_path != ""


def attempt(message: OutboxMessage) -> tuple[AttemptResult, str, dict[str, Any]]:
    """One try outside any transaction: what happened, what was answered, what it makes of the message."""
    notification = message.notification
    if notification and time.monotonic() - message.fetched > SLOW:
        # It waited behind others of its batch: its date may have moved meanwhile, its reader's wishes too.
        if notification.deadline:
            notification.deadline.refresh_from_db()
        message.asked = AskedAnew.of([notification])
    asked = message.asked
    if notification:
        why = unwanted(notification, asked.waits.get(notification.pk) if asked else None)
    else:
        why = unheard(cast("Webhook", message.webhook))
    if why:
        return AttemptResult.CANCELLED, why, {"state": MessageState.CANCELLED, "last_error": why}
    if message.abandoned and message.lane not in REPEATABLE_LANES:
        why = "A worker died while sending; reminders and digests are not sent twice."
        return AttemptResult.UNKNOWN, why, {"state": MessageState.FAILED, "last_error": why}
    if notification and (put_off := put_off_for_the_night(notification, asked)):
        return AttemptResult.DEFERRED, "The person’s quiet hours have begun.", put_off
    try:
        answer = senders[message.channel](notification or message, message_id(message))
    except NotWanted as error:
        why = str(error)
        return AttemptResult.CANCELLED, why, {"state": MessageState.CANCELLED, "last_error": why}
    except RefusedForGood as error:
        return (
            AttemptResult.REFUSED,
            str(error),
            {"state": MessageState.FAILED, "last_error": str(error)},
        )
    except OutcomeUnknown as error:
        if message.lane in REPEATABLE_LANES:
            return AttemptResult.UNKNOWN, str(error), again_or_dead(message, str(error))
        return (
            AttemptResult.UNKNOWN,
            str(error),
            {"state": MessageState.FAILED, "last_error": str(error)},
        )
    except Exception as error:  # noqa: BLE001  whatever it was, the message comes again
        log.warning("outbox.delivery_failed", message=message.pk, error=repr(error))
        return AttemptResult.DEFERRED, repr(error), again_or_dead(message, repr(error))
    return AttemptResult.SENT, answer, {"state": MessageState.SENT, "provider_id": answer[:200]}


def put_off_for_the_night(notification: Notification, asked: AskedAnew | None) -> dict[str, Any]:
    """What becomes of optional news that was held up until its person's quiet hours; empty where it may leave.

    Whether they are quiet was asked when it was written, and is asked again after `ASKED_ANEW`. It comes with the
    morning's digest; a digest itself, which was held up, comes in the morning.
    """
    now, person = timezone.now(), notification.recipient
    is_digest = notification.topic == DIGEST
    if person is None or not has_waited(notification):
        return {}
    if topic_of(notification.topic).required and not is_digest:
        return {}
    wishes = asked.wishes_for(notification) if asked else None
    if (morning := morning_for(person, now, [notification], wishes)) is None:
        return {}
    waits = {} if is_digest else {"channel": Channel.DIGEST, "lane": Lane.DIGEST}
    return {"available_at": morning, **waits}


def unheard(hook: Webhook) -> str:
    """Why a receiver gets nothing now; empty when it does."""
    if hook.removed_at is not None:
        return "The receiver was removed."
    return HELD if hook.suspended_at is not None else ""


def message_id(message: OutboxMessage) -> str:
    """The same Message-ID for every try, so that a mail program shows a repeated mail once."""
    made = hmac.new(settings.SECRET_KEY.encode(), message.dedupe_key.encode(), hashlib.sha256)
    return f"<{made.hexdigest()[:40]}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"
