"""Severity of raters by a many-facet Rasch model. Pure.

For targeted sampling, drift and private feedback. A severity never changes a learner's result. Estimated by
marginal maximum likelihood: a person's place is integrated out over a normal population on fixed nodes, by EM
with squared extrapolation; errors from the observed information (Louis 1982). The nodes have to reach
further than any person does: −12 to 12 logits here. On −6 to 6, as some software has it, sd and effects come
out several per cent too small; NARROW is there to compare with it.
"""

from dataclasses import dataclass

from moderation.estimates import Codes, Numbers, np
from moderation.judgements import Judgements, check_comparable, extremes, with_effects
from moderation.ratingscale import Chances, Design

WIDE = (-12, 12, 61)
NARROW = (-6, 6, 21)
"""The first node, the last, and how many."""
TOLERANCE = 1e-6
MOST_STEPS = 2000
UNSETTLED = "The model did not settle. Are there enough judgements for each level?"
CHUNK = 400


@dataclass(frozen=True)
class Fit:
    """The estimated model: effects and thresholds with their errors, the population, and how judgements fit.

    `effects`, `errors`, `infit` and `outfit` have all levels of all facets one after the other, as the design.
    An effect is positive where it makes a high category less likely: a severe rater, a hard criterion.
    `alone` are errors that take every other parameter as known, in effect coding: what TAM prints. They are too
    small, and there to compare; the last level of a facet has none (NaN), because its effect is no parameter.
    `left_out` names levels without a finite effect. `sd` None: persons were parameters themselves.
    """

    data: Judgements
    design: Design
    effects: Numbers
    errors: Numbers
    alone: Numbers
    thresholds: Numbers
    threshold_errors: Numbers
    infit: Numbers
    outfit: Numbers
    mean: float
    sd: float | None
    left_out: dict[str, list[str]]
    iterations: int


@dataclass
class _Patterns:
    """Persons who were judged in the same cells, put together: sums over judgements are the same for them.

    `cells` has the cells of each pattern one after the other, from `starts` on; `owner` the pattern of each
    of these; `of` the pattern of each person. The orders put cells, and persons by pattern, beside each other.
    """

    cells: Codes
    starts: Codes
    of: Codes
    persons: Codes
    person_starts: Codes
    owner: Codes
    cell_starts: Codes
    total: Numbers

    @classmethod
    def of_data(cls, data: Judgements, design: Design) -> "_Patterns":
        order = np.lexsort((design.cell, data.person))
        cell = design.cell[order]
        numbers: dict[bytes, int] = {}
        own: list[Codes] = []
        of = np.empty(len(data.persons), dtype=np.int64)
        for person, cells in enumerate(np.split(cell, _starts(data.person[order])[1:])):
            of[person] = numbers.setdefault(cells.tobytes(), len(own))
            if of[person] == len(own):
                own.append(cells)
        sizes = np.array([len(one) for one in own])
        flat = np.concatenate(own)
        by_cell = np.argsort(flat, kind="stable")
        persons = np.argsort(of, kind="stable")
        return cls(
            cells=flat,
            starts=np.r_[0, np.cumsum(sizes)[:-1]],
            of=of,
            persons=persons,
            person_starts=_starts(of[persons]),
            owner=np.repeat(np.arange(len(own)), sizes)[by_cell],
            cell_starts=_starts(flat[by_cell]),
            total=np.bincount(data.person, weights=data.category).astype(float),
        )


def _starts(ordered: Codes) -> Codes:
    return np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])


