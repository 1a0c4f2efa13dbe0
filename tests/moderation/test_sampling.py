"""The draw: complete, proportional, reproducible to the bit, and only ever appended to."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation import sampling as s

SEED = "5eed" * 16
EVERYBODY_KNOWN = s.Background(moderated={"ada": 99, "abe": 99, "ana": 99})


def row(number: int, assessor: str = "ada", band: str = "A", *reasons: str) -> s.Row:
    return s.Row(f"s{number:04}", f"d{number:04}", assessor, band, reasons)


def cohort(size: int, assessors: tuple[str, ...] = ("ada", "abe")) -> list[s.Row]:
    return [row(n, assessors[n % len(assessors)], "AM"[n % 3 == 0]) for n in range(size)]


rows_of = st.lists(
    st.tuples(
        st.sampled_from(["ada", "abe", "ana"]),
        st.sampled_from(["N", "A", "M", "E"]),
        st.lists(st.sampled_from([s.FAIL, s.RPL]), unique=True, max_size=1),
    ),
    min_size=1,
    max_size=60,
).map(lambda found: [row(n, a, b, *why) for n, (a, b, why) in enumerate(found)])


@settings(deadline=None)
@given(rows_of, st.randoms(), st.text("0123456789abcdef", min_size=8, max_size=64))
def test_same_seed_same_population_same_sample(
    rows: list[s.Row], random: Random, seed: str
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    first = s.draw(rows, s.Rules(), seed)
    assert first == s.draw(shuffled, s.Rules(), seed)
    assert s.population_hash(rows) == s.population_hash(shuffled)


@settings(deadline=None)
@given(rows_of)
def test_targeted_in_full_and_the_random_part_covers_every_stratum(rows: list[s.Row]) -> None:
    rules = s.Rules()
    plan = s.draw(rows, rules, SEED)
    keys = [pick.key for pick in plan.picks]
    assert len(keys) == len(set(keys))
    if len(rows) <= rules.all_if_n_le:
        assert set(keys) == {one.key for one in rows}
        return
    targeted = {one.key for one in rows if one.reasons}
    assert {pick.key for pick in plan.targeted} == targeted
    frame = {one.key: one for one in plan.frame}
    assert {one.key for one in rows} == targeted | set(frame)
    assert len(plan.random) >= s.customary_size(plan.frame, rules)
    assert {pick.stratum for pick in plan.random} == {one.stratum for one in plan.frame}
    sizes = Counter(one.stratum for one in plan.frame)
    drawn = Counter(pick.stratum for pick in plan.random)
    for pick in plan.random:
        assert pick.key in frame
        assert pick.probability == Fraction(drawn[pick.stratum], sizes[pick.stratum]) <= 1
    per_assessor = Counter(pick.stratum.split("|")[0] for pick in plan.random)
    for name, size in Counter(one.assessor for one in plan.frame).items():
        assert per_assessor[name] >= min(3, size)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 40), min_size=1),
    st.integers(0, 200),
)
def test_largest_remainder_keeps_quota(sizes: dict[str, int], total: int) -> None:
    everything = sum(sizes.values())
    given_shares = s.allocate(total, sizes, {})
    assert sum(given_shares.values()) == min(total, everything)
    for name, share in given_shares.items():
        quota = Fraction(min(total, everything) * sizes[name], everything)
        assert abs(share - quota) < 1


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 40), min_size=1), st.integers(0, 99)
)
def test_floors_win_over_the_total(sizes: dict[str, int], total: int) -> None:
    shares = s.allocate(total, sizes, dict.fromkeys(sizes, 2))
    assert all(min(2, sizes[name]) <= shares[name] <= sizes[name] for name in sizes)


GOLDEN = {
    "moderato-1": (
        "cfce5f4bff14afab06100d6b00e116e948f8ca1ee7a696e137c425baae0678b8",
        ["s0035", "s0025", "s0017", "s0015", "s0020", "s0038", "s0012"],
    ),
    "moderato-2": (
        "f76d813cdb6a31a7e49265dc80e21bebf003587f28944aadb5d4da90e0043965",
        ["s0017", "s0005", "s0013", "s0021", "s0034", "s0022", "s0036"],
    ),
}


@pytest.mark.parametrize("algorithm", s.ALGORITHMS)
def test_golden_draw(algorithm: str) -> None:
    """The bits: any change of an algorithm must change its name, and then these values."""
    rows = cohort(40)
    fingerprint, keys = GOLDEN[algorithm]
    assert s.population_hash(rows, algorithm) == fingerprint
    plan = s.draw(rows, s.Rules(), SEED, algorithm=algorithm)
    assert [pick.key for pick in plan.random] == keys


def test_new_draws_are_by_the_newest_algorithm() -> None:
    rows = cohort(40)
    assert s.ALGORITHMS[-1] == s.ALGORITHM
    assert s.draw(rows, s.Rules(), SEED) == s.draw(rows, s.Rules(), SEED, algorithm="moderato-2")
    for wrong in ("moderato-3", ""):
        with pytest.raises(ValueError):
            s.draw(rows, s.Rules(), SEED, algorithm=wrong)
        with pytest.raises(ValueError):
            s.population_hash(rows, wrong)


@settings(deadline=None)
@given(rows_of, st.sets(st.integers(0, 59)), st.integers(0, 60), st.integers(0, 60))
def test_other_rules_do_not_shuffle_anew(
    rows: list[s.Row], targeted: set[int], one: int, more: int
) -> None:
    """Whatever a plan reads in full, and however much it draws, the frame is taken in one order."""
    order = s.shuffle_of(rows, SEED)
    other = [replace(row, reasons=("rpl",) if n in targeted else ()) for n, row in enumerate(rows)]
    assert s.shuffle_of(other, SEED) == order
    fewer, larger = sorted((one, more))
    for population in (rows, other):
        first = s.draw(population, s.Rules(all_if_n_le=0), SEED, lambda _n: fewer)
        second = s.draw(population, s.Rules(all_if_n_le=0), SEED, lambda _n: larger)
        for plan in (first, second):
            for stratum in {pick.stratum for pick in plan.random}:
                drawn = [pick.key for pick in plan.random if pick.stratum == stratum]
                own = [row for row in plan.frame if row.stratum == stratum]
                assert drawn == [row.key for row in order.first(own, len(drawn))]


def test_the_first_algorithm_shuffled_anew_with_other_rules() -> None:
    """Why there is a second one: a switch moved what chance had left alone."""
    rows = cohort(40)
    other = [replace(rows[0], reasons=("rpl",)), *rows[1:]]
    first = s.shuffle_of(rows, SEED, s.FIRST_ALGORITHM)
    assert s.shuffle_of(other, SEED, s.FIRST_ALGORITHM) != first


def test_another_seed_another_sample() -> None:
    rows = cohort(60)
    first = s.draw(rows, s.Rules(), SEED)
    other = s.draw(rows, s.Rules(), "0" * 64)
    assert {pick.key for pick in first.random} != {pick.key for pick in other.random}


def test_chance_is_fair() -> None:
    """Over many seeds every row of a stratum is drawn about equally often."""
    rows = [row(n) for n in range(12)]
    hits: Counter[str] = Counter()
    for number in range(1200):
        plan = s.draw(rows, s.Rules(), f"{number:064x}")
        hits.update(pick.key for pick in plan.random)
    assert all(abs(count - 500) < 80 for count in hits.values())


@settings(deadline=None)
@given(st.integers(9, 60), st.integers(0, 30))
def test_an_extension_appends_and_never_repeats(size: int, count: int) -> None:
    rows = cohort(size)
    order = s.shuffle_of(rows, SEED)
    plan = s.draw(rows, s.Rules(), SEED)
    before = [pick.key for pick in plan.picks]
    more = s.extend(plan.frame, before, "ada", count, order)
    left = [one for one in plan.frame if one.assessor == "ada" and one.key not in before]
    assert len(more) == min(count, len(left))
    assert not {pick.key for pick in more} & set(before)
    assert all(pick.stratum.startswith("ada|") for pick in more)
    again = s.extend(plan.frame, before, "ada", count, order)
    assert more == again


def test_extending_by_everything_draws_the_whole_stratum() -> None:
    rows = cohort(40)
    plan = s.draw(rows, s.Rules(), SEED)
    drawn = [pick.key for pick in plan.picks]
    more = s.extend(plan.frame, drawn, "ada", 1000, s.shuffle_of(rows, SEED))
    read = {*drawn, *(pick.key for pick in more)}
    assert {one.key for one in rows if one.assessor == "ada"} <= read
    assert all(pick.probability == 1 for pick in more)


def test_eight_or_fewer_are_all_read() -> None:
    plan = s.draw(cohort(8), s.Rules(), SEED)
    assert [pick.reasons for pick in plan.picks] == [("small_set",)] * 8
    assert plan.frame == ()
    assert len(s.draw(cohort(9), s.Rules(), SEED).picks) < 9


def facts(**fields: object) -> s.Facts:
    return s.Facts(**{"assessor": "ada", "passed": True, "arrival": 9} | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "background", "reason"),
    [
        ({"passed": False}, EVERYBODY_KNOWN, "fail"),
        ({"margin": 1}, EVERYBODY_KNOWN, "borderline"),
        ({"points": Fraction(2)}, EVERYBODY_KNOWN, "borderline"),
        ({}, s.Background(moderated={"ada": 19}), "probation"),
        ({}, s.Background(moderated={"ada": 99}, watched=frozenset({"ada"})), "watch"),
        ({"arrival": 5}, s.Background(moderated={"ada": 99}, new_task=True), "early"),
        ({"flags": frozenset({"rpl"})}, EVERYBODY_KNOWN, "rpl"),
        ({"flags": frozenset({"conflict"})}, EVERYBODY_KNOWN, "conflict"),
        ({"flags": frozenset({"resubmission"})}, EVERYBODY_KNOWN, "resubmission"),
        ({"flags": frozenset({"hold_cleared"})}, EVERYBODY_KNOWN, "hold_cleared"),
    ],
)
def test_each_reason(fields: dict[str, object], background: s.Background, reason: str) -> None:
    assert s.reasons_to_read(facts(**fields), s.Rules(), background) == (reason,)


@pytest.mark.parametrize(
    ("fields", "background"),
    [
        ({"margin": 2}, EVERYBODY_KNOWN),
        ({"points": Fraction(21, 10)}, EVERYBODY_KNOWN),
        ({}, s.Background(moderated={"ada": 20})),
        ({"arrival": 6}, s.Background(moderated={"ada": 99}, new_task=True)),
        ({"flags": frozenset({"unknown"})}, EVERYBODY_KNOWN),
    ],
)
def test_just_outside_each_reason(fields: dict[str, object], background: s.Background) -> None:
    assert s.reasons_to_read(facts(**fields), s.Rules(), background) == ()


@pytest.mark.parametrize(
    ("size", "assessors", "expected"),
    [(9, 1, 5), (9, 2, 6), (30, 1, 6), (100, 1, 10), (200, 1, 20), (300, 4, 30), (9, 3, 9), (4, 1, 4), (0, 1, 0)],
)  # fmt: skip
def test_customary_size(size: int, assessors: int, expected: int) -> None:
    frame = [row(n, ("ada", "abe", "ana", "aki")[n % assessors]) for n in range(size)]
    assert s.customary_size(frame, s.Rules()) == expected


def test_a_stated_assurance_sets_the_size() -> None:
    plan = s.draw(cohort(50), s.Rules(), SEED, size=lambda n: 22 if n == 50 else 0)
    assert len(plan.random) == 22


def test_a_submission_is_in_a_population_once() -> None:
    with pytest.raises(ValueError):
        s.draw([row(1), row(1)], s.Rules(), SEED)
