"""While an extension is open nothing single moves, and every disagreement has its consequence.

Each rule is asked twice: at the door, and of the database by somebody who passes the door.
"""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessment.enums import Basis
from assessment.models import AssessmentDecision
from assessment.selectors import result_for
from moderation import enums, guards, sampling
from moderation.actions import (
    adjust_item,
    approve_adjustment,
    close_round,
    decide_round,
    draw_sample,
    extend_sample,
    open_round,
    return_item,
)
from moderation.enums import SampleState
from moderation.models import (
    ModerationDecision,
    ModerationRound,
    ModeratorJudgement,
    ModeratorReading,
    PlanVersion,
    SampleItem,
)
from tests.factories.moderation import (
    NOTHING_TARGETED,
    agreed,
    assessed_set,
    drawn_round,
    fresh,
    moderator_of,
    scored,
)
from tests.moderation.test_rounds import another_cast
from tests.personas import Cast, make_cast
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

SMALL_SAMPLE = NOTHING_TARGETED | {"sample.min": 2, "sample.min_per_assessor": 1}


Chance = tuple[Cast, ModerationRound, list[SampleItem]]


def chance_round(learners: int = 8) -> Chance:
    """Nothing targeted, two or three of one assessor drawn by chance."""
    cast = make_cast(learners=learners, policy=SMALL_SAMPLE)
    drawn = drawn_round(cast)
    return cast, drawn, list(drawn.items.order_by("pk"))


@kept
def chance() -> Chance:
    return chance_round()


def disagree(item: SampleItem, levels: str = "E", **how: Any) -> SampleItem:
    scored(item, levels)
    return adjust_item(fresh(item), actor=moderator_of(item), reason="Not so.", **how)


def refused_by_database(change: Any) -> str:
    """What the database says; the test goes on as if nothing had happened."""
    with pytest.raises(DatabaseError) as refused, transaction.atomic():
        change()
    return str(refused.value)


def new_result(item: SampleItem) -> None:
    """A correction of one result, past every action."""
    before = result_for(item.submission)
    assert before
    now = timezone.now()
    AssessmentDecision.objects.create(
        submission=item.submission, author=moderator_of(item), basis=Basis.CORRECTION,
        number=before.number + 1, manifest_hash=before.manifest_hash,
        rubric_hash=before.rubric_hash, policy_hash=before.policy_hash, outcome=before.outcome,
        grade=before.grade, reason="By hand.", sealed_at=now, final_at=now,
    )  # fmt: skip


def test_the_words_are_the_same() -> None:
    assert enums.EXTENSION == sampling.EXTENSION


def test_nothing_single_moves_until_the_extension_has_been_read(chance: Chance) -> None:
    cast, drawn, items = chance
    disagree(items[0])
    scored(items[1], "E")
    assert "while an extension is open" in refused_by_database(lambda: new_result(items[1]))
    extended = extend_sample(drawn, actor=cast.lea)
    more = list(extended.items.filter(reasons=["extension"]))
    assert more
    for item in more:
        # Drawn but not read: still open, at the door and in the database.
        assert not guards.no_extension_open.holds(fresh(items[1]))
        with pytest.raises(GuardsNotMet) as refused:
            adjust_item(
                fresh(items[1]), actor=moderator_of(items[1]), reason="Missed.", factual_error=True
            )
        assert refused.value.codes == ["extension_open"]
        with pytest.raises(GuardsNotMet):
            return_item(fresh(items[1]), actor=moderator_of(items[1]), reason="So.", action="Look.")
        assert "while an extension is open" in refused_by_database(lambda: new_result(items[1]))
        agreed(item)
    assert guards.no_extension_open.holds(fresh(items[1]))
    adjust_item(fresh(items[1]), actor=moderator_of(items[1]), reason="Missed.", factual_error=True)
    assert AssessmentDecision.objects.filter(basis=Basis.CORRECTION).count() == 1


def test_a_round_with_something_unresolved_is_neither_decided_nor_closed(chance: Chance) -> None:
    cast, drawn, items = chance

    def move(state: str) -> None:
        ModerationRound.objects.filter(pk=drawn.pk).update(state=state, seq=drawn.seq + 1)

    for state in ("decided", "closed"):
        assert refused_by_database(lambda state=state: move(state))  # type: ignore[misc]
    for item in items:
        agreed(item)
    ModerationRound.objects.filter(pk=drawn.pk).update(extensions_owed=[{"count": 1}])
    assert "unresolved items or an open extension" in refused_by_database(lambda: move("decided"))
    with pytest.raises(GuardsNotMet) as refused:
        decide_round(drawn, actor=cast.lea, decision="accept", reason="Now.")
    assert refused.value.codes == ["escalation_open"]


def test_a_lost_extension_does_not_let_the_round_end(chance: Chance) -> None:
    cast, drawn, items = chance
    disagree(items[0])
    for item in items[1:]:
        agreed(item)
    # Whoever clears the note of what is owed has not answered the disagreement.
    ModerationRound.objects.filter(pk=drawn.pk).update(extensions_owed=[])
    with pytest.raises(GuardsNotMet) as refused:
        decide_round(drawn, actor=cast.lea, decision="accept", reason="Now.")
    assert refused.value.codes == ["disagreement_unanswered"]


