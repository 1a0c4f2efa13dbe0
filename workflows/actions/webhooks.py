"""Receivers of an organisation: made, changed, tested, taken up again, removed."""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import Organisation, User
from accounts.rules import has_organisation_role
from workflows.definitions import HELD, PING, offers
from workflows.enums import Channel, Lane, MessageKind, MessageState
from workflows.exceptions import NotPermitted, StaleState
from workflows.hashing import seal
from workflows.models import OutboxMessage, Webhook
from workflows.notifications.calling import new_secret, target_of
from workflows.outbox import nudge_after_commit
from workflows.rules import may_keep_webhook

OVERLAP = dt.timedelta(hours=24)
"""For so long after a change the secret before still counts."""


def known(topics: Sequence[str]) -> list[str]:
    """The topics in order, each once. ValueError for one that is not offered."""
    if strange := set(topics) - set(offers):
        raise ValueError(f"Not offered: {min(strange)}")
    return sorted(set(topics))


def locked_for(hook: Webhook, actor: User) -> Webhook:
    """The row, locked, for somebody who may keep it; 409 when it was removed meanwhile."""
    found: Webhook = Webhook.objects.select_for_update().get(pk=hook.pk)
    if found.removed_at is not None:
        raise StaleState(instance=found)
    if not may_keep_webhook(found, actor):
        raise NotPermitted(instance=found)
    found.changed_at, found.changed_by = timezone.now(), actor
    return found


@transaction.atomic
def make_webhook(
    organisation: Organisation, *, address: str, topics: Sequence[str], actor: User
) -> tuple[Webhook, str]:
    """A new receiver and its secret, which is given this once. A test message goes there at once.

    NotAllowed and OSError say why the address cannot be called.
    """
    allowed = actor.is_staff or has_organisation_role(
        actor, organisation.pk, OrganisationRole.ADMINISTRATOR
    )
    if not (actor.is_active and allowed):
        raise NotPermitted
    target_of(address)
    secret = new_secret()
    made = Webhook.objects.create(
        organisation=organisation,
        address=address,
        topics=known(topics),
        sealed_secret=seal(secret),
        changed_by=actor,
    )
    ping(made)
    return made, secret


@transaction.atomic
def change_webhook(hook: Webhook, *, address: str, topics: Sequence[str], actor: User) -> None:
    """Another address, other topics. Side effects: none; what waits goes to the new address."""
    target_of(address)
    found = locked_for(hook, actor)
    found.address, found.topics = address, known(topics)
    found.save(update_fields=["address", "topics", "changed_at", "changed_by"])


@transaction.atomic
def renew_secret(hook: Webhook, *, actor: User) -> str:
    """A new secret, given this once; for a day messages are signed with the one before as well."""
    found = locked_for(hook, actor)
    secret = new_secret()
    found.sealed_before, found.before_until = found.sealed_secret, timezone.now() + OVERLAP
    found.sealed_secret = seal(secret)
    found.save(
        update_fields=[
            "sealed_secret", "sealed_before", "before_until", "changed_at", "changed_by",
        ]
    )  # fmt: skip
    return secret


def ping(hook: Webhook) -> OutboxMessage:
    """A message without content, by which a receiver can be tried out."""
    number = hook.messages.filter(topic=PING).count() + 1
    made = OutboxMessage.objects.create(
        kind=MessageKind.DELIVERY,
        lane=Lane.INTEGRATION,
        topic=PING,
        dedupe_key=f"webhook:{hook.pk}:ping:{number}",
        webhook=hook,
        channel=Channel.WEBHOOK,
    )
    nudge_after_commit()
    return made


@transaction.atomic
def try_webhook(hook: Webhook, *, actor: User) -> OutboxMessage:
    """Send a test message. A suspended receiver is taken up again first."""
    found = locked_for(hook, actor)
    if found.suspended_at is not None:
        raise StaleState(instance=found)
    return ping(found)


@transaction.atomic
def resume_webhook(hook: Webhook, *, actor: User) -> int:
    """Send there again, beginning with what was held back. Gives how many messages that are."""
    found = locked_for(hook, actor)
    if found.suspended_at is None:
        raise StaleState(instance=found)
    found.suspended_at, found.because = None, ""
    found.failures, found.failing_since = 0, None
    found.save(
        update_fields=[
            "suspended_at", "because", "failures", "failing_since", "changed_at", "changed_by",
        ]
    )  # fmt: skip
    now = timezone.now()
    held = OutboxMessage.objects.filter(
        webhook=found, state=MessageState.CANCELLED, last_error=HELD
    ).update(
        state=MessageState.PENDING, last_error="", attempts=0, created_at=now, available_at=now
    )
    nudge_after_commit()
    return held


@transaction.atomic
def remove_webhook(hook: Webhook, *, actor: User) -> None:
    """Nothing goes there any more, not even what waits. The row and its messages stay."""
    found = locked_for(hook, actor)
    found.removed_at = timezone.now()
    # Nobody can be made to believe that it is us any more.
    found.sealed_secret = found.sealed_before = ""
    found.save(
        update_fields=["removed_at", "sealed_secret", "sealed_before", "changed_at", "changed_by"]
    )
    OutboxMessage.objects.filter(
        webhook=found, state=MessageState.PENDING, lease_token__isnull=True
    ).update(state=MessageState.CANCELLED, last_error="The receiver was removed.")
