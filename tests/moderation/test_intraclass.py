"""Six forms against the published example, the F distribution of SciPy and an analysis of variance."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from moderation import intraclass as i

# Shrout and Fleiss 1979, table 2: six targets, four judges.
JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


@pytest.mark.parametrize(
    ("form", "value", "low", "high"),
    [
        ("1_1", 0.17, -0.133, 0.723),
        ("2_1", 0.29, 0.019, 0.761),
        ("3_1", 0.71, 0.342, 0.946),
        ("1_k", 0.44, -0.884, 0.912),
        ("2_k", 0.62, 0.071, 0.927),
        ("3_k", 0.91, 0.676, 0.986),
    ],
)
def test_published_example(form: str, value: float, low: float, high: float) -> None:
    found = i.icc(i.MeanSquares.of(JUDGES), form)
    assert found.value == pytest.approx(value, abs=0.005)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.0005)
    assert found.n == 6
    assert f"({form[0]},{form[2]})" in found.statistic


def made(items: int, raters: int, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (
        rng.normal(0, 2, (items, 1)) + rng.normal(0, 1, raters) + rng.normal(0, 1, (items, raters))
    )


def test_mean_squares_are_those_of_a_linear_model() -> None:
    ratings = made(14, 4)
    item, rater = (grid.ravel() for grid in np.indices(ratings.shape))
    columns = [np.ones(item.size)]
    full = np.column_stack(
        columns + [item == one for one in range(1, 14)] + [rater == one for one in range(1, 4)]
    ).astype(float)
    rss = sm.OLS(ratings.ravel(), full).fit().ssr
    without_items = sm.OLS(ratings.ravel(), np.delete(full, range(1, 14), axis=1)).fit().ssr
    without_raters = sm.OLS(ratings.ravel(), full[:, :14]).fit().ssr
    found = i.MeanSquares.of(ratings)
    assert found.residual == pytest.approx(rss / 39)
    assert found.between == pytest.approx((without_items - rss) / 13)
    assert found.rater == pytest.approx((without_raters - rss) / 3)
    assert found.within == pytest.approx(without_raters / 42)


def test_interval_of_the_consistency_form_is_that_of_f() -> None:
    squares = i.MeanSquares.of(made(30, 3))
    ratio = squares.between / squares.residual
    low = ratio / stats.f.ppf(0.975, 29, 58)
    found = i.icc(squares, "3_1")
    assert found.low == pytest.approx((low - 1) / (low + 2))


@pytest.mark.parametrize("form", i.FORMS)
def test_error_is_that_of_many_simulated_sets(form: str) -> None:
    rng = np.random.default_rng(11)
    raters = 12
    values, errors = [], []
    for _each in range(300):
        table = rng.normal(0, 1, (80, 1)) + rng.normal(0, 0.4, raters)
        table = table + rng.normal(0, 1, (80, raters))
        found = i.icc(i.MeanSquares.of(table), form)
        values.append(found.value)
        errors.append(found.se)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.2)


def test_only_items_that_all_have_rated() -> None:
    table = JUDGES.copy()
    table[2, 1] = math.nan
    assert len(i.complete(table)) == 5


def test_measurement_of_a_single_rating() -> None:
    found = i.measurement(i.MeanSquares.of(JUDGES))
    assert found.consistency == pytest.approx(math.sqrt(1.019444), abs=1e-6)
    assert found.absolute == pytest.approx(
        math.sqrt(1.019444 + (32.486111 - 1.019444) / 6), abs=1e-6
    )


@pytest.mark.parametrize("form", i.FORMS)
def test_perfect_agreement_and_none_at_all(form: str) -> None:
    alike = np.repeat(np.arange(5.0)[:, None], 3, axis=1)
    perfect = i.icc(i.MeanSquares.of(alike), form)
    assert (perfect.value, perfect.se, perfect.low) == (1, 0, 1)
    flat = i.icc(i.MeanSquares.of(np.ones((5, 3))), form)
    assert flat.value is None
    assert "no variation" in flat.reason


def test_order_of_items_and_raters_does_not_matter() -> None:
    one, other = i.MeanSquares.of(JUDGES), i.MeanSquares.of(JUDGES[::-1, [2, 0, 3, 1]])
    for form in i.FORMS:
        assert i.icc(one, form).value == pytest.approx(i.icc(other, form).value)


def test_an_end_without_limit_is_null_in_json() -> None:
    opposed = np.array([[0, 3], [3, 0], [1, 2], [2, 1.0]])
    found = i.icc(i.MeanSquares.of(opposed), "1_k")
    assert found.value is None or all(
        end is None or math.isfinite(end) for end in found.as_json()["ci95"]
    )


@pytest.mark.parametrize("table", [JUDGES[:1], JUDGES[:, :1]])
def test_one_item_or_one_rater_is_refused(table: np.ndarray) -> None:
    with pytest.raises(ValueError, match="two"):
        i.MeanSquares.of(table)


def test_errors_of_measurement_have_errors_themselves() -> None:
    """Those of many simulated sets; without a difference among raters both are the same."""
    rng = np.random.default_rng(12)
    found = []
    for _each in range(300):
        table = rng.normal(0, 1, (60, 1)) + rng.normal(0, 0.8, 10) + rng.normal(0, 1, (60, 10))
        found.append(i.measurement(i.MeanSquares.of(table)))
    for name in ("consistency", "absolute"):
        values = [getattr(one, name) for one in found]
        errors = [getattr(one, f"{name}_error") for one in found]
        assert np.mean(errors) == pytest.approx(np.std(values), rel=0.2), name
    alike = i.measurement(i.MeanSquares(5, 3, 4.0, 0.5, 0.9, 1.0))
    assert alike.absolute_error == pytest.approx(alike.consistency_error)
