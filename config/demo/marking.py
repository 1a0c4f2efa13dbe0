"""What assessors have decided."""

from assessment.actions.allocation import allocate
from assessment.actions.deciding import record_decision, refer
from assessment.actions.marking import save_draft, start_assessment
from assessment.definitions import Judged, Marks
from assessment.models import AssessmentDecision
from catalogue.models import Criterion
from config.demo.people import Cast
from config.demo.work import add_what_was_missing
from portfolios.actions.submission import lift_hold, place_hold
from portfolios.enums import HoldKind
from portfolios.models import Submission

FEEDBACK = [
    "Your evidence shows not only what you changed but why. Keep the test plan: it will serve again.",
    "Clear and honest. The part about what did not work is the most convincing one.",
    "Sound work throughout. Next time let somebody else repeat your test before you report it.",
]
NOT_YET = (
    "The evidence shows a plan, but not yet that it was carried out. Add what you found when you tested, "
    "with a date, and say what changed because of it."
)
ASSESSED = {"james": 1, "aroha": 3, "li": 2, "nia": 1, "kiri": 2, "tomas": 0}
"""Learner → rank of the level on most criteria. Hōne's work waits, Sofia's is open, Tama's is referred."""


def marks(submission: Submission, rank: int, *, only: int | None = None, weak: int = 0) -> Marks:
    """Levels of that rank; the first `weak` criteria are not yet met; `only` so many are judged so far."""
    said = {}
    criteria = Criterion.objects.filter(rubric=submission.rubric_id).prefetch_related("levels")
    for number, criterion in enumerate(criteria.order_by("number")):
        if only is not None and number >= only:
            break
        levels = sorted(criterion.levels.all(), key=lambda level: level.rank)
        wanted = 0 if number < weak else min(rank + (number % 3 == 2), len(levels) - 1)
        level = levels[wanted]
        feedback = "Well shown." if level.is_met else NOT_YET
        said[criterion.number] = Judged(
            level=level.pk, feedback=feedback, pointers=put_to(submission, criterion.code)
        )
    return Marks(criteria=said, feedback=FEEDBACK[rank % len(FEEDBACK)])


def put_to(submission: Submission, code: str) -> list[int]:
    """The numbers of the evidence that the learner put to a criterion."""
    return [
        file["number"]
        for file in submission.contents["files"]
        if any(one["criterion"] == code for one in file["criteria"])
    ]


def begin(submission: Submission, assessor: str, cast: Cast, filled: Marks) -> Submission:
    """Allocate, open the workspace and save a draft."""
    allocate(submission, cast[assessor], actor=cast["pam"])
    opened = start_assessment(submission, actor=cast[assessor])
    draft = AssessmentDecision.objects.get(submission=opened, author=cast[assessor])
    save_draft(opened.pk, actor=cast[assessor], marks=filled, seen_version=draft.version)
    return opened


def make_decisions(submissions: dict[str, Submission], cast: Cast) -> None:
    """The cohort: one waits, one is open, one is referred, the rest are assessed."""
    allocate(submissions["hone"], cast["ada"], actor=cast["pam"])
    begin(submissions["sofia"], "abe", cast, marks(submissions["sofia"], 2, only=3))
    tama = begin(submissions["tama"], "ada", cast, marks(submissions["tama"], 1, weak=2))
    refer(tama, actor=cast["ada"])
    for number, (name, rank) in enumerate(ASSESSED.items()):
        assessor = ("ada", "abe")[number % 2]
        weak = 2 if rank == 0 else 0
        filled = marks(submissions[name], max(rank, 1), weak=weak)
        opened = begin(submissions[name], assessor, cast, filled)
        record_decision(opened, actor=cast[assessor])


def decide_all(submissions: dict[str, Submission], cast: Cast, *, weak: set[str]) -> None:
    """Everything of a cohort is assessed; `weak` work does not achieve."""
    for number, (name, submission) in enumerate(submissions.items()):
        assessor = ("ada", "abe")[number % 2]
        filled = marks(submission, 1 + number % 3, weak=2 if name in weak else 0)
        opened = begin(submission, assessor, cast, filled)
        record_decision(opened, actor=cast[assessor])


def refer_and_decide_again(submission: Submission, assessor: str, cast: Cast) -> None:
    """Send it back for more evidence; the second attempt comes, and is decided by the same person."""
    opened = begin(submission, assessor, cast, marks(submission, 2, weak=2))
    refer(opened, actor=cast[assessor])
    second = add_what_was_missing(submission.portfolio)
    opened = begin(second, assessor, cast, marks(second, 2))
    record_decision(opened, actor=cast[assessor])


def hold_and_lift(submission: Submission, cast: Cast) -> None:
    """A hold on integrity that was looked into and closed."""
    hold = place_hold(
        submission,
        actor=cast["pam"],
        kind=HoldKind.INTEGRITY,
        reason="Two reports describe the same service in the same words.",
    )
    lift_hold(hold, actor=cast["pam"], note="They worked on it together, and each says which part.")
