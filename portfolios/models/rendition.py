"""What was made of evidence so that it can be looked at in the page: images, text, poster frames, kept pages."""

from django.db import models
from django.utils import timezone

from portfolios.enums import RenditionState, SnapshotState
from portfolios.models.evidence import EvidenceItem


class Rendition(models.Model):
    """Made of the bytes under a key, once for all items that have them. May be thrown away and made again."""

    source_key = models.CharField(max_length=300, unique=True)
    media_type = models.CharField(max_length=120)
    state = models.CharField(
        max_length=10, choices=RenditionState, default=RenditionState.WAITING, db_index=True
    )
    total = models.PositiveIntegerField(default=0)
    next = models.PositiveIntegerField(default=1)
    seconds = models.FloatField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    says = models.CharField(max_length=300, blank=True)
    started_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField(null=True)
    # Its parts say how many pictures have no words; not so what was drawn before that was counted.
    counted = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=RenditionState.values),
                name="portfolios_rendition_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"Rendition of {self.source_key[-12:]}"

    @property
    def is_waiting(self) -> bool:
        """Whether more will come."""
        return self.state in {RenditionState.WAITING, RenditionState.MAKING}

    @property
    def words(self) -> str:
        """How far it is, as people read it."""
        if self.state == RenditionState.FAILED:
            return self.says
        if not self.is_waiting:
            return ""
        if self.total > 1 and self.next > 1:
            return f"Making page images: {self.next - 1} of {self.total}."
        return "Making what can be looked at here. This takes a moment."


class RenditionPart(models.Model):
    """One page, sheet or slide; number 0 is the poster frame of a film."""

    rendition = models.ForeignKey(Rendition, models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    key = models.CharField(max_length=300, blank=True, db_index=True)
    media_type = models.CharField(max_length=120, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    # Pictures on it that carry no description of their own; 0 as well where they were not counted.
    undescribed = models.PositiveSmallIntegerField(default=0, db_default=0)
    sheet: int | None = None
    """Of a table, on the first page of each sheet; not kept."""

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["rendition", "number"], name="portfolios_rendition_part_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rendition}, part {self.number}"


class LinkSnapshot(models.Model):
    """The page behind a link as it was when it was kept: its bytes under their hash, and its words. Made once."""

    evidence = models.OneToOneField(EvidenceItem, models.CASCADE, related_name="snapshot")
    state = models.CharField(
        max_length=10, choices=SnapshotState, default=SnapshotState.WAITING, db_index=True
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    try_at = models.DateTimeField(default=timezone.now)
    fetched_at = models.DateTimeField(null=True)
    address = models.CharField(max_length=4000, blank=True)
    title = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    key = models.CharField(max_length=300, blank=True, db_index=True)
    media_type = models.CharField(max_length=120, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    says = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=SnapshotState.values),
                name="portfolios_snapshot_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"Snapshot of {self.evidence_id}"
