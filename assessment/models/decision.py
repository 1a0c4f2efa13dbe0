"""Assessment decisions: drafts while they are written, then sealed, then only added to."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.models import User
from assessment.enums import Basis, ChangeReason, Outcome
from assessment.exceptions import SealedDecisionChanged
from assessment.querysets import DecisionQuerySet
from catalogue.models import Criterion, Grade, Level
from portfolios.models import Submission, SubmissionEvidence


class AssessmentDecision(models.Model):
    """One person's decision on one submission, bound to what was judged.

    A draft has no `sealed_at`. A sealed one is never changed again: a later change is a new row with
    the next number, a basis and a reason. `final_at` marks the version that counts; the newest final
    one is the result.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="decisions")
    author = models.ForeignKey(User, models.PROTECT, related_name="decisions")
    basis = models.CharField(max_length=20, choices=Basis, default=Basis.ASSESSMENT)
    number = models.PositiveSmallIntegerField()
    manifest_hash = models.CharField(max_length=64)
    rubric_hash = models.CharField(max_length=64)
    policy_hash = models.CharField(max_length=64)
    outcome = models.CharField(max_length=15, choices=Outcome, blank=True)
    grade = models.ForeignKey(Grade, models.PROTECT, null=True, blank=True, related_name="+")
    percent = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    feedback = models.TextField(blank=True)
    staff_note = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    reason_code = models.CharField(max_length=12, choices=ChangeReason, blank=True, db_default="")
    """Set where the decision changes an earlier one; `reason` says it in the person's own words."""
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    saved_at = models.DateTimeField(default=timezone.now)
    sealed_at = models.DateTimeField(null=True, blank=True)
    final_at = models.DateTimeField(null=True, blank=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["submission", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "number"], name="assessment_decision_number_once"
            ),
            models.UniqueConstraint(
                fields=["submission", "author"],
                condition=models.Q(sealed_at__isnull=True),
                name="assessment_one_draft_per_author",
            ),
            models.CheckConstraint(
                condition=models.Q(final_at__isnull=True)
                | (models.Q(sealed_at__isnull=False) & ~models.Q(outcome="")),
                name="assessment_final_is_sealed_with_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"Decision {self.number} on {self.submission}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A sealed decision keeps its words; only that it counts may be added later."""
        fields: Sequence[str] = kwargs.get("update_fields") or ()
        if self.__dict__.get("was_sealed") and set(fields) != {"final_at"}:
            raise SealedDecisionChanged(str(self))
        super().save(*args, **kwargs)
        self.__dict__["was_sealed"] = self.sealed_at is not None

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **kwargs: Any
    ) -> "AssessmentDecision":
        """Remember whether the row was sealed when it was read."""
        made = super().from_db(db, field_names, values, **kwargs)
        made.__dict__["was_sealed"] = made.__dict__.get("sealed_at") is not None
        return made


class CriterionJudgement(models.Model):
    """The level given to one criterion, with feedback and pointers into the evidence."""

    decision = models.ForeignKey(AssessmentDecision, models.PROTECT, related_name="judgements")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="+")
    level = models.ForeignKey(Level, models.PROTECT, null=True, blank=True, related_name="+")
    feedback = models.TextField(blank=True)
    staff_note = models.TextField(blank=True)
    pointers = models.ManyToManyField(SubmissionEvidence, related_name="+", blank=True)
    carried_over = models.BooleanField(default=False)

    class Meta:
        ordering = ["criterion__number"]
        constraints = [
            models.UniqueConstraint(
                fields=["decision", "criterion"], name="assessment_judgement_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.criterion}: {self.level}"
