"""App configuration."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class CatalogueConfig(AppConfig):
    """Registers handlers; puts the triggers in place after every migrate: SQLite loses them otherwise."""

    name = "catalogue"

    def ready(self) -> None:
        from catalogue import handlers  # noqa: F401  registers itself

        post_migrate.connect(install_triggers, sender=self, dispatch_uid="catalogue.triggers")


def install_triggers(using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate."""
    from catalogue import triggers

    triggers.install(connections[using])
