"""What the figures of agreement say, as charts whose titles state it. Pure.

The rubric comes first: where many differ on one criterion, the criterion may be unclear. People come second,
by name for those who may see them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.wording import percent
from moderation import charts

Figures = Mapping[str, Any]
GOOD = 0.8
"""Share of same levels below which a criterion is named (domain 2.6: grade-level agreement)."""

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
    if len(same) < 2:
        title = "A trend shows once rounds were closed in two months"
    else:
        change = 100 * (same[-1] - same[0])
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
        "A month with few items moves by chance; the table of deliveries shows how many there were.",
        x_title="Month",
        y_title="Share",
        x_labels=list(rows),
        series=[
            ("Same level", same),
            ("Same side of the pass boundary", [one["pass_fail"] for one in rows.values()]),
        ],
        ends=(0, 1),
        ticks=(0, 0.25, 0.5, 0.75, 1),
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
    made = []
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
        made.append({"code": code, "name": names.get(code, code), "labels": labels, "lines": lines})
    return made
