"""Charts: limits against SciPy, run lengths against the textbook, second passes."""

import numpy as np
import pytest
from scipy import stats

from moderation import drift as d


def test_cusum_by_hand() -> None:
    points = d.cusum([1, 1, -1, 2], sd=1, k=0.5, h=1.4)
    assert [(one.high, one.low) for one in points] == [(0.5, 0), (1, 0), (0, 0.5), (1.5, 0)]
    assert [one.signal for one in points] == [False, False, False, True]
    mirrored = d.cusum([-1, -1, 1, -2], sd=1, k=0.5, h=1.4)
    assert [(one.low, one.high) for one in mirrored] == [(one.high, one.low) for one in points]
    assert d.cusum([3, 5], sd=2, target=3)[1].high == 0.5


def first(points) -> int:
    return next((place for place, one in enumerate(points, 1) if one.signal), len(points))


@pytest.mark.parametrize("chart", [d.cusum, d.ewma])
def test_a_shift_is_found_soon_and_nothing_seldom(chart) -> None:
    """Run lengths of about 10 after a shift of one standard deviation, some hundreds without.

    Limits that are exact from the first point on find an early shift a little sooner.
    """
    rng = np.random.default_rng(2)
    shifted = [first(chart((rng.normal(1, 1, 200)).tolist(), sd=1)) for _each in range(150)]
    assert 7 < np.mean(shifted) < 12
    quiet = [first(chart(rng.normal(0, 1, 1500).tolist(), sd=1)) for _each in range(60)]
    assert np.mean(quiet) > 250


def test_ewma_limits() -> None:
    points = d.ewma([0.5] * 200, sd=1, weight=0.25, width=3)
    assert points[0].value == 0.125
    assert points[0].high == pytest.approx(3 * 0.25)
    assert points[-1].high == pytest.approx(3 * np.sqrt(0.25 / 1.75))
    assert points[-1].low == -points[-1].high
    assert points[-1].value == pytest.approx(0.5)
    assert not points[-1].signal
    assert d.ewma([9], sd=1)[0].signal
    assert d.ewma([-9], sd=1)[0].signal


def test_p_chart_and_its_second_pass() -> None:
    counts = [(4, 50), (6, 50), (5, 50), (3, 50), (25, 50), (6, 50)]
    chart = d.p_chart(counts)
    assert chart.left_out == (4,)
    assert chart.centre == pytest.approx(24 / 250)
    reach = 3 * np.sqrt(chart.centre * (1 - chart.centre) / 50)
    assert chart.points[0].high == pytest.approx(chart.centre + reach)
    assert chart.points[0].low == 0
    assert [one.signal for one in chart.points] == [False] * 4 + [True, False]
    assert chart.points[4].share == 0.5
    calm = d.p_chart([(5, 50), (6, 50)])
    assert calm.left_out == ()
    assert calm.centre == pytest.approx(0.11)
    assert 0 < d.p_chart([(500, 1000)] * 3).points[0].low < 0.5


def test_exact_limits_keep_their_risk() -> None:
    counts = [(1, 12), (0, 9), (2, 15), (1, 10)]
    chart = d.exact_chart(counts)
    assert chart.centre == pytest.approx(4 / 46)
    for one in chart.points:
        most, fewest = round(one.high * one.read), round(one.low * one.read)
        assert stats.binom.sf(most, one.read, chart.centre) <= 0.00135
        assert stats.binom.sf(most - 1, one.read, chart.centre) > 0.00135
        assert stats.binom.cdf(fewest - 1, one.read, chart.centre) <= 0.00135
    # One of three: three sigmas would signal, the exact limit knows that it may well be chance.
    small = [(1, 3), *[(1, 60)] * 4]
    assert d.p_chart(small).left_out == (0,)
    assert d.exact_chart(small).left_out == ()


def test_low_counts_can_signal_below() -> None:
    chart = d.exact_chart([(0, 80), *[(32, 80)] * 4])
    assert chart.left_out == (0,)
    assert chart.points[0].low > 0
    nothing = d.exact_chart([(0, 10), (0, 20)])
    assert nothing.centre == 0
    assert not any(one.signal for one in nothing.points)
    everything = d.exact_chart([(9, 9), (4, 4)])
    assert not any(one.signal for one in everything.points)


def test_when_every_set_signals_none_is_left_out() -> None:
    chart = d.p_chart([(0, 100), (100, 100)])
    assert all(one.signal for one in chart.points)
    assert chart.left_out == ()


def test_nonsense_is_refused() -> None:
    for call in (
        lambda: d.cusum([1], sd=0),
        lambda: d.ewma([1], sd=1, weight=0),
        lambda: d.p_chart([]),
        lambda: d.p_chart([(3, 2)]),
        lambda: d.exact_chart([(0, 0)]),
    ):
        with pytest.raises(ValueError, match=r"above 0|found"):
            call()
