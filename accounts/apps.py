"""App configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers guards, rules and handlers when Django starts."""

    name = "accounts"
