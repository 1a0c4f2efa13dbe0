"""`manage.py verify_audit`: does the history still say what it said?"""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from workflows.hashing import key_id, public_bytes, signing_key
from workflows.selectors import verify


class Command(BaseCommand):
    """Ends with 0 when everything fits, with 1 when something does not."""

    help = "Walks every chain of transition records and names the first record that does not fit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.add_argument(
            "--key",
            action="append",
            default=[],
            help="id of a key that may sign roots (default: this site's)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        keys = frozenset(options["key"]) or frozenset({key_id(public_bytes(signing_key()))})
        with transaction.atomic():
            findings, counts = verify(keys)
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {
                        "ok": not findings,
                        "counts": counts,
                        "findings": [one.as_dict() for one in findings],
                    },
                    indent=2,
                )
            )
        else:
            for one in findings:
                self.stdout.write(
                    f"{one.part}: {one.subject_type} {one.subject_id} record {one.seq}: {one.says}"
                )
            looked = ", ".join(f"{number} {name}" for name, number in counts.items())
            verdict = f"{len(findings)} things do not fit" if findings else "Everything fits"
            self.stdout.write(f"{verdict} ({looked}).")
        if findings:
            sys.exit(1)
