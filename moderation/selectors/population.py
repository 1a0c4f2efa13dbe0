"""What a round would take and why; the frozen set as the pure draw wants it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from accounts.models import DeclaredConflict, User
from assessment.enums import Outcome
from assessment.models import AssessmentDecision, CriterionJudgement
from assessment.selectors import results_for
from catalogue.models import AssessmentTask, Delivery, Grade, Level
from moderation import population, sampling, tendency, verification
from moderation.enums import RESOLVED, RoundState
from moderation.models import (
    AssessorWatch,
    ModerationRound,
    PlanVersion,
    RoundMember,
    SampleItem,
    SeverityFigures,
)
from portfolios.enums import HoldKind, SubmissionState
from portfolios.models import Hold, Submission

POLICY = (
    "assessor.probation_decisions",
    "assessor.severity_levels",
    "assurance.alpha",
    "assurance.p_star",
    "coefficient.min_items",
    "escalate.full_on",
    "moderation.days",
    "moderation.minutes_per_item",
    "moderator.blind_first",
    "sample.all_if_n_le",
    "sample.borderline_levels",
    "sample.borderline_points",
    "sample.by_assurance",
    "sample.custom_size",
    "sample.early_check",
    "sample.min",
    "sample.min_per_assessor",
    "sample.sequential",
    "sample.share",
    "sample.targeted",
    "sequential.alpha",
    "sequential.beta",
    "sequential.p1",
    "sequential.p2",
)
"""The policy values that a round freezes."""


@dataclass(frozen=True)
class Candidate:
    """One assessed submission with the decision that counts, and its row in the draw."""

    submission: Submission
    decision: AssessmentDecision
    row: sampling.Row


def policy_of(delivery: Delivery) -> dict[str, Any]:
    """The values in force now, for freezing."""
    return {key: delivery.policy_value(key) for key in POLICY}


def waiting_tasks(user: User) -> QuerySet[Any]:
    """Delivery and task of everything that waits for a round the person may open, with counts."""
    led = Delivery.objects.with_role(user, "lead_moderator")
    rows = Submission.objects.filter(delivery__in=led, state=SubmissionState.ASSESSED)
    found: QuerySet[Any] = (
        rows.order_by()
        .values("delivery_id", "delivery__title", "task_id", "task__title")
        .annotate(waiting=Count("pk"))
        .order_by("delivery__title", "task__title")
    )
    return found


def candidates(
    delivery: Delivery,
    task: AssessmentTask,
    policy: dict[str, Any],
    submissions: Iterable[Submission] | None = None,
) -> list[Candidate]:
    """All assessed submissions of the delivery and task as rows of a draw, in population order.

    A fixed number of queries. Submissions without a decision that counts are left out here; the guard of
    the step names them.
    """
    if submissions is None:
        submissions = Submission.objects.filter(
            delivery=delivery, task=task, state=SubmissionState.ASSESSED
        )
    found = {one.pk: one for one in submissions}
    results = results_for(found, related=())
    if not results:
        return []
    authors = {one.author_id for one in results.values()}
    rules = verification.sampling_rules(policy)
    background = background_of(task, delivery, authors, policy)
    margins = margins_of(task, results.values())
    grades = list(Grade.objects.filter(scheme=delivery.version.grade_scheme_id))
    pass_mark = min(
        (one.min_percent for one in grades if one.is_pass and one.min_percent is not None),
        default=None,
    )
    bands = {one.pk: one.code for one in grades}
    early = _arrivals(task, rules.early)
    flags = _flags(found.values(), results)
    made = []
    for pk, decision in results.items():
        submission = found[pk]
        percent = decision.percent
        facts = sampling.Facts(
            assessor=str(decision.author_id),
            passed=decision.outcome == Outcome.ACHIEVED,
            arrival=early.get(pk, rules.early + 1),
            margin=None if percent is not None else margins.get(decision.pk),
            points=(
                Fraction(percent - pass_mark)
                if percent is not None and pass_mark is not None
                else None
            ),
            flags=frozenset(flags.get(pk, ())),
        )
        made.append(
            Candidate(
                submission,
                decision,
                sampling.Row(
                    key=str(pk),
                    decision=str(decision.pk),
                    assessor=str(decision.author_id),
                    band=bands[decision.grade_id] if decision.grade_id else decision.outcome,
                    reasons=sampling.reasons_to_read(facts, rules, background),
                ),
            )
        )
    return sorted(made, key=lambda one: one.row.key)


def background_of(
    task: AssessmentTask,
    delivery: Delivery,
    assessors: Iterable[UUID],
    policy: Mapping[str, Any],
) -> sampling.Background:
    """Moderated decisions of each assessor anywhere, watches in this delivery, whether the task is new.

    Severities are those that were computed last, from closed rounds of the task alone.
    """
    kept = SeverityFigures.objects.filter(task=task).values_list("figures", flat=True).first()
    least = policy.get("assessor.severity_levels", tendency.APART)
    moderated = (
        SampleItem.objects.live()
        .filter(state__in=RESOLVED, decision__author__in=assessors)
        .order_by()
        .values_list("decision__author_id")
        .annotate(count=Count("pk"))
    )
    watched = (
        AssessorWatch.objects.current()
        .filter(delivery=delivery, assessor__in=assessors)
        .values_list("assessor_id", flat=True)
    )
    closed = ModerationRound.objects.filter(task=task, state=RoundState.CLOSED)
    return sampling.Background(
        moderated={str(author): count for author, count in moderated},
        watched=frozenset(str(one) for one in watched),
        apart=tendency.to_read(kept, least) if kept else frozenset(),
        new_task=not closed.exists(),
    )


def margins_of(
    task: AssessmentTask, decisions: Iterable[AssessmentDecision]
) -> dict[UUID, int | None]:
    """Levels above the bare pass, added up over the required criteria of each decision.

    None for every decision where no required criterion has more than one level on the pass side: such
    a rubric cannot tell a bare pass from a good one.
    """
    met: dict[UUID, list[int]] = {}
    for criterion, rank in Level.objects.filter(
        criterion__rubric__task=task, criterion__is_required=True, is_met=True
    ).values_list("criterion_id", "rank"):
        met.setdefault(criterion, []).append(rank)
    if all(len(ranks) < 2 for ranks in met.values()):
        return {}
    margins: dict[UUID, int | None] = {}
    for decision, criterion, rank in CriterionJudgement.objects.filter(
        decision__in=[one.pk for one in decisions], criterion__in=met, level__isnull=False
    ).values_list("decision_id", "criterion_id", "level__rank"):
        margins[decision] = (margins.get(decision) or 0) + rank - min(met[criterion])
    return margins


def _arrivals(task: AssessmentTask, first: int) -> dict[UUID, int]:
    """Place of the first submissions of a task, over all deliveries of its version. Seeds are not among them."""
    live = Submission.objects.filter(task=task, delivery__seeds_for__isnull=True)
    keys = live.order_by("submitted_at", "pk")
    return {pk: place for place, pk in enumerate(keys.values_list("pk", flat=True)[:first], 1)}


def _flags(
    submissions: Iterable[Submission], results: dict[UUID, AssessmentDecision]
) -> dict[UUID, set[str]]:
    """What is known about single pieces: a claim on prior learning, resubmitted, in conflict, hold lifted."""
    rows = list(submissions)
    learners = {one.learner_id for one in rows}
    authors = {one.author_id for one in results.values()}
    pairs: set[tuple[UUID, UUID]] = set()
    for first, second in DeclaredConflict.objects.filter(
        Q(person__in=learners, other__in=authors) | Q(person__in=authors, other__in=learners)
    ).values_list("person_id", "other_id"):
        pairs |= {(first, second), (second, first)}
    held = set(
        Hold.objects.filter(
            submission__in=[one.pk for one in rows],
            kind__in=[HoldKind.INTEGRITY, HoldKind.SPECIAL_CONSIDERATION],
        ).values_list("submission_id", flat=True)
    )
    claims = set(
        Submission.objects.filter(
            pk__in=[one.pk for one in rows], enrolment__recognition=True
        ).values_list("pk", flat=True)
    )
    flags: dict[UUID, set[str]] = {}
    for one in rows:
        own = set()
        if one.pk in claims:
            own.add(sampling.RPL)
        if one.attempt > 1:
            own.add(sampling.RESUBMISSION)
        if one.pk in held:
            own.add(sampling.HOLD_CLEARED)
        if one.pk in results and (one.learner_id, results[one.pk].author_id) in pairs:
            own.add(sampling.CONFLICT)
        flags[one.pk] = own
    return flags


def current_plan(moderation_round: ModerationRound) -> PlanVersion:
    """The plan in force: the newest."""
    found: PlanVersion = moderation_round.plans.order_by("-number")[0]
    return found


def plan_numbered(moderation_round: ModerationRound, number: int) -> PlanVersion:
    found: PlanVersion = moderation_round.plans.get(number=number)
    return found


def rows_of(plan: PlanVersion) -> list[sampling.Row]:
    """The population as it was frozen, read from the same file that an auditor draws from."""
    return verification.rows_under(plan.population, plan.policy)


def coded_rows(
    moderation_round: ModerationRound, members: list[RoundMember], policy: dict[str, Any]
) -> list[sampling.Row]:
    """The frozen decisions as rows under another policy, by the codes that they have."""
    work = {str(one.submission_id): one.code for one in members}
    people = {str(one.assessor_id): one.assessor_code for one in members}
    found = candidates(
        moderation_round.delivery,
        moderation_round.task,
        policy,
        [one.submission for one in members],
    )
    return [population.coded(one.row, work, people) for one in found]


def population_under(
    moderation_round: ModerationRound, plan: PlanVersion, policy: dict[str, Any]
) -> str:
    """The population's file under another policy: flags found anew before a draw, as they stood after it."""
    if moderation_round.state != RoundState.FROZEN:
        return plan.population
    members = list(moderation_round.members.select_related("submission__enrolment"))
    return population.write(coded_rows(moderation_round, members, policy))


def draw_of(plan: PlanVersion) -> sampling.Plan:
    """What the plan's seed draws from its population: preview and draw are the same call."""
    return sampling.draw(
        rows_of(plan),
        verification.sampling_rules(plan.policy),
        plan.seed,
        verification.size_rule(plan.policy),
        plan.algorithm,
    )


def drawn_under(moderation_round: ModerationRound, plan: int) -> set[str]:
    """Codes of the live items whose work is drawn under this plan."""
    items = moderation_round.items.live().values("submission")
    members = moderation_round.members.filter(plan=plan, submission__in=items)
    return set(members.values_list("code", flat=True))


def left_to_draw(moderation_round: ModerationRound, assessor: UUID) -> dict[int, int]:
    """How many pieces of an assessor are in the frame and not drawn, for each plan that has some."""
    drawn = moderation_round.items.live().values("submission")
    rows = (
        moderation_round.members.filter(assessor=assessor, targeted_for=[])
        .exclude(submission__in=drawn)
        .order_by()
        .values_list("plan")
        .annotate(left=Count("pk"))
    )
    return dict(sorted(rows))
