"""Thin tasks without arguments: each says "look now". Losing or doubling one is harmless."""

from celery import shared_task

from workflows import actions, outbox


@shared_task(ignore_result=True)
def relay_outbox() -> None:
    """Call the handlers of what happened."""
    while outbox.relay():
        pass
    outbox.beat("relay")


@shared_task(ignore_result=True)
def send_notification_emails() -> None:
    """Send the mails that are due."""
    outbox.deliver()
    outbox.beat("mail")


@shared_task(ignore_result=True)
def sweep_reminders() -> None:
    """Send out the reminders whose moment has come."""
    actions.sweep_due()
    outbox.beat("reminders")


@shared_task(ignore_result=True)
def sign_audit_root() -> None:
    """Fold what moved into a signed root."""
    actions.sign_root()
    outbox.beat("roots")


@shared_task(ignore_result=True)
def heartbeat() -> None:
    """Show that beat and worker are alive."""
    outbox.beat("beat")
