"""What a fitted model says about each rater and about all of them, for pages and reports. Pure."""

from dataclasses import dataclass
from math import isnan, sqrt
from typing import Any

from moderation.distributions import chi2_tail, normal_quantile
from moderation.estimates import Codes, Numbers, np
from moderation.judgements import Judgements
from moderation.ratingscale import chances
from moderation.severity import Fit

SHOWN_FROM = 30
"""Pieces of work shared with other raters from which on a person's severity is shown (docs/statistics.md)."""


@dataclass(frozen=True)
class Level:
    """One level of a facet: for the facet rater a person.

    `effect` in logits, positive where severe or hard, with error and 95 % interval; `error_alone` as `Fit.alone`
    has it, None for the last level; `shrunk` is drawn
    towards the mean of zero as far as the error asks for. `judgements` counts categories given, `persons`
    pieces of work, `shared` those that another rater has judged too. Below SHOWN_FROM of these `shown` is
    False, and the figures are for sampling only. Infit and outfit are 1 where the model holds, above 1 with
    surprises, below 1 where judgements vary too little.
    """

    name: str
    effect: float
    error: float
    error_alone: float | None
    low: float
    high: float
    shrunk: float
    infit: float
    outfit: float
    judgements: int
    persons: int
    shared: int
    shown: bool

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Separation:
    """How well the levels of a facet are told apart: Wright and Masters 1982.

    `rmse` is the root of the mean squared error; `separation` G the true spread over it, `strata` (4G + 1)/3,
    `reliability` true over observed variance. `chi2` tests that all levels are equal.
    """

    rmse: float
    separation: float
    strata: float
    reliability: float
    chi2: float
    freedom: int
    p: float

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def levels_of(fit: Fit, number: int = 0) -> list[Level]:
    """The levels of one facet, most severe first. 0 is the rater."""
    start = fit.design.starts[number]
    size = fit.design.sizes[number]
    effects, errors = fit.effects[start : start + size], fit.errors[start : start + size]
    spread = max(0.0, float(effects.var() - (errors**2).mean()))
    judgements, persons, shared = counts_of(fit.data, number)
    reach = normal_quantile(0.975)
    made = [
        Level(
            name=name,
            effect=float(effects[place]),
            error=float(errors[place]),
            error_alone=None
            if isnan(fit.alone[start + place])
            else float(fit.alone[start + place]),
            low=float(effects[place] - reach * errors[place]),
            high=float(effects[place] + reach * errors[place]),
            shrunk=float(effects[place] * spread / (spread + errors[place] ** 2)),
            infit=float(fit.infit[start + place]),
            outfit=float(fit.outfit[start + place]),
            judgements=int(judgements[place]),
            persons=int(persons[place]),
            shared=int(shared[place]),
            shown=bool(shared[place] >= SHOWN_FROM),
        )
        for place, name in enumerate(fit.data.facets[number].levels)
    ]
    return sorted(made, key=lambda one: (-one.effect, one.name))


def counts_of(data: Judgements, number: int) -> tuple[Codes, Codes, Codes]:
    """Judgements, persons, and persons judged by two raters or more, of each level of a facet."""
    size = len(data.facets[number].levels)
    raters = np.unique(np.column_stack([data.person, data.places[:, 0]]), axis=0)
    together = np.bincount(raters[:, 0], minlength=len(data.persons)) >= 2
    pairs = np.unique(np.column_stack([data.person, data.places[:, number]]), axis=0)
    return (
        np.bincount(data.places[:, number], minlength=size),
        np.bincount(pairs[:, 1], minlength=size),
        np.bincount(pairs[together[pairs[:, 0]], 1], minlength=size),
    )


def separation_of(fit: Fit, number: int = 0) -> Separation:
    """How well the levels of one facet are told apart; 0 is the rater."""
    start, size = fit.design.starts[number], fit.design.sizes[number]
    effects, errors = fit.effects[start : start + size], fit.errors[start : start + size]
    observed, error = float(effects.var()), float((errors**2).mean())
    true = max(0.0, observed - error)
    g = sqrt(true / error)
    weight = 1 / errors**2
    chi2 = float(weight @ effects**2 - (weight @ effects) ** 2 / weight.sum())
    return Separation(
        rmse=sqrt(error),
        separation=g,
        strata=(4 * g + 1) / 3,
        reliability=true / observed if observed else 0.0,
        chi2=chi2,
        freedom=size - 1,
        p=chi2_tail(chi2, size - 1),
    )


PLACED = 1e-8
MOST_PLACINGS = 200


def places_of(fit: Fit) -> Numbers:
    """Where each person stands, by Warm's weighted likelihood (1989), which is finite for extreme ones too.

    The score is the sum of categories less the expected one, and the third central moment over twice the
    variance. Newton steps with the information, at most one logit long.
    """
    person, cell = fit.data.person, fit.design.cell
    burden = (fit.design.membership @ fit.effects)[cell]
    total: Numbers = np.bincount(person, weights=fit.data.category).astype(float)
    steps = np.arange(fit.design.steps + 1)
    theta = np.zeros(len(total))
    for _each in range(MOST_PLACINGS):
        found = chances(theta[person] - burden, fit.thresholds)
        edge = np.ones((len(person), 1))
        category = np.hstack([edge, found.above]) - np.hstack([found.above, 0 * edge])
        third = (category * (steps - found.expected[:, None]) ** 3).sum(axis=1)
        variance = np.bincount(person, weights=found.variance)
        score: Numbers = total - np.bincount(person, weights=found.expected)
        score = score + np.bincount(person, weights=third) / (2 * variance)
        move = np.clip(score / variance, -1, 1)
        theta = theta + move
        if np.abs(move).max() < PLACED:
            break
    return theta


def explained_variance(fit: Fit) -> float:
    """The share of the variance of all judgements that the model accounts for, persons at `places_of`."""
    burden = (fit.design.membership @ fit.effects)[fit.design.cell]
    expected = chances(places_of(fit)[fit.data.person] - burden, fit.thresholds).expected
    observed = fit.data.category.astype(float)
    return float(1 - (observed - expected).var() / observed.var())


def report(fit: Fit) -> dict[str, Any]:
    """Everything as JSON: thresholds, population, every facet with its levels and their separation."""
    effects: dict[str, Any] = {}
    for number, facet in enumerate(fit.data.facets):
        effects[facet.name] = {
            "levels": [one.as_json() for one in levels_of(fit, number)],
            "separation": separation_of(fit, number).as_json(),
            "left_out": fit.left_out.get(facet.name, []),
        }
    return {
        "method": "joint maximum likelihood" if fit.sd is None else "marginal maximum likelihood",
        "persons": len(fit.data.persons),
        "judgements": len(fit.data.person),
        "categories": list(fit.data.categories),
        "thresholds": [
            {"value": float(value), "error": float(error)}
            for value, error in zip(fit.thresholds, fit.threshold_errors, strict=True)
        ],
        "population": {"mean": fit.mean, "sd": fit.sd},
        "explained_variance": explained_variance(fit),
        "iterations": fit.iterations,
        "facets": effects,
    }
