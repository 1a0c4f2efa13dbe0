"""Seeds: what stands in the way of hiding agreed work, for whom which is due, and how it was marked."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from django.db.models import Q

from accounts.enums import OrganisationRole
from accounts.models import User
from assessment.calibration import Pair, PassRule, Verdict, judge
from assessment.conflicts import conflicts_among
from assessment.enums import WORK_STATES, AllocationRole, Outcome, Reading
from assessment.hashing import chance_of
from assessment.models import (
    Allocation,
    AssessmentDecision,
    Capacity,
    CriterionJudgement,
    Exemplar,
    FeedbackReview,
    Seed,
    SeedPlan,
)
from assessment.models.calibration import rule_values
from assessment.selectors import people_of
from assessment.selectors.calibration import ComparedLevel, beside, pair_of, unseen_exemplars
from assessment.selectors.filters import QUEUED
from assessment.selectors.workload import absences_among, in_hand, times_of
from catalogue.enums import DeliveryRoleKind
from catalogue.models import AssessmentTask, Delivery, DeliveryRole
from portfolios.models import Hold, Submission
from portfolios.selectors import altered_among

FEWEST = 6
"""Pieces of live work whose distances say when a seed comes to somebody who marks alone."""


def obstacles(delivery: Delivery, task: AssessmentTask) -> list[str]:
    """Why agreed work cannot be hidden here, in sentences: wherever it could be told from live work.

    It has no learner's name, is read by one person, has no confirmation from work, and takes no place among
    the first decisions on a new task.
    """
    said = []
    if delivery.opened_at is None or delivery.closed_at is not None:
        said.append("The delivery is not open.")
    schedule = delivery.schedules.filter(task=task).first()
    if schedule is None:
        said.append("The task has no dates here.")
    if not delivery.hides_learner(task.pk):
        said.append("Whoever marks this task reads the learners’ names, and agreed work has none.")
    plan = delivery.reading_plans.filter(task=task).first()
    if delivery.policy_value("marking.double") or (plan and plan.reading != Reading.SINGLE):
        said.append("This task is marked twice, and agreed work is marked by one person.")
    if delivery.early_checks.filter(task=task, passed_at__isnull=True).exists():
        said.append("The first decisions on this task are still being read.")
    if task.attestations_required:
        said.append("This task asks for confirmations from work, and agreed work has none.")
    if not (kept := _kept_with_evidence(task)):
        said.append(
            "No agreed work with evidence is kept for calibration on this rubric. Freeze some first."
        )
    elif not any(passes_for_live(one) for one in kept):
        said.append(
            "The agreed work that is kept for calibration does not say what each piece of its evidence shows, as"
            " learners do, has no evidence and no note for a required criterion, or has a text on the whole, which"
            " learners have not. Freeze it anew from its submission."
        )
    return said


def _kept_with_evidence(task: AssessmentTask) -> list[Exemplar]:
    """Agreed work that is kept from assessors, has evidence and is not in te reo Māori."""
    return list(
        Exemplar.objects.fitting(task.rubric)
        .filter(for_calibration=True, evidence__isnull=False, source__in_reo=False)
        .select_related("task__rubric")
        .prefetch_related("evidence", "task__rubric__criteria")
        .distinct()
    )


def passes_for_live(exemplar: Exemplar) -> bool:
    """Whether it has what learners hand in and nothing else.

    Each piece of evidence and each note says what it shows, each required criterion has one of them, and each text
    is on a criterion.
    """
    says = all(file.says_what_it_shows for file in exemplar.evidence.all())
    notes = all(any(said["claim"] for said in rows) for rows in exemplar.notes.values())
    required = {one.code for one in exemplar.task.rubric.criteria.all() if one.is_required}
    has_all = required <= exemplar.put_to
    return says and notes and has_all and all(text["criterion"] for text in exemplar.texts)


def takers(delivery: Delivery) -> list[User]:
    """Assessors of the delivery who can have seeds: those with no other part from which they could tell them.

    Nobody who administers, leads, moderates or ratifies in any delivery of the micro-credential, has an office at
    its provider, or looks after the platform.
    """
    people = [one for one in people_of(delivery, DeliveryRoleKind.ASSESSOR) if not one.is_staff]
    keys = [one.pk for one in people]
    credential = delivery.version.micro_credential
    others = (
        DeliveryRole.objects.current()
        .filter(user__in=keys, delivery__version__micro_credential=credential)
        .exclude(role=DeliveryRoleKind.ASSESSOR)
    )
    known = set(others.values_list("user_id", flat=True))
    offices = User.objects.filter(
        Q(memberships__organisation=credential.provider_id)
        & ~Q(memberships__role=OrganisationRole.EMPLOYEE),
        pk__in=keys,
    )
    known |= set(offices.values_list("pk", flat=True))
    return [one for one in people if one.pk not in known]


def choices_for(plan: SeedPlan, assessor: User) -> list[Exemplar]:
    """Agreed work that this person cannot recognise and may mark: the usual rules hold for whose it was."""
    usable = [one.pk for one in _kept_with_evidence(plan.task) if passes_for_live(one)]
    rows = list(
        unseen_exemplars(plan.task, assessor)
        .filter(pk__in=usable)
        .exclude(source__portfolio__submissions__parts__person=assessor)
        .select_related("source__enrolment", "source__delivery__version")
        .prefetch_related("evidence__item")
    )
    if not rows:
        return []
    conflicts = conflicts_among([assessor.pk], [one.source for one in rows if one.source])
    altered = altered_among(file.item.copy_key for one in rows for file in one.evidence.all())
    return [
        one
        for one in rows
        if one.source is not None
        and not conflicts.findings(assessor.pk, one.source)
        # A copy that was made anew, of the same item, takes the place of the one that was agreed on.
        and all(
            file.item.copy_key and file.item.copy_key not in altered for file in one.evidence.all()
        )
    ]


def wanted(plan: SeedPlan, assessor: User, live: int) -> int:
    """How many seeds there are to be once so many pieces of live work came to the person.

    Each run of as many pieces as the share asks for has one, at a place in the run that the plan's chance
    draws anew: over n pieces there are n × share of them, give or take one, and no place follows from another.
    """
    runs = live * plan.percent / 100
    whole = int(runs)
    return whole + (chance_of(f"{plan.chance}:{whole}", assessor.pk) < runs - whole)


def live_of(plan: SeedPlan) -> dict[UUID, list[dt.datetime]]:
    """By assessor, when each piece of live work of the task came to them since the plan began."""
    rows = Allocation.objects.filter(
        role=AllocationRole.ASSESSOR,
        submission__delivery=plan.delivery_id,
        submission__task=plan.task_id,
        allocated_at__gte=plan.begun_at,
    ).order_by("allocated_at")
    found: dict[UUID, dict[UUID, dt.datetime]] = {}
    for person, key, at in rows.values_list("assessor_id", "submission_id", "allocated_at"):
        found.setdefault(person, {}).setdefault(key, at)
    return {person: list(moments.values()) for person, moments in found.items()}


def is_due(plan: SeedPlan, assessor: User) -> bool:
    """Whether the person has had so much live work since the plan began that a seed should come by now.

    Each waits for the one before it to be decided. Nobody gets one who is away or has enough to do.
    """
    placed = Seed.objects.filter(plan=plan, assessor=assessor)
    live = len(live_of(plan).get(assessor.pk, ()))
    if placed.count() >= wanted(plan, assessor, live):
        return False
    in_queue = placed.filter(withdrawal__isnull=True, submission__state__in=QUEUED)
    return not in_queue.exists() and _has_room(plan, assessor)


def comes_alone(plan: SeedPlan, assessor: User, now: dt.datetime) -> bool:
    """Whether the moment is there for somebody to whom all live work of the task goes.

    With nobody else's arrivals to come among, it follows the last live piece at the distance that two others
    had, drawn by the plan's chance, and never after the last day of handing in.
    """
    live = live_of(plan)
    moments = live.get(assessor.pk, [])
    if len(moments) < FEWEST or len(live) > 1:
        return False
    gaps = [after - before for before, after in pairwise(moments)]
    drawn = chance_of(f"{plan.chance}:{len(moments)}", assessor.pk)
    after = gaps[int(drawn * len(gaps))]
    last = plan.delivery.schedules.filter(task=plan.task_id, cut_off_at__gt=now)
    return moments[-1] + after <= now and last.exists()


def _has_room(plan: SeedPlan, assessor: User) -> bool:
    delivery = plan.delivery
    if absences_among([assessor.pk], delivery):
        return False
    capacity = Capacity.objects.filter(delivery=delivery, assessor=assessor).first()
    if capacity is None or capacity.hours is None:
        return True
    _loads, spent = in_hand([assessor], with_seeds=True)
    minutes = times_of([delivery]).of(delivery.pk, plan.task_id)
    return spent[assessor.pk] + minutes <= capacity.hours * 60


def is_marking_over(delivery: Delivery) -> bool:
    """Whether nothing live of the delivery waits to be marked, nor any of its seeds."""
    lying = Delivery.with_seeds.of(delivery.pk).values("pk")
    waiting = Submission.objects.filter(delivery__in=lying, state__in=QUEUED)
    return not waiting.exclude(seed__withdrawal__isnull=False).exists()


@dataclass(frozen=True)
class SeedRow:
    """One seed as its lead reads it: how it stands, and the levels beside what was agreed once it is decided."""

    seed: Seed
    rows: list[ComparedLevel]
    decision: AssessmentDecision | None
    outcome: str
    words: str
    is_asked_about: bool = False
    """Whether the assessor asked somebody senior about it and has no answer yet."""

    @property
    def counts(self) -> bool:
        """Decided, with a level at least, and not withdrawn."""
        return bool(self.rows) and not hasattr(self.seed, "withdrawal")

    @property
    def same_outcome(self) -> bool:
        return self.outcome == self.seed.exemplar.outcome

    @property
    def pair(self) -> Pair:
        return pair_of(self.rows, self.same_outcome)

    @property
    def signed(self) -> float:
        """Mean difference in levels; + is kinder."""
        return sum(row.gap for row in self.rows) / len(self.rows)

    @property
    def exact(self) -> int:
        return sum(1 for row in self.rows if row.gap == 0)


def rows_of_seeds(seeds: Iterable[Seed]) -> list[SeedRow]:
    """Each with its assessor's newest sealed decision on it, in the order given. Seven queries for any number.

    A referral comes to no result; it says that the work does not pass as it is. A criterion without a level in it is
    left out of the comparison.
    """
    found = list(seeds)
    keys = [one.submission_id for one in found]
    sealed = {
        (one.submission_id, one.author_id): one
        for one in AssessmentDecision.objects.sealed()
        .filter(submission__in=keys)
        .select_related("grade")
        .order_by("number")
    }
    decisions = {one.pk: sealed.get((one.submission_id, one.assessor_id)) for one in found}
    judged: dict[UUID, list[CriterionJudgement]] = {}
    for judgement in (
        CriterionJudgement.objects.filter(
            decision__in=[one.pk for one in decisions.values() if one is not None],
            level__isnull=False,
        )
        .select_related("criterion", "level")
        .order_by("criterion__number")
    ):
        judged.setdefault(judgement.decision_id, []).append(judgement)
    agreed = {
        one.pk: {level.criterion_id: level for level in one.levels.all()}
        for one in Exemplar.objects.filter(
            pk__in={one.exemplar_id for one in found}
        ).prefetch_related("levels__level")
    }
    held = set(
        Hold.objects.open().filter(submission__in=keys).values_list("submission_id", flat=True)
    )
    open_questions = FeedbackReview.objects.open().filter(submission__in=keys)
    asked = set(open_questions.values_list("submission_id", flat=True))
    live = Allocation.objects.current().filter(submission__in=keys)
    allocated = set(live.values_list("submission_id", flat=True))
    rows = []
    for one in found:
        decision = decisions[one.pk]
        levels = agreed[one.exemplar_id]
        compared = [
            beside(said, levels[said.criterion_id], said.feedback)
            for said in (judged.get(decision.pk, []) if decision is not None else [])
        ]
        outcome = "" if decision is None else decision.outcome or Outcome.NOT_ACHIEVED
        words = _words(one, decision, one.submission_id in held, one.submission_id in allocated)
        is_asked = one.submission_id in asked and not hasattr(one, "withdrawal")
        rows.append(SeedRow(one, compared, decision, outcome, words, is_asked))
    return rows


def _words(seed: Seed, decision: AssessmentDecision | None, held: bool, allocated: bool) -> str:
    if hasattr(seed, "withdrawal"):
        return "Withdrawn"
    if decision is not None:
        return "Decided" if decision.outcome else "Referred back"
    if held:
        return "On hold: the assessor raised a concern"
    if not allocated:
        return "Not taken, or given back"
    return "Being marked" if seed.submission.state not in WORK_STATES[:1] else "Waits"


def seeds_of(plans: Sequence[SeedPlan], user: User) -> list[Seed]:
    """What was hidden under these plans, as far as this person may see it, oldest first."""
    return list(
        Seed.objects.visible_to(user)
        .filter(plan__in=plans)
        .select_related("exemplar", "assessor", "submission", "withdrawal", "plan")
        .order_by("placed_at", "pk")
    )


def rule_of(task: AssessmentTask) -> PassRule:
    """The policy's pass rule of calibration, by which seeds are judged too."""
    values = rule_values(task)
    return PassRule(values["exact"], values["adjacent"], values["bias"])


def verdict_on(rows: Iterable[SeedRow], task: AssessmentTask) -> Verdict | None:
    """All that counts held against the rule; None where nothing does."""
    pairs = [one.pair for one in rows if one.counts]
    return judge(pairs, rule_of(task)) if pairs else None


def told_to(user: User) -> list[SeedRow]:
    """What the person marked without knowing, once they were told, newest first."""
    rows = (
        Seed.objects.visible_to(user)
        .filter(assessor=user)
        .select_related("exemplar", "assessor", "submission", "plan__task")
        .order_by("-placed_at", "pk")
    )
    return rows_of_seeds(rows)
