"""Bounds, sizes and intervals: published and re-computed values, SciPy, and properties."""

import json
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from moderation import assurance as a


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
    assert a.upper_bound(size, read, found) == bound


@settings(deadline=None)
@given(st.integers(1, 60), st.data())
def test_upper_bound_is_the_last_that_is_not_ruled_out(size: int, data: st.DataObject) -> None:
    read = data.draw(st.integers(1, size))
    found = data.draw(st.integers(0, read))
    bound = a.upper_bound(size, read, found)
    possible = range(found, size - (read - found) + 1)
    assert bound == max(d for d in possible if a.at_most(found, size, d, read) > Fraction(1, 20))


@pytest.mark.parametrize("arguments", [(5, 6, 0), (5, 3, 4), (5, 3, -1)])
def test_upper_bound_refuses_nonsense(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="read"):
        a.upper_bound(*arguments)


def test_a_limit_that_is_met_exactly_is_decided_exactly() -> None:
    # P(0 of 1 read) is 19/20 to the digit for D = 1 of 20, and 1/20 for D = 19.
    assert a.upper_bound(20, 1, 0, alpha=0.05) == 18
    assert a.upper_bound(20, 1, 0, alpha=0.95) == 0


def test_hypergeometric_reference() -> None:
    assert a.accept_hypergeometric(50, 10, 0, 5) == pytest.approx(0.310563, abs=5e-7)
    assert float(a.at_most(0, 50, 5, 10)) == pytest.approx(0.310563, abs=5e-7)


@settings(deadline=None)
@given(st.integers(1, 400), st.data())
def test_operating_characteristics_are_those_of_scipy(size: int, data: st.DataObject) -> None:
    read = data.draw(st.integers(0, size))
    wrong = data.draw(st.integers(0, size))
    most = data.draw(st.integers(0, size))
    expected = stats.hypergeom.cdf(most, size, wrong, read)
    assert a.accept_hypergeometric(size, read, most, wrong) == pytest.approx(expected, abs=1e-9)
    share = wrong / size
    assert a.accept_binomial(read, most, share) == pytest.approx(
        stats.binom.cdf(most, read, share), abs=1e-9
    )


def test_operating_characteristic_table() -> None:
    printed = {
        0.005: 0.9897,
        0.01: 0.9397,
        0.02: 0.7366,
        0.03: 0.4985,
        0.04: 0.3042,
        0.05: 0.1721,
        0.06: 0.0919,
        0.07: 0.0468,
        0.08: 0.0230,
        0.09: 0.0109,
    }
    for share, chance in printed.items():
        assert a.accept_binomial(89, 2, share) == pytest.approx(chance, abs=5e-5)


@pytest.mark.parametrize(
    ("alpha", "sizes"),
    [
        (0.10, [230, 114, 76, 45, 22, 15, 11]),
        (0.05, [299, 149, 99, 59, 29, 19, 14]),
        (0.01, [459, 228, 152, 90, 44, 29, 21]),
    ],
)
def test_zero_defect_sizes_of_an_endless_frame(alpha: float, sizes: list[int]) -> None:
    shares = [0.01, 0.02, 0.03, 0.05, 0.10, 0.15, 0.20]
    assert [a.zero_defect_size(None, share, alpha) for share in shares] == sizes


def test_sizes_that_allow_some_disagreements() -> None:
    assert [a.plan_size(None, most, 0.05) for most in (1, 2, 3)] == [93, 124, 153]


@pytest.mark.parametrize(
    ("p", "expected"),
    [(0.1, [10, 16, 19, 22, 25, 27, 28, 29]), (0.05, [10, 19, 23, 31, 45, 51, 56, 57])],
)
def test_zero_defect_sizes_of_a_frame(p: float, expected: list[int]) -> None:
    sizes = [10, 20, 30, 50, 100, 200, 500, 1000]
    assert [a.zero_defect_size(size, p) for size in sizes] == expected


@settings(deadline=None)
@given(st.integers(1, 120), st.integers(0, 3), st.sampled_from([0.05, 0.1, 0.3]))
def test_a_plan_is_the_smallest_that_keeps_the_risk(size: int, most: int, p: float) -> None:
    n = a.plan_size(size, most, p)
    wrong = math.ceil(Fraction(str(p)) * size)
    if wrong <= most:
        assert n == size
        return
    assert a.at_most(most, size, wrong, n) <= Fraction(1, 20)
    assert n == 0 or a.at_most(most, size, wrong, n - 1) > Fraction(1, 20)


@pytest.mark.parametrize(("p", "alpha"), [(0, 0.05), (1, 0.05), (0.1, 0), (0.1, 1)])
def test_a_plan_without_risk_is_refused(p: float, alpha: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        a.plan_size(50, 0, p, alpha)


@pytest.mark.parametrize(
    ("size", "tenth", "root"),
    [
        (20, 0.447, 0.447),
        (30, 0.4335, 0.5015),
        (50, 0.423, 0.599),
        (100, 0.670, 0.670),
        (200, 0.8915, 0.806),
    ],
)
def test_detection_probability_of_customary_rules(size: int, tenth: float, root: float) -> None:
    """One wrong in ten. Four digits where the third of the published table was rounded up from just below 5."""
    wrong = max(1, round(size / 10))
    by_tenth = a.detection_probability(size, wrong, max(5, math.ceil(size / 10)))
    by_root = a.detection_probability(size, wrong, max(5, math.ceil(math.sqrt(size))))
    for found, printed in ((by_tenth, tenth), (by_root, root)):
        assert found == pytest.approx(printed, abs=0.5 * 10 ** -len(str(printed).split(".")[1]))


def test_detection_in_an_empty_frame_is_nothing() -> None:
    assert a.detection_probability(0, 0, 0) == 0


@pytest.mark.parametrize(
    ("found", "read", "exact", "score"),
    [
        (0, 20, (0, 0.168433), (0, 0.161125)),
        (1, 20, (0.001265, 0.248733), (0.008881, 0.236131)),
        (2, 20, (0.012349, 0.316983), (0.027866, 0.301034)),
        (3, 50, (0.012549, 0.165482), (0.020615, 0.162171)),
        (0, 10, (0, 0.308497), None),
    ],
)
def test_intervals_of_a_share(found, read, exact, score) -> None:
    assert a.clopper_pearson(found, read) == pytest.approx(exact, abs=5e-7)
    if score:
        assert a.wilson(found, read) == pytest.approx(score, abs=5e-7)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 300), st.data())
