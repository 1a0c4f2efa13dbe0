"""What the sample promises is kept: coverage, risks, power, fairness of the draw, and the same draw anywhere.

Simulated from fixed seeds, so that a run says the same each time; PROOF=full takes ten times as many rounds.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from fractions import Fraction
from math import ceil, isqrt
from pathlib import Path
from random import Random

import pytest
from scipy import stats

from moderation import sampling
from moderation.assurance import Part, assurance, detection_probability, zero_defect_size
from moderation.sequential import Sequential, Verdict
from moderation.simulation import BOUNDARY, GRADE, Past, Simulation, simulate

pytestmark = pytest.mark.proof

FULL = os.environ.get("PROOF") == "full"
ROUNDS = 2000 if FULL else 200
ROOT = Path(__file__).resolve().parents[2]


def cohort(random: Random, even: bool = False) -> list[sampling.Row]:
    """20 to 160 decisions of one to four assessors in up to three bands; some are read in full anyway."""
    size, assessors = random.randint(20, 160), random.randint(1, 4)
    weights = [1] * assessors if even else [random.choice([1, 2, 5]) for _each in range(assessors)]
    return [
        sampling.Row(
            f"s{n:04}",
            "",
            f"a{random.choices(range(assessors), weights)[0]}",
            random.choice("AME"),
            ("fail",) if random.random() < 0.1 else (),
        )
        for n in range(size)
    ]


def place_wrong(random: Random, frame: list[sampling.Row], share: float, crowded: bool) -> set[str]:
    """Wrong decisions anywhere, or crowded in the strata of one assessor, the one with most work first."""
    count = round(share * len(frame))
    if not crowded:
        return {row.key for row in random.sample(frame, count)}
    size = Counter(row.assessor for row in frame)
    shuffled = random.sample(frame, len(frame))
    return {row.key for row in sorted(shuffled, key=lambda row: -size[row.assessor])[:count]}


def said_of(frame: list[sampling.Row], read: set[str], wrong: set[str]):
    """The assurance of a frame of which these were read."""
    strata: dict[str, list[sampling.Row]] = defaultdict(list)
    for row in frame:
        strata[row.stratum].append(row)
    parts = [
        Part(
            len(rows),
            sum(row.key in read for row in rows),
            sum(row.key in read and row.key in wrong for row in rows),
        )
        for rows in strata.values()
    ]
    total = [sum(getattr(part, name) for part in parts) for name in ("size", "read", "found")]
    return assurance(*total, parts=parts)


def by_assurance(n: int) -> int:
    return zero_defect_size(n)


@pytest.mark.parametrize("size", [None, by_assurance], ids=["customary", "by assurance"])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.25])
def test_the_bound_covers_the_truth_in_95_of_100_rounds(size, share: float) -> None:
    """Wrong decisions anywhere in the frame; strata with floors, as a round draws them."""
    random = Random(f"cover {size} {share}")
    covered = 0
    for number in range(ROUNDS):
        plan = sampling.draw(cohort(random), sampling.Rules(), f"{number}", size)
        frame = list(plan.frame)
        wrong = place_wrong(random, frame, share, crowded=False)
        said = said_of(frame, {pick.key for pick in plan.random}, wrong)
        covered += said.at_most >= len(wrong)
    assert covered / ROUNDS >= 0.95


@pytest.mark.parametrize("escalate", [False, True], ids=["first draw", "with extensions"])
@pytest.mark.parametrize("share", [0.1, 0.25])
def test_the_careful_bound_covers_wherever_the_wrong_ones_lie(escalate: bool, share: float) -> None:
    """All wrong decisions are one assessor's, where the floors make reading thinnest; also after extensions."""
    random = Random(f"crowd {escalate} {share}")
    covered = 0
    for number in range(ROUNDS):
        rows = cohort(random)
        frame = [row for row in rows if not row.reasons]
        wrong = place_wrong(random, frame, share, crowded=True)
        past = [Past(row, GRADE if row.key in wrong else "") for row in rows]
        run = simulate(past, sampling.Rules(), f"{number}", times=1, escalate=escalate).runs[0]
        said = said_of(frame, set(run.drawn), wrong)
        assert said.wherever is not None
        assert said.wherever >= said.at_most
        covered += said.wherever >= len(wrong)
    assert covered / ROUNDS >= 0.95


