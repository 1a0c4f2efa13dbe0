"""The early check: the first decisions on a new task are read before marking goes on (domain 2.4)."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import User
from assessment.enums import EarlyVerdictKind
from assessment.models.decision import AssessmentDecision
from assessment.querysets import EarlyCheckQuerySet
from catalogue.models import AssessmentTask, Delivery
from portfolios.models import Submission


class EarlyCheck(models.Model):
    """One for each task of the first delivery of a version. Until it is passed, `size` pieces of work
    may be opened for marking and no more."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="early_checks")
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="early_checks")
    size = models.PositiveSmallIntegerField()
    opened_at = models.DateTimeField(default=timezone.now)
    passed_at = models.DateTimeField(null=True, blank=True)
    passed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = EarlyCheckQuerySet.as_manager()

    class Meta:
        ordering = ["opened_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "task"], name="assessment_early_check_once"
            ),
            models.CheckConstraint(
                condition=models.Q(passed_at__isnull=True, passed_by__isnull=True)
                | models.Q(passed_at__isnull=False, passed_by__isnull=False),
                name="assessment_early_check_passed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"Early check of {self.task} in {self.delivery}"


class EarlyPlace(models.Model):
    """One of the first pieces of work. Given back with the work while nothing on it is decided."""

    check_of = models.ForeignKey(EarlyCheck, models.PROTECT, related_name="places")
    submission = models.OneToOneField(Submission, models.PROTECT, related_name="early_place")
    number = models.PositiveSmallIntegerField()
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["check_of", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["check_of", "number"], name="assessment_early_place_once"
            )
        ]

    def __str__(self) -> str:
        return f"Place {self.number}: {self.submission}"


class EarlyReading(models.Model):
    """That a moderator read one of the first decisions, and what they think of it. Never changed.

    With `sent_back` its assessor is asked to look at it again and to answer; no state moves by it.
    """

    place = models.ForeignKey(EarlyPlace, models.PROTECT, related_name="readings")
    decision = models.ForeignKey(AssessmentDecision, models.PROTECT, related_name="+")
    moderator = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    is_sound = models.BooleanField()
    note = models.TextField(blank=True)
    sent_back = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["place", "decision", "moderator"], name="assessment_early_reading_once"
            ),
            models.CheckConstraint(
                condition=models.Q(is_sound=True) | ~models.Q(note=""),
                name="assessment_early_concern_says_why",
            ),
            models.CheckConstraint(
                condition=models.Q(sent_back=False) | models.Q(is_sound=False),
                name="assessment_early_sent_back_for_a_concern",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.moderator} read {self.place}"


class EarlyAnswer(models.Model):
    """What the assessor says to a concern about their decision. Never changed; the decision stays as it is."""

    reading = models.OneToOneField(EarlyReading, models.PROTECT, related_name="answer")
    assessor = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    would_change = models.BooleanField()
    text = models.TextField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(text=""), name="assessment_early_answer_has_words"
            )
        ]

    def __str__(self) -> str:
        return f"{self.assessor} answered: {self.reading}"


class EarlyVerdict(models.Model):
    """What a moderator decided about marking going on. Never changed; the last one holds."""

    check_of = models.ForeignKey(EarlyCheck, models.PROTECT, related_name="verdicts")
    kind = models.CharField(max_length=15, choices=EarlyVerdictKind)
    moderator = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind=EarlyVerdictKind.PASSED) | ~models.Q(note=""),
                name="assessment_early_changes_are_named",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.check_of}"
