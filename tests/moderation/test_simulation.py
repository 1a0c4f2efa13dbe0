"""Another plan in a past cohort: workload, what it meets, and the same answer each time."""

import pytest

from moderation import sampling
from moderation.assurance import detection_probability
from moderation.simulation import BOUNDARY, GRADE, Past, simulate


def cohort(wrong: dict[int, str | None], size: int = 40) -> list[Past]:
    return [
        Past(sampling.Row(f"s{n:03}", "", "ab"[n % 2], "A"), wrong.get(n, "")) for n in range(size)
    ]


def test_without_disagreements_the_workload_is_the_plan() -> None:
    found = simulate(cohort({}), sampling.Rules(), "seed", times=20)
    assert {run.read for run in found.runs} == {7}
    assert found.met == found.detects == 0
    told = found.as_json()
    assert (told["workload"], told["least"], told["median"], told["most"]) == (7, 7, 7, 7)
    assert told["repetitions"] == 20
    assert told["cohort"] == 40


def test_same_seed_same_answer() -> None:
    past = cohort({0: GRADE, 4: BOUNDARY, 7: GRADE})
    assert simulate(past, sampling.Rules(), "x", times=10) == simulate(
        past, sampling.Rules(), "x", times=10
    )
    assert simulate(past, sampling.Rules(), "x", times=10) != simulate(
        past, sampling.Rules(), "y", times=10
    )


def test_one_level_extends_by_as_many_and_a_second_reads_all() -> None:
    past = cohort({0: GRADE, 2: GRADE})
    reads = {0: {7}, 1: {10, 11}, 2: {23, 24}}
    for run in simulate(past, sampling.Rules(), "x", times=60).runs:
        assert run.read in reads[run.met]
        assert run.in_full == ({"a"} if run.met == 2 else frozenset())
    flat = simulate(past, sampling.Rules(), "x", times=60, escalate=False)
    assert {run.read for run in flat.runs} == {7}


def test_pass_or_fail_reads_all_at_once() -> None:
    past = cohort(dict.fromkeys(range(0, 40, 4), BOUNDARY))
    found = simulate(past, sampling.Rules(), "x", times=50)
    assert all(run.in_full == ({"a"} if run.met else frozenset()) for run in found.runs)
    assert all(run.met in (0, 10) for run in found.runs)
    assert found.detects == sum("a" in run.in_full for run in found.runs) / 50
    assert not any("b" in run.in_full for run in found.runs)


def test_more_reading_meets_more_often_as_promised() -> None:
    past = cohort(dict.fromkeys((0, 3, 10, 21), GRADE))
    for size in (6, 16):
        found = simulate(
            past, sampling.Rules(), "x", size=lambda _n, size=size: size, times=300, escalate=False
        )
        assert found.detects == pytest.approx(detection_probability(40, 4, size), abs=0.08)
        assert found.workload == size


def test_what_was_never_read_is_unknown_not_fine() -> None:
    past = cohort(dict.fromkeys(range(40)) | {1: GRADE})
    found = simulate(past, sampling.Rules(), "x", times=30, escalate=False)
    assert found.known == 1
    assert all(run.unknown + run.met == run.read for run in found.runs)
    assert found.as_json()["never_read"] > 6
