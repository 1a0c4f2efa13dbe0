"""The project's own app: wiring, health, supervisor, checks."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Holds no models."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401  registers the system checks
        from config.nudges import wake_the_relay
        from workflows.outbox import on_nudge

        on_nudge(wake_the_relay)
