"""Seeds: agreed work that is hidden among what somebody marks, to see how they mark now (domain 2.8)."""

import uuid

from django.db import models
from django.utils import timezone

from accounts import wording
from accounts.models import User
from assessment.enums import Telling
from assessment.models.exemplars import Exemplar
from assessment.querysets import SeedPlanQuerySet, SeedQuerySet
from catalogue.models import AssessmentTask, Delivery
from portfolios.models import Submission

MOST_PERCENT = 20


class SeedPlan(models.Model):
    """That a lead moderator lets agreed work be hidden among one task of a delivery, and how much of it.

    Without a running plan nothing is hidden. `percent` is of the live work that comes to an assessor while the
    plan runs. `chance` decides when, so that neither lead nor assessor can know it beforehand. A plan that
    ended is kept, and what it hid stays to be marked.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="seed_plans")
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="seed_plans")
    percent = models.PositiveSmallIntegerField()
    telling = models.CharField(max_length=10, choices=Telling, default=Telling.NEVER)
    chance = models.CharField(max_length=64)
    begun_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    begun_at = models.DateTimeField(default=timezone.now)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    told_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    told_at = models.DateTimeField(null=True, blank=True)

    objects = SeedPlanQuerySet.as_manager()

    class Meta:
        ordering = ["-begun_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "task"],
                condition=models.Q(ended_at__isnull=True),
                name="assessment_one_running_seed_plan",
            ),
            models.CheckConstraint(
                condition=models.Q(percent__gte=1, percent__lte=MOST_PERCENT),
                name="assessment_seed_percent",
            ),
            models.CheckConstraint(
                condition=models.Q(told_at__isnull=True) | models.Q(telling=Telling.AFTER),
                name="assessment_seeds_told_as_planned",
            ),
        ]

    def __str__(self) -> str:
        return f"{wording.percent(self.percent / 100)} of {self.task} in {self.delivery}"

    @property
    def is_running(self) -> bool:
        return self.ended_at is None


class Seed(models.Model):
    """One exemplar as a piece of work of one assessor. Never changed; what was decided stands in its submission.

    The submission lies in a delivery of its own (`Delivery.seeds_for`), of a learner who is nobody.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    plan = models.ForeignKey(SeedPlan, models.PROTECT, related_name="seeds")
    exemplar = models.ForeignKey(Exemplar, models.PROTECT, related_name="seeds")
    assessor = models.ForeignKey(User, models.PROTECT, related_name="seeds")
    submission = models.OneToOneField(Submission, models.PROTECT, related_name="seed")
    placed_at = models.DateTimeField(default=timezone.now)

    objects = SeedQuerySet.as_manager()

    class Meta:
        ordering = ["placed_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["exemplar", "assessor"], name="assessment_seed_once_for_a_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.exemplar.code} for {self.assessor}"


class SeedWithdrawal(models.Model):
    """That a seed counts no more, and why. What was decided on it stays. Never changed."""

    seed = models.OneToOneField(Seed, models.PROTECT, related_name="withdrawal")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    reason = models.TextField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(reason=""), name="assessment_withdrawn_seed_says_why"
            )
        ]

    def __str__(self) -> str:
        return f"{self.seed} withdrawn"
