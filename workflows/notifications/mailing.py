"""Handing mails to the server, over one kept connection, with the headers that a mailbox wants to see."""

import hashlib
import hmac
import smtplib
import sys
import threading
import time
from email.encoders import encode_base64
from email.mime.base import MIMEBase
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.mail import get_connection

from workflows.definitions import (
    NotWanted,
    OutcomeUnknown,
    RefusedForGood,
    after_batch,
    before_batch,
    sends_by,
    topic_of,
)
from workflows.enums import Channel
from workflows.models import Notification, SuspendedAddress
from workflows.notifications.digest import DIGEST, look_again
from workflows.notifications.wire import Mail, announce, hand_over, recipient_of, sender_of
from workflows.notifications.wording import Titles, render
from workflows.selectors.entries import attachment_for

# Answers of a provider's API that say nothing about the mail: key, time limit, too many.
FOR_NOW = {401, 403, 408, 425, 429}
RESTED = 1.0
"""A connection that was used within so many seconds is not asked whether it is alive."""
UNSUBSCRIBE = "workflows.unsubscribe"
kept = threading.local()


class NotHandedOver(Exception):  # noqa: N818  reads as a fact
    """The connection was lost before the mail was: it can go again."""


def host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"


def connection() -> Any:
    """The thread's connection: the one that is open if the server still answers, else a new one.

    A server that closed it meanwhile is found out before a mail is begun, so that nothing is unknown.
    """
    held = getattr(kept, "held", None)
    if held is not None:
        fresh = time.monotonic() - kept.since < settings.EMAIL_KEEP_SECONDS
        if fresh and kept.sent < settings.EMAIL_KEEP_MESSAGES and answers(held):
            return held
        close()
    made = get_connection()
    made.open()
    kept.held, kept.since, kept.sent = made, time.monotonic(), 0
    kept.used = kept.since
    return made


def answers(held: Any) -> bool:
    """Whether a kept SMTP connection is alive; other back ends hold none. Asked where it rested a moment."""
    server = getattr(held, "connection", None)
    if not isinstance(server, smtplib.SMTP):
        return False
    if server.sock is not None and time.monotonic() - kept.used < RESTED:
        return True
    try:
        return server.noop()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


@before_batch
def read_once() -> None:
    """What every mail of a batch asks for: addresses that are suspended, and own words for topics."""
    kept.suspended = {row.address.lower(): row for row in SuspendedAddress.objects.held()}
    kept.titles = Titles()


def suspension_of(address: str) -> SuspendedAddress | None:
    """Why nothing is sent to an address; None where mails go. Known for the batch, else asked."""
    known: dict[str, SuspendedAddress] | None = getattr(kept, "suspended", None)
    if known is not None:
        return known.get(address.lower())
    return SuspendedAddress.objects.held().filter(address__iexact=address).first()


@after_batch
def forget() -> None:
    """What was read for the batch may have changed for the next."""
    kept.suspended = kept.titles = None


@after_batch
def close() -> None:
    """Give the connection back."""
    held = getattr(kept, "held", None)
    kept.held = None
    if held is not None:
        try:
            held.close()
        except (smtplib.SMTPException, OSError):
            return


def unsubscribe_token(notification: Notification) -> str:
    """Names person and category, nothing else, and is signed."""
    topic = topic_of(notification.topic)
    return signing.dumps(
        {"u": str(notification.recipient_id), "c": str(topic.category)}, salt=UNSUBSCRIBE
    )


def thread_of(notification: Notification) -> str:
    """One made-up first message for each thing, so that a mail program puts news of it together."""
    about = f"{notification.subject_type}:{notification.subject_id}:{notification.recipient_id}"
    made = hmac.new(settings.SECRET_KEY.encode(), about.encode(), hashlib.sha256).hexdigest()
    return f"<thread.{made[:32]}@{host()}>"


