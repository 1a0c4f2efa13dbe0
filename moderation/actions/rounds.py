"""Freezing a set, drawing from it, and drawing more."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any

import rfc8785
from django.db import transaction
from django.utils import timezone

from accounts.models import Actor, User
from accounts.words import plain_text
from assessment.models import AssessmentDecision
from catalogue.models import AssessmentTask, Delivery
from moderation import guards, population, rules, sampling, selectors, verification
from moderation.actions.telling import tell_waiting_over
from moderation.enums import RoundState, SamplePart
from moderation.exceptions import NothingOwed, PlanUnchanged, ReasonNeeded
from moderation.models import (
    AssessorWatch,
    ModerationRound,
    PlanVersion,
    RoundMember,
    SampleItem,
)
from moderation.transitions import DRAW_ITEM, OPEN_ROUND
from portfolios.enums import PartKind, SubmissionState
from portfolios.models import Part, Submission
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.querysets import insert_many
from workflows.transitions import begin, perform, perform_set

END_OF_DAY = time(17)


def lock_round(moderation_round: ModerationRound) -> ModerationRound:
    """The round as it is now. Taken before any item or submission of it, so that nobody waits in a circle."""
    fresh: ModerationRound = (
        ModerationRound.objects.select_for_update(of=("self",))
        .select_related("delivery__version__grade_scheme", "task")
        .get(pk=moderation_round.pk)
    )
    return fresh


@transaction.atomic
def open_round(delivery: Delivery, task: AssessmentTask, *, actor: User) -> ModerationRound:
    """Freeze all assessed work of one delivery and task as a round.

    Locks the submissions, stores the ordered population with its hash, the policy in force, the algorithm
    and a fresh seed, and moves every submission to `in_moderation`, or nothing at all. Nothing is drawn
    yet. Raises NotPermitted, GuardsNotMet (nothing waits, a round is open already) or SetRefused with
    every submission that cannot move.
    """
    opened: ModerationRound = begin(
        OPEN_ROUND,
        parent=delivery,
        actor=actor,
        build=lambda: _new_round(delivery, task, actor),
    )
    waiting = Submission.objects.filter(
        delivery=delivery, task=task, state=SubmissionState.ASSESSED
    ).order_by("pk")
    locked = list(waiting.select_for_update(of=("self",), no_key=True))
    policy = selectors.policy_of(delivery)
    found = selectors.candidates(delivery, task, policy, locked)
    if not found:
        raise GuardsNotMet([guards.round_has_members], instance=opened)
    work = population.codes("W", [one.row.key for one in found])
    people = population.codes("A", sorted({one.row.assessor for one in found}))
    rows = [population.coded(one.row, work, people) for one in found]
    on = policy["sample.targeted"]
    members = [
        RoundMember(
            round_id=opened.pk,
            submission_id=one.submission.pk,
            decision_id=one.decision.pk,
            assessor_id=one.decision.author_id,
            position=position,
            code=row.key,
            assessor_code=row.assessor,
            stratum=row.stratum,
            targeted_for=[reason for reason in row.reasons if reason in on],
        )
        for position, (one, row) in enumerate(
            sorted(zip(found, rows, strict=True), key=lambda pair: pair[1].key), 1
        )
    ]
    insert_many(members)
    plan = add_plan(
        opened,
        rows,
        {work[one.row.key]: one.decision for one in found},
        actor=actor,
        policy=policy,
        seed=secrets.token_hex(32),
        reason="The policy of the delivery.",
    )
    ModerationRound.objects.filter(pk=opened.pk).update(population_size=len(found))
    frozen_round = perform(
        opened,
        "freeze",
        actor=actor,
        facts=lambda one: {
            "population_hash": one.population_hash,
            "population_size": one.population_size,
            "policy_hash": one.policy_hash,
            "algorithm": one.algorithm,
            "seed_hash": hashlib.sha256(one.seed.encode()).hexdigest(),
            "decisions_hash": plan.decisions_hash,
        },
    )
    # All of them, also one whose decision does not count: then the guard names it and nothing moves.
    everything = Submission.objects.filter(pk__in=[one.pk for one in locked])
    perform_set(everything, "enter_moderation", actor=actor, whole=True)
    assert len(found) == len(locked)  # noqa: S101  the set step refuses work without a decision
    return frozen_round


def add_plan(
    moderation_round: ModerationRound,
    rows: Sequence[sampling.Row],
    decisions: Mapping[str, AssessmentDecision],
    *,
    actor: User,
    policy: dict[str, Any],
    seed: str,
    reason: str,
    algorithm: str = sampling.ALGORITHM,
) -> PlanVersion:
    """Keep what the next draw is made from, and make it the round's plan. Draws nothing.

    `decisions` are the frozen decisions by code: their digest binds the codes to what was judged.
    """
    bound = [
        [code, str(one.pk), one.manifest_hash, one.rubric_hash]
        for code, one in sorted(decisions.items())
    ]
    file = population.write(rows)
    plan: PlanVersion = PlanVersion.objects.create(
        round=moderation_round,
        number=moderation_round.plans.count() + 1,
        reason=reason,
        policy=policy,
        policy_hash=hashlib.sha256(rfc8785.dumps(policy)).hexdigest(),
        algorithm=algorithm,
        seed=seed,
        population=file,
        population_hash=sampling.population_hash(verification.rows_under(file, policy), algorithm),
        decisions=bound,
        decisions_hash=hashlib.sha256(rfc8785.dumps(bound)).hexdigest(),
        made_by=actor,
    )
    ModerationRound.objects.filter(pk=moderation_round.pk).update(
        policy=policy,
        policy_hash=plan.policy_hash,
        population_hash=plan.population_hash,
        algorithm=plan.algorithm,
        seed=seed,
    )
    return plan


@transaction.atomic
def change_plan(
    moderation_round: ModerationRound,
    policy: dict[str, Any],
    *,
    actor: User,
    reason: str,
    seen_plan: int | None = None,
) -> PlanVersion:
    """Make a new plan of a frozen round: other rules, the same work, and the same seed and algorithm.

    Nobody can roll the dice again: the order of chance is what it was before anybody saw a sample (docs/adr/
    0040). Draws nothing
    and tells nobody. Raises NotPermitted, StaleState (drawn already, or somebody else changed the plan
    meanwhile), ReasonNeeded, PlanUnchanged.
    """
    fresh = lock_round(moderation_round)
    if not rules.leads(fresh, actor):
        raise NotPermitted(instance=fresh)
    known = selectors.current_plan(fresh)
    if fresh.state != RoundState.FROZEN or (seen_plan is not None and seen_plan != known.number):
        raise StaleState(instance=fresh)
    if not reason.strip():
        raise ReasonNeeded
    if policy == known.policy:
        raise PlanUnchanged
    members = list(fresh.members.select_related("submission__enrolment", "decision"))
    plan = add_plan(
        fresh,
        selectors.coded_rows(fresh, members, policy),
        {one.code: one.decision for one in members},
        actor=actor,
        policy=policy,
        seed=known.seed,
        reason=plain_text(reason),
        algorithm=known.algorithm,
    )
    reasons = {row.key: list(row.reasons) for row in selectors.rows_of(plan)}
    for one in members:
        one.targeted_for, one.plan = reasons[one.code], plan.number
    RoundMember.objects.bulk_update(members, ["targeted_for", "plan"], batch_size=1000)
    return plan


def _new_round(delivery: Delivery, task: AssessmentTask, actor: User) -> ModerationRound:
    """The unsaved round, while the delivery is locked."""
    earlier = ModerationRound.objects.filter(delivery=delivery, task=task).count()
    made: ModerationRound = ModerationRound(
        delivery=delivery, task=task, number=earlier + 1, opened_by=actor
    )
    if not guards.no_other_round(made):
        raise GuardsNotMet([guards.no_other_round])
    return made


@transaction.atomic
def draw_sample(moderation_round: ModerationRound, *, actor: User) -> ModerationRound:
    """Draw from the frozen set with the stored seed, and give each item to a moderator.

    The same call as the preview, so what was shown is what is drawn. Each item is born with its part,
    reasons and probability; moderators get a part in the submission and are told.
    """
    fresh = lock_round(moderation_round)
    if fresh.state != RoundState.FROZEN:
        raise StaleState(instance=fresh)
    plan = selectors.current_plan(fresh)
    sample = selectors.draw_of(plan)
    note_draw(fresh, plan, sample.picks, actor=actor, frame=len(sample.frame), because="first")
    drawn = perform(
        fresh,
        "draw",
        actor=actor,
        facts={
            "drawn": len(sample.picks),
            "plan": plan.number,
            "population_hash": plan.population_hash,
            "seed_hash": hashlib.sha256(plan.seed.encode()).hexdigest(),
            "decisions_hash": plan.decisions_hash,
        },
    )
    make_items(drawn, sample.picks, actor=actor, draw=1)
    return drawn


@transaction.atomic
def extend_sample(moderation_round: ModerationRound, *, actor: User) -> ModerationRound:
    """Draw what disagreements made due. Appends to the sample; nothing drawn before is touched."""
    fresh = lock_round(moderation_round)
    if fresh.state not in (RoundState.REVIEWING, RoundState.REOPENED):
        raise StaleState(instance=fresh)
    if not rules.leads(fresh, actor):
        raise NotPermitted(instance=fresh)
    if not fresh.extensions_owed:
        raise NothingOwed
    for number in sorted({owed["plan"] for owed in fresh.extensions_owed}):
        plan = selectors.plan_numbered(fresh, number)
        rows = selectors.rows_of(plan)
        shuffle = sampling.shuffle_of(rows, plan.seed, plan.algorithm)
        frame = [row for row in rows if not row.reasons]
        drawn = selectors.drawn_under(fresh, number)
        owed_here = [one for one in fresh.extensions_owed if one["plan"] == number]
        picks: list[sampling.Pick] = []
        for owed in owed_here:
            picks += sampling.extend(
                frame,
                drawn | {pick.key for pick in picks},
                owed["code"],
                owed["count"],
                shuffle,
            )
        draw = next_draw(fresh)
        note_draw(
            fresh,
            plan,
            picks,
            actor=actor,
            frame=len(frame),
            because="extension",
            asked=[
                {"assessor": one["code"], "count": one["count"], "because": one["because"]}
                for one in owed_here
            ],
        )
        make_items(fresh, picks, actor=actor, draw=draw)
    ModerationRound.objects.filter(pk=fresh.pk).update(extensions_owed=[])
    fresh.extensions_owed = []
    tell_waiting_over(fresh)  # nothing was left to draw
    return fresh


@transaction.atomic
def draw_again(moderation_round: ModerationRound, *, actor: User) -> ModerationRound:
    """After a set was assessed again: freeze the new decisions and draw from them anew.

    Only the work that was assessed again is drawn from, with a seed of its own that is stored before the
    draw. Its earlier items were superseded when the reassessment was decided.
    """
    fresh = lock_round(moderation_round)
    again = set(fresh.adjustment.get("reassessed", []))
    if fresh.state != RoundState.DECIDED or not again:
        raise StaleState(instance=fresh)
    if not rules.decides_set(fresh, actor):
        raise NotPermitted(instance=fresh)
    away = (guards.every_member_back, guards.no_member_on_hold)
    if unmet := [one for one in away if not one(fresh)]:
        raise GuardsNotMet(unmet, instance=fresh)
    submissions = list(Submission.objects.filter(pk__in=again).select_related("enrolment"))
    found = selectors.candidates(fresh.delivery, fresh.task, fresh.policy, submissions)
    known = dict(fresh.members.values_list("assessor_id", "assessor_code"))
    people = {str(key): code for key, code in known.items()}
    unknown = sorted({one.row.assessor for one in found} - set(people))
    people |= population.codes("A", unknown, start=len(known) + 1)
    codes = fresh.members.filter(submission__in=again).values_list("submission_id", "code")
    work = {str(key): code for key, code in codes}
    rows = [population.coded(one.row, work, people) for one in found]
    plan = add_plan(
        fresh,
        rows,
        {work[one.row.key]: one.decision for one in found},
        actor=actor,
        policy=fresh.policy,
        seed=secrets.token_hex(32),
        reason="The set was assessed again.",
    )
    on = fresh.policy["sample.targeted"]
    for one, row in zip(found, rows, strict=True):
        fresh.members.filter(submission=one.submission).update(
            decision=one.decision,
            assessor_id=one.decision.author_id,
            assessor_code=row.assessor,
            plan=plan.number,
            stratum=row.stratum,
            targeted_for=[reason for reason in row.reasons if reason in on],
        )
    ModerationRound.objects.filter(pk=fresh.pk).update(adjustment={})
    resumed = perform(
        fresh,
        "resume",
        actor=actor,
        facts={
            "population_hash": plan.population_hash,
            "seed_hash": hashlib.sha256(plan.seed.encode()).hexdigest(),
            "decisions_hash": plan.decisions_hash,
        },
    )
    sample = selectors.draw_of(plan)
    number = next_draw(resumed)
    note_draw(
        resumed, plan, sample.picks, actor=actor, frame=len(sample.frame), because="reassessed"
    )
    make_items(resumed, sample.picks, actor=actor, draw=number)
    return resumed


def next_draw(moderation_round: ModerationRound) -> int:
    """Number of the next draw of a round."""
    return len(moderation_round.draws) + 1


def note_draw(
    moderation_round: ModerationRound,
    plan: PlanVersion,
    picks: Sequence[sampling.Pick],
    *,
    actor: Actor,
    frame: int,
    because: str,
    asked: Sequence[dict[str, Any]] = (),
) -> None:
    """Append to the round's list of draws what is needed to repeat each of them."""
    moderation_round.draws = [
        *moderation_round.draws,
        {
            "draw": next_draw(moderation_round),
            "because": because,
            "at": timezone.now().isoformat(),
            "by": str(getattr(actor, "pk", "")),
            "plan": plan.number,
            "algorithm": plan.algorithm,
            "seed": plan.seed,
            "population_hash": plan.population_hash,
            "asked": list(asked),
            "frame": frame,
            "targeted": sum(pick.part == sampling.TARGETED for pick in picks),
            "random": sum(pick.part == sampling.RANDOM for pick in picks),
        },
    ]
    ModerationRound.objects.filter(pk=moderation_round.pk).update(draws=moderation_round.draws)


