"""What is known after reading a sample: bounds, agreement, bias. Pure: no database, no clock.

Nothing here ever changes a learner's result. Below the policy's number of double-read items no
coefficient is given; at or above it, always with its interval.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, comb, sqrt
from statistics import NormalDist
from typing import Any

Weights = list[list[float]]


# Sampling without replacement: exact integer arithmetic, no approximation.


def at_most(found: int, size: int, wrong: int, read: int) -> Fraction:
    """P(X ≤ found): of `size` decisions `wrong` are wrong, `read` are read at random, X of them wrong."""
    ways = sum(comb(wrong, x) * comb(size - wrong, read - x) for x in range(found + 1))
    return Fraction(ways, comb(size, read))


def upper_bound(size: int, read: int, found: int, alpha: float = 0.05) -> int:
    """Largest number of wrong decisions in the frame that `found` among `read` does not rule out.

    The exact one-sided hypergeometric bound: the largest D with P(X ≤ found) > alpha. A full read
    returns what was found.
    """
    if not 0 <= found <= read <= size:
        raise ValueError("found ≤ read ≤ size, and none below 0")
    limit = Fraction(str(alpha))
    low, high = found, size - (read - found)
    while low < high:
        middle = (low + high + 1) // 2
        if at_most(found, size, middle, read) > limit:
            low = middle
        else:
            high = middle - 1
    return low


def detection_probability(size: int, wrong: int, read: int) -> float:
    """Chance that reading `read` of `size` at random meets at least one of `wrong` wrong decisions."""
    return float(1 - at_most(0, size, wrong, read)) if size else 0.0


def zero_defect_size(size: int, p_star: float = 0.1, alpha: float = 0.05) -> int:
    """Smallest random part in which no disagreement means at most `alpha` risk of a share of `p_star`."""
    wrong = ceil(Fraction(str(p_star)) * size)
    limit = Fraction(str(alpha))
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if at_most(0, size, wrong, middle) <= limit:
            high = middle
        else:
            low = middle + 1
    return low


@dataclass(frozen=True)
class Assurance:
    """What the random part says about its frame."""

    frame: int
    read: int
    found: int
    at_most: int
    confidence: float

    @property
    def sentence(self) -> str:
        """The statement that stands in every round's record (statistics 6)."""
        if self.frame == 0:
            return "Every decision was read because of what it is. There was no random part."
        word = "disagreement" if self.found == 1 else "disagreements"
        share = f"{100 * self.at_most / self.frame:.0f}"
        return (
            f"Random part: {self.read} of {self.frame}, {self.found} {word}. "
            f"With {100 * self.confidence:g} % confidence at most {self.at_most} of {self.frame} "
            f"decisions ({share} %) would be judged differently."
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "frame": self.frame,
            "read": self.read,
            "disagreements": self.found,
            "at_most": self.at_most,
            "confidence": self.confidence,
            "sentence": self.sentence,
        }


def assurance(frame: int, read: int, found: int, alpha: float = 0.05) -> Assurance:
    """The assurance statement. Only items of the random part may be counted in any of the three.

    Extensions that disagreements set off count with their disagreements, which can only make the bound
    more careful.
    """
    return Assurance(
        frame, read, found, upper_bound(frame, read, found, alpha) if frame else 0, 1 - alpha
    )


# Agreement of two readings of the same items.


def weights(kind: str, categories: int) -> Weights:
    """Agreement weights: identity, linear 1 − |i−j|/(k−1), quadratic 1 − (i−j)²/(k−1)²."""
    span = max(1, categories - 1)
    power = {"identity": 0, "linear": 1, "quadratic": 2}[kind]
    if power == 0:
        return [[float(i == j) for j in range(categories)] for i in range(categories)]
    return [
        [1 - (abs(i - j) / span) ** power for j in range(categories)] for i in range(categories)
    ]


@dataclass(frozen=True)
class Coefficient:
    """A value with its standard error and interval."""

    value: float
    error: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        return {
            "value": round(self.value, 6),
            "error": round(self.error, 6),
            "low": round(self.low, 6),
            "high": round(self.high, 6),
        }


def weighted_kappa(
    table: Sequence[Sequence[float]], agreement: Weights, confidence: float = 0.95
) -> Coefficient | None:
    """Cohen's weighted kappa of a square table, large-sample error (Fleiss, Cohen and Everitt 1969).

    None where chance alone would agree always: one category used by both.
    """
    total = sum(map(sum, table))
    k = range(len(table))
    p = [[cell / total for cell in line] for line in table]
    rows = [sum(p[i]) for i in k]
    columns = [sum(p[i][j] for i in k) for j in k]
    seen = sum(agreement[i][j] * p[i][j] for i in k for j in k)
    chance = sum(agreement[i][j] * rows[i] * columns[j] for i in k for j in k)
    if math.isclose(chance, 1):
        return None
    kappa = (seen - chance) / (1 - chance)
    by_row = [sum(columns[j] * agreement[i][j] for j in k) for i in k]
    by_column = [sum(rows[i] * agreement[i][j] for i in k) for j in k]
    spread = sum(
        p[i][j] * (agreement[i][j] - (by_row[i] + by_column[j]) * (1 - kappa)) ** 2
        for i in k
        for j in k
    )
    variance = (spread - (kappa - chance * (1 - kappa)) ** 2) / (total * (1 - chance) ** 2)
    error = sqrt(max(0.0, variance))
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * error
    return Coefficient(kappa, error, max(-1.0, kappa - reach), min(1.0, kappa + reach))


