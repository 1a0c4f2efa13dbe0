"""App configuration."""

from importlib import import_module

from django.apps import AppConfig


class AwardsConfig(AppConfig):
    """Registers guards, rules and handlers when Django starts."""

    name = "awards"

    def ready(self) -> None:
        for module in ("guards", "rules", "transitions", "handlers"):
            import_module(f"awards.{module}")
