"""What a pre-assessment moderator decided about a version, and what exactly they decided about."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import User
from catalogue.enums import PreModerationDecision


class PreModeration(models.Model):
    """One decision on one version. The database refuses to change or drop it (`catalogue.triggers`).

    `checklist` holds each question with answer, note and evidence, and what the system found. `parts` are
    the fingerprints of what was read (`catalogue.hashing`), `policy` the policy values that held then:
    an approval is good for exactly these. With minor changes `owner` confirms them, the author where it is
    empty, and `due_on` is the day by which.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(
        "catalogue.MicroCredentialVersion", models.PROTECT, related_name="pre_moderations"
    )
    number = models.PositiveSmallIntegerField()
    decision = models.CharField(max_length=20, choices=PreModerationDecision)
    moderator = models.ForeignKey(User, models.PROTECT, related_name="pre_moderations")
    at = models.DateTimeField(default=timezone.now)
    note = models.TextField(blank=True)
    checklist = models.JSONField(default=list)
    parts = models.JSONField(default=dict)
    policy = models.JSONField(default=dict)
    owner = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    due_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["version", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "number"], name="catalogue_pre_moderation_once"
            ),
            models.CheckConstraint(
                condition=models.Q(decision__in=PreModerationDecision.values),
                name="catalogue_pre_moderation_decision_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(
                    decision__in=[
                        PreModerationDecision.WITH_MINOR_CHANGES,
                        PreModerationDecision.REJECTED,
                    ]
                )
                | ~models.Q(note=""),
                name="catalogue_pre_moderation_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()}: {self.version}"
