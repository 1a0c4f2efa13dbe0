"""`manage.py dispatch`: what worker and beat do, in one process and without a broker."""

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, close_old_connections

from workflows import actions, outbox
from workflows.actions.digests import send_digests
from workflows.actions.reconciling import reconcile_nightly
from workflows.definitions import rounds, until_none

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Safe to run beside worker and beat: every row is claimed. A part that fails holds up no other."""

    help = "Does what worker and beat do: events, reminders, mails, webhooks, evidence, releases, audit root."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on until stopped")
        parser.add_argument("--every", type=float, default=5.0, help="seconds between rounds")

    def handle(self, *args: Any, **options: Any) -> None:
        """One round; with --loop one after the other until a signal, after which the round is finished."""
        if not options["loop"]:
            if failed := self.round():
                raise CommandError(f"Failed: {', '.join(failed)}.")
            return
        stop = threading.Event()
        asked = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, lambda *_args: stop.set()) for number in asked}
        try:
            while not stop.is_set():
                self.round()
                close_old_connections()
                stop.wait(options["every"])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        self.stdout.write("Stopped.")

    def round(self) -> list[str]:
        """Do everything once, say what was done, and name the parts that failed."""
        parts: dict[str, Callable[[], Any]] = {
            "reminders": actions.sweep_due,
            **rounds,  # before the events, so that what they bring about is told at once
            "events": until_none(outbox.relay),
            "digests": send_digests,
            "mails": outbox.deliver,
            "webhooks": outbox.deliver_outside,
            "root": actions.sign_root,
            "reconciler": reconcile_nightly,
            "sign of life": lambda: outbox.beat("dispatch"),
        }
        done: dict[str, Any] = {}
        failed = []
        for part, run in parts.items():
            try:
                done[part] = run()
            except (OperationalError, InterfaceError):
                # The database is away: nothing else can be done until the next round.
                log.exception("dispatch.no_database", part=part)
                failed.append(part)
                break
            except Exception:  # whatever it is, the others go on; the next round tries again
                log.exception("dispatch.part_failed", part=part)
                failed.append(part)
        counted = [done.get(part, 0) for part in ("events", "reminders", "mails")]
        self.stdout.write(
            "{} events handled, {} reminders, {} mails sent".format(*counted)
            + (f", root {root.number} signed" if (root := done.get("root")) else "")
            + (f"; failed: {', '.join(failed)}" if failed else "")
        )
        return failed
