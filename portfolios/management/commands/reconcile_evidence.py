"""`manage.py reconcile_evidence`: are all bytes there, and as they were?"""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from portfolios.actions.reconciling import reconcile_evidence


class Command(BaseCommand):
    """Ends with 0 when everything fits, with 1 when something does not."""

    help = "Reads and hashes all evidence in the store: missing, altered, and orphaned files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        check = reconcile_evidence()
        findings = [
            {"problem": one.problem, "key": one.key, "says": one.says}
            for one in check.findings.all()
        ]
        if options["json"]:
            facts = {"ok": not findings, "files": check.looked_at, "bytes": check.bytes}
            self.stdout.write(json.dumps({**facts, "findings": findings}, indent=2))
        else:
            for one in findings:
                self.stdout.write(f"{one['problem']}: {one['key']}: {one['says']}")
            verdict = f"{len(findings)} things do not fit" if findings else "Everything fits"
            self.stdout.write(f"{verdict} ({check.looked_at} files, {check.bytes} bytes).")
        if findings:
            sys.exit(1)