def test_the_sequential_plan_keeps_its_risks() -> None:
    """Exactly, and in simulated sets within what chance allows around the exact figure."""
    plan = Sequential(0.01, 0.06, 0.05, 0.10)
    random = Random("wald")
    sets = 10 * ROUNDS
    for share, wrongly, risk in ((0.01, Verdict.REJECT, 0.05), (0.06, Verdict.ACCEPT, 0.10)):
        operating = plan.operating(share)
        exactly = operating.reject if wrongly is Verdict.REJECT else operating.accept
        assert exactly <= risk
        errors = readings = 0
        for _each in range(sets):
            read = found = 0
            while (verdict := plan.verdict(read, found)) is Verdict.GO_ON:
                read, found = read + 1, found + (random.random() < share)
            errors += verdict is wrongly
            readings += read
        spread = (exactly * (1 - exactly) / sets) ** 0.5
        assert abs(errors / sets - exactly) < 3 * spread
        assert errors / sets <= risk + spread
        assert readings / sets == pytest.approx(operating.readings, rel=0.1)


def read_in_full(found: Simulation, assessor: str) -> float:
    """Share of repetitions in which everything of this assessor was read because of disagreements."""
    return sum(assessor in run.in_full for run in found.runs) / len(found.runs)


@pytest.mark.parametrize("bad", [0.1, 0.2, 0.4])
def test_escalation_finds_a_planted_assessor_at_the_stated_power(bad: float) -> None:
    """Three assessors with 40 decisions each; one passes work that should not. All of theirs is then read."""
    past = [
        Past(
            sampling.Row(f"s{n:03}", "", f"a{n % 3}", "A"),
            BOUNDARY if n % 3 == 0 and n // 3 < 40 * bad else "",
        )
        for n in range(120)
    ]
    own = sampling.share_out(12, [one.row for one in past], sampling.Rules())["a0|A"]
    power = detection_probability(40, round(40 * bad), own)
    found = simulate(past, sampling.Rules(), f"power {bad}", times=ROUNDS)
    spread = (power * (1 - power) / ROUNDS) ** 0.5
    assert abs(read_in_full(found, "a0") - power) < 3 * spread
    assert read_in_full(found, "a1") == 0
    assert all(run.met in (0, round(40 * bad)) for run in found.runs)


def test_an_assessor_with_single_levels_off_is_read_in_full_too() -> None:
    """Two grade-level disagreements, the second perhaps in the extension, read everything of the assessor."""
    past = [
        Past(sampling.Row(f"s{n:03}", "", f"a{n % 2}", "A"), GRADE if n % 2 == 0 and n < 40 else "")
        for n in range(80)
    ]
    found = simulate(past, sampling.Rules(), "levels", times=ROUNDS)
    # Half of a0's are off: 5 at random, then 5 more unless two were met or none.
    first = stats.hypergeom(40, 20, 5).pmf
    second = first(1) * (1 - stats.hypergeom(35, 19, 5).pmf(0))
    power = 1 - first(0) - first(1) + second
    spread = (power * (1 - power) / ROUNDS) ** 0.5
    assert abs(read_in_full(found, "a0") - power) < 3 * spread


def uniform(hits: Counter[str], keys: list[str], drawn: int, times: int) -> float:
    """p of the chi-square test that each of the keys is as likely; samples without replacement."""
    expected = times * drawn / len(keys)
    distance = sum((hits[key] - expected) ** 2 / expected for key in keys)
    shrink = (len(keys) - 1) / (len(keys) - drawn)
    return float(stats.chi2.sf(distance * shrink, len(keys) - 1))


def test_every_decision_of_a_stratum_is_as_likely() -> None:
    """First draws and extensions, over many seeds, in strata of different sizes."""
    rows = [
        sampling.Row(f"s{n:03}", f"d{n}", "ab"[n % 3 == 0], "AM"[n % 5 == 0]) for n in range(60)
    ]
    first: Counter[str] = Counter()
    later: Counter[str] = Counter()
    drawn: Counter[str] = Counter()
    for number in range(ROUNDS):
        seed = hashlib.sha256(f"fair {number}".encode()).hexdigest()
        plan = sampling.draw(rows, sampling.Rules(), seed)
        first.update(pick.key for pick in plan.random)
        drawn = Counter(pick.stratum for pick in plan.random)
        keys = [pick.key for pick in plan.random]
        more = sampling.extend(plan.frame, keys, "a", 6, sampling.shuffle_of(rows, seed))
        later.update([*keys, *(pick.key for pick in more)])
        total = drawn + Counter(pick.stratum for pick in more)
    strata: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        strata[row.stratum].append(row.key)
    for name, keys in strata.items():
        assert uniform(first, keys, drawn[name], ROUNDS) > 0.001, name
        if total[name] < len(keys):
            assert uniform(later, keys, total[name], ROUNDS) > 0.001, name


