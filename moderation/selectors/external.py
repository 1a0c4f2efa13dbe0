"""What somebody from outside reads of a round: the sample by codes, both readings, evidence as copies."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet, prefetch_related_objects

from accounts.models import User
from assessment.models import AssessmentDecision, CriterionJudgement
from assessment.selectors import judgements_of, results_for
from catalogue.models import Criterion
from moderation.models import (
    ExternalReview,
    ModerationDecision,
    ModerationRound,
    ModeratorReading,
    SampleItem,
)
from moderation.selectors.withheld import Withheld
from portfolios.definitions import ALLOWED
from portfolios.enums import EvidenceKind, EvidenceState
from portfolios.manifest import neutral_name
from portfolios.models import EvidenceItem, Submission, SubmissionEvidence
from portfolios.selectors import altered_among
from workflows.models import AccessRecord


def reviews_open_to(user: User) -> QuerySet[Any]:
    """Rounds that the person was invited to look at and may read now, what ends first first."""
    found: QuerySet[Any] = (
        ExternalReview.objects.open_to(user)
        .select_related("round__delivery", "round__task")
        .order_by("closes_at", "pk")
    )
    return found


def openings_by(reviews: list[ExternalReview]) -> dict[UUID, int]:
    """How often each invited person opened something of the round: what access records say."""
    found: dict[UUID, int] = {}
    for review in reviews:
        purpose = purpose_of(review)
        rows = AccessRecord.objects.filter(actor=review.person_id, purpose=purpose)
        found[review.pk] = rows.aggregate(count=Count("pk"))["count"]
    return found


def purpose_of(review: ExternalReview) -> str:
    """What stands in the access record of everything that is opened under this invitation."""
    return f"External moderation {review.pk}"


def sample_of(moderation_round: ModerationRound) -> list[tuple[str, SampleItem]]:
    """The live items of the sample with the code of each, in order of codes. Two queries."""
    codes = dict(moderation_round.members.values_list("submission_id", "code"))
    items = moderation_round.items.live().select_related("decision__grade")
    return sorted(((codes[one.submission_id], one) for one in items), key=lambda one: one[0])


@dataclass(frozen=True)
class Shown:
    """One piece of evidence by its neutral name. `item` is None where there is nothing to open."""

    number: int
    name: str
    kind: str
    title: str
    description: str
    text_alternative: str
    supports: list[tuple[str, str, str]]
    item: EvidenceItem | None


@dataclass(frozen=True)
class Judged:
    """One criterion with level, feedback and pointers of the assessor, and the moderator's own."""

    criterion: Criterion
    level: str
    feedback: str
    moderator: str = ""
    comment: str = ""
    evidence: list[int] = field(default_factory=list)
    moderator_evidence: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Dossier:
    """Everything of one item that is shown outside."""

    code: str
    item: SampleItem
    decision: AssessmentDecision
    feedback: str
    criteria: list[Judged]
    evidence: list[Shown]
    reflections: list[tuple[str, str]]
    reading: ModeratorReading | None
    reading_comment: str
    decisions: list[tuple[ModerationDecision, str]] = field(default_factory=list)


def handed_out(submissions: Iterable[UUID]) -> list[tuple[SubmissionEvidence, str]]:
    """The evidence of these, each with the neutral name under which its copy is handed out. Two queries.

    The name is empty where nothing is: a link, what has no copy, a copy that is not as it was stored.
    """
    pins = list(
        SubmissionEvidence.objects.filter(submission__in=list(submissions))
        .select_related("evidence")
        .order_by("submission", "number")
    )
    altered = altered_among(pin.evidence.copy_key for pin in pins)
    return [(pin, _name(pin.evidence, pin.number, altered)) for pin in pins]


def _name(item: EvidenceItem, number: int, altered: Collection[str]) -> str:
    if item.kind == EvidenceKind.NOTE:
        return neutral_name(number, "txt")
    if item.state != EvidenceState.READY or not item.copy_key or item.copy_key in altered:
        return ""
    return neutral_name(number, ALLOWED.get(item.copy_type, ("",))[0])


def evidence_of(submission: Submission, withheld: Withheld) -> list[Shown]:
    """The evidence of the manifest, with names left out of what the learner wrote about it."""
    held = {str(pin.evidence_id): (pin, name) for pin, name in handed_out([submission.pk])}
    found = []
    for one in submission.contents["files"]:
        pin, name = held[one["id"]]
        found.append(
            Shown(
                number=one["number"],
                name=name or neutral_name(one["number"], ""),
                kind=str(EvidenceKind(pin.evidence.kind).label),
                title=withheld.text(one["title"]),
                description=withheld.text(one["description"]),
                text_alternative=withheld.text(one["text_alternative"]),
                supports=[
                    (
                        said["criterion"],
                        withheld.text(said["claim"]),
                        withheld.text(said["locator"]),
                    )
                    for said in one["criteria"]
                ],
                item=pin.evidence if name else None,
            )
        )
    return found


def dossier_of(code: str, item: SampleItem, withheld: Withheld) -> Dossier:
    """One item as it is read outside: no name, no address, no link, no name of a file."""
    submission = item.submission
    decision = results_for([submission.pk])[submission.pk]
    reading = (
        item.readings.filter(sealed_at__isnull=False)
        .prefetch_related("judgements__level", "judgements__pointers")
        .order_by("sealed_at")
        .first()
    )
    theirs = {one.criterion_id: one for one in reading.judgements.all()} if reading else {}
    judgements: list[CriterionJudgement] = judgements_of(decision)
    prefetch_related_objects(judgements, "pointers")
    criteria = []
    for one in judgements:
        mine = theirs.get(one.criterion_id)
        criteria.append(
            Judged(
                criterion=one.criterion,
                level=one.level.label if one.level else "",
                feedback=withheld.text(one.feedback),
                moderator=mine.level.label if mine and mine.level else "",
                comment=withheld.text(mine.comment) if mine else "",
                evidence=[pin.number for pin in one.pointers.all()],
                moderator_evidence=[pin.number for pin in mine.pointers.all()] if mine else [],
            )
        )
    return Dossier(
        code=code,
        item=item,
        decision=decision,
        feedback=withheld.text(decision.feedback),
        criteria=criteria,
        evidence=evidence_of(submission, withheld),
        reflections=[
            (one["criterion"], withheld.text(one["text"]))
            for one in submission.contents["reflections"]
        ],
        reading=reading,
        reading_comment=withheld.text(reading.comment) if reading else "",
        decisions=[
            (one, withheld.text(one.reason)) for one in item.decisions.order_by("decided_at", "pk")
        ],
    )
