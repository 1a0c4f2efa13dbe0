"""A workplace verifier's statement, given by a personal link, no account."""

from typing import Any

import django_fsm as fsm
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Actor, User
from catalogue.models import Criterion
from portfolios import guards, rules
from portfolios.assurance import warnings_about
from portfolios.enums import AskedBy, Assurance, AttestationState
from portfolios.models.evidence import EvidenceItem
from portfolios.models.portfolio import Portfolio
from workflows.machines import step
from workflows.models import StateModel

A = AttestationState


class Attestation(StateModel):
    """One request to one verifier. Only hashes of the tokens of its links are kept.

    Once answered, the answer never changes (portfolios.triggers); the person named can only disown it.
    """

    state = fsm.FSMField(max_length=30, default=A.REQUESTED, choices=A.choices, protected=True)
    portfolio = models.ForeignKey(Portfolio, models.PROTECT, related_name="attestations")
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    verifier_name = models.CharField(max_length=200)
    verifier_email = models.EmailField()
    verifier_relationship = models.CharField(max_length=200, blank=True)
    message = models.TextField(blank=True)
    token_hash = models.CharField(max_length=64, unique=True)
    evidence = models.ManyToManyField(EvidenceItem, related_name="attestations", blank=True)
    # What it is about; none means every criterion of the task.
    criteria = models.ManyToManyField(Criterion, related_name="+", blank=True)
    way = models.CharField(
        max_length=10, choices=AskedBy, default=AskedBy.EMAIL, db_default=AskedBy.EMAIL
    )
    # Somebody signed in as the learner, or the browser that showed the code, has answered with it.
    on_learners_device = models.BooleanField(default=False, db_default=False)
    assurance = models.CharField(
        max_length=20, choices=Assurance, blank=True, default="", db_default=""
    )
    expires_at = models.DateTimeField()
    requested_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    # When the verifier is reminded next; null once all reminders have gone.
    remind_at = models.DateTimeField(null=True, blank=True)
    reminded = models.PositiveSmallIntegerField(default=0, db_default=0)
    period_observed = models.CharField(max_length=200, blank=True)
    # Unknown for answers that are older than the question.
    has_conflict = models.BooleanField(null=True)
    conflict_note = models.TextField(blank=True)
    comment = models.TextField(blank=True)
    decline_reason = models.TextField(blank=True)
    # Of the link by which the person named says "this was not me".
    objection_hash = models.CharField(
        max_length=64, blank=True, default="", db_default="", db_index=True
    )
    # The request whose link was over when its verifier asked for a new one: this is the one they got.
    renewal_of = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="renewed_as"
    )
    disowned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=A.values), name="portfolios_attestation_state_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["remind_at"],
                name="portfolios_verifier_due",
                condition=models.Q(remind_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Attestation by {self.verifier_name}"

    @property
    def is_waiting(self) -> bool:
        """Whether an answer may still come."""
        return self.state in {A.REQUESTED, A.OPENED}

    @property
    def employer_domain(self) -> str:
        """The employer's mail domain, as far as it is known."""
        enrolment = self.portfolio.enrolment
        employer = enrolment.employer or enrolment.delivery.client
        return employer.email_domain if employer else ""

    @property
    def warnings(self) -> list[str]:
        """What is worth knowing about the address, for the assessor."""
        learner = self.portfolio.enrolment.learner.email
        return warnings_about(self.verifier_email, learner, self.employer_domain)

    @property
    def warnings_for_learner(self) -> list[str]:
        """The same, said to the learner."""
        learner = self.portfolio.enrolment.learner.email
        return warnings_about(self.verifier_email, learner, self.employer_domain, own="your own")

    @property
    def assurance_words(self) -> str:
        """How sure the confirmation is, in words."""
        if self.state == A.VOIDED:
            return "Void: the person named says that it was not them"
        return str(Assurance(self.assurance).label) if self.assurance else "Not recorded"

    @property
    def assurance_for_learner(self) -> str:
        """The same, said to the learner."""
        own = self.state != A.VOIDED and self.assurance == Assurance.LEARNER_DEVICE
        return "Answered on your own device" if own else self.assurance_words

    def asked_criteria(self) -> list[Criterion]:
        """The criteria that the verifier is asked about, in rubric order."""
        chosen = list(self.criteria.order_by("number"))
        every = Criterion.objects.filter(rubric__task=self.portfolio.task_id)
        return chosen or list(every.order_by("number"))

    @step(
        field=state,
        source=A.REQUESTED,
        target=A.OPENED,
        permission=rules.may_answer_attestation,
        conditions=[guards.link_still_good, guards.verifier_does_not_assess],
        custom={"past": "opened", "label": _("Start")},
    )
    def open(self, *, actor: Actor, on_learners_device: bool = False) -> None:
        """Pressed Start; a mere visit changes nothing."""
        self.opened_at = timezone.now()
        self.on_learners_device = on_learners_device

    @step(
        field=state,
        source=A.OPENED,
        target=A.ATTESTED,
        permission=rules.may_answer_attestation,
        conditions=[guards.link_still_good, guards.verifier_does_not_assess],
        custom={"past": "attested", "label": _("Send")},
    )
    def attest(self, *, actor: Actor, answer: dict[str, Any]) -> None:
        """Take the answer; from now on the record is locked."""
        self.answered_at = timezone.now()
        for field, value in answer.items():
            setattr(self, field, value)

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

    @step(
        field=state,
        source=A.ATTESTED,
        target=A.VOIDED,
        permission=rules.may_answer_attestation,
        custom={"past": "disowned", "label": _("This was not me")},
    )
    def disown(self, *, actor: Actor) -> None:
        """The person named says that they did not give it. It counts for nothing any more."""
        self.disowned_at = timezone.now()


class AttestationLink(models.Model):
    """The link of a reminder, which opens the same request as the first. Only a hash of its token is kept."""

    attestation = models.ForeignKey(Attestation, models.PROTECT, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Link of {self.attestation_id}"


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
