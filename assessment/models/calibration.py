"""Calibration: an assessor marks anchored work blind before they mark what counts (domain 2.8)."""

import uuid
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.models import User
from assessment.enums import Outcome
from assessment.models.exemplars import Exemplar
from assessment.querysets import CalibrationQuerySet, WaiverQuerySet
from catalogue.models import AssessmentTask, Criterion, Level


class CalibrationAttempt(models.Model):
    """One person's marking of some exemplars of a task. Open until all are marked; never changed then.

    Good for the rubric of that fingerprint, in every version that has it, until `valid_until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    assessor = models.ForeignKey(User, models.PROTECT, related_name="calibrations")
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="calibrations")
    rubric_hash = models.CharField(max_length=64)
    started_at = models.DateTimeField(default=timezone.now)
    concluded_at = models.DateTimeField(null=True, blank=True)
    passed = models.BooleanField(null=True, blank=True)
    figures = models.JSONField(default=dict)
    valid_until = models.DateTimeField(null=True, blank=True)

    objects = CalibrationQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["assessor", "rubric_hash"],
                condition=models.Q(concluded_at__isnull=True),
                name="assessment_one_open_calibration",
            ),
            models.CheckConstraint(
                condition=models.Q(concluded_at__isnull=True, passed__isnull=True)
                | models.Q(concluded_at__isnull=False, passed__isnull=False),
                name="assessment_calibration_concluded_with_a_verdict",
            ),
        ]

    def __str__(self) -> str:
        return f"Calibration of {self.assessor} on {self.task}"

    @property
    def is_valid(self) -> bool:
        """Passed, and not expired."""
        return bool(self.passed and self.valid_until and self.valid_until > timezone.now())


class CalibrationItem(models.Model):
    """One exemplar of an attempt. `outcome` is what the person's own levels come to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    attempt = models.ForeignKey(CalibrationAttempt, models.PROTECT, related_name="items")
    exemplar = models.ForeignKey(Exemplar, models.PROTECT, related_name="calibration_items")
    number = models.PositiveSmallIntegerField()
    marked_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=15, choices=Outcome, blank=True)

    class Meta:
        ordering = ["attempt", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["attempt", "number"], name="assessment_calibration_item_once"
            ),
            models.UniqueConstraint(
                fields=["attempt", "exemplar"], name="assessment_calibration_exemplar_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} of {self.attempt}"


class CalibrationJudgement(models.Model):
    """The person's level for one criterion, and why. Never changed."""

    item = models.ForeignKey(CalibrationItem, models.PROTECT, related_name="judgements")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="+")
    level = models.ForeignKey(Level, models.PROTECT, related_name="+")
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["criterion__number"]
        constraints = [
            models.UniqueConstraint(
                fields=["item", "criterion"], name="assessment_calibration_judgement_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.criterion}: {self.level}"


class CalibrationWaiver(models.Model):
    """That a lead moderator lets somebody mark without calibration, why, and until when. Never changed."""

    assessor = models.ForeignKey(User, models.PROTECT, related_name="calibration_waivers")
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="calibration_waivers")
    rubric_hash = models.CharField(max_length=64)
    reason = models.TextField()
    waived_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    waived_at = models.DateTimeField(default=timezone.now)
    valid_until = models.DateTimeField()

    objects = WaiverQuerySet.as_manager()

    class Meta:
        ordering = ["-waived_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(reason=""), name="assessment_waiver_says_why"
            ),
            models.CheckConstraint(
                condition=~models.Q(assessor=models.F("waived_by")),
                name="assessment_nobody_waives_their_own",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.assessor} marks {self.task} uncalibrated"


def rule_values(task: AssessmentTask) -> dict[str, Any]:
    """The version's policy on calibration, by the last word of each key."""
    keys = ("exemplars", "exact", "adjacent", "bias", "valid_months")
    return {key: task.version.policy_value(f"calibration.{key}") for key in keys}
