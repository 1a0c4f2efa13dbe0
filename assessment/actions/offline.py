"""Marks that were made away from the system come back: held against what is there, and saved where nothing moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from accounts.models import User
from accounts.words import plain_text
from assessment import guards
from assessment.actions.marking import save_draft, start_assessment
from assessment.definitions import Judged, Marks
from assessment.guards import is_current
from assessment.models import AssessmentDecision
from assessment.selectors.offline import OfflineWork, offline_work
from assessment.tables import CellProblem, OfflineFile, OfflineRow
from portfolios.models import Submission
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState, StaleVersion

NOT_YOURS = "It does not wait for you to mark it: decided, handed back, taken back, or never yours."


@dataclass(frozen=True)
class OfflineChange:
    """What one cell changes, in words. `what` is a criterion's code or the whole work."""

    what: str
    before: str
    after: str


@dataclass
class OfflineItem:
    """One work of the file. `moved` says why it is left as it is; empty where it is not."""

    reference: str
    submission: UUID | None = None
    changes: list[OfflineChange] = field(default_factory=list)
    moved: str = ""
    marks: Marks | None = None
    version: int = 0
    is_bad: bool = False

    @property
    def is_ready(self) -> bool:
        return bool(self.changes) and not self.moved and not self.is_bad


@dataclass
class OfflinePlan:
    """What a file would do: by work, and the cells that cannot be read."""

    items: list[OfflineItem] = field(default_factory=list)
    problems: list[CellProblem] = field(default_factory=list)

    @property
    def ready(self) -> list[OfflineItem]:
        return [one for one in self.items if one.is_ready]

    @property
    def moved(self) -> list[OfflineItem]:
        return [one for one in self.items if one.moved]

    @property
    def unchanged(self) -> list[OfflineItem]:
        return [one for one in self.items if not (one.changes or one.moved or one.is_bad)]


def plan_offline(file: OfflineFile, *, actor: User) -> OfflinePlan:
    """Hold what came back against the person's own drafts. Writes nothing, and shows nobody else's.

    A work that was saved, taken over or decided since the export is left as it is, and so is one with a cell
    that cannot be read.
    """
    plan = OfflinePlan(problems=list(file.problems))
    by_work: dict[str, list[OfflineRow]] = {}
    for row in file.rows:
        by_work.setdefault(row.reference, []).append(row)
    works = {
        one.submission.reference: one for one in offline_work(actor, references=by_work.keys())
    }
    for reference, rows in by_work.items():
        work = works.get(reference)
        if work is None:
            plan.items.append(OfflineItem(reference, moved=NOT_YOURS))
            continue
        plan.items.append(_item(work, rows, file.texts.get(reference), plan, actor))
    plan.problems += [
        CellProblem(0, "", f"feedback/{name[:40]}.txt belongs to no work in the table.")
        for name in file.texts
        if name not in by_work
    ]
    plan.problems.sort()
    return plan


