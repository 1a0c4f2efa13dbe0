"""Background work. Tasks carry no facts: they look for what waits."""

from celery import shared_task

from portfolios.actions.attestation import expire_attestations as expire
from portfolios.actions.scanning import scan_waiting_evidence


@shared_task
def scan_evidence() -> int:
    """Check evidence until nothing waits; another worker may do the same at the same time."""
    total = 0
    while decided := scan_waiting_evidence():
        total += decided
    return total


@shared_task
def expire_attestations() -> int:
    """End requests to verifiers whose link is over."""
    return expire()
