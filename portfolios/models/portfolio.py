"""The living work for one enrolment and task."""

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

from accounts.models import User
from catalogue.models import AssessmentTask, Criterion, Enrolment
from portfolios.querysets import PortfolioQuerySet

if TYPE_CHECKING:
    from portfolios.models.evidence import EvidenceItem


class Portfolio(models.Model):
    """What a learner builds. Dates are this learner's own: extensions and referrals move them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="portfolios")
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="portfolios")
    attempt = models.PositiveSmallIntegerField(default=1)
    opens_at = models.DateTimeField()
    due_at = models.DateTimeField()
    cut_off_at = models.DateTimeField()
    # A later date that was granted to this learner; the delivery's own dates do not take it back.
    granted_until = models.DateTimeField(null=True, blank=True)
    # The learner accepted the declaration and asked for submission at the cut-off.
    auto_submit_asked_at = models.DateTimeField(null=True, blank=True)
    met_criteria = models.ManyToManyField(Criterion, related_name="+", blank=True)
    declaration_text = models.TextField(blank=True)
    declaration_accepted_at = models.DateTimeField(null=True, blank=True)
    ai_use = models.TextField(blank=True)
    # The learner says that the work is in te reo Māori: it goes to people who mark in it (domain 2.14).
    in_reo = models.BooleanField(default=False, db_default=False)
    attestation_waived_at = models.DateTimeField(null=True, blank=True)
    attestation_waived_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+"
    )
    attestation_waiver_reason = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    objects = PortfolioQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["enrolment", "task"], name="portfolios_portfolio_once"),
        ]

    def __str__(self) -> str:
        return f"{self.task} of {self.enrolment}"

    def open_criteria(self) -> "models.QuerySet[Criterion]":
        """Criteria the learner may still work on: all, or only the unmet ones after a referral."""
        met = self.met_criteria.values("pk")
        return Criterion.objects.filter(rubric__task=self.task_id).exclude(pk__in=met)

    def criteria_without_evidence(self) -> list[Criterion]:
        """Required criteria that no evidence is mapped to, in rubric order."""
        return list(
            Criterion.objects.filter(rubric__task=self.task_id, is_required=True)
            .exclude(mappings__portfolio=self)
            .order_by("number")
        )

    def used_evidence(self) -> list["EvidenceItem"]:
        """Each evidence item mapped in this portfolio, once, oldest first."""
        mapped = self.mappings.select_related("evidence")
        items = {mapping.evidence_id: mapping.evidence for mapping in mapped}
        return sorted(items.values(), key=lambda item: (item.created_at, str(item.pk)))


class Reflection(models.Model):
    """The learner's own words on one criterion, saved as they are typed."""

    portfolio = models.ForeignKey(Portfolio, models.PROTECT, related_name="reflections")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="+")
    text = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["portfolio", "criterion"], name="portfolios_reflection_once"
            )
        ]

    def __str__(self) -> str:
        return f"Reflection on {self.criterion}"


class ReflectionVersion(models.Model):
    """An earlier text of a reflection, and the losing side of a conflict; kept, never shown as current."""

    reflection = models.ForeignKey(Reflection, models.PROTECT, related_name="history")
    version = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    saved_at = models.DateTimeField()
    is_conflict = models.BooleanField(default=False)

    class Meta:
        ordering = ["-saved_at"]

    def __str__(self) -> str:
        return f"Version {self.version} of {self.reflection}"
