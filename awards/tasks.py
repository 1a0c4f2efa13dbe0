"""What the clock asks for."""

from celery import shared_task

from awards.actions import release


@shared_task
def release_due() -> int:
    """Carry out every release whose time has come."""
    return release.release_due()
