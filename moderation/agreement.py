"""Agreement beyond chance between readings of the same items. Pure: arrays in, estimates out.

Coefficients for any number of raters take `counts`, a row for each item and a column for each category:
how many raters put the item there. Missing ratings are simply not counted. Those for two raters, and
Conger's, need to know who rated what: `codes`, a row for each item and a column for each rater, the index
of the category or −1. `weights` are agreement weights, 1 for the same category, less the further apart.

The errors are those of the items as a sample of many (Gwet 2014, Handbook of Inter-Rater Reliability,
chapters 5 and 6; Krippendorff's alpha: Gwet 2011): each coefficient is linearised in the items.
docs/statistics.md says which figure is for what.
"""

import math
from collections.abc import Sequence
from typing import Any

from moderation.distributions import t_quantile
from moderation.estimates import (
    ONE_ITEM,
    Codes,
    Estimate,
    Numbers,
    from_influence,
    normal_interval,
    np,
    undefined,
)

NO_PAIRS = "No item has two ratings."
ONE_CATEGORY = "All ratings are in one category, so chance alone would agree."
NO_VARIATION = "There is no variation: all ratings are alike."
TWO_CATEGORIES = "There is only one category. Name them all to have unused ones count."

STEP = 1e-4
"""How much an item's weight is moved to see what it does to alpha."""

KAPPA = "Cohen's kappa"
PI = "Scott's pi"
FLEISS = "Fleiss' kappa"
CONGER = "Conger's kappa"
BRENNAN_PREDIGER = "Brennan–Prediger coefficient"
GWET = "Gwet's AC"
ALPHA_WEIGHTED = "Krippendorff's alpha by agreement weights (Gwet)"
ALPHA_METRIC = "Krippendorff's alpha"
BIAS = "Bias (mean signed difference)"


def weights(kind: str, positions: int | Sequence[float] | Numbers) -> Numbers:
    """Agreement weights between categories; `positions` is their number, or where each lies on the scale.

    identity; linear 1 − |i−j|/range; quadratic 1 − (i−j)²/range² (some packages call it Fleiss–Cohen);
    ordinal 1 − C(|i−j|+1, 2)/C(k, 2) on ranks (Gwet 2014), which is not Krippendorff's ordinal metric;
    adjacent 1 for the same category or the next, else 0: for observed agreement.
    """
    where = np.asarray(range(positions) if isinstance(positions, int) else positions, float)
    k = len(where)
    if kind == "identity" or k < 2:
        return np.eye(k)
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    if kind == "adjacent":
        return np.asarray(apart <= 1, float)
    if kind == "ordinal":
        return np.asarray(1 - apart * (apart + 1) / (k * (k - 1)), float)
    power = {"linear": 1, "quadratic": 2}[kind]
    span = where.max() - where.min()
    return np.asarray(1 - (np.abs(np.subtract.outer(where, where)) / span) ** power, float)


def from_disagreement(penalties: Any) -> Numbers:
    """Agreement weights from a matrix of how grave each disagreement is, 0 on its diagonal."""
    grave = np.asarray(penalties, float)
    return np.asarray(1 - grave / grave.max(), float)


def tally(codes: Codes, categories: int) -> Codes:
    """How many raters put each item into each category."""
    items = len(codes)
    rated = codes >= 0
    cells = (np.arange(items)[:, None] * categories + codes)[rated]
    return np.bincount(cells, minlength=items * categories).reshape(items, categories)


# Two raters.


def cohen_kappa(table: Any, w: Numbers, *, confidence: float = 0.95, name: str = KAPPA) -> Estimate:
    """Cohen's (1960, weighted 1968) kappa of a square table, first rater down, second across.

    Errors for large samples: Fleiss, Cohen and Everitt 1969. Interval by the normal distribution.
    """
    p = np.asarray(table, float)
    n = int(p.sum())
    if n == 0:
        return undefined(name, NO_PAIRS)
    p = p / n
    kappa, chance, cells = _kappa_cells(p, w)
    if kappa is None:
        return undefined(name, ONE_CATEGORY)
    se = float(np.sqrt(max(0.0, float(np.sum(p * (cells - kappa) ** 2))) / n))
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    lines = np.add.outer(w @ columns, rows @ w)
    null = float(np.sum(np.outer(rows, columns) * (w - lines) ** 2) - chance**2)
    se_null = float(np.sqrt(max(0.0, null) / n) / (1 - chance))
    low, high = normal_interval(kappa, se, confidence)
    return Estimate(name, kappa, se, low, high, n, se_null=se_null)