def by_the_definition(
    rows: list[tuple[str, str, str, str, list[str]]], seed: str, algorithm: str
) -> list[str]:
    """The draw as docs/statistics.md defines it, written a second time and as plainly as can be."""
    ordered = sorted(rows)
    lines = [algorithm] + [
        json.dumps([key, decision, f"{assessor}|{band}", reasons], separators=(",", ":"))
        for key, decision, assessor, band, reasons in ordered
    ]
    population = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    identity = population
    if algorithm == "moderato-2":
        lines = [algorithm] + [
            json.dumps([key, decision, f"{assessor}|{band}"], separators=(",", ":"))
            for key, decision, assessor, band, _reasons in ordered
        ]
        identity = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    frame = [row for row in ordered if not row[4]]
    n = len(frame)
    people = Counter(row[2] for row in frame)
    strata = Counter((row[2], row[3]) for row in frame)
    size = max(sum(min(3, count) for count in people.values()), 5, ceil(n / 10), isqrt(n - 1) + 1)

    def shares(total: int, sizes: dict[str, int], least: dict[str, int]) -> dict[str, int]:
        given = {name: min(least[name], size) for name, size in sizes.items()}
        quota = {name: Fraction(total * size, sum(sizes.values())) for name, size in sizes.items()}
        while sum(given.values()) < min(total, sum(sizes.values())):
            open_ones = [name for name in sizes if given[name] < sizes[name]]
            given[min(open_ones, key=lambda name: (given[name] - quota[name], name))] += 1
        return given

    floors = {
        who: max(min(3, count), sum(one == who for one, _band in strata))
        for who, count in people.items()
    }
    picked = [row[0] for row in ordered if row[4]]
    per_person = shares(min(size, n), dict(people), floors)
    wanted: dict[str, int] = {}
    for who in people:
        own = {f"{who}|{band}": count for (one, band), count in strata.items() if one == who}
        wanted |= shares(per_person[who], own, dict.fromkeys(own, 1))
    for stratum in sorted(wanted):
        keys = [row[0] for row in frame if f"{row[2]}|{row[3]}" == stratum]
        keys.sort(
            key=lambda key: hashlib.sha256(
                f"{algorithm}|{seed}|{identity}|{key}".encode()
            ).hexdigest()
        )
        picked += keys[: wanted[stratum]]
    return [population, *picked]


def many_rows() -> list[tuple[str, str, str, str, list[str]]]:
    random = Random("rows")
    return [
        (
            f"W{n:04}é" if n % 11 == 0 else f"W{n:04}",
            "",
            random.choice(["A01", "A02", "A03", "Ā04"]),
            random.choice(["A", "M", "E"]),
            random.choice([[], [], [], [], ["fail"], ["rpl", "watch"]]),
        )
        for n in range(300)
    ]


PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from moderation import sampling
rows = [sampling.Row(*row[:4], tuple(row[4])) for row in json.load(sys.stdin)]
algorithm = sys.argv[2]
plan = sampling.draw(rows, sampling.Rules(), "5eed", algorithm=algorithm)
told = [sampling.population_hash(rows, algorithm), *(pick.key for pick in plan.picks)]
print(json.dumps(told))
"""


def pythons() -> list[str]:
    """This Python, and every other from 3.10 on that is on the machine."""
    places = [*Path("/usr/bin").glob("python3.*"), *Path("/usr/local/bin").glob("python3.*")]
    places += Path.home().glob(".pyenv/versions/*/bin/python3")
    found = {sys.executable}
    for place in places:
        asked = subprocess.run(
            [str(place), "-c", "import sys; print(sys.version_info[:2] >= (3, 10))"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.stdout.strip() == "True":
            found.add(str(place))
    return sorted(found)


@pytest.mark.parametrize("algorithm", sampling.ALGORITHMS)
def test_the_draw_is_its_definition_on_every_python(algorithm: str) -> None:
    """An independent writing of the rules, and other Pythons with other hash seeds, draw the same."""
    rows = many_rows()
    expected = by_the_definition(rows, "5eed", algorithm)
    assert len(expected) > 60
    for python in pythons():
        for hash_seed in ("0", "1"):
            told = subprocess.run(
                [python, "-S", "-c", PROGRAM, str(ROOT), algorithm],
                input=json.dumps(rows),
                env={"PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                check=True,
            )
            assert json.loads(told.stdout) == expected, python
