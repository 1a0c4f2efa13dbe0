"""`manage.py verify_submission PF-2026-7K3QXP`: is a submission still what was submitted?"""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portfolios.actions.reconciling import verify_submission
from portfolios.models import Submission


class Command(BaseCommand):
    """Ends with 0 when everything fits, with 1 when something does not."""

    help = (
        "Hashes bytes, words and manifest of a submission again and holds them against its record."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("reference", help="the reference of the receipt")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = Submission.objects.filter(reference=options["reference"].upper()).first()
        if found is None:
            raise CommandError(f"There is no submission {options['reference']}.")
        misfits = verify_submission(found)
        if options["json"]:
            facts = {
                "ok": not misfits,
                "reference": found.reference,
                "fingerprint": found.fingerprint,
                "misfits": [{"part": one.part, "says": one.says} for one in misfits],
            }
            self.stdout.write(json.dumps(facts, indent=2))
        else:
            for one in misfits:
                self.stdout.write(f"{one.part}: {one.says}")
            verdict = f"{len(misfits)} things do not fit" if misfits else "Everything fits"
            self.stdout.write(f"{found.reference} {found.fingerprint}. {verdict}.")
        if misfits:
            sys.exit(1)
