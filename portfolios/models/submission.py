"""One frozen attempt, its state, and who has which part in it."""

import json
from typing import Any, ClassVar, Literal

import django_fsm as fsm
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import Actor, User
from catalogue.models import AssessmentTask, Delivery, Enrolment, Rubric
from portfolios import guards, rules
from portfolios.enums import (
    ENDED_ATTEMPT,
    LEARNER_LABELS,
    ConsiderationOutcome,
    HoldKind,
    PartKind,
    SubmissionState,
)
from portfolios.models.evidence import EvidenceItem
from portfolios.models.portfolio import Portfolio
from portfolios.querysets import HoldQuerySet, SubmissionQuerySet
from workflows.guards import granted_above
from workflows.machines import step
from workflows.models import StateModel

S = SubmissionState
Switch = Literal["learner", "assessor", "between"]
POLICY_OF: dict[Switch, str] = {
    "learner": "anonymous_marking",
    "assessor": "anonymous_assessor",
    "between": "anonymous_between_assessors",
}
"""Learner to assessor, assessor to learner, assessor to assessor."""


class Submission(StateModel):
    """One attempt: manifest, fingerprint, and the state that the lifecycle moves.

    Everything but the state and its dates is fixed at birth. Steps marked `granted_above` are ruled
    by the apps that own them (assessment, moderation, awards) and refuse everybody without them.
    """

    locked_with: ClassVar = ("delivery__version", "enrolment", "rubric")

    state = fsm.FSMField(max_length=30, default=S.SUBMITTED, choices=S.choices, protected=True)
    reference = models.CharField(max_length=20, unique=True)
    pseudonym = models.CharField(max_length=12)
    portfolio = models.ForeignKey(Portfolio, models.PROTECT, related_name="submissions")
    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="submissions")
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="submissions")
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="submissions")
    rubric = models.ForeignKey(Rubric, models.PROTECT, related_name="submissions")
    learner = models.ForeignKey(User, models.PROTECT, related_name="submissions")
    attempt = models.PositiveSmallIntegerField()
    manifest = models.TextField()
    fingerprint = models.CharField(max_length=64)
    is_late = models.BooleanField(default=False)
    in_reo = models.BooleanField(default=False, db_default=False)
    # Whose names are kept from whom until release, as the task's dates said it; null for what the policy says.
    hides_learner = models.BooleanField(null=True, blank=True)
    hides_assessor = models.BooleanField(null=True, blank=True)
    hides_between = models.BooleanField(null=True, blank=True)
    double_blind = models.BooleanField(default=False, db_default=False)
    """Whether two mark it at once and blind to each other: said before anybody has marked any of it."""
    submitted_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    assessed_at = models.DateTimeField(null=True, blank=True)
    marking_due_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)
    return_note = models.TextField(blank=True)
    ratified_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        ordering = ["-submitted_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=S.values), name="portfolios_submission_state_known"
            ),
            models.UniqueConstraint(
                fields=["portfolio", "attempt"],
                condition=~models.Q(state=S.WITHDRAWN),
                name="portfolios_attempt_once",
            ),
            models.UniqueConstraint(
                fields=["enrolment", "task"],
                condition=~models.Q(state__in=ENDED_ATTEMPT),
                name="portfolios_one_live_submission",
            ),
        ]
        indexes = [
            models.Index(fields=["delivery", "task", "state"], name="portfolios_set"),
            models.Index(fields=["state", "marking_due_at", "id"], name="portfolios_queue"),
        ]

    def __str__(self) -> str:
        return self.reference

    @cached_property
    def contents(self) -> dict[str, Any]:
        """The manifest as data: files, reflections, declaration, as they were when it was submitted."""
        loaded: dict[str, Any] = json.loads(self.manifest)
        return loaded

    def hides(self, switch: Switch) -> bool:
        """Whether names are kept from somebody for this piece of work: as it was fixed with it, else by policy."""
        fixed: bool | None = getattr(self, f"hides_{switch}")
        return bool(self.delivery.policy_value(POLICY_OF[switch]) if fixed is None else fixed)

    @property
    def learner_label(self) -> str:
        """What the learner reads about this attempt; nothing of a decision shows before release."""
        return LEARNER_LABELS[self.state]

    @step(
        field=state,
        source=S.SUBMITTED,
        target=S.WITHDRAWN,
        permission=rules.is_learner,
        conditions=[guards.not_opened],
        custom={"past": "withdrawn", "label": _("Withdraw")},
    )
    def withdraw(self, *, actor: Actor) -> None:
        """The portfolio becomes editable again."""

    @step(
        field=state,
        source=S.SUBMITTED,
        target=S.IN_ASSESSMENT,
        permission=granted_above,
        conditions=[guards.no_open_hold],
        custom={"past": "assessment_started", "label": _("Start marking")},
    )
    def start_assessment(self, *, actor: Actor) -> None:
        """From now on the learner cannot withdraw."""
        self.opened_at = self.opened_at or timezone.now()

    @step(
        field=state,
        source=S.IN_ASSESSMENT,
        target=S.SUBMITTED,
        permission=granted_above,
        custom={"past": "handed_back", "label": _("Hand back to the queue")},
    )
    def hand_back(self, *, actor: Actor) -> None:
        """The draft stays; the allocation is freed by the action."""

    @step(
        field=state,
        source=S.IN_ASSESSMENT,
        target=S.REFERRED,
        permission=granted_above,
        conditions=[guards.no_open_hold],
        custom={"past": "referred", "label": _("Refer back to the learner")},
    )
    def refer(self, *, actor: Actor) -> None:
        """Attempt n + 1 is opened by the action."""

    @step(
        field=state,
        source=S.IN_ASSESSMENT,
        target=S.ASSESSED,
        permission=granted_above,
        conditions=[guards.no_open_hold],
        custom={"past": "assessed", "label": _("Record the decision")},
    )
    def record_decision(self, *, actor: Actor) -> None:
        """The decision is frozen."""
        self.assessed_at = timezone.now()
        self.returned_at = None

    @step(
        field=state,
        source=S.IN_ASSESSMENT,
        target=S.IN_ADJUDICATION,
        permission=granted_above,
        conditions=[guards.no_open_hold],
        custom={"past": "disagreed", "label": _("Send to adjudication")},
    )
    def disagree(self, *, actor: Actor) -> None:
        """Two sealed decisions lie outside the tolerance."""

    @step(
        field=state,
        source=S.IN_ADJUDICATION,
        target=S.ASSESSED,
        permission=granted_above,
        conditions=[guards.no_open_hold],
        custom={"past": "adjudicated", "label": _("Record the adjudication")},
    )
    def adjudicate(self, *, actor: Actor) -> None:
        """The adjudicator's decision stands; the earlier ones are kept."""
        self.assessed_at = timezone.now()

    @step(
        field=state,
        source=S.ASSESSED,
        target=S.IN_MODERATION,
        permission=granted_above,
        conditions=[guards.no_open_hold],
        custom={"past": "moderation_entered", "label": _("Enter moderation")},
    )
    def enter_moderation(self, *, actor: Actor) -> None:
        """Part of freezing a round; never done for one submission alone."""

    @step(
        field=state,
        source=S.IN_MODERATION,
        target=S.IN_ASSESSMENT,
        permission=granted_above,
        custom={"past": "returned", "label": _("Return to the assessor")},
    )
    def return_to_assessor(self, *, actor: Actor, note: str = "") -> None:
        """A new decision version is asked for; the round waits."""
        self.returned_at = timezone.now()
        self.return_note = note

    @step(
        field=state,
        source=S.IN_MODERATION,
        target=S.MODERATED,
        permission=granted_above,
        conditions=[guards.no_open_hold],
        custom={"past": "moderated", "label": _("Conclude moderation")},
    )
    def conclude_moderation(self, *, actor: Actor) -> None:
        """Part of closing a round."""

    @step(
        field=state,
        source=S.MODERATED,
        target=S.RATIFIED,
        permission=granted_above,
        conditions=[guards.no_open_hold],
        custom={"past": "ratified", "label": _("Ratify")},
    )
    def ratify(self, *, actor: Actor) -> None:
        """Part of signing a batch."""
        self.ratified_at = timezone.now()

    @step(
        field=state,
        source=S.RATIFIED,
        target=S.RELEASED,
        permission=granted_above,
        conditions=[guards.no_open_hold],
        custom={"past": "released", "label": _("Release")},
    )
    def release(self, *, actor: Actor) -> None:
        """The result becomes visible."""
        self.released_at = timezone.now()

    @step(
        field=state,
        source=S.RELEASED,
        target=S.UNDER_RECONSIDERATION,
        permission=rules.is_learner,
        conditions=[guards.no_open_hold],
        custom={"past": "reconsideration_requested", "label": _("Ask for reconsideration")},
    )
    def request_reconsideration(self, *, actor: Actor) -> None:
        """A fresh assessor looks again."""

    @step(
        field=state,
        source=S.UNDER_RECONSIDERATION,
        target=S.RELEASED,
        permission=granted_above,
        conditions=[guards.no_open_hold],
        custom={"past": "reconsidered", "label": _("Conclude reconsideration")},
    )
    def conclude_reconsideration(self, *, actor: Actor) -> None:
        """The result stands or is replaced by the action."""

    @step(
        field=state,
        source=S.RELEASED,
        target=S.IN_MODERATION,
        permission=granted_above,
        custom={"past": "recalled", "label": _("Recall")},
    )
    def recall(self, *, actor: Actor) -> None:
        """Results are hidden again until moderation is concluded anew."""
        self.released_at = None
        self.ratified_at = None


