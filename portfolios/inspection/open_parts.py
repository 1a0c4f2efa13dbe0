"""What texts, tables and presentations of OpenDocument share: parts, lengths, styles, pictures, words.

Runs in the helper's child only. The parts were checked before (`opendocument`): they declare no entities.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO
from xml.etree import ElementTree as ET

from portfolios.inspection.charts import (
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_ROWS,
    SIZE,
    Chart,
    Numbers,
    figure,
    root_of,
    run_of_chart,
)
from portfolios.inspection.office import COLOUR, PAGE, PAGES, Pictures, counted, named, run_of

URN = "urn:oasis:names:tc:opendocument:xmlns:"
OFFICE = f"{{{URN}office:1.0}}"
TEXT = f"{{{URN}text:1.0}}"
TABLE = f"{{{URN}table:1.0}}"
DRAW = f"{{{URN}drawing:1.0}}"
STYLE = f"{{{URN}style:1.0}}"
SVG = f"{{{URN}svg-compatible:1.0}}"
CHART = f"{{{URN}chart:1.0}}"
MATH = "{http://www.w3.org/1998/Math/MathML}"
FO = f"{{{URN}xsl-fo-compatible:1.0}}"
SHOWN = f"{{{URN}presentation:1.0}}"
HREF = "{http://www.w3.org/1999/xlink}href"
DEEPEST = 30
"""Styles based on styles, and elements inside each other."""
MOST_PICTURE = 64 * 1024 * 1024
MOST_SPACES = 200
NOT_DRAWN = "A chart or formula, which is not drawn here"
CHARTS = {
    "bar": "Bar chart",
    "line": "Line chart",
    "circle": "Pie chart",
    "ring": "Ring chart",
    "area": "Area chart",
    "scatter": "Scatter chart",
    "bubble": "Bubble chart",
    "radar": "Radar chart",
    "filled-radar": "Radar chart",
    "stock": "Stock chart",
    "surface": "Surface chart",
}
LENGTH = re.compile(r"(-?\d+(?:\.\d+)?)(cm|mm|in|pt|pc|px)")
POINTS = {"cm": 72 / 2.54, "mm": 72 / 25.4, "in": 72.0, "pt": 1.0, "pc": 12.0, "px": 0.75}
SKIPPED = {f"{OFFICE}annotation", f"{OFFICE}annotation-end", f"{TEXT}tracked-changes"}
COUNTED = {f"{TEXT}page-number": PAGE, f"{TEXT}page-count": PAGES}
ELEMENTS = {f"{TEXT}note", f"{TEXT}soft-page-break"}
Element = ET.Element


def points(length: str | None) -> float:
    """A length as it is written, in points; 0 for none, and for shares."""
    found = LENGTH.fullmatch((length or "").strip())
    return float(found[1]) * POINTS[found[2]] if found else 0.0


def count_of(element: Element, name: str, most: int) -> int:
    """A number of repetitions, at least 1."""
    given = element.get(name, "1")
    return min(max(int(given), 1), most) if given.isdecimal() and len(given) < 10 else 1


class Document:
    """An open document: its content, its styles, its pictures."""

    def __init__(self, source: BinaryIO) -> None:
        self.archive = zipfile.ZipFile(source)
        self.names = set(self.archive.namelist())
        self.pictures = Pictures()
        self.roots = [
            # No entities: the check refused every part that declares a type.
            ET.fromstring(self.archive.read(name))  # noqa: S314
            for name in ("content.xml", "styles.xml")
            if name in self.names
        ]
        self.body = self.roots[0].find(f"{OFFICE}body")
        self.styles: dict[tuple[str, str], Element] = {}
        for root in reversed(self.roots):
            for tag in (f"{STYLE}style", f"{TEXT}list-style", f"{STYLE}page-layout"):
                for one in root.iter(tag):
                    self.styles[self.family(one), one.get(f"{STYLE}name", "")] = one
        self.looks: dict[tuple[str, str], dict[str, Any]] = {}
        self.size_below = SIZE
        """Of the numbers of charts, in points; slides are looked at from further away."""
        self.sheet = ""
        """The name of the sheet whose header is read."""
        self.counts = False
        """Whether numbers of pages are ours, as in headers; else they are what the program has kept."""

    @staticmethod
    def family(style: Element) -> str:
        return style.get(f"{STYLE}family", "") or style.tag.rpartition("}")[2]

    def masters(self) -> dict[str, Element]:
        """Master pages by name, in order."""
        found = self.roots[-1].iter(f"{STYLE}master-page")
        return {one.get(f"{STYLE}name", ""): one for one in found}

    def layout_of(self, master: Element | None) -> tuple[float, float]:
        """Width and height of its pages in points; zeros where they are not said."""
        if master is None:
            return 0.0, 0.0
        layout = self.styles.get(("page-layout", master.get(f"{STYLE}page-layout-name", "")))
        found = layout.find(f"{STYLE}page-layout-properties") if layout is not None else None
        if found is None:
            return 0.0, 0.0
        return points(found.get(f"{FO}page-width")), points(found.get(f"{FO}page-height"))

    def look_of(self, family: str, name: str | None, depth: int = 0) -> dict[str, Any]:
        """What a style says, with what it takes over from the styles that it is based on."""
        key = (family, name or "")
        if key in self.looks:
            return self.looks[key]
        style = self.styles.get(key)
        if style is None or depth > DEEPEST:
            return {}
        parent = style.get(f"{STYLE}parent-style-name")
        look = dict(self.look_of(family, parent, depth + 1)) if parent else {}
        look |= {"name": style.get(f"{STYLE}display-name") or key[1]}
        # That of a style is not that of the styles which are based on it.
        look["master"] = style.get(f"{STYLE}master-page-name", "")
        if listed := style.get(f"{STYLE}list-style-name"):
            look["list"] = listed
        for one in style:
            look |= said_by(one, look.get("size", 0.0))
        self.looks[key] = look
        return look

    def fill_of(self, family: str, name: str | None) -> str:
        """The plain colour behind a shape or slide; empty for none."""
        look = self.look_of(family, name)
        return str(look.get("fill", "")) if look.get("filled", "solid") == "solid" else ""

    # Words ------------------------------------------------------------------------------------------

    def runs(
        self, element: Element, look: dict[str, Any], room: float, depth: int = 0
    ) -> Iterator[dict[str, Any] | Element]:
        """The words of a paragraph as runs; notes, text boxes and breaks come as their elements."""
        if depth > DEEPEST:
            return
        yield from written(element.text, look)
        for one in element:
            if one.tag == f"{TEXT}s":
                spaces = count_of(one, f"{TEXT}c", MOST_SPACES)
                yield from written(" " * spaces, look)
            elif one.tag == f"{TEXT}tab":
                yield from written("    ", look)
            elif one.tag == f"{TEXT}line-break":
                yield from written("\n", look)
            elif self.sheet and one.tag == f"{TEXT}sheet-name":
                yield from written(self.sheet, look)
            elif self.counts and one.tag in COUNTED:
                for run in written(COUNTED[one.tag], look):
                    yield counted(run, COUNTED[one.tag])
            elif one.tag == f"{DRAW}frame":
                yield from self.frame(one, room)
            elif one.tag in ELEMENTS or (one.tag.startswith(DRAW) and one.tag != f"{DRAW}a"):
                yield one
            elif one.tag not in SKIPPED:
                inner = {**look, **self.look_of("text", one.get(f"{TEXT}style-name"))}
                if not inner.get("hidden"):
                    yield from self.runs(one, inner, room, depth + 1)
            yield from written(one.tail, look)

    def frame(self, frame: Element, room: float) -> Iterator[dict[str, Any] | Element]:
        """A picture as a run, what cannot be drawn by its words; a text box as its element."""
        alt, plain = described(frame)
        size = (points(frame.get(f"{SVG}width")), points(frame.get(f"{SVG}height")))
        if (box := frame.find(f"{DRAW}text-box")) is not None:
            yield box
        elif (tabled := frame.find(f"{TABLE}table")) is not None:
            yield tabled
        elif (found := frame.find(f"{DRAW}object")) is not None:
            yield self.object(found.get(HREF, ""), alt, plain)
        else:
            # Of several forms of one picture the first that can be decoded is enough.
            forms = [one.get(HREF, "") for one in frame.findall(f"{DRAW}image")]
            made = [self.picture(one, alt, plain, size, room) for one in forms]
            yield from [one for one in made if one["image"]][:1] or made[:1]

    def object(self, address: str, alt: str, plain: bool) -> dict[str, Any]:
        """A chart with its numbers, a formula as it was typed; what else there is by its name."""
        name = f"{address.removeprefix('./').rstrip('/')}/content.xml"
        raw = b""
        if name in self.names and self.archive.getinfo(name).file_size <= MOST_BYTES:
            raw = self.archive.read(name)
        root = root_of(raw)
        if root is None:
            return named(alt, NOT_DRAWN, decorates=plain)
        if (chart := root.find(f".//{CHART}chart")) is not None:
            return run_of_chart(chart_in(chart), alt, plain, self.size_below)
        if root.tag == f"{MATH}math":
            typed = root.findtext(f".//{MATH}annotation") or " ".join(root.itertext())
            words = " ".join(typed.split())[:1000]
            return named(alt or f"Formula: {words}", NOT_DRAWN, decorates=plain or bool(words))
        return named(alt, NOT_DRAWN, decorates=plain)

    def picture(
        self, address: str, alt: str, plain: bool, size: tuple[float, float], room: float
    ) -> dict[str, Any]:
        name = address.removeprefix("./")
        raw = b""
        if name in self.names and self.archive.getinfo(name).file_size <= MOST_PICTURE:
            raw = self.archive.read(name)
        return self.pictures.run(
            raw, alt=alt, decorates=plain, width=size[0], height=size[1], most=max(room, 1.0)
        )


def chart_in(chart: Element) -> Chart:
    """What a chart of OpenDocument says, from the table that it keeps for itself."""
    kind = CHARTS.get(chart.get(f"{CHART}class", "").rpartition(":")[2], "Chart")
    made = Chart(kind, _words_in(chart.find(f"{CHART}title")))
    for axis in chart.iter(f"{CHART}axis"):
        if words := _words_in(axis.find(f"{CHART}title")):
            along = axis.get(f"{CHART}dimension") == "x"
            made.axes.append(f"{'Along' if along else 'Up'}: {words}")
    rows: list[list[str]] = []
    for held in chart.iter(f"{TABLE}table"):
        for row in held.iter(f"{TABLE}table-row"):
            if len(rows) > MOST_ROWS + 1:
                break
            cells: list[str] = []
            for cell in row.findall(f"{TABLE}table-cell"):
                value = cell.get(f"{OFFICE}value")
                text = figure(value) if value is not None else _words_in(cell)
                times = count_of(cell, f"{TABLE}number-columns-repeated", MOST_COLUMNS + 1)
                cells += [text] * times
            rows.append(cells[: MOST_COLUMNS + 1])
    if len(rows) > 1 and any(rows[0]):
        made.tables.append(Numbers(rows[0], rows[1:]))
    return made


def _words_in(holder: Element | None) -> str:
    """The words of the lines that stand directly in an element."""
    lines = holder.findall(f"{TEXT}p") if holder is not None else []
    return " ".join("".join(one.itertext()).strip() for one in lines).strip()


def described(frame: Element) -> tuple[str, bool]:
    """The description or title of a frame, and whether it is marked as decoration."""
    words = [frame.findtext(f"{SVG}desc"), frame.findtext(f"{SVG}title")]
    marks = (value for name, value in frame.attrib.items() if name.endswith("}decorative"))
    return next((one.strip() for one in words if one and one.strip()), ""), "true" in marks


def written(text: str | None, look: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Text as one run. White space counts once, as the format has it."""
    if text:
        kept = text if text.isspace() and "\n" not in text else re.sub(r"[\t\r ]+", " ", text)
        if text != "\n":
            kept = kept.replace("\n", " ")
        yield run_of(
            kept,
            size=look.get("size") or 11,
            bold=bool(look.get("bold")),
            italic=bool(look.get("italic")),
            underline=bool(look.get("underline")),
            colour=str(look.get("colour", "000000")),
        )


