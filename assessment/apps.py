"""App configuration."""

from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    """Registers guards, rules and handlers when Django starts."""

    name = "assessment"

    def ready(self) -> None:
        """Import the modules that register something."""
        from assessment import guards, handlers, rules  # noqa: F401
