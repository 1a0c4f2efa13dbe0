"""The sequential test: its lines as printed, its risks exactly, and the words for what to do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.sequential import Sequential, Verdict, in_words

PLAN = Sequential(0.01, 0.06, 0.05, 0.10)


def test_lines_as_printed() -> None:
    assert PLAN.k == pytest.approx(1.843585, abs=5e-7)
    assert PLAN.h1 == pytest.approx(1.221149, abs=5e-7)
    assert PLAN.h2 == pytest.approx(1.567800, abs=5e-7)
    assert PLAN.s == pytest.approx(0.028111, abs=5e-7)


@pytest.mark.parametrize(
    ("read", "found", "verdict"),
    [
        (43, 0, Verdict.GO_ON),
        (44, 0, Verdict.ACCEPT),
        (1, 1, Verdict.GO_ON),
        (2, 2, Verdict.REJECT),
        (44, 1, Verdict.GO_ON),
        (80, 1, Verdict.ACCEPT),
    ],
)
def test_verdicts(read: int, found: int, verdict: Verdict) -> None:
    assert PLAN.verdict(read, found) == verdict


def test_readings_that_are_enough() -> None:
    assert [PLAN.enough(found) for found in range(3)] == [44, 80, 115]
    for found in range(5):
        enough = PLAN.enough(found)
        assert PLAN.verdict(enough, found) == Verdict.ACCEPT
        assert PLAN.verdict(enough - 1, found) != Verdict.ACCEPT


def test_boundaries_shown_are_those_that_decide() -> None:
    for line in PLAN.boundaries(150):
        n = line["read"]
        if line["accept"] is not None:
            assert PLAN.verdict(n, line["accept"]) == Verdict.ACCEPT
            assert PLAN.verdict(n, line["accept"] + 1) != Verdict.ACCEPT
        else:
            assert PLAN.verdict(n, 0) != Verdict.ACCEPT
        if line["reject"] is not None:
            assert PLAN.verdict(n, line["reject"]) == Verdict.REJECT
            assert PLAN.verdict(n, line["reject"] - 1) != Verdict.REJECT


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from([(0.01, 0.06), (0.02, 0.10), (0.05, 0.20), (0.01, 0.15)]),
    st.sampled_from([0.02, 0.05, 0.10]),
    st.sampled_from([0.02, 0.05, 0.10]),
)
def test_both_errors_together_stay_within_both_risks(
    shares: tuple[float, float], alpha: float, beta: float
) -> None:
    """Wald: α' + β' ≤ α + β, α' ≤ α/(1−β), β' ≤ β/(1−α), whatever the overshoot."""
    plan = Sequential(*shares, alpha, beta)
    rejected = plan.operating(shares[0]).reject
    accepted = plan.operating(shares[1]).accept
    assert rejected + accepted <= alpha + beta
    assert rejected <= alpha / (1 - beta)
    assert accepted <= beta / (1 - alpha)


def test_errors_of_the_default_plan_are_within_their_risks() -> None:
    good, bad = PLAN.operating(0.01), PLAN.operating(0.06)
    assert good.reject <= 0.05
    assert bad.accept <= 0.10
    assert good.accept + good.reject == pytest.approx(1, abs=1e-9)
    # Far fewer readings than the fixed plan with the same risks (n = 89, c = 2).
    assert good.readings < 89
    assert bad.readings < 89


@pytest.mark.parametrize(
    "values",
    [(0.06, 0.01, 0.05, 0.1), (0, 0.1, 0.05, 0.1), (0.01, 0.1, 0, 0.1), (0.01, 0.1, 0.6, 0.5)],
)
def test_nonsense_is_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"p1|alpha"):
        Sequential(*values)


@pytest.mark.parametrize(
    ("read", "found", "drawn", "frame", "says"),
    [
        (44, 0, 44, 100, "44 read at random, 0 of them judged differently. That is enough to accept the set."),
        (2, 2, 44, 100, "That is too many to accept the set as it is."),
        (44, 1, 50, 100, "1 of them judged differently. That is not enough to say."),
        (44, 1, 50, 100, "If no more are, 80 in all accept the set: extend the sample by 30."),
        (44, 1, 44, 60, "60 in all accept the set: extend the sample by 16."),
        (0, 0, 44, 100, "If no more are, 44 in all accept the set: as many have been drawn."),
        (60, 3, 60, 60, "All of the random frame was read, so nothing is in doubt."),
    ],
)  # fmt: skip
def test_what_is_said_while_reading_goes_on(
    read: int, found: int, drawn: int, frame: int, says: str
) -> None:
    assert says in in_words(PLAN, read, found, drawn, frame)


def test_lines_that_are_shown() -> None:
    lines = PLAN.shown(1000)
    assert [one["read"] for one in lines] == list(range(11, 116, 11))
    assert lines[-1]["accept"] == 1
    assert PLAN.shown(0) == []
