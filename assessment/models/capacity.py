"""What sharing out goes by: how much assessors take and how long work takes, leave, groups and pins."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import User
from catalogue.models import AssessmentTask, Delivery


class Capacity(models.Model):
    """How much of a delivery's work somebody takes, beside the others, and at most. Without a row: one share."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="capacities")
    assessor = models.ForeignKey(User, models.PROTECT, related_name="capacities")
    shares = models.PositiveSmallIntegerField(default=1)
    """How much of the work, when it is allocated by share. 0 takes none."""
    hours = models.PositiveSmallIntegerField(null=True, blank=True)
    """Most hours of marking that may wait for the person at once, in all deliveries; null is no limit."""
    set_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "assessor"], name="assessment_capacity_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.assessor}: {self.shares} in {self.delivery}"


class MarkingTime(models.Model):
    """How long marking one submission of a task takes in a delivery. Without a row the policy says it for all."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="marking_times")
    task = models.ForeignKey(AssessmentTask, models.CASCADE, related_name="marking_times")
    minutes = models.PositiveSmallIntegerField()
    set_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "task"], name="assessment_marking_time_once"
            ),
            models.CheckConstraint(
                condition=models.Q(minutes__gte=1), name="assessment_marking_time_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task}: {self.minutes} minutes in {self.delivery}"


class LearnerGroup(models.Model):
    """Which group of a delivery's own choosing a learner is in, so that one person can mark all of it."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="learner_groups")
    learner = models.ForeignKey(User, models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    set_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "learner"], name="assessment_one_group_of_a_learner"
            )
        ]

    def __str__(self) -> str:
        return f"{self.learner} in {self.name}"


class Leave(models.Model):
    """Days on which somebody marks nothing, in whatever delivery. Both days are part of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(User, models.PROTECT, related_name="leaves")
    first_day = models.DateField()
    last_day = models.DateField()
    entered_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    """Set where the leave was taken back."""

    class Meta:
        ordering = ["first_day", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(first_day__lte=models.F("last_day")),
                name="assessment_leave_in_order",
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} away until {self.last_day}"


class Pin(models.Model):
    """All work of this learner in this delivery goes to this assessor, where nothing stands against it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="pins")
    learner = models.ForeignKey(User, models.PROTECT, related_name="+")
    assessor = models.ForeignKey(User, models.PROTECT, related_name="pins")
    pinned_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    pinned_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "learner"],
                condition=models.Q(ended_at__isnull=True),
                name="assessment_one_live_pin_of_a_learner",
            )
        ]

    def __str__(self) -> str:
        return f"{self.learner} to {self.assessor}"
