"""What the clock asks for."""

from celery import shared_task

from moderation.actions import keep_severities as keep


@shared_task(ignore_result=True)
def keep_severities() -> None:
    """Compute the severities that closed rounds have put out of date."""
    keep()