def test_intervals_of_a_share_are_those_of_scipy(read: int, data: st.DataObject) -> None:
    found = data.draw(st.integers(0, read))
    oracle = stats.binomtest(found, read)
    for ours, method in ((a.clopper_pearson, "exact"), (a.wilson, "wilson")):
        expected = oracle.proportion_ci(0.9, method=method)
        assert ours(found, read, 0.9) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_a_share_of_nothing_is_refused() -> None:
    for ours in (a.clopper_pearson, a.wilson):
        with pytest.raises(ValueError, match="something read"):
            ours(0, 0)


def test_sentence() -> None:
    said = a.assurance(48, 11, 0)
    assert said.sentence == (
        "Random part: 11 of 48, 0 disagreements. With 95\u00a0% confidence at most 10 of 48 decisions "
        "(21\u00a0%) would be judged differently."
    )
    assert "1 disagreement. " in a.assurance(48, 11, 1).sentence
    assert "With 90\u00a0% confidence" in a.assurance(48, 11, 1, 0.1).sentence
    stored = json.loads(json.dumps(said.as_json()))
    assert stored["at_most"] == 10
    assert stored["wherever"] is None


def test_a_factual_error_counts_and_is_named() -> None:
    """Whoever finds one in the random part has to expect others in what was not read."""
    said = a.assurance(48, 11, 1, errors=1)
    assert said.at_most == a.assurance(48, 11, 1).at_most == 16
    assert said.sentence.startswith(
        "Random part: 11 of 48, 0 disagreements and 1 factual error. With"
    )
    assert (said.as_json()["disagreements"], said.as_json()["factual_errors"]) == (0, 1)
    assert "1 disagreement and 2 factual errors" in a.assurance(48, 11, 3, errors=2).sentence


def test_without_a_random_part_nothing_is_claimed() -> None:
    said = a.assurance(0, 0, 0)
    assert "no random part" in said.sentence
    assert said.at_most == 0


def test_uneven_reading_is_said() -> None:
    even = [a.Part(24, 12, 0), a.Part(24, 12, 0)]
    assert a.assurance(48, 24, 0, parts=even).caution == ""
    uneven = [a.Part(40, 4, 0), a.Part(8, 7, 0)]
    said = a.assurance(48, 11, 0, parts=uneven)
    assert said.at_most == 10
    assert said.wherever == 28
    assert "up to 28" in said.caution


def test_parts_that_were_read_in_full_count_exactly() -> None:
    assert a.bound_wherever([a.Part(9, 9, 3), a.Part(5, 5, 0)]) == 3
    alone = a.bound_wherever([a.Part(30, 10, 1)])
    assert a.bound_wherever([a.Part(9, 9, 3), a.Part(30, 10, 1)]) == 3 + alone
    assert a.bound_wherever([a.Part(9, 0, 0), a.Part(5, 5, 1)]) == 10
    assert a.bound_wherever([]) == 0
    with pytest.raises(ValueError, match="read"):
        a.bound_wherever([a.Part(3, 4, 0)])


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=3),
    st.integers(0, 3),
    st.sampled_from([0.05, 0.2]),
)
def test_no_place_of_the_wrong_ones_escapes_the_bound(
    strata: list[tuple[int, int]], found: int, alpha: float
) -> None:
    """Every way to spread more wrong decisions than the bound would have shown more, at risk alpha."""
    strata = [(size, min(read, size - 1)) for size, read in strata]
    read = sum(one for _size, one in strata)
    found = min(found, read)
    parts, rest = [], found
    for size, one in strata:
        own = min(rest, one)
        rest -= own
        parts.append(a.Part(size, one, own))
    bound = a.bound_wherever(parts, alpha)

    def spread(wrong: int, left: list[tuple[int, int]]):
        if not left:
            if wrong == 0:
                yield []
            return
        for own in range(min(wrong, left[0][0]) + 1):
            for others in spread(wrong - own, left[1:]):
                yield [own, *others]

    for places in spread(bound + 1, strata):
        chances = {0: 1.0}
        for (size, one), wrong in zip(strata, places, strict=True):
            each = [stats.hypergeom.pmf(x, size, wrong, one) for x in range(one + 1)]
            mixed: dict[int, float] = {}
            for so_far, chance in chances.items():
                for x, own in enumerate(each):
                    mixed[so_far + x] = mixed.get(so_far + x, 0) + chance * own
            chances = mixed
        few = sum(chance for x, chance in chances.items() if x <= found)
        # Where the wrong ones cannot have been missed, `found` itself was impossible.
        assert few <= alpha + 1e-9
