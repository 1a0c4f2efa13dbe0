"""Exemplars: frozen with the levels that were agreed, and retired."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from assessment import rules
from assessment.enums import ExemplarOrigin, Outcome
from assessment.exceptions import ExemplarIncomplete
from assessment.models import Exemplar, ExemplarEvidence, ExemplarLevel
from assessment.models.exemplars import frozen_hash
from assessment.outcome import result_of
from assessment.selectors import bands_of, marks_of
from catalogue.models import AssessmentTask, Grade, Level
from portfolios.definitions import ALLOWED
from portfolios.enums import EvidenceState, SubmissionState
from portfolios.manifest import ALPHABET, Support, neutral_name, normal
from portfolios.models import EvidenceItem, Submission
from portfolios.selectors import is_altered
from workflows.exceptions import NotPermitted, StaleState

DECIDED = (
    SubmissionState.ASSESSED,
    SubmissionState.IN_MODERATION,
    SubmissionState.MODERATED,
    SubmissionState.RATIFIED,
    SubmissionState.RELEASED,
)
"""States in which somebody has decided on the work, so that its levels can be agreed on."""


@dataclass(frozen=True)
class Agreed:
    """What people agreed on: a level for each criterion by their keys, why, and where the work lies."""

    levels: Mapping[UUID, UUID]
    rationale: str
    reasons: Mapping[UUID, str] = field(default_factory=dict)
    boundary: Grade | None = None


@dataclass(frozen=True)
class Anonymous:
    """What is frozen of the work: texts by the criterion's code, and evidence with words about each.

    `supports` says by the keys of the evidence what each piece shows and where, `ai_use` what was declared. `notes`
    are the words of written notes, each with what it shows.
    """

    texts: Sequence[tuple[str, str]]
    evidence: Sequence[tuple[EvidenceItem, str]] = ()
    supports: Mapping[UUID, Sequence[Support]] = field(default_factory=dict)
    ai_use: str = ""
    notes: Sequence[tuple[str, Sequence[Support]]] = ()


@transaction.atomic
def freeze_exemplar(
    task: AssessmentTask,
    *,
    actor: User,
    title: str,
    agreed: Agreed,
    work: Anonymous,
    source: Submission | None = None,
    consent: str = "",
    for_calibration: bool = False,
) -> Exemplar:
    """Put a piece of work into the bank as it is, for good. Lead moderators of the micro-credential.

    With a `source` the work must be released, or decided with a note of how its learner agreed; without,
    the text was written for the purpose. The outcome follows from the levels. Evidence is taken as its copy
    without metadata. Nothing is changed in the submission, and nobody is told. ExemplarIncomplete says what
    is missing; whether the texts name somebody, only the person who reads them can say.
    """
    if not rules.keeps_exemplars(task, actor):
        raise NotPermitted(instance=task)
    rubric = task.rubric
    levels = list(Level.objects.filter(criterion__rubric=rubric).select_related("criterion"))
    chosen = {
        one.criterion_id: one for one in levels if one.pk == agreed.levels.get(one.criterion_id)
    }
    texts = [{"criterion": code, "text": normal(text).strip()} for code, text in work.texts]
    texts += [
        {"text": normal(text).strip(), **_trimmed(said)}
        for text, supports in work.notes
        for said in supports
    ]
    texts = [one for one in texts if one["text"]]
    if missing := _missing(task, levels, chosen, agreed, texts, work, source, consent):
        raise ExemplarIncomplete(missing)
    rows = [
        ExemplarLevel(
            criterion=level.criterion,
            level=level,
            rationale=normal(agreed.reasons.get(criterion, "")).strip(),
        )
        for criterion, level in sorted(chosen.items(), key=lambda one: one[1].criterion.number)
    ]
    version = task.version
    outcome = result_of(
        version.grade_scheme.kind, marks_of(rows, levels), bands_of(version)
    ).outcome
    files = _files(work)
    ai_use = normal(work.ai_use).strip()
    made = Exemplar.objects.create(
        task=task,
        rubric_hash=rubric.content_hash,
        code="EX-" + "".join(secrets.choice(ALPHABET) for _ in range(6)),
        title=normal(title).strip(),
        boundary=agreed.boundary,
        origin=_origin(source),
        source=source,
        consent=normal(consent).strip(),
        content=texts,
        content_hash=frozen_hash(
            texts,
            [(one.number, one.sha256) for one in files],
            {one.criterion.code: one.level.code for one in rows},
            {one.number: one.supports for one in files},
            ai_use,
        ),
        ai_use=ai_use,
        outcome=outcome or Outcome.NOT_ACHIEVED,
        rationale=normal(agreed.rationale).strip(),
        for_calibration=for_calibration,
        made_by=actor,
    )
    for level in rows:
        level.exemplar = made
    for file in files:
        file.exemplar = made
    ExemplarLevel.objects.bulk_create(rows)
    ExemplarEvidence.objects.bulk_create(files)
    return made


def _origin(source: Submission | None) -> ExemplarOrigin:
    if source is None:
        return ExemplarOrigin.WRITTEN
    released = source.state == SubmissionState.RELEASED
    return ExemplarOrigin.RELEASED if released else ExemplarOrigin.CONSENTED


def _missing(
    task: AssessmentTask,
    levels: Sequence[Level],
    chosen: Mapping[UUID, Level],
    agreed: Agreed,
    texts: Sequence[Mapping[str, str]],
    work: Anonymous,
    source: Submission | None,
    consent: str,
) -> list[str]:
    """What keeps the work from being frozen, in sentences."""
    said = []
    if open_ones := sorted(
        {one.criterion.code for one in levels if one.criterion_id not in chosen}
    ):
        said.append(f"Choose the agreed level of {', '.join(open_ones)}.")
    if not agreed.rationale.strip():
        said.append("Say why these levels were agreed.")
    if not texts and not work.evidence:
        said.append("Give a text or choose evidence: there is nothing to read yet.")
    if agreed.boundary and agreed.boundary.scheme_id != task.version.grade_scheme_id:
        said.append("The boundary is not one of this micro-credential.")
    if source is None:
        if work.evidence:
            said.append("Evidence comes with a submission.")
        return said
    if source.task_id != task.pk:
        said.append("The submission is of another task.")
    if source.state not in DECIDED:
        said.append("The submission has no decision yet.")
    elif source.state != SubmissionState.RELEASED and not consent.strip():
        said.append("The work is not released. Say how its learner agreed.")
    pinned = set(source.pins.values_list("evidence_id", flat=True))
    for item, _about in work.evidence:
        if item.pk not in pinned:
            said.append("Evidence of another submission was chosen.")
        elif item.state != EvidenceState.READY or not item.copy_key or is_altered(item.copy_key):
            said.append("There is no copy without metadata of one piece of evidence.")
    return said


def _files(work: Anonymous) -> list[ExemplarEvidence]:
    return [
        ExemplarEvidence(
            item=item,
            number=number,
            name=neutral_name(number, ALLOWED.get(item.copy_type, ("",))[0]),
            about=normal(about).strip(),
            sha256=item.copy_sha256,
            supports=[_trimmed(one) for one in work.supports.get(item.pk, ())],
        )
        for number, (item, about) in enumerate(work.evidence, 1)
    ]


def _trimmed(said: Support) -> dict[str, str]:
    return {key: normal(words).strip() for key, words in asdict(said).items()}


@transaction.atomic
def retire_exemplar(exemplar: Exemplar, *, actor: User, reason: str) -> Exemplar:
    """Take it out of the bank; it is kept, and what was calibrated with it stays as it was."""
    fresh: Exemplar = Exemplar.objects.select_for_update(of=("self",)).get(pk=exemplar.pk)
    if not rules.keeps_exemplars(fresh.task, actor):
        raise NotPermitted(instance=fresh)
    if fresh.is_retired:
        raise StaleState(instance=fresh)
    if not reason.strip():
        raise ExemplarIncomplete(["Say why it is retired."])
    fresh.retired_by, fresh.retired_at = actor, timezone.now()
    fresh.retirement_reason = normal(reason).strip()
    fresh.save(update_fields=["retired_by", "retired_at", "retirement_reason"])
    return fresh
