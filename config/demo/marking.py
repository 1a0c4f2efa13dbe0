"""What assessors have decided, and the round that waits for moderators."""

from assessment.actions.allocation import allocate
from assessment.actions.deciding import record_decision, refer
from assessment.actions.marking import save_draft, start_assessment
from assessment.definitions import Judged, Marks
from assessment.models import AssessmentDecision
from catalogue.models import Criterion, Delivery
from config.demo.people import Cast
from moderation.actions import draw_sample, open_round
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
        said[criterion.number] = Judged(level=level.pk, feedback=feedback)
    return Marks(criteria=said, feedback=FEEDBACK[rank % len(FEEDBACK)])


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


def decide_all(submissions: dict[str, Submission], cast: Cast) -> None:
    """The pilot: everything is assessed."""
    for number, submission in enumerate(submissions.values()):
        assessor = ("ada", "abe")[number % 2]
        opened = begin(submission, assessor, cast, marks(submission, 1 + number % 3))
        record_decision(opened, actor=cast[assessor])


def draw_round(delivery: Delivery, cast: Cast) -> None:
    """The lead moderator freezes the pilot and draws; reading is left for who tries it out."""
    opened = open_round(delivery, delivery.version.tasks.get(), actor=cast["lea"])
    draw_sample(opened, actor=cast["lea"])
