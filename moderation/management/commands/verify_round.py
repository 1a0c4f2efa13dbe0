"""`manage.py verify_round FILE`: is this record what was signed, and does it say what it must?"""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from moderation.verification import verify


class Command(BaseCommand):
    """Works offline, without a database. Ends with 0 when everything fits, with 1 when something does not."""

    help = "Checks a moderation record and names the first thing that does not fit."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the record as JSON, - for standard input")
        parser.add_argument("--key", default="", help="id of the key that must have signed")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["file"]
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
            record = json.loads(text)
        except (OSError, ValueError) as error:
            raise CommandError(f"{name} cannot be read: {error}") from error
        finding = verify(record, options["key"])
        signed_by = "" if finding else record["signature"]["key_id"]
        if options["json"]:
            said = {
                "ok": finding is None,
                "signed_by": signed_by,
                "part": finding.part if finding else "",
                "finding": finding.says if finding else "",
            }
            self.stdout.write(json.dumps(said, indent=2, ensure_ascii=False))
        elif finding:
            self.stdout.write(f"{finding.part}: {finding.says}.")
        else:
            self.stdout.write(
                f"Everything fits. Signed by the key {signed_by}; compare it with the one that the "
                "provider publishes."
            )
        if finding:
            sys.exit(1)
