"""App configuration."""

from django.apps import AppConfig


class ModerationConfig(AppConfig):
    """Registers guards, rules and handlers when Django starts."""

    name = "moderation"
