"""What pages and records show of assessors' and moderators' agreement."""

from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation import statistics as s
from moderation.assurance import wilson


def pair(item: str, assessor: int, moderator: int, group: str = "C1") -> s.Pair:
    return s.Pair(item, group, assessor, moderator, assessor > 0, moderator > 0, 4)


def test_simple_agreement_and_the_sign_of_bias() -> None:
    found = s.agreement_of([pair("a", 2, 1), pair("b", 1, 1), pair("c", 3, 1), pair("d", 1, 0)])
    assert found is not None
    assert (found.exact, found.adjacent, found.pass_fail, found.bias) == (0.25, 0.75, 0.75, 1.0)


def test_no_coefficient_below_the_least_number_of_items() -> None:
    pairs = [pair(str(n), n % 4, (n + n % 2) % 4) for n in range(20)]
    few, enough = s.agreement_of(pairs[:19]), s.agreement_of(pairs)
    assert few is not None
    assert few.kappa is few.ac2 is None
    assert few.as_json()["quadratic_weighted_kappa"] is None
    assert enough is not None
    assert enough.kappa is not None
    assert enough.ac2 is not None
    assert enough.as_json()["gwet_ac2_quadratic"]["low"] < enough.ac2.value


def test_many_judgements_of_few_items_are_still_too_few() -> None:
    pairs = [pair(str(n % 7), n % 4, n % 4) for n in range(40)]
    found = s.agreement_of(pairs)
    assert found is not None
    assert not found.enough


def test_groups_are_kept_apart() -> None:
    found = s.agreement_by_group([pair("a", 1, 1, "C1"), pair("a", 2, 1, "C2")])
    assert [found["C1"].exact, found["C2"].exact] == [1.0, 0.0]
    assert s.agreement_of([]) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=20, max_size=60))
def test_measures_stay_in_their_ranges(readings: list[tuple[int, int]]) -> None:
    found = s.agreement_of([pair(str(n), a, m) for n, (a, m) in enumerate(readings)])
    assert found is not None
    assert 0 <= found.exact <= found.adjacent <= 1
    assert -3 <= found.bias <= 3
    for one in (found.kappa, found.ac2):
        if one is not None:
            assert -1 <= one.low <= one.value + 1e-9
            assert one.value <= one.high + 1e-9 or isclose(one.value, 1)


def test_intervals_stand_beside_every_figure() -> None:
    found = s.agreement_of([pair(str(n), (n % 3 == 0) + 1, 1) for n in range(30)])
    assert found is not None
    for name in ("exact", "adjacent", "pass_fail", "bias"):
        low, high = found.intervals[name]
        assert low <= getattr(found, name) <= high
    assert found.intervals["exact"] == pytest.approx(wilson(20 * 29 / 30, 29), abs=1e-9)
    assert found.as_json()["intervals"]["adjacent"] == pytest.approx([0.8865, 1], abs=1e-4)
    alone = s.agreement_of([pair("a", 1, 2)])
    assert alone is not None
    assert "bias" not in alone.intervals


def test_criteria_of_one_item_are_not_independent_readings() -> None:
    """Six equal judgements of each item say as much as one of each."""
    one = s.agreement_of([pair(str(n), n % 4, (n + n % 2) % 4) for n in range(40)])
    six = s.agreement_of(
        [pair(str(n), n % 4, (n + n % 2) % 4) for n in range(40) for _c in "abcdef"]
    )
    assert one is not None
    assert six is not None
    assert six.items == 40
    assert six.pairs == 240
    assert six.kappa.se == pytest.approx(one.kappa.se)
    assert six.ac2.se == pytest.approx(one.ac2.se)
    for name, ends in one.intervals.items():
        assert six.intervals[name] == pytest.approx(ends, abs=0.01)


def test_counts_level_by_level() -> None:
    assert s.confusion([pair("a", 2, 1), pair("b", 2, 1), pair("c", 0, 0)], 3) == [
        [1, 0, 0],
        [0, 0, 0],
        [0, 2, 0],
    ]
    assert s.confusion([], 2) == [[0, 0], [0, 0]]
