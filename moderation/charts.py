"""Plots as geometry for our own SVG templates, each made from the very rows that its table shows. Pure.

A chart has a title that states the finding, a summary of two sentences, and a table; what is drawn is worked
out from the table's rows and from nothing else, so that plot and table cannot say different things.
"""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from accounts.wording import NO_BREAK, percent
from catalogue.tables import guarded

WIDTH = 360
LEFT, RIGHT, TOP, BOTTOM = 96, 16, 10, 40
ROW = 30
HEIGHT_OF_LINES = 220
LABEL_LENGTH = 16


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A dot; with an interval where `low_x` and `high_x` are given. `value` is what the table says."""

    x: float
    y: float
    label: str
    value: str
    low_x: float | None = None
    high_x: float | None = None

    @property
    def short(self) -> str:
        """The label as it fits beside the plot; the table has all of it."""
        if len(self.label) <= LABEL_LENGTH:
            return self.label
        # The middle goes: names of one kind begin alike, and differ at their ends.
        end = LABEL_LENGTH // 2
        return f"{self.label[: LABEL_LENGTH - 1 - end].rstrip()}…{self.label[-end:].lstrip()}"


@dataclass(frozen=True)
class Line:
    """One series: its dots and the way through them; a limit has the way alone."""

    name: str
    marks: tuple[Mark, ...]
    number: int
    dotted: bool = True

    @property
    def points(self) -> str:
        return " ".join(f"{mark.x:g},{mark.y:g}" for mark in self.marks)


@dataclass(frozen=True)
class Chart:
    """A plot with its words and its table."""

    key: str
    title: str
    summary: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    height: float
    x_title: str
    y_title: str = ""
    x_ticks: tuple[Tick, ...] = ()
    y_ticks: tuple[Tick, ...] = ()
    marks: tuple[Mark, ...] = ()
    lines: tuple[Line, ...] = ()
    reference: Tick | None = None
    notes: tuple[str, ...] = field(default=())

    width = WIDTH
    left = LEFT
    top = TOP

    @property
    def right(self) -> float:
        return WIDTH - RIGHT

    @property
    def bottom(self) -> float:
        return self.height - BOTTOM

    @property
    def middle_x(self) -> float:
        return (LEFT + WIDTH - RIGHT) / 2

    @property
    def csv(self) -> str:
        """The table as a file, with plain spaces: not every program reads the others in a number.

        What the first column names was typed by people; figures keep their signs.
        """
        text = io.StringIO(newline="")
        out = csv.writer(text, lineterminator="\n")
        for row in (self.columns, *self.rows):
            name, *figures = (one.replace(NO_BREAK, " ") for one in row)
            out.writerow([guarded(name), *figures])
        return text.getvalue()


@dataclass(frozen=True)
class Estimate:
    """One row of a dot-and-interval plot. The interval is missing where there is none to give."""

    label: str
    value: float
    low: float | None
    high: float | None
    n: int


def _scale(low: float, high: float, start: float, end: float, value: float) -> float:
    share = (min(max(value, low), high) - low) / (high - low)
    return round(start + share * (end - start), 2)


def intervals(
    key: str,
    title: str,
    summary: str,
    estimates: Sequence[Estimate],
    *,
    of: str,
    measure: str,
    ends: tuple[float, float],
    ticks: Sequence[float],
    shown: str = "percent",
    reference: tuple[float, str] | None = None,
    counted: str = "Items read twice",
) -> Chart:
    """A dot for each value with the line of its 95 % interval. `shown` is percent, signed or number."""
    low, high = ends
    columns = (of, measure, "95\u00a0% from", "to", counted)
    rows = tuple(
        (
            one.label,
            words(one.value, shown),
            "" if one.low is None else words(one.low, shown),
            "" if one.high is None else words(one.high, shown),
            str(one.n),
        )
        for one in estimates
    )

    def x_of(value: float) -> float:
        return _scale(low, high, LEFT, WIDTH - RIGHT, value)

    marks = tuple(
        Mark(
            x=x_of(number(row[1])),
            y=TOP + ROW * (place + 0.5),
            label=row[0],
            value=row[1],
            low_x=x_of(number(row[2])) if row[2] else None,
            high_x=x_of(number(row[3])) if row[3] else None,
        )
        for place, row in enumerate(rows)
    )
    return Chart(
        key=key,
        title=title,
        summary=summary,
        columns=columns,
        rows=rows,
        height=TOP + ROW * max(1, len(rows)) + BOTTOM,
        x_title=measure,
        x_ticks=tuple(Tick(x_of(one), words(one, shown, short=True)) for one in ticks),
        marks=marks,
        reference=Tick(x_of(reference[0]), reference[1]) if reference else None,
    )


def lines(
    key: str,
    title: str,
    summary: str,
    *,
    x_title: str,
    y_title: str,
    x_labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None]]],
    ends: tuple[float, float],
    ticks: Sequence[float],
    shown: str = "percent",
    x_short: Sequence[str] = (),
    limits: Collection[str] = (),
) -> Chart:
    """One way for each series over the same places, some six of which are labelled below the plot.

    `x_short` are labels for there, where those of the table are too long; `limits` names series without dots.
    """
    rows = tuple(
        (
            label,
            *(
                "" if values[place] is None else words(values[place] or 0.0, shown)
                for _name, values in series
            ),
        )
        for place, label in enumerate(x_labels)
    )
    low, high = ends
    bottom = HEIGHT_OF_LINES - BOTTOM
    left = 52
    span = WIDTH - RIGHT - left

    def x_at(place: int) -> float:
        return round(left + span * (place / (len(rows) - 1) if len(rows) > 1 else 0.5), 2)

    every = max(1, -(-len(rows) // 6))
    made = tuple(
        Line(
            name,
            tuple(
                Mark(
                    x_at(place),
                    _scale(low, high, bottom, TOP, number(row[column])),
                    row[0],
                    row[column],
                )
                for place, row in enumerate(rows)
                if row[column]
            ),
            column,
            name not in limits,
        )
        for column, (name, _values) in enumerate(series, 1)
    )
    chart = Chart(
        key=key,
        title=title,
        summary=summary,
        columns=(x_title, *(name for name, _values in series)),
        rows=rows,
        height=HEIGHT_OF_LINES,
        x_title=x_title,
        y_title=y_title,
        x_ticks=tuple(
            Tick(x_at(place), x_short[place] if x_short else row[0])
            for place, row in enumerate(rows)
            if place % every == 0
        ),
        y_ticks=tuple(
            Tick(_scale(low, high, bottom, TOP, one), words(one, shown, short=True))
            for one in ticks
        ),
        lines=made,
    )
    object.__setattr__(chart, "left", left)
    return chart


def words(value: float, shown: str, *, short: bool = False) -> str:
    """A number as the table writes it."""
    if shown == "percent":
        return percent(value, 0 if short else 1)
    if shown == "signed":
        if short and value == 0:
            return "0"
        return f"{value:+.1f}" if short else f"{value:+.2f}"
    return f"{value:g}" if short else f"{value:.2f}"


def number(text: str) -> float:
    """What the table wrote, as a number again: the plot is drawn from the table."""
    if text.endswith("%"):
        return float(text[:-2]) / 100
    return float(text)
