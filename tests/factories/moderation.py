"""Moderated work, reached by the real actions."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from accounts.models import User
from assessment.models import AssessmentDecision
from catalogue.models import Level
from moderation.actions import (
    Levels,
    close_round,
    decide_round,
    draw_sample,
    open_round,
    seal_reading,
    uphold_item,
)
from moderation.enums import RoundDecision, SampleState
from moderation.models import ModerationRound, SampleItem
from portfolios.models import Submission
from tests.factories.assessment import assessed, level_codes
from tests.personas import Cast

NOTHING_TARGETED: dict[str, object] = {
    "sample.all_if_n_le": 0,
    "assessor.probation_decisions": 0,
    "sample.early_check": 0,
    "sample.borderline_levels": -1,
}
"""Policy under which every pass is in the frame of the random part, also in a small set."""


def assessed_set(
    cast: Cast,
    levels: str | Sequence[str] | Mapping[str, Any] = "G",
    assessors: Sequence[str] = ("ada",),
) -> list[Submission]:
    """Everybody's work, assessed in turn by these assessors. A mapping gives levels by learner."""
    made = []
    for number, name in enumerate(cast.enrolments):
        own = levels.get(name, "G") if isinstance(levels, Mapping) else levels
        made.append(assessed(cast, name, own, assessors[number % len(assessors)]))
    return made


def frozen_round(cast: Cast, **kw: Any) -> ModerationRound:
    """A frozen round over everybody's assessed work."""
    assessed_set(cast, **kw)
    return open_round(cast.delivery, cast.task, actor=cast.lea)


def drawn_round(cast: Cast, **kw: Any) -> ModerationRound:
    """The same, with its sample drawn and given to moderators."""
    return draw_sample(frozen_round(cast, **kw), actor=cast.lea)


def entered(submission: Submission, levels: str | Sequence[str] = "G") -> Levels:
    """Levels as the blind page sends them."""
    found = {
        (level.criterion.code, level.code): level
        for level in Level.objects.filter(criterion__rubric=submission.rubric_id).select_related(
            "criterion"
        )
    }
    wanted = level_codes(submission, levels)
    return Levels(
        levels={found[c, code].criterion_id: found[c, code].pk for c, code in wanted.items()},
        comments={found[c, code].criterion_id: f"My view of {c}." for c, code in wanted.items()},
        comment="Read it twice.",
        sufficiency="yes",
    )


def fresh(item: SampleItem) -> SampleItem:
    found: SampleItem = SampleItem.objects.get(pk=item.pk)
    return found


def moderator_of(item: SampleItem) -> User:
    person = fresh(item).moderator
    assert person is not None
    return person


def scored(item: SampleItem, levels: str | Sequence[str] = "G") -> SampleItem:
    """Read blind by its own moderator, with these levels."""
    return seal_reading(item, entered(item.submission, levels), actor=moderator_of(item))


def agreed(item: SampleItem) -> SampleItem:
    """Read blind with the assessor's own levels, and upheld."""
    decision = AssessmentDecision.objects.final().filter(submission=item.submission).last()
    codes = {one.criterion.code: one.level.code for one in decision.judgements.all()}
    if fresh(item).state == SampleState.DRAWN:
        scored(item, codes)  # type: ignore[arg-type]
    return uphold_item(fresh(item), actor=moderator_of(item))


def read_round(cast: Cast, **kw: Any) -> ModerationRound:
    """A round of which every drawn item was upheld."""
    made = drawn_round(cast, **kw)
    for item in made.items.all():
        agreed(item)
    return made


def decided_round(cast: Cast, **kw: Any) -> ModerationRound:
    """A round that was accepted and is ready to close."""
    made = read_round(cast, **kw)
    return decide_round(
        made, actor=cast.lea, decision=RoundDecision.ACCEPT, reason="The standard was applied."
    )


def moderated(cast: Cast, **kw: Any) -> ModerationRound:
    """Everybody's work assessed, moderated and concluded: a closed round, submissions `moderated`.

    `levels` and `assessors` as in assessed_set; by default every learner passes with "G" from ada.
    """
    return close_round(decided_round(cast, **kw), actor=cast.lea)


def judged(random: Random, place: float) -> int:
    """A level from 0 to 3; each logit of `place` moves it by a good half."""
    return max(0, min(3, round(1.5 + 0.6 * place + random.gauss(0, 0.45))))


def kept_readings(
    assessors: dict[str, float],
    moderators: dict[str, float],
    items: int,
    seed: str = "tendency",
    **more: Any,
) -> dict[str, Any]:
    """A round's kept readings, on which these people judge so many logits more strictly than others."""
    random = Random(seed)
    who, others = list(assessors), list(moderators)
    rows, readings = [], []
    for item in range(items):
        one, other = item % len(who), (item // len(who)) % len(others)
        place = random.gauss(0, 1.2)
        for criterion in range(3):
            theirs = judged(random, place - assessors[who[one]])
            mine = judged(random, place - moderators[others[other]])
            rows.append([item, criterion, one, theirs, mine, int(theirs > 0), int(mine > 0)])
        day = date(2026, 3, 1) + timedelta(days=item)
        readings.append([other, day.isoformat(), (day + timedelta(days=3)).isoformat()])
    return {
        "blind": True,
        "criteria": ["C1", "C2", "C3"],
        "assessors": who,
        "moderators": others,
        "readings": readings,
        "items": items,
        "labels": {code: ["N", "A", "M", "E"] for code in ("C1", "C2", "C3")},
        "rows": rows,
        "label": "Cohort 1, round 1",
        "round": "1",
    } | more


def with_readings(cast: Cast, closed: ModerationRound, items: int = 150) -> None:
    """Put readings of many into a closed round: of ada, who is strict, of abe, and of the moderators."""
    made = kept_readings(
        {str(cast.ada.pk): 1.5, str(cast.abe.pk): 0.0},
        {str(cast.moses.pk): 0.0, str(cast.ed.pk): 0.0},
        items,
    )
    ModerationRound.objects.filter(pk=closed.pk).update(readings=made)
