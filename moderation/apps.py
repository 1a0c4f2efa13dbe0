"""App configuration."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class ModerationConfig(AppConfig):
    """Puts the triggers in place after every migrate; guards, rules and handlers register themselves."""

    name = "moderation"

    def ready(self) -> None:
        """After assessment, on whose results one of the triggers stands."""
        post_migrate.connect(install_triggers, sender=self, dispatch_uid="moderation.triggers")


def install_triggers(using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate: a table that SQLite rebuilt has lost its triggers."""
    from moderation import triggers

    triggers.install(connections[using])
