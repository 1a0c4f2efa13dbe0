"""More time asked for."""

from datetime import datetime

import django_fsm as fsm
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Actor, User
from portfolios import guards, rules
from portfolios.enums import ExtensionState
from portfolios.models.portfolio import Portfolio
from portfolios.querysets import ExtensionQuerySet
from workflows.machines import step
from workflows.models import StateModel

E = ExtensionState


class ExtensionRequest(StateModel):
    """A learner asks for a later due date; approval moves deadline and reminders in one transaction.

    `working_days` is how many working days in the delivery's zone are asked for.
    """

    class Reason(models.TextChoices):
        """Categories; no medical proof is asked for."""

        WORK = "work", "Work"
        HEALTH = "health", "Health"
        WHANAU = "whanau", "Whānau or family"
        BEREAVEMENT = "bereavement", "Bereavement or tangihanga"
        EVENT = "event", "An event such as a storm or outage"
        OTHER = "other", "Something else"

    state = fsm.FSMField(max_length=30, default=E.REQUESTED, choices=E.choices, protected=True)
    portfolio = models.ForeignKey(Portfolio, models.PROTECT, related_name="extension_requests")
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=15, choices=Reason)
    note = models.TextField(blank=True)
    due_before = models.DateTimeField()
    asked_until = models.DateTimeField()
    working_days = models.PositiveSmallIntegerField()
    granted_until = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True)
    requested_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = ExtensionQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=E.values), name="portfolios_extension_state_known"
            ),
            models.UniqueConstraint(
                fields=["portfolio"],
                condition=models.Q(state=E.REQUESTED),
                name="portfolios_one_open_extension_request",
            ),
        ]

    def __str__(self) -> str:
        return f"Extension request of {self.requested_by}"

    @property
    def within_assessor_limit(self) -> bool:
        """Whether an assessor may grant what is asked (policy `extension.assessor_max_days`)."""
        delivery = self.portfolio.enrolment.delivery
        return bool(self.working_days <= delivery.policy_value("extension.assessor_max_days"))

    def _answered(self, actor: Actor, answer: str) -> None:
        assert isinstance(actor, User)  # noqa: S101  the rule lets only people through
        self.decided_by, self.decided_at, self.answer = actor, timezone.now(), answer

    @step(
        field=state,
        source=E.REQUESTED,
        target=E.APPROVED,
        permission=rules.may_decide_extension,
        conditions=[guards.not_yet_submitted],
        custom={"past": "approved", "label": _("Approve")},
    )
    def approve(self, *, actor: Actor, answer: str = "") -> None:
        """Grant the date asked for."""
        self._answered(actor, answer)
        self.granted_until = self.asked_until

    @step(
        field=state,
        source=E.REQUESTED,
        target=E.CHANGED,
        permission=rules.may_decide_extension,
        conditions=[guards.not_yet_submitted],
        custom={"past": "changed", "label": _("Approve another date")},
    )
    def change(self, *, actor: Actor, until: datetime, answer: str = "") -> None:
        """Grant another date."""
        self._answered(actor, answer)
        self.granted_until = until

    @step(
        field=state,
        source=E.REQUESTED,
        target=E.DECLINED,
        permission=rules.may_decide_extension,
        custom={"past": "declined", "label": _("Decline")},
    )
    def decline(self, *, actor: Actor, answer: str = "") -> None:
        """The dates stay."""
        self._answered(actor, answer)
