"""Coefficients against every published value, kept-up libraries, and what must hold of any of them."""

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import inter_rater

from moderation import agreement as a

# Krippendorff 2011: four observers, twelve units, the last with a single rating. 0 is missing.
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 0],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 3],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)
CODES = OBSERVERS.T - 1
COUNTS = a.tally(CODES, 5)
VALUES = np.arange(1.0, 6)


def table(text: str, width: int) -> np.ndarray:
    return np.array([int(each) for each in text.split()]).reshape(-1, width)


SIX_RATERS = table(
    """0 0 0 6 0   0 3 0 0 3   0 1 4 0 1   0 0 0 0 6   0 3 0 3 0
       2 0 4 0 0   0 0 4 0 2   2 0 3 1 0   2 0 0 4 0   0 0 0 0 6
       1 0 0 5 0   1 1 0 4 0   0 3 3 0 0   1 0 0 5 0   0 2 0 3 1""",
    5,
)
FOURTEEN_RATERS = table(
    """0 0 0 0 14   0 2 6 4 2   0 0 3 5 6   0 3 9 2 0   2 2 8 1 1
       7 7 0 0 0    3 2 6 3 0   2 5 3 2 2   6 5 2 1 0   0 2 2 3 7""",
    5,
)
COHEN = [[88, 10, 2], [14, 40, 6], [18, 10, 12]]
FLEISS = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]


def rounded(printed: float) -> float:
    """Half a unit of the last digit printed."""
    return 0.5 * 10 ** -len(str(printed).split(".")[1])


# Two raters.


def test_cohens_example() -> None:
    plain = a.cohen_kappa(COHEN, np.eye(3))
    assert plain.value == pytest.approx(0.491525, abs=5e-7)
    assert plain.se == pytest.approx(0.05100, abs=5e-6)
    assert plain.n == 200
    grave = a.from_disagreement([[0, 1, 3], [1, 0, 6], [3, 6, 0]])
    for cells in (COHEN, np.transpose(COHEN)):
        weighted = a.cohen_kappa(cells, grave)
        assert weighted.value == pytest.approx(0.347826, abs=5e-7)
        assert weighted.se == pytest.approx(0.07550, abs=5e-6)


def test_fleiss_example() -> None:
    found = a.cohen_kappa(FLEISS, np.eye(3))
    assert found.value == pytest.approx(0.676471, abs=5e-7)
    assert found.se == pytest.approx(0.087703, abs=5e-7)
    assert found.se_null == pytest.approx(0.076187, abs=5e-7)
    assert found.z == pytest.approx(8.879, abs=5e-4)
    assert found.low < found.value < found.high


@pytest.mark.parametrize("kind", ["identity", "linear", "quadratic"])
@pytest.mark.parametrize("cells", [COHEN, FLEISS])
def test_kappa_is_that_of_statsmodels(cells, kind: str) -> None:
    found = a.cohen_kappa(cells, a.weights(kind, 3))
    oracle = inter_rater.cohens_kappa(
        np.array(cells), wt=None if kind == "identity" else kind.replace("quadratic", "fc")
    )
    assert found.value == pytest.approx(oracle.kappa)
    assert found.se == pytest.approx(oracle.std_kappa)
    assert found.se_null == pytest.approx(oracle.std_kappa0)
    assert (found.low, found.high) == pytest.approx((oracle.kappa_low, oracle.kappa_upp))


def test_kappa_paradox_is_why_ac_stands_beside_it() -> None:
    cells = [[118, 5], [2, 0]]
    counts = np.array([[2, 0]] * 118 + [[1, 1]] * 7)
    two = np.eye(2)
    assert a.observed_agreement(counts, two).value == pytest.approx(0.944)
    assert a.cohen_kappa(cells, two).value == pytest.approx(-0.0233918, abs=5e-8)
    assert a.gwet_ac(counts, two).value == pytest.approx(0.9407763, abs=5e-8)
    assert a.brennan_prediger(counts, two).value == pytest.approx(0.888)


# Many raters, missing ratings.

GWET_FAMILY = {
    "identity": [(0.77544, 0.14295), (0.76117, 0.15302), (0.74342, 0.14557), (0.76282, 0.14917), (0.77273, 0.14472)],
    "linear": [(0.85874, 0.11733), (0.81794, None), (0.80038, None), (0.81378, None), (0.84848, None)],
    "quadratic": [(0.91400, 0.10396), (0.86494, None), (0.84911, None), (0.85771, None), (0.90152, None)],
    "ordinal": [(0.89894, 0.10690), (None, None), (0.83364, None), (None, None), (None, None)],
}  # fmt: skip


