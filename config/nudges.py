"""What wakes the relay after a commit, so that a notice does not wait for the next poll."""

import structlog
from django.conf import settings
from kombu.exceptions import OperationalError

from config.celery import app

log = structlog.get_logger(__name__)


def wake_the_relay() -> None:
    """Ask the worker to look now. A broker that cannot be reached costs one poll interval, no request."""
    if not settings.NUDGE_RELAY:
        return
    try:
        app.send_task("workflows.tasks.relay_outbox", queue="notify", expires=15, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("relay_not_woken", reason=type(error).__name__)
