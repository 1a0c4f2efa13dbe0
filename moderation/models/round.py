"""A frozen set of decisions, and what was decided about it."""

from typing import ClassVar

import django_fsm as fsm
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Actor, User
from assessment.models import AssessmentDecision
from catalogue.models import AssessmentTask, Delivery
from moderation import guards, rules
from moderation.enums import RoundDecision, RoundState
from moderation.querysets import RoundQuerySet
from portfolios.models import Submission
from workflows.machines import step
from workflows.models import StateModel

R = RoundState


class ModerationRound(StateModel):
    """All assessed submissions of one delivery and task, moderated together."""

    CLOSING_DECISIONS: ClassVar[frozenset[str]] = frozenset(
        {RoundDecision.ACCEPT, RoundDecision.ACCEPT_WITH_ACTIONS, RoundDecision.ADJUST_SET}
    )

    state = fsm.FSMField(max_length=30, default=R.DRAFT, choices=R.choices, protected=True)
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="rounds")
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="rounds")
    number = models.PositiveSmallIntegerField()
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    policy = models.JSONField(default=dict)
    policy_hash = models.CharField(max_length=64, blank=True)
    population_hash = models.CharField(max_length=64, blank=True)
    population_size = models.PositiveIntegerField(default=0)
    algorithm = models.CharField(max_length=20, blank=True)
    seed = models.CharField(max_length=64, blank=True)
    extensions_owed = models.JSONField(default=list, blank=True)
    decision = models.CharField(max_length=20, choices=RoundDecision, blank=True)
    decision_reason = models.TextField(blank=True)
    adjustment = models.JSONField(default=dict, blank=True)
    required_actions = models.TextField(blank=True)
    draws = models.JSONField(default=list, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    statistics = models.JSONField(default=dict, blank=True)
    assurance = models.JSONField(default=dict, blank=True)
    readings = models.JSONField(default=dict, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = RoundQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=R.values), name="moderation_round_state_known"
            ),
            models.UniqueConstraint(
                fields=["delivery", "task", "number"], name="moderation_round_number_once"
            ),
            models.UniqueConstraint(
                fields=["delivery", "task"],
                condition=~models.Q(state=R.CLOSED),
                name="moderation_one_open_round",
            ),
        ]

    @property
    def reads_blind(self) -> bool:
        """Whether moderators choose their levels before they see the assessor's. Blind unless the plan says not."""
        return bool(self.policy.get("moderator.blind_first", True))

    def __str__(self) -> str:
        return f"Round {self.number} of {self.task} in {self.delivery}"

    @step(
        field=state,
        source=R.DRAFT,
        target=R.FROZEN,
        permission=rules.leads,
        conditions=[guards.round_has_members],
        custom={"past": "frozen", "label": _("Freeze the set")},
    )
    def freeze(self, *, actor: Actor) -> None:
        """The population hash was stored by the action, before any draw."""

    @step(
        field=state,
        source=R.FROZEN,
        target=R.REVIEWING,
        permission=rules.leads,
        conditions=[guards.frozen_before_draw],
        custom={"past": "drawn", "label": _("Draw the sample")},
    )
    def draw(self, *, actor: Actor) -> None:
        """The items were made by the action."""

    @step(
        field=state,
        source=[R.REVIEWING, R.REOPENED],
        target=R.DECIDED,
        permission=rules.decides_set,
        conditions=[
            guards.every_item_resolved,
            guards.escalations_extended,
            guards.every_disagreement_answered,
            guards.every_member_back,
        ],
        custom={"past": "decided", "label": _("Decide on the set")},
    )
    def decide(self, *, actor: Actor, decision: str, because: str = "") -> None:
        """Record the decision and who made it."""
        assert isinstance(actor, User)  # noqa: S101  the rule lets only people through
        self.decision, self.decision_reason = decision, because
        self.decided_by, self.decided_at = actor, timezone.now()

    @step(
        field=state,
        source=R.DECIDED,
        target=R.REVIEWING,
        permission=rules.leads,
        custom={"past": "resumed", "label": _("Take the decision back")},
    )
    def resume(self, *, actor: Actor) -> None:
        """Go on reading: after a reassessment of the set, or a decision taken back before closing."""
        self.decision = ""
        self.decided_by = self.decided_at = None
        self.approved_by = self.approved_at = None

    @step(
        field=state,
        source=R.DECIDED,
        target=R.DECIDED,
        permission=rules.may_approve_adjustment,
        conditions=[guards.adjusts_set],
        custom={"past": "adjustment_approved", "label": _("Approve the adjustment")},
    )
    def approve_adjustment(self, *, actor: Actor) -> None:
        """A second person stands for the uniform rule."""
        assert isinstance(actor, User)  # noqa: S101  the rule lets only people through
        self.approved_by, self.approved_at = actor, timezone.now()

    @step(
        field=state,
        source=R.DECIDED,
        target=R.CLOSED,
        permission=rules.leads,
        conditions=guards.TO_CLOSE,
        custom={"past": "closed", "label": _("Close the round")},
    )
    def close(self, *, actor: Actor) -> None:
        """Statistics and assurance were stored by the action."""
        self.closed_at = timezone.now()

    @step(
        field=state,
        source=R.CLOSED,
        target=R.REOPENED,
        permission=rules.leads,
        conditions=[guards.recalled],
        custom={"past": "reopened", "label": _("Reopen after a recall")},
    )
    def reopen(self, *, actor: Actor) -> None:
        """Only a recall does this. The set needs a new decision; what was read stays read."""
        self.closed_at = None
        self.decision = ""
        self.decided_by = self.decided_at = None
        self.approved_by = self.approved_at = None


class RoundMember(models.Model):
    """One submission of the frozen population, and the decision that was frozen with it.

    `code` and `assessor_code` stand for work and person outside the system; they hold for this round only.
    `plan` is the number of the plan that the work is drawn under.
    """

    round = models.ForeignKey(ModerationRound, models.PROTECT, related_name="members")
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="round_members")
    decision = models.ForeignKey(AssessmentDecision, models.PROTECT, related_name="round_members")
    position = models.PositiveIntegerField()
    assessor = models.ForeignKey(User, models.PROTECT, related_name="+")
    code = models.CharField(max_length=12, default="")
    assessor_code = models.CharField(max_length=12, default="")
    plan = models.PositiveSmallIntegerField(default=1)
    stratum = models.CharField(max_length=120)
    targeted_for = models.JSONField(default=list)

    class Meta:
        ordering = ["round", "position"]
        constraints = [
            models.UniqueConstraint(fields=["round", "submission"], name="moderation_member_once"),
            models.UniqueConstraint(fields=["round", "position"], name="moderation_position_once"),
            models.UniqueConstraint(
                fields=["round", "code"],
                condition=~models.Q(code=""),
                name="moderation_code_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission} in {self.round}"
