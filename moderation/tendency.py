"""Severity of people over closed rounds, and how their reading moves: what is stored, and its charts. Pure.

Assessors and moderators are raters alike in one many-facet model of a task, linked by the work that both read
blind. It steers sampling and private feedback. It never changes a mark.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from accounts.wording import percent
from moderation import charts, drift, judgements, ranking
from moderation.estimates import np
from moderation.ratingscale import chances
from moderation.severity import Fit, fit

Store = Mapping[str, Any]
Figures = Mapping[str, Any]

APART = 0.5
"""Levels from which a severity stands out (domain 2.8: mean signed difference within half a level)."""

LEAST_READS = 10
"""Shared pieces of work from which a person's readings are put on a chart of their own."""

LEAST_FOR_SD = 20
"""Pieces of work of everybody together from which their spread is known well enough for limits."""

NEWEST = 60
"""Pieces of work on a person's charts, the newest; limits and sums come from all of them."""

LIMITS = ("Upper limit", "Lower limit", "Limit")

TALL = 30.0
"""Height of sums from which their limit is too near to 0 to be labelled."""

RATER, CRITERION = "rater", "criterion"


def judgements_of(stores: Sequence[Store]) -> judgements.Judgements | None:
    """Both readings of each piece of work that was read blind, as a many-facet model takes them.

    Work that one person alone has judged is left out: it would compare people by whom they happened to be
    given. A round that was read sighted is left out too: its second reading is not independent.
    """
    persons: list[str] = []
    raters: list[str] = []
    criteria: list[str] = []
    categories: list[int] = []
    for number, store in enumerate(stores):
        if not store["blind"]:
            continue
        for item, criterion, assessor, one, other, _met, _other_met in store["rows"]:
            moderator = store["moderators"][store["readings"][item][0]]
            for rater, category in ((store["assessors"][assessor], one), (moderator, other)):
                persons.append(f"{number}|{item}")
                raters.append(rater)
                criteria.append(store["criteria"][criterion])
                categories.append(category)
    if not persons:
        return None
    return judgements.make(persons, [raters, criteria], [RATER, CRITERION], categories)


def figures_of(stores: Sequence[Store]) -> dict[str, Any]:
    """What is kept of a task: severities or why there are none, and each person's readings in time order."""
    data = judgements_of(stores)
    found: dict[str, Any] = {
        "shared": len(data.persons) if data else 0,
        "refused": None,
        "people": {},
        "separation": None,
        "left_out": [],
        "readings": readings_of(stores),
        "rounds": [
            disagreements_of(store) for store in stores if store["blind"] and store["items"]
        ],
    }
    if data is None:
        return found | {"refused": {"why": "nothing"}}
    try:
        made = fit(data)
    except judgements.Incomparable as error:
        groups = judgements.parts(data)
        why = (
            {"why": "parts", "groups": groups}
            if len(groups) > 1
            else {"why": "words", "words": str(error)}
        )
        return found | {"refused": why}
    except ArithmeticError as error:
        return found | {"refused": {"why": "words", "words": str(error)}}
    slope = levels_per_logit(made)
    return found | {
        "left_out": made.left_out.get(RATER, []),
        "separation": ranking.separation_of(made).as_json(),
        "people": {
            one.name: one.as_json() | {"levels": one.shrunk * slope}
            for one in ranking.levels_of(made)
        },
    }


def levels_per_logit(made: Fit) -> float:
    """How many levels one logit is worth on average: the mean slope of what the model expects.

    Over the cells as often as they were judged, and over the estimated population of work.
    """
    nodes = np.linspace(-3, 3, 31)
    weight = np.exp(-(nodes**2) / 2)
    weight /= weight.sum()
    places = made.mean + (made.sd or 0.0) * nodes
    burden = made.design.membership @ made.effects
    found = chances(places[None, :] - burden[:, None], made.thresholds)
    counts = np.bincount(made.design.cell, minlength=len(burden))
    return float(counts / counts.sum() @ (found.variance @ weight))


def disagreements_of(store: Store) -> dict[str, Any]:
    """How many pieces of work of a round were read, on how many a level differed, and who judged them."""
    differing = {row[0] for row in store["rows"] if row[3] != row[4]}
    return {
        "round": store["round"],
        "label": store["label"],
        "found": len(differing),
        "read": store["items"],
        "people": sorted({*store["assessors"], *store["moderators"]}),
    }


