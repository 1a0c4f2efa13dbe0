"""Background work. Tasks carry no facts: they look for what waits."""

from typing import Any

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from portfolios.actions.attestation import expire_attestations as expire
from portfolios.actions.attestation import remind_verifiers as remind
from portfolios.actions.keeping import keep_links as keep_due
from portfolios.actions.reconciling import reconcile_evidence
from portfolios.actions.rendering import count_again
from portfolios.actions.rendering import make_renditions as make_waiting
from portfolios.actions.scanning import copy_missing, scan_waiting_evidence
from portfolios.actions.schedules import begin_missing_portfolios as begin_missing
from portfolios.actions.submission import submit_at_cut_off as submit_waiting
from portfolios.actions.uploading import tend_uploads as tend
from workflows.definitions import until_none
from workflows.tasks import send_soon


@shared_task
def scan_evidence() -> int:
    """Check evidence until nothing waits; another worker may do the same at the same time."""
    total = until_none(scan_waiting_evidence)()
    if total:
        wake(make_renditions)
    return total + copy_missing()


@shared_task
def make_renditions() -> int:
    """Draw pages and poster frames, read out text, until nothing waits."""
    return until_none(make_waiting)()


@shared_task
def keep_links() -> int:
    """Fetch and keep the pages that learners link to, until nothing is due."""
    return until_none(keep_due)()


@shared_task
def tend_uploads() -> int:
    """Finish uploads whose process died at the end, end those whose time is over."""
    return tend()


@shared_task(time_limit=6 * 3600, soft_time_limit=6 * 3600 - 60)
def reconcile() -> int:
    """Hold all stored bytes against the rows; the findings are in the metrics and in /readyz.

    Before that, documents that were drawn by an earlier version are put in line to be drawn again.
    """
    if count_again():
        wake(make_renditions)
    return reconcile_evidence().findings.count()


@shared_task
def expire_attestations() -> int:
    """End requests to verifiers whose link is over."""
    return expire()


@shared_task
def remind_verifiers() -> int:
    """Remind verifiers who have not answered."""
    return remind()


@shared_task
def submit_at_cut_off() -> int:
    """Submit what learners asked to have submitted when the task closes."""
    return submit_waiting()


@shared_task
def begin_missing_portfolios() -> int:
    """Begin portfolios that current learners of open deliveries lack."""
    return begin_missing()


def wake_scanner() -> None:
    """Ask a worker to look now. Without a broker the next beat does; nothing is lost."""
    wake(scan_evidence)


def wake(task: Any) -> None:
    """Have a task run soon, as far as there is a broker that takes it."""
    if not settings.WAKE_WORKERS:
        return
    try:
        send_soon(task, expires=60)
    except OperationalError:
        return
