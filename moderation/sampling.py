"""Which decisions of a frozen set are read, and why. Pure: no database, no clock, no global randomness.

Targeted strata are read in full because of what they are. From what is left, the frame, a random part is
drawn, stratified by assessor and grade band. Only the random part says anything about the rest of the
frame (lifecycle 4). Everything is exact integer arithmetic and SHA-256, so that the same seed and the same
population give the same sample on any machine and any version of Python.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heapify, heappop, heapreplace
from itertools import pairwise
from json.encoder import encode_basestring_ascii as quoted
from math import ceil, isqrt

FIRST_ALGORITHM = "moderato-1"
"""The order of chance also depended on why work is read in full: other rules shuffled anew."""

ALGORITHM = "moderato-2"
"""Name of the rules below, for new rounds. Change it with any change that could give another sample."""

ALGORITHMS = (FIRST_ALGORITHM, ALGORITHM)
"""Every algorithm that a record may name; each draws as it did on its first day."""

TARGETED = "targeted"
RANDOM = "random"

SMALL_SET = "small_set"
FAIL = "fail"
BORDERLINE = "borderline"
PROBATION = "probation"
WATCH = "watch"
SEVERITY = "severity"
EARLY = "early"
RPL = "rpl"
CONFLICT = "conflict"
RESUBMISSION = "resubmission"
HOLD_CLEARED = "hold_cleared"
DRAWN_BY_CHANCE = "random"
EXTENSION = "extension"

FLAGS = frozenset({RPL, CONFLICT, RESUBMISSION, HOLD_CLEARED})
"""Reasons that are known about a single piece of work rather than computed here."""

REASONS = (FAIL, BORDERLINE, PROBATION, WATCH, SEVERITY, EARLY, *sorted(FLAGS))
"""Every reason for which a policy may have decisions read in full."""


@dataclass(frozen=True)
class Row:
    """One decision of the population, and why it is read whatever chance says. All frozen before a draw."""

    key: str
    decision: str
    assessor: str
    band: str
    reasons: tuple[str, ...] = ()

    @property
    def stratum(self) -> str:
        return f"{self.assessor}|{self.band}"


@dataclass(frozen=True)
class Facts:
    """What targeting looks at.

    `margin` is how many levels the work lies above the bare pass over all its required criteria, None
    where the rubric is too coarse to tell; `points` the distance from the pass mark in percentage points
    where the scheme has them. `arrival` is 1 for the first submission of the task.
    """

    assessor: str
    passed: bool
    arrival: int
    margin: int | None = None
    points: Fraction | None = None
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rules:
    """The sampling policy of one delivery."""

    all_if_n_le: int = 8
    min_per_assessor: int = 3
    minimum: int = 5
    share: Fraction = Fraction(1, 10)
    probation: int = 20
    early: int = 5
    borderline_levels: int = 1
    borderline_points: Fraction = Fraction(2)


@dataclass(frozen=True)
class Background:
    """What is known beyond the set: moderated decisions of each assessor, who is watched, a new task or not.

    `apart` are assessors whose severity stands out, or whose reading has moved away (moderation.tendency).
    """

    moderated: Mapping[str, int] = field(default_factory=dict)
    watched: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    new_task: bool = False


@dataclass(frozen=True)
class Pick:
    """One drawn item: in which part, why, from which stratum, and how likely that was."""

    key: str
    part: str
    reasons: tuple[str, ...]
    stratum: str
    probability: Fraction


@dataclass(frozen=True)
class Plan:
    """The whole draw. `frame` is what the random part stands for, in population order."""

    picks: tuple[Pick, ...]
    frame: tuple[Row, ...]

    @property
    def targeted(self) -> tuple[Pick, ...]:
        return tuple(pick for pick in self.picks if pick.part == TARGETED)

    @property
    def random(self) -> tuple[Pick, ...]:
        return tuple(pick for pick in self.picks if pick.part == RANDOM)


def in_order(rows: Iterable[Row]) -> list[Row]:
    """The population in its one order, by key, whatever order it came in."""
    ordered = sorted(rows, key=lambda row: row.key)
    if any(one.key == other.key for one, other in pairwise(ordered)):
        raise ValueError("A population holds each submission once.")
    return ordered


def population_hash(rows: Iterable[Row], algorithm: str = ALGORITHM) -> str:
    """SHA-256 over the ordered population: submissions, decisions, strata, reasons."""
    return _hash_in_order(in_order(rows), algorithm)


def _hash_in_order(ordered: Iterable[Row], algorithm: str) -> str:
    """Each row is one line of JSON: [key, decision, stratum, [reasons]], all but ASCII escaped."""
    lines = [
        f"[{quoted(row.key)},{quoted(row.decision)},{quoted(row.stratum)},"
        f"[{','.join(map(quoted, row.reasons))}]]"
        for row in ordered
    ]
    return hashlib.sha256("\n".join([_known(algorithm), *lines]).encode()).hexdigest()


def _known(algorithm: str) -> str:
    if algorithm not in ALGORITHMS:
        raise ValueError(f"“{algorithm}” is no algorithm. There are {', '.join(ALGORITHMS)}.")
    return algorithm


def reasons_to_read(facts: Facts, rules: Rules, background: Background) -> tuple[str, ...]:
    """Why a decision is read whatever chance says; empty for the frame of the random part.

    Borderline means a pass at most `borderline_levels` levels above the bare pass in all, or within
    `borderline_points` of the pass mark. Fails are all read anyway.
    """
    near = (facts.margin is not None and facts.margin <= rules.borderline_levels) or (
        facts.points is not None and abs(facts.points) <= rules.borderline_points
    )
    found = {
        FAIL: not facts.passed,
        BORDERLINE: facts.passed and near,
        PROBATION: background.moderated.get(facts.assessor, 0) < rules.probation,
        WATCH: facts.assessor in background.watched,
        SEVERITY: facts.assessor in background.apart,
        EARLY: background.new_task and facts.arrival <= rules.early,
    }
    return (*(name for name, holds in found.items() if holds), *sorted(facts.flags & FLAGS))


@dataclass(frozen=True)
class Shuffle:
    """The seeded order of a population: each key's place is a digest that no other key shares.

    Sorting by it is a random permutation, fixed once the seed is stored. It depends on the seed and on what
    was frozen, whatever the plan reads in full and however much it draws: whoever changes the rules of a plan
    cannot roll the dice again. An extension takes the next rows of the same permutation, so it can only append.
    """

    algorithm: str
    seed: str
    identity: str

    def first(self, rows: Iterable[Row], count: int) -> list[Row]:
        """The first so many of these rows."""
        start = self._start()
        return sorted(rows, key=lambda row: self._digest(start, row.key))[:count]

    def _start(self) -> "hashlib._Hash":
        """The part of the digest that all rows share."""
        return hashlib.sha256("|".join([self.algorithm, self.seed, self.identity, ""]).encode())

    @staticmethod
    def _digest(start: "hashlib._Hash", key: str) -> bytes:
        own = start.copy()
        own.update(key.encode())
        return own.digest()


def shuffle_of(rows: Iterable[Row], seed: str, algorithm: str = ALGORITHM) -> Shuffle:
    """The order in which chance takes a whole population, targeted work included."""
    return _shuffle_in_order(in_order(rows), seed, algorithm)


def _shuffle_in_order(ordered: Sequence[Row], seed: str, algorithm: str) -> Shuffle:
    """moderato-1 shuffled by the population's hash, which holds the reasons; moderato-2 leaves them out."""
    if algorithm == FIRST_ALGORITHM:
        return Shuffle(algorithm, seed, _hash_in_order(ordered, algorithm))
    lines = [f"[{quoted(row.key)},{quoted(row.decision)},{quoted(row.stratum)}]" for row in ordered]
    text = "\n".join([_known(algorithm), *lines])
    return Shuffle(algorithm, seed, hashlib.sha256(text.encode()).hexdigest())


