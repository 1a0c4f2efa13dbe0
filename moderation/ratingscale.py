"""The rating scale model with facets: chances of categories, and its parameters under their constraints. Pure.

log P(x) = x · (θ − Σ effects) − Σ_{h ≤ x} τ_h + constant (Andrich 1978; facets: Linacre 1989). The effects of
each facet and the thresholds τ add up to zero, so that θ carries the level.
"""

from dataclasses import dataclass

from moderation.estimates import Codes, Numbers, np
from moderation.judgements import Judgements


def sum_to_zero(levels: int) -> Numbers:
    """Turns levels − 1 free numbers into `levels` that add up to zero."""
    return np.vstack([np.eye(levels - 1), -np.ones((1, levels - 1))])


@dataclass(frozen=True)
class Chances:
    """For cells × places on the scale: expectation, variance, P(X ≥ h), and the log of the normaliser."""

    expected: Numbers
    variance: Numbers
    above: Numbers
    normaliser: Numbers


@dataclass(frozen=True)
class Design:
    """Which levels meet in which cell, and how the free parameters make effects and thresholds."""

    sizes: tuple[int, ...]
    steps: int
    cells: Codes
    cell: Codes
    scores: Numbers
    reached: Numbers
    expand: Numbers

    @classmethod
    def of(cls, data: Judgements) -> "Design":
        """Cells are the combinations of levels that occur."""
        cells, cell = np.unique(data.places, axis=0, return_inverse=True)
        cell = cell.reshape(-1)
        sizes = tuple(len(facet.levels) for facet in data.facets)
        steps = len(data.categories) - 1
        counts = np.bincount(cell * (steps + 1) + data.category, minlength=len(cells) * (steps + 1))
        counts = counts.reshape(len(cells), steps + 1)
        blocks = [sum_to_zero(size) for size in (*sizes, steps)]
        expand = np.zeros((sum(sizes) + steps, sum(size - 1 for size in (*sizes, steps))))
        row = column = 0
        for block in blocks:
            expand[row : row + block.shape[0], column : column + block.shape[1]] = block
            row, column = row + block.shape[0], column + block.shape[1]
        return cls(
            sizes=sizes,
            steps=steps,
            cells=cells,
            cell=cell,
            scores=(counts @ np.arange(steps + 1)).astype(float),
            reached=counts[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:].sum(axis=0).astype(float),
            expand=expand,
        )

    @property
    def starts(self) -> list[int]:
        """Where the levels of each facet begin among all levels."""
        return [0, *np.cumsum(self.sizes)[:-1].tolist()]

    @property
    def membership(self) -> Numbers:
        """Cells × levels of all facets: 1 where the cell has the level."""
        found = np.zeros((len(self.cells), sum(self.sizes)))
        for number, start in enumerate(self.starts):
            found[np.arange(len(self.cells)), start + self.cells[:, number]] = 1
        return found

    def parameters(self, free: Numbers) -> tuple[Numbers, Numbers]:
        """Effects of all levels, and thresholds."""
        full = self.expand @ free
        return full[: sum(self.sizes)], full[sum(self.sizes) :]

    def begin(self) -> Numbers:
        """Parameters to start from: effects from the mean category, thresholds a logit apart."""
        free = np.zeros(self.expand.shape[1])
        thresholds = np.linspace(-1, 1, self.steps) if self.steps > 1 else np.zeros(1)
        free[len(free) - (self.steps - 1) :] = thresholds[: self.steps - 1]
        return free

    def chances(self, free: Numbers, places: Numbers) -> Chances:
        """What the model says for each cell at the given places: one list for all cells."""
        effects, thresholds = self.parameters(free)
        burden = self.membership @ effects
        return chances(places[None, :] - burden[:, None], thresholds)

    def newton(self, free: Numbers, found: Chances, weight: Numbers) -> tuple[Numbers, Numbers]:
        """Score and information of the free parameters, where cells are at places with these weights."""
        member = self.membership
        score = np.concatenate(
            [
                -member.T @ (self.scores - (weight * found.expected).sum(axis=1)),
                -(self.reached - np.einsum("cq,cqh->h", weight, found.above)),
            ]
        )
        full = self.information(member, found, weight)
        return self.expand.T @ score, self.expand.T @ full @ self.expand

    def information(self, member: Numbers, found: Chances, weight: Numbers) -> Numbers:
        """Information of all effects and thresholds, before their constraints, from rows of this membership."""
        levels = sum(self.sizes)
        spread = (weight * found.variance).sum(axis=1)
        full = np.zeros((levels + self.steps, levels + self.steps))
        full[:levels, :levels] = member.T @ (spread[:, None] * member)
        for h in range(self.steps):
            # x = Σ 1[x ≥ k], and 1[x ≥ h] 1[x ≥ k] = 1[x ≥ max(h, k)].
            above = found.above
            with_step = [
                np.sum(weight * (above[..., max(h, k)] - above[..., h] * above[..., k]), axis=1)
                for k in range(self.steps)
            ]
            full[levels + h, levels:] = [float(one.sum()) for one in with_step]
            full[:levels, levels + h] = member.T @ np.sum(with_step, axis=0)
            full[levels + h, :levels] = full[:levels, levels + h]
        return full


def chances(distance: Numbers, thresholds: Numbers) -> Chances:
    """What the model says at these distances between place and burden; any shape."""
    steps = len(thresholds)
    logs = distance[..., None] * np.arange(steps + 1)
    logs[..., 1:] -= np.cumsum(thresholds)
    top = logs.max(axis=-1, keepdims=True)
    np.exp(logs - top, out=logs)
    total = logs.sum(axis=-1, keepdims=True)
    logs /= total
    above = logs[..., ::-1].cumsum(axis=-1)[..., ::-1][..., 1:]
    expected = above.sum(axis=-1)
    squares = (above * (2 * np.arange(1, steps + 1) - 1)).sum(axis=-1)
    normaliser = top[..., 0] + np.log(total[..., 0])
    return Chances(expected, squares - expected**2, above, normaliser)