@pytest.mark.parametrize("kind", GWET_FAMILY)
def test_gwet_family(kind: str) -> None:
    w = a.weights(kind, 5)
    found = [
        a.gwet_ac(COUNTS, w),
        a.fleiss_kappa(COUNTS, w),
        a.krippendorff_alpha(COUNTS, w),
        a.conger_kappa(CODES, w),
        a.brennan_prediger(COUNTS, w),
    ]
    for one, (value, error) in zip(found, GWET_FAMILY[kind], strict=True):
        if value is not None:
            assert one.value == pytest.approx(value, abs=5e-6), one.statistic
        if error is not None:
            assert one.se == pytest.approx(error, abs=5e-6), one.statistic


def test_interval_of_ac1_and_what_was_observed() -> None:
    found = a.gwet_ac(COUNTS, np.eye(5))
    assert found.low == pytest.approx(0.46081, abs=5e-6)
    assert found.high == 1
    assert found.n == 11
    observed = a.observed_agreement(COUNTS, np.eye(5)).value
    assert observed == pytest.approx(0.81818, abs=5e-6)
    chance = (observed - found.value) / (1 - found.value)
    assert chance == pytest.approx(0.1903212, abs=5e-8)


@pytest.mark.parametrize(
    ("metric", "value"),
    [("nominal", 0.743421), ("ordinal", 0.815388), ("interval", 0.849107), ("ratio", 0.797403)],
)
def test_alpha_as_printed(metric: str, value: float) -> None:
    found = a.alpha_by_metric(COUNTS, metric, VALUES)
    assert found.value == pytest.approx(value, abs=5e-7)
    assert found.n == 11
    assert metric in found.statistic


def test_ordinal_metric_and_ordinal_weights_are_two_numbers() -> None:
    by_metric = a.alpha_by_metric(COUNTS, "ordinal")
    by_weights = a.krippendorff_alpha(COUNTS, a.weights("ordinal", 5))
    assert by_metric.value - by_weights.value == pytest.approx(-0.01825, abs=5e-6)
    assert by_metric.statistic != by_weights.statistic


def test_six_raters() -> None:
    one = np.eye(5)
    kappa, ac = a.fleiss_kappa(SIX_RATERS, one), a.gwet_ac(SIX_RATERS, one)
    assert kappa.value == pytest.approx(0.4139265, abs=5e-8)
    assert kappa.se == pytest.approx(0.08119291, abs=5e-9)
    assert ac.value == pytest.approx(0.4448007, abs=5e-8)
    assert ac.se == pytest.approx(0.08418757, abs=5e-9)
    assert a.krippendorff_alpha(SIX_RATERS, one).value == pytest.approx(0.4204384, abs=5e-8)
    assert a.brennan_prediger(SIX_RATERS, one).value == pytest.approx(0.4388889, abs=5e-8)


def test_fourteen_raters() -> None:
    found = a.fleiss_kappa(FOURTEEN_RATERS, np.eye(5)).value
    assert found == pytest.approx(0.209931, abs=5e-7)
    assert found == pytest.approx(inter_rater.fleiss_kappa(FOURTEEN_RATERS))


# Any ratings at all.

ratings = st.integers(2, 4).flatmap(
    lambda raters: st.lists(
        st.lists(st.integers(-1, 3), min_size=raters, max_size=raters), min_size=3, max_size=15
    )
)


def everything(codes: np.ndarray, values: np.ndarray | None = None) -> dict[str, a.Estimate]:
    """Every coefficient of some ratings in four categories."""
    counts = a.tally(codes, 4)
    w = a.weights("quadratic", 4)
    numbers = np.arange(1.0, 5) if values is None else values
    found = {
        "fleiss": a.fleiss_kappa(counts, w),
        "ac": a.gwet_ac(counts, w),
        "bp": a.brennan_prediger(counts, w),
        "conger": a.conger_kappa(codes, w),
        "alpha": a.krippendorff_alpha(counts, w),
    }
    for metric in ("nominal", "ordinal", "interval", "ratio"):
        found[metric] = a.alpha_by_metric(counts, metric, numbers)
    return found


