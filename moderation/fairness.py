"""Rates of passing, referral and return by group, with intervals, and nothing on small groups. Pure.

An early sign that a criterion, an assessor or a way of delivery treats some learners otherwise. It proves no
cause; groups below the least size are left out, with their size, so that nobody can be recognised.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from moderation import charts
from moderation.assurance import wilson

LEAST = 5
"""Smallest group that is shown (domain 2.13)."""

PASSED, REFERRED, RETURNED = "passed", "referred", "returned"

WORDS = {
    PASSED: ("Passed", "results after moderation"),
    REFERRED: ("Referred", "first attempts that were decided"),
    RETURNED: ("Returned", "pieces of work that a moderator read"),
}


@dataclass(frozen=True)
class Case:
    """One submission and its group. None where the question does not arise for it."""

    group: str
    passed: bool | None = None
    referred: bool | None = None
    returned: bool | None = None


@dataclass(frozen=True)
class Rate:
    """A share of a group with its 95 % interval (Wilson)."""

    group: str
    found: int
    n: int
    share: float
    low: float
    high: float


def rates(cases: Iterable[Case], what: str, least: int = LEAST) -> tuple[list[Rate], int]:
    """The rate of each group that is large enough, by name, and how many groups are left out."""
    counts: dict[str, list[int]] = {}
    for case in cases:
        value = getattr(case, what)
        if value is not None:
            own = counts.setdefault(case.group, [0, 0])
            own[0] += value
            own[1] += 1
    shown = [
        Rate(group, found, n, found / n, *wilson(found, n))
        for group, (found, n) in sorted(counts.items())
        if n >= least
    ]
    return shown, len(counts) - len(shown)


def apart(found: Sequence[Rate]) -> tuple[Rate, Rate] | None:
    """The two groups that lie furthest apart, where their intervals do not meet."""
    pairs = [
        (one, other)
        for one, other in combinations(sorted(found, key=lambda rate: rate.share), 2)
        if one.high < other.low
    ]
    return max(pairs, key=lambda pair: pair[1].share - pair[0].share, default=None)


def chart(cases: Sequence[Case], what: str, of: str, least: int = LEAST) -> charts.Chart:
    """One rate for each group, with a title that says whether any lie apart."""
    word, base = WORDS[what]
    found, hidden = rates(cases, what, least)
    gap = apart(found)
    if len(found) < 2:
        title = f"{word}: too few groups are large enough to compare"
    elif gap is None:
        title = f"{word}: no group lies clearly apart from another"
    else:
        title = f"{word}: {gap[0].group} and {gap[1].group} lie further apart than chance explains"
    left_out = (
        "Every group is shown."
        if not hidden
        else f"{hidden} {'group' if hidden == 1 else 'groups'} of fewer than {least} "
        f"{'is' if hidden == 1 else 'are'} not shown."
    )
    return charts.intervals(
        what,
        title,
        f"The share of {base}, with 95\u00a0% intervals. {left_out}",
        [charts.Estimate(one.group, one.share, one.low, one.high, one.n) for one in found],
        of=of,
        measure=word,
        ends=(0, 1),
        ticks=(0, 0.25, 0.5, 0.75, 1),
        counted="Number",
    )
