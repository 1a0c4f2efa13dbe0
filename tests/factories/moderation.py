"""Moderated work, reached by the real actions."""

from collections.abc import Mapping, Sequence
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
