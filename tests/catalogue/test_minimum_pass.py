"""The least that passes, held against the rules that make results, and against every combination of levels."""

from decimal import Decimal
from fractions import Fraction
from itertools import product

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from assessment.enums import Outcome
from assessment.outcome import Band, Mark, result_of
from catalogue.minimum_pass import Ladder, Rung, bare_pass, unproven

GRADES = {
    "competency": [{"is_pass": False, "min_percent": None}, {"is_pass": True, "min_percent": None}],
    "merit": [
        {"is_pass": False, "min_percent": None},
        *[{"is_pass": True, "min_percent": None} for _grade in "AME"],
    ],
    "letters": [
        {"is_pass": False, "min_percent": "0.00"},
        {"is_pass": True, "min_percent": "50.00"},
        {"is_pass": True, "min_percent": "80.00"},
    ],
}


def ladder(code, outcome, required=True, weight=1, percents=(30, 60, 90), boundary=1):
    rungs = tuple(
        Rung(f"L{rank}", rank >= boundary, Fraction(percent))
        for rank, percent in enumerate(percents)
    )
    return Ladder(code, code, outcome, required, Fraction(weight), rungs)


def passes(kind, ladders, ranks):
    """By the arithmetic that makes results."""
    marks = [
        Mark(
            one.code, rank, one.boundary, one.is_required, Decimal(int(one.weight)),
            Decimal(int(one.rungs[rank].percent)),
        )
        for one, rank in zip(ladders, ranks, strict=True)
    ]  # fmt: skip
    bands = [
        Band(
            str(rank), str(rank), rank, grade["is_pass"],
            None if grade["min_percent"] is None else Decimal(grade["min_percent"]),
        )
        for rank, grade in enumerate(GRADES[kind])
    ]  # fmt: skip
    return result_of(kind, marks, bands).outcome == Outcome.ACHIEVED


def every(ladders):
    return product(*(range(len(one.rungs)) for one in ladders))


def met(ladders, ranks):
    return {number for number, one in enumerate(ladders) if one.rungs[ranks[number]].is_met}


@st.composite
def rubrics(draw):
    size = draw(st.integers(1, 4))
    return [
        ladder(
            f"C{number}",
            draw(st.integers(1, 3)),
            draw(st.booleans()),
            draw(st.integers(1, 4)),
            sorted(draw(st.sets(st.integers(0, 100), min_size=3, max_size=3))),
            draw(st.integers(1, 2)),
        )
        for number in range(size)
    ]


@given(rubrics(), st.sampled_from(sorted(GRADES)))
@settings(max_examples=150)
def test_it_is_the_least_of_all_that_pass_and_proves_what_all_prove(ladders, kind):
    passing = [ranks for ranks in every(ladders) if passes(kind, ladders, ranks)]
    found = bare_pass(1, kind, GRADES[kind], ladders)
    outcomes = {one.outcome for one in ladders}
    shown = [{ladders[number].outcome for number in met(ladders, ranks)} for ranks in passing]
    always = {one for one in outcomes if passing and all(one in each for each in shown)}
    assert found.proven == always
    if not passing:
        assert found.ranks is None
        return
    assert found.ranks in passing
    assert len(met(ladders, found.ranks)) == min(len(met(ladders, ranks)) for ranks in passing)
    for number, rank in enumerate(found.ranks):
        for lower in range(rank):
            ranks = [*found.ranks[:number], lower, *found.ranks[number + 1 :]]
            assert not passes(kind, ladders, ranks), "a level could still be lowered"


def content(*outcomes):
    return {"outcomes": [{"number": number} for number in outcomes]}


def test_an_outcome_of_optional_criteria_alone_is_left_open():
    ladders = [ladder("C1", 1), ladder("C2", 2, required=False)]
    found = bare_pass(1, "competency", GRADES["competency"], ladders)
    assert found.ranks == (1, 0)
    assert [one.code for one in found.unmet] == ["C2"]
    assert unproven(content(1, 2), [found]) == [2]
    other = bare_pass(2, "competency", GRADES["competency"], [ladder("D1", 2)])
    assert unproven(content(1, 2), [found, other]) == []


def test_an_optional_criterion_can_be_needed_by_its_weight():
    ladders = [ladder("C1", 1, weight=1), ladder("C2", 2, required=False, weight=3)]
    found = bare_pass(1, "letters", GRADES["letters"], ladders)
    assert found.proven == {1, 2}
    assert found.ranks == (1, 1)
    assert (found.percent, found.pass_mark) == (60, 50)


def test_half_a_percent_below_the_mark_still_rounds_up_to_it():
    grades = GRADES["letters"]
    at = ladder("C1", 1, weight=2, percents=(0, 49, 90))
    for percent, passed in ((50, True), (49, False)):
        other = ladder("C2", 1, weight=2, percents=(0, percent, 90))
        found = bare_pass(1, "letters", grades, [at, other])
        assert (found.ranks == (1, 1)) is passed


@pytest.mark.parametrize("ladders", [[], [ladder("C1", 1, percents=(10, 20, 30))]])
def test_where_nothing_passes_nothing_is_proven(ladders):
    found = bare_pass(1, "letters", GRADES["letters"], ladders)
    assert (found.ranks, found.proven, found.unmet) == (None, frozenset(), [])


def test_a_level_without_percentage_gives_no_letter():
    bare = Ladder("C1", "C1", 1, True, Fraction(1), (Rung("N", False), Rung("M", True)))
    assert bare_pass(1, "letters", GRADES["letters"], [bare]).ranks is None
    assert bare_pass(1, "competency", GRADES["competency"], [bare]).ranks == (1,)
