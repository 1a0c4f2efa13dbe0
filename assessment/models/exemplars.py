"""Exemplars: work frozen without its learner, with the levels that people agreed on and why."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785
from django.db import models
from django.utils import timezone

from accounts.models import User
from assessment.enums import ExemplarOrigin, Outcome
from assessment.querysets import ExemplarQuerySet
from catalogue.models import AssessmentTask, Criterion, Grade, Level
from portfolios.models import EvidenceItem, Submission


class Exemplar(models.Model):
    """One anonymous piece of work of one task version. Nothing of it changes but that it is retired.

    `content` is a list of texts, each with the code of its criterion (empty: about the whole). Words of a note
    also have what it shows for that criterion (`claim`) and where (`locator`), once for each criterion. `boundary`
    names the grade at whose lower edge the work lies; null says that it is clear of any edge. `ai_use` is what
    was declared with the work. `source` is for the register alone and never shown. What is `for_calibration`
    assessors do not find in the bank.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.ForeignKey(AssessmentTask, models.PROTECT, related_name="exemplars")
    rubric_hash = models.CharField(max_length=64)
    code = models.CharField(max_length=12, unique=True)
    title = models.CharField(max_length=200)
    boundary = models.ForeignKey(Grade, models.PROTECT, null=True, blank=True, related_name="+")
    origin = models.CharField(max_length=10, choices=ExemplarOrigin)
    source = models.ForeignKey(
        Submission, models.PROTECT, null=True, blank=True, related_name="exemplars"
    )
    consent = models.TextField(blank=True)
    content = models.JSONField(default=list)
    ai_use = models.TextField(blank=True, default="", db_default="")
    content_hash = models.CharField(max_length=64)
    outcome = models.CharField(max_length=15, choices=Outcome)
    rationale = models.TextField()
    for_calibration = models.BooleanField(default=False)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    retired_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    retired_at = models.DateTimeField(null=True, blank=True)
    retirement_reason = models.TextField(blank=True)

    objects = ExemplarQuerySet.as_manager()

    class Meta:
        ordering = ["task", "title", "code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(origin=ExemplarOrigin.WRITTEN, source__isnull=True)
                | (
                    ~models.Q(origin=ExemplarOrigin.WRITTEN)
                    & models.Q(source__isnull=False)
                    & ~(models.Q(origin=ExemplarOrigin.CONSENTED) & models.Q(consent=""))
                ),
                name="assessment_exemplar_has_its_source",
            ),
            models.CheckConstraint(
                condition=models.Q(retired_at__isnull=True)
                | (models.Q(retired_by__isnull=False) & ~models.Q(retirement_reason="")),
                name="assessment_exemplar_retired_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.title}"

    @property
    def is_retired(self) -> bool:
        return self.retired_at is not None

    @property
    def texts(self) -> list[dict[str, str]]:
        """What is written on a criterion or the whole, without the notes."""
        return [one for one in self.content if "claim" not in one]

    @property
    def notes(self) -> dict[str, list[dict[str, str]]]:
        """By the words of each note, what it shows for which criteria."""
        found: dict[str, list[dict[str, str]]] = {}
        for one in self.content:
            if "claim" in one:
                said = {key: words for key, words in one.items() if key != "text"}
                found.setdefault(one["text"], []).append(said)
        return found

    @property
    def put_to(self) -> set[str]:
        """Codes of the criteria to which any evidence or note was put."""
        said = [one for file in self.evidence.all() for one in file.supports]
        return {one["criterion"] for rows in (said, *self.notes.values()) for one in rows}

    def ranks(self) -> dict[uuid.UUID, int]:
        """The agreed rank of each criterion, by the criterion's key: what a reading is held against."""
        return dict(self.levels.values_list("criterion_id", "level__rank"))


class ExemplarLevel(models.Model):
    """The level that was agreed for one criterion, and why."""

    exemplar = models.ForeignKey(Exemplar, models.PROTECT, related_name="levels")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="+")
    level = models.ForeignKey(Level, models.PROTECT, related_name="+")
    rationale = models.TextField(blank=True)

    class Meta:
        ordering = ["criterion__number"]
        constraints = [
            models.UniqueConstraint(
                fields=["exemplar", "criterion"], name="assessment_exemplar_level_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.criterion}: {self.level}"


class ExemplarEvidence(models.Model):
    """A copy without metadata that belongs to the exemplar, by a name that says nothing about anybody.

    `supports` lists the criteria to which it was put, each with code (`criterion`), what it shows (`claim`) and
    where (`locator`). It is empty in exemplars that were frozen before this was kept.
    """

    exemplar = models.ForeignKey(Exemplar, models.PROTECT, related_name="evidence")
    item = models.ForeignKey(EvidenceItem, models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=40)
    about = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64)
    supports = models.JSONField(default=list, db_default=[])

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["exemplar", "number"], name="assessment_exemplar_evidence_once"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def says_what_it_shows(self) -> bool:
        return any(said["claim"] for said in self.supports)


def frozen_hash(
    content: list[dict[str, str]],
    evidence: list[tuple[int, str]],
    levels: dict[str, str],
    supports: Mapping[int, Sequence[dict[str, str]]] | None = None,
    ai_use: str = "",
) -> str:
    """SHA-256 as RFC 8785 over texts, evidence (number and digest) and agreed levels (criterion to level).

    What each piece of evidence shows, by its number, and the use of AI are in it where there are any: so the hash
    of what was frozen before they were kept stays what it was.
    """
    frozen: dict[str, Any] = {
        "content": content,
        "evidence": [list(one) for one in evidence],
        "levels": levels,
    }
    if said := {str(number): list(rows) for number, rows in (supports or {}).items() if rows}:
        frozen["supports"] = said
    if ai_use:
        frozen["ai_use"] = ai_use
    return hashlib.sha256(rfc8785.dumps(frozen)).hexdigest()