def headers_for(notification: Notification, message_id: str) -> dict[str, str]:
    """Message-ID, thread, that a machine wrote it (RFC 3834), and how to leave (RFC 2369, RFC 8058)."""
    found = {
        "Message-ID": message_id,
        "Auto-Submitted": "auto-generated",
        "List-Id": f"Moderato <notices.{host()}>",
    }
    if notification.subject_id is not None:
        found["References"] = found["In-Reply-To"] = thread_of(notification)
    if notification.recipient is not None and not topic_of(notification.topic).required:
        ways = [f"<{settings.SITE_URL}/u/{unsubscribe_token(notification)}/>"]
        if settings.UNSUBSCRIBE_ADDRESS:
            ways.append(f"<mailto:{settings.UNSUBSCRIBE_ADDRESS}?subject=unsubscribe>")
        found["List-Unsubscribe"] = ", ".join(ways)
        found["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return found


def compose(notification: Notification, message_id: str) -> Mail:
    """The whole mail."""
    subject, text, html = render(notification, getattr(kept, "titles", None))
    mail = Mail(
        subject,
        text,
        settings.DEFAULT_FROM_EMAIL,
        [address_of(notification)],
        headers=headers_for(notification, message_id),
    )
    mail.attach_alternative(html, "text/html")
    if notification.deadline is not None:
        content, method = attachment_for(
            notification.deadline, settings.SITE_URL + notification.path
        )
        part = MIMEBase("text", "calendar", method=method, charset="utf-8", name="date.ics")
        part.set_payload(content)
        encode_base64(part)
        part.add_header("Content-Disposition", "attachment", filename="date.ics")
        mail.attach(part)
    return mail


def address_of(notification: Notification) -> str:
    """Where a notification goes: an address that somebody put there, else the person's own."""
    if notification.address or notification.recipient is None:
        return notification.address
    return notification.recipient.email


def post(mail: Mail, held: Any) -> None:
    """One mail over a connection. Where SMTP is spoken, a connection lost before the mail's content is no riddle."""
    server = getattr(held, "connection", None)
    if not isinstance(server, smtplib.SMTP):
        mail.connection = held
        mail.send()
        return
    content, (to,) = mail.wire(), mail.to
    try:
        announce(server, sender_of(mail.from_email), recipient_of(to), len(content))
    except (smtplib.SMTPServerDisconnected, TimeoutError, ConnectionError) as error:
        close()
        raise NotHandedOver(repr(error)) from error
    hand_over(server, content)


@sends_by(Channel.EMAIL)
def send_email(notification: Notification, message_id: str) -> str:
    """Hand one mail to the server. Says whether a failure is for now, for good, or unknown."""
    to = address_of(notification)
    held = suspension_of(to)
    if held is not None:
        refusal = RefusedForGood if held.left_at is None else NotWanted
        raise refusal(f"Nothing is sent to {to}: {held.get_because_display()}.")
    if notification.topic == DIGEST:
        look_again(notification, getattr(kept, "titles", None) or Titles())
    mail = compose(notification, message_id)
    held = connection()
    try:
        post(mail, held)
        kept.sent += 1
        kept.used = time.monotonic()
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        raise verdict(code, answer) from error
    except smtplib.SMTPResponseException as error:
        close()
        raise verdict(error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPServerDisconnected, TimeoutError, ConnectionError) as error:
        close()
        raise OutcomeUnknown(repr(error)) from error
    except Exception as error:
        if refused_by_provider(error):
            raise RefusedForGood(str(error)) from error
        raise
    return message_id


def refused_by_provider(error: Exception) -> bool:
    """Whether a provider behind django-anymail said no for good. The package is loaded only where it sends."""
    anymail = sys.modules.get("anymail.exceptions")
    if anymail is None:
        return False
    if isinstance(error, anymail.AnymailRecipientsRefused):
        return True
    status: int = getattr(error, "status_code", None) or 0
    by_api = isinstance(error, anymail.AnymailRequestsAPIError)
    return by_api and 400 <= status < 500 and status not in FOR_NOW


def verdict(code: int, answer: bytes | str) -> Exception:
    """5xx is for good, anything else for now."""
    text = f"{code} {answer.decode(errors='replace') if isinstance(answer, bytes) else answer}"
    return RefusedForGood(text) if code >= 500 else ConnectionError(text)
