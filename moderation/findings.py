"""What the figures of agreement say, as charts whose titles state it. Pure.

The rubric comes first: where many differ on one criterion, the criterion may be unclear. People come second,
by name for those who may see them.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from accounts.wording import percent
from catalogue.tables import guarded
from moderation import assurance, charts
from moderation.sequential import Sequential

Figures = Mapping[str, Any]
GOOD = 0.8
"""Share of same levels below which a criterion is named (domain 2.6: grade-level agreement)."""

LEVELS_HEAD = "Assessor down, moderator across"

STEPS = 12
"""Places at which an operating characteristic is drawn."""

MOST_READINGS = 500
"""Readings through which a sequential plan is followed."""

LARGE_BIAS = 0.5
"""Mean difference in levels from which a tendency is named (domain 2.8)."""


def estimate(label: str, figures: Figures, measure: str = "exact") -> charts.Estimate:
    """One measure with its interval, for a plot."""
    low, high = figures["intervals"].get(measure, (None, None))
    return charts.Estimate(label, figures[measure], low, high, figures["items"])


def by_criterion(
    figures: Figures, names: Mapping[str, str], *, whose: str = "assessors"
) -> charts.Chart:
    """Same level for each criterion. Names the lowest where it is clearly below what is good."""
    rows = figures["by_criterion"]
    least = figures["min_items"]
    enough = {code: one for code, one in rows.items() if one["items"] >= least}
    title = "No criterion stands out"
    if not enough:
        title = "Too few items have been read twice to say which criterion is unclear"
        seen = max((one["items"] for one in rows.values()), default=0)
        said = f"{seen} items have been read twice; figures are judged from {least} on."
    else:
        code, worst = min(enough.items(), key=lambda pair: (pair[1]["exact"], pair[0]))
        if worst["exact"] < GOOD:
            title = f"Criterion {names.get(code, code)} may be unclear"
        said = (
            f"Moderators and {whose} gave the same level on {percent(worst['exact'])} of the items for "
            f"{code}, the lowest."
        )
    overall = figures["all"]["exact"] if figures["all"] else 0.0
    return charts.intervals(
        "criteria",
        title,
        f"{said} Over all criteria it was {percent(overall)}.",
        [estimate(code, one) for code, one in rows.items()],
        of="Criterion",
        measure="Same level",
        ends=(0, 1),
        ticks=(0, 0.25, 0.5, 0.75, 1),
        reference=(GOOD, f"{percent(GOOD)}, what is commonly asked for"),
    )


def bias_by_criterion(figures: Figures, names: Mapping[str, str]) -> charts.Chart:
    """Signed difference for each criterion: above 0 the assessors were more generous."""
    rows = figures["by_criterion"]
    title = "No criterion is read more generously or more strictly than the others"
    far = [
        (code, one)
        for code, one in rows.items()
        if one["items"] >= figures["min_items"] and abs(one["bias"]) >= LARGE_BIAS
    ]
    if far:
        code, one = max(far, key=lambda pair: abs(pair[1]["bias"]))
        word = "generously" if one["bias"] > 0 else "strictly"
        title = f"Criterion {names.get(code, code)} is read more {word} by assessors"
    return charts.intervals(
        "bias",
        title,
        "The mean difference is assessor minus moderator, in levels. "
        "Above 0 assessors gave higher levels than moderators.",
        [estimate(code, one, "bias") for code, one in rows.items()],
        of="Criterion",
        measure="Bias in levels",
        ends=(-2, 2),
        ticks=(-2, -1, 0, 1, 2),
        shown="signed",
        reference=(0, "no difference"),
    )


def by_delivery(figures: Figures) -> charts.Chart:
    """Same level for each delivery."""
    rows = figures["by_delivery"]
    enough = [one for one in rows.values() if one["items"] >= figures["min_items"]]
    title = "Too few items have been read twice to compare deliveries"
    if len(enough) == 1 == len(rows):
        title = "There is one delivery so far"
    elif len(enough) > 1:
        apart = max(one["exact"] for one in enough) - min(one["exact"] for one in enough)
        title = f"Deliveries lie {100 * apart:.0f} percentage points apart"
    return charts.intervals(
        "deliveries",
        title,
        "Each dot is one delivery's share of same levels. Where intervals overlap widely, "
        "chance explains the difference.",
        [estimate(name, one) for name, one in rows.items()],
        of="Delivery",
        measure="Same level",
        ends=(0, 1),
        ticks=(0, 0.25, 0.5, 0.75, 1),
    )


def over_time(figures: Figures) -> charts.Chart:
    """Same level and same side of the pass boundary, by the month in which rounds were closed."""
    rows = dict(sorted(figures["by_month"].items()))
    same = [one["exact"] for one in rows.values()]
    enough = [one["exact"] for one in rows.values() if one["items"] >= figures["min_items"]]
    if len(rows) < 2:
        title = "A trend shows once rounds were closed in two months"
    elif len(enough) < 2:
        title = "Too few items have been read twice in a month to speak of a trend"
    else:
        change = 100 * (enough[-1] - enough[0])
        if abs(change) < 5:
            title = "Agreement has stayed about the same"
        else:
            title = (
                f"Agreement has {'risen' if change > 0 else 'fallen'} by {abs(change):.0f} points"
            )
    return charts.lines(
        "trend",
        title,
        "The months are those in which rounds were closed. "
        f"A month with few items moves by chance; the title speaks of those with {figures['min_items']} or more.",
        x_title="Month",
        y_title="Share",
        x_labels=[
            f"{month}: {one['items']} item{'' if one['items'] == 1 else 's'}"
            for month, one in rows.items()
        ],
        x_short=list(rows),
        series=[
            ("Same level", same),
            ("Same side of the pass boundary", [one["pass_fail"] for one in rows.values()]),
        ],
        ends=(0, 1),
        ticks=(0, 0.25, 0.5, 0.75, 1),
    )


def detection(frame: int, read: int, share: float, *, where: str = "") -> charts.Chart:
    """The operating characteristic: the chance to meet at least one error, by how many there are.

    `share` is the share of wrong decisions that the title speaks of. `where` names a round that was read; without
    it the reading lies ahead.
    """
    most = max(1, min(frame, frame // 3))
    counts = sorted({max(1, round(most * step / STEPS)) for step in range(1, STEPS + 1)})
    chances = [assurance.detection_probability(frame, wrong, read) for wrong in counts]
    wrong = max(1, ceil(frame * assurance.exact(share)))
    at_star = percent(assurance.detection_probability(frame, wrong, read))
    title = (
        f"{where}: reading {read} of {frame} would have met at least one error with a chance of {at_star} "
        f"if {percent(share)} had been wrong"
        if where
        else f"Reading {read} of {frame} meets at least one error with a chance of {at_star} "
        f"if {percent(share)} are wrong"
    )
    return charts.lines(
        "detection",
        title,
        f"{wrong} of the {frame} decisions in the random frame would then be judged differently. "
        "The more are wrong, the surer one of them is read.",
        x_title="Wrong decisions in the frame",
        y_title="Chance to meet one",
        x_labels=[str(one) for one in counts],
        series=[("Chance to meet at least one", chances)],
        ends=(0, 1),
        ticks=(0, 0.25, 0.5, 0.75, 1),
    )


def step_by_step(test: Sequential, frame: int) -> charts.Chart:
    """The operating characteristic of a sequential plan: what becomes of a set, by the share that is wrong.

    Followed through the frame, MOST_READINGS at most; what is still in doubt then is neither.
    """
    upto = min(frame, MOST_READINGS)
    shares = [2 * test.p2 * step / STEPS for step in range(STEPS + 1)]
    found = [test.operating(one, upto) for one in shares]
    good, bad = test.operating(test.p1, upto), test.operating(test.p2, upto)
    return charts.lines(
        "steps",
        f"Step by step a set with {percent(test.p1, 1)} wrong is accepted with a chance of "
        f"{percent(good.accept)}, one with {percent(test.p2, 1)} with a chance of {percent(bad.accept)}",
        f"Of at most {upto} readings about {good.readings:.0f} are needed where {percent(test.p1, 1)} are wrong, "
        f"and {bad.readings:.0f} where {percent(test.p2, 1)} are. What is neither accepted nor refused is in doubt.",
        x_title="Share of wrong decisions",
        y_title="Chance",
        x_labels=[percent(one, 1) for one in shares],
        series=[
            ("Accepted", [one.accept for one in found]),
            ("Not accepted", [one.reject for one in found]),
        ],
        ends=(0, 1),
        ticks=(0, 0.25, 0.5, 0.75, 1),
        x_short=[percent(one) for one in shares],
    )


def by_assessor(figures: Figures, names: Mapping[str, str]) -> charts.Chart:
    """Signed difference for each assessor, for the lead's eyes."""
    rows = figures["by_assessor"]
    enough = [one for one in rows.values() if one["items"] >= figures["min_items"]]
    far = [one for one in enough if abs(one["bias"]) >= LARGE_BIAS]
    if not enough:
        title = "Too few items have been read twice to say anything about a person"
    elif far:
        title = (
            f"{len(far)} of {len(enough)} assessors lie half a level or more from the moderators"
        )
    else:
        farthest = max(abs(one["bias"]) for one in enough)
        title = f"No assessor lies half a level or more from the moderators; the farthest {farthest:.2f}"
    return charts.intervals(
        "assessors",
        title,
        "Above 0 a person gave higher levels than the moderators of the same work. "
        "Look at the criteria first: an unclear criterion makes careful people differ.",
        [estimate(names.get(key, "Somebody"), one, "bias") for key, one in rows.items()],
        of="Assessor",
        measure="Bias in levels",
        ends=(-2, 2),
        ticks=(-2, -1, 0, 1, 2),
        shown="signed",
        reference=(0, "no difference"),
    )


