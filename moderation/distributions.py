"""Distribution functions and quantiles that intervals and tests need. Pure Python, double precision.

Beta and gamma are computed from their classical series and continued fractions (Abramowitz and Stegun
1964, 6.5 and 26.5), evaluated by Lentz's method; quantiles by bisection of the distribution function.
"""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count
from statistics import NormalDist

TINY = 1e-300
CLOSE = 1e-16
STEPS = 100_000


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal distribution."""
    return NormalDist().inv_cdf(probability)


def _continued(terms: Iterator[tuple[float, float]], start: float) -> float:
    """start + a1/(b1 + a2/(b2 + …)) for the pairs (a, b) of `terms`, by the modified method of Lentz."""
    value = start or TINY
    upper, lower = value, 0.0
    for _step, (a, b) in zip(range(STEPS), terms, strict=False):
        lower = 1 / ((b + a * lower) or TINY)
        upper = (b + a / upper) or TINY
        change = upper * lower
        value *= change
        if abs(change - 1) < CLOSE:
            break
    return value


def _beta_terms(x: float, a: float, b: float) -> Iterator[tuple[float, float]]:
    """Numerators and denominators of the continued fraction 26.5.8."""
    yield 1.0, 1.0
    for m in count(0):
        yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1.0
        n = m + 1
        yield n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n)), 1.0


def beta_cdf(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function: P(X ≤ x) for X ~ Beta(a, b)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(scale + a * math.log(x) + b * math.log1p(-x)) / a
    return min(1.0, front * _continued(_beta_terms(x, a, b), 0.0))


def beta_quantile(probability: float, a: float, b: float) -> float:
    """The x with P(X ≤ x) = probability for X ~ Beta(a, b)."""
    return _solve(lambda x: beta_cdf(x, a, b), probability, 0.0, 1.0)


@lru_cache(maxsize=1024)
def t_quantile(probability: float, freedom: float) -> float:
    """Quantile of Student's t with `freedom` degrees of freedom."""
    if probability < 0.5:
        return -t_quantile(1 - probability, freedom)
    # 1/(1 + t²/ν) has a beta distribution; its lower tail is both tails of t.
    share = beta_quantile(2 * (1 - probability), freedom / 2, 0.5)
    return math.sqrt(freedom * (1 - share) / share)


def f_quantile(probability: float, above: float, below: float) -> float:
    """Quantile of Fisher's F with `above` and `below` degrees of freedom."""
    # The complement keeps its digits where F is large.
    rest = beta_quantile(1 - probability, below / 2, above / 2)
    return below * (1 - rest) / (above * rest)


def chi2_tail(x: float, freedom: float) -> float:
    """P(X > x) for X ~ chi-square with `freedom` degrees of freedom."""
    a, z = freedom / 2, x / 2
    if z <= 0:
        return 1.0
    front = math.exp(a * math.log(z) - z - math.lgamma(a))
    if z < a + 1:
        term = total = 1 / a
        for n in range(1, STEPS):
            term *= z / (a + n)
            total += term
            if term < total * CLOSE:
                break
        return max(0.0, 1 - front * total)
    terms = ((-n * (n - a), z + 2 * n + 1 - a) for n in count(1))
    return front / _continued(terms, z + 1 - a)


def _solve(function: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    """Where a rising function reaches `wanted`, as closely as doubles allow."""
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if function(middle) < wanted:
            low = middle
        else:
            high = middle