def test_one_disagreement_is_answered_by_an_extension_two_by_the_whole() -> None:
    cast, drawn, items = chance_round(learners=12)
    disagree(items[0])
    extended = extend_sample(drawn, actor=cast.lea)
    for item in extended.items.filter(state=SampleState.DRAWN):
        agreed(item)
    now = ModerationRound.objects.get(pk=drawn.pk)
    assert guards.every_disagreement_answered.holds(now)
    second = now.items.filter(state=SampleState.UPHELD).first()
    ModerationDecision.objects.create(
        item=second, moderator=cast.lea, outcome="adjusted", reason="Another.",
        disagreement="grade", compared_with=second.decision,
    )  # fmt: skip
    assert not guards.every_disagreement_answered.holds(now)


def test_an_outcome_disagreement_needs_the_whole_stratum() -> None:
    cast, drawn, items = chance_round(learners=12)
    disagree(items[0], "NY")
    for item in items[1:]:
        agreed(item)
    ModerationRound.objects.filter(pk=drawn.pk).update(
        extensions_owed=[], draws=[*drawn.draws, {"asked": [{"assessor": "A01", "count": 1}]}]
    )
    now = ModerationRound.objects.get(pk=drawn.pk)
    assert not guards.every_disagreement_answered.holds(now)
    assert cast.lea


def test_an_adjustment_closes_only_with_two_people(chance: Chance) -> None:
    cast, drawn, items = chance
    for item in items:
        agreed(item)
    from catalogue.models import Criterion

    rule = {"criterion": str(Criterion.objects.get(code="C1").pk), "shift": -1}
    decided = decide_round(
        drawn, actor=cast.lea, decision="adjust_set", reason="Generous.", rule=rule
    )

    def close() -> None:
        ModerationRound.objects.filter(pk=drawn.pk).update(state="closed", seq=decided.seq + 1)

    assert "by two people" in refused_by_database(close)
    ModerationRound.objects.filter(pk=drawn.pk).update(approved_by=cast.lea)
    assert "by two people" in refused_by_database(close)
    ModerationRound.objects.filter(pk=drawn.pk).update(approved_by=None)
    approve_adjustment(decided, actor=cast.moses, proved_at=timezone.now())
    closed = close_round(decided, actor=cast.lea)
    assert closed.state == "closed"


def test_what_was_sealed_drawn_and_decided_is_kept(chance: Chance) -> None:
    cast, drawn, items = chance
    disagree(items[0])
    reading = ModeratorReading.objects.get(item=items[0])
    level = reading.judgements.first()
    assert level
    decision = ModerationDecision.objects.get(item=items[0])
    plan = drawn.plans.get()
    changes = {
        "plans are only added to": [
            lambda: PlanVersion.objects.filter(pk=plan.pk).update(seed="0"),
            lambda: PlanVersion.objects.filter(pk=plan.pk).delete(),
        ],
        "a decision on an item": [
            lambda: ModerationDecision.objects.filter(pk=decision.pk).update(reason="Other."),
            lambda: ModerationDecision.objects.filter(pk=decision.pk).update(disagreement=""),
            lambda: ModerationDecision.objects.filter(pk=decision.pk).delete(),
        ],
        "a sealed reading is": [
            lambda: ModeratorReading.objects.filter(pk=reading.pk).update(outcome="achieved"),
            lambda: ModeratorReading.objects.filter(pk=reading.pk).update(sealed_at=None),
        ],
        "a sealed reading keeps": [
            lambda: ModeratorJudgement.objects.filter(pk=level.pk).update(comment="Other."),
            lambda: ModeratorJudgement.objects.filter(pk=level.pk).delete(),
        ],
    }
    for words, attempts in changes.items():
        for attempt in attempts:
            assert words in refused_by_database(attempt)
    assert cast.lea


def test_settling_takes_as_many_statements_for_many_as_for_few() -> None:
    counts = []
    for size in (2, 5):
        cast = (
            make_cast(learners=size, policy=SMALL_SAMPLE | {"sample.min": 50})
            if size == 2
            else another_cast(size)
        )
        assessed_set(cast)
        drawn = draw_sample(open_round(cast.delivery, cast.task, actor=cast.lea), actor=cast.lea)
        for item in drawn.items.all():
            disagree(item)
        decided = decide_round(drawn, actor=cast.lea, decision="accept", reason="Read in full.")
        with CaptureQueriesContext(connection) as closing:
            close_round(decided, actor=cast.lea)
        counts.append(len(closing))
        for item in drawn.items.all():
            result = result_for(item.submission)
            assert result
            assert (result.basis, result.number) == (Basis.MODERATION, 2)
            assert item.decisions.get().new_decision == result
    assert counts[0] == counts[1], counts