@settings(deadline=None, max_examples=60)
@given(ratings)
def test_alpha_is_that_of_the_krippendorff_package(lines: list[list[int]]) -> None:
    codes = np.array(lines)
    counts = a.tally(codes, 4)
    paired = counts[counts.sum(axis=1) >= 2]
    assume(len(paired) and (paired.sum(axis=0) > 0).sum() > 1)
    for metric in ("nominal", "ordinal", "interval", "ratio"):
        expected = krippendorff.alpha(
            value_counts=counts, value_domain=[1, 2, 3, 4], level_of_measurement=metric
        )
        found = a.alpha_by_metric(counts, metric, np.arange(1.0, 5))
        assert found.value == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(ratings, st.randoms())
def test_order_of_items_and_raters_does_not_matter(lines: list[list[int]], random) -> None:
    codes = np.array(lines)
    items, raters = list(range(codes.shape[0])), list(range(codes.shape[1]))
    random.shuffle(items)
    random.shuffle(raters)
    one, other = everything(codes), everything(codes[items][:, raters])
    for name, found in one.items():
        if found.value is None:
            assert other[name].value is None
            continue
        assert other[name].value == pytest.approx(found.value)
        if found.se is not None:
            assert other[name].se == pytest.approx(found.se, abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(ratings)
def test_names_of_categories_do_not_matter(lines: list[list[int]]) -> None:
    """Reversing an ordered scale changes nothing; a nominal one may be relabelled at will."""
    codes = np.array(lines)
    reversed_codes = np.where(codes >= 0, 3 - codes, -1)
    shuffled = np.where(codes >= 0, np.array([2, 0, 3, 1])[codes], -1)
    one, other = everything(codes), everything(reversed_codes)
    for name in set(one) - {"ratio"}:
        if one[name].value is not None:
            assert other[name].value == pytest.approx(one[name].value)
    two = np.eye(4)
    for plain in (a.fleiss_kappa, a.gwet_ac, a.brennan_prediger, a.krippendorff_alpha):
        before, after = plain(a.tally(codes, 4), two), plain(a.tally(shuffled, 4), two)
        if before.value is not None:
            assert after.value == pytest.approx(before.value)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=3, max_size=12), st.integers(2, 4))
def test_perfect_agreement_is_one(levels: list[int], raters: int) -> None:
    assume(len(set(levels)) > 1)
    codes = np.repeat(np.array(levels)[:, None], raters, axis=1)
    for name, found in everything(codes).items():
        assert found.value == pytest.approx(1), name
        assert found.se == pytest.approx(0, abs=1e-9), name


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=4, max_size=30))
def test_for_two_raters_the_families_meet(pairs: list[tuple[int, int]]) -> None:
    """Conger's kappa is Cohen's; the errors of a table and of its pairs are one formula."""
    codes = np.array(pairs)
    w = a.weights("linear", 3)
    cells = a.table_of(codes[:, 0], codes[:, 1], 3)
    kappa = a.cohen_kappa(cells, w)
    conger = a.conger_kappa(codes, w)
    if kappa.value is None:
        assert conger.value is None
        return
    assert conger.value == pytest.approx(kappa.value)
    own = a.cohen_kappa_of_pairs(codes[:, 0], codes[:, 1], w, np.arange(len(codes)))
    n = len(codes)
    assert own.se == pytest.approx(kappa.se * np.sqrt(n / (n - 1)), abs=1e-7)


def test_readings_that_depend_on_each_other_are_worth_less() -> None:
    rng = np.random.default_rng(8)
    codes = rng.integers(0, 3, (30, 2))
    w = a.weights("quadratic", 3)
    four = np.repeat(codes, 4, axis=0)
    clusters = np.repeat(np.arange(30), 4)
    for once, again in (
        (
            a.cohen_kappa_of_pairs(codes[:, 0], codes[:, 1], w, np.arange(30)),
            a.cohen_kappa_of_pairs(four[:, 0], four[:, 1], w, clusters),
        ),
        (a.gwet_ac(a.tally(codes, 3), w), a.gwet_ac(a.tally(four, 3), w, clusters=clusters)),
    ):
        assert again.value == pytest.approx(once.value)
        assert again.se == pytest.approx(once.se)
        assert again.n == once.n == 30


def test_errors_are_those_of_many_samples() -> None:
    """Spread over drawn samples against the mean of the estimated errors.

    A rating of the third rater may be missing. (Where items have one rating alone, Gwet's formula is wider.)
    """
    rng = np.random.default_rng(4)
    seen: dict[str, list[tuple[float, float]]] = {}
    for _each in range(150):
        truth = rng.choice(4, 60, p=[0.1, 0.2, 0.4, 0.3])
        codes = np.clip(truth[:, None] + rng.choice([-1, 0, 0, 0, 1], (60, 3)), 0, 3)
        codes[rng.random(60) < 0.3, 2] = -1
        for name, found in everything(codes).items():
            seen.setdefault(name, []).append((found.value, found.se))
    for name, found in seen.items():
        values, errors = np.array(found).T
        assert errors.mean() == pytest.approx(values.std(), rel=0.2), name


