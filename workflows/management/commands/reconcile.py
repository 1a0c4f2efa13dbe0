"""`manage.py reconcile`: does everything exist that should, and nothing else?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows.actions.reconciling import reconcile


class Command(BaseCommand):
    """Ends with an error where there is a difference, so that a cron job or a pipeline sees it."""

    help = "Compares reminders, notices and events with what deadlines and records ask for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="look only, repair nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        run = reconcile(repair=not options["dry_run"])
        self.stdout.write(
            f"{run.deadlines} deadlines, {run.reminders} reminders, {run.events} events compared"
        )
        for words in run.findings:
            self.stdout.write(words)
        if run.missing or run.extra:
            raise CommandError(f"{run.missing} missing, {run.extra} too many")