class _Marginal:
    """One EM step as a function of all parameters: free ones of the design, mean, log sd."""

    def __init__(self, data: Judgements, design: Design, nodes: Numbers) -> None:
        self.design, self.nodes = design, nodes
        self.patterns = _Patterns.of_data(data, design)

    def posterior(self, state: Numbers, found: Chances) -> Numbers:
        """Persons × nodes: where each person may be, given their judgements."""
        mean, sd = state[-2], np.exp(state[-1])
        own = self.patterns
        spent = np.add.reduceat(found.normaliser[own.cells], own.starts, axis=0)
        logs: Numbers = own.total[:, None] * self.nodes - spent[own.of]
        logs -= ((self.nodes - mean) / sd) ** 2 / 2
        logs -= logs.max(axis=1, keepdims=True)
        np.exp(logs, out=logs)
        logs /= logs.sum(axis=1, keepdims=True)
        return logs

    def weight(self, posterior: Numbers) -> Numbers:
        """Cells × nodes: how many judgements are expected there."""
        own = self.patterns
        sums = np.add.reduceat(posterior[own.persons], own.person_starts, axis=0)
        return np.asarray(np.add.reduceat(sums[own.owner], own.cell_starts, axis=0), float)

    def step(self, state: Numbers) -> Numbers:
        """Expectation and maximisation once."""
        free = state[:-2]
        found = self.design.chances(free, self.nodes)
        posterior = self.posterior(state, found)
        weight = self.weight(posterior)
        for _each in range(3):
            score, information = self.design.newton(free, found, weight)
            move = np.linalg.solve(information, score)
            free = free + move * min(1.0, 1.0 / max(float(np.abs(move).max(initial=0)), 1e-12))
            if np.abs(move).max(initial=0) < TOLERANCE:
                break
            found = self.design.chances(free, self.nodes)
        share = posterior.mean(axis=0)
        mean = float(share @ self.nodes)
        sd = float(np.sqrt(share @ (self.nodes - mean) ** 2))
        return np.asarray(np.r_[free, mean, np.log(max(sd, 1e-3))], float)

    def solve(self) -> tuple[Numbers, int]:
        """The fixed point of `step`, with squared extrapolation (Varadhan and Roland 2008)."""
        state = np.r_[self.design.begin(), 0.0, np.log(2.0)]
        for number in range(1, MOST_STEPS):
            once = self.step(state)
            first = once - state
            if np.abs(first).max() < TOLERANCE:
                return once, number
            twice = self.step(once)
            second = twice - once - first
            length = float(np.linalg.norm(second))
            alpha = max(1.0, float(np.linalg.norm(first)) / length) if length > 0 else 1.0
            leap = state + 2 * alpha * first + alpha**2 * second
            # A leap beyond what steps of this size can reach is not trusted.
            far = np.abs(leap - twice).max() > 2
            state = twice if far else leap
        raise ArithmeticError(UNSETTLED)


def fit(data: Judgements, grid: tuple[int, int, int] = WIDE) -> Fit:
    """Severities and the rest of the model.

    Raises Incomparable where the design cannot rank, ArithmeticError where the estimates do not settle.
    """
    data, left_out = extremes(data)
    data = with_effects(data)
    check_comparable(data)
    design = Design.of(data)
    nodes: Numbers = np.linspace(*grid)
    model = _Marginal(data, design, nodes)
    try:
        state, iterations = model.solve()
    except np.linalg.LinAlgError as error:
        raise ArithmeticError(UNSETTLED) from error
    found = design.chances(state[:-2], nodes)
    posterior = model.posterior(state, found)
    weight = model.weight(posterior)
    covariance = _covariance(data, design, state, found, posterior, weight, nodes)
    effects, thresholds = design.parameters(state[:-2])
    errors = np.sqrt(np.maximum(np.diag(covariance), 0))
    infit, outfit = _marginal_fit(data, design, found, posterior)
    levels = sum(design.sizes)
    return Fit(
        data=data,
        design=design,
        effects=effects,
        errors=errors[:levels],
        alone=alone(design, design.information(design.membership, found, weight)),
        thresholds=thresholds,
        threshold_errors=errors[levels:],
        infit=infit,
        outfit=outfit,
        mean=float(state[-2]),
        sd=float(np.exp(state[-1])),
        left_out=left_out,
        iterations=iterations,
    )


