"""App configuration."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate

HISTORICAL = "__fake__"
"""The module that Django gives to models rendered from migrations."""


class WorkflowsConfig(AppConfig):
    """Opens the door, and puts the triggers back after every migrate."""

    name = "workflows"

    def ready(self) -> None:
        """Import the modules that register something."""
        from django.utils.module_loading import autodiscover_modules

        from workflows import checks, notifications, transitions  # noqa: F401

        # Guards, rules, births and handlers of every app, so that none depends on who imports what.
        autodiscover_modules("guards", "rules", "transitions", "handlers")

        pre_migrate.connect(drop_triggers, sender=self)
        post_migrate.connect(install_triggers, sender=self)
        spare_historical_models()


def drop_triggers(using: str, plan: list[Any], **kwargs: Any) -> None:
    """Receiver of pre_migrate: SQLite rebuilds no table that the trigger of another table names.

    Those of all apps go before anything is migrated; each app puts its own back afterwards.
    """
    connection = connections[using]
    if connection.vendor != "sqlite" or not plan:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {connection.ops.quote_name(name)}")


def spare_historical_models() -> None:
    """Keep the state fields of migrations' historical models from listening to every model made after them.

    django-fsm lets each state field look for transitions on each new class. Migrations make thousands of
    copies of models, which have no transitions; half of a migrate's time went into that.
    """
    from django_fsm import FSMFieldMixin

    collect: Any = FSMFieldMixin.contribute_to_class

    def contribute_to_class(self: Any, cls: Any, name: str, **kwargs: Any) -> None:
        if cls.__module__ == HISTORICAL:
            super(FSMFieldMixin, self).contribute_to_class(cls, name, **kwargs)
        else:
            collect(self, cls, name, **kwargs)

    FSMFieldMixin.contribute_to_class = contribute_to_class


def install_triggers(sender: Any, using: str = "default", **kwargs: Any) -> None:
    """Tells about migrations, not about models: a table rebuilt on SQLite loses its triggers silently."""
    from django.db import connections

    from workflows import triggers

    triggers.install(connections[using])
