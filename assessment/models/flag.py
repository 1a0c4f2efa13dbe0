"""What an assessor puts aside for later."""

from django.db import models
from django.utils import timezone

from accounts.models import User
from portfolios.models import Submission


class WorkFlag(models.Model):
    """A person's own mark on a work, or with a number on one piece of its evidence. Nobody else sees it.

    It decides nothing and goes when it is taken off.
    """

    person = models.ForeignKey(User, models.CASCADE, related_name="work_flags")
    submission = models.ForeignKey(Submission, models.CASCADE, related_name="flags")
    number = models.PositiveSmallIntegerField(default=0)
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["submission", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "submission", "number"], name="assessment_flag_once"
            )
        ]

    def __str__(self) -> str:
        return f"Flag on evidence {self.number}" if self.number else "Flag on the work"