def level_tables(figures: Figures, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """For each criterion how often which level met which: assessor down, moderator across.

    `tint` is 0 to 4 by the share of the row; the number stands in every cell, so the tint says nothing new.
    """
    made: list[dict[str, Any]] = []
    for code, table in figures["tables"].items():
        labels: Sequence[str] = figures["labels"].get(code) or [str(n) for n in range(len(table))]
        lines = [
            {
                "label": labels[place] if place < len(labels) else str(place),
                "cells": [
                    {
                        "count": count,
                        "tint": -(-4 * count // sum(row)) if count else 0,
                        "same": place == column,
                    }
                    for column, count in enumerate(row)
                ],
            }
            for place, row in enumerate(table)
        ]
        made.append(
            {
                "key": f"levels-{len(made) + 1}",
                "code": code,
                "name": names.get(code, code),
                "labels": labels,
                "lines": lines,
            }
        )
    return made


def level_table_csv(table: Mapping[str, Any]) -> str:
    """One of the level-by-level tables as a file: the same rows and columns as on the page."""
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\n")
    out.writerow([LEVELS_HEAD, *map(guarded, table["labels"])])
    for line in table["lines"]:
        out.writerow([guarded(line["label"]), *(cell["count"] for cell in line["cells"])])
    return text.getvalue()