def allocate(total: int, sizes: Mapping[str, int], floors: Mapping[str, int]) -> dict[str, int]:
    """Share `total` among strata in proportion to `sizes`: largest remainder, with a least for each.

    Each stratum gets at least its floor and at most its size; ties go to the smaller name. Where the
    floors add up to more than `total`, the floors win.
    """
    given = {name: min(floors.get(name, 0), size) for name, size in sizes.items()}
    everything = sum(sizes.values())
    total = min(total, everything)
    left = total - sum(given.values())
    # How far above its quota total·size/everything each open stratum is, in units of 1/everything.
    above = [
        (given[name] * everything - total * size, name)
        for name, size in sizes.items()
        if given[name] < size
    ]
    heapify(above)
    for _each in range(left):
        distance, name = above[0]
        given[name] += 1
        if given[name] == sizes[name]:
            heappop(above)
        else:
            heapreplace(above, (distance + everything, name))
    return given


def customary_size(frame: Sequence[Row], rules: Rules) -> int:
    """max(3 for each assessor, 5, 10 %, √n) of the frame, and never more than the frame."""
    n = len(frame)
    if n == 0:
        return 0
    each = Counter(row.assessor for row in frame)
    root = isqrt(n) + (isqrt(n) ** 2 < n)
    wanted = max(
        sum(min(rules.min_per_assessor, count) for count in each.values()),
        rules.minimum,
        ceil(rules.share * n),
        root,
    )
    return min(n, wanted)


