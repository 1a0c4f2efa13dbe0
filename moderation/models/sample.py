"""Drawn items, the moderator's own blind reading, and the decision on each item."""

import django_fsm as fsm
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Actor, User
from assessment.models import AssessmentDecision
from catalogue.models import Criterion, Delivery, Level
from catalogue.querysets import ValidityQuerySet
from moderation import guards, rules
from moderation.enums import (
    Disagreement,
    FeedbackQuality,
    ReadingMode,
    SamplePart,
    SampleState,
    Sufficiency,
)
from moderation.models.round import ModerationRound
from moderation.querysets import SampleQuerySet
from portfolios.models import Submission, SubmissionEvidence
from portfolios.rules import is_system
from workflows.machines import step
from workflows.models import StateModel

S = SampleState


class SampleItem(StateModel):
    """One drawn piece of a round, with the decision that was frozen when it was drawn.

    A set that is assessed again supersedes its items; they are kept and count no more.
    """

    state = fsm.FSMField(max_length=30, default=S.DRAWN, choices=S.choices, protected=True)
    round = models.ForeignKey(ModerationRound, models.PROTECT, related_name="items")
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="sample_items")
    decision = models.ForeignKey(AssessmentDecision, models.PROTECT, related_name="sample_items")
    part = models.CharField(max_length=10, choices=SamplePart)
    reasons = models.JSONField(default=list)
    stratum = models.CharField(max_length=120)
    draw = models.PositiveSmallIntegerField(default=1)
    inclusion_probability = models.FloatField()
    moderator = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="sample_items"
    )
    allocated_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    superseded_at = models.DateTimeField(null=True, blank=True)

    objects = SampleQuerySet.as_manager()

    class Meta:
        ordering = ["round", "draw", "id"]
        indexes = [models.Index(fields=["moderator", "state"], name="moderation_items_of_person")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=S.values), name="moderation_item_state_known"
            ),
            models.UniqueConstraint(
                fields=["round", "submission"],
                condition=models.Q(superseded_at__isnull=True),
                name="moderation_item_once_in_round",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission} in the sample of {self.round}"

    @step(
        field=state,
        source=S.DRAWN,
        target=S.SCORED,
        permission=rules.moderates,
        conditions=[guards.read_blind],
        custom={"past": "scored", "label": _("Save my own levels")},
    )
    def score(self, *, actor: Actor) -> None:
        """The moderator's own reading was sealed by the action."""

    @step(
        field=state,
        source=[S.SCORED, S.ESCALATED],
        target=S.UPHELD,
        permission=rules.decides_item,
        custom={"past": "upheld", "label": _("Uphold")},
    )
    def uphold(self, *, actor: Actor) -> None:
        """The assessor's decision stands."""
        self.resolved_at = timezone.now()

    @step(
        field=state,
        source=[S.SCORED, S.ESCALATED],
        target=S.ADJUSTED,
        permission=rules.decides_item,
        custom={"past": "adjusted", "label": _("Adjust")},
    )
    def adjust(self, *, actor: Actor) -> None:
        """The moderator would give other levels."""
        self.resolved_at = timezone.now()

    @step(
        field=state,
        source=[S.SCORED, S.ESCALATED],
        target=S.RETURNED,
        permission=rules.decides_item,
        conditions=[guards.no_extension_open],
        custom={"past": "returned", "label": _("Return to the assessor")},
    )
    def send_back(self, *, actor: Actor) -> None:
        """The round waits for a new decision version."""

    @step(
        field=state,
        source=S.RETURNED,
        target=S.SCORED,
        permission=is_system,
        custom={"past": "assessed_again", "label": _("Compare again")},
    )
    def compare_again(self, *, actor: Actor) -> None:
        """The assessor has decided anew."""

    @step(
        field=state,
        source=S.SCORED,
        target=S.ESCALATED,
        permission=rules.moderates,
        custom={"past": "escalated", "label": _("Escalate")},
    )
    def escalate(self, *, actor: Actor) -> None:
        """The lead decides what happens."""


class ModeratorReading(models.Model):
    """The moderator's own criterion levels, sealed before the assessor's may be seen, or with them in sight.

    `mode` says which, as the round's plan asked when it was sealed. `declaration` is the sentence of independence
    that the moderator sealed with it; `inclusion_note` is about accessibility and te reo Māori.
    """

    item = models.ForeignKey(SampleItem, models.PROTECT, related_name="readings")
    moderator = models.ForeignKey(User, models.PROTECT, related_name="readings")
    mode = models.CharField(
        max_length=10,
        choices=ReadingMode,
        default=ReadingMode.BLIND,
        db_default=ReadingMode.BLIND.value,
    )
    outcome = models.CharField(max_length=15, blank=True)
    comment = models.TextField(blank=True)
    sufficiency = models.CharField(max_length=10, choices=Sufficiency, blank=True)
    sufficiency_note = models.TextField(blank=True)
    inclusion_note = models.TextField(blank=True)
    declaration = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)
    saved_at = models.DateTimeField(default=timezone.now)
    sealed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "moderator"], name="moderation_reading_once")
        ]

    def __str__(self) -> str:
        return f"Reading of {self.item} by {self.moderator}"


class ModeratorJudgement(models.Model):
    """The level a moderator would give to one criterion, and the evidence that it rests on."""

    reading = models.ForeignKey(ModeratorReading, models.PROTECT, related_name="judgements")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="+")
    level = models.ForeignKey(Level, models.PROTECT, null=True, blank=True, related_name="+")
    comment = models.TextField(blank=True)
    pointers = models.ManyToManyField(SubmissionEvidence, related_name="+", blank=True)

    class Meta:
        ordering = ["criterion__number"]
        constraints = [
            models.UniqueConstraint(
                fields=["reading", "criterion"], name="moderation_judgement_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.criterion}: {self.level}"


class ModerationDecision(models.Model):
    """What was decided about one item, why, and what it does. Only added to."""

    item = models.ForeignKey(SampleItem, models.PROTECT, related_name="decisions")
    moderator = models.ForeignKey(User, models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=10, choices=SampleState)
    reason = models.TextField(blank=True)
    differences = models.JSONField(default=list)
    disagreement = models.CharField(max_length=10, choices=Disagreement, blank=True)
    feedback_quality = models.CharField(max_length=10, choices=FeedbackQuality, blank=True)
    feedback_note = models.TextField(blank=True)
    factual_error = models.BooleanField(default=False)
    changes_result = models.BooleanField(default=False)
    compared_with = models.ForeignKey(AssessmentDecision, models.PROTECT, related_name="+")
    new_decision = models.ForeignKey(
        AssessmentDecision, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["decided_at"]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}: {self.item}"


class AssessorWatch(models.Model):
    """All decisions of this assessor are read until the watch ends. For moderation, never for results."""

    assessor = models.ForeignKey(User, models.PROTECT, related_name="watches")
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="watches")
    reason = models.TextField()
    set_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    since = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ValidityQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assessor", "delivery"],
                condition=models.Q(ended_at__isnull=True),
                name="moderation_one_live_watch",
            )
        ]

    def __str__(self) -> str:
        return f"{self.assessor} watched in {self.delivery}"
