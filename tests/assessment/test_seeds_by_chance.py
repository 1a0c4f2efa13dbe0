"""How many seeds come, and when, over many cohorts: by the rule itself, on arrivals that are made up here.

Nothing of a moment tells a seed: it is one at which live work of the task came in, and which one follows from
nothing that an assessor sees.
"""

import itertools
import random
import uuid
from bisect import bisect
from types import SimpleNamespace

from scipy import stats

from assessment.actions.seeding import ONE_IN
from assessment.selectors.seeds import wanted

DAY = 24 * 3600
PERCENT = 5
MARKERS = 4


def arrivals(drawn, number):
    """Submissions of a cohort in seconds: by day, by fits and starts, and half of them on the last two days."""
    found = []
    while len(found) < number:
        day = drawn.randrange(10, 12) if drawn.random() < 0.5 else drawn.randrange(12)
        moment = day * DAY + drawn.gauss(16, 4) * 3600
        found += [moment + drawn.expovariate(1 / 900) for _ in range(drawn.randrange(1, 4))]
    return sorted(found[:number])


def cohort(drawn, number=160):
    """By assessor, (moment, whether it is a seed); each live piece goes to one of those who have least."""
    plan = SimpleNamespace(percent=PERCENT, chance=str(drawn.random()))
    people = [SimpleNamespace(pk=uuid.UUID(int=drawn.getrandbits(128))) for _ in range(MARKERS)]
    queues = [[] for _ in people]
    live, placed = [0] * MARKERS, [0] * MARKERS
    for moment in arrivals(drawn, number):
        least = min(live)
        has_it = drawn.choice([one for one in range(MARKERS) if live[one] == least])
        live[has_it] += 1
        queues[has_it].append((moment, False))
        for one, person in enumerate(people):
            brings = one != has_it and drawn.random() < 1 / ONE_IN
            if brings and placed[one] < wanted(plan, person, live[one]):
                placed[one] += 1
                queues[one].append((moment, True))
    return queues


def test_over_many_cohorts_the_share_is_kept_and_no_moment_tells():
    drawn = random.Random(41)
    queues = [queue for _ in range(60) for queue in cohort(drawn)]
    seeds = sum(is_seed for queue in queues for _at, is_seed in queue)
    live = sum(not is_seed for queue in queues for _at, is_seed in queue)
    assert abs(seeds / live - PERCENT / 100) < 0.004
    for queue in queues:
        number = sum(is_seed for _at, is_seed in queue)
        assert abs(number - PERCENT / 100 * (len(queue) - number)) <= 1.5
    for of_day in (True, False):
        moments = {
            kind: [
                at % DAY if of_day else at for q in queues for at, is_seed in q if is_seed is kind
            ]
            for kind in (True, False)
        }
        assert stats.ks_2samp(moments[True], moments[False]).pvalue > 0.01
    # Any additional piece lies nearer to its neighbours than the others do: one at a moment that is drawn
    # evenly from all others' arrivals comes to 0.61.
    assert guessed(queues) < 0.7


def guessed(queues):
    """How well the distance to the piece before tells seeds: the area under the curve, 0.5 for not at all."""
    gaps = {True: [], False: []}
    for queue in queues:
        for (before, _was), (at, is_seed) in itertools.pairwise(queue):
            gaps[is_seed].append(at - before)
    ordered = sorted(gaps[False])
    smaller = sum(bisect(ordered, one) for one in gaps[True]) / len(ordered) / len(gaps[True])
    return max(smaller, 1 - smaller)


def test_the_place_in_a_run_is_any_and_follows_from_no_other():
    run = 100 // PERCENT
    places, steps = [], []
    for number in range(150):
        plan = SimpleNamespace(percent=PERCENT, chance=f"chance {number}")
        person = SimpleNamespace(pk=uuid.UUID(int=number))
        counts = [wanted(plan, person, live) for live in range(4 * run + 1)]
        assert all(after - before in (0, 1) for before, after in itertools.pairwise(counts))
        came = [live for live, count in enumerate(counts) if live and count > counts[live - 1]]
        places += [(one - 1) % run for one in came]
        steps += [after - before for before, after in itertools.pairwise(came)]
    assert stats.chisquare([places.count(one) for one in range(run)]).pvalue > 0.01
    assert min(steps) < run / 2
    assert max(steps) > 1.5 * run
