"""Load the demonstration, once."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import demo


class Command(BaseCommand):
    """`manage.py load_demo`: accounts with a password that everybody knows, so never in production."""

    help = "Load demonstration data (once) and print the accounts."

    # Warnings of the checks would stand among the accounts, which are shown at each start.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accounts-file", default="", help="also write the accounts there")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load where nothing is loaded; print who can sign in in any case."""
        if not settings.DEMO_ALLOWED:
            raise CommandError(
                "Demonstration accounts have a public password: never in production."
            )
        demo.load()
        accounts = demo.demo_accounts()
        width = max(len(address) for address, _name, _part in accounts)
        lines = [f"Demonstration accounts, all with the password: {demo.PASSWORD}"]
        lines += [f"  {address:{width}}  {part}: {name}" for address, name, part in accounts]
        self.stdout.write("\n".join(lines))
        if options["accounts_file"]:
            Path(options["accounts_file"]).write_text("\n".join(lines) + "\n", encoding="utf-8")
