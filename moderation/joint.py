"""The many-facet model by joint maximum likelihood, as FACETS and WINSTEPS estimate it. Pure.

Every person is a parameter of their own, which pushes all effects outward; it is not corrected here. For
comparing with such software. What Moderato shows comes from `severity`.
"""

from moderation.estimates import Numbers, np
from moderation.judgements import Judgements, check_comparable, extremes, varying, with_effects
from moderation.ratingscale import Chances, Design, chances
from moderation.severity import MOST_STEPS, UNSETTLED, Fit, alone, fit_of

TOLERANCE = 1e-8


def without_extreme_persons(data: Judgements) -> Judgements:
    """Leave out persons with nothing but lowest or nothing but highest categories: their place is infinite."""
    top = len(data.categories) - 1
    total = np.bincount(data.person, weights=data.category)
    count = np.bincount(data.person)
    inside = (total > 0) & (total < top * count)
    return data if inside.all() else data.keep(inside[data.person])


def fit_jointly(data: Judgements) -> Fit:
    """Severities and the rest, by alternating Newton steps for persons and for the other facets.

    Errors take the persons' places as known, as FACETS prints them. Facets of persons are left out: a place
    of one's own takes them in. Raises Incomparable where the design
    cannot rank.
    """
    left_out: dict[str, list[str]] = {}
    if len(crossed := varying(data)) < len(data.facets):
        data = data.with_facets(crossed or [0])
    while True:
        size = len(data.person)
        data, flat = extremes(without_extreme_persons(data))
        for name, names in flat.items():
            left_out.setdefault(name, []).extend(names)
        if len(data.person) == size:
            break
    data = with_effects(data)
    check_comparable(data)
    design = Design.of(data)
    member = design.membership[design.cell]
    free, theta = design.begin(), np.zeros(len(data.persons))
    number, moved = 0, 1.0
    while moved >= TOLERANCE:
        if (number := number + 1) > MOST_STEPS:
            raise ArithmeticError(UNSETTLED)
        seen = _chances(design, free, theta[data.person])
        score = np.bincount(data.person, weights=data.category - seen.expected)
        move = np.clip(score / np.bincount(data.person, weights=seen.variance), -1, 1)
        theta = theta + move
        seen = _chances(design, free, theta[data.person])
        step = _newton(design, member, data, seen)
        free = free + step
        if max(np.abs(step).max(initial=0), np.abs(move).max()) < TOLERANCE:
            break
    else:
        raise ArithmeticError(UNSETTLED)
    seen = _chances(design, free, theta[data.person])
    full = design.information(member, _column(seen), np.ones((len(member), 1)))
    effects, thresholds = design.parameters(free)
    levels = sum(design.sizes)
    errors = 1 / np.sqrt(np.maximum(np.diag(full), 1e-12))
    squares = (data.category - seen.expected) ** 2
    infit, outfit = fit_of(
        design, design.cell, squares, seen.variance, squares / seen.variance, np.ones(len(member))
    )
    return Fit(
        data=data,
        design=design,
        effects=effects,
        errors=errors[:levels],
        alone=alone(design, full),
        thresholds=thresholds,
        threshold_errors=errors[levels:],
        infit=infit,
        outfit=outfit,
        mean=float(theta.mean()),
        sd=None,
        left_out=left_out,
        iterations=number,
    )


def _chances(design: Design, free: Numbers, places: Numbers) -> Chances:
    """What the model says of each judgement, the person standing at its place."""
    effects, thresholds = design.parameters(free)
    burden = (design.membership @ effects)[design.cell]
    return chances(places - burden, thresholds)


def _column(found: Chances) -> Chances:
    """The same as rows with one place each."""
    return Chances(
        found.expected[:, None],
        found.variance[:, None],
        found.above[:, None, :],
        found.normaliser[:, None],
    )


def _newton(design: Design, member: Numbers, data: Judgements, seen: Chances) -> Numbers:
    """One step of the free parameters, no longer than 1."""
    score = np.concatenate(
        [
            -member.T @ (data.category - seen.expected),
            -(design.reached - seen.above.sum(axis=0)),
        ]
    )
    full = design.information(member, _column(seen), np.ones((len(member), 1)))
    move = np.linalg.solve(design.expand.T @ full @ design.expand, design.expand.T @ score)
    return np.asarray(move * min(1.0, 1.0 / max(float(np.abs(move).max(initial=0)), 1e-12)), float)
