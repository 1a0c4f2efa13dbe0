"""Which decisions a person may read. Sealed ones of others are left out here, not in templates."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from portfolios.enums import SubmissionState

if TYPE_CHECKING:
    from accounts.models import User


class DecisionQuerySet(models.QuerySet[Any]):
    """Assessment decisions."""

    def final(self) -> Self:
        """Decisions that count or counted, newest last."""
        return self.filter(final_at__isnull=False).order_by("submission_id", "number")

    def written_by(self, user: "User") -> Self:
        """The person's own."""
        return self.filter(author=user)

    def shown_to_learner(self, user: "User") -> Self:
        """Final decisions on the learner's own released work."""
        return self.filter(
            Q(final_at__isnull=False),
            submission__learner=user,
            submission__state__in=[
                SubmissionState.RELEASED,
                SubmissionState.UNDER_RECONSIDERATION,
            ],
        )
