"""Standardisation meetings: who read what together, and what was agreed."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import User
from assessment.models import Exemplar
from catalogue.models import AssessmentTask
from moderation.querysets import MeetingQuerySet
from portfolios.models import Submission


class Meeting(models.Model):
    """The record of one meeting about one task. Once it is signed nothing of it changes; amendments append.

    `others` names people who were there and have no account. What is to be done are rows of `RequiredAction`;
    `actions` holds it in records from before there were any.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="meetings")
    held_on = models.DateField()
    attendees = models.ManyToManyField(User, related_name="meetings")
    others = models.TextField(blank=True)
    submissions = models.ManyToManyField(Submission, related_name="meetings", blank=True)
    exemplars = models.ManyToManyField(Exemplar, related_name="meetings", blank=True)
    readings = models.TextField(blank=True)
    decisions = models.TextField(blank=True)
    actions = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    signed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    signed_at = models.DateTimeField(null=True, blank=True)

    objects = MeetingQuerySet.as_manager()

    class Meta:
        ordering = ["-held_on", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(signed_at__isnull=True) | models.Q(signed_by__isnull=False),
                name="moderation_meeting_signed_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return f"Standardisation of {self.task}, {self.held_on:%-d %B %Y}"

    @property
    def is_signed(self) -> bool:
        return self.signed_at is not None


class MeetingAmendment(models.Model):
    """Something that was added to a signed record. Only added to."""

    meeting = models.ForeignKey(Meeting, models.PROTECT, related_name="amendments")
    text = models.TextField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["made_at", "pk"]

    def __str__(self) -> str:
        return f"Amendment of {self.meeting}"
