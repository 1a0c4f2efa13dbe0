"""What a round has found: agreement, assurance, disagreements, and what a decision on the set would change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from assessment.models import CriterionJudgement
from assessment.outcome import Mark, Result, result_of
from assessment.selectors import bands_of, results_for
from catalogue.models import Criterion, Level
from moderation import assurance, sequential, statistics, verification
from moderation.enums import RESOLVED, Disagreement, SamplePart, SampleState
from moderation.models import (
    ModerationDecision,
    ModerationRound,
    ModeratorJudgement,
    RoundMember,
    SampleItem,
)


def pairs_of(moderation_round: ModerationRound) -> list[tuple[statistics.Pair, str, str]]:
    """Each criterion that both judged, with its code and the assessor's key. Blind levels against frozen ones."""
    levels = _levels_per_criterion(moderation_round)
    mine = ModeratorJudgement.objects.filter(
        reading__item__round=moderation_round,
        reading__item__superseded_at__isnull=True,
        reading__sealed_at__isnull=False,
        level__isnull=False,
    ).values_list(
        "reading__item__decision_id",
        "reading__item_id",
        "reading__item__decision__author_id",
        "criterion_id",
        "criterion__code",
        "level__rank",
        "level__is_met",
    )
    rows = list(mine.order_by("criterion__number", "reading__item_id"))
    theirs = {
        (decision, criterion): (rank, met)
        for decision, criterion, rank, met in CriterionJudgement.objects.filter(
            decision__in={row[0] for row in rows}, level__isnull=False
        ).values_list("decision_id", "criterion_id", "level__rank", "level__is_met")
    }
    found = []
    for decision, item, author, criterion, code, rank, met in rows:
        if (other := theirs.get((decision, criterion))) is None:
            continue
        pair = statistics.Pair(
            str(item), code, other[0], rank, other[1], met, levels.get(criterion, 1)
        )
        found.append((pair, code, str(author)))
    return found


def _levels_per_criterion(moderation_round: ModerationRound) -> dict[UUID, int]:
    counts: dict[UUID, int] = {}
    for criterion, rank in Level.objects.filter(
        criterion__rubric__task=moderation_round.task_id
    ).values_list("criterion_id", "rank"):
        counts[criterion] = max(counts.get(criterion, 0), rank + 1)
    return counts


def statistics_of(moderation_round: ModerationRound) -> dict[str, Any]:
    """Agreement in all, for each criterion and for each assessor, as it is stored with the round."""
    least = moderation_round.policy["coefficient.min_items"]
    rows = pairs_of(moderation_round)
    outcomes = list(
        SampleItem.objects.live()
        .filter(round=moderation_round, readings__sealed_at__isnull=False)
        .values_list("decision__outcome", "readings__outcome")
    )
    return verification.agreement_summary(rows, outcomes, least)


def disagreements_of(moderation_round: ModerationRound) -> list[ModerationDecision]:
    """The decisions on live items that count as disagreements, one for each item, the gravest."""
    rows = (
        ModerationDecision.objects.filter(
            item__round=moderation_round, item__superseded_at__isnull=True, factual_error=False
        )
        .exclude(disagreement=Disagreement.NONE)
        .select_related("item__submission", "item__decision__author", "moderator")
        .order_by("decided_at", "pk")
    )
    gravest: dict[UUID, ModerationDecision] = {}
    for row in rows:
        known = gravest.get(row.item_id)
        if known is None or row.disagreement == Disagreement.PASS_FAIL:
            gravest[row.item_id] = row
    return list(gravest.values())


def assurance_of(moderation_round: ModerationRound) -> assurance.Assurance:
    """The statement on the randomly sampled frame. Items that were targeted say nothing about it.

    A factual error is no disagreement, and yet a decision that is judged differently: it counts here.
    """
    random = moderation_round.items.live().filter(part=SamplePart.RANDOM)
    read = set(random.filter(state__in=RESOLVED).values_list("submission_id", flat=True))
    grave = {one.item.submission_id for one in disagreements_of(moderation_round)}
    wrong = grave | set(
        ModerationDecision.objects.filter(
            item__round=moderation_round, item__superseded_at__isnull=True, factual_error=True
        )
        .exclude(disagreement=Disagreement.NONE)
        .values_list("item__submission_id", flat=True)
    )
    members = [
        verification.Member(
            plan,
            stratum,
            bool(reasons),
            submission in read,
            submission in wrong,
            error=submission not in grave,
        )
        for submission, plan, stratum, reasons in moderation_round.members.order_by(
            "position"
        ).values_list("submission_id", "plan", "stratum", "targeted_for")
    ]
    alpha = float(moderation_round.policy["assurance.alpha"])
    return verification.assurance_summary(moderation_round.draws, members, alpha)


@dataclass(frozen=True)
class Stepwise:
    """Where a round that is read step by step stands, in words, and the boundaries that decide it."""

    words: str
    boundaries: list[dict[str, Any]]


def stepwise_of(moderation_round: ModerationRound, known: Mapping[str, Any]) -> Stepwise | None:
    """What the sequential test says of the random part; None where the plan is another, or there is none.

    `known` is the assurance as JSON: the same counts go into both.
    """
    if not moderation_round.policy["sample.sequential"] or not known.get("frame"):
        return None
    test = verification.sequential_of(moderation_round.policy)
    frame = int(known["frame"])
    wrong = known["disagreements"] + known.get("factual_errors", 0)
    drawn = moderation_round.items.live().filter(part=SamplePart.RANDOM).count()
    words = sequential.in_words(test, known["read"], wrong, drawn, frame)
    return Stepwise(words, test.shown(frame))


