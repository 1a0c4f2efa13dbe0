"""Real threads on PostgreSQL ask for the same step at once: one wins, the rest are told why, nothing breaks.

Each race runs on committed rows with one connection for each thread. K = 2 and 8 by default; 2 to 32 and
more rounds with PROOF=full.
"""

import os
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError
from django.utils import timezone

from assessment.actions.deciding import record_decision, refer
from assessment.actions.marking import start_assessment
from assessment.models import AssessmentDecision
from awards.actions.ratification import open_ratification, sign_batch
from moderation.actions import close_round, decide_round, draw_sample, open_round, return_item
from moderation.enums import RoundDecision
from moderation.models import SampleItem
from portfolios.actions.submission import (
    DECLARATION,
    place_hold,
    submit_portfolio,
    withdraw_submission,
)
from portfolios.enums import HoldKind
from portfolios.models import Submission
from tests.factories.assessment import allocated, assessed, drafted
from tests.factories.moderation import agreed, scored
from tests.factories.portfolios import ready
from tests.personas import Cast, make_cast
from tests.threads import at_once
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState, TransitionRefused
from workflows.models import OutboxMessage, TransitionRecord
from workflows.selectors import verify

pytestmark = pytest.mark.proof
FULL = os.environ.get("PROOF") == "full"
WIDTHS = [2, 3, 8, 16, 32] if FULL else [2, 8]
ROUNDS = 10 if FULL else 1
Call = Callable[[], Any]


@pytest.fixture
def cast(committed_db: Any) -> Cast:
    return make_cast(learners=max(2, ROUNDS))


def won(results: Sequence[Any]) -> list[Any]:
    """What was returned. Everything else must be one of our refusals: no deadlock, no broken constraint."""
    broken = [
        one
        for one in results
        if isinstance(one, Exception) and not isinstance(one, TransitionRefused)
    ]
    assert not [one for one in broken if isinstance(one, OperationalError)], f"deadlock: {broken}"
    assert not [one for one in broken if isinstance(one, IntegrityError)], f"constraint: {broken}"
    assert broken == []
    return [one for one in results if not isinstance(one, Exception)]


def check_trail(submission: Submission, *names: str) -> None:
    """Exactly these records, each with one event message, in one unbroken chain."""
    records = list(TransitionRecord.objects.of(submission).order_by("seq"))
    assert [one.name for one in records] == list(names)
    assert [one.seq for one in records] == list(range(1, len(names) + 1))
    fresh = Submission.objects.get(pk=submission.pk)
    assert (fresh.state, fresh.seq) == (records[-1].target, records[-1].seq)
    messages = OutboxMessage.objects.filter(record__in=records, kind="event")
    assert messages.count() == len(records)
    assert verify()[0] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_submit_and_submit(cast: Cast, width: int) -> None:
    """Many tabs, each with a key of its own: one submission, one receipt."""
    for name in list(cast.enrolments)[:ROUNDS]:
        portfolio = ready(cast, name)
        learner = cast.people[name]

        def submit(portfolio: Any = portfolio, learner: Any = learner) -> Submission:
            return submit_portfolio(
                portfolio, actor=learner, key=uuid.uuid4().hex, declaration=str(DECLARATION)
            )

        results = at_once(*[submit] * width)
        (made,) = won(results)
        losers = [one for one in results if isinstance(one, Exception)]
        assert {type(one) for one in losers} == {GuardsNotMet}
        assert {code for one in losers for code in one.codes} == {"already_submitted"}
        assert Submission.objects.filter(portfolio=portfolio).count() == 1
        check_trail(made, "submit")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_double_click_is_one_submission(cast: Cast, width: int) -> None:
    """The same key many times: everybody gets the one submission, nobody an error."""
    portfolio = ready(cast, "lena")
    results = at_once(
        *[
            lambda: submit_portfolio(
                portfolio, actor=cast.people["lena"], key="tap", declaration=str(DECLARATION)
            )
        ]
        * width
    )
    assert len(won(results)) == width
    assert len({one.pk for one in results}) == 1
    check_trail(results[0], "submit")


