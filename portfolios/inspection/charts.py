"""Charts, diagrams and formulas inside documents as words: what they are called, and their numbers as a table.

They are not drawn. The numbers are those that the program has kept with the chart; nothing is calculated, and
no other part of the document is asked. Runs in the helper's child only, on parts that were checked before:
they declare no entities.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

from portfolios.inspection.office import cell_of, named, paragraph, run_of, table

MAIN = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
NEWER_CHART = "{http://schemas.microsoft.com/office/drawing/2014/chartex}chart"
"""Waterfalls, funnels and the like, which keep their numbers in another way."""
DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
SIZE = 9.0
HEAD = "eeeeee"
MOST_ROWS = 60
MOST_COLUMNS = 12
MOST_NODES = 200
DEEPEST = 12
MOST_BYTES = 16 * 1024 * 1024
"""Of one chart; a longer one is named only."""
KINDS = {
    "barChart": "Bar chart",
    "lineChart": "Line chart",
    "pieChart": "Pie chart",
    "ofPieChart": "Pie chart",
    "doughnutChart": "Ring chart",
    "areaChart": "Area chart",
    "scatterChart": "Scatter chart",
    "bubbleChart": "Bubble chart",
    "radarChart": "Radar chart",
    "stockChart": "Stock chart",
    "surfaceChart": "Surface chart",
}
LARGEST = 1e15
"""From here on numbers stand as the program wrote them."""
NUMBERS = {f"{C}numCache", f"{C}numLit"}
KEPT = NUMBERS | {f"{C}strCache", f"{C}strLit"}
CATEGORY_AXES = {f"{C}catAx", f"{C}dateAx"}
NOT_DRAWN = "A chart, which is not drawn here"
AS_NUMBERS = "A chart. Its numbers follow"
AS_LIST = "A diagram. Its words follow"
DIAGRAM_NOT_DRAWN = "A diagram, which is not drawn here"
CUT = f"Only the first {MOST_ROWS} rows and {MOST_COLUMNS} columns are shown here."
Blocks = list[dict[str, Any]]


@dataclass
class Numbers:
    """A table of a chart: what its columns are called, and its rows."""

    head: list[str]
    rows: list[list[str]]


@dataclass
class Chart:
    """What a chart says. `axes`: what its axes are called, in words."""

    kind: str = "Chart"
    title: str = ""
    axes: list[str] = field(default_factory=list)
    tables: list[Numbers] = field(default_factory=list)

    def blocks(self, size: float = SIZE) -> Blocks:
        """Title, axes and numbers, to be read; empty where it has no numbers."""
        if not self.tables:
            return []
        heading = f"{self.kind}: {self.title}" if self.title else self.kind
        made = [paragraph([run_of(heading, size=size, bold=True)])]
        if self.axes:
            made.append(paragraph([run_of(". ".join(self.axes), size=size)]))
        for one in self.tables:
            made += written(one, size)
        return made


def written(numbers: Numbers, size: float) -> Blocks:
    """The numbers as a table whose columns are as wide as their words."""
    lines = [numbers.head, *numbers.rows][: MOST_ROWS + 1]
    wide = min(MOST_COLUMNS, max(len(one) for one in lines))
    rows = []
    for y, line in enumerate(lines):
        cells = []
        for x, text in enumerate(line[:wide]):
            runs = [run_of(text[:300], size=size, bold=not y)] if text else []
            blocks = [paragraph(runs)] if runs else []
            cells.append(cell_of(blocks, x=x, y=y, fill="" if y else HEAD))
        rows.append(cells)
    made = [table([0.0] * wide, rows)]
    if len(numbers.rows) > MOST_ROWS or max(len(one) for one in lines) > wide:
        made.append(paragraph([run_of(CUT, size=size)]))
    return made


def told(
    alt: str, below: Blocks, *, otherwise: str, instead: str, decorates: bool = False
) -> dict[str, Any]:
    """A run for what is not drawn: its author's words or ours, with what it says below.

    `otherwise` is what it is called where nothing could be read of it. Numbers and words are enough for
    people who cannot see it, so nobody is asked to describe it as well.
    """
    if not below:
        return named(alt, otherwise, decorates=decorates)
    return {**named(alt, instead, decorates=True), "below": below}


# Charts and diagrams of Office ----------------------------------------------------------------------


def chart_run(
    raw: bytes, alt: str, *, decorates: bool = False, size: float = SIZE
) -> dict[str, Any]:
    """The chart of a part as a run with its numbers below."""
    root = root_of(raw)
    return run_of_chart(chart_of(root) if root is not None else Chart(), alt, decorates, size)


def run_of_chart(chart: Chart, alt: str, decorates: bool, size: float = SIZE) -> dict[str, Any]:
    """The same for a chart that was read."""
    otherwise = f"{NOT_DRAWN}: {chart.title}" if chart.title else NOT_DRAWN
    return told(
        alt, chart.blocks(size), otherwise=otherwise, instead=AS_NUMBERS, decorates=decorates
    )


def diagram_run(
    raw: bytes, alt: str, *, decorates: bool = False, size: float = SIZE
) -> dict[str, Any]:
    """The data part of a diagram (SmartArt) as a run with its words below, as a list."""
    root = root_of(raw)
    below = list(nodes_of(root, size)) if root is not None else []
    return told(alt, below, otherwise=DIAGRAM_NOT_DRAWN, instead=AS_LIST, decorates=decorates)


def root_of(raw: bytes) -> ET.Element | None:
    """A part as a tree; None where it is none, or too long."""
    try:
        return ET.fromstring(raw) if 0 < len(raw) <= MOST_BYTES else None  # noqa: S314  see above
    except ET.ParseError:
        return None


def chart_of(root: ET.Element) -> Chart:
    """What a chart of Office says, from the values that the program has kept in it."""
    chart = root.find(f"{C}chart")
    area = chart.find(f"{C}plotArea") if chart is not None else None
    if chart is None or area is None:
        return Chart()
    groups = [one for one in area if _plain_name(one) in KINDS]
    kinds = list(dict.fromkeys(KINDS[_plain_name(one)] for one in groups))
    made = Chart(" and ".join([*kinds[:1], *(one.lower() for one in kinds[1:])]) or "Chart")
    made.title = _title(chart)
    across, up = _axes(area)
    made.axes = [f"Up: {up}"] if up else []
    if across:
        made.axes.insert(0, f"Along: {across}")
    by_places: dict[tuple[str, ...], list[tuple[str, list[str]]]] = defaultdict(list)
    for number, one in enumerate((one for group in groups for one in group.iter(f"{C}ser")), 1):
        name = " ".join(_values(one.find(f"{C}tx"))) or f"Series {number}"
        values = _values(one.find(f"{C}val")) or _values(one.find(f"{C}yVal"))
        places = _values(one.find(f"{C}cat")) or _values(one.find(f"{C}xVal"))
        if not values:
            continue
        columns = by_places[tuple(places or map(str, range(1, len(values) + 1)))]
        columns.append((name, values))
        if sizes := _values(one.find(f"{C}bubbleSize")):
            columns.append((f"{name}, size", sizes))
    for keys, columns in list(by_places.items())[:MOST_COLUMNS]:
        longest = max([len(keys), *(len(values) for _name, values in columns)])
        rows = [
            [_at(keys, n), *(_at(values, n) for _name, values in columns)] for n in range(longest)
        ]
        made.tables.append(Numbers([across, *(name for name, _values in columns)], rows))
    return made


def _plain_name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2].replace("3D", "")


def _at(values: Sequence[str], number: int) -> str:
    return values[number] if number < len(values) else ""


def _title(holder: ET.Element) -> str:
    """Written out, or taken over from a cell."""
    found = holder.find(f"{C}title")
    if found is None:
        return ""
    lines = ("".join(t.text or "" for t in one.iter(f"{MAIN}t")) for one in found.iter(f"{MAIN}p"))
    words = " ".join(line.strip() for line in lines if line.strip())
    return words or " ".join(_values(found.find(f"{C}tx")))


def _axes(area: ET.Element) -> tuple[str, str]:
    """What the axis of the categories is called, and those of the values."""
    across, up = "", []
    for one in area:
        if not one.tag.endswith("Ax") or not (words := _title(one)):
            continue
        side = one.find(f"{C}axPos")
        lies = side is not None and side.get("val") in {"b", "t"}
        no_categories = not any(other.tag in CATEGORY_AXES for other in area)
        if one.tag in CATEGORY_AXES or (no_categories and lies and not across):
            across = words
        else:
            up.append(words)
    return across, ", ".join(up)


def _values(holder: ET.Element | None) -> list[str]:
    """What is kept of a range, in order, each value as people read it; empty where nothing was kept."""
    if holder is None:
        return []
    levels = list(holder.iter(f"{C}lvl"))
    if levels:
        return _joined([_points(one, "") for one in levels])
    for one in (one for one in holder.iter() if one.tag in KEPT):
        found = _points(one, one.findtext(f"{C}formatCode") or "")
        return [found.get(n, "") for n in range(max(found, default=-1) + 1)]
    return [one.text.strip() for one in holder.iter(f"{C}v") if one.text and one.text.strip()]


def _joined(levels: list[dict[int, str]]) -> list[str]:
    """Categories of several levels, the outer one before the inner; an outer one holds until the next."""
    made, said = [], [""] * len(levels)
    for n in range(max((max(one, default=-1) for one in levels), default=-1) + 1):
        for at, level in enumerate(levels):
            if n in level or not at:
                said[at] = level.get(n, "")
        made.append(" ".join(one for one in reversed(said) if one))
    return made


def _points(cache: ET.Element, code: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for one in cache.findall(f"{C}pt"):
        number = one.get("idx", "")
        # One more than is shown tells that there are more.
        if number.isdecimal() and len(number) < 6 and int(number) <= MOST_ROWS:
            text = (one.findtext(f"{C}v") or "").strip()
            is_number = cache.tag in NUMBERS
            found[int(number)] = figure(text, one.get("formatCode") or code) if is_number else text
    return found


def figure(text: str, code: str = "") -> str:
    """A number as people read it: without the noise of its last digits, a share in per cent, a date as one."""
    try:
        value = float(text)
    except ValueError:
        return text
    if not math.isfinite(value) or abs(value) >= LARGEST:
        return text
    if "%" in code:
        return f"{value:.0%}"
    if code and code.lower() != "general" and (date := _date(value, code)):
        return date
    value = round(value, 6)
    return str(int(value)) if value == int(value) else str(value)


def _date(value: float, code: str) -> str:
    from openpyxl.styles.numbers import is_date_format  # noqa: PLC0415  prepared before the limits
    from openpyxl.utils.datetime import from_excel  # noqa: PLC0415

    if not is_date_format(code):
        return ""
    try:
        found = str(from_excel(value))
    except (ValueError, OverflowError):
        return ""
    return found.removesuffix(" 00:00:00")


def nodes_of(root: ET.Element, size: float) -> Iterator[dict[str, Any]]:
    """The words of a diagram, each below what it hangs on."""
    points = {one.get("modelId", ""): one for one in root.iter(f"{DIAGRAM}pt")}
    below: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for one in root.iter(f"{DIAGRAM}cxn"):
        if one.get("type", "parOf") == "parOf":
            order = one.get("srcOrd", "0")
            place = int(order) if order.isdecimal() and len(order) < 6 else 0
            below[one.get("srcId", "")].append((place, one.get("destId", "")))
    starts = [key for key, one in points.items() if one.get("type") == "doc"]
    seen: set[str] = set()

    def walk(key: str, depth: int) -> Iterator[dict[str, Any]]:
        if key in seen or depth > DEEPEST or len(seen) > MOST_NODES or key not in points:
            return
        seen.add(key)
        words = " ".join(
            filter(None, ((one.text or "").strip() for one in points[key].iter(f"{MAIN}t")))
        )
        if words:
            indent = 12.0 * max(0, depth - 1)
            yield paragraph([run_of(words[:1000], size=size)], indent=indent, marker="•")
        for _place, inner in sorted(below[key]):
            yield from walk(inner, depth + 1)

    for key in starts or list(points):
        yield from walk(key, 0)