class SubmissionEvidence(models.Model):
    """A submission pins the bytes it used: the item cannot be removed while this row stands."""

    submission = models.ForeignKey(Submission, models.PROTECT, related_name="pins")
    evidence = models.ForeignKey(EvidenceItem, models.PROTECT, related_name="pins")
    number = models.PositiveSmallIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["submission", "number"]
        constraints = [
            models.UniqueConstraint(fields=["submission", "evidence"], name="portfolios_pin_once")
        ]

    def __str__(self) -> str:
        return f"Evidence {self.number} of {self.submission}"


class Part(models.Model):
    """Who has which part in a submission. One person has one live part: separation of duties."""

    submission = models.ForeignKey(Submission, models.PROTECT, related_name="parts")
    person = models.ForeignKey(User, models.PROTECT, related_name="parts")
    kind = models.CharField(max_length=30, choices=PartKind)
    since = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "person"],
                condition=models.Q(ended_at__isnull=True),
                name="portfolios_one_part_per_person",
            )
        ]
        indexes = [models.Index(fields=["person", "ended_at"], name="portfolios_parts_of_person")]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_kind_display()} of {self.submission}"


class Hold(models.Model):
    """A record that blocks forward transitions while it is open. It moves no state."""

    submission = models.ForeignKey(Submission, models.PROTECT, related_name="holds")
    kind = models.CharField(max_length=30, choices=HoldKind)
    reason = models.TextField()
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    evidence_due_at = models.DateTimeField(null=True, blank=True)
    """Until when a learner who applied gives evidence; null where somebody else placed the hold."""
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    closing_note = models.TextField(blank=True)
    outcome = models.CharField(
        max_length=20, choices=ConsiderationOutcome, blank=True, default="", db_default=""
    )

    objects = HoldQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "kind"],
                condition=models.Q(closed_at__isnull=True),
                name="portfolios_one_open_hold_of_a_kind",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} hold on {self.submission}"


class SupportingEvidence(models.Model):
    """What was given to support a special consideration: words, a file, or both. Often medical.

    An access class of its own: `rules.may_read_supporting`, and each opening is recorded. The bytes lie in the
    store with the learners' evidence, but belong to nobody's library and are never shown in place.
    """

    hold = models.ForeignKey(Hold, models.PROTECT, related_name="supporting")
    number = models.PositiveSmallIntegerField()
    words = models.TextField(blank=True)
    name = models.CharField(max_length=255, blank=True)
    media_type = models.CharField(max_length=120, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=300, blank=True, db_index=True)
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["hold", "number"]
        constraints = [
            models.UniqueConstraint(fields=["hold", "number"], name="portfolios_supporting_once")
        ]

    def __str__(self) -> str:
        return f"Supporting evidence {self.number} of {self.hold}"
