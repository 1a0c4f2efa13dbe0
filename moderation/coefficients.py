"""All coefficients of one set of ratings, by the names under which they are handed on. Pure.

Which of them are defined depends on the ratings, and the others say why they are not:

- kappa, kappa_linear, kappa_quadratic are Cohen's, scott_pi is Scott's: for exactly two raters, over the
  items that both have rated. conger_kappa and fleiss_kappa are the same two for any number of raters.
- fleiss_kappa, conger_kappa, brennan_prediger, ac1 are unweighted.
- Weighted ones (kappa_linear, kappa_quadratic, ac2_linear, ac2_quadratic) need an order. Numbers lie on
  the scale where they say, words at equal distances in the order that was given.
- alpha_ordinal is by Krippendorff's ordinal metric and needs an order; alpha_interval and alpha_ratio need
  numbers and take distances and proportions as they stand, whatever the scale is called.
- icc_* need numbers and take the items that every rater has rated.

A nominal scale has none of the weighted, ordinal, interval and ratio ones. `n` is the number of items with
two ratings, for icc_* of items that all have rated.
"""

from collections.abc import Iterator

from moderation import agreement as a
from moderation.estimates import Estimate, Numbers, np, undefined
from moderation.intraclass import FORMS, MeanSquares, complete, icc
from moderation.ratings import Ratings

KEYS = (
    *("kappa", "kappa_linear", "kappa_quadratic", "scott_pi", "fleiss_kappa", "conger_kappa"),
    *("brennan_prediger", "ac1", "ac2_linear", "ac2_quadratic"),
    *("alpha_nominal", "alpha_ordinal", "alpha_interval", "alpha_ratio"),
    *(f"icc_{form}" for form in FORMS),
)

NO_ORDER = "A nominal scale has no order."
NO_NUMBERS = "A nominal scale has no numbers, only names."
ORDER_UNKNOWN = (
    "The categories are words whose order is not known. Name them from lowest to highest."
)
WORDS = "The categories are words, not numbers."


def coefficients(ratings: Ratings, scale: str, confidence: float = 0.95) -> dict[str, Estimate]:
    """Every coefficient, by its key, in the order of KEYS."""
    found = dict(_two_raters(ratings, scale, confidence))
    found |= dict(_any_raters(ratings, scale, confidence))
    found |= dict(_alphas(ratings, scale, confidence))
    found |= dict(_intraclass(ratings, scale, confidence))
    return {key: found[key] for key in KEYS}


def _weights(ratings: Ratings, kind: str) -> Numbers:
    k = len(ratings.categories)
    if kind == "identity" or ratings.values is None:
        return a.weights(kind, k)
    return a.weights(kind, ratings.values)


def _needs_order(ratings: Ratings, scale: str) -> str:
    """Why weights and ranks make no sense; empty where they do."""
    if scale == "nominal":
        return NO_ORDER
    return "" if ratings.ordered else ORDER_UNKNOWN


def _needs_numbers(ratings: Ratings, scale: str) -> str:
    if scale == "nominal":
        return NO_NUMBERS
    return WORDS if ratings.values is None else ""


def _two_raters(ratings: Ratings, scale: str, confidence: float) -> Iterator[tuple[str, Estimate]]:
    raters, k = len(ratings.raters), len(ratings.categories)
    both = ratings.codes[(ratings.codes >= 0).all(axis=1)] if raters == 2 else ratings.codes
    for key, kind in (
        ("kappa", "identity"),
        ("kappa_linear", "linear"),
        ("kappa_quadratic", "quadratic"),
    ):
        name = a.KAPPA if kind == "identity" else f"{a.KAPPA}, {kind} weights"
        why = "" if kind == "identity" else _needs_order(ratings, scale)
        if why or raters != 2:
            yield key, undefined(name, why or _not_two("Cohen's kappa", raters, "Conger's kappa"))
            continue
        table = a.table_of(both[:, 0], both[:, 1], k)
        yield (
            key,
            a.cohen_kappa(table, _weights(ratings, kind), confidence=confidence, name=name),
        )
    if raters != 2:
        yield "scott_pi", undefined(a.PI, _not_two(a.PI, raters, "Fleiss' kappa"))
        return
    yield (
        "scott_pi",
        a.fleiss_kappa(a.tally(both, k), np.eye(k), name=a.PI, confidence=confidence),
    )


def _not_two(name: str, raters: int, wider: str) -> str:
    if raters == 1:
        return f"{name} needs two raters, and there is one."
    return (
        f"{name} is for exactly two raters, and there are {raters}. {wider} is its form for more."
    )


def _any_raters(ratings: Ratings, scale: str, confidence: float) -> Iterator[tuple[str, Estimate]]:
    counts = a.tally(ratings.codes, len(ratings.categories))
    plain = _weights(ratings, "identity")
    yield "fleiss_kappa", a.fleiss_kappa(counts, plain, confidence=confidence)
    yield "conger_kappa", a.conger_kappa(ratings.codes, plain, confidence=confidence)
    yield "brennan_prediger", a.brennan_prediger(counts, plain, confidence=confidence)
    yield "ac1", a.gwet_ac(counts, plain, name="Gwet's AC1", confidence=confidence)
    for kind in ("linear", "quadratic"):
        name = f"Gwet's AC2, {kind} weights"
        why = _needs_order(ratings, scale)
        yield (
            f"ac2_{kind}",
            undefined(name, why)
            if why
            else a.gwet_ac(counts, _weights(ratings, kind), name=name, confidence=confidence),
        )


def _alphas(ratings: Ratings, scale: str, confidence: float) -> Iterator[tuple[str, Estimate]]:
    counts = a.tally(ratings.codes, len(ratings.categories))
    for metric in ("nominal", "ordinal", "interval", "ratio"):
        why = {
            "nominal": "",
            "ordinal": _needs_order(ratings, scale),
        }.get(metric, _needs_numbers(ratings, scale))
        name = f"{a.ALPHA_METRIC}, {metric} metric"
        yield (
            f"alpha_{metric}",
            undefined(name, why)
            if why
            else a.alpha_by_metric(counts, metric, ratings.values, confidence=confidence),
        )


def _intraclass(ratings: Ratings, scale: str, confidence: float) -> Iterator[tuple[str, Estimate]]:
    why = _needs_numbers(ratings, scale)
    squares = None
    if not why:
        rated = complete(ratings.numbers)
        if len(ratings.raters) < 2:
            why = "An intraclass correlation needs two raters, and there is one."
        elif len(rated) < 2:
            why = "Fewer than two items were rated by every rater."
        else:
            squares = MeanSquares.of(rated)
    for form in FORMS:
        name = f"Intraclass correlation ICC({form.replace('_', ',')})"
        yield (
            f"icc_{form}",
            undefined(name, why) if squares is None else icc(squares, form, confidence),
        )
