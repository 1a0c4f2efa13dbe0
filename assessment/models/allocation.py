"""Who marks what, and who has it open right now."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import User
from assessment.enums import AllocationRole
from assessment.querysets import AllocationQuerySet
from portfolios.models import Submission


class Allocation(models.Model):
    """A person is asked to mark a submission. Ended rows are kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="allocations")
    assessor = models.ForeignKey(User, models.PROTECT, related_name="allocations")
    role = models.CharField(max_length=30, choices=AllocationRole, default=AllocationRole.ASSESSOR)
    due_at = models.DateTimeField(null=True, blank=True)
    allocated_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    allocated_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    objects = AllocationQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "allocated_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "role"],
                condition=models.Q(ended_at__isnull=True),
                name="assessment_one_live_allocation_of_a_role",
            ),
            models.UniqueConstraint(
                fields=["submission", "assessor"],
                condition=models.Q(ended_at__isnull=True),
                name="assessment_one_live_allocation_of_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.assessor}: {self.get_role_display()} of {self.submission}"


class Lease(models.Model):
    """Who has a submission's workspace open. Decides who may start, not whose write counts."""

    submission = models.OneToOneField(Submission, models.PROTECT, related_name="lease")
    holder = models.ForeignKey(User, models.PROTECT, related_name="leases")
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.submission} open with {self.holder}"

    @property
    def is_live(self) -> bool:
        return self.until > timezone.now()
