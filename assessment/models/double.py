"""How often the submissions of a task are read, and which of them were drawn to be read twice."""

from typing import Any

from django.db import models
from django.utils import timezone

from accounts.models import User
from assessment.enums import Reading
from catalogue.models import AssessmentTask, Delivery
from portfolios.models import Submission


class ReadingPlan(models.Model):
    """What a delivery asks of one task. Without a row the policy `marking.double` says it for all tasks.

    Fixed from the first submission of the task on, so that nobody chooses it by what was handed in.
    """

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="reading_plans")
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="reading_plans")
    reading = models.CharField(max_length=20, choices=Reading)
    percent = models.PositiveSmallIntegerField(default=100)
    """Of the submissions, how many in a hundred are read twice on average; only for Reading.SHARE."""
    seed = models.CharField(max_length=64)
    set_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "task"], name="assessment_reading_plan_once"
            ),
            models.CheckConstraint(
                condition=models.Q(percent__lte=100), name="assessment_reading_percent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reading_display()}: {self.task}"


class ReadingDraw(models.Model):
    """That a submission was drawn, or not, before anybody marked it. Only ever added.

    `value` follows from seed and submission (assessment.hashing.chance_of), so that anybody can draw again.
    """

    submission = models.OneToOneField(Submission, models.PROTECT, related_name="reading_draw")
    seed = models.CharField(max_length=64)
    percent = models.PositiveSmallIntegerField()
    value = models.FloatField()
    is_double = models.BooleanField()
    drawn_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.submission}: {'twice' if self.is_double else 'once'}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise ValueError("A draw is not changed.")
        super().save(*args, **kwargs)
