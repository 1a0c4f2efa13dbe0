"""The project's own app: wiring, health, supervisor, checks."""

from django.apps import AppConfig, apps


class ConfigConfig(AppConfig):
    """Holds no models."""

    name = "config"

    def ready(self) -> None:
        from config import (
            celery,  # noqa: F401  the application that tasks belong to
            checks,  # noqa: F401  registers the system checks
        )
        from config.nudges import wake_the_relay
        from portfolios.actions.scanning import on_waiting
        from portfolios.tasks import wake_scanner
        from workflows.outbox import on_nudge

        on_nudge(wake_the_relay)
        on_waiting(wake_scanner)
        if apps.is_installed("anymail"):
            from anymail.signals import tracking

            from config.mail_events import take_in

            tracking.connect(take_in, dispatch_uid="moderato")


class UploadsConfig(AppConfig):
    """The same for the process that takes uploads in, which wakes nobody: what it stored waits in the database."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401  registers the system checks
