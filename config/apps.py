"""The project's own app: wiring, health, supervisor, checks."""

from django.apps import AppConfig, apps


class ConfigConfig(AppConfig):
    """Holds no models."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401  registers the system checks
        from config.nudges import wake_the_relay
        from workflows.outbox import on_nudge

        on_nudge(wake_the_relay)
        if apps.is_installed("anymail"):
            from anymail.signals import tracking

            from config.mail_events import take_in

            tracking.connect(take_in, dispatch_uid="moderato")
