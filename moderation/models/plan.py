"""The plan of a round, kept as it stood; and figures over closed rounds, computed once."""

from django.db import models
from django.utils import timezone

from accounts.models import User
from catalogue.models import AssessmentTask
from moderation.models.round import ModerationRound


class PlanVersion(models.Model):
    """What a sample is drawn from and how. Only added to; the newest plan of a round is the one in force.

    `population` is the file that an auditor draws from again, byte for byte: work and assessors stand in it
    by codes of this round (`RoundMember.code`). `decisions` binds each code to the decision that was frozen:
    code, decision, fingerprint of the manifest, fingerprint of the rubric. Every plan says why it was made.
    """

    round = models.ForeignKey(ModerationRound, models.PROTECT, related_name="plans")
    number = models.PositiveSmallIntegerField()
    reason = models.TextField()
    policy = models.JSONField(default=dict)
    policy_hash = models.CharField(max_length=64)
    algorithm = models.CharField(max_length=20)
    seed = models.CharField(max_length=64)
    population = models.TextField()
    population_hash = models.CharField(max_length=64)
    decisions = models.JSONField(default=list)
    decisions_hash = models.CharField(max_length=64)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["round", "number"]
        constraints = [
            models.UniqueConstraint(fields=["round", "number"], name="moderation_plan_number_once")
        ]

    def __str__(self) -> str:
        return f"Plan {self.number} of {self.round}"


class SeverityFigures(models.Model):
    """Severities and readings of the people of one task, as a worker computed them last.

    `rounds` closed rounds went in, the last of them closed at `until`: with more or others of them they are
    computed anew. `figures` is what moderation.tendency makes. No page computes them.
    """

    task = models.OneToOneField(AssessmentTask, models.PROTECT, related_name="severity_figures")
    rounds = models.PositiveIntegerField()
    until = models.DateTimeField()
    figures = models.JSONField(default=dict)
    made_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Severities of {self.task}"


class StoredFigures(models.Model):
    """Figures of agreement over some closed rounds, so that nobody computes them twice.

    `key` is a digest of the rounds with their versions: a round that was closed anew has another key.
    """

    key = models.CharField(max_length=64, unique=True)
    figures = models.JSONField(default=dict)
    made_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Figures {self.key[:8]}"
