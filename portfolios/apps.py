"""App configuration."""

from django.apps import AppConfig


class PortfoliosConfig(AppConfig):
    """Registers guards, rules and handlers when Django starts."""

    name = "portfolios"

    def ready(self) -> None:
        """Births and handlers register on import; the scanner is woken by a task without arguments."""
        from portfolios import handlers, transitions  # noqa: F401
        from portfolios.actions import schedules  # noqa: F401  moves with the delivery's dates
        from portfolios.actions.scanning import on_waiting
        from portfolios.tasks import wake_scanner

        on_waiting(wake_scanner)
