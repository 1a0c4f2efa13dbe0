"""What wakes the relay after a commit, so that a notice does not wait for the next poll."""

import time

import structlog
from django.conf import settings
from kombu.exceptions import OperationalError

from workflows.tasks import relay_outbox, send_soon

SECONDS_BETWEEN = 1.0
last = {"nudge": float("-inf")}
log = structlog.get_logger(__name__)


def wake_the_relay() -> None:
    """Ask the worker to look now, at most once a second from one process.

    What a nudge left out, or a broker that cannot be reached, costs one poll interval and no request.
    """
    now = time.monotonic()
    if not settings.NUDGE_RELAY or now - last["nudge"] < SECONDS_BETWEEN:
        return
    last["nudge"] = now
    try:
        send_soon(relay_outbox, expires=15, queue="notify")
    except (OperationalError, OSError) as error:
        log.warning("relay_not_woken", reason=type(error).__name__)
