"""What stands around and upon the sheets of a spreadsheet (XLSX): headers and footers, pictures, text boxes, charts.

The package is read here by itself, because the reader of the cells does not look at these parts. Runs in the
helper's child only, on parts that were checked before: they declare no entities.
"""

import html
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from xml.etree import ElementTree as ET

from portfolios.inspection.charts import (
    DIAGRAM,
    DIAGRAM_NOT_DRAWN,
    NEWER_CHART,
    NOT_DRAWN,
    C,
    chart_run,
    diagram_run,
    told,
)
from portfolios.inspection.office import (
    PAGE,
    PAGES,
    Pictures,
    counted,
    decorates,
    named,
    paragraph,
    run_of,
    sides,
)

RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
R = f"{{{RELATIONS}}}"
PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
DRAWN = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
MOST_PART = 64 * 1024 * 1024
MOST_THINGS = 200
TAIL = 256 * 1024
PIECE = 256 * 1024
SIZE = 9.0
AROUND = re.compile(rb"<(?:\w+:)?headerFooter\b([^>]*)>(.*?)</(?:\w+:)?headerFooter\s*>", re.DOTALL)
ONE = re.compile(r"<(?:\w+:)?((?:odd|even|first)(?:Header|Footer))\b[^>]*>([^<]*)<")
CODE = re.compile(r'&(?:"[^"]*"|K(?:[0-9A-Fa-f]{6}|\d\d[+-]\d{3})|\d{1,3}|.)', re.DOTALL)
Blocks = list[dict[str, Any]]


@dataclass
class Around:
    """The header and footer of the first page of a sheet, of pages with even numbers, and of all others."""

    words: dict[str, str] = field(default_factory=dict)
    first: bool = False
    even: bool = False

    def blocks(self, what: str, page: int, sheet: str) -> Blocks:
        """`what` is Header or Footer, `page` counts the pages of this sheet."""
        kind = "odd"
        if page == 1 and self.first:
            kind = "first"
        elif page % 2 == 0 and self.even:
            kind = "even"
        return around_of(self.words.get(f"{kind}{what}", ""), sheet)


def around_of(text: str, sheet: str) -> Blocks:
    """The three places of a header as one row. Name and folder of the file are not told, nor the time of printing."""
    places: dict[str, list[dict[str, Any]]] = {"L": [], "C": [], "R": []}
    here, at = "C", 0

    def say(words: str) -> None:
        if words:
            places[here].append(run_of(words, size=SIZE))

    for found in CODE.finditer(text):
        say(text[at : found.start()])
        at = found.end()
        code = found[0][1:].upper()
        if code in places:
            here = code
        elif code == "&":
            say("&")
        elif code == "A":
            say(sheet)
        elif code in {"P", "N"}:
            number = PAGE if code == "P" else PAGES
            places[here].append(counted(run_of("", size=SIZE), number))
        elif code == "G":
            places[here].append(named("", "A picture, which is not drawn here", decorates=True))
    say(text[at:])
    return sides([places[one] for one in "LCR"])


@dataclass
class SheetParts:
    """One sheet of the workbook: its name, where it lies, and whether it is nothing but a chart."""

    name: str
    path: str
    is_chart: bool