def readings_of(stores: Sequence[Store]) -> dict[str, dict[str, list[list[Any]]]]:
    """For each person as assessor and as moderator: day and mean signed difference of each piece of work.

    The difference is the person's level less the other's, so that above 0 is more generous; over the
    criteria of one piece of work it is averaged, because they depend on each other. Days are those on which
    the person read.
    """
    found: dict[str, dict[str, list[list[Any]]]] = {"assessor": {}, "moderator": {}}
    for store in stores:
        if not store["blind"]:
            continue
        own: dict[int, list[int]] = {}
        of: dict[int, int] = {}
        for item, _criterion, assessor, one, other, _met, _other_met in store["rows"]:
            own.setdefault(item, []).append(one - other)
            of[item] = assessor
        for item, differences in own.items():
            moderator, decided, read = store["readings"][item]
            mean = round(fmean(differences), 4)
            by_assessor = found["assessor"].setdefault(store["assessors"][of[item]], [])
            by_assessor.append([decided, mean])
            by_moderator = found["moderator"].setdefault(store["moderators"][moderator], [])
            by_moderator.append([read, -mean])
    for part in found.values():
        for rows in part.values():
            rows.sort()
    return found


@dataclass(frozen=True)
class Movement:
    """A person's readings on charts. `signal` is "" or which way they lie, generous or strict."""

    ewma: charts.Chart
    cusum: charts.Chart
    signal: str


def spread_of(figures: Figures) -> float | None:
    """Standard deviation of one difference, pooled within people; None where too little is known."""
    rows = [[value for _day, value in own] for own in figures["readings"]["assessor"].values()]
    squares = freedom = 0.0
    for own in rows:
        if len(own) > 1:
            mean = fmean(own)
            squares += sum((one - mean) ** 2 for one in own)
            freedom += len(own) - 1
    if sum(map(len, rows)) < LEAST_FOR_SD or not squares or not freedom:
        return None
    return float((squares / freedom) ** 0.5)


def signal_of(rows: Sequence[Sequence[Any]], sd: float) -> str:
    """Which way the newest of somebody's readings lie beyond the limits: generous, strict, or "" for neither."""
    values = [value for _day, value in rows]
    if len(values) < LEAST_READS:
        return ""
    average, sums = drift.ewma(values, sd=sd)[-1], drift.cusum(values, sd=sd)[-1]
    if average.value > average.high or sums.high > drift.DECISION:
        return "generous"
    if average.value < average.low or sums.low > drift.DECISION:
        return "strict"
    return ""


def movement_of(
    figures: Figures, person: str, part: str, name: str, *, key: str = ""
) -> Movement | None:
    """The two charts of a person as assessor or as moderator; None where too little was read."""
    rows = figures["readings"][part].get(person, [])
    sd = spread_of(figures)
    if len(rows) < LEAST_READS or sd is None:
        return None
    numbers = [str(number) for number in range(1, len(rows) + 1)][-NEWEST:]
    days = [f"{one}: {day}" for one, (day, _value) in zip(numbers, rows[-NEWEST:], strict=True)]
    values = [value for _day, value in rows]
    signal = signal_of(rows, sd)
    moved = {
        "": f"{name}: no lasting move away from the others",
        "generous": f"{name}: higher levels than the others, for some time now",
        "strict": f"{name}: lower levels than the others, for some time now",
    }[signal]
    others = "moderators" if part == "assessor" else "assessors"
    averages, sums = drift.ewma(values, sd=sd)[-NEWEST:], drift.cusum(values, sd=sd)[-NEWEST:]
    reach = max(1.0, *(abs(one.value) for one in averages), *(one.high for one in averages))
    top = float(max(6, *(int(max(one.high, one.low)) + 1 for one in sums)))
    return Movement(
        charts.lines(
            f"moving-{part}{key}",
            moved,
            f"A moving mean of the difference from {others} of the same work, in levels; above 0 is more "
            "generous. Between the limits chance explains it; outside them it is a reason to talk.",
            x_title="Piece of work",
            y_title="Levels",
            x_labels=days,
            series=[
                ("Moving mean", [one.value for one in averages]),
                ("Upper limit", [one.high for one in averages]),
                ("Lower limit", [one.low for one in averages]),
            ],
            ends=(-reach, reach),
            ticks=(-reach, 0, reach),
            shown="signed",
            x_short=numbers,
            limits=LIMITS,
        ),
        charts.lines(
            f"sums-{part}{key}",
            f"{name}: differences that add up",
            f"Sums of differences beyond half a standard deviation (of {sd:.2f} levels), for each side. "
            f"A sum above {drift.DECISION:g} tells of a move that goes on.",
            x_title="Piece of work",
            y_title="Sum",
            x_labels=days,
            series=[
                ("More generous", [one.high for one in sums]),
                ("Stricter", [one.low for one in sums]),
                ("Limit", [drift.DECISION] * len(sums)),
            ],
            ends=(0, top),
            ticks=(0, drift.DECISION) if top < TALL else (0, top),
            shown="number",
            x_short=numbers,
            limits=LIMITS,
        ),
        signal,
    )


