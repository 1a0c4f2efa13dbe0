"""The least that passes, and what it leaves unproven (domain 2.2).

A learner with the minimum pass in every task must still have shown every outcome. This works out, from the
rubric and the grade scheme alone, one least pass of a task and every outcome that some pass leaves without
a single criterion met. Pure arithmetic, exact fractions. The rules of passing are those by which results
are made (`assessment.outcome`, which this app cannot see; a test holds the two together).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

LETTERS, MERIT = "letters", "merit"  # as in enums.SchemeKind


@dataclass(frozen=True)
class Rung:
    """One level of a criterion."""

    label: str
    is_met: bool
    percent: Fraction | None = None


@dataclass(frozen=True)
class Ladder:
    """One criterion with its levels from the lowest to the highest, as the rule of passing sees it."""

    code: str
    title: str
    outcome: int
    is_required: bool
    weight: Fraction
    rungs: tuple[Rung, ...]

    @property
    def boundary(self) -> int:
        """Rank of the lowest level on the pass side."""
        return next(rank for rank, rung in enumerate(self.rungs) if rung.is_met)

    def share(self, rank: int) -> Fraction:
        """What a level adds to the weighted sum."""
        return self.weight * (self.rungs[rank].percent or Fraction(0))


@dataclass(frozen=True)
class BarePass:
    """One least pass of a task, and the outcomes that this task proves whoever passes it.

    `ranks` holds one rank for each ladder, and is None where no combination of levels passes.
    `pass_mark` and `percent` are for letters only.
    """

    task: int
    ladders: tuple[Ladder, ...]
    ranks: tuple[int, ...] | None
    proven: frozenset[int]
    percent: Fraction | None = None
    pass_mark: int | None = None

    @property
    def unmet(self) -> list[Ladder]:
        """Criteria that the least pass leaves not yet met."""
        pairs = zip(self.ladders, self.ranks or (), strict=False)
        return [ladder for ladder, rank in pairs if not ladder.rungs[rank].is_met]


class _Rule:
    """When levels come to a pass under one scheme."""

    def __init__(
        self, kind: str, grades: Sequence[Mapping[str, Any]], ladders: Sequence[Ladder]
    ) -> None:
        self.ladders = ladders
        required = [number for number, one in enumerate(ladders) if one.is_required]
        # Without required criteria Merit counts them all.
        self.needed = set(range(len(ladders)) if kind == MERIT and not required else required)
        self.mark: int | None = None
        self.limit = Fraction(0)
        self.possible = bool(ladders) and any(grade["is_pass"] for grade in grades)
        if kind == LETTERS and self.possible:
            self.weight = sum((one.weight for one in ladders), Fraction(0))
            low = min(Fraction(grade["min_percent"] or 0) for grade in grades if grade["is_pass"])
            self.mark = ceil(low)
            # Half-up to a whole number before banding: 49.5 is 50.
            self.limit = (self.mark - Fraction(1, 2)) * self.weight
            whole = all(rung.percent is not None for one in ladders for rung in one.rungs)
            self.possible = whole and self.weight > 0

    def total(self, ranks: Sequence[int]) -> Fraction:
        return sum(
            (one.share(rank) for one, rank in zip(self.ladders, ranks, strict=True)), Fraction(0)
        )

    def passes(self, ranks: Sequence[int]) -> bool:
        if not self.possible or any(
            ranks[number] < self.ladders[number].boundary for number in self.needed
        ):
            return False
        return self.mark is None or self.total(ranks) >= self.limit

    def best(self, met: set[int]) -> list[int]:
        """The highest ranks with exactly these criteria met."""
        return [
            len(one.rungs) - 1 if number in met else max(one.boundary - 1, 0)
            for number, one in enumerate(self.ladders)
        ]


def bare_pass(
    task: int, kind: str, grades: Sequence[Mapping[str, Any]], ladders: Sequence[Ladder]
) -> BarePass:
    """The least set of levels that passes the task: as few criteria met as can be, each as low as can be.

    Where percentages count there may be several such sets; this is the one that meets the criteria which
    add most and lowers the last ones first. No single level of it can be lowered and still pass.
    """
    rule = _Rule(kind, grades, ladders)
    met = set(rule.needed)
    gains = sorted(
        set(range(len(ladders))) - met,
        key=lambda number: (
            ladders[number].share(max(ladders[number].boundary - 1, 0))
            - ladders[number].share(len(ladders[number].rungs) - 1),
            number,
        ),
    )
    while not rule.passes(rule.best(met)):
        if not gains:
            return BarePass(task, tuple(ladders), None, frozenset(), None, rule.mark)
        met.add(gains.pop(0))
    proven = frozenset(one for one in {ladder.outcome for ladder in ladders} if _proves(rule, one))
    ranks = rule.best(met)
    for number in reversed(range(len(ladders))):
        for rank in range(ranks[number]):
            if rule.passes([*ranks[:number], rank, *ranks[number + 1 :]]):
                ranks[number] = rank
                break
    percent = rule.total(ranks) / rule.weight if rule.mark is not None else None
    return BarePass(task, tuple(ladders), tuple(ranks), proven, percent, rule.mark)


def _proves(rule: _Rule, outcome: int) -> bool:
    """Whether nobody passes without at least one criterion of the outcome met."""
    others = {number for number, one in enumerate(rule.ladders) if one.outcome != outcome}
    return not rule.passes(rule.best(others))


def bare_passes(content: Mapping[str, Any]) -> list[BarePass]:
    """One for each task of a version's content (`hashing.content_of`)."""
    scheme = content["scheme"]
    return [
        bare_pass(
            rubric["task"],
            scheme["kind"],
            scheme["grades"],
            [_ladder(one) for one in rubric["criteria"]],
        )
        for rubric in content["rubrics"]
    ]


def _ladder(one: Mapping[str, Any]) -> Ladder:
    return Ladder(
        code=one["code"],
        title=one["title"],
        outcome=one["outcome"],
        is_required=one["is_required"],
        weight=Fraction(one["weight"]),
        rungs=tuple(
            Rung(
                level["label"],
                level["is_met"],
                None if level["percent"] is None else Fraction(level["percent"]),
            )
            for level in one["levels"]
        ),
    )


def unproven(content: Mapping[str, Any], found: Sequence[BarePass]) -> list[int]:
    """Outcomes that somebody who passes every task may still not have shown.

    Every task of a version has to be passed, so an outcome is proven where one task proves it.
    """
    proven = {outcome for one in found for outcome in one.proven}
    return [one["number"] for one in content["outcomes"] if one["number"] not in proven]
