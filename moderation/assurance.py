"""What a random sample proves about the rest, and how large it has to be. Pure; exact where it decides.

Hypergeometric for a frame of known size (sampling without replacement), binomial for an endless one. "Wrong"
is a decision that the moderator would have made differently. Sources: docs/statistics.md.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, comb, lgamma
from typing import Any

from accounts.wording import percent
from moderation.distributions import beta_quantile, normal_quantile

NEAR = 1e-7
"""Probabilities closer than this to a limit are compared exactly."""


def exact(number: float | Fraction | str) -> Fraction:
    """The decimal that was written: 0.05 is one twentieth."""
    return number if isinstance(number, Fraction) else Fraction(str(number))


def at_most(found: int, size: int, wrong: int, read: int) -> Fraction:
    """P(X ≤ found), exactly: of `size` decisions `wrong` are wrong, `read` are read, X of those wrong."""
    ways = sum(comb(wrong, x) * comb(size - wrong, read - x) for x in range(min(found, read) + 1))
    return Fraction(ways, comb(size, read))


def _log_comb(n: int, k: int) -> float:
    if not 0 <= k <= n:
        return -math.inf
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def accept_hypergeometric(size: int, read: int, most: int, wrong: int) -> float:
    """Operating characteristic: chance to find at most `most` of `wrong` when reading `read` of `size`."""
    if not 0 <= read <= size or not 0 <= wrong <= size:
        raise ValueError("0 ≤ read ≤ size and 0 ≤ wrong ≤ size")
    whole = _log_comb(size, read)
    logs = (
        _log_comb(wrong, x) + _log_comb(size - wrong, read - x) - whole
        for x in range(min(most, read) + 1)
    )
    return min(1.0, sum(math.exp(one) for one in logs))


def accept_binomial(read: int, most: int, share: float) -> float:
    """Operating characteristic for an endless frame: chance to find at most `most` in `read` readings."""
    if not 0 <= share <= 1:
        raise ValueError("A share lies between 0 and 1.")
    if share in (0, 1):
        return 1.0 if share == 0 or most >= read else 0.0
    one, other = math.log(share), math.log1p(-share)
    logs = (_log_comb(read, x) + x * one + (read - x) * other for x in range(min(most, read) + 1))
    return min(1.0, sum(math.exp(each) for each in logs))


def _hypergeometric_above(size: int, read: int, most: int, wrong: int, limit: Fraction) -> bool:
    """Whether the chance to find at most `most` exceeds `limit`; without rounding where it is close."""
    chance = accept_hypergeometric(size, read, most, wrong)
    if abs(chance - float(limit)) > NEAR:
        return chance > limit
    return at_most(most, size, wrong, read) > limit


def _binomial_above(read: int, most: int, share: Fraction, limit: Fraction) -> bool:
    chance = accept_binomial(read, most, float(share))
    if abs(chance - float(limit)) > NEAR:
        return chance > limit
    terms = (
        comb(read, x) * share**x * (1 - share) ** (read - x) for x in range(min(most, read) + 1)
    )
    return sum(terms) > limit


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The smallest number from `low` to `high` for which `holds`, which stays true once it is; else `high`."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


# Bounds.


def upper_bound(size: int, read: int, found: int, alpha: float = 0.05) -> int:
    """Largest number of wrong decisions in the frame that `found` among `read` does not rule out.

    The exact one-sided hypergeometric bound: the largest D with P(X ≤ found) > alpha. A full read
    returns what was found. ValueError unless 0 ≤ found ≤ read ≤ size.
    """
    if not 0 <= found <= read <= size:
        raise ValueError("found ≤ read ≤ size, and none below 0")
    limit = exact(alpha)
    most = size - (read - found)
    ruled_out = _first(
        lambda wrong: not _hypergeometric_above(size, read, found, wrong, limit), found, most + 1
    )
    return ruled_out - 1


@dataclass(frozen=True)
class Part:
    """A part of the frame that was drawn from on its own: its size, how many were read and found wrong."""

    size: int
    read: int
    found: int


def bound_wherever(parts: Iterable[Part], alpha: float = 0.05) -> int:
    """An upper bound that holds wherever the wrong decisions lie, also where little was read.

    `upper_bound` takes the sample as drawn evenly from the whole frame. With floors for each assessor, and
    after extensions, some strata are read more than others, and wrong decisions may crowd where least was
    read. Parts that were read in full count exactly. For the others: what is found is a sum of
    independent events, each at least as likely as the smallest share read, so its tail is at most the
    binomial one (Hoeffding 1956, theorem 4). A little wider than the hypergeometric bound, never too narrow.
    """
    known, size, read, found = 0, 0, 0, 0
    least = Fraction(1)
    for part in parts:
        if not 0 <= part.found <= part.read <= part.size:
            raise ValueError("found ≤ read ≤ size, and none below 0")
        if part.read == part.size:
            known += part.found
            continue
        size, read, found = size + part.size, read + part.read, found + part.found
        least = min(least, Fraction(part.read, part.size))
    most, limit = size - (read - found), exact(alpha)
    if size == 0 or least == 0:
        return known + most

    def ruled_out(wrong: int) -> bool:
        far = found <= wrong * least - 1
        return far and not _binomial_above(wrong, found, least, limit)

    return known + _first(ruled_out, found, most + 1) - 1


def clopper_pearson(found: int, read: int, confidence: float = 0.95) -> tuple[float, float]:
    """The "exact" interval of a share, from quantiles of the beta distribution (1934)."""
    _check_share(found, read)
    tail = (1 - confidence) / 2
    low = 0.0 if found == 0 else beta_quantile(tail, found, read - found + 1)
    high = 1.0 if found == read else beta_quantile(1 - tail, found + 1, read - found)
    return low, high


def wilson(found: float, read: float, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927), without correction for continuity."""
    _check_share(found, read)
    z = normal_quantile((1 + confidence) / 2)
    share, extra = found / read, z * z / read
    middle = share + extra / 2
    reach = z * math.sqrt(share * (1 - share) / read + extra / (4 * read))
    low = 0.0 if found == 0 else (middle - reach) / (1 + extra)
    high = 1.0 if found == read else (middle + reach) / (1 + extra)
    return low, high


