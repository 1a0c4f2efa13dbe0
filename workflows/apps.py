"""App configuration."""

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    """Registers guards, rules and handlers when Django starts."""

    name = "workflows"
