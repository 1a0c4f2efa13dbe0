"""App configuration."""

from django.apps import AppConfig


class PortfoliosConfig(AppConfig):
    """Registers guards, rules and handlers when Django starts."""

    name = "portfolios"
