"""What has to be done before a task is used again."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import User
from moderation.models.round import ModerationRound
from moderation.querysets import RequiredActionQuerySet


class RequiredAction(models.Model):
    """One action that a closed round asks for, with its owner and date.

    Until a lead moderator closes it, no other delivery of the same micro-credential can open.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    round = models.ForeignKey(ModerationRound, models.PROTECT, related_name="actions")
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
            )
        ]

    def __str__(self) -> str:
        return self.text
