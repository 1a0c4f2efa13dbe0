"""The rule of calibration at each of its boundaries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessment.calibration import Pair, PassRule, judge

RULE = PassRule()


def pairs(*differences, wrong=0):
    """One exemplar for each difference, agreed at rank 2; the first `wrong` of them end otherwise."""
    return [
        Pair({"C": 2 + one}, {"C": 2}, same_outcome=number >= wrong)
        for number, one in enumerate(differences)
    ]


@pytest.mark.parametrize(
    ("differences", "passed"),
    [
        ([0] * 10, True),
        # exactly 60 % alike, the others cancelling out
        ([0] * 6 + [1, -1, 1, -1], True),
        ([0] * 5 + [1, -1, 1, -1, 1], False),
        # exactly 95 % within one level
        ([0] * 19 + [2], True),
        ([0] * 18 + [2, -2], False),
        # a mean of exactly half a level either way
        ([0] * 60 + [1] * 40, True),
    ],
)
def test_shares(differences, passed):
    assert judge(pairs(*differences), RULE).passed is passed


@pytest.mark.parametrize("sign", [1, -1])
def test_the_mean_may_lie_half_a_level_off_and_no_more(sign):
    loose = PassRule(exact=0.0, adjacent=0.0, bias=0.5)
    at = judge(pairs(*[sign, 0]), loose)
    assert at.passed
    assert at.bias * sign == pytest.approx(0.5)
    over = judge(pairs(*[sign] * 51, *[0] * 49), loose)
    assert not over.passed
    assert ("kinder" if sign > 0 else "stricter") in over.reasons[0]


def test_one_wrong_outcome_fails_whatever_the_levels():
    found = judge(pairs(*[0] * 10, wrong=1), RULE)
    assert (found.exact, found.wrong_outcomes, found.passed) == (10, 1, False)
    assert "1 piece of work passes that should not" in found.reasons[0]


def test_policy_values_are_what_they_are_written_as():
    """0.6 as a binary number is a little less than three fifths, and 0.95 a little less than 19/20."""
    assert judge(pairs(*[0] * 3, 1, -1), RULE).passed
    strict = PassRule(exact=0.61)
    assert not judge(pairs(*[0] * 3, 1, -1), strict).passed


def test_nothing_or_different_criteria_is_a_mistake():
    with pytest.raises(ValueError, match="Nothing"):
        judge([], RULE)
    with pytest.raises(ValueError, match="different"):
        judge([Pair({"C1": 1}, {"C2": 1}, same_outcome=True)], RULE)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_order_does_not_matter_and_perfect_marking_passes(differences):
    one = judge(pairs(*differences), RULE)
    other = judge(pairs(*reversed(differences)), RULE)
    assert (one.exact, one.adjacent, one.signed) == (other.exact, other.adjacent, other.signed)
    assert one.exact <= one.adjacent <= one.criteria == len(differences)
    assert judge(pairs(*[0] * len(differences)), RULE).passed