def alone(design: Design, information: Numbers) -> Numbers:
    """1/√(I + I of the facet's last level) from the diagonal of complete data, by level; NaN for the last."""
    own = np.diag(information)[: sum(design.sizes)]
    found = np.full(len(own), np.nan)
    for start, size in zip(design.starts, design.sizes, strict=True):
        last = start + size - 1
        found[start:last] = 1 / np.sqrt(own[start:last] + own[last])
    return found


def _covariance(
    data: Judgements,
    design: Design,
    state: Numbers,
    found: Chances,
    posterior: Numbers,
    weight: Numbers,
    nodes: Numbers,
) -> Numbers:
    """Covariance of all effects and thresholds: what complete data would tell, less what is not known of persons."""
    levels, full = sum(design.sizes), sum(design.sizes) + design.steps + 2
    mean, sd = state[-2], float(np.exp(state[-1]))
    whole = np.zeros((full, full))
    whole[:-2, :-2] = design.information(design.membership, found, weight)
    whole[-2, -2], whole[-1, -1] = len(data.persons) / sd**2, 2 * len(data.persons)
    place = (nodes - mean) / sd
    order = np.argsort(data.person, kind="stable")
    ends = np.r_[_starts(data.person[order]), len(order)]
    for begin in range(0, len(data.persons), CHUNK):
        some = posterior[begin : begin + CHUNK]
        rows = order[ends[begin] : ends[begin + len(some)]]
        person, cell = data.person[rows] - begin, design.cell[rows]
        parts = np.zeros((len(some), full, len(nodes)))
        flat = parts.reshape(-1, len(nodes))
        for number, start in enumerate(design.starts):
            _add_rows(flat, person * full + start + data.places[rows, number], found.expected[cell])
        for h in range(design.steps):
            _add_rows(flat, person * full + levels + h, found.above[cell, :, h])
        parts[:, -2] = place / sd
        parts[:, -1] = place**2
        parts -= np.einsum("nq,npq->np", some, parts)[:, :, None]
        parts *= np.sqrt(some)[:, None, :]
        whole -= np.tensordot(parts, parts, axes=([0, 2], [0, 2]))
    expand = np.zeros((full, design.expand.shape[1] + 2))
    expand[:-2, :-2] = design.expand
    expand[-2:, -2:] = np.eye(2)
    inverse = np.linalg.inv(expand.T @ whole @ expand)
    return np.asarray((expand @ inverse @ expand.T)[:-2, :-2], float)


def _add_rows(target: Numbers, rows: Codes, values: Numbers) -> None:
    """Add each row of values to the row of the target with its number; numbers may come again."""
    order = np.argsort(rows, kind="stable")
    starts = _starts(rows[order])
    target[rows[order][starts]] += np.add.reduceat(values[order], starts, axis=0)


def _marginal_fit(
    data: Judgements, design: Design, found: Chances, posterior: Numbers
) -> tuple[Numbers, Numbers]:
    """Infit and outfit of every level, averaged over where each person may be; 1 where the model holds."""
    k = design.steps + 1
    key = design.cell * k + data.category
    order = np.argsort(key, kind="stable")
    starts = _starts(key[order])
    weight = np.add.reduceat(posterior[data.person[order]], starts, axis=0)
    cell, category = np.divmod(key[order][starts], k)
    squares = (category[:, None] - found.expected[cell]) ** 2
    return fit_of(
        design,
        cell,
        (weight * squares).sum(axis=1),
        (weight * found.variance[cell]).sum(axis=1),
        (weight * squares / found.variance[cell]).sum(axis=1),
        weight.sum(axis=1),
    )


def fit_of(
    design: Design,
    cell: Codes,
    squares: Numbers,
    variance: Numbers,
    standard: Numbers,
    count: Numbers,
) -> tuple[Numbers, Numbers]:
    """Infit Σ(x−E)²/ΣV and outfit mean (x−E)²/V of every level, from sums over parts of cells."""
    member = design.membership[cell]
    infit = (member.T @ squares) / (member.T @ variance)
    outfit = (member.T @ standard) / (member.T @ count)
    return infit, outfit