def _kappa_cells(p: Numbers, w: Numbers) -> tuple[float | None, float, Numbers]:
    """Kappa of a table of proportions, its chance agreement, and the linearised value of each cell."""
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    chance = float(rows @ w @ columns)
    if np.isclose(chance, 1, rtol=0, atol=1e-12):
        return None, chance, p
    kappa = float((np.sum(w * p) - chance) / (1 - chance))
    lines = np.add.outer(w @ columns, rows @ w)
    cells = (w - chance - (1 - kappa) * (lines - 2 * chance)) / (1 - chance)
    return kappa, chance, cells


def cohen_kappa_of_pairs(
    first: Codes, second: Codes, w: Numbers, clusters: Codes, *, confidence: float = 0.95
) -> Estimate:
    """Cohen's kappa of two readings of each unit, where units come in clusters that vary together."""
    if len(first) == 0:
        return undefined(KAPPA, NO_PAIRS)
    kappa, _chance, cells = _kappa_cells(table_of(first, second, len(w)) / len(first), w)
    if kappa is None:
        return undefined(KAPPA, ONE_CATEGORY)
    n = len(np.unique(clusters))
    return from_influence(
        KAPPA, kappa, cells[first, second], n=n, clusters=clusters, confidence=confidence
    )


def table_of(first: Codes, second: Codes, categories: int) -> Codes:
    """Counts of both readings: the first down, the second across."""
    cells = np.bincount(first * categories + second, minlength=categories**2)
    return cells.reshape(categories, categories)


# Any number of raters, some ratings missing.


def observed_agreement(
    counts: Codes, w: Numbers, *, name: str = "Observed agreement", confidence: float = 0.95
) -> Estimate:
    """Weighted share of agreeing pairs of ratings, averaged over the items with two or more."""
    paired = counts[counts.sum(axis=1) >= 2]
    if len(paired) == 0:
        return undefined(name, NO_PAIRS)
    each = _within(paired, w)
    return from_influence(name, float(each.mean()), each, n=len(paired), confidence=confidence)


def _within(counts: Codes, w: Numbers) -> Numbers:
    """Weighted share of agreeing pairs within each item; 0 below two ratings."""
    r = counts.sum(axis=1)
    agreeing = (counts * (counts @ w - 1)).sum(axis=1)
    return np.asarray(agreeing / np.maximum(r * (r - 1), 1), float)


def _beyond_chance(
    name: str,
    counts: Codes,
    w: Numbers,
    chance: float,
    chance_each: Numbers | None,
    clusters: Codes | None,
    confidence: float,
) -> Estimate:
    """(observed − chance)/(1 − chance) with its error; `chance_each` are the items' parts in the chance."""
    if np.isclose(chance, 1, rtol=0, atol=1e-12):
        return undefined(name, ONE_CATEGORY)
    n, paired = len(counts), counts.sum(axis=1) >= 2
    share = n / paired.sum()
    each = share * (_within(counts, w) - chance * paired) / (1 - chance)
    value = float(each.mean())
    if chance_each is not None:
        each = each - 2 * (1 - value) * (chance_each - chance) / (1 - chance)
    number = int(paired.sum()) if clusters is None else len(np.unique(clusters))
    return from_influence(name, value, each, n=number, clusters=clusters, confidence=confidence)


def _rated(counts: Codes, clusters: Codes | None = None) -> tuple[Codes, Codes | None, bool]:
    """The items with any rating, their clusters, and whether any item has two."""
    r = counts.sum(axis=1)
    kept = counts[r > 0]
    return kept, None if clusters is None else clusters[r > 0], bool((r >= 2).any())


