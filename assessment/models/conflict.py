"""That a conflict of interest is set aside for one person and one learner, by two people."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.enums import ConflictGround
from accounts.models import User
from assessment.querysets import ConflictWaiverQuerySet
from catalogue.models import Delivery


class ConflictWaiver(models.Model):
    """One administrator says why, another signs; only then it counts. An ended one is never changed.

    Holds for one ground between one person and one learner in one delivery, whatever the attempt.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="conflict_waivers")
    person = models.ForeignKey(User, models.PROTECT, related_name="conflict_waivers")
    learner = models.ForeignKey(User, models.PROTECT, related_name="+")
    ground = models.CharField(max_length=20, choices=ConflictGround)
    reason = models.TextField()
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    signed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    signed_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ConflictWaiverQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "person", "learner", "ground"],
                condition=models.Q(ended_at__isnull=True),
                name="assessment_one_live_conflict_waiver",
            ),
            models.CheckConstraint(
                condition=~models.Q(reason=""), name="assessment_conflict_waiver_says_why"
            ),
            models.CheckConstraint(
                condition=models.Q(signed_by__isnull=True)
                | ~models.Q(signed_by=models.F("asked_by")),
                name="assessment_conflict_waiver_of_two",
            ),
            models.CheckConstraint(
                condition=~models.Q(person=models.F("asked_by"))
                & (models.Q(signed_by__isnull=True) | ~models.Q(person=models.F("signed_by"))),
                name="assessment_conflict_waiver_of_others",
            ),
            models.CheckConstraint(
                condition=~models.Q(ground=ConflictGround.OWN)
                & ~models.Q(person=models.F("learner")),
                name="assessment_own_work_is_never_waived",
            ),
            models.CheckConstraint(
                condition=models.Q(signed_by__isnull=True, signed_at__isnull=True)
                | models.Q(signed_by__isnull=False, signed_at__isnull=False),
                name="assessment_conflict_waiver_signed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} and {self.learner}: {self.get_ground_display()}"

    @property
    def is_signed(self) -> bool:
        return self.signed_at is not None
