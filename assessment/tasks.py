"""What the clock asks for."""

from celery import shared_task

from assessment.actions.seeding import place_seeds as place


@shared_task(ignore_result=True)
def place_seeds() -> int:
    """Hide the agreed work that is due among what assessors mark."""
    return place()
