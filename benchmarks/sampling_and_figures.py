"""Draw, agreement and severity at size, without a database: CPU, wall time and memory beside their goals.

Each runs in a process of its own, so that the memory is its own. The draw stands beside one SHA-256 for each
decision, which any draw of this kind has to make.
"""

import hashlib
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as config sets it for every process

DECISIONS = int(os.environ.get("BENCH_DECISIONS", "100000"))
SUBMISSIONS = int(os.environ.get("BENCH_SUBMISSIONS", "10000"))

Figure = tuple[str, float, float, float, str]


def measure(name: str, operation: Callable[[], object], goal: str, least: int = 3) -> Figure:
    """Mean CPU and best wall milliseconds of one operation, and the most memory the process has held."""
    operation()
    own, walls = time.process_time(), []
    for _each in range(least):
        began = time.perf_counter()
        operation()
        walls.append(time.perf_counter() - began)
    cpu = (time.process_time() - own) / least
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return name, cpu * 1000, min(walls) * 1000, memory, goal


def hashes() -> Figure:
    keys = [f"{number:032x}" for number in range(DECISIONS)]
    return measure(
        f"SHA-256 of {DECISIONS:,} keys",
        lambda: [hashlib.sha256(key.encode()).hexdigest() for key in keys],
        "",
    )


def draw() -> Figure:
    from moderation import sampling

    rows = [
        sampling.Row(
            f"{number:032x}",
            f"{number + 7:032x}",
            f"assessor-{number % 50:02}",
            "NAME"[number * 7 % 4],
            (sampling.FAIL,) if number % 11 == 0 else (),
        )
        for number in range(DECISIONS)
    ]
    return measure(
        f"draw from {DECISIONS:,} decisions, hash included",
        lambda: sampling.draw(rows, sampling.Rules(), "5eed"),
        "≤ 1 s",
    )


def agreement() -> Figure:
    import numpy as np

    from moderation.statistics import Pair, agreement_by_group, agreement_of

    rng = np.random.default_rng(1)
    theirs = rng.integers(0, 4, SUBMISSIONS)
    ours = np.clip(theirs + rng.choice([-1, 0, 0, 0, 1], SUBMISSIONS), 0, 3)
    pairs = [
        Pair(str(n // 6), f"C{n % 6}", int(one), int(other), one > 0, other > 0, 4)
        for n, (one, other) in enumerate(zip(theirs, ours, strict=True))
    ]

    def page() -> None:
        agreement_of(pairs)
        agreement_by_group(pairs)

    return measure(
        f"agreement of {SUBMISSIONS:,} judgements, in all and by criterion", page, "≤ 300 ms CPU"
    )


def severity() -> Figure:
    import numpy as np

    from moderation import judgements, severity

    rng = np.random.default_rng(1)
    theta, raters = rng.normal(0.5, 1.5, SUBMISSIONS), rng.normal(0, 0.6, 50)
    criteria, thresholds = rng.normal(0, 0.7, 6), np.array([-1.5, 0.0, 1.5])
    reads = [rng.choice(50, 2 if n % 5 == 0 else 1, replace=False) for n in range(SUBMISSIONS)]
    person = np.repeat(np.arange(SUBMISSIONS), [6 * len(one) for one in reads])
    rater = np.repeat(np.concatenate(reads), 6)
    criterion = np.tile(np.arange(6), len(rater) // 6)
    away = (theta[person] - raters[rater] - criteria[criterion])[:, None] - thresholds
    chance = np.exp(np.cumsum(np.column_stack([np.zeros(len(away)), away]), axis=1))
    chance /= chance.sum(axis=1, keepdims=True)
    category = (rng.random(len(away))[:, None] > chance.cumsum(axis=1)).sum(axis=1)
    data = judgements.make(
        [f"{one:05}" for one in person],
        [[f"r{one:02}" for one in rater], [f"c{one}" for one in criterion]],
        ["rater", "criterion"],
        category.tolist(),
    )
    return measure(
        f"severity, {SUBMISSIONS:,} submissions × 6 criteria × 50 assessors",
        lambda: severity.fit(data),
        "≤ 10 s, ≤ 1 GB",
        least=1,
    )


def main() -> None:
    print(f"  {'operation':<62}{'CPU ms':>9}{'wall ms':>9}{'MB':>7}  goal")
    for operation in (hashes, draw, agreement, severity):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            name, cpu, wall, memory, goal = pool.submit(operation).result()
        print(f"  {name:<62}{cpu:>9.0f}{wall:>9.0f}{memory:>7.0f}  {goal}")


if __name__ == "__main__":
    main()
