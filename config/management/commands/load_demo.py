"""Load the demonstration, once."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import demo


class Command(BaseCommand):
    """`manage.py load_demo`: accounts with a password that everybody knows, so only where DEBUG is on."""

    help = "Load demonstration data (once) and print the accounts."

    # Warnings of the checks would stand among the accounts, which are shown at each start.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Load where nothing is loaded; print who can sign in in any case."""
        if not settings.DEBUG:
            raise CommandError("Demonstration accounts have a public password: only with DEBUG=1.")
        demo.load()
        accounts = demo.demo_accounts()
        width = max(len(address) for address, _name, _part in accounts)
        self.stdout.write(f"Demonstration accounts, all with the password: {demo.PASSWORD}")
        for address, name, part in accounts:
            self.stdout.write(f"  {address:{width}}  {part}: {name}")
