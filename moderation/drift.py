"""Charts that show when judging moves. Pure: figures in time order in, points with their limits out.

On the signed difference in levels, assessor minus moderator, so that + is lenient: CUSUM and EWMA. On counts
of disagreements in successive sets: a p-chart, and exact binomial limits where counts are small, which they
nearly always are (docs/statistics.md). A signal is a reason to look, never a finding about a person.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

from moderation.assurance import accept_binomial

DECISION = 5.0
"""Height at which a cumulative sum signals, in standard deviations of one difference."""


@dataclass(frozen=True)
class Cusum:
    """Both sums after one difference; `signal` where one of them is above the decision interval."""

    high: float
    low: float
    signal: bool


def cusum(
    differences: Sequence[float],
    *,
    sd: float,
    target: float = 0.0,
    k: float = 0.5,
    h: float = DECISION,
) -> list[Cusum]:
    """Page's cumulative sums (1954), two-sided; `k` and `h` in standard deviations of one difference.

    0.5 and 5 find a shift of one standard deviation within about ten readings, with a false signal in about
    465. `high` grows where the assessor is more lenient than the target, `low` where more severe.
    """
    if sd <= 0:
        raise ValueError("The standard deviation is above 0.")
    high = low = 0.0
    points = []
    for one in differences:
        away = (one - target) / sd
        high, low = max(0.0, high + away - k), max(0.0, low - away - k)
        points.append(Cusum(high, low, high > h or low > h))
    return points


@dataclass(frozen=True)
class Ewma:
    """The weighted mean after one difference, with its limits."""

    value: float
    low: float
    high: float
    signal: bool


def ewma(
    differences: Sequence[float],
    *,
    sd: float,
    target: float = 0.0,
    weight: float = 0.2,
    width: float = 2.86,
) -> list[Ewma]:
    """Exponentially weighted moving average (Roberts 1959), exact limits from the first difference on.

    `weight` is that of the newest, `width` the limits in standard deviations of the average. 0.2 and 2.86
    give a false signal in about 370 readings.
    """
    if sd <= 0 or not 0 < weight <= 1:
        raise ValueError("The standard deviation is above 0, the weight above 0 and at most 1.")
    value, points = target, []
    for number, one in enumerate(differences, 1):
        value = weight * one + (1 - weight) * value
        spread = sd * sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * number)))
        low, high = target - width * spread, target + width * spread
        points.append(Ewma(value, low, high, not low <= value <= high))
    return points


@dataclass(frozen=True)
class Share:
    """One set on a chart of shares: what was found of how many, and between which limits it may lie."""

    found: int
    read: int
    low: float
    high: float
    signal: bool

    @property
    def share(self) -> float:
        return self.found / self.read


@dataclass(frozen=True)
class ShareChart:
    """A centre and the sets around it. `left_out` are places of sets that do not count in the centre."""

    centre: float
    points: tuple[Share, ...]
    left_out: tuple[int, ...]


Counts = Sequence[tuple[int, int]]
Limits = Callable[[float, int], tuple[float, float]]


def p_chart(counts: Counts) -> ShareChart:
    """Shewhart's p-chart: centre p̄, limits p̄ ± 3 √(p̄(1−p̄)/n), not below 0 nor above 1.

    In a second pass the centre is worked out without the sets that signalled in the first. `counts` are
    found and read of each set. For small counts use `exact_chart`.
    """
    return _two_passes(counts, _three_sigma)


def exact_chart(counts: Counts, alpha: float = 0.0027) -> ShareChart:
    """The same with exact binomial limits: outside them with at most alpha/2 on either side."""

    def limits(centre: float, read: int) -> tuple[float, float]:
        fewest = 0
        while accept_binomial(read, fewest, centre) <= alpha / 2:
            fewest += 1
        most = read
        while most > 0 and 1 - accept_binomial(read, most - 1, centre) <= alpha / 2:
            most -= 1
        return fewest / read, most / read

    return _two_passes(counts, limits)


def _three_sigma(centre: float, read: int) -> tuple[float, float]:
    reach = 3 * sqrt(centre * (1 - centre) / read)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def _two_passes(counts: Counts, limits: Limits) -> ShareChart:
    if not counts or any(read <= 0 or not 0 <= found <= read for found, read in counts):
        raise ValueError("Each set has something read, and found ≤ read.")
    first = _points(counts, _centre(counts), limits)
    out = tuple(place for place, point in enumerate(first) if point.signal)
    kept = [one for place, one in enumerate(counts) if place not in out]
    if not out or not kept:
        return ShareChart(_centre(counts), tuple(first), ())
    return ShareChart(_centre(kept), tuple(_points(counts, _centre(kept), limits)), out)


def _centre(counts: Counts) -> float:
    return sum(found for found, _read in counts) / sum(read for _found, read in counts)


def _points(counts: Counts, centre: float, limits: Limits) -> list[Share]:
    points = []
    for found, read in counts:
        low, high = limits(centre, read)
        points.append(Share(found, read, low, high, not low <= found / read <= high))
    return points
