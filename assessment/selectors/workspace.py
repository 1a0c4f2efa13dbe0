"""What the marking workspace shows: frozen evidence beside the rubric, and never another's decision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from assessment.definitions import Marks
from assessment.models import (
    AssessmentDecision,
    CriterionJudgement,
    PreparedComment,
    WorkFlag,
)
from assessment.outcome import Result, result_of
from assessment.selectors import (
    bands_of,
    composed,
    judgements_of,
    levels_of,
    manifest_of,
    marks_of,
    pointed_in,
)
from assessment.selectors.comments import (
    Comment,
    comments_by,
    learner_comments,
    referral_of,
)
from assessment.selectors.prepared import prepared_for
from assessment.selectors.queue import name_of
from catalogue.models import Criterion, Level
from portfolios.models import (
    Attestation,
    AttestationStatement,
    EvidenceItem,
    Submission,
    SubmissionEvidence,
)
from portfolios.selectors.evidence import is_old, reuse_of
from portfolios.selectors.viewing import EvidenceView, views_of


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
    supports: list["Claim"] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    view: EvidenceView | None = None
    held_by_others: bool = False
    submitted_elsewhere: bool = False
    is_old: bool = False
    is_flagged: bool = False

    @property
    def is_recording(self) -> bool:
        """Whether places in it are times."""
        return self.media_type.startswith(("video/", "audio/"))


@dataclass(frozen=True)
class Claim:
    """One criterion that the learner put a file to. The claim may be empty, the title never stands alone."""

    code: str
    title: str
    number: int | None
    """The criterion's place in the rubric; None where the rubric has no such code any more."""
    claim: str
    locator: str


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
    prepared: list[PreparedComment] = field(default_factory=list)
    after: "CriterionPanel | None" = None
    """The criterion below it on the page."""

    @property
    def target(self) -> str:
        """What to go to for judging it: its first level, or all of it where it was carried over."""
        if self.judgement.carried_over or not self.levels:
            return f"criterion-{self.number}"
        return self.choices[0][0]

    @property
    def choices(self) -> list[tuple[str, UUID, str, str]]:
        """The levels, each as its place on the page, key, name and descriptor."""
        number = self.number
        return [
            (f"level-{number}-{one.rank}", one.pk, str(one.label), one.descriptor)
            for one in self.levels
        ]

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
    comments: list[Comment]
    feedback: str
    staff_note: str
    reason: str
    reason_code: str
    progress: str
    only: CriterionPanel | None = None
    """The one criterion that is marked across learners, if it is one at a time."""

    def with_unsaved(self, marks: Marks) -> None:
        """Show in the form what a page sent and could not save; what is saved stands beside it."""
        self.feedback, self.staff_note, self.reason = marks.feedback, marks.staff_note, marks.reason
        self.reason_code = marks.reason_code
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


def progress_of(judgements: Iterable[CriterionJudgement]) -> str:
    """How much of the rubric has a level, in words."""
    given = [one.level_id is not None for one in judgements]
    noun = "criterion has" if len(given) == 1 else "criteria have"
    return f"{sum(given)} of {len(given)} {noun} a level."


def files_of(
    submission: Submission,
    manifest: dict[str, Any],
    criteria: Iterable[Criterion],
    user: User,
    *,
    anonymous: bool,
) -> list[File]:
    """Evidence from the manifest. Where marking is anonymous the neutral name stands for the title.

    Each says whether the person has flagged it.
    """
    known = {one.code: one for one in criteria}

    def build(values: Sequence[Any]) -> QuerySet[Any, Any]:
        on, person = values
        flags = WorkFlag.objects.filter(submission=on, person=person, number=OuterRef("number"))
        pins = SubmissionEvidence.objects.filter(submission=on).select_related("evidence")
        return pins.annotate(is_flagged=Exists(flags)).order_by("number")

    pins = composed.instances("pins", build, [submission.pk, user.pk])
    items = {str(pin.evidence_id): pin.evidence for pin in pins}
    flagged = {pin.number for pin in pins if vars(pin)["is_flagged"]}
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
            is_flagged=one["number"] in flagged,
            supports=[
                Claim(
                    said["criterion"],
                    getattr(known.get(said["criterion"]), "title", ""),
                    getattr(known.get(said["criterion"]), "number", None),
                    said["claim"],
                    said["locator"],
                )
                for said in one["criteria"]
            ],
        )
        for one in manifest["files"]
    ]


def show(files: Iterable[File], submission: Submission) -> None:
    """Put to each file what can be shown of it in place, whether its bytes were used elsewhere, and its age."""
    views = views_of([one.item for one in files if one.item is not None])
    reuse = reuse_of(submission)
    months = int(submission.delivery.policy_value("evidence.currency_months"))
    submitted_on = submission.submitted_at.astimezone(submission.delivery.zone).date()
    for file in files:
        if file.item is not None:
            file.view = views[file.item.pk]
            file.held_by_others = file.item.pk in reuse.by_others
            file.submitted_elsewhere = file.item.pk in reuse.elsewhere
            file.is_old = is_old(file.item, months, submitted_on)


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


