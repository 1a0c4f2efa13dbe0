"""An assessor, or after release the learner, asks somebody senior to read the feedback of a decision."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import User
from assessment.models.decision import AssessmentDecision
from assessment.querysets import ReviewQuerySet
from portfolios.models import Submission


class FeedbackReview(models.Model):
    """One request, whoever takes it, and the answer. Kept for good from the answer on.

    Whoever takes it reads that one decision of the asker, draft or sealed, and no other; it is advice, and
    changes nothing by itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="feedback_reviews")
    decision = models.ForeignKey(AssessmentDecision, models.PROTECT, related_name="reviews")
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    question = models.TextField()
    asked_at = models.DateTimeField(default=timezone.now)
    taken_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["decision"],
                condition=models.Q(answered_at__isnull=True),
                name="assessment_one_open_review_of_a_decision",
            )
        ]

    def __str__(self) -> str:
        return f"Feedback review of {self.decision}"

    @property
    def is_by_learner(self) -> bool:
        """Asked by whose work it is, after release."""
        return self.asked_by_id == self.submission.learner_id

    @property
    def purpose(self) -> str:
        """For the record of an opening."""
        return f"Feedback read for its {'learner' if self.is_by_learner else 'assessor'}"

    @property
    def asker(self) -> str:
        """Who asked; a learner whose name is kept from those who mark stays a code."""
        if self.is_by_learner and self.submission.hides("learner"):
            return str(self.submission.pseudonym)
        return str(self.asked_by.name)
