"""App configuration."""

from django.apps import AppConfig


class AwardsConfig(AppConfig):
    """Registers guards, rules and handlers when Django starts."""

    name = "awards"
