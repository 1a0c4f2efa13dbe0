"""What a plan with all its extensions would have met in a past cohort. Pure; the same seed, the same answer.

`replay` gives the exact chances of a first draw; here the reading goes on. Each repetition draws the cohort
with a seed of its own and reads on as the rules of escalation ask: the first disagreement about an assessor
extends their random part by its own size; one about pass or fail, or the `full_on`-th of any kind, has the
rest of theirs read. What was never read in the past is counted, but nobody knows whether it would have been
met: so detections are those of known disagreements.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from moderation import sampling

GRADE = "grade"
BOUNDARY = "pass_fail"


@dataclass(frozen=True)
class Past:
    """A decision of a past cohort and what reading it said: "" agreed, GRADE, BOUNDARY; None if never read."""

    row: sampling.Row
    disagreement: str | None


@dataclass(frozen=True)
class Run:
    """One repetition: everything that was drawn, what of it disagreed, what nobody knows, who was read in full."""

    drawn: tuple[str, ...]
    met: int
    unknown: int
    in_full: frozenset[str]

    @property
    def read(self) -> int:
        return len(self.drawn)


@dataclass(frozen=True)
class Simulation:
    """All repetitions of one plan. `known` is how many disagreements the cohort is known to have."""

    runs: tuple[Run, ...]
    cohort: int
    known: int

    @property
    def workload(self) -> float:
        """Readings on average."""
        return sum(run.read for run in self.runs) / len(self.runs)

    @property
    def met(self) -> float:
        """Known disagreements met, on average."""
        return sum(run.met for run in self.runs) / len(self.runs)

    @property
    def detects(self) -> float:
        """Share of repetitions that met at least one."""
        return sum(run.met > 0 for run in self.runs) / len(self.runs)

    def as_json(self) -> dict[str, Any]:
        reads = sorted(run.read for run in self.runs)
        return {
            "repetitions": len(self.runs),
            "cohort": self.cohort,
            "known_disagreements": self.known,
            "workload": self.workload,
            "least": reads[0],
            "median": reads[len(reads) // 2],
            "most": reads[-1],
            "met": self.met,
            "detects": self.detects,
            "never_read": sum(run.unknown for run in self.runs) / len(self.runs),
        }


def simulate(
    cohort: Sequence[Past],
    rules: sampling.Rules,
    seed: str,
    *,
    size: Callable[[int], int] | None = None,
    times: int = 200,
    full_on: int = 2,
    escalate: bool = True,
) -> Simulation:
    """Draw the cohort `times` times under a plan. Rows have the reasons that this plan reads in full."""
    rows = [one.row for one in cohort]
    known = {one.row.key: one.disagreement for one in cohort}
    shuffle = sampling.shuffle_of(rows, seed)
    runs = []
    for number in range(times):
        own = hashlib.sha256(f"{seed}|{number}".encode()).hexdigest()
        plan = sampling.draw(rows, rules, own, size)
        order = replace(shuffle, seed=own)
        runs.append(_read_on(plan, known, order, full_on if escalate else None))
    total = sum(bool(one.disagreement) for one in cohort)
    return Simulation(tuple(runs), len(rows), total)


def _read_on(
    plan: sampling.Plan,
    known: Mapping[str, str | None],
    shuffle: sampling.Shuffle,
    full_on: int | None,
) -> Run:
    """The first draw and, if `full_on` is given, every extension that it sets off."""
    drawn = [pick.key for pick in plan.picks]
    own = Counter(_assessor(pick) for pick in plan.random)
    extended: set[str] = set()
    in_full: set[str] = set()
    waiting = list(plan.picks) if full_on is not None else []
    found: Counter[str] = Counter()
    while waiting:
        grave: set[str] = set()
        for pick in waiting:
            if said := known[pick.key]:
                found[_assessor(pick)] += 1
                if said == BOUNDARY or found[_assessor(pick)] >= (full_on or 0):
                    grave.add(_assessor(pick))
        waiting = []
        for assessor in sorted(found):
            if assessor in grave and assessor not in in_full:
                in_full.add(assessor)
                count = len(plan.frame)
            elif assessor not in in_full and assessor not in extended:
                extended.add(assessor)
                count = own[assessor]
            else:
                continue
            more = sampling.extend(plan.frame, drawn, assessor, count, shuffle)
            waiting += more
            drawn += [pick.key for pick in more]
    return Run(
        drawn=tuple(drawn),
        met=sum(bool(known[key]) for key in drawn),
        unknown=sum(known[key] is None for key in drawn),
        in_full=frozenset(in_full),
    )


def _assessor(pick: sampling.Pick) -> str:
    return pick.stratum.rsplit("|", 1)[0]
