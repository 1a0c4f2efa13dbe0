"""App configuration."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class WorkflowsConfig(AppConfig):
    """Opens the door, and puts the triggers back after every migrate."""

    name = "workflows"

    def ready(self) -> None:
        """Import the modules that register something."""
        from django.utils.module_loading import autodiscover_modules

        from workflows import checks, notifications, transitions  # noqa: F401

        # Guards, rules, births and handlers of every app, so that none depends on who imports what.
        autodiscover_modules("guards", "rules", "transitions", "handlers")

        post_migrate.connect(install_triggers, sender=self)


def install_triggers(sender: Any, using: str = "default", **kwargs: Any) -> None:
    """Tells about migrations, not about models: a table rebuilt on SQLite loses its triggers silently."""
    from django.db import connections

    from workflows import triggers

    triggers.install(connections[using])
