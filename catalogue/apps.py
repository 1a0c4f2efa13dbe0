"""App configuration."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    """Registers guards, rules and handlers when Django starts."""

    name = "catalogue"
