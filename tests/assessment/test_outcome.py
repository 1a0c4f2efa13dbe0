"""Levels to outcome and grade: tables for what people agreed on, properties for the rest."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assessment.enums import Outcome
from assessment.outcome import (
    Band,
    Mark,
    banded,
    half_up,
    result_of,
    weighted_percent,
    within_tolerance,
)
from catalogue.enums import SchemeKind

# Other work on the same machine makes single examples slow; how many there are is what counts.
settings.register_profile(
    "busy", deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow]
)
busy = settings.get_profile("busy")

COMPETENCY = [Band("N", "Not achieved", 0, False), Band("A", "Achieved", 1, True)]
MERIT = [
    Band("N", "Not achieved", 0, False),
    Band("A", "Achieved", 1, True),
    Band("M", "Merit", 2, True),
    Band("E", "Excellence", 3, True),
]
LETTERS = [
    Band("E", "E", 0, False, Decimal(0)),
    Band("D", "D", 1, False, Decimal(40)),
    Band("C-", "C−", 2, True, Decimal(50)),
    Band("C", "C", 3, True, Decimal(60)),
    Band("B", "B", 4, True, Decimal(70)),
    Band("A", "A", 5, True, Decimal(80)),
]


def mark(rank, code="C1", percent=None, **kw):
    return Mark(code=code, rank=rank, boundary=1, percent=percent, **kw)


@pytest.mark.parametrize(
    ("ranks", "grade", "sentence"),
    [
        ([1, 1], "A", "Achieved"),
        ([1, 0], "N", "Not yet met: C2 is required"),
        ([0, 0], "N", "Not yet met: C1 and C2 are required"),
        ([1, None], None, "Still to judge: C2"),
        ([0, None], None, "Not yet met: C1 is required"),
    ],
)
def test_competency_needs_every_required_criterion(ranks, grade, sentence):
    marks = [mark(rank, f"C{number}") for number, rank in enumerate(ranks, 1)]
    result = result_of(SchemeKind.COMPETENCY, marks, COMPETENCY)
    assert (result.grade.code if result.grade else None) == grade
    assert result.sentence == sentence


def test_an_optional_criterion_does_not_stand_in_the_way():
    marks = [mark(1), mark(0, "C2", is_required=False)]
    assert result_of(SchemeKind.COMPETENCY, marks, COMPETENCY).outcome == Outcome.ACHIEVED


@pytest.mark.parametrize(
    ("ranks", "grade"),
    [([1, 3], "A"), ([2, 3], "M"), ([3, 3], "E"), ([0, 3], "N"), ([5, 5], "E")],
)
def test_merit_is_what_every_required_criterion_reaches(ranks, grade):
    marks = [mark(rank, f"C{number}") for number, rank in enumerate(ranks, 1)]
    assert result_of(SchemeKind.MERIT, marks, MERIT).grade.code == grade


@pytest.mark.parametrize(
    ("percents", "weights", "grade", "shown"),
    [
        ([60, 60], [1, 1], "C", "60.00"),
        ([59, 60], [1, 1], "C", "59.50"),
        (["59.49", "59.49"], [1, 1], "C-", "59.49"),
        ([100, 40], [1, 3], "C-", "55.00"),
        ([80, 79, 79], [1, 1, 1], "B", "79.33"),
        ([0, 0], [1, 1], "E", "0.00"),
        ([100, 100], [1, 1], "A", "100.00"),
    ],
)
def test_letters_weigh_round_half_up_and_then_band(percents, weights, grade, shown):
    marks = [
        mark(1, f"C{n}", Decimal(percent), weight=Decimal(weight))
        for n, (percent, weight) in enumerate(zip(percents, weights, strict=True), 1)
    ]
    result = result_of(SchemeKind.LETTERS, marks, LETTERS)
    assert (result.grade.code, str(result.percent)) == (grade, shown)


def test_a_required_criterion_that_is_not_met_fails_letters_despite_the_percentage():
    marks = [mark(0, "C1", Decimal(90)), mark(1, "C2", Decimal(90))]
    result = result_of(SchemeKind.LETTERS, marks, LETTERS)
    assert (result.outcome, result.grade.code) == (Outcome.NOT_ACHIEVED, "D")
    assert result.sentence == "Not yet met: C1 is required"


def test_a_level_without_percentage_gives_no_letter():
    result = result_of(SchemeKind.LETTERS, [mark(1)], LETTERS)
    assert (result.outcome, result.sentence) == (
        None,
        "A level has no percentage, so there is no grade.",
    )


def test_nothing_to_judge_is_no_result():
    result = result_of(SchemeKind.COMPETENCY, [], COMPETENCY)
    assert (result.outcome, result.sentence) == (None, "There is nothing to judge.")


def test_weights_of_nothing_give_no_percentage():
    assert weighted_percent([mark(1, percent=Decimal(50), weight=Decimal(0))]) is None


ranks = st.integers(0, 4)
percents = st.integers(0, 10_000).map(lambda cents: Decimal(cents) / 100)
weights = st.integers(1, 500).map(lambda tenths: Decimal(tenths) / 10)
lettered = st.lists(
    st.builds(
        lambda rank, percent, weight, required: Mark(
            "C", rank, 1, is_required=required, weight=weight, percent=percent
        ),
        ranks,
        percents,
        weights,
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@busy
@given(
    lettered,
    st.sampled_from(
        [
            (k, b)
            for k, b in (
                (SchemeKind.COMPETENCY, COMPETENCY),
                (SchemeKind.MERIT, MERIT),
                (SchemeKind.LETTERS, LETTERS),
            )
        ]
    ),
)
def test_achieved_exactly_when_the_grade_passes_and_never_past_an_unmet_requirement(marks, scheme):
    kind, bands = scheme
    result = result_of(kind, marks, bands)
    assert result.grade in bands
    assert (result.outcome == Outcome.ACHIEVED) == result.grade.is_pass
    if any(one.is_required and not one.is_met for one in marks):
        assert result.outcome == Outcome.NOT_ACHIEVED


@busy
@given(lettered)
def test_the_order_of_criteria_does_not_matter(marks):
    for kind, bands in ((SchemeKind.MERIT, MERIT), (SchemeKind.LETTERS, LETTERS)):
        one, other = result_of(kind, marks, bands), result_of(kind, marks[::-1], bands)
        assert (one.grade, one.percent) == (other.grade, other.percent)


@busy
@given(lettered, st.integers(0, 7))
def test_raising_one_level_never_lowers_the_grade(marks, at):
    at %= len(marks)
    old = marks[at]
    better = [*marks]
    better[at] = Mark(
        old.code, old.rank + 1, 1, old.is_required, old.weight, max(old.percent, Decimal(99))
    )
    for kind, bands in ((SchemeKind.MERIT, MERIT), (SchemeKind.LETTERS, LETTERS)):
        before, after = result_of(kind, marks, bands), result_of(kind, better, bands)
        assert after.grade.rank >= before.grade.rank


@busy
@given(st.fractions(0, 100))
def test_half_up_and_banding_leave_no_gap(percent):
    rounded = half_up(percent)
    assert rounded - Fraction(1, 2) <= percent < rounded + Fraction(1, 2)
    assert banded(percent, LETTERS) in LETTERS


@pytest.mark.parametrize(
    ("one", "other", "same", "limit", "agreed"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, True, 1, True),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}, True, 1, True),
        ({"a": 1, "b": 1}, {"a": 3, "b": 1}, True, 1, False),
        ({"a": 1}, {"a": 0}, False, 1, False),
        ({"a": 1}, {"a": 1}, False, 1, False),
        ({"a": 1}, {"a": 3}, True, 2, True),
        ({"a": 1}, {"a": 2}, True, 0, False),
        ({"a": 1}, {"b": 1}, True, 1, False),
        ({"a": 1, "b": 1}, {"a": 1}, True, 1, False),
    ],
)
def test_tolerance(one, other, same, limit, agreed):
    found = within_tolerance(one, other, same_outcome=same, max_difference=limit)
    assert found is agreed


@busy
@given(
    st.dictionaries(st.sampled_from("abcd"), ranks), st.dictionaries(st.sampled_from("abcd"), ranks),
    st.booleans(), st.integers(0, 3),
)  # fmt: skip
def test_tolerance_is_symmetric_and_grows_with_the_limit(one, other, same, limit):
    ask = lambda a, b, most: within_tolerance(a, b, same_outcome=same, max_difference=most)  # noqa: E731
    assert ask(one, other, limit) == ask(other, one, limit)
    assert ask(one, other, limit) <= ask(one, other, limit + 1)