def share_out(total: int, frame: Sequence[Row], rules: Rules) -> dict[str, int]:
    """How many to draw from each stratum: first among assessors, then among an assessor's grade bands."""
    strata = Counter(row.stratum for row in frame)
    assessors = Counter(row.assessor for row in frame)
    bands: dict[str, dict[str, int]] = defaultdict(dict)
    for row in frame:
        bands[row.assessor][row.stratum] = strata[row.stratum]
    least = {
        name: max(min(rules.min_per_assessor, count), len(bands[name]))
        for name, count in assessors.items()
    }
    shares = allocate(total, assessors, least)
    given: dict[str, int] = {}
    for name, found in bands.items():
        given |= allocate(shares[name], found, dict.fromkeys(found, 1))
    return given


def draw(
    rows: Iterable[Row],
    rules: Rules,
    seed: str,
    size: Callable[[int], int] | None = None,
    algorithm: str = ALGORITHM,
) -> Plan:
    """The first draw. `size` gives the random part's size for a frame of n, else the customary rule does."""
    population = in_order(rows)
    shuffle = _shuffle_in_order(population, seed, algorithm)
    if len(population) <= rules.all_if_n_le:
        whole = tuple(
            Pick(
                row.key,
                TARGETED,
                (SMALL_SET, *row.reasons),
                row.stratum,
                Fraction(1),
            )
            for row in population
        )
        return Plan(whole, ())
    picks: list[Pick] = []
    frame: list[Row] = []
    for row in population:
        if row.reasons:
            picks.append(Pick(row.key, TARGETED, row.reasons, row.stratum, Fraction(1)))
        else:
            frame.append(row)
    total = customary_size(frame, rules) if size is None else min(len(frame), size(len(frame)))
    chosen = take(share_out(total, frame, rules), frame, shuffle)
    sizes = Counter(row.stratum for row in frame)
    drawn = Counter(row.stratum for row in chosen)
    picks += [
        Pick(
            row.key,
            RANDOM,
            (DRAWN_BY_CHANCE,),
            row.stratum,
            Fraction(drawn[row.stratum], sizes[row.stratum]),
        )
        for row in chosen
    ]
    return Plan(tuple(picks), tuple(frame))


def extend(
    frame: Iterable[Row],
    drawn_keys: Iterable[str],
    assessor: str,
    count: int,
    shuffle: Shuffle,
) -> tuple[Pick, ...]:
    """`count` more items of one assessor from the frozen frame, appended to what was drawn before.

    `shuffle` is that of the whole population that was drawn from first. The probability is what the item now
    has of being in the random part: drawn so far over the size of its stratum. A count at or above what is
    left draws all of it.
    """
    own = [row for row in in_order(frame) if row.assessor == assessor]
    before = set(drawn_keys)
    left = [row for row in own if row.key not in before]
    chosen = take(allocate(count, Counter(row.stratum for row in left), {}), left, shuffle)
    whole = Counter(row.stratum for row in own)
    drawn = Counter(row.stratum for row in own if row.key in before)
    drawn.update(row.stratum for row in chosen)
    return tuple(
        Pick(
            row.key,
            RANDOM,
            (EXTENSION,),
            row.stratum,
            Fraction(drawn[row.stratum], whole[row.stratum]),
        )
        for row in chosen
    )


def take(wanted: Mapping[str, int], rows: Sequence[Row], shuffle: Shuffle) -> list[Row]:
    """The first so many rows of each stratum in the seeded order, strata by name."""
    strata: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        strata[row.stratum].append(row)
    chosen: list[Row] = []
    for name in sorted(strata):
        chosen += shuffle.first(strata[name], wanted.get(name, 0))
    return chosen
