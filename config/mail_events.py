"""What a mail provider's webhook tells through django-anymail: bounces and complaints suspend the address."""

from typing import Any

from workflows.actions.preferences import suspend_address
from workflows.enums import SuspendedFor

KINDS = {
    "bounced": SuspendedFor.BOUNCE,
    "rejected": SuspendedFor.BOUNCE,
    "complained": SuspendedFor.COMPLAINT,
}


def take_in(sender: Any, event: Any, esp_name: str, **kwargs: Any) -> None:
    """One event of the provider. Others than the three, such as "delivered", change nothing."""
    because = KINDS.get(event.event_type)
    if because is not None and event.recipient:
        detail = f"{esp_name}: {event.description or event.reject_reason or ''}"
        suspend_address(event.recipient, because=because, detail=detail)