class Package:
    """The parts of one workbook."""

    def __init__(self, source: BinaryIO) -> None:
        self.archive = zipfile.ZipFile(source)
        self.names = set(self.archive.namelist())
        self.pictures = Pictures()

    def read(self, path: str) -> bytes:
        """A part; empty where it is not there or too long."""
        if path not in self.names or self.archive.getinfo(path).file_size > MOST_PART:
            return b""
        return self.archive.read(path)

    def root(self, path: str) -> ET.Element:
        """The part as a tree; an empty one where there is none."""
        try:
            return ET.fromstring(self.read(path) or b"<none/>")  # noqa: S314  see above
        except ET.ParseError:
            return ET.Element("none")

    def related(self, path: str) -> dict[str, tuple[str, str]]:
        """What a part points to: the kind and the path, by the key that stands in the part."""
        folder, name = posixpath.split(path)
        found = {}
        for one in self.root(posixpath.join(folder, "_rels", f"{name}.rels")):
            if one.tag == f"{PACKAGE}Relationship" and one.get("TargetMode") != "External":
                target = one.get("Target", "")
                inside = target[1:] if target.startswith("/") else posixpath.join(folder, target)
                kind = one.get("Type", "").rpartition("/")[2]
                found[one.get("Id", "")] = (kind, posixpath.normpath(inside))
        return found

    def sheets(self) -> list[SheetParts]:
        """In the order of the workbook."""
        book = next(
            (path for kind, path in self.related("").values() if kind == "officeDocument"), ""
        )
        parts = self.related(book)
        made = []
        for one in self.root(book).iter(f"{SHEET}sheet"):
            kind, path = parts.get(one.get(f"{R}id", ""), ("", ""))
            made.append(SheetParts(one.get("name", ""), path, kind == "chartsheet"))
        return made

    def around(self, path: str) -> Around:
        """Header and footer of a sheet. They stand behind its cells, so only the end of the part is kept."""
        kept = b""
        if path in self.names:
            with self.archive.open(path) as part:
                while piece := part.read(PIECE):
                    kept = (kept + piece)[-TAIL:]
        found = AROUND.search(kept)
        if found is None:
            return Around()
        told_of = found[1].decode("utf-8", "replace")
        words = {
            one[1]: html.unescape(one[2])
            for one in ONE.finditer(found[2].decode("utf-8", "replace"))
        }
        return Around(words, _is_on(told_of, "differentFirst"), _is_on(told_of, "differentOddEven"))

    def things(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """What lies upon a sheet, in order: the cell where it begins, and its picture, chart or words as a block."""
        for kind, drawing in self.related(path).values():
            if kind != "drawing":
                continue
            parts = self.related(drawing)
            for number, anchor in enumerate(self.root(drawing)):
                if number >= MOST_THINGS:
                    return
                for block in self.blocks(anchor, parts):
                    yield _place(anchor), block

    def blocks(
        self, holder: ET.Element, parts: dict[str, tuple[str, str]], depth: int = 0
    ) -> Iterator[dict[str, Any]]:
        """What an anchor or a group holds."""
        for one in holder:
            if one.tag == f"{DRAWN}pic":
                if run := self.picture(one, parts):
                    yield paragraph([run])
            elif one.tag == f"{DRAWN}graphicFrame":
                yield paragraph([self.graphic(one, parts)])
            elif one.tag == f"{DRAWN}sp":
                yield from written_in(one)
            elif one.tag != FALLBACK and depth < 8:
                yield from self.blocks(one, parts, depth + 1)

    def picture(
        self, element: ET.Element, parts: dict[str, tuple[str, str]]
    ) -> dict[str, Any] | None:
        blip = element.find(f".//{A}blip")
        _kind, path = parts.get(blip.get(f"{R}embed", "") if blip is not None else "", ("", ""))
        return self.pictures.run(self.read(path), alt=_alt(element), decorates=decorates(element))

    def graphic(self, element: ET.Element, parts: dict[str, tuple[str, str]]) -> dict[str, Any]:
        """A chart with its numbers, a diagram with its words."""
        alt, plain = _alt(element), decorates(element)
        if (found := element.find(f".//{C}chart")) is not None:
            _kind, path = parts.get(found.get(f"{R}id", ""), ("", ""))
            return chart_run(self.read(path), alt, decorates=plain)
        if (found := element.find(f".//{DIAGRAM}relIds")) is not None:
            _kind, path = parts.get(found.get(f"{R}dm", ""), ("", ""))
            return diagram_run(self.read(path), alt, decorates=plain)
        newer = element.find(f".//{NEWER_CHART}") is not None
        otherwise = NOT_DRAWN if newer else DIAGRAM_NOT_DRAWN
        return told(alt, [], otherwise=otherwise, instead="", decorates=plain)


def written_in(shape: ET.Element) -> Iterator[dict[str, Any]]:
    """The lines of a text box or shape."""
    for line in shape.iter(f"{A}p"):
        words = "".join(one.text or "" for one in line.iter(f"{A}t"))
        if words.strip():
            yield paragraph([run_of(words[:5000], size=SIZE)])


def _is_on(attributes: str, name: str) -> bool:
    return re.search(rf"""\b{name}=["'](?:1|true)["']""", attributes) is not None


def _alt(element: ET.Element) -> str:
    found = element.find(f".//{DRAWN}cNvPr")
    return (found.get("descr") or "") if found is not None else ""


def _place(anchor: ET.Element) -> str:
    """The cell where it begins, as A1; empty where it hangs on none."""
    column, row = (anchor.findtext(f"{DRAWN}from/{DRAWN}{name}") or "" for name in ("col", "row"))
    if not (column.isdecimal() and row.isdecimal() and len(column) < 6 and len(row) < 8):
        return ""
    return f"{letters(int(column))}{int(row) + 1}"


def letters(n: int) -> str:
    """The name of a column, counted from 0: A, B … Z, AA."""
    name = ""
    n += 1
    while n:
        n, rest = divmod(n - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
