"""Thin tasks without arguments: each says "look now". Losing or doubling one is harmless."""

import time
from typing import Any

from celery import shared_task

from workflows import actions, outbox
from workflows.actions.digests import send_digests as write_digests
from workflows.actions.reconciling import reconcile_nightly

MAIL_SECONDS = 5.0  # as often as beat asks: one worker process sends, the others stay free


def send_soon(task: Any, *, expires: int, **options: Any) -> None:
    """Ask for a task from within a request: one try, and OperationalError where the broker is away.

    Celery's own connection goes on trying a broker that refuses for six seconds, while somebody waits.
    """
    once = {"max_retries": 0, "socket_connect_timeout": 1}
    transport = {**task.app.conf.broker_transport_options, **once}
    with task.app.connection_for_write(transport_options=transport) as broker:
        task.apply_async(expires=expires, retry=False, connection=broker, **options)


@shared_task(ignore_result=True)
def relay_outbox() -> None:
    """Call the handlers of what happened."""
    while outbox.relay():
        pass
    outbox.beat("relay")


@shared_task(ignore_result=True)
def send_notification_emails() -> None:
    """Send the mails that are due until none is, or the next beat goes on.

    A thousand results are a thousand mails: a batch at each beat would take minutes.
    """
    end = time.monotonic() + MAIL_SECONDS
    while outbox.deliver() and time.monotonic() < end:
        pass
    outbox.beat("mail")


@shared_task(ignore_result=True)
def call_webhooks() -> None:
    """Tell organisations' own systems; apart from the mails, so that a slow receiver delays none."""
    end = time.monotonic() + MAIL_SECONDS
    while outbox.deliver_outside() and time.monotonic() < end:
        pass
    outbox.beat("webhooks")


@shared_task(ignore_result=True)
def sweep_reminders() -> None:
    """Send out the reminders whose moment has come."""
    actions.sweep_due()
    outbox.beat("reminders")


@shared_task(ignore_result=True)
def send_digests() -> None:
    """Write the digests whose moment has come."""
    write_digests()
    outbox.beat("digests")


@shared_task(ignore_result=True)
def reconcile() -> None:
    """Once a night: does everything exist that should?"""
    reconcile_nightly()


@shared_task(ignore_result=True)
def sign_audit_root() -> None:
    """Fold what moved into a signed root."""
    actions.sign_root()
    outbox.beat("roots")


@shared_task(ignore_result=True)
def heartbeat() -> None:
    """Show that a worker is alive. Beat left its own sign when it asked for this."""
    outbox.beat("worker")
