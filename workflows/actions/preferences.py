"""A person's choices about messages, addresses that do not work, own words for a topic, the calendar's address."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Collection, Mapping
from typing import Any

from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.enums import MailLanguage, OrganisationKind, OrganisationRole
from accounts.models import User
from workflows.actions.messages import cancel_stuck
from workflows.actions.reminding import choose_reminders
from workflows.definitions import UNASKED, topic_of, topics, useful_until
from workflows.enums import Category, Channel, Frequency, MessageState, SuspendedFor
from workflows.exceptions import NotPermitted
from workflows.models import (
    CalendarFeed,
    MessagePreference,
    OutboxMessage,
    QuietHours,
    SuspendedAddress,
    Wording,
)
from workflows.notifications import notify
from workflows.notifications.mailing import UNSUBSCRIBE
from workflows.notifications.wording import problem_of
from workflows.rules import may_manage_messages
from workflows.selectors.preferences import Wishes


@transaction.atomic
def choose_messages(
    *,
    actor: User,
    frequencies: Mapping[str, str],
    is_on: bool,
    begins: dt.time,
    ends: dt.time,
    weekends: bool,
    language: str,
    wanted: Mapping[str, Collection[str]],
) -> None:
    """Keep how often each category reaches the person, in which words, their quiet hours and their reminders.

    Counts for mails that leave from now on, those that wait among them, and for reminders that have not gone out.
    """
    User.objects.filter(pk=actor.pk).update(mail_language=MailLanguage(language))
    for category, frequency in frequencies.items():
        MessagePreference.objects.update_or_create(
            user=actor,
            category=Category(category),
            defaults={"frequency": Frequency(frequency)},
        )
    QuietHours.objects.update_or_create(
        user=actor,
        defaults={"is_on": is_on, "begins": begins, "ends": ends, "weekends": weekends},
    )
    choose_reminders(actor=actor, wanted=wanted)
    follow_wishes(actor)


def follow_wishes(person: User) -> None:
    """Give news that waits its new morning, or none where the person wants no mails of its kind any more.

    What a worker holds is left to it. What is mailed at once from now on comes with a digest right away: it may
    be many.
    """
    rows = OutboxMessage.objects.filter(
        notification__recipient=person, state=MessageState.PENDING, lease_token__isnull=True
    ).select_related("notification__deadline")
    now, wishes = timezone.now(), Wishes.of([person])
    for row in rows.select_for_update(of=("self",), skip_locked=True).order_by("pk"):
        topic = topic_of(row.topic)
        if topic.required:
            continue
        plan = wishes.plan(person, topic, now, useful_until(row.notification))
        if not plan.email:
            row.state, row.last_error = MessageState.CANCELLED, UNASKED
        elif row.channel == Channel.DIGEST:
            row.available_at = plan.at or now
        row.save(update_fields=["state", "last_error", "available_at"])


def read_unsubscribe(token: str) -> tuple[User, Category] | None:
    """Whom and what a link from a mail names; None if it is not ours. It does not run out."""
    try:
        found = signing.loads(token, salt=UNSUBSCRIBE)
        return User.objects.get(pk=found["u"]), Category(found["c"])
    except (signing.BadSignature, KeyError, ValueError, User.DoesNotExist):
        return None


@transaction.atomic
def unsubscribe(person: User, category: Category) -> None:
    """No more optional mails of the category, those that wait among them; the news stays in the application.

    Twice is the same as once.
    """
    MessagePreference.objects.update_or_create(
        user=person, category=category, defaults={"frequency": Frequency.INAPP}
    )
    follow_wishes(person)


def caretakers() -> Any:
    """Who looks after messages: platform administrators, and administrators of a provider."""
    return User.objects.filter(
        Q(is_staff=True)
        | Q(
            memberships__role=OrganisationRole.ADMINISTRATOR,
            memberships__organisation__kind=OrganisationKind.PROVIDER,
            memberships__ended_at__isnull=True,
        ),
        is_active=True,
    ).distinct()


@transaction.atomic
def suspend_address(address: str, *, because: str, detail: str = "") -> SuspendedAddress:
    """Send nothing there any more, and tell those who can find out the right one. Repeats change nothing."""
    row, made = SuspendedAddress.objects.get_or_create(
        address=address.strip().lower(),
        cleared_at=None,
        defaults={"because": SuspendedFor(because), "detail": detail[:500]},
    )
    if made:
        person = User.objects.filter(email__iexact=row.address).first()
        notify(
            topic="workflows.address.suspended",
            recipients=[one for one in caretakers() if one.email.lower() != row.address],
            path="/manage/messages/",
            context={
                "person": person.name if person else "somebody without an account",
                "because": str(SuspendedFor(because).label),
            },
            dedupe=f"suspended:{row.pk}",
        )
    return row


@transaction.atomic
def clear_address(row: SuspendedAddress, *, actor: User) -> None:
    """Somebody has looked: mails go there again."""
    if not may_manage_messages(actor):
        raise NotPermitted
    SuspendedAddress.objects.held().filter(pk=row.pk).update(
        cleared_at=timezone.now(), cleared_by=actor
    )


@transaction.atomic
def leave_address(row: SuspendedAddress, *, actor: User) -> None:
    """Somebody has looked, and nothing is sent there any more; nobody is asked about it again.

    What is stuck because of it is cancelled with it.
    """
    if not may_manage_messages(actor):
        raise NotPermitted
    SuspendedAddress.objects.to_look_at().filter(pk=row.pk).update(
        left_at=timezone.now(), left_by=actor
    )
    theirs = Q(notification__address__iexact=row.address) | Q(
        notification__address="", notification__recipient__email__iexact=row.address
    )
    cancel_stuck(OutboxMessage.objects.stuck().filter(theirs), actor=actor)


@transaction.atomic
def change_wording(topic: str, *, subject: str, body: str, actor: User) -> dict[str, str]:
    """Keep an administrator's own words for a topic; empty ones bring the standard words back.

    Gives what is wrong by field; then nothing is kept. Every version stays, with who wrote it.
    """
    if not may_manage_messages(actor):
        raise NotPermitted
    if topic not in topics:
        raise ValueError(f"There is no topic {topic}")
    subject, body = " ".join(subject.split()), body.replace("\r\n", "\n").strip()
    problems = {
        name: problem
        for name, text in (("subject", subject), ("body", body))
        if (problem := problem_of(topic, text))
    }
    if not problems:
        Wording.objects.create(topic=topic, subject=subject[:200], body=body, by=actor)
    return problems


def feed_hash(token: str) -> str:
    """What is kept of a calendar's address."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def make_feed(*, actor: User) -> str:
    """A new secret address for the person's calendar; the one before stops working. Shown once."""
    token = secrets.token_urlsafe(32)
    CalendarFeed.objects.update_or_create(
        user=actor, defaults={"token_hash": feed_hash(token), "created_at": timezone.now()}
    )
    return token


def end_feed(*, actor: User) -> None:
    """The person's calendar address stops working."""
    CalendarFeed.objects.filter(user=actor).delete()


def feed_owner(token: str) -> User | None:
    """Whose calendar an address shows; None for a wrong or ended one, or a closed account."""
    row = CalendarFeed.objects.filter(token_hash=feed_hash(token)).select_related("user").first()
    return row.user if row is not None and row.user.is_active else None
