"""Intraclass correlation in six forms, and how far a rating strays from the truth. Pure.

Everything comes from the mean squares of items × raters without missing ratings (Shrout and Fleiss 1979;
McGraw and Wong 1996). The first number of a form says what the raters are: 1, different raters for each
item; 2, a sample of raters; 3, the only raters there are. The second says of what: 1, a single rating; k,
the mean of all raters.
"""

from dataclasses import dataclass
from math import inf, sqrt

from moderation.distributions import f_quantile
from moderation.estimates import Estimate, Numbers, np, undefined

FORMS = ("1_1", "2_1", "3_1", "1_k", "2_k", "3_k")


@dataclass(frozen=True)
class MeanSquares:
    """Two-way analysis of variance, one rating for each cell: between items, raters, within items, residual."""

    items: int
    raters: int
    between: float
    rater: float
    within: float
    residual: float

    @classmethod
    def of(cls, ratings: Numbers) -> "MeanSquares":
        """From a complete table, a row for each item and a column for each rater; two of each at least."""
        n, k = ratings.shape
        if n < 2 or k < 2:
            raise ValueError("At least two items and two raters, all rated.")
        away = ratings - ratings.mean()
        rows, columns = away.mean(axis=1), away.mean(axis=0)
        between = k * float(rows @ rows)
        rater = n * float(columns @ columns)
        residual = float(np.sum((away - rows[:, None] - columns) ** 2))
        return cls(
            items=n,
            raters=k,
            between=between / (n - 1),
            rater=rater / (k - 1),
            within=(rater + residual) / (n * (k - 1)),
            residual=residual / ((n - 1) * (k - 1)),
        )


def complete(ratings: Numbers) -> Numbers:
    """The items that every rater has rated; a missing rating is NaN."""
    return ratings[~np.isnan(ratings).any(axis=1)]


def icc(squares: MeanSquares, form: str, confidence: float = 0.95) -> Estimate:
    """One of the six forms with its error and interval; `form` is one of FORMS.

    Intervals by the F distribution, forms 2 by Satterthwaite's approximation (McGraw and Wong 1996); the
    error by linearising in the mean squares. A mean of k is stepped up from single ratings by Spearman
    and Brown. Undefined where all items are alike.
    """
    kind, of = form.split("_")
    name = f"Intraclass correlation ICC({kind},{of})"
    n, k = squares.items, squares.raters
    b, j, w, e = squares.between, squares.rater, squares.within, squares.residual
    below = {"1": b + (k - 1) * w, "2": b + (k - 1) * e + k * (j - e) / n, "3": b + (k - 1) * e}
    if b + w <= 0 or below[kind] <= 0:
        return undefined(name, "There is no variation: all ratings are alike.")
    value = (b - (w if kind == "1" else e)) / below[kind]
    se = _error(squares, kind, value, below[kind])
    low, high = _interval(squares, kind, value, confidence)
    if of == "k":
        slope = k / (1 + (k - 1) * value) ** 2 if 1 + (k - 1) * value > 0 else inf
        value, low, high = (_step_up(one, k) for one in (value, low, high))
        se *= slope
    if not np.isfinite([value, se]).all():
        return undefined(
            name, "Items differ less than raters within them: the mean has no reliability."
        )
    return Estimate(name, value, se, low, high, n)


def _step_up(value: float, k: int) -> float:
    """Reliability of the mean of k ratings from that of one; −∞ where one rating is as bad as can be."""
    below = 1 + (k - 1) * value
    return k * value / below if below > 0 else -inf


def _error(squares: MeanSquares, kind: str, value: float, below: float) -> float:
    """Large-sample error of a single-rating form: each mean square has variance 2 MS² / its freedom."""
    n, k = squares.items, squares.raters
    b, j, w, e = squares.between, squares.rater, squares.within, squares.residual
    residual_freedom = (n - 1) * (k - 1)
    if kind == "1":
        parts = [((1 - value) * b, n - 1), ((1 + (k - 1) * value) * w, n * (k - 1))]
    else:
        share = k / n if kind == "2" else 0.0
        parts = [
            ((1 - value) * b, n - 1),
            ((1 + (k - 1 - share) * value) * e, residual_freedom),
            (share * value * j, k - 1),
        ]
    return sqrt(sum(2 * part**2 / freedom for part, freedom in parts)) / below


def _interval(
    squares: MeanSquares, kind: str, value: float, confidence: float
) -> tuple[float, float]:
    """Interval of a single-rating form."""
    n, k = squares.items, squares.raters
    b, j, e = squares.between, squares.rater, squares.residual
    p = (1 + confidence) / 2
    error = squares.within if kind == "1" else e
    if value >= 1:
        return value, value
    if kind == "2":
        a, c = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
        spread = (a * j) ** 2 / (k - 1) + (c * e) ** 2 / ((n - 1) * (k - 1))
        freedom = (a * j + c * e) ** 2 / spread
        up, down = f_quantile(p, n - 1, freedom), f_quantile(p, freedom, n - 1)
        rest = k * j + (k * n - k - n) * e
        return (
            n * (b - up * e) / (up * rest + n * b),
            n * (down * b - e) / (rest + n * down * b),
        )
    freedom = n * (k - 1) if kind == "1" else (n - 1) * (k - 1)
    low = b / error / f_quantile(p, n - 1, freedom)
    high = b / error * f_quantile(p, freedom, n - 1)
    return (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)


@dataclass(frozen=True)
class Measurement:
    """Standard errors of measurement of one rating, in units of the scale, each with its own error.

    `consistency` leaves out that raters differ in severity; `absolute` has it in.
    """

    consistency: float
    absolute: float
    consistency_error: float
    absolute_error: float


def measurement(squares: MeanSquares) -> Measurement:
    """√residual, and √(variance among raters + residual); errors by linearising in the mean squares."""
    n, j, e = squares.items, squares.rater, squares.residual
    freedom = (n - 1) * (squares.raters - 1)
    among = max(0.0, (j - e) / n)
    consistency, absolute = sqrt(e), sqrt(among + e)
    # Each mean square has variance 2 MS² / its freedom; without a difference among raters only the residual counts.
    parts = (
        [(j / n, squares.raters - 1), (e * (n - 1) / n, freedom)] if among > 0 else [(e, freedom)]
    )
    spread = sqrt(sum(2 * part**2 / each for part, each in parts))
    return Measurement(
        consistency,
        absolute,
        sqrt(2 / freedom) * consistency / 2,
        spread / (2 * absolute) if absolute else 0.0,
    )
