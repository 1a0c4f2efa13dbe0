"""How far assessors and moderators agree: the figures of the pages and of the round's record. Pure.

The coefficients themselves are in `agreement`, what the sample proves is in `assurance`. Nothing here ever
changes a learner's result. Below the policy's number of double-read items no coefficient is given; at or
above it, always with its interval.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from moderation.agreement import cohen_kappa_of_pairs, gwet_ac, table_of, weights
from moderation.assurance import wilson
from moderation.distributions import t_quantile
from moderation.estimates import Codes, Estimate, Numbers, np

Interval = tuple[float, float]


@dataclass(frozen=True)
class Pair:
    """One criterion of one item, read by both. Ranks count from 0, the lowest level."""

    item: str
    group: Hashable
    assessor: int
    moderator: int
    assessor_met: bool
    moderator_met: bool
    levels: int


@dataclass(frozen=True)
class Agreement:
    """How far assessor and moderator agree over some pairs.

    `bias` is assessor minus moderator in levels, so + is lenient. `intervals` has the 95 % intervals of
    exact, adjacent, pass_fail and bias, by name; the bias of a single item has none. They and those of
    the coefficients take the criteria of one item as depending on each other.
    """

    items: int
    pairs: int
    exact: float
    adjacent: float
    pass_fail: float
    bias: float
    kappa: Estimate | None
    ac2: Estimate | None
    enough: bool
    intervals: Mapping[str, Interval] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "items": self.items,
            "judgements": self.pairs,
            "exact": round(self.exact, 4),
            "adjacent": round(self.adjacent, 4),
            "pass_fail": round(self.pass_fail, 4),
            "bias": round(self.bias, 4),
            "intervals": {
                name: [round(end, 4) for end in ends] for name, ends in self.intervals.items()
            },
            "enough": self.enough,
            "quadratic_weighted_kappa": _stored(self.kappa),
            "gwet_ac2_quadratic": _stored(self.ac2),
        }


def _stored(one: Estimate | None) -> dict[str, float | None] | None:
    """A coefficient as it stands in the round's record."""
    if one is None or one.value is None:
        return None
    named = {"value": one.value, "error": one.se, "low": one.low, "high": one.high}
    return {name: None if number is None else round(number, 6) for name, number in named.items()}


def agreement_of(pairs: Sequence[Pair], min_items: int = 20) -> Agreement | None:
    """Exact, adjacent and pass/fail agreement, and bias; coefficients from `min_items` items on.

    Kappa (Cohen, quadratic weights) and AC2 (Gwet, quadratic weights) stand side by side, since kappa
    collapses where nearly everybody passes. None without pairs.
    """
    if not pairs:
        return None
    assessor = np.array([pair.assessor for pair in pairs])
    moderator = np.array([pair.moderator for pair in pairs])
    same_side = np.array([pair.assessor_met == pair.moderator_met for pair in pairs])
    numbers: dict[str, int] = {}
    clusters = np.array([numbers.setdefault(pair.item, len(numbers)) for pair in pairs])
    gaps = assessor - moderator
    measures = {
        "exact": (gaps == 0).astype(float),
        "adjacent": (np.abs(gaps) <= 1).astype(float),
        "pass_fail": same_side.astype(float),
    }
    intervals = {name: _share_interval(each, clusters) for name, each in measures.items()}
    if spread := _mean_interval(gaps.astype(float), clusters):
        intervals["bias"] = spread
    kappa = ac2 = None
    size = max(pair.levels for pair in pairs)
    if len(numbers) >= min_items and size >= 2:
        quadratic = weights("quadratic", size)
        kappa = cohen_kappa_of_pairs(assessor, moderator, quadratic, clusters)
        counts = np.eye(size, dtype=np.int64)[assessor] + np.eye(size, dtype=np.int64)[moderator]
        ac2 = gwet_ac(counts, quadratic, clusters=clusters)
    return Agreement(
        items=len(numbers),
        pairs=len(pairs),
        exact=float(measures["exact"].mean()),
        adjacent=float(measures["adjacent"].mean()),
        pass_fail=float(measures["pass_fail"].mean()),
        bias=float(gaps.mean()),
        kappa=kappa if kappa and kappa.value is not None else None,
        ac2=ac2 if ac2 and ac2.value is not None else None,
        enough=len(numbers) >= min_items,
        intervals=intervals,
    )


def _spread(each: Numbers, clusters: Codes) -> tuple[int, float]:
    """Number of clusters, and the variance of the mean when clusters are what varies."""
    sums = np.bincount(clusters, weights=(each - each.mean()) / len(each))
    m = len(sums)
    return m, float(m / (m - 1) * np.sum(sums**2)) if m > 1 else 0.0


def _share_interval(each: Numbers, clusters: Codes) -> Interval:
    """Wilson's interval, with as many readings as independent ones would be worth the same."""
    m, variance = _spread(each, clusters)
    share = float(each.mean())
    n = min(len(each), share * (1 - share) / variance) if variance > 0 else m
    return wilson(share * n, n)


def _mean_interval(each: Numbers, clusters: Codes) -> Interval | None:
    """Student's interval of a mean; None for a single item."""
    m, variance = _spread(each, clusters)
    if m < 2:
        return None
    reach = t_quantile(0.975, m - 1) * sqrt(variance)
    return float(each.mean()) - reach, float(each.mean()) + reach


def confusion(pairs: Iterable[Pair], size: int) -> list[list[int]]:
    """Counts, assessor's level down, moderator's level across."""
    pairs = list(pairs)
    first = np.array([pair.assessor for pair in pairs], dtype=np.int64)
    second = np.array([pair.moderator for pair in pairs], dtype=np.int64)
    found: list[list[int]] = table_of(first, second, size).tolist()
    return found


def agreement_by_group(pairs: Iterable[Pair], min_items: int = 20) -> Mapping[Hashable, Agreement]:
    """The same for each group, in the order in which groups first appear."""
    grouped: dict[Hashable, list[Pair]] = defaultdict(list)
    for pair in pairs:
        grouped[pair.group].append(pair)
    found = {group: agreement_of(own, min_items) for group, own in grouped.items()}
    return {group: one for group, one in found.items() if one is not None}
