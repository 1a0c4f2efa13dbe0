"""What changes a person's own record."""

from django.db import transaction

from accounts.models import User
from accounts.words import plain_text


@transaction.atomic
def change_settings(*, actor: User, preferred_name: str, theme: str, time_zone: str) -> None:
    """Keep a person's own choices. Side effects: none."""
    actor.preferred_name = plain_text(preferred_name).strip()
    actor.theme = theme
    actor.time_zone = time_zone
    actor.save(update_fields=["preferred_name", "theme", "time_zone"])
