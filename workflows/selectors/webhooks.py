"""What the pages about webhooks show."""

from typing import Any

from django.db.models import Count, Q

from accounts.enums import OrganisationRole
from accounts.models import Organisation, User
from workflows.definitions import HELD
from workflows.enums import MessageState
from workflows.models import OutboxMessage, Webhook


def organisations_for(person: User) -> Any:
    """Organisations for which the person may keep webhooks."""
    if not person.is_active:
        return Organisation.objects.none()
    if person.is_staff:
        return Organisation.objects.all()
    mine = person.memberships.current().filter(role=OrganisationRole.ADMINISTRATOR)
    return Organisation.objects.filter(pk__in=mine.values("organisation"))


def recent_messages(hook: Webhook, limit: int = 20) -> list[OutboxMessage]:
    """The last messages to it, newest first, with how each went."""
    return list(hook.messages.order_by("-created_at", "-id")[:limit])


def counts_of(hook: Webhook) -> dict[str, int]:
    """How many messages wait, and how many are held back while it is suspended."""
    found: dict[str, int] = hook.messages.aggregate(
        waiting=Count("pk", filter=Q(state=MessageState.PENDING)),
        held=Count("pk", filter=Q(state=MessageState.CANCELLED, last_error=HELD)),
    )
    return found
