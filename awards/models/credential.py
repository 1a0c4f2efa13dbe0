"""What a learner takes away."""

import django_fsm as fsm
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Actor
from assessment.models import AssessmentDecision
from awards import rules
from awards.enums import CredentialState
from awards.querysets import CredentialQuerySet
from portfolios.models import Submission
from workflows.machines import step
from workflows.models import StateModel

C = CredentialState


class Credential(StateModel):
    """A credential for one achieved result: the claims as canonical JSON, and their SHA-256.

    It is not signed for wallets; the public page confirms it by its address.
    """

    state = fsm.FSMField(max_length=30, default=C.ISSUED, choices=C.choices, protected=True)
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="credentials")
    decision = models.ForeignKey(AssessmentDecision, models.PROTECT, related_name="credentials")
    claims = models.TextField()
    content_hash = models.CharField(max_length=64)
    issued_at = models.DateTimeField(default=timezone.now)
    suspended_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = CredentialQuerySet.as_manager()

    class Meta:
        ordering = ["-issued_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=C.values), name="awards_credential_state_known"
            ),
            models.UniqueConstraint(
                fields=["submission"],
                condition=~models.Q(state=C.REVOKED),
                name="awards_one_live_credential",
            ),
        ]

    def __str__(self) -> str:
        return f"Credential for {self.submission}"

    @step(
        field=state,
        source=C.ISSUED,
        target=C.SUSPENDED,
        permission=rules.may_suspend,
        custom={"past": "suspended", "label": _("Suspend")},
    )
    def suspend(self, *, actor: Actor) -> None:
        """Part of a recall; the reason stands in the record."""
        self.suspended_at = timezone.now()

    @step(
        field=state,
        source=C.SUSPENDED,
        target=C.ISSUED,
        permission=rules.may_suspend,
        custom={"past": "reinstated", "label": _("Reinstate")},
    )
    def reinstate(self, *, actor: Actor) -> None:
        """The result stood."""
        self.suspended_at = None

    @step(
        field=state,
        source=[C.ISSUED, C.SUSPENDED],
        target=C.REVOKED,
        permission=rules.may_suspend,
        custom={"past": "revoked", "label": _("Revoke")},
    )
    def revoke(self, *, actor: Actor) -> None:
        """Final; a changed result gets a new credential."""
        self.revoked_at = timezone.now()
