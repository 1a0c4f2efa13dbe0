"""App configuration."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class AssessmentConfig(AppConfig):
    """Registers guards, rules and handlers; puts the triggers in place after every migrate."""

    name = "assessment"

    def ready(self) -> None:
        """Import the modules that register something."""
        from assessment import guards, handlers, rules  # noqa: F401

        post_migrate.connect(install_triggers, sender=self, dispatch_uid="assessment.triggers")


def install_triggers(using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate: a table that SQLite rebuilt has lost its triggers."""
    from assessment import triggers

    triggers.install(connections[using])
