"""What changes a person's own record."""

from collections.abc import Mapping

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


@transaction.atomic
def choose_shortcuts(*, actor: User, on: bool, keys: Mapping[str, str] | None = None) -> None:
    """Switch the keyboard map on or off; with `keys`, change it too. Side effects: none."""
    kept = (actor.shortcuts or {}).get("keys", {}) if keys is None else dict(keys)
    actor.shortcuts = {"on": on, "keys": kept}
    actor.save(update_fields=["shortcuts"])
