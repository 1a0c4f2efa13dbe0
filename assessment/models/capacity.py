"""How much an assessor takes on in a delivery, when they are away, and whose work is always theirs."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import User
from catalogue.models import Delivery


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
