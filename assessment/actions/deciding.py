"""Verdicts: refer, record, seal for double marking, adjudicate, and later versions."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import SYSTEM, User
from accounts.words import plain_text
from assessment import guards, rules, selectors
from assessment.actions.allocation import (
    allocate_automatically,
    lock,
    stop_deadline,
    stop_reminding,
)
from assessment.actions.double import open_discussion
from assessment.enums import MARKED_AS, Basis, ChangeReason
from assessment.hashing import policy_hash
from assessment.models import AssessmentDecision, CriterionJudgement, Lease
from assessment.outcome import Result, result_of
from catalogue.models import Grade, Level
from portfolios.actions.submission import open_next_attempt
from portfolios.enums import SubmissionState
from portfolios.guards import no_open_hold
from portfolios.models import Submission
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState, StaleVersion
from workflows.guards import Guard, guards_for
from workflows.machines import step_on
from workflows.transitions import perform

REASON_CODES = {Basis.MODERATION: ChangeReason.STANDARD, Basis.CORRECTION: ChangeReason.FACT}
"""Why a version changes the decision before it, by what made it."""
WAITS_FOR_OTHERS = (guards.both_sealed, guards.decisions_agree)
"""Guards that another person's decision answers, not this one's."""


def unmet(submission: Submission, actor: User, step: str) -> list[Guard]:
    """What stands in the way of this person's verdict. Says nothing of anybody else's decision."""
    arrow = step_on(submission, step)
    if arrow is None:
        return []
    others: tuple[Guard, ...] = WAITS_FOR_OTHERS
    if guards.reads_blind(submission) and submission.returned_at is None:
        others = (*WAITS_FOR_OTHERS, guards.nothing_sealed)
    return [
        one
        for one in guards_for(arrow.step_id, arrow.conditions)
        if one not in others and not one.holds(submission, actor)
    ]


def _draft_of(submission: Submission, actor: User, seen_version: int | None) -> AssessmentDecision:
    draft: AssessmentDecision | None = (
        AssessmentDecision.objects.drafts_of(actor).filter(submission=submission).first()
    )
    if draft is None or not rules.is_turn(submission, actor):
        raise (StaleState if rules.has_sealed(submission, actor) else NotPermitted)(
            instance=submission
        )
    if seen_version is not None and draft.version != seen_version:
        raise StaleVersion(mine=seen_version, theirs=draft)
    if not guards.lease_free.holds(submission, actor):
        raise StaleState(instance=submission)
    return draft


def _grade(submission: Submission, result: Result) -> Grade | None:
    if result.grade is None:
        return None
    return Grade.objects.get(
        scheme=submission.delivery.version.grade_scheme_id, code=result.grade.code
    )


def _seal(
    submission: Submission, draft: AssessmentDecision, *, final: bool, with_result: bool = True
) -> AssessmentDecision:
    """Freeze a draft with the result that its levels come to. Raises GuardsNotMet without a result."""
    if with_result:
        result = selectors.result_of_decision(submission, selectors.judgements_of(draft))
        if not guards.has_result.holds(result):
            raise GuardsNotMet([guards.has_result], instance=submission)
        draft.outcome, draft.percent = result.outcome or "", result.percent
        draft.grade = _grade(submission, result)
    draft.sealed_at = timezone.now()
    draft.final_at = draft.sealed_at if final else None
    draft.save()
    if not guards.reads_blind(submission):
        # Of two who mark blind, neither's lease ends by sealing before the other has sealed.
        Lease.objects.filter(submission=submission, holder=draft.author_id).delete()
    return draft


def _facts(*decisions: AssessmentDecision) -> dict[str, Any]:
    return {"decisions": [{"id": str(one.pk), "number": one.number} for one in decisions]}


@transaction.atomic
def refer(submission: Submission, *, actor: User, seen_version: int | None = None) -> Submission:
    """Ask the learner for more evidence. The judgements are sealed as this referral's own feedback.

    Opens attempt n + 1, in which only the criteria that are not met reopen, due in the policy's working
    days; the learner is told at once through the outbox, without any level. Of two who mark blind neither
    refers alone: the wish is sealed like a decision, and goes to the learner when the other has the same one;
    else they disagree. Raises what perform() raises.
    """
    fresh = lock(submission)
    draft = _draft_of(fresh, actor, seen_version)
    if step_on(fresh, "refer") is None:
        raise StaleState(instance=fresh)
    if guards.reads_blind(fresh) and fresh.returned_at is None:
        if reasons := unmet(fresh, actor, "refer"):
            raise GuardsNotMet(reasons, instance=fresh)
        _seal(fresh, draft, final=False, with_result=False)
        return _compared(fresh, draft, actor)
    moved: Submission = perform(
        fresh, "refer", actor=actor, facts=_facts(draft), reason="Referred back to the learner"
    )
    _seal(fresh, draft, final=False, with_result=False)
    return _opened_again(fresh, moved, draft, actor)


def _opened_again(
    fresh: Submission, moved: Submission, draft: AssessmentDecision, actor: User
) -> Submission:
    """What follows a referral by this decision: the next attempt."""
    stop_deadline(fresh, actor=actor, reason="Referred back")
    delivery = fresh.delivery
    day = delivery.calendar.add(
        timezone.now().astimezone(delivery.zone).date(), delivery.policy_value("referral.days")
    )
    met = [
        one.criterion for one in selectors.judgements_of(draft) if one.level and one.level.is_met
    ]
    open_next_attempt(
        moved,
        met_criteria=met,
        due_at=dt.datetime.combine(day, dt.time(17), tzinfo=delivery.zone).astimezone(dt.UTC),
        actor=actor,
    )
    return moved


@transaction.atomic
def record_decision(
    submission: Submission, *, actor: User, seen_version: int | None = None
) -> Submission:
    """Give the verdict: seal the person's decision, and move the submission when it is the last one needed.

    Single marking: final at once. Double marking: it is sealed, and with the other one the two are final
    together, or the two assessors talk about it, or an adjudicator is asked, who is neither. A
    revision after a return is held against the other sealed decision in the same way, and counts where the
    two agree. An adjudicator's decision stands. For a reconsideration it is sealed and waits for the ratifier. Raises
    GuardsNotMet with every reason, NotPermitted, StaleState, StaleVersion.
    """
    fresh = lock(submission)
    draft = _draft_of(fresh, actor, seen_version)
    if fresh.state == SubmissionState.IN_ADJUDICATION:
        return _adjudicated(fresh, draft, actor)
    if fresh.state == SubmissionState.UNDER_RECONSIDERATION:
        return _reconsidered(fresh, draft, actor)
    if step_on(fresh, "record_decision") is None:
        raise StaleState(instance=fresh)
    if reasons := unmet(fresh, actor, "record_decision"):
        raise GuardsNotMet(reasons, instance=fresh)
    if not guards.is_double_marked(fresh):
        sealed = _seal(fresh, draft, final=True)
        return _recorded(fresh, actor, sealed)
    _seal(fresh, draft, final=False)
    return _compared(fresh, draft, actor)


def _compared(fresh: Submission, draft: AssessmentDecision, actor: User) -> Submission:
    """What follows when one of two is sealed: nothing before the other is, and then by how far they lie apart.

    Close enough: recorded, or referred where both ask for that. Else the two talk about it where the policy
    says so and nothing was returned, and an adjudicator is asked where not.
    """
    first, second = guards.sealed_pair(fresh)
    if first is None or second is None:
        stop_reminding(fresh, actor, actor=actor, reason="Sealed")
        if not guards.reads_blind(fresh):
            allocate_automatically(fresh)
        return fresh
    Lease.objects.filter(submission=fresh).delete()
    if not first.outcome and not second.outcome:
        return refer_by(fresh, max(first, second, key=lambda one: one.number), actor)
    if guards.agree(fresh, first, second):
        # After a return it is the revision that was asked for; what stood before it does not come back.
        revised = fresh.returned_at is not None
        return count(fresh, draft if revised else in_favour(first, second), first, second, actor)
    stop_deadline(fresh, actor=actor, reason="Sealed")
    if fresh.returned_at is None and fresh.delivery.policy_value("double.discussion"):
        open_discussion(fresh, first, second, actor=actor)
        return fresh
    return ask_adjudicator(fresh, first, second)


def refer_by(fresh: Submission, sealed: AssessmentDecision, actor: User) -> Submission:
    """Refer by a sealed decision without an outcome, on which two assessors agree. The learner reads that one."""
    moved: Submission = perform(
        fresh, "refer", actor=actor, facts=_facts(sealed), reason="Referred back to the learner"
    )
    return _opened_again(fresh, moved, sealed, actor)


def ask_adjudicator(
    submission: Submission, first: AssessmentDecision, second: AssessmentDecision
) -> Submission:
    """The system finds that the two disagree, and somebody who is neither is asked."""
    moved: Submission = perform(submission, "disagree", actor=SYSTEM, facts=_facts(first, second))
    allocate_automatically(moved)
    return moved


def count(
    submission: Submission,
    chosen: AssessmentDecision,
    first: AssessmentDecision,
    second: AssessmentDecision,
    actor: User,
) -> Submission:
    """Let the chosen one of two sealed decisions count, and record it."""
    chosen.final_at = timezone.now()
    chosen.save(update_fields=["final_at"])
    return _recorded(submission, actor, first, second)


def _recorded(submission: Submission, actor: User, *decisions: AssessmentDecision) -> Submission:
    moved: Submission = perform(
        submission, "record_decision", actor=actor, facts=_facts(*decisions)
    )
    stop_deadline(submission, actor=actor, reason="Assessed")
    return moved


def _adjudicated(submission: Submission, draft: AssessmentDecision, actor: User) -> Submission:
    if reasons := unmet(submission, actor, "adjudicate"):
        raise GuardsNotMet(reasons, instance=submission)
    sealed = _seal(submission, draft, final=True)
    moved: Submission = perform(submission, "adjudicate", actor=actor, facts=_facts(sealed))
    stop_deadline(submission, actor=actor, reason="Adjudicated")
    return moved


def _reconsidered(submission: Submission, draft: AssessmentDecision, actor: User) -> Submission:
    """Sealed, not final: the ratifier who concludes decides whether it replaces the result."""
    asked = [
        no_open_hold,
        guards.independent_of_learner,
        guards.every_criterion_judged,
        guards.feedback_on_each_not_yet,
        guards.decision_current,
    ]
    if reasons := [one for one in asked if not one.holds(submission, actor)]:
        raise GuardsNotMet(reasons, instance=submission)
    _seal(submission, draft, final=False)
    stop_deadline(submission, actor=actor, reason="Sealed")
    return submission


def in_favour(first: AssessmentDecision, second: AssessmentDecision) -> AssessmentDecision:
    """Of two decisions that agree, the one that is better for the learner; the first where they are equal.

    Levels are never mixed: each decision stands with its own feedback.
    """

    def standing(one: AssessmentDecision) -> tuple[int, Any, int]:
        ranks = one.judgements.filter(level__isnull=False).values_list("level__rank", flat=True)
        return (one.grade.rank if one.grade else -1, one.percent or 0, sum(ranks))

    return second if standing(second) > standing(first) else first


@transaction.atomic
def write_new_version(
    submission: Submission,
    *,
    actor: User,
    basis: Basis,
    reason: str,
    levels: Mapping[UUID, UUID],
    approved_by: User | None = None,
) -> AssessmentDecision:
    """Add a decision version in which some criteria have other levels: adjusted set, factual error.

    See write_new_versions. `levels` maps criterion to level.
    """
    return write_new_versions(
        {submission.pk: levels}, actor=actor, basis=basis, reason=reason, approved_by=approved_by
    )[submission.pk]


@transaction.atomic
def write_new_versions(
    changes: Mapping[UUID, Mapping[UUID, UUID]],
    *,
    actor: User,
    basis: Basis,
    reason: str | Mapping[UUID, str],
    approved_by: User | None = None,
) -> dict[UUID, AssessmentDecision]:
    """Add a final decision version to each submission: {submission: {criterion: level}}.

    Copies the decision that counts, changes these levels, works out the result anew, seals it and makes it
    count; nothing that exists is changed and no state moves. Who may is for the caller to ask. Bound to the
    same manifest, rubric and policy. One reason for all, or one for each submission. The number of
    statements does not grow with the set. Raises StaleState where a submission has no decision that counts,
    GuardsNotMet where there is no result.
    """
    reasons = dict.fromkeys(changes, reason) if isinstance(reason, str) else reason
    if not all(reasons[key].strip() for key in changes) or basis in MARKED_AS.values():
        raise ValueError("A later version needs a reason, and a basis of its own.")
    rows = Submission.objects.select_for_update(of=("self",), no_key=True).order_by("pk")
    submissions = list(
        rows.filter(pk__in=changes).select_related("delivery__version__grade_scheme", "rubric")
    )
    before = selectors.results_for(changes)
    if set(before) != set(changes):
        raise StaleState
    highest = dict(
        AssessmentDecision.objects.filter(submission__in=changes)
        .order_by()
        .values_list("submission_id")
        .annotate(highest=Max("number"))
    )
    now = timezone.now()
    old = _judgements_by_decision([one.pk for one in before.values()])
    rubrics = {one.rubric_id for one in submissions}
    levels: dict[UUID, list[Level]] = {}
    by_id: dict[UUID, Level] = {}
    for level in Level.objects.filter(criterion__rubric__in=rubrics).select_related("criterion"):
        levels.setdefault(level.criterion.rubric_id, []).append(level)
        by_id[level.pk] = level
    bands = {one.delivery_id: selectors.bands_of(one.delivery) for one in _one_each(submissions)}
    grades = {
        (grade.scheme_id, grade.code): grade
        for grade in Grade.objects.filter(
            scheme__in={one.delivery.version.grade_scheme_id for one in submissions}
        )
    }
    hashes = {one.delivery_id: policy_hash(one.delivery) for one in _one_each(submissions)}
    decisions: dict[UUID, AssessmentDecision] = {}
    judgements: list[CriterionJudgement] = []
    for submission in submissions:
        source = before[submission.pk]
        made = AssessmentDecision(
            submission=submission, author=actor, basis=basis, number=highest[submission.pk] + 1,
            manifest_hash=submission.fingerprint, rubric_hash=submission.rubric.content_hash,
            policy_hash=hashes[submission.delivery_id], feedback=source.feedback,
            staff_note=source.staff_note, reason=plain_text(reasons[submission.pk]),
            reason_code=REASON_CODES[basis], approved_by=approved_by,
            sealed_at=now, final_at=now,
        )  # fmt: skip
        copies = [_changed(one, made, by_id, changes[submission.pk]) for one in old[source.pk]]
        result = result_of(
            submission.delivery.version.grade_scheme.kind,
            selectors.marks_of(copies, levels[submission.rubric_id]),
            bands[submission.delivery_id],
        )
        if result.outcome is None or result.grade is None:
            raise GuardsNotMet([guards.has_result], instance=submission)
        made.outcome, made.percent = result.outcome, result.percent
        made.grade = grades[(submission.delivery.version.grade_scheme_id, result.grade.code)]
        decisions[submission.pk] = made
        judgements += copies
    AssessmentDecision.objects.bulk_create(decisions.values())
    CriterionJudgement.objects.bulk_create(judgements)
    _copy_pointers(judgements, old)
    return decisions


def _one_each(submissions: Sequence[Submission]) -> list[Submission]:
    """One submission of each delivery."""
    return list({one.delivery_id: one for one in submissions}.values())


def _judgements_by_decision(keys: Sequence[UUID]) -> dict[UUID, list[CriterionJudgement]]:
    found: dict[UUID, list[CriterionJudgement]] = {key: [] for key in keys}
    rows = CriterionJudgement.objects.filter(decision__in=keys)
    for one in rows.select_related("criterion", "level").order_by("criterion__number"):
        found[one.decision_id].append(one)
    return found


def _changed(
    old: CriterionJudgement,
    made: AssessmentDecision,
    levels: Mapping[UUID, Level],
    change: Mapping[UUID, UUID],
) -> CriterionJudgement:
    level = old.level
    if old.criterion_id in change:
        level = levels[change[old.criterion_id]]
        if level.criterion_id != old.criterion_id:
            raise ValueError(f"{level} is no level of {old.criterion}.")
    return CriterionJudgement(
        decision=made,
        criterion=old.criterion,
        level=level,
        feedback=old.feedback,
        staff_note=old.staff_note,
        carried_over=old.carried_over,
    )


def _copy_pointers(
    judgements: Sequence[CriterionJudgement], old: Mapping[UUID, Sequence[CriterionJudgement]]
) -> None:
    """The new versions point to the same evidence."""
    through = CriterionJudgement.pointers.through
    sources = {one.pk: one for rows in old.values() for one in rows}
    new = {(one.decision.submission_id, one.criterion_id): one.pk for one in judgements}
    places = dict(AssessmentDecision.objects.filter(pk__in=old).values_list("pk", "submission_id"))
    rows = through.objects.filter(criterionjudgement__in=sources)
    through.objects.bulk_create(
        through(
            criterionjudgement_id=new[
                (places[sources[row.criterionjudgement_id].decision_id],
                 sources[row.criterionjudgement_id].criterion_id)
            ],
            submissionevidence_id=row.submissionevidence_id,
        )
        for row in rows
    )  # fmt: skip