@pytest.mark.parametrize("width", WIDTHS)
def test_decide_and_decide(cast: Cast, width: int) -> None:
    """Record and refer from many windows of the same assessor: one verdict."""
    for name in list(cast.enrolments)[:ROUNDS]:
        submission = allocated(cast, name)
        ada = cast.people["ada"]
        drafted(submission, ada, "NY")

        def decide(submission: Any = submission) -> Submission:
            return record_decision(submission, actor=cast.people["ada"])

        def send_back(submission: Any = submission) -> Submission:
            return refer(submission, actor=cast.people["ada"])

        results = at_once(*[decide, send_back] * (width // 2), *[decide] * (width % 2))
        (moved,) = won(results)
        losers = [one for one in results if isinstance(one, Exception)]
        assert {type(one) for one in losers} <= {StaleState, NotPermitted}
        last = "refer" if moved.state == "referred" else "record_decision"
        check_trail(moved, "submit", "start_assessment", last)
        assert AssessmentDecision.objects.filter(submission=submission).count() == 1
        attempts = 2 if last == "refer" else 1
        moved.portfolio.refresh_from_db()
        assert moved.portfolio.attempt == attempts


@pytest.mark.parametrize("width", WIDTHS)
def test_withdraw_and_start(cast: Cast, width: int) -> None:
    """Either it was taken back unread, or it was opened and stays."""
    for name in list(cast.enrolments)[:ROUNDS]:
        submission = allocated(cast, name)

        def take_back(submission: Any = submission, name: str = name) -> Submission:
            return withdraw_submission(submission, actor=cast.people[name])

        def start(submission: Any = submission) -> Submission:
            return start_assessment(submission, actor=cast.people["ada"])

        results = at_once(*[take_back, start] * (width // 2), *[start] * (width % 2))
        winners = won(results)
        state = Submission.objects.get(pk=submission.pk).state
        if state == "withdrawn":
            assert len(winners) == 1
            check_trail(submission, "submit", "withdraw")
            assert not AssessmentDecision.objects.filter(submission=submission).exists()
        else:
            # Opening one's own open workspace again is no second step.
            assert {one.state for one in winners} == {"in_assessment"}
            check_trail(submission, "submit", "start_assessment")
            assert AssessmentDecision.objects.filter(submission=submission).count() == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_close_and_return(cast: Cast, width: int) -> None:
    """A round does not close over an item that is being returned, and nothing is returned from a closed one."""
    lea = cast.people["lea"]
    submissions = [assessed(cast, name, "M") for name in ("lena", "hone")]
    made = draw_sample(open_round(cast.delivery, cast.task, actor=lea), actor=lea)
    for item in made.items.all():
        agreed(item)
    decided = decide_round(made, actor=lea, decision=RoundDecision.ACCEPT, reason="Fine.")
    again = SampleItem.objects.filter(round=made).first()

    def close() -> Any:
        return close_round(decided, actor=lea)

    def give_back() -> Any:
        return return_item(again, actor=lea, reason="Look.", action="Read page 2 again.")

    results = at_once(*[close, give_back] * (width // 2), *[close] * (width % 2))
    assert len(won(results)) == 1
    decided.refresh_from_db()
    assert decided.state == "closed"
    for submission in submissions:
        check_trail(
            submission,
            "submit",
            "start_assessment",
            "record_decision",
            "enter_moderation",
            "conclude_moderation",
        )


@pytest.mark.parametrize("width", WIDTHS)
def test_uphold_and_return(cast: Cast, width: int) -> None:
    """One verdict on an item, and the submission follows that one."""
    lea = cast.people["lea"]
    submission = assessed(cast, "lena", "M")
    made = draw_sample(open_round(cast.delivery, cast.task, actor=lea), actor=lea)
    item = made.items.get()
    scored(item, "M")
    item.refresh_from_db()

    def uphold() -> Any:
        from moderation.actions import uphold_item

        return uphold_item(item, actor=item.moderator)

    def give_back() -> Any:
        return return_item(item, actor=item.moderator, reason="Look.", action="Page 2.")

    results = at_once(*[uphold, give_back] * (width // 2), *[uphold] * (width % 2))
    (moved,) = won(results)
    trail = ["submit", "start_assessment", "record_decision", "enter_moderation"]
    if moved.state == "returned":
        trail.append("return_to_assessor")
    check_trail(submission, *trail)
    assert item.decisions.count() == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_ratify_and_hold(cast: Cast, width: int) -> None:
    """Held before: not ratified, and the batch says why. Held after: ratified, and the release will refuse."""
    lea, rita = cast.people["lea"], cast.people["rita"]
    submission = assessed(cast, "lena", "M")
    made = draw_sample(open_round(cast.delivery, cast.task, actor=lea), actor=lea)
    for item in made.items.all():
        agreed(item)
    close_round(
        decide_round(made, actor=lea, decision=RoundDecision.ACCEPT, reason="Fine."), actor=lea
    )
    batch = open_ratification(cast.delivery, cast.task, actor=rita, minute="Met.")

    def sign() -> Any:
        return sign_batch(
            batch, actor=rita, reauthenticated_at=timezone.now(), seen_hash=batch.content_hash
        )

    def hold() -> Any:
        return place_hold(
            submission, actor=cast.people["pam"], kind=HoldKind.INTEGRITY, reason="Two alike."
        )

    results = at_once(*[sign, hold] * (width // 2), *[sign] * (width % 2))
    won(results)
    assert sum(hasattr(one, "moved") for one in results) == 1
    assert submission.holds.count() == 1
    batch.refresh_from_db()
    assert batch.completed_at is not None
    assert batch.signatures.count() == 1
    line = batch.lines.get()
    trail = ["submit", "start_assessment", "record_decision", "enter_moderation"]
    trail.append("conclude_moderation")
    if line.ratified_at is not None:
        trail.append("ratify")
        assert line.refused_because == ""
    else:
        assert "hold" in line.refused_because
    check_trail(submission, *trail)
