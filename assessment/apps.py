"""App configuration."""

from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    """Registers guards, rules and handlers when Django starts."""

    name = "assessment"