def gwet_ac(
    units: Sequence[Sequence[int]], agreement: Weights, confidence: float = 0.95
) -> Coefficient | None:
    """Gwet's AC1 (identity weights) or AC2, any number of readings of each unit, some may be missing.

    `units` holds for each unit how many readings gave each category. Error over units, interval by
    Student's t with one less than the number of units (Gwet 2014).
    """
    units = [unit for unit in units if sum(unit)]
    n, k = len(units), range(len(agreement))
    pairs = [unit for unit in units if sum(unit) >= 2]
    if n < 2 or not pairs or len(agreement) < 2:
        return None
    share = [sum(unit[c] / sum(unit) for unit in units) / n for c in k]
    factor = sum(map(sum, agreement)) / (len(agreement) * (len(agreement) - 1))
    chance = factor * sum(p * (1 - p) for p in share)
    seen = [_agreement_within(unit, agreement) for unit in units]
    value = (sum(seen) / len(pairs) - chance) / (1 - chance)
    total = 0.0
    for unit, own in zip(units, seen, strict=True):
        readings = sum(unit)
        part = n / len(pairs) * (own - chance * (readings >= 2)) / (1 - chance)
        own_chance = factor * sum(unit[c] * (1 - share[c]) for c in k) / readings
        total += (part - 2 * (1 - value) * (own_chance - chance) / (1 - chance) - value) ** 2
    error = sqrt(total / (n * (n - 1)))
    reach = student_t(n - 1, (1 + confidence) / 2) * error
    return Coefficient(value, error, max(-1.0, value - reach), min(1.0, value + reach))


def _agreement_within(unit: Sequence[int], agreement: Weights) -> float:
    """Weighted share of agreeing pairs among the readings of one unit; 0 below two readings."""
    readings = sum(unit)
    if readings < 2:
        return 0.0
    k = range(len(unit))
    agreeing = sum(unit[c] * (sum(agreement[c][d] * unit[d] for d in k) - 1) for c in k)
    return agreeing / (readings * (readings - 1))


def student_t(freedom: int, probability: float) -> float:
    """Quantile of Student's t, by bisection of its distribution function (Simpson's rule)."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / sqrt(
        freedom * math.pi
    )

    def below(t: float, steps: int = 400) -> float:
        width = t / steps
        inner: float = sum(
            (4 if i % 2 else 2) * (1 + (i * width) ** 2 / freedom) ** (-(freedom + 1) / 2)
            for i in range(1, steps)
        )
        last: float = (1 + t * t / freedom) ** (-(freedom + 1) / 2)
        return 0.5 + scale * width / 3 * (1 + inner + last)

    low, high = 0.0, 100.0
    for _each in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < probability else (low, middle)
    return (low + high) / 2


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
    """How far assessor and moderator agree over some pairs."""

    items: int
    pairs: int
    exact: float
    adjacent: float
    pass_fail: float
    bias: float
    kappa: Coefficient | None
    ac2: Coefficient | None
    enough: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "items": self.items,
            "judgements": self.pairs,
            "exact": round(self.exact, 4),
            "adjacent": round(self.adjacent, 4),
            "pass_fail": round(self.pass_fail, 4),
            "bias": round(self.bias, 4),
            "enough": self.enough,
            "quadratic_weighted_kappa": self.kappa.as_json() if self.kappa else None,
            "gwet_ac2_quadratic": self.ac2.as_json() if self.ac2 else None,
        }


def agreement_of(pairs: Sequence[Pair], min_items: int = 20) -> Agreement | None:
    """Exact, adjacent and pass/fail agreement, and bias: assessor minus moderator, so + is lenient.

    Coefficients only from `min_items` double-read items on. None without pairs.
    """
    if not pairs:
        return None
    n = len(pairs)
    items = len({pair.item for pair in pairs})
    gaps = [pair.assessor - pair.moderator for pair in pairs]
    kappa = ac2 = None
    size = max(pair.levels for pair in pairs)
    if items >= min_items and size >= 2:
        quadratic = weights("quadratic", size)
        kappa = weighted_kappa(confusion(pairs, size), quadratic)
        counts = [Counter([pair.assessor, pair.moderator]) for pair in pairs]
        ac2 = gwet_ac([[each[c] for c in range(size)] for each in counts], quadratic)
    return Agreement(
        items=items,
        pairs=n,
        exact=sum(gap == 0 for gap in gaps) / n,
        adjacent=sum(abs(gap) <= 1 for gap in gaps) / n,
        pass_fail=sum(pair.assessor_met == pair.moderator_met for pair in pairs) / n,
        bias=sum(gaps) / n,
        kappa=kappa,
        ac2=ac2,
        enough=items >= min_items,
    )


def confusion(pairs: Iterable[Pair], size: int) -> list[list[int]]:
    """Counts, assessor's level down, moderator's level across."""
    table = [[0] * size for _each in range(size)]
    for pair in pairs:
        table[pair.assessor][pair.moderator] += 1
    return table


def agreement_by_group(pairs: Iterable[Pair], min_items: int = 20) -> Mapping[Hashable, Agreement]:
    """The same for each group, in the order in which groups first appear."""
    grouped: dict[Hashable, list[Pair]] = defaultdict(list)
    for pair in pairs:
        grouped[pair.group].append(pair)
    found = {group: agreement_of(own, min_items) for group, own in grouped.items()}
    return {group: one for group, one in found.items() if one is not None}
