"""A figure that says which statistic it is, how sure it is, and, where it is undefined, why."""

import importlib
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from moderation.distributions import normal_quantile, t_quantile

__all__ = [
    "ONE_ITEM",
    "Codes",
    "Estimate",
    "Numbers",
    "from_influence",
    "normal_interval",
    "np",
    "undefined",
]

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]
else:
    Numbers = Codes = Any

    class LoadedWhenUsed:
        """numpy, which most pages do not need: it is loaded when the first figure is worked out."""

        def __getattr__(self, name: str) -> Any:
            found = getattr(importlib.import_module("numpy"), name)
            setattr(self, name, found)
            return found

    np = LoadedWhenUsed()


ONE_ITEM = "One item alone has no spread, so there is no error."


@dataclass(frozen=True)
class Estimate:
    """One statistic of some ratings.

    `se` is its standard error, `low` and `high` the ends of its interval (95 % unless asked otherwise),
    `n` the number of items that inform it. `value` is None where the statistic is undefined, and then
    `reason` says why in words. A value may stand without error, and `reason` says why: one item has no spread.
    `se_null` is the error if there were no agreement beyond chance; only Cohen's kappa has one.
    """

    statistic: str
    value: float | None = None
    se: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    reason: str = ""
    se_null: float | None = None

    @property
    def z(self) -> float | None:
        """Distance from no agreement beyond chance, in standard errors under that hypothesis."""
        if self.value is None or not self.se_null:
            return None
        return self.value / self.se_null

    def as_json(self) -> dict[str, Any]:
        """`value, se, ci95, n`; where undefined all null with a `reason`, which a value without error has too.

        Not rounded. An end without limit is null.
        """
        if self.value is None:
            return {"value": None, "se": None, "ci95": None, "n": None, "reason": self.reason}
        ends = [one if one is not None and isfinite(one) else None for one in (self.low, self.high)]
        interval = None if self.low is None else ends
        told = {"value": self.value, "se": self.se, "ci95": interval, "n": self.n}
        return told | ({"reason": self.reason} if self.se is None else {})


def undefined(statistic: str, reason: str) -> Estimate:
    """The statistic has no value for these ratings."""
    return Estimate(statistic, reason=reason)


def from_influence(
    statistic: str,
    value: float,
    influence: Numbers,
    *,
    n: int,
    clusters: Codes | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """An estimate whose error comes from its linearised values, one for each unit, with mean `value`.

    The interval is by Student's t with one less than the number of units, cut at −1 and 1 (Gwet 2014).
    `clusters` numbers the clusters of units that depend on each other, such as the criteria of one piece of
    work; then clusters, not units, are what varies.
    """
    away: Numbers = (influence - value) / len(influence)
    if clusters is not None:
        sums: Numbers = np.bincount(clusters, weights=away).astype(float)
        away = sums[np.bincount(clusters) > 0]
    units = len(away)
    if units < 2:
        return Estimate(statistic, value, n=n, reason=ONE_ITEM)
    se = float(np.sqrt(units / (units - 1) * np.sum(away**2)))
    reach = t_quantile((1 + confidence) / 2, units - 1) * se
    return Estimate(statistic, value, se, max(-1.0, value - reach), min(1.0, value + reach), n)


def normal_interval(value: float, se: float, confidence: float = 0.95) -> tuple[float, float]:
    """Large-sample interval, cut at −1 and 1."""
    reach = normal_quantile((1 + confidence) / 2) * se
    return max(-1.0, value - reach), min(1.0, value + reach)
