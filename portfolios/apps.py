"""App configuration."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class PortfoliosConfig(AppConfig):
    """Registers guards, rules and handlers; puts the triggers in place after every migrate."""

    name = "portfolios"

    def ready(self) -> None:
        """Births and handlers register on import."""
        from portfolios import handlers, transitions  # noqa: F401
        from portfolios.actions import schedules  # noqa: F401  moves with the delivery's dates

        post_migrate.connect(install_triggers, sender=self, dispatch_uid="portfolios.triggers")


def install_triggers(using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate: a table that SQLite rebuilt has lost its triggers."""
    from portfolios import triggers

    triggers.install(connections[using])
