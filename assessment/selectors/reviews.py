"""Reads of the requests that somebody senior reads the feedback of a decision."""

from accounts.models import User
from assessment.models import FeedbackReview
from portfolios.models import Submission


def own_reviews(submission: Submission, user: User) -> list[FeedbackReview]:
    """What the person asked about their decisions on it, newest first."""
    rows = FeedbackReview.objects.filter(submission=submission, asked_by=user)
    return list(rows.select_related("taken_by", "decision"))


def waiting_reviews(user: User) -> list[FeedbackReview]:
    """Open requests that the person may take or has taken, oldest first."""
    rows = FeedbackReview.objects.visible_to(user).open()
    found = rows.exclude(taken_by__isnull=False) | rows.filter(taken_by=user)
    related = found.select_related(
        "submission__task", "submission__delivery__version", "submission__learner", "asked_by"
    )
    return list(related.order_by("asked_at"))
