"""A workplace verifier's statement, given by a personal link, no account."""

import django_fsm as fsm
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Actor, User
from catalogue.models import Criterion
from portfolios import guards, rules
from portfolios.enums import AttestationState
from portfolios.models.evidence import EvidenceItem
from portfolios.models.portfolio import Portfolio
from workflows.machines import step
from workflows.models import StateModel

A = AttestationState


class Attestation(StateModel):
    """One request to one verifier. Only a hash of the link's token is kept."""

    state = fsm.FSMField(max_length=30, default=A.REQUESTED, choices=A.choices, protected=True)
    portfolio = models.ForeignKey(Portfolio, models.PROTECT, related_name="attestations")
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    verifier_name = models.CharField(max_length=200)
    verifier_email = models.EmailField()
    verifier_relationship = models.CharField(max_length=200, blank=True)
    message = models.TextField(blank=True)
    token_hash = models.CharField(max_length=64, unique=True)
    evidence = models.ManyToManyField(EvidenceItem, related_name="attestations", blank=True)
    expires_at = models.DateTimeField()
    requested_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    period_observed = models.CharField(max_length=200, blank=True)
    conflict_note = models.TextField(blank=True)
    comment = models.TextField(blank=True)
    decline_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=A.values), name="portfolios_attestation_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Attestation by {self.verifier_name}"

    @step(
        field=state,
        source=A.REQUESTED,
        target=A.OPENED,
        permission=rules.may_answer_attestation,
        conditions=[guards.link_still_good],
        custom={"past": "opened", "label": _("Start")},
    )
    def open(self, *, actor: Actor) -> None:
        """Pressed Start; a mere visit changes nothing."""
        self.opened_at = timezone.now()

    @step(
        field=state,
        source=A.OPENED,
        target=A.ATTESTED,
        permission=rules.may_answer_attestation,
        conditions=[guards.link_still_good],
        custom={"past": "attested", "label": _("Send")},
    )
    def attest(self, *, actor: Actor) -> None:
        """From now on the record is locked."""
        self.answered_at = timezone.now()

    @step(
        field=state,
        source=[A.REQUESTED, A.OPENED],
        target=A.DECLINED,
        permission=rules.may_answer_attestation,
        conditions=[guards.link_still_good],
        custom={"past": "declined", "label": _("Decline")},
    )
    def decline(self, *, actor: Actor, why: str = "") -> None:
        """The learner may ask somebody else."""
        self.answered_at = timezone.now()
        self.decline_reason = why

    @step(
        field=state,
        source=[A.REQUESTED, A.OPENED],
        target=A.EXPIRED,
        permission=rules.is_system,
        custom={"past": "expired", "label": _("Expire")},
    )
    def expire(self, *, actor: Actor) -> None:
        """The link's time is over."""

    @step(
        field=state,
        source=[A.REQUESTED, A.OPENED],
        target=A.REVOKED,
        permission=rules.may_revoke_attestation,
        custom={"past": "revoked", "label": _("Take the request back")},
    )
    def revoke(self, *, actor: Actor) -> None:
        """The link stops working at once."""


class AttestationStatement(models.Model):
    """What the verifier says about one criterion."""

    class Answer(models.TextChoices):
        """The four answers of the confirmation page."""

        OBSERVED = "observed", "I saw this"
        PARTLY = "partly", "I partly saw this"
        NOT_OBSERVED = "not_observed", "I did not see this"
        CANNOT_SAY = "cannot_say", "I cannot say"

    attestation = models.ForeignKey(Attestation, models.PROTECT, related_name="statements")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="+")
    answer = models.CharField(max_length=15, choices=Answer)
    comment = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["attestation", "criterion"], name="portfolios_statement_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_answer_display()}: {self.criterion}"
