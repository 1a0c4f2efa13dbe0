"""Keeping the severities of each task up to date, away from any request."""

from moderation import selectors
from moderation.models import SeverityFigures


def keep_severities() -> int:
    """Compute anew what closed rounds have put out of date, and say for how many tasks. Twice is once.

    Takes no lock: two workers compute the same from the same rounds.
    """
    tasks = list(selectors.tasks_out_of_date())
    for task in tasks:
        SeverityFigures.objects.update_or_create(
            task=task,
            defaults={
                "rounds": task.closed,
                "until": task.until,
                "figures": selectors.severity_of(task),
            },
        )
    return len(tasks)
