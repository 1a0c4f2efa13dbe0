"""Telling people: rows first, mail later. A mail points to the news, it never contains a result."""

import datetime as dt
import smtplib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import models
from django.template import Context
from django.template.loader import get_template, render_to_string

from accounts.models import User
from workflows.definitions import (
    OutcomeUnknown,
    RefusedForGood,
    extra_topics,
    sends_by,
    still_relevant,
)
from workflows.enums import Channel, Lane, MessageKind
from workflows.hashing import plain, seal, unseal
from workflows.models import Notification, OutboxMessage, TransitionRecord

__all__ = ["notify", "notify_address", "render", "still_relevant"]


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
    # After this moment the news helps nobody; it is not held back beyond it.
    useful_until: dt.datetime | None = None


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
        )
        for one in drafts
        if one.recipient.is_active
    ]
    return store(wanted, email=True) if wanted else []


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


def store(wanted: list[Notification], *, email: bool) -> list[Notification]:
    """Insert what is not there yet; a repeat changes nothing. Four statements whatever the number."""
    keys = [one.dedupe_key for one in wanted]
    Notification.objects.bulk_create(wanted, ignore_conflicts=True)
    stored = list(Notification.objects.filter(dedupe_key__in=keys))
    if email:
        OutboxMessage.objects.bulk_create(
            (
                OutboxMessage(
                    kind=MessageKind.DELIVERY,
                    lane=one.lane,
                    topic=one.topic,
                    dedupe_key=f"{Channel.EMAIL}:{one.dedupe_key}"[:300],
                    notification=one,
                    channel=Channel.EMAIL,
                )
                for one in stored
            ),
            ignore_conflicts=True,
        )
    return stored


def context_of(notification: Notification) -> dict[str, Any]:
    """What the templates of a topic may use."""
    person = notification.recipient
    path = unseal(notification.sealed_path) if notification.sealed_path else notification.path
    return {
        **notification.context,
        "name": person.get_short_name() if person else notification.name,
        "link": settings.SITE_URL + path,
        "site": settings.SITE_URL,
    }


def title_of(notification: Notification) -> str:
    """The subject line, which is also the line in the inbox."""
    return " ".join(
        words(f"emails/{notification.topic}/subject.txt", context_of(notification)).split()
    )


def words(name: str, context: dict[str, Any]) -> str:
    """A plain text: nothing is escaped in it, the page or the HTML mail does that."""
    compiled: Any = get_template(name)
    return str(compiled.template.render(Context(context, autoescape=False)))


def render(notification: Notification) -> tuple[str, str, str]:
    """Subject, plain text and HTML of the mail. The HTML is made of the same sentences, escaped."""
    context = context_of(notification)
    body = words(f"emails/{notification.topic}/body.txt", context).strip()
    title = title_of(notification)
    paragraphs = [part.strip().splitlines() for part in body.split("\n\n") if part.strip()]
    frame = {**context, "title": title, "body": body, "paragraphs": paragraphs}
    return (
        title,
        words("emails/layout.txt", frame),
        render_to_string("emails/layout.html", frame),
    )


@sends_by(Channel.EMAIL)
def send_email(notification: Notification, message_id: str) -> str:
    """Hand one mail to the server. Says whether a failure is for now, for good, or unknown."""
    subject, text, html = render(notification)
    to = notification.recipient.email if notification.recipient else notification.address
    connection = get_connection()
    mail = EmailMultiAlternatives(
        subject,
        text,
        settings.DEFAULT_FROM_EMAIL,
        [to],
        connection=connection,
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(html, "text/html")
    connection.open()
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        raise verdict(code, answer) from error
    except smtplib.SMTPResponseException as error:
        raise verdict(error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPServerDisconnected, TimeoutError, ConnectionError) as error:
        raise OutcomeUnknown(repr(error)) from error
    finally:
        connection.close()
    return message_id


def verdict(code: int, answer: bytes | str) -> Exception:
    """5xx is for good, anything else for now."""
    text = f"{code} {answer.decode(errors='replace') if isinstance(answer, bytes) else answer}"
    return RefusedForGood(text) if code >= 500 else ConnectionError(text)


# Sent by the nightly comparison.
extra_topics.add("workflows.reconciler.difference")