def workspace_of(
    submission: Submission,
    draft: AssessmentDecision,
    user: User,
    *,
    only: int | None = None,
) -> Workspace:
    """Evidence, rubric and the person's own draft and comments.

    With `only`, the criterion of that number alone, and the evidence that was put to it first. A rubric without
    such a criterion is shown whole.
    """
    manifest = manifest_of(submission)
    anonymous = submission.hides("learner")
    statements = statements_of(manifest, anonymous=anonymous)
    reflections = {one["criterion"]: one["text"] for one in manifest["reflections"]}
    levels = levels_of(submission)
    judgements, pointed = judgements_of(draft), pointed_in(draft)
    criteria = [one.criterion for one in judgements]
    files = files_of(submission, manifest, criteria, user, anonymous=anonymous)
    show(files, submission)
    comments = comments_by(submission.pk, user.pk)
    for file in files:
        file.comments = [one for one in comments if one.evidence == file.number]
    prepared = prepared_for(submission, user, criteria)
    by_criterion: dict[UUID, list[Level]] = {}
    for level in levels:
        by_criterion.setdefault(level.criterion_id, []).append(level)
    panels = [
        CriterionPanel(
            judgement=one,
            levels=by_criterion.get(one.criterion_id, []),
            supports=[
                Support(file, said.claim, said.locator)
                for file in files
                for said in file.supports
                if said.code == one.criterion.code
            ],
            reflection=reflections.get(one.criterion.code, ""),
            statements=statements.get(one.criterion.code, []),
            pointed=pointed.get(one.pk, set()),
            level_id=one.level_id,
            feedback=one.feedback,
            note=one.staff_note,
            prepared=prepared[one.criterion.code],
        )
        for one in judgements
    ]
    for panel, after in pairwise(panels):
        panel.after = after
    scheme = submission.delivery.version.grade_scheme
    alone = next((panel for panel in panels if panel.number == only), None)
    if alone is not None:
        alone.after = None
        put = {support.file.number for support in alone.supports}
        files = sorted(files, key=lambda file: (file.number not in put, file.number))
    return Workspace(
        submission=submission,
        draft=draft,
        who=name_of(submission),
        files=files,
        panels=panels if alone is None else [alone],
        result=result_of(scheme.kind, marks_of(judgements, levels), bands_of(submission.delivery)),
        declaration=manifest["declaration"],
        is_anonymous=anonymous,
        comments=comments,
        feedback=draft.feedback,
        staff_note=draft.staff_note,
        reason=draft.reason,
        reason_code=draft.reason_code,
        progress=progress_of(judgements),
        only=alone,
    )


def warm(submission: UUID) -> None:
    """Read what a workspace asks for first, so that the database has it at hand when it is opened. Keeps nothing."""
    list(Submission.objects.filter(pk=submission).values_list("manifest"))
    pins = SubmissionEvidence.objects.filter(submission=submission).select_related("evidence")
    views_of([pin.evidence for pin in pins])


@dataclass(frozen=True)
class Change:
    """One criterion whose level or feedback a decision changed."""

    criterion: Criterion
    before: str
    after: str
    words_changed: bool


def changes_of(decision: AssessmentDecision) -> list[Change]:
    """What a decision changes against the one before it that its author sealed, or that counted; in rubric order.

    Nothing where there is none. Never set against another's sealed decision that did not count.
    """
    before = (
        AssessmentDecision.objects.sealed()
        .filter(submission=decision.submission_id, number__lt=decision.number)
        .filter(Q(author=decision.author_id) | Q(final_at__isnull=False))
        .order_by("-number")
        .first()
    )
    if before is None:
        return []
    old = {one.criterion_id: one for one in judgements_of(before)}
    found = []
    for one in judgements_of(decision):
        was = old.get(one.criterion_id)
        if was is None or (was.level_id, was.feedback) != (one.level_id, one.feedback):
            found.append(
                Change(
                    one.criterion,
                    was.level.label if was and was.level else "No level",
                    one.level.label if one.level else "No level",
                    was is not None and was.feedback != one.feedback,
                )
            )
    return found


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
    """What a learner may read of a referral: its own feedback on what is not yet met, and its comments.

    The comments are those for the learner, as they stood when the referral was sealed.
    """

    decision: AssessmentDecision
    asked: Sequence[CriterionJudgement]
    met: Sequence[CriterionJudgement]
    comments: Sequence[Comment] = ()


def referral_feedback(submission: Submission, learner: User) -> ReferralFeedback | None:
    """The referral of the learner's own attempt. No levels, no staff notes, no result."""
    decision = referral_of(submission, learner)
    if decision is None:
        return None
    judgements = judgements_of(decision)
    met = [one for one in judgements if one.level is not None and one.level.is_met]
    asked = [one for one in judgements if one not in met]
    return ReferralFeedback(decision, asked, met, learner_comments(submission, learner))