# Where nothing can be said.


def test_no_item_with_two_ratings() -> None:
    for codes in (np.array([[0, -1], [-1, 2]]), np.array([[0], [2]]), np.full((2, 2), -1)):
        for name, found in everything(codes).items():
            assert found.value is None, name
            assert found.reason == a.NO_PAIRS
            assert found.as_json()["reason"]
    assert a.cohen_kappa(np.zeros((2, 2)), np.eye(2)).reason == a.NO_PAIRS
    nobody = np.array([], dtype=np.int64)
    assert a.cohen_kappa_of_pairs(nobody, nobody, np.eye(2), nobody).value is None
    assert a.observed_agreement(np.array([[1, 0]]), np.eye(2)).value is None


def test_one_category() -> None:
    counts = np.array([[2], [3]])
    for found in (
        a.fleiss_kappa(counts, np.eye(1)),
        a.gwet_ac(counts, np.eye(1)),
        a.brennan_prediger(counts, np.eye(1)),
        a.krippendorff_alpha(counts, np.eye(1)),
        a.conger_kappa(np.zeros((2, 2), dtype=np.int64), np.eye(1)),
        a.cohen_kappa([[9, 0], [0, 0]], a.weights("quadratic", 2)),
        a.alpha_by_metric(counts, "ordinal"),
        a.alpha_by_metric(counts, "interval", np.array([3.0])),
    ):
        assert found.value is None
        assert found.reason


def test_unused_categories_count_where_chance_is_spread_over_all() -> None:
    """All passed by everybody: kappa is silent, AC and Brennan–Prediger are not."""
    counts = np.array([[2, 0]] * 30)
    assert a.fleiss_kappa(counts, np.eye(2)).value is None
    assert a.gwet_ac(counts, np.eye(2)).value == 1
    assert a.brennan_prediger(counts, np.eye(2)).value == 1


def test_one_item_has_a_value_and_no_error() -> None:
    found = a.gwet_ac(np.array([[1, 1, 0]]), np.eye(3))
    assert found.value is not None
    assert found.se is None
    assert found.as_json()["ci95"] is None
    assert "no spread" in found.as_json()["reason"]
    assert a.alpha_by_metric(np.array([[1, 1, 0]]), "ordinal").se is None


def test_numbers_a_metric_cannot_take() -> None:
    counts = np.array([[1, 1], [2, 0]])
    assert "not numbers" in a.alpha_by_metric(counts, "interval").reason
    assert "below zero" in a.alpha_by_metric(counts, "ratio", np.array([-1.0, 2])).reason
    assert a.alpha_by_metric(counts, "ratio", np.array([0.0, 2])).value is not None


def test_weights() -> None:
    assert a.weights("linear", 3).tolist() == [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]
    assert a.weights("quadratic", 3).tolist() == [[1, 0.75, 0], [0.75, 1, 0.75], [0, 0.75, 1]]
    assert a.weights("ordinal", 3)[0].tolist() == pytest.approx([1, 2 / 3, 0])
    assert a.weights("linear", [0, 1, 4])[0].tolist() == [1, 0.75, 0]
    assert a.weights("quadratic", 1).tolist() == [[1]]
    assert a.weights("adjacent", 3).tolist() == [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
    counts = np.array([[1, 1, 0], [1, 0, 1], [2, 0, 0], [0, 0, 1]])
    assert a.observed_agreement(counts, a.weights("adjacent", 3)).value == pytest.approx(2 / 3)


def test_bias_is_a_mean_difference_with_the_interval_of_student() -> None:
    rng = np.random.default_rng(5)
    one, other = rng.integers(0, 4, 40).astype(float), rng.integers(0, 4, 40).astype(float)
    found = a.mean_difference(one, other)
    oracle = stats.ttest_rel(one, other)
    assert found.value == pytest.approx((one - other).mean())
    assert found.value / found.se == pytest.approx(oracle.statistic)
    expected = oracle.confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert "signed" in found.statistic
    alone = a.mean_difference(one[:1], other[:1])
    assert (alone.se, alone.n) == (None, 1)
