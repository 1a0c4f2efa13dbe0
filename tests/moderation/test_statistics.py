"""Published and re-computed values (docs of the domain, statistics), and properties."""

from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation import statistics as s

M = None
RATINGS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, M, M, M],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, M, M],
    [M, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 3],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, M],
]
UNITS = [
    [sum(rater[unit] == category for rater in RATINGS) for category in range(1, 6)]
    for unit in range(12)
]


@pytest.mark.parametrize(
    ("size", "read", "found", "bound"),
    [
        (48, 11, 0, 10),
        (48, 11, 1, 16),
        (20, 5, 0, 8),
        (100, 10, 0, 24),
        (100, 25, 0, 9),
        (12, 12, 0, 0),
        (12, 12, 3, 3),
    ],
)
def test_upper_bound_table(size: int, read: int, found: int, bound: int) -> None:
    assert s.upper_bound(size, read, found) == bound


@settings(deadline=None)
@given(st.integers(1, 60), st.data())
def test_upper_bound_is_the_last_that_is_not_ruled_out(size: int, data: st.DataObject) -> None:
    read = data.draw(st.integers(1, size))
    found = data.draw(st.integers(0, read))
    bound = s.upper_bound(size, read, found)
    possible = range(found, size - (read - found) + 1)
    assert bound == max(d for d in possible if s.at_most(found, size, d, read) > 0.05)


def test_upper_bound_refuses_nonsense() -> None:
    with pytest.raises(ValueError):
        s.upper_bound(5, 6, 0)


def test_hypergeometric_reference() -> None:
    assert float(s.at_most(0, 50, 5, 10)) == pytest.approx(0.310563, abs=5e-7)


@pytest.mark.parametrize(
    ("p", "expected"),
    [(0.1, [10, 16, 19, 22, 25, 27, 28, 29]), (0.05, [10, 19, 23, 31, 45, 51, 56, 57])],
)
def test_zero_defect_size_table(p: float, expected: list[int]) -> None:
    sizes = [10, 20, 30, 50, 100, 200, 500, 1000]
    assert [s.zero_defect_size(size, p) for size in sizes] == expected


@pytest.mark.parametrize(
    ("size", "tenth", "root"),
    [(20, 0.447, 0.447), (30, 0.434, 0.502), (50, 0.423, 0.599), (100, 0.670, 0.670), (200, 0.892, 0.806)],
)  # fmt: skip
def test_detection_probability_table(size: int, tenth: float, root: float) -> None:
    wrong = max(1, round(size / 10))
    ceil_root = int(size**0.5) + (int(size**0.5) ** 2 < size)
    by_share = s.detection_probability(size, wrong, max(5, -(-size // 10)))
    by_root = s.detection_probability(size, wrong, max(5, ceil_root))
    # The table is printed to three digits, the last of them not always rounded to the nearest.
    assert by_share == pytest.approx(tenth, abs=1e-3)
    assert by_root == pytest.approx(root, abs=1e-3)


def test_detection_in_an_empty_frame_is_nothing() -> None:
    assert s.detection_probability(0, 0, 0) == 0


def test_assurance_sentence() -> None:
    said = s.assurance(48, 11, 0)
    assert said.sentence == (
        "Random part: 11 of 48, 0 disagreements. With 95 % confidence at most 10 of 48 decisions "
        "(21 %) would be judged differently."
    )
    assert "1 disagreement. " in s.assurance(48, 11, 1).sentence
    assert said.as_json()["at_most"] == 10


def test_assurance_without_a_random_part_claims_nothing() -> None:
    assert "no random part" in s.assurance(0, 0, 0).sentence


COHEN = [[88, 10, 2], [14, 40, 6], [18, 10, 12]]


def test_cohens_weighted_example() -> None:
    plain = s.weighted_kappa(COHEN, s.weights("identity", 3))
    assert plain is not None
    assert plain.value == pytest.approx(0.491525, abs=5e-7)
    assert plain.error == pytest.approx(0.05100, abs=5e-6)
    disagreement = [[0, 1, 3], [1, 0, 6], [3, 6, 0]]
    weighted = s.weighted_kappa(COHEN, [[1 - v / 6 for v in line] for line in disagreement])
    assert weighted is not None
    assert weighted.value == pytest.approx(0.347826, abs=5e-7)
    assert weighted.error == pytest.approx(0.07550, abs=5e-6)


def test_fleiss_example() -> None:
    found = s.weighted_kappa([[75, 1, 4], [5, 4, 1], [0, 0, 10]], s.weights("identity", 3))
    assert found is not None
    assert found.value == pytest.approx(0.676471, abs=5e-7)
    assert found.error == pytest.approx(0.087703, abs=5e-7)
    assert found.low < found.value < found.high


def test_kappa_paradox_is_why_ac_stands_beside_it() -> None:
    kappa = s.weighted_kappa([[118, 5], [2, 0]], s.weights("identity", 2))
    units = [[2, 0]] * 118 + [[1, 1]] * 7
    ac = s.gwet_ac(units, s.weights("identity", 2))
    assert kappa is not None
    assert ac is not None
    assert kappa.value == pytest.approx(-0.0233918, abs=5e-8)
    assert ac.value == pytest.approx(0.9407763, abs=5e-8)


def test_kappa_says_nothing_where_both_use_one_level() -> None:
    assert s.weighted_kappa([[9, 0], [0, 0]], s.weights("quadratic", 2)) is None


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [("identity", 0.77544, 0.14295), ("linear", 0.85874, 0.11733), ("quadratic", 0.91400, 0.10396)],
)
def test_gwet_with_four_raters_and_missing_readings(kind: str, value: float, error: float) -> None:
    found = s.gwet_ac(UNITS, s.weights(kind, 5))
    assert found is not None
    assert found.value == pytest.approx(value, abs=5e-6)
    assert found.error == pytest.approx(error, abs=5e-6)


def test_gwet_interval_by_students_t() -> None:
    found = s.gwet_ac(UNITS, s.weights("identity", 5))
    assert found is not None
    assert found.low == pytest.approx(0.46081, abs=5e-6)
    assert found.high == 1


def test_gwet_on_six_raters() -> None:
    text = """0 0 0 6 0   0 3 0 0 3   0 1 4 0 1   0 0 0 0 6   0 3 0 3 0
              2 0 4 0 0   0 0 4 0 2   2 0 3 1 0   2 0 0 4 0   0 0 0 0 6
              1 0 0 5 0   1 1 0 4 0   0 3 3 0 0   1 0 0 5 0   0 2 0 3 1"""
    numbers = [int(each) for each in text.split()]
    units = [numbers[i : i + 5] for i in range(0, len(numbers), 5)]
    found = s.gwet_ac(units, s.weights("identity", 5))
    assert found is not None
    assert found.value == pytest.approx(0.4448007, abs=5e-8)
    assert found.error == pytest.approx(0.08418757, abs=5e-9)


def test_gwet_needs_two_units_and_a_pair() -> None:
    assert s.gwet_ac([[2, 0]], s.weights("identity", 2)) is None
    assert s.gwet_ac([[1, 0], [0, 1]], s.weights("identity", 2)) is None


def test_students_t() -> None:
    assert s.student_t(11, 0.975) == pytest.approx(2.200985, abs=1e-6)
    assert s.student_t(30, 0.975) == pytest.approx(2.042272, abs=1e-6)


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
