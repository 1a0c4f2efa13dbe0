"""Comments on evidence, and the bank of prepared ones."""

import uuid
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.models import User
from accounts.querysets import search_key
from assessment.enums import Audience, Deed, Place
from assessment.querysets import CommentQuerySet, PreparedQuerySet
from catalogue.models import Criterion, MicroCredential
from portfolios.models import Submission, SubmissionEvidence


class EvidenceComment(models.Model):
    """One person's comment on one piece of a submission. What it says stands in its entries.

    The number counts the person's own comments on the submission, so that it tells nothing of anybody
    else's. Belongs to that person's decision: sealed with it, and changed no more from then on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="comments")
    pin = models.ForeignKey(SubmissionEvidence, models.PROTECT, related_name="comments")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    made_at = models.DateTimeField(default=timezone.now)

    objects = CommentQuerySet.as_manager()

    class Meta:
        ordering = ["submission", "author", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "author", "number"], name="assessment_comment_number_once"
            )
        ]

    def __str__(self) -> str:
        return f"Comment {self.number} on {self.pin}"


class CommentEntry(models.Model):
    """What a comment said after one deed. Only added to: the newest entry is what it says now.

    Times are in milliseconds from the beginning; a box is in whole per cent of the page.
    """

    comment = models.ForeignKey(EvidenceComment, models.PROTECT, related_name="entries")
    number = models.PositiveSmallIntegerField()
    deed = models.CharField(max_length=10, choices=Deed)
    body = models.TextField()
    place = models.CharField(max_length=10, choices=Place)
    page = models.PositiveIntegerField(null=True, blank=True)
    quote = models.TextField(blank=True)
    left = models.PositiveSmallIntegerField(null=True, blank=True)
    top = models.PositiveSmallIntegerField(null=True, blank=True)
    width = models.PositiveSmallIntegerField(null=True, blank=True)
    height = models.PositiveSmallIntegerField(null=True, blank=True)
    starts_ms = models.PositiveIntegerField(null=True, blank=True)
    ends_ms = models.PositiveIntegerField(null=True, blank=True)
    criterion = models.ForeignKey(
        Criterion, models.PROTECT, null=True, blank=True, related_name="+"
    )
    audience = models.CharField(max_length=10, choices=Audience)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["comment", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["comment", "number"], name="assessment_comment_entry_once"
            ),
            models.CheckConstraint(
                condition=models.Q(ends_ms__isnull=True)
                | models.Q(ends_ms__gt=models.F("starts_ms")),
                name="assessment_comment_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.comment}: {self.get_deed_display()}"


class PreparedComment(models.Model):
    """A text to use again, of one person or shared with all who mark the micro-credential.

    Kept by the codes of criterion and level, so that it serves later versions too; an empty code fits all.
    Holds no learner's name: `actions.preparing` refuses it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, models.PROTECT, related_name="prepared_comments")
    micro_credential = models.ForeignKey(MicroCredential, models.PROTECT, related_name="+")
    criterion_code = models.CharField(max_length=40, blank=True)
    level_code = models.CharField(max_length=40, blank=True)
    text = models.TextField()
    search_key = models.TextField(editable=False)
    is_shared = models.BooleanField(default=False)
    uses = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = PreparedQuerySet.as_manager()

    class Meta:
        ordering = ["-uses", "made_at"]
        indexes = [
            models.Index(
                fields=["micro_credential", "criterion_code"],
                condition=models.Q(removed_at__isnull=True),
                name="assessment_prepared_kept",
            )
        ]

    def __str__(self) -> str:
        return self.text[:60]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search_key = search_key(self.text)
        super().save(*args, **kwargs)
