"""Batches that ratifiers signed, releases, reconsiderations and recalls."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import User
from assessment.models import AssessmentDecision
from awards.enums import ReleaseOutcome
from awards.querysets import (
    RatificationQuerySet,
    RecallQuerySet,
    ReconsiderationQuerySet,
    ReleaseQuerySet,
)
from catalogue.models import AssessmentTask, Delivery
from portfolios.models import Submission


class Ratification(models.Model):
    """One batch put before the ratifiers, with its minute. Complete when the quorum has signed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="ratifications")
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="ratifications")
    minute = models.TextField()
    quorum = models.PositiveSmallIntegerField()
    content_hash = models.CharField(max_length=64)
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    completed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    objects = RatificationQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "task"],
                condition=models.Q(completed_at__isnull=True, cancelled_at__isnull=True),
                name="awards_one_open_ratification",
            )
        ]

    def __str__(self) -> str:
        return f"Ratification of {self.task} in {self.delivery}"

    @property
    def is_open(self) -> bool:
        return self.completed_at is None and self.cancelled_at is None

    def signatures_needed(self) -> int:
        """The quorum; the larger one as soon as somebody who signed assessed any of the batch."""
        if any(signature.assessed_in_batch for signature in self.signatures.all()):
            larger: int = self.delivery.policy_value("ratify.quorum_if_assessed")
            return max(self.quorum, larger)
        return self.quorum


class RatificationLine(models.Model):
    """One result of a batch as it stood when the batch was opened, and what became of it."""

    ratification = models.ForeignKey(Ratification, models.PROTECT, related_name="lines")
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="ratification_lines")
    decision = models.ForeignKey(AssessmentDecision, models.PROTECT, related_name="+")
    refused_because = models.TextField(blank=True)
    ratified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ratification", "submission"], name="awards_line_once")
        ]

    def __str__(self) -> str:
        return f"{self.submission} in {self.ratification}"


class RatificationSignature(models.Model):
    """A ratifier signed the batch, having signed in again at most some minutes before."""

    ratification = models.ForeignKey(Ratification, models.PROTECT, related_name="signatures")
    ratifier = models.ForeignKey(User, models.PROTECT, related_name="+")
    reauthenticated_at = models.DateTimeField()
    assessed_in_batch = models.BooleanField(default=False)
    signed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ratification", "ratifier"], name="awards_signature_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.ratifier} signed {self.ratification}"


class Release(models.Model):
    """Publication of ratified results of one delivery and task, now or at a time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="releases")
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="releases")
    scheduled_for = models.DateTimeField()
    outcome = models.CharField(
        max_length=10, choices=ReleaseOutcome, default=ReleaseOutcome.SCHEDULED
    )
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    report = models.JSONField(default=dict, blank=True)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["-scheduled_for"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "task"],
                condition=models.Q(outcome=ReleaseOutcome.SCHEDULED),
                name="awards_one_scheduled_release",
            )
        ]

    def __str__(self) -> str:
        return f"Release of {self.task} in {self.delivery}"


class Reconsideration(models.Model):
    """A learner asked for a fresh look at a released result."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="reconsiderations")
    grounds = models.TextField()
    requested_at = models.DateTimeField(default=timezone.now)
    decision_before = models.ForeignKey(AssessmentDecision, models.PROTECT, related_name="+")
    decision_after = models.ForeignKey(
        AssessmentDecision, models.PROTECT, null=True, blank=True, related_name="+"
    )
    concluded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    concluded_at = models.DateTimeField(null=True, blank=True)
    conclusion = models.TextField(blank=True)

    objects = ReconsiderationQuerySet.as_manager()

    class Meta:
        ordering = ["requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission"],
                condition=models.Q(concluded_at__isnull=True),
                name="awards_one_open_reconsideration",
            )
        ]

    def __str__(self) -> str:
        return f"Reconsideration of {self.submission}"


class Recall(models.Model):
    """Two people take released results back into moderation: one asks, another confirms.

    A partial one covers the `affected` results alone, which its `scope` found when it was asked for:
    assessor, criterion, first and last day of deciding, each a text and each perhaps empty.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="recalls")
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="recalls")
    reason = models.TextField()
    is_partial = models.BooleanField(default=False)
    scope = models.JSONField(default=dict, blank=True)
    affected = models.ManyToManyField(Submission, related_name="partial_recalls", blank=True)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    report = models.JSONField(default=dict, blank=True)

    objects = RecallQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "task"],
                condition=models.Q(confirmed_at__isnull=True, cancelled_at__isnull=True),
                name="awards_one_open_recall",
            ),
            models.CheckConstraint(
                condition=models.Q(confirmed_by__isnull=True)
                | ~models.Q(confirmed_by=models.F("asked_by")),
                name="awards_recall_by_two",
            ),
        ]

    def __str__(self) -> str:
        return f"Recall of {self.task} in {self.delivery}"
