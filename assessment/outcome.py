"""From levels to outcome and grade, and whether two decisions agree. Pure arithmetic, exact fractions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import floor

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assessment.enums import Outcome
from catalogue.enums import SchemeKind


@dataclass(frozen=True)
class Mark:
    """The level given to one criterion. `rank` is None while it is not judged.

    `boundary` is the rank of the criterion's lowest level on the pass side.
    """

    code: str
    rank: int | None
    boundary: int
    is_required: bool = True
    weight: Decimal = Decimal(1)
    percent: Decimal | None = None

    @property
    def is_judged(self) -> bool:
        return self.rank is not None

    @property
    def is_met(self) -> bool:
        return self.rank is not None and self.rank >= self.boundary


@dataclass(frozen=True)
class Band:
    """One grade of the scheme; bands with percentages tile 0 to 100."""

    code: str
    label: str
    rank: int
    is_pass: bool
    min_percent: Decimal | None = None


@dataclass(frozen=True)
class Result:
    """What the levels come to, with the sentence that the screen shows. No outcome before all is judged."""

    outcome: Outcome | None
    grade: Band | None
    percent: Decimal | None
    sentence: str


def result_of(kind: str, marks: Sequence[Mark], bands: Sequence[Band]) -> Result:
    """Outcome and grade of a whole work under one kind of grade scheme.

    Every scheme asks that all required criteria are met, with no compensation (domain 1.3); letters
    add a weighted percentage, rounded half-up to an integer before it is banded.
    """
    waiting = [mark.code for mark in marks if not mark.is_judged]
    unmet = [mark.code for mark in marks if mark.is_required and not mark.is_met and mark.is_judged]
    if waiting or not marks or not bands:
        return Result(None, None, None, _unfinished(waiting, unmet))
    percent: Fraction | None = None
    if kind == SchemeKind.LETTERS:
        percent = weighted_percent(marks)
        if percent is None:
            return Result(None, None, None, _("A level has no percentage, so there is no grade."))
        grade = banded(percent, bands)
    elif kind == SchemeKind.MERIT:
        grade = ranked(marks, bands)
    else:
        grade = passes(bands)[0]
    if unmet and grade.is_pass:
        grade = fails(bands)[-1]
    outcome = Outcome.ACHIEVED if grade.is_pass else Outcome.NOT_ACHIEVED
    shown = None if percent is None else as_decimal(percent)
    return Result(outcome, grade, shown, _finished(grade, unmet, percent))


def passes(bands: Sequence[Band]) -> list[Band]:
    """Grades that count as achieved, lowest first."""
    return sorted((band for band in bands if band.is_pass), key=lambda band: band.rank)


def fails(bands: Sequence[Band]) -> list[Band]:
    """Grades that do not, lowest first."""
    return sorted((band for band in bands if not band.is_pass), key=lambda band: band.rank)


def ranked(marks: Sequence[Mark], bands: Sequence[Band]) -> Band:
    """Merit and Excellence: the grade that every required criterion reaches, counted from its boundary."""
    needed = [mark for mark in marks if mark.is_required] or list(marks)
    steps = min((mark.rank or 0) - mark.boundary for mark in needed)
    grades = passes(bands)
    return grades[min(steps, len(grades) - 1)] if steps >= 0 else fails(bands)[-1]


def weighted_percent(marks: Sequence[Mark]) -> Fraction | None:
    """Mean of the levels' percentages by weight, exactly. None where a level has none or all weights are 0."""
    if any(mark.percent is None for mark in marks):
        return None
    weights = sum((Fraction(mark.weight) for mark in marks), Fraction(0))
    if not weights:
        return None
    total = sum(
        (Fraction(mark.weight) * Fraction(mark.percent or 0) for mark in marks), Fraction(0)
    )
    return total / weights


def half_up(value: Fraction) -> int:
    """59.5 is 60, however the fraction came about: no float, no second rounding."""
    return floor(value + Fraction(1, 2))


def as_decimal(value: Fraction) -> Decimal:
    """Two places, for the record. Banding never reads this."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def banded(percent: Fraction, bands: Sequence[Band]) -> Band:
    """The grade whose band holds the rounded percentage."""
    rounded = half_up(percent)
    ordered = sorted(bands, key=lambda band: band.min_percent or Decimal(0))
    return [band for band in ordered if (band.min_percent or 0) <= rounded][-1]


def within_tolerance(
    one: Mapping[object, int],
    other: Mapping[object, int],
    *,
    same_outcome: bool,
    max_difference: int,
) -> bool:
    """Whether two sealed decisions count as one: same outcome, and no criterion further apart than that.

    Both map criterion to rank; a criterion that only one of them judged is a disagreement.
    """
    if not same_outcome or one.keys() != other.keys():
        return False
    return all(abs(rank - other[criterion]) <= max_difference for criterion, rank in one.items())


def _list(codes: Sequence[str]) -> str:
    if len(codes) < 2:
        return "".join(codes)
    return _("%(first)s and %(last)s") % {"first": ", ".join(codes[:-1]), "last": codes[-1]}


def _required(codes: Sequence[str]) -> str:
    text = ngettext("%(codes)s is required", "%(codes)s are required", len(codes))
    return text % {"codes": _list(codes)}


def _unfinished(waiting: Sequence[str], unmet: Sequence[str]) -> str:
    if unmet:
        return _("Not yet met: %(reason)s") % {"reason": _required(unmet)}
    if not waiting:
        return _("There is nothing to judge.")
    return _("Still to judge: %(codes)s") % {"codes": _list(waiting)}


def _finished(grade: Band, unmet: Sequence[str], percent: Fraction | None) -> str:
    if unmet:
        return _("Not yet met: %(reason)s") % {"reason": _required(unmet)}
    if percent is not None:
        return _("%(grade)s, %(percent)s percent") % {
            "grade": grade.label,
            "percent": half_up(percent),
        }
    return grade.label
