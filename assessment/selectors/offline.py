"""The person's own waiting work with their drafts, for marking away from the system."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from accounts.models import User
from assessment.models import AssessmentDecision, CriterionJudgement
from assessment.querysets import in_order, lying_in, place_of_delivery, waiting_for
from assessment.selectors.filters import QUEUED
from catalogue.models import Criterion, Delivery, Level
from portfolios.models import Submission

MOST = 200
"""Works in one export."""


@dataclass
class OfflineWork:
    """One work, the person's draft on it if they opened it, and the rubric."""

    submission: Submission
    draft: AssessmentDecision | None
    criteria: list[Criterion]
    levels: dict[UUID, list[Level]]
    judgements: dict[UUID, CriterionJudgement] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """0 while it is not opened: drafts begin at 1."""
        return int(self.draft.version) if self.draft else 0


def offline_work(
    user: User, *, delivery: Delivery | None = None, references: Iterable[str] | None = None
) -> list[OfflineWork]:
    """What waits for the person, most urgent first, in a number of queries that does not grow with it."""
    rows = waiting_for(Submission.objects.filter(state__in=QUEUED), user)
    if delivery is not None:
        rows = lying_in(rows, delivery.pk)
    if references is not None:
        rows = rows.filter(reference__in=set(references))
    submissions = list(
        in_order(rows)
        .select_related("task", "rubric", "lease", "delivery__version")
        .defer("manifest")[:MOST]
    )
    drafts = {
        one.submission_id: one
        for one in AssessmentDecision.objects.drafts_of(user).filter(submission__in=submissions)
    }
    judged: dict[UUID, dict[UUID, CriterionJudgement]] = {}
    for one in CriterionJudgement.objects.filter(decision__in=drafts.values()).select_related(
        "level"
    ):
        judged.setdefault(one.decision_id, {})[one.criterion_id] = one
    rubrics = {one.rubric_id for one in submissions}
    criteria: dict[UUID, list[Criterion]] = {}
    for criterion in Criterion.objects.filter(rubric__in=rubrics).order_by("number"):
        criteria.setdefault(criterion.rubric_id, []).append(criterion)
    levels: dict[UUID, list[Level]] = {}
    for level in Level.objects.filter(criterion__rubric__in=rubrics).order_by("rank"):
        levels.setdefault(level.criterion_id, []).append(level)
    return [
        OfflineWork(
            one,
            drafts.get(one.pk),
            criteria.get(one.rubric_id, []),
            levels,
            judged.get(drafts[one.pk].pk, {}) if one.pk in drafts else {},
        )
        for one in submissions
    ]


def offline_rows(works: Iterable[OfflineWork]) -> list[list[str]]:
    """The rows of the table. What was carried over from an earlier attempt is left out: it stays as it is."""
    rows = []
    for work in works:
        for criterion in work.criteria:
            said = work.judgements.get(criterion.pk)
            if said is not None and said.carried_over:
                continue
            choices = work.levels.get(criterion.pk, [])
            rows.append(
                [
                    work.submission.reference,
                    work.submission.pseudonym,
                    work.submission.task.title,
                    str(work.submission.attempt),
                    criterion.code,
                    criterion.title,
                    said.level.code if said and said.level else "",
                    said.feedback if said else "",
                    said.staff_note if said else "",
                    " | ".join(f"{one.code} {one.label}" for one in choices),
                    str(work.version),
                ]
            )
    return rows


def waiting_by_delivery(user: User) -> list[tuple[Delivery, int]]:
    """Deliveries with work that waits for the person, and how much."""
    rows = waiting_for(Submission.objects.filter(state__in=QUEUED), user)
    counts: dict[UUID, int] = {}
    places = rows.order_by().annotate(place=place_of_delivery())
    for key in places.values_list("place", flat=True):
        counts[key] = counts.get(key, 0) + 1
    found = Delivery.objects.filter(pk__in=counts).order_by("title", "pk")
    return [(one, counts[one.pk]) for one in found]