def stands_out(one: Figures, least: float = APART) -> bool:
    """A severity that is known well enough, at least so many levels from the mean, and clearly not 0."""
    clear = one["low"] > 0 or one["high"] < 0
    return bool(one["shown"] and clear and abs(one["levels"]) >= least)


def to_read(figures: Figures, least: float) -> frozenset[str]:
    """Assessors whose work a plan may read in full: they stand out, or have moved away and not come back."""
    sd = spread_of(figures)
    moved = {
        person
        for person, rows in figures["readings"]["assessor"].items()
        if sd is not None and signal_of(rows, sd)
    }
    return frozenset(
        moved | {key for key, one in figures["people"].items() if stands_out(one, least)}
    )


def severity_chart(people: Iterable[tuple[str, Figures]]) -> charts.Chart:
    """A dot for each person by name, most severe first; only those whose figures may be shown."""
    rows = [(name, one) for name, one in people if one["shown"]]
    far = [name for name, one in rows if stands_out(one)]
    if len(rows) < 2:
        title = "Too few people have enough shared readings to compare"
    elif far:
        stand = "stands" if len(far) == 1 else "stand"
        title = f"{len(far)} of {len(rows)} people {stand} half a level or more from the mean"
    else:
        farthest = max(abs(one["effect"]) for _name, one in rows)
        title = f"Nobody stands half a level or more from the mean; the farthest {farthest:.2f}"
    reach = max([2.0, *(abs(end) for _name, one in rows for end in (one["low"], one["high"]))])
    whole = float(int(reach) + (reach > int(reach)))
    return charts.intervals(
        "severity",
        title,
        "Severity in logits, with 95\u00a0% intervals; right of 0 is stricter than the mean of all, and how hard "
        "the work and the criteria were is taken into account. Where intervals overlap widely, "
        "chance explains the difference.",
        [
            charts.Estimate(name, one["effect"], one["low"], one["high"], one["shared"])
            for name, one in rows
        ],
        of="Person",
        measure="Severity",
        ends=(-whole, whole),
        ticks=(-whole, -whole / 2, 0, whole / 2, whole),
        shown="signed",
        reference=(0, "the mean of all"),
        counted="Shared pieces of work",
    )


def rounds_chart(rounds: Sequence[Figures]) -> charts.Chart | None:
    """Share of pieces with a differing level in each closed round, on a p-chart, exact where counts are small."""
    if len(rounds) < 2:
        return None
    counts = [(one["found"], one["read"]) for one in rounds]
    centre = sum(found for found, _read in counts) / sum(read for _found, read in counts)
    small = any(read * min(centre, 1 - centre) < 5 for _found, read in counts)
    made = drift.exact_chart(counts) if small else drift.p_chart(counts)
    out = [rounds[place]["label"] for place, one in enumerate(made.points) if one.signal]
    limits = "exact binomial limits" if small else "limits three standard deviations away"
    return charts.lines(
        "rounds",
        f"{', '.join(out)}: another share of differing levels than the other rounds"
        if out
        else "No round stands out by its share of differing levels",
        f"The share of pieces on which at least one level differed, about {percent(made.centre)} in all, "
        f"with {limits}. A round outside them is a reason to look at its task and its people.",
        x_title="Round",
        y_title="Share",
        x_labels=[one["label"] for one in rounds],
        series=[
            ("Differing", [one.share for one in made.points]),
            ("Upper limit", [one.high for one in made.points]),
            ("Lower limit", [one.low for one in made.points]),
        ],
        ends=(0, 1),
        ticks=(0, 0.25, 0.5, 0.75, 1),
        x_short=[str(number) for number in range(1, len(rounds) + 1)],
        limits=LIMITS,
    )


def in_words(one: Figures | None) -> str:
    """What a severity says about somebody, for themselves."""
    if one is None:
        return (
            "Nothing that you read was read by somebody else too, so there is nothing to compare."
        )
    if not one["shown"]:
        return (
            f"{one['shared']} pieces of work that you read were read by somebody else too. From "
            f"{ranking.SHOWN_FROM} on there are figures."
        )
    size = abs(one["levels"])
    if one["low"] <= 0 <= one["high"]:
        return (
            f"On {one['shared']} shared pieces of work your levels lie no further from the others' than "
            "chance explains."
        )
    word = "lower" if one["levels"] > 0 else "higher"
    return (
        f"On {one['shared']} shared pieces of work your levels were about {size:.1f} of a level {word} than "
        "the others', more than chance explains. How hard the work and the criteria were is taken into account."
    )
