"""Somebody from outside looks at one round for a time, and writes a report of their own."""

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from accounts.models import User
from moderation.enums import ExternalFinding
from moderation.models.round import ModerationRound
from moderation.models.sample import SampleItem
from moderation.querysets import ExternalReviewQuerySet


class ExternalReview(models.Model):
    """One person may read one round from a moment until another. It gives no part in the delivery.

    The report is theirs alone until it is submitted; from then on it is never changed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    round = models.ForeignKey(ModerationRound, models.PROTECT, related_name="external_reviews")
    person = models.ForeignKey(User, models.PROTECT, related_name="external_reviews")
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    asked = models.TextField(blank=True)
    # Where their CV or Record of Achievement is: an address or a file number (domain 2.5).
    achievement_record = models.CharField(max_length=300, blank=True, db_default="")
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    invited_at = models.DateTimeField(default=timezone.now)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)
    finding = models.CharField(max_length=20, choices=ExternalFinding, blank=True)
    report = models.TextField(blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)

    objects = ExternalReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-opens_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(opens_at__lt=models.F("closes_at")),
                name="moderation_external_span_in_order",
            ),
            models.CheckConstraint(
                condition=models.Q(submitted_at__isnull=True)
                | ~models.Q(finding="") & ~models.Q(report=""),
                name="moderation_external_report_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} looks at {self.round}"

    @property
    def last_moment(self) -> datetime:
        """The end of the last day, as a moment of that day."""
        return self.closes_at - timedelta(seconds=1)

    @property
    def standing(self) -> str:
        """Where the access stands now, in a word: revoked, ahead, open or over."""
        now = timezone.now()
        if self.revoked_at is not None:
            return "revoked"
        if now < self.opens_at:
            return "ahead"
        return "open" if now < self.closes_at else "over"


class ExternalComment(models.Model):
    """What the external moderator says about one item of the sample. Part of the report."""

    review = models.ForeignKey(ExternalReview, models.PROTECT, related_name="comments")
    item = models.ForeignKey(SampleItem, models.PROTECT, related_name="external_comments")
    text = models.TextField()
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["item"]
        constraints = [
            models.UniqueConstraint(
                fields=["review", "item"], name="moderation_external_comment_once"
            )
        ]

    def __str__(self) -> str:
        return f"Comment on {self.item}"
