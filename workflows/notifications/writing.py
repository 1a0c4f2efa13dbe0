"""Rows first: one notification for each person, and its mail or its place in a digest."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from django.utils import timezone

from accounts.models import User
from workflows.definitions import topic_of
from workflows.enums import Channel, Lane, MessageKind
from workflows.hashing import plain, seal
from workflows.models import Deadline, Notification, OutboxMessage, TransitionRecord
from workflows.querysets import FEW, insert_many
from workflows.selectors.preferences import Plan, Wishes


@dataclass(frozen=True)
class Draft:
    """One notification that is to be written, with the mail that follows it."""

    topic: str
    recipient: User
    path: str
    context: dict[str, Any]
    lane: str
    anchor: str
    subject: tuple[str, Any] = ("", None)
    deadline: Deadline | None = None
    in_app: bool = True
    # After this moment the news helps nobody; it is not held back beyond it.
    useful_until: dt.datetime | None = None
    # Its mail leaves so much later: until then its words may change.
    rests: dt.timedelta = dt.timedelta()


def notify_all(drafts: Sequence[Draft]) -> list[Notification]:
    """Write many notifications of any topics at once, in four statements, in the caller's transaction."""
    wanted = [
        Notification(
            recipient=one.recipient,
            dedupe_key=f"{one.topic}:{one.anchor}:{one.recipient.pk}",
            topic=one.topic,
            path=one.path,
            context=plain(one.context),
            lane=one.lane,
            subject_type=one.subject[0],
            subject_id=one.subject[1],
            deadline=one.deadline,
            in_app=one.in_app,
        )
        for one in drafts
        if one.recipient.is_active
    ]
    by_key = {f"{one.topic}:{one.anchor}:{one.recipient.pk}": one for one in drafts}
    return store(wanted, email=True, drafts=by_key) if wanted else []


def notify(
    *,
    topic: str,
    recipients: Iterable[User],
    record: TransitionRecord | None = None,
    subject: models.Model | None = None,
    path: str = "/",
    context: dict[str, Any] | None = None,
    lane: str = Lane.RESULT,
    dedupe: str | None = None,
    channels: Sequence[str] = ("inapp", "email"),
    deadline: Deadline | None = None,
) -> list[Notification]:
    """Write one notification for each person, with its mail as an outbox message, in the caller's transaction.

    Each person is told once: the key is made of topic, `dedupe` (or record, or subject) and recipient.
    """
    anchor = dedupe or key_of(record, subject)
    people = {person.pk: person for person in recipients if person.is_active}
    wanted = [
        Notification(
            recipient=person,
            dedupe_key=f"{topic}:{anchor}:{person.pk}",
            in_app="inapp" in channels,
            deadline=deadline,
            **common(topic, record, subject, path, context, lane),
        )
        for person in people.values()
    ]
    return store(wanted, email="email" in channels)


def notify_address(
    *,
    topic: str,
    address: str,
    name: str,
    record: TransitionRecord | None = None,
    subject: models.Model | None = None,
    path: str = "/",
    context: dict[str, Any] | None = None,
    lane: str = Lane.RESULT,
    dedupe: str | None = None,
    secret_path: str = "",
) -> Notification:
    """Write to somebody who has no account. Mail only.

    `secret_path` is a personal link: the row keeps it encrypted until the mail has left, then not at all.
    """
    anchor = dedupe or key_of(record, subject)
    made = Notification(
        address=address,
        name=name,
        dedupe_key=f"{topic}:{anchor}:{address.lower()}",
        in_app=False,
        sealed_path=seal(secret_path) if secret_path else "",
        **common(topic, record, subject, path, context, lane),
    )
    return store([made], email=True)[0]


def key_of(record: TransitionRecord | None, subject: models.Model | None) -> str:
    if record is not None:
        return str(record.pk)
    if subject is not None:
        return f"{subject._meta.label_lower}:{subject.pk}"
    raise ValueError("A notification needs a record, a subject or a dedupe key.")


