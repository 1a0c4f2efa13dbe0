"""Closing and returning at the same time: one of them wins, and the set is never torn."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

from django.db import connections

from moderation.actions import (
    adjust_item,
    close_round,
    decide_round,
    return_item,
    take_back_decision,
)
from moderation.models import ModerationRound, SampleItem
from portfolios.models import Submission
from tests.factories.moderation import (
    NOTHING_TARGETED,
    agreed,
    decided_round,
    drawn_round,
    fresh,
    moderator_of,
    scored,
)
from tests.personas import make_cast
from workflows.exceptions import TransitionRefused


def together(*acts: Callable[[], Any]) -> list[str]:
    """Run the acts at once, each on its own connection; what became of each."""
    start = Barrier(len(acts))
    results = ["" for _act in acts]

    def run(number: int, act: Callable[[], Any]) -> None:
        try:
            start.wait(10)
            act()
            results[number] = "done"
        except TransitionRefused as refused:
            results[number] = type(refused).__name__
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_one_of_two_closings_wins(committed_db: object) -> None:
    cast = make_cast(learners=2)
    decided = decided_round(cast)
    outcome = together(*[lambda: close_round(decided, actor=cast.lea)] * 2)
    assert sorted(outcome) == ["StaleState", "done"]
    assert {one.state for one in Submission.objects.all()} == {"moderated"}


def test_closing_and_returning_never_tear_the_set(committed_db: object) -> None:
    cast = make_cast(learners=2)
    drawn = drawn_round(cast)
    first, second = drawn.items.all()
    agreed(first)
    scored(second)

    def accept_and_close() -> None:
        close_round(
            decide_round(drawn, actor=cast.lea, decision="accept", reason="Done."), actor=cast.lea
        )

    outcome = together(
        accept_and_close,
        lambda: return_item(
            fresh(second), actor=moderator_of(second), reason="Thin.", action="Say more."
        ),
    )
    # Closing never wins: an item is open. Whatever the order, returned work is not moderated.
    assert outcome == ["GuardsNotMet", "done"]
    assert sorted(one.state for one in Submission.objects.all()) == [
        "in_assessment",
        "in_moderation",
    ]


def test_taking_back_and_closing(committed_db: object) -> None:
    cast = make_cast(learners=2)
    decided = decided_round(cast)
    outcome = together(
        lambda: close_round(decided, actor=cast.lea),
        lambda: take_back_decision(decided, actor=cast.lea, reason="Wait."),
    )
    assert sorted(outcome) == ["StaleState", "done"]
    state = ModerationRound.objects.get().state
    submissions = {one.state for one in Submission.objects.all()}
    assert (state, submissions) in [("closed", {"moderated"}), ("reviewing", {"in_moderation"})]


def test_two_disagreements_at_once_are_both_counted(committed_db: object) -> None:
    cast = make_cast(
        learners=8, policy=NOTHING_TARGETED | {"sample.min": 2, "sample.min_per_assessor": 1}
    )
    drawn = drawn_round(cast)
    items: list[SampleItem] = list(drawn.items.all())[:2]
    for item in items:
        scored(item, "E")
    people = [moderator_of(item) for item in items]
    outcome = together(
        lambda: adjust_item(fresh(items[0]), actor=people[0], reason="Stronger."),
        lambda: adjust_item(fresh(items[1]), actor=people[1], reason="Stronger."),
    )
    assert outcome == ["done", "done"]
    (owed,) = ModerationRound.objects.get().extensions_owed
    assert (owed["kind"], owed["count"]) == ("whole", 5)