def said_by(properties: Element, size: float) -> dict[str, Any]:
    """What the properties of a style say; nothing of what they leave open. `size` is what a share is of."""
    look: dict[str, Any] = {}
    for key, name, make in READ:
        if (given := properties.get(name)) is not None and (value := make(given)) is not None:
            look[key] = value
    if given := properties.get(f"{FO}font-size"):
        share = re.fullmatch(r"(\d{1,3})%", given)
        if found := (size * int(share[1]) / 100 if share else points(given)):
            look["size"] = found
    return look


def one_of(*values: str) -> Callable[[str], bool]:
    return lambda given: given in values


def colour_of(value: str | None) -> str:
    """Six hexadecimal digits; empty where it is another kind of colour."""
    found = (value or "").removeprefix("#")
    return found if COLOUR.fullmatch(found) else ""


READ: list[tuple[str, str, Callable[[str], Any]]] = [
    ("bold", f"{FO}font-weight", one_of("bold", "600", "700", "800", "900")),
    ("italic", f"{FO}font-style", one_of("italic", "oblique")),
    ("underline", f"{STYLE}text-underline-style", lambda given: given != "none"),
    ("hidden", f"{TEXT}display", one_of("none")),
    ("align", f"{FO}text-align", lambda given: {"end": "right"}.get(given, given)),
    ("breaks", f"{FO}break-before", one_of("page")),
    ("breaks_after", f"{FO}break-after", one_of("page")),
    ("width", f"{STYLE}column-width", lambda given: points(given) or None),
    ("filled", f"{DRAW}fill", str),
    ("colour", f"{FO}color", lambda given: colour_of(given) or None),
    ("fill", f"{FO}background-color", lambda given: colour_of(given) or None),
    ("fill", f"{DRAW}fill-color", lambda given: colour_of(given) or None),
]
"""What of a style is looked at: what we call it, its attribute, and what that says."""
