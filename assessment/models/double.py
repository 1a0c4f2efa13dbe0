"""How often the submissions of a task are read, which were drawn to be read twice, and what two who disagree say."""

import uuid
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.models import User
from assessment.enums import Conclusion, Reading, Stand
from assessment.models.decision import AssessmentDecision
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


class Discussion(models.Model):
    """That two assessors whose sealed decisions lie too far apart talk about them. Never changed once concluded.

    From its beginning on each may read the other's decision. Both decisions stay as they were sealed; `chosen`
    is the one that they agreed on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="discussions")
    first = models.ForeignKey(AssessmentDecision, models.PROTECT, related_name="+")
    second = models.ForeignKey(AssessmentDecision, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    chosen = models.ForeignKey(
        AssessmentDecision, models.PROTECT, null=True, blank=True, related_name="+"
    )
    conclusion = models.CharField(max_length=15, choices=Conclusion, blank=True)
    concluded_at = models.DateTimeField(null=True, blank=True)
    concluded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.TextField(blank=True)
    """Of somebody who allocates the work and ended it; what the assessors say stands in the entries."""

    class Meta:
        ordering = ["opened_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission"],
                condition=models.Q(concluded_at__isnull=True),
                name="assessment_one_open_discussion",
            ),
            models.CheckConstraint(
                condition=models.Q(concluded_at__isnull=True, conclusion="", chosen__isnull=True)
                | models.Q(
                    concluded_at__isnull=False,
                    conclusion=Conclusion.ADJUDICATION,
                    chosen__isnull=True,
                )
                | models.Q(
                    concluded_at__isnull=False, conclusion=Conclusion.AGREED, chosen__isnull=False
                ),
                name="assessment_discussion_concluded_in_one_way",
            ),
        ]

    def __str__(self) -> str:
        return f"Discussion of {self.submission}"

    def own(self, person: User) -> AssessmentDecision | None:
        """The person's own of the two decisions."""
        pair = (self.first, self.second)
        return next((one for one in pair if one.author_id == person.pk), None)

    def others(self, person: User) -> AssessmentDecision | None:
        """The decision of the other one; None for whoever wrote neither."""
        mine = self.own(person)
        if mine is None:
            return None
        return self.second if mine.pk == self.first_id else self.first


class DiscussionEntry(models.Model):
    """What one of the two thinks, and what they want. Only ever added."""

    discussion = models.ForeignKey(Discussion, models.PROTECT, related_name="entries")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    rationale = models.TextField()
    stand = models.CharField(max_length=15, choices=Stand)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(rationale=""), name="assessment_discussion_says_why"
            )
        ]

    def __str__(self) -> str:
        return f"{self.author}: {self.get_stand_display()}"
