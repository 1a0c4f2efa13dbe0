"""Marked work, reached by the real actions."""

from collections.abc import Mapping, Sequence

from accounts.models import User
from assessment.actions.allocation import allocate
from assessment.actions.deciding import record_decision, refer
from assessment.actions.marking import save_draft, start_assessment
from assessment.definitions import Judged, Marks
from assessment.models import AssessmentDecision
from catalogue.models import Level
from portfolios.models import Submission
from tests.factories.portfolios import submitted
from tests.personas import Cast

Levels = str | Sequence[str] | Mapping[str, str]


def level_codes(submission: Submission, levels: Levels) -> dict[str, str]:
    """{"C1": "M"}. One word is for every criterion, a sequence is in rubric order."""
    codes = list(submission.rubric.criteria.values_list("code", flat=True))
    if isinstance(levels, str):
        return dict.fromkeys(codes, levels)
    if isinstance(levels, Mapping):
        return dict(levels)
    return dict(zip(codes, levels, strict=True))


def marks(submission: Submission, levels: Levels = "M", **words: str) -> Marks:
    """Levels with feedback on each, as a page would send them."""
    wanted = level_codes(submission, levels)
    found = {
        (level.criterion.code, level.code): level
        for level in Level.objects.filter(criterion__rubric=submission.rubric_id).select_related(
            "criterion"
        )
    }
    judged: dict[int, Judged] = {}
    for criterion, code in wanted.items():
        level = found[criterion, code]
        judged[level.criterion.number] = Judged(
            level=level.pk, feedback=f"On {criterion}: look at the evidence again."
        )
    if "reason" in words:
        words = {"reason_code": "reading", **words}
    return Marks(judged, **{"feedback": "Clear work.", **words})


def opened(submission: Submission, assessor: User) -> AssessmentDecision:
    """The assessor's draft, with the workspace open."""
    start_assessment(submission, actor=assessor)
    return AssessmentDecision.objects.drafts_of(assessor).get(submission=submission)


def drafted(
    submission: Submission, assessor: User, levels: Levels = "M", **words: str
) -> AssessmentDecision:
    """The assessor's draft with these levels."""
    draft = opened(submission, assessor)
    return save_draft(
        submission.pk,
        actor=assessor,
        marks=marks(submission, levels, **words),
        seen_version=draft.version,
    )


def decided(
    submission: Submission, assessor: User, levels: Levels = "M", **words: str
) -> Submission:
    """The assessor opens, judges and records. Double marked work waits for the other then."""
    drafted(submission, assessor, levels, **words)
    record_decision(submission, actor=assessor)
    return Submission.objects.get(pk=submission.pk)


def allocated(cast: Cast, learner_name: str = "lena", assessor: str = "ada") -> Submission:
    """A submission that the assessor is asked to mark."""
    submission = submitted(cast, learner_name)
    allocate(submission, cast.people[assessor], actor=cast.pam)
    return submission


def assessed(
    cast: Cast, learner_name: str = "lena", levels: Levels = "M", assessor: str = "ada"
) -> Submission:
    """A submission with one recorded decision. `levels` as in level_codes."""
    return decided(allocated(cast, learner_name, assessor), cast.people[assessor], levels)


def referred(
    cast: Cast, learner_name: str = "lena", levels: Levels = "NY", assessor: str = "ada"
) -> Submission:
    """A submission that was referred back."""
    submission = allocated(cast, learner_name, assessor)
    drafted(submission, cast.people[assessor], levels)
    return refer(submission, actor=cast.people[assessor])
