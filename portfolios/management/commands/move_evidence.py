"""`manage.py move_evidence --from local --to s3`: all evidence into another store, verified."""

import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portfolios.actions.reconciling import move_evidence
from portfolios.storage.stores import StoreNotSet, store_named


class Command(BaseCommand):
    """May be stopped and run again. Nothing is removed from the source; ends with 1 if anything is left."""

    help = "Copies all evidence from one store to the other and reads each copy back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = ["local", "s3"]
        parser.add_argument("--from", dest="source", choices=names, required=True)
        parser.add_argument("--to", dest="target", choices=names, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["source"] == options["target"]:
            raise CommandError("Name two different stores.")
        try:
            source, target = store_named(options["source"]), store_named(options["target"])
        except StoreNotSet as error:
            raise CommandError(str(error)) from error
        counted: Counter[str] = Counter()
        for key, became in move_evidence(source, target):
            counted[became if became in {"there", "moved"} else "failed"] += 1
            if became not in {"there", "moved"}:
                self.stdout.write(f"{key}: {became}")
        words = ", ".join(f"{counted[one]} {one}" for one in ("moved", "there", "failed"))
        self.stdout.write(f"{words}.")
        if counted["failed"]:
            sys.exit(1)