@dataclass(frozen=True)
class AdjustedMember:
    """What a uniform rule would do to one result."""

    member: RoundMember
    levels: dict[UUID, UUID]
    before: Level
    after: Level
    outcome_before: str
    outcome_after: str
    grade_before: str
    grade_after: str

    @property
    def changes_grade(self) -> bool:
        return self.grade_before != self.grade_after


def adjusted_set(
    moderation_round: ModerationRound, rule: Mapping[str, Any]
) -> list[AdjustedMember]:
    """Whose level one uniform rule changes: {"criterion": key, "shift": ±n, "assessor": key or ""}.

    The rule moves one criterion so many levels, never beyond its lowest or highest. Members whose own
    result was corrected already (fully read strata, factual errors) are left out: they were settled.
    """
    criterion = Criterion.objects.get(pk=rule["criterion"])
    by_rank = {level.rank: level for level in criterion.levels.all()}
    members = moderation_round.members.select_related("submission", "assessor")
    if rule.get("assessor"):
        members = members.filter(assessor=rule["assessor"])
    settled = {
        *ModerationDecision.objects.filter(
            item__round=moderation_round, changes_result=True
        ).values_list("item__submission_id", flat=True),
        *(item.submission_id for item, _decision in settled_on_closing(moderation_round)),
    }
    rows = [one for one in members if one.submission_id not in settled]
    results = results_for([one.submission_id for one in rows])
    judgements: dict[UUID, list[CriterionJudgement]] = {}
    for judgement in CriterionJudgement.objects.filter(
        decision__in=[one.pk for one in results.values()]
    ).select_related("criterion", "level"):
        judgements.setdefault(judgement.decision_id, []).append(judgement)
    boundaries = _boundaries(moderation_round)
    scheme = moderation_round.delivery.version.grade_scheme
    bands = bands_of(moderation_round.delivery)
    found = []
    for member in rows:
        decision = results[member.submission_id]
        own = judgements.get(decision.pk, [])
        current = next((one for one in own if one.criterion_id == criterion.pk), None)
        if current is None or current.level is None:
            continue
        wanted = min(max(current.level.rank + int(rule["shift"]), min(by_rank)), max(by_rank))
        after = by_rank[wanted]
        if after.pk == current.level_id:
            continue
        result = result_of(scheme.kind, _marks(own, boundaries, {criterion.pk: after}), bands)
        found.append(
            AdjustedMember(
                member=member,
                levels={criterion.pk: after.pk},
                before=current.level,
                after=after,
                outcome_before=decision.outcome,
                outcome_after=str(result.outcome or ""),
                grade_before=decision.grade.label if decision.grade else "",
                grade_after=result.grade.label if result.grade else "",
            )
        )
    return found


def _boundaries(moderation_round: ModerationRound) -> dict[UUID, int]:
    """Rank of each criterion's lowest level on the pass side."""
    found: dict[UUID, int] = {}
    for criterion, rank in Level.objects.filter(
        criterion__rubric__task=moderation_round.task_id, is_met=True
    ).values_list("criterion_id", "rank"):
        found[criterion] = min(found.get(criterion, rank), rank)
    return found


def _marks(
    judgements: list[Any], boundaries: Mapping[UUID, int], instead: Mapping[UUID, Level]
) -> list[Mark]:
    """Judgements as the arithmetic wants them, with some levels replaced."""
    made = []
    for one in judgements:
        level = instead.get(one.criterion_id, one.level)
        made.append(
            Mark(
                code=one.criterion.code,
                rank=None if level is None else level.rank,
                boundary=boundaries.get(one.criterion_id, 1),
                is_required=one.criterion.is_required,
                weight=one.criterion.weight,
                percent=None if level is None else level.percent,
            )
        )
    return made


def result_of_reading(moderation_round: ModerationRound, judgements: list[Any]) -> Result:
    """What a moderator's own levels come to under the scheme of the version."""
    return result_of(
        moderation_round.delivery.version.grade_scheme.kind,
        _marks(judgements, _boundaries(moderation_round), {}),
        bands_of(moderation_round.delivery),
    )


def settled_on_closing(
    moderation_round: ModerationRound,
) -> list[tuple[SampleItem, ModerationDecision]]:
    """Adjusted items of the random part whose whole stratum was read: they take effect with the closing."""
    members: dict[UUID, int] = {}
    for assessor in moderation_round.members.values_list("assessor_id", flat=True):
        members[assessor] = members.get(assessor, 0) + 1
    items = list(
        moderation_round.items.live().select_related("decision", "submission").order_by("pk")
    )
    drawn: dict[UUID, int] = {}
    for item in items:
        drawn[item.decision.author_id] = drawn.get(item.decision.author_id, 0) + 1
    last = {
        one.item_id: one
        for one in ModerationDecision.objects.filter(item__round=moderation_round).order_by(
            "decided_at", "pk"
        )
    }
    return [
        (item, last[item.pk])
        for item in items
        if item.state == SampleState.ADJUSTED
        and item.part == SamplePart.RANDOM
        and drawn[item.decision.author_id] == members.get(item.decision.author_id)
        and item.pk in last
        and not last[item.pk].changes_result
    ]