def _item(
    work: OfflineWork,
    rows: Sequence[OfflineRow],
    text: str | None,
    plan: OfflinePlan,
    actor: User,
) -> OfflineItem:
    item = OfflineItem(work.submission.reference, work.submission.pk, version=work.version)
    item.moved = _moved(work, rows, actor)
    known = {one.code.casefold(): one for one in work.criteria}
    judged: dict[int, Judged] = {}
    before = len(plan.problems)
    for row in rows:
        criterion = known.get(row.criterion.casefold())
        if criterion is None:
            plan.problems.append(
                CellProblem(
                    row.row, "Criterion", f"“{row.criterion[:20]}” is no criterion of this work."
                )
            )
            continue
        if criterion.number in judged:
            plan.problems.append(
                CellProblem(
                    row.row, "Criterion", f"{criterion.code} of this work stands above already."
                )
            )
            continue
        choices = work.levels.get(criterion.pk, [])
        said = work.judgements.get(criterion.pk)
        if said is not None and said.carried_over:
            continue
        level = next(
            (
                one
                for one in choices
                if row.level.casefold() in (one.code.casefold(), one.label.casefold())
            ),
            None,
        )
        if level is None and row.level:
            names = ", ".join(one.code for one in choices)
            plan.problems.append(
                CellProblem(
                    row.row,
                    "Level",
                    f"“{row.level[:40]}” is no level of {criterion.code}. Choose one of {names}.",
                )
            )
            continue
        note = said.staff_note if said else ""
        new = Judged(
            level=level.pk if level else None,
            feedback=plain_text(row.feedback),
            staff_note=note if row.staff_note is None else plain_text(row.staff_note),
        )
        judged[criterion.number] = new
        was = said.level.label if said and said.level else "no level"
        now = level.label if level else "no level"
        if was != now:
            item.changes.append(OfflineChange(criterion.code, was, now))
        if new.feedback != (said.feedback if said else ""):
            item.changes.append(OfflineChange(f"{criterion.code}, feedback", "", new.feedback))
        if new.staff_note != note:
            item.changes.append(OfflineChange(f"{criterion.code}, staff note", "", new.staff_note))
    item.is_bad = len(plan.problems) > before
    draft = work.draft
    whole = draft.feedback if draft else ""
    if text is not None and plain_text(text) != whole.strip():
        whole = plain_text(text)
        item.changes.append(OfflineChange("Feedback on the whole work", "", whole))
    item.marks = Marks(
        judged,
        feedback=whole,
        staff_note=draft.staff_note if draft else "",
        reason=draft.reason if draft else "",
        reason_code=draft.reason_code if draft else "",
    )
    return item


def _moved(work: OfflineWork, rows: Sequence[OfflineRow], actor: User) -> str:
    """Why this work is left as it is; empty where nothing moved since the export."""
    if any(row.version != work.version for row in rows):
        return "It was opened or saved here after this file was made. Nothing of it is overwritten."
    if not guards.lease_free.holds(work.submission, actor):
        return "Somebody else has it open now."
    if work.draft is not None and not is_current(work.submission, work.draft):
        return "The evidence, the rubric or the policy has changed. Look at it here first."
    return ""


def apply_offline(file: OfflineFile, *, actor: User) -> tuple[OfflinePlan, list[OfflineItem]]:
    """Save what is ready, each work in a transaction of its own; gives the plan as it was and what was saved.

    Work that was not opened is opened, with all that this asks for. What moved between the look and the save is
    refused by the draft's version and reported with the rest. No verdict is given.
    """
    plan = plan_offline(file, actor=actor)
    saved = []
    for item in plan.ready:
        assert item.marks is not None  # noqa: S101  made with every item
        try:
            _save(item, item.marks, actor)
        except StaleVersion:
            item.moved = "It was saved here just now. Nothing of it is overwritten."
        except GuardsNotMet as error:
            item.moved = " ".join(error.reasons)
        except (StaleState, NotPermitted):
            item.moved = NOT_YOURS
        else:
            saved.append(item)
    return plan, saved


def _save(item: OfflineItem, marks: Marks, actor: User) -> AssessmentDecision:
    seen = item.version
    if item.version == 0:
        work = Submission.objects.get(pk=item.submission)
        start_assessment(work, actor=actor)
        seen = AssessmentDecision.objects.drafts_of(actor).get(submission=work).version
    assert item.submission is not None  # noqa: S101  ready items have one
    return save_draft(item.submission, actor=actor, marks=marks, seen_version=seen)


def as_data(file: OfflineFile) -> dict[str, object]:
    """What a page keeps between the look and the save."""
    return {"rows": [vars(one) for one in file.rows], "texts": file.texts}


def from_data(data: Mapping[str, object]) -> OfflineFile:
    """The same back; raises TypeError, KeyError or ValueError for anything else."""
    rows, texts = data["rows"], data["texts"]
    if not isinstance(rows, list) or not isinstance(texts, dict):
        raise TypeError
    made = []
    for one in rows:
        note = one["staff_note"]
        made.append(
            OfflineRow(
                int(one["row"]),
                str(one["reference"]),
                str(one["criterion"]),
                str(one["level"]),
                str(one["feedback"]),
                None if note is None else str(note),
                int(one["version"]),
            )
        )
    return OfflineFile(made, {str(name): str(text) for name, text in texts.items()})