def common(
    topic: str,
    record: TransitionRecord | None,
    subject: models.Model | None,
    path: str,
    context: dict[str, Any] | None,
    lane: str,
) -> dict[str, Any]:
    """The columns that all recipients share."""
    about: dict[str, Any] = {"subject_type": "", "subject_id": None}
    if subject is not None:
        about = {"subject_type": subject._meta.label_lower, "subject_id": subject.pk}
    elif record is not None:
        about = {"subject_type": record.subject_type, "subject_id": record.subject_id}
    return {
        "topic": topic,
        "record": record,
        "path": path,
        "context": plain(context or {}),
        "lane": lane,
        **about,
    }


def store(
    wanted: list[Notification],
    *,
    email: bool,
    drafts: Mapping[str, Draft] | None = None,
) -> list[Notification]:
    """Insert what is not there yet; a repeat changes nothing. Six statements whatever the number.

    `drafts` gives, by dedupe key, when the mail may leave. Gives the rows as they are stored, oldest first.
    """
    Notification.objects.bulk_create(wanted, ignore_conflicts=True)
    fresh, known = told_apart(wanted)
    stored = sorted([*fresh, *known], key=lambda one: one.pk)
    if email:
        now = timezone.now()
        wishes = Wishes.of([one.recipient for one in stored if one.recipient is not None])
        for rows in (fresh, known):
            messages = [
                message_for(one, wishes, now, (drafts or {}).get(one.dedupe_key)) for one in rows
            ]
            insert_messages([one for one in messages if one is not None], fresh=rows is fresh)
    return stored


def told_apart(wanted: list[Notification]) -> tuple[list[Notification], list[Notification]]:
    """Which were inserted just now, with their keys, and the rows of those that had been there.

    Their moment tells them apart. Reading all of them back, each with its recipient, would cost as much as
    inserting them.
    """
    ours = {one.dedupe_key: one for one in wanted}
    fresh, others = [], []
    rows = Notification.objects.filter(dedupe_key__in=list(ours)).order_by()
    for key, dedupe_key, created_at in rows.values_list("pk", "dedupe_key", "created_at"):
        one = ours[dedupe_key]
        if created_at != one.created_at:
            others.append(key)
            continue
        one.pk, one._state.adding, one._state.db = key, False, rows.db
        fresh.append(one)
    found = Notification.objects.filter(pk__in=others).select_related("recipient")
    return fresh, list(found) if others else []


def insert_messages(messages: list[OutboxMessage], *, fresh: bool) -> None:
    """Messages of notifications; those of fresh ones cannot be there yet, which makes many of them cheaper.

    A notification that had been there has its message already, unless its mail came to be wanted since.
    """
    if fresh and len(messages) >= FEW and connection.vendor == "postgresql":
        insert_many(messages)
    elif messages:
        OutboxMessage.objects.bulk_create(messages, ignore_conflicts=True)


def message_for(
    one: Notification, wishes: Wishes, now: dt.datetime, draft: Draft | None
) -> OutboxMessage | None:
    """The mail of a notification, or its place in a digest; None where the person wants neither.

    Both have the same key: a notification is mailed once, in whatever form.
    """
    plan = Plan()
    if one.recipient is not None:
        until = draft.useful_until if draft is not None else None
        plan = wishes.plan(one.recipient, topic_of(one.topic), now, until)
    if not plan.email:
        return None
    channel = Channel.EMAIL if plan.at is None else Channel.DIGEST
    return OutboxMessage(
        kind=MessageKind.DELIVERY,
        lane=one.lane if plan.at is None else Lane.DIGEST,
        topic=one.topic,
        dedupe_key=f"{Channel.EMAIL}:{one.dedupe_key}"[:300],
        notification=one,
        channel=channel,
        available_at=plan.at or (now if draft is None else now + draft.rests),
    )
