"""What another plan would have drawn from a set that was moderated, and met of what is known. Pure.

What is known are the disagreements among the decisions that were read; errors that nobody read cannot be
replayed. Chances are exact: within a stratum the draw is a simple random sample.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from moderation import assurance, sampling, verification


@dataclass(frozen=True)
class Replay:
    """Workload and detections of one plan on one population.

    `known` disagreements are in the set; `certain` of them lie in targeted strata, `expected` are met on
    average, and with probability `any_met` at least one is. `minutes` is what reading would take.
    """

    size: int
    targeted: int
    random: int
    frame: int
    known: int
    certain: int
    expected: float
    any_met: float
    minutes: int

    @property
    def read(self) -> int:
        return self.targeted + self.random

    @property
    def hours(self) -> float:
        return self.minutes / 60


def replay(
    text: str, policy: Mapping[str, Any], seed: str, disagreements: Collection[str]
) -> Replay:
    """Put a population, by its file, through a policy. `disagreements` are codes of work.

    Flags stand as they were found then; the policy's switches and sizes are what is tried.
    """
    rows = verification.rows_under(text, policy)
    plan = sampling.draw(
        rows, verification.sampling_rules(policy), seed, verification.size_rule(policy)
    )
    targeted = {pick.key for pick in plan.targeted}
    known = [row for row in rows if row.key in set(disagreements)]
    certain = sum(row.key in targeted for row in known)
    sizes = Counter(row.stratum for row in plan.frame)
    drawn = Counter(pick.stratum for pick in plan.random)
    wrong = Counter(row.stratum for row in known if row.key not in targeted)
    missed = 1.0
    expected = float(certain)
    for stratum, count in wrong.items():
        missed *= 1 - assurance.detection_probability(sizes[stratum], count, drawn[stratum])
        expected += count * drawn[stratum] / sizes[stratum]
    read = len(plan.picks)
    return Replay(
        size=len(rows),
        targeted=len(targeted),
        random=len(plan.random),
        frame=len(plan.frame),
        known=len(known),
        certain=certain,
        expected=expected,
        any_met=1.0 if certain else 1 - missed,
        minutes=read * int(policy.get("moderation.minutes_per_item", 0)),
    )