def make_items(
    moderation_round: ModerationRound,
    picks: Sequence[sampling.Pick],
    *,
    actor: User,
    draw: int,
) -> list[SampleItem]:
    """Bring the drawn items into being, each given to the eligible moderator who has least to read.

    An item that nobody may read stays without a moderator; the round's page names it to the lead.
    """
    members = {
        one.code: one for one in moderation_round.members.select_related("submission__enrolment")
    }
    submissions = [members[pick.key].submission for pick in picks]
    eligible = selectors.eligible_moderators(moderation_round.delivery, submissions)
    people = {one.pk: one for found in eligible.values() for one in found}
    load = selectors.open_items_of(list(people.values()))
    zone = moderation_round.delivery.zone
    today = timezone.now().astimezone(zone).date()
    last = moderation_round.delivery.calendar.add(today, moderation_round.policy["moderation.days"])
    due = datetime.combine(last, END_OF_DAY, tzinfo=zone)
    now = timezone.now()
    made = []
    for pick, submission in zip(picks, submissions, strict=True):
        able = sorted(eligible[submission.pk], key=lambda one: (load[one.pk], str(one.pk)))
        moderator = able[0] if able else None
        if moderator is not None:
            load[moderator.pk] += 1
            Part.objects.create(submission=submission, person=moderator, kind=PartKind.MODERATOR)
        item = SampleItem(
            round=moderation_round,
            submission=submission,
            decision_id=members[pick.key].decision_id,
            part=SamplePart(pick.part),
            reasons=list(pick.reasons),
            stratum=pick.stratum,
            draw=draw,
            inclusion_probability=float(pick.probability),
            moderator=moderator,
            allocated_at=now if moderator else None,
            due_at=due,
        )
        made.append(
            begin(
                DRAW_ITEM,
                parent=moderation_round,
                actor=actor,
                build=lambda item=item: item,  # type: ignore[misc]
                facts={"round": str(moderation_round.pk), "part": pick.part, "draw": draw},
            )
        )
    return made


@transaction.atomic
def watch_assessor(
    delivery: Delivery, assessor: User, *, actor: User, reason: str
) -> AssessorWatch:
    """Have everything of this assessor read in the delivery's next rounds. Changes no result."""
    if not rules.leads_delivery(delivery, actor):
        raise NotPermitted(instance=delivery)
    if not reason.strip():
        raise ReasonNeeded
    watch: AssessorWatch
    watch, _made = AssessorWatch.objects.get_or_create(
        assessor=assessor,
        delivery=delivery,
        ended_at=None,
        defaults={"reason": reason.strip(), "set_by": actor},
    )
    return watch


@transaction.atomic
def end_watch(watch: AssessorWatch, *, actor: User) -> None:
    """Stop reading everything of an assessor."""
    if not rules.leads_delivery(watch.delivery, actor):
        raise NotPermitted(instance=watch)
    AssessorWatch.objects.filter(pk=watch.pk, ended_at=None).update(ended_at=timezone.now())
