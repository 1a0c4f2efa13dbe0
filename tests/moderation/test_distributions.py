"""Quantiles and tails against SciPy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from moderation import distributions as d

freedom = st.floats(0.5, 2000)
probability = st.floats(1e-4, 1 - 1e-4)


@settings(deadline=None, max_examples=60)
@given(probability, freedom, freedom)
def test_beta(p: float, a: float, b: float) -> None:
    x = stats.beta.ppf(p, a, b)
    assert d.beta_cdf(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), abs=1e-10)
    assert d.beta_quantile(p, a, b) == pytest.approx(x, rel=1e-7, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(probability, st.floats(1, 5000), st.floats(1, 5000))
def test_f_and_t(p: float, above: float, below: float) -> None:
    assert d.f_quantile(p, above, below) == pytest.approx(stats.f.ppf(p, above, below), rel=1e-7)
    assert d.t_quantile(p, below) == pytest.approx(stats.t.ppf(p, below), rel=1e-7, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.floats(0.001, 1500), st.floats(1, 1000))
def test_chi_square_tail(x: float, freedom: float) -> None:
    assert d.chi2_tail(x, freedom) == pytest.approx(stats.chi2.sf(x, freedom), rel=1e-8, abs=1e-14)


def test_ends() -> None:
    assert (d.beta_cdf(-1, 2, 3), d.beta_cdf(2, 2, 3), d.chi2_tail(0, 3)) == (0, 1, 1)
    assert d.normal_quantile(0.975) == pytest.approx(1.959964, abs=5e-7)
