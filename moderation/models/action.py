"""What has to be done before a task is used again, whoever asked for it."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import User
from catalogue.models import AssessmentTask
from moderation.models.meeting import Meeting
from moderation.models.round import ModerationRound
from moderation.querysets import RequiredActionQuerySet


class RequiredAction(models.Model):
    """One action that a closed round or a signed record of a meeting asks for, with its owner and date.

    Until a lead moderator closes it, no other delivery of the same micro-credential can open. Of a record
    that is not signed it is part of the draft: nobody is asked yet.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    round = models.ForeignKey(
        ModerationRound, models.PROTECT, null=True, blank=True, related_name="actions"
    )
    meeting = models.ForeignKey(
        Meeting, models.PROTECT, null=True, blank=True, related_name="required_actions"
    )
    text = models.TextField()
    owner = models.ForeignKey(User, models.PROTECT, related_name="moderation_actions")
    due_on = models.DateField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    response = models.TextField(blank=True)
    responded_at = models.DateTimeField(null=True, blank=True)
    closing_note = models.TextField(blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = RequiredActionQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "made_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True)
                | (models.Q(closed_by__isnull=False) & ~models.Q(closing_note="")),
                name="moderation_action_closed_with_note",
            ),
            models.CheckConstraint(
                condition=models.Q(round__isnull=True, meeting__isnull=False)
                | models.Q(round__isnull=False, meeting__isnull=True),
                name="moderation_action_asked_by_one",
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def task(self) -> AssessmentTask:
        """The task that it is about."""
        asked_by = self.round or self.meeting
        assert asked_by is not None  # noqa: S101  a constraint of the database
        return asked_by.task

    @property
    def asked_by(self) -> str:
        """The round or meeting that asks, in words."""
        if self.round is not None:
            return f"{self.task.title}, round {self.round.number}, {self.round.delivery.title}"
        assert self.meeting is not None  # noqa: S101  a constraint of the database
        return f"{self.task.title}, standardisation meeting of {self.meeting.held_on:%-d %B %Y}"