def fleiss_kappa(
    counts: Codes, w: Numbers, *, name: str = FLEISS, confidence: float = 0.95
) -> Estimate:
    """Fleiss' kappa (1971), weighted and with missing ratings as Gwet 2014. For two raters Scott's pi."""
    counts, _clusters, paired = _rated(counts)
    if not paired:
        return undefined(name, NO_PAIRS)
    shares = counts / counts.sum(axis=1, keepdims=True)
    p = shares.mean(axis=0)
    both = (w @ p + p @ w) / 2
    return _beyond_chance(name, counts, w, float(p @ w @ p), shares @ both, None, confidence)


def gwet_ac(
    counts: Codes,
    w: Numbers,
    *,
    name: str = GWET,
    clusters: Codes | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Gwet's AC1 (identity weights) or AC2 (any other), 2008 and 2014. Stays meaningful where nearly all pass."""
    counts, clusters, paired = _rated(counts, clusters)
    k = len(w)
    if not paired:
        return undefined(name, NO_PAIRS)
    if k < 2:
        return undefined(name, TWO_CATEGORIES)
    shares = counts / counts.sum(axis=1, keepdims=True)
    p = shares.mean(axis=0)
    factor = float(w.sum()) / (k * (k - 1))
    chance = factor * float(np.sum(p * (1 - p)))
    return _beyond_chance(
        name, counts, w, chance, factor * (shares @ (1 - p)), clusters, confidence
    )


def brennan_prediger(
    counts: Codes, w: Numbers, *, name: str = BRENNAN_PREDIGER, confidence: float = 0.95
) -> Estimate:
    """Brennan and Prediger 1981: chance puts ratings everywhere alike. PABAK for two raters and categories."""
    counts, _clusters, paired = _rated(counts)
    if not paired:
        return undefined(name, NO_PAIRS)
    if len(w) < 2:
        return undefined(name, TWO_CATEGORIES)
    return _beyond_chance(name, counts, w, float(w.mean()), None, None, confidence)


def conger_kappa(
    codes: Codes, w: Numbers, *, name: str = CONGER, confidence: float = 0.95
) -> Estimate:
    """Conger's kappa (1980): Cohen's for any number of raters, each with a distribution of their own."""
    codes = codes[(codes >= 0).any(axis=1)]
    codes = codes[:, (codes >= 0).any(axis=0)]
    n, raters = codes.shape
    counts = tally(codes, len(w))
    if not (counts.sum(axis=1) >= 2).any():
        return undefined(name, NO_PAIRS)
    chosen = codes[:, :, None] == np.arange(len(w))
    rated = (codes >= 0).astype(float)
    each = rated.sum(axis=0)
    p = chosen.sum(axis=0) / each[:, None]
    others = p.sum(axis=0) - p
    scale = raters * (raters - 1)
    slope = others @ ((w + w.T) / 2) / scale
    chance = float(np.sum(p * slope))
    # A rater's distribution, linearised in the items: its own plus the items' departures from it.
    parts = np.einsum("igk,gk->ig", chosen, slope) - rated * np.sum(p * slope, axis=1)
    chance_each = chance + parts @ (n / each)
    return _beyond_chance(name, counts, w, chance, chance_each, None, confidence)


def mean_difference(first: Numbers, second: Numbers, *, confidence: float = 0.95) -> Estimate:
    """Signed bias: how much higher the first readings are than the second on average, in units of the scale.

    Interval by Student's t over the items. No error for a single one.
    """
    gaps: Numbers = first - second
    n, value = len(gaps), float(gaps.mean())
    if n < 2:
        return Estimate(BIAS, value, n=n, reason=ONE_ITEM)
    se = float(gaps.std(ddof=1)) / math.sqrt(n)
    reach = t_quantile((1 + confidence) / 2, n - 1) * se
    return Estimate(BIAS, value, se, value - reach, value + reach, n)


# Krippendorff's alpha.


def krippendorff_alpha(
    counts: Codes, w: Numbers, *, name: str = ALPHA_WEIGHTED, confidence: float = 0.95
) -> Estimate:
    """Alpha under fixed weights; items with one rating are ignored. Error as Gwet 2011.

    With identity weights this is Krippendorff's nominal alpha, with quadratic ones his interval alpha.
    With ordinal weights it is not his ordinal alpha: see `alpha_by_metric`.
    """
    counts = counts[counts.sum(axis=1) >= 2]
    if len(counts) == 0:
        return undefined(name, NO_PAIRS)
    r = counts.sum(axis=1)
    mean = r.mean()
    p = counts.sum(axis=0) / r.sum()
    chance = float(p @ w @ p)
    if np.isclose(chance, 1, rtol=0, atol=1e-12):
        return undefined(name, NO_VARIATION)
    within = (counts * (counts @ w - 1)).sum(axis=1) / (mean * (r - 1))
    raw = float(within.mean())
    small = 1 / r.sum()
    observed = (1 - small) * raw + small
    value = (observed - chance) / (1 - chance)
    prime = (raw - chance) / (1 - chance)
    off = (r - mean) / mean
    both = (w @ p + p @ w) / 2
    seen = (within - observed * off - chance) / (1 - chance)
    drawn = (counts @ both) / mean - chance * off
    each = seen - 2 * (1 - prime) * (drawn - chance) / (1 - chance)
    return from_influence(
        name, float(value), each + (value - prime), n=len(counts), confidence=confidence
    )


def alpha_by_metric(
    counts: Codes, metric: str, values: Numbers | None = None, *, confidence: float = 0.95
) -> Estimate:
    """Krippendorff's alpha (2011) by his nominal, ordinal, interval or ratio metric.

    `values` are the categories as numbers, for interval and ratio. The ordinal metric depends on how
    often each category was used, so its error is found by moving the weight of one item at a time (the
    infinitesimal jackknife).
    """
    name = f"{ALPHA_METRIC}, {metric} metric"
    if metric == "nominal":
        return krippendorff_alpha(counts, np.eye(counts.shape[1]), name=name, confidence=confidence)
    if metric == "ordinal":
        return _ordinal_alpha(counts, name, confidence)
    if values is None:
        return undefined(name, "The categories are not numbers.")
    apart = np.subtract.outer(values, values)
    if metric == "ratio":
        if values.min() < 0:
            return undefined(name, "A ratio scale has no numbers below zero.")
        total = np.add.outer(values, values)
        apart = np.divide(apart, total, out=np.zeros_like(apart), where=total > 0)
    if not apart.any():
        return undefined(name, NO_VARIATION)
    return krippendorff_alpha(counts, from_disagreement(apart**2), name=name, confidence=confidence)


def _ordinal_alpha(counts: Codes, name: str, confidence: float) -> Estimate:
    counts = counts[counts.sum(axis=1) >= 2]
    if len(counts) == 0:
        return undefined(name, NO_PAIRS)
    patterns, times = np.unique(counts, axis=0, return_counts=True)
    pairs = [_coincidences(line) for line in patterns]
    whole = np.asarray(np.tensordot(times, np.asarray(pairs), axes=1), float)
    if (whole.sum(axis=0) > 0).sum() < 2:
        return undefined(name, NO_VARIATION)
    value = _alpha_of(whole)
    n = len(counts)
    slopes = [(_alpha_of(whole + STEP * one) - _alpha_of(whole - STEP * one)) for one in pairs]
    each = np.repeat(np.asarray(slopes) * n / (2 * STEP), times)
    return from_influence(name, value, each - each.mean() + value, n=n, confidence=confidence)


def _coincidences(line: Codes) -> Numbers:
    """The pairs of values within one item, each item with the weight of its number of ratings."""
    return np.asarray((np.outer(line, line) - np.diag(line)) / (line.sum() - 1), float)


def _alpha_of(coincidences: Numbers) -> float:
    """Alpha by the ordinal metric of a coincidence matrix in which two categories are used."""
    used = coincidences.sum(axis=0)
    upto = np.cumsum(used) - used / 2
    metric = np.subtract.outer(upto, upto) ** 2
    expected = float(used @ metric @ used)
    return 1 - (float(used.sum()) - 1) * float(np.sum(coincidences * metric)) / expected
