"""What the marking workspace shows: frozen evidence beside the rubric, and never another's decision."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from accounts.models import User
from assessment.definitions import Marks
from assessment.enums import Basis
from assessment.models import AssessmentDecision, CriterionJudgement
from assessment.outcome import Result, result_of
from assessment.selectors import bands_of, judgements_of, levels_of, manifest_of, marks_of
from assessment.selectors.queue import name_of
from catalogue.models import Level
from portfolios.models import Attestation, AttestationStatement, EvidenceItem, Submission


@dataclass
class File:
    """One piece of evidence as it was submitted. `item` gives bytes and preview through portfolios."""

    number: int
    id: str
    title: str
    kind: str
    description: str
    text_alternative: str
    link: str
    media_type: str
    size: int
    item: EvidenceItem | None
    supports: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass
class Support:
    """What the learner says that a file shows for one criterion."""

    file: File
    claim: str
    locator: str


@dataclass
class CriterionPanel:
    """One criterion of the rubric with everything that bears on it."""

    judgement: CriterionJudgement
    levels: list[Level]
    supports: list[Support]
    reflection: str
    statements: list[tuple[str, str, str]]
    pointed: set[int]
    level_id: UUID | None
    feedback: str
    note: str

    @property
    def number(self) -> int:
        return self.judgement.criterion.number


@dataclass
class Workspace:
    """The whole page."""

    submission: Submission
    draft: AssessmentDecision
    who: str
    files: list[File]
    panels: list[CriterionPanel]
    result: Result
    declaration: dict[str, Any]
    is_anonymous: bool
    feedback: str
    staff_note: str
    reason: str

    def with_unsaved(self, marks: Marks) -> None:
        """Show in the form what a page sent and could not save; what is saved stands beside it."""
        self.feedback, self.staff_note, self.reason = marks.feedback, marks.staff_note, marks.reason
        for panel in self.panels:
            said = marks.criteria.get(panel.number)
            if said is not None and not panel.judgement.carried_over:
                panel.level_id, panel.feedback = said.level, said.feedback
                panel.note = said.staff_note
                if said.pointers is not None:
                    panel.pointed = set(said.pointers)

    @property
    def is_revision(self) -> bool:
        return self.submission.returned_at is not None and (
            self.draft.created_at > self.submission.returned_at
        )


def files_of(submission: Submission, manifest: dict[str, Any], *, anonymous: bool) -> list[File]:
    """Evidence from the manifest. Where marking is anonymous the neutral name stands for the title."""
    items = {
        str(pin.evidence_id): pin.evidence for pin in submission.pins.select_related("evidence")
    }
    return [
        File(
            number=one["number"],
            id=one["id"],
            title=one["name"] if anonymous else one["title"],
            kind=one["kind"],
            description=one["description"],
            text_alternative=one["text_alternative"],
            link=one["link"],
            media_type=one["media_type"],
            size=one["bytes"],
            item=items.get(one["id"]),
            supports=[
                (said["criterion"], said["claim"], said["locator"]) for said in one["criteria"]
            ],
        )
        for one in manifest["files"]
    ]


def statements_of(
    manifest: dict[str, Any], *, anonymous: bool
) -> dict[str, list[tuple[str, str, str]]]:
    """What workplace verifiers said, by criterion: who, answer, comment."""
    keys = [one["id"] for one in manifest.get("attestations", [])]
    found: dict[str, list[tuple[str, str, str]]] = {}
    if not keys:
        return found
    given = Attestation.objects.filter(pk__in=keys).select_related(
        "portfolio__enrolment__learner",
        "portfolio__enrolment__employer",
        "portfolio__enrolment__delivery__client",
    )
    names = {one.pk: standing_of(one, anonymous=anonymous) for one in given}
    said = AttestationStatement.objects.filter(attestation__in=keys).select_related("criterion")
    for one in said:
        found.setdefault(one.criterion.code, []).append(
            (names[one.attestation_id], one.get_answer_display(), one.comment)
        )
    return found


def standing_of(attestation: Attestation, *, anonymous: bool) -> str:
    """Who the verifier is and how sure that is, in words. Anonymous marking names neither person nor domain."""
    who = "Workplace verifier" if anonymous else attestation.verifier_name
    if not anonymous and attestation.verifier_relationship:
        who += f", {attestation.verifier_relationship}"
    facts = [attestation.assurance_words]
    if attestation.has_conflict:
        facts.append("says that they are close to the learner")
    if not anonymous:
        facts += [warning.rstrip(".") for warning in attestation.warnings]
    return f"{who} ({'; '.join(facts)})"


def workspace_of(submission: Submission, draft: AssessmentDecision) -> Workspace:
    """Evidence, rubric and the person's own draft."""
    manifest = manifest_of(submission)
    anonymous = bool(submission.delivery.policy_value("anonymous_marking"))
    files = files_of(submission, manifest, anonymous=anonymous)
    statements = statements_of(manifest, anonymous=anonymous)
    reflections = {one["criterion"]: one["text"] for one in manifest["reflections"]}
    levels = levels_of(submission)
    judgements = list(
        draft.judgements.select_related("criterion", "level")
        .prefetch_related("pointers")
        .order_by("criterion__number")
    )
    by_criterion: dict[UUID, list[Level]] = {}
    for level in levels:
        by_criterion.setdefault(level.criterion_id, []).append(level)
    panels = [
        CriterionPanel(
            judgement=one,
            levels=by_criterion.get(one.criterion_id, []),
            supports=[
                Support(file, claim, locator)
                for file in files
                for code, claim, locator in file.supports
                if code == one.criterion.code
            ],
            reflection=reflections.get(one.criterion.code, ""),
            statements=statements.get(one.criterion.code, []),
            pointed={pin.number for pin in one.pointers.all()},
            level_id=one.level_id,
            feedback=one.feedback,
            note=one.staff_note,
        )
        for one in judgements
    ]
    scheme = submission.delivery.version.grade_scheme
    return Workspace(
        submission=submission,
        draft=draft,
        who=name_of(submission),
        files=files,
        panels=panels,
        result=result_of(scheme.kind, marks_of(judgements, levels), bands_of(submission.delivery)),
        declaration=manifest["declaration"],
        is_anonymous=anonymous,
        feedback=draft.feedback,
        staff_note=draft.staff_note,
        reason=draft.reason,
    )


def own_decision(submission: Submission, user: User) -> AssessmentDecision | None:
    """The newest decision that the person sealed on it."""
    found: AssessmentDecision | None = (
        AssessmentDecision.objects.sealed()
        .filter(submission=submission, author=user)
        .select_related("grade")
        .order_by("-number")
        .first()
    )
    return found


@dataclass(frozen=True)
class ReferralFeedback:
    """What a learner may read of a referral: its own feedback on what is not yet met, nothing else."""

    decision: AssessmentDecision
    asked: Sequence[CriterionJudgement]
    met: Sequence[CriterionJudgement]


def referral_feedback(submission: Submission, learner: User) -> ReferralFeedback | None:
    """The referral of the learner's own attempt. No levels, no staff notes, no result."""
    decision = (
        AssessmentDecision.objects.referrals_of(learner)
        .filter(submission=submission)
        .exclude(basis__in=[Basis.MODERATION, Basis.CORRECTION])
        .first()
    )
    if decision is None:
        return None
    judgements = judgements_of(decision)
    met = [one for one in judgements if one.level is not None and one.level.is_met]
    return ReferralFeedback(decision, [one for one in judgements if one not in met], met)