def _check_share(found: float, read: float) -> None:
    if not 0 <= found <= read or read <= 0:
        raise ValueError("0 ≤ found ≤ read, and something read")


# Sizes.


def detection_probability(size: int, wrong: int, read: int) -> float:
    """Chance that reading `read` of `size` at random meets at least one of `wrong` wrong decisions."""
    return 1 - accept_hypergeometric(size, read, 0, wrong) if size else 0.0


def zero_defect_size(size: int | None, p_star: float = 0.1, alpha: float = 0.05) -> int:
    """Smallest random part in which no disagreement leaves at most `alpha` risk of a share of `p_star`.

    `size` None is an endless frame. In a finite one ⌈size · p_star⌉ decisions are taken to be wrong.
    """
    return plan_size(size, 0, p_star, alpha)


def plan_size(size: int | None, most: int, p_star: float = 0.1, alpha: float = 0.05) -> int:
    """Smallest sample that finds at most `most` with chance ≤ `alpha` where a share of `p_star` is wrong.

    Where the frame holds no more than `most` wrong decisions it is read whole.
    """
    share, limit = exact(p_star), exact(alpha)
    if not (0 < share < 1 and 0 < limit < 1):
        raise ValueError("Share and risk lie between 0 and 1.")
    if size is None:
        high = 1
        while _binomial_above(high, most, share, limit):
            high *= 2
        return _first(lambda n: not _binomial_above(n, most, share, limit), 0, high)
    wrong = ceil(share * size)
    if wrong <= most:
        return size
    return _first(lambda n: not _hypergeometric_above(size, n, most, wrong, limit), 0, size)


# The statement.


@dataclass(frozen=True)
class Assurance:
    """What the random part says about its frame.

    `at_most` is the bound that stands in the record. `wherever` is the bound that needs no even reading;
    None where strata were not given. It is at least `at_most`, and where it is larger, `caution` says so.
    `found` are all that were judged differently; `errors` those of them that were plain mistakes of fact, which
    have no consequence for the set, and are no less likely among what was not read.
    """

    frame: int
    read: int
    found: int
    at_most: int
    confidence: float
    wherever: int | None = None
    errors: int = 0

    @property
    def sentence(self) -> str:
        """The statement that stands in every round's record (docs/statistics.md)."""
        if self.frame == 0:
            return "Every decision was read because of what it is. There was no random part."
        others = self.found - self.errors
        told = f"{others} {'disagreement' if others == 1 else 'disagreements'}"
        if self.errors:
            told += f" and {self.errors} factual {'error' if self.errors == 1 else 'errors'}"
        share = percent(self.at_most / self.frame)
        return (
            f"Random part: {self.read} of {self.frame}, {told}. "
            f"With {100 * self.confidence:g}\u00a0% confidence at most {self.at_most} of {self.frame} "
            f"decisions ({share}) would be judged differently."
        )

    @property
    def caution(self) -> str:
        """A second sentence where reading was uneven and the bound leans on it; else nothing."""
        if self.wherever is None or self.wherever <= self.at_most:
            return ""
        return (
            "Not every assessor and band was read to the same extent. If the decisions that would be "
            f"judged differently lie where least was read, there may be up to {self.wherever}."
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "frame": self.frame,
            "read": self.read,
            "disagreements": self.found - self.errors,
            "factual_errors": self.errors,
            "at_most": self.at_most,
            "wherever": self.wherever,
            "confidence": self.confidence,
            "sentence": self.sentence,
            "caution": self.caution,
        }


def assurance(
    frame: int,
    read: int,
    found: int,
    alpha: float = 0.05,
    parts: Iterable[Part] = (),
    errors: int = 0,
) -> Assurance:
    """The assurance statement. Only items of the random part may be counted in any of these.

    `found` is everything that was judged differently, factual errors included; `errors` how many of it these were.
    `parts` are the strata of the frame with what was read and found in each, extensions included; give
    them wherever they are known.
    """
    parts = tuple(parts)
    bound = upper_bound(frame, read, found, alpha) if frame else 0
    wherever = max(bound, bound_wherever(parts, alpha)) if parts else None
    return Assurance(frame, read, found, bound, float(1 - exact(alpha)), wherever, errors)
