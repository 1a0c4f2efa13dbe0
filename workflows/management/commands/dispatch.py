"""`manage.py dispatch`: what worker and beat do, in one process and without a broker."""

import time
from argparse import ArgumentParser
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import close_old_connections

from workflows import actions, outbox
from workflows.actions.digests import send_digests
from workflows.actions.reconciling import reconcile_nightly
from workflows.definitions import rounds

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Safe to run beside worker and beat: every row is claimed."""

    help = "Handles what happened, sends due reminders and mails, and signs the audit root."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on until stopped")
        parser.add_argument("--every", type=float, default=5.0, help="seconds between rounds")

    def handle(self, *args: Any, **options: Any) -> None:
        while True:
            try:
                self.stdout.write(one_round())
            except Exception:
                if not options["loop"]:
                    raise
                # The database was away, or something else that the next round may find mended.
                log.exception("dispatch.round_failed")
            if not options["loop"]:
                return
            close_old_connections()
            time.sleep(options["every"])


def one_round() -> str:
    """Everything that is due, once; what was done, in words."""
    reminded = actions.sweep_due()
    handled = 0
    while done := outbox.relay():
        handled += done
    send_digests()
    sent = outbox.deliver()
    outbox.deliver_outside()
    root = actions.sign_root()
    reconcile_nightly()
    for run in rounds.values():
        run()
    outbox.beat("dispatch")
    return f"{handled} events handled, {reminded} reminders, {sent} mails sent" + (
        f", root {root.number} signed" if root else ""
    )
