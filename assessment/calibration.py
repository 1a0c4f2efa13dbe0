"""Whether somebody's marking of anchored work is close enough to what was agreed (domain 2.8). Pure.

Levels are ranks. A difference is own minus agreed, in levels, so that + is lenient. Shares and means are
exact fractions: a rate of exactly 60 % passes a rule of 0.6.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from accounts.wording import percent


@dataclass(frozen=True)
class Pair:
    """One exemplar as it was marked and as it was agreed; both map each criterion to a rank."""

    own: Mapping[Hashable, int]
    agreed: Mapping[Hashable, int]
    same_outcome: bool


@dataclass(frozen=True)
class PassRule:
    """What is asked: least shares of criteria alike and within one level, and how far the mean may lie off."""

    exact: float = 0.6
    adjacent: float = 0.95
    bias: float = 0.5


@dataclass(frozen=True)
class Verdict:
    """The counts, and what failed in sentences. No reasons: passed."""

    criteria: int
    exact: int
    adjacent: int
    wrong_outcomes: int
    signed: int
    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.reasons

    @property
    def bias(self) -> Fraction:
        """Mean signed difference in levels."""
        return Fraction(self.signed, self.criteria)


def fraction(value: float) -> Fraction:
    """A policy's number as it is written: 0.6 is three fifths."""
    return Fraction(str(value))


def judge(pairs: Sequence[Pair], rule: PassRule) -> Verdict:
    """Hold all criteria of all exemplars against the rule.

    ValueError where nothing was marked or a criterion is missing on one side.
    """
    differences = []
    for pair in pairs:
        if pair.own.keys() != pair.agreed.keys():
            raise ValueError("Own and agreed levels are of different criteria.")
        differences += [rank - pair.agreed[key] for key, rank in pair.own.items()]
    if not differences:
        raise ValueError("Nothing was marked.")
    count = len(differences)
    exact = sum(1 for one in differences if one == 0)
    adjacent = sum(1 for one in differences if abs(one) <= 1)
    wrong = sum(1 for pair in pairs if not pair.same_outcome)
    signed = sum(differences)
    reasons = []
    if Fraction(exact, count) < fraction(rule.exact):
        reasons.append(
            f"{exact} of {count} levels are the agreed ones; {percent(rule.exact)} are needed."
        )
    if Fraction(adjacent, count) < fraction(rule.adjacent):
        reasons.append(
            f"{adjacent} of {count} levels lie within one level; {percent(rule.adjacent)} are needed."
        )
    if wrong:
        works = "piece of work passes" if wrong == 1 else "pieces of work pass"
        reasons.append(f"{wrong} {works} that should not, or the other way round.")
    if abs(Fraction(signed, count)) > fraction(rule.bias):
        kind = "kinder" if signed > 0 else "stricter"
        mean = abs(signed) / count
        reasons.append(
            f"On average {mean:.2f} levels {kind} than agreed; up to {rule.bias:g} is allowed."
        )
    return Verdict(count, exact, adjacent, wrong, signed, tuple(reasons))
