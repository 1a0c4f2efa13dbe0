"""Pages of Office documents, drawn from their content: what is shared by text documents, tables and slides.

Each reader (`word`, `sheets`, `slides`) gives pages of blocks; Typst lays them out. Values are data, never
markup. It is not the layout of the program that made the document: charts and diagrams come as their numbers
and words (`charts`), headers and footers take what room the page has, and there is one typeface. Runs in the
helper's child only; opens nothing, fetches nothing.
"""

import base64
import functools
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from portfolios.inspection.copies import FORMATS

SHARPEST = 1400
"""Pixels of the longer side of a picture in a document."""
MOST_PICTURES = 300
MOST_RUNS = 60_000
"""Pieces of text in one document; longer ones come as text."""
A4 = (595.0, 842.0)
MARGIN = 56.0
COLOUR = re.compile(r"[0-9A-Fa-f]{6}")
FOR_PICTURES = [*FORMATS, "GIF", "BMP"]


class TooLong(Exception):  # noqa: N818  reads as a fact
    """More than is drawn; the text of what was read is still there."""


@dataclass
class Page:
    """One page, or with `flows` as many as its blocks need. `grows`: as high as it has to be."""

    width: float = A4[0]
    height: float = A4[1]
    margin: float = MARGIN
    fill: str = "ffffff"
    label: str = ""
    flows: bool = False
    blocks: list[dict[str, Any]] = field(default_factory=list)
    notes: str = ""
    header: list[dict[str, Any]] = field(default_factory=list)
    footer: list[dict[str, Any]] = field(default_factory=list)
    around: tuple[str, str] = ("", "")
    """The words of header and footer where this page says them (`say_once`)."""

    @property
    def text(self) -> str:
        """What stands on it, for people who read and do not look."""
        above, below = self.around
        parts = [f"Header: {above}" if above else "", words_of(self.blocks)]
        parts += [f"Notes: {self.notes}" if self.notes else "", f"Footer: {below}" if below else ""]
        return "\n\n".join(one for one in parts if one)

    @property
    def undescribed(self) -> int:
        """Pictures and charts on it whose author has given them no words."""
        return sum(bool(one.get("bare")) for one in runs_of(self.blocks))

    @property
    def drawn(self) -> dict[str, Any]:
        names = ("width", "height", "margin", "fill", "flows", "blocks", "header", "footer")
        return {name: getattr(self, name) for name in names}


PAGE, PAGES = "\ue000", "\ue001"
"""Stand in the words of a header for the number of the page and of all pages."""


def counted(run: dict[str, Any], what: str) -> dict[str, Any]:
    """A run that shows the number of the page (PAGE) or of all pages (PAGES) instead of its own words."""
    return {**run, "text": what, "counts": "page" if what == PAGE else "pages"}


def say_once(pages: list[Page]) -> list[Page]:
    """Have each header and footer said by the first page that has it; they are drawn on all of them."""
    before = ("", "")
    for number, page in enumerate(pages, 1):
        now = (words_of(page.header), words_of(page.footer))
        said = ["" if new == old else new for new, old in zip(now, before, strict=True)]
        known = [one.replace(PAGE, str(number)).replace(PAGES, str(len(pages))) for one in said]
        page.around = (known[0], known[1])
        before = now
    return pages


def words_of(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(one for one in texts_of(blocks) if one.strip()).strip("\n")


def texts_of(blocks: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The lines of blocks; cells of a row beside each other."""
    for block in blocks:
        if block["kind"] == "table":
            for row in block["rows"]:
                cells = [" ".join(texts_of(cell["blocks"])) for cell in row]
                if block["plain"]:
                    cells = [one for one in cells if one.strip()]
                yield " | ".join(cells).rstrip(" |")
        elif block["kind"] == "box":
            yield from texts_of(block["blocks"])
        else:
            marker = f"{block['marker']} " if block["marker"] else ""
            before = "\n" if block["level"] else ""
            yield before + marker + "".join(said_by(one) for one in block["runs"])
            for one in block["runs"]:
                yield from texts_of(one.get("below", ()))


def said_by(run: dict[str, Any]) -> str:
    if "image" in run:
        return f" [{run['alt']}] " if run["alt"] else ""
    return str(run["text"])


def run_of(
    text: str,
    *,
    size: float = 11,
    bold: bool = False,
    italic: bool = False,
    underline: bool = False,
    colour: str = "000000",
) -> dict[str, Any]:
    """A piece of text that looks the same from end to end; size in points."""
    return {
        "text": text,
        "size": min(max(float(size), 5.0), 96.0),
        "bold": bold,
        "italic": italic,
        "underline": underline,
        "colour": colour,
    }


def paragraph(
    runs: list[dict[str, Any]],
    *,
    level: int = 0,
    indent: float = 0,
    marker: str = "",
    align: str = "left",
) -> dict[str, Any]:
    """`level` is that of a heading, 0 for none; `indent` in points."""
    return {
        "kind": "paragraph",
        "runs": runs,
        "level": level,
        "indent": min(max(indent, 0.0), 200.0),
        "marker": marker,
        "align": align if align in {"left", "center", "right"} else "left",
    }


def cell_of(
    blocks: list[dict[str, Any]], *, x: int, y: int, across: int = 1, down: int = 1, fill: str = ""
) -> dict[str, Any]:
    return {"blocks": blocks, "x": x, "y": y, "across": across, "down": down, "fill": fill}


def table(columns: list[float], rows: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Widths of the columns in points (0: as wide as its words), and the cells of each row with their places."""
    return {"kind": "table", "columns": columns, "rows": rows, "plain": False}


def sides(places: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What stands left, in the middle and right of a header, as one row without lines; empty for nothing."""
    if not any(places):
        return []
    cells = [
        cell_of([paragraph(runs, align=align)] if runs else [], x=x, y=0)
        for x, (runs, align) in enumerate(zip(places, ("left", "center", "right"), strict=True))
    ]
    return [{**table([-1.0] * 3, [cells]), "plain": True}]


def box(
    blocks: list[dict[str, Any]],
    place: tuple[float, float, float, float],
    *,
    fill: str = "",
    line: str = "",
    round_: bool = False,
    middle: bool = False,
) -> dict[str, Any]:
    """Blocks at a place of a slide: left, top, width, height in points. Text is made smaller until it fits."""
    left, top, width, height = place
    return {
        "kind": "box",
        "x": left,
        "y": top,
        "w": max(width, 1.0),
        "h": max(height, 1.0),
        "fill": fill,
        "line": line,
        "round": round_,
        "middle": middle,
        "blocks": blocks,
    }


def brightness(colour: str) -> float:
    """Relative luminance after WCAG 2.2, roughly: without the gamma, which is enough to tell dark from light."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def readable(colour: str, on: str) -> str:
    """The colour, or black or white where it could not be read on what we draw behind it."""
    if not COLOUR.fullmatch(colour):
        colour = "000000"
    if abs(brightness(colour) - brightness(on or "ffffff")) >= 0.35:
        return colour
    return "000000" if brightness(on or "ffffff") > 0.5 else "ffffff"


def decorates(element: Any) -> bool:
    """Whether its author has marked a picture as decoration (Office 2019 and later)."""
    return any(one.get("val") in {"1", "true"} for one in element.iter("{*}decorative"))


def named(alt: str, otherwise: str, *, decorates: bool = False) -> dict[str, Any]:
    """A run that stands for a picture or chart which is not drawn: its own words, or ours."""
    bare = not alt.strip() and not decorates
    return {"image": "", "w": 0, "h": 0, "alt": alt or otherwise, "bare": bare}


class Pictures:
    """Pictures of one document, each decoded once and made small. What cannot be decoded is named instead."""

    def __init__(self) -> None:
        self.made: dict[bytes, tuple[str, int, int]] = {}

    def run(
        self,
        raw: bytes,
        *,
        alt: str,
        decorates: bool = False,
        width: float = 0,
        height: float = 0,
        most: float = 480,
    ) -> dict[str, Any]:
        """The picture as a run, so many points wide and high, or as its pixels have it; never wider than `most`."""
        bare = not alt.strip() and not decorates
        if raw not in self.made:
            self.made[raw] = self._decoded(raw) if len(self.made) < MOST_PICTURES else ("", 0, 0)
        image, wide, high = self.made[raw]
        if not image:
            return named(alt, "A picture that cannot be shown here", decorates=decorates)
        if width <= 0 or height <= 0:
            width, height = wide * 0.75, high * 0.75
        smaller = min(1.0, most / width, 700 / height)
        size = {"w": width * smaller, "h": height * smaller}
        return {"image": image, **size, "alt": alt, "bare": bare}

    @staticmethod
    def _decoded(raw: bytes) -> tuple[str, int, int]:
        kept = io.BytesIO()
        try:
            with Image.open(io.BytesIO(raw), formats=FOR_PICTURES) as picture:
                wide, high = picture.size
                clear = "A" in picture.getbands() or "transparency" in picture.info
                picture.draft("RGB", (SHARPEST, SHARPEST))
                picture.thumbnail((SHARPEST, SHARPEST))
                small = picture.convert("RGBA" if clear else "RGB")
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001  decoders raise anything on a damaged picture
            return "", 0, 0
        small.save(kept, "PNG" if clear else "JPEG")
        kind = "png" if clear else "jpeg"
        inner = base64.b64encode(kept.getvalue()).decode()
        # Typst takes bytes from files, which cannot be opened here, or from a string, which an SVG is.
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
            f' viewBox="0 0 {small.width} {small.height}"><image width="{small.width}"'
            f' height="{small.height}" xlink:href="data:image/{kind};base64,{inner}"/></svg>'
        )
        return svg, wide, high


LAYOUT = """
#let d = json(bytes(sys.inputs.data))
#set text(font: "Libertinus Serif", size: 11pt, lang: "en", hyphenate: false)
#set par(leading: 0.5em, spacing: 0.5em)
#let sides = (left: left, center: center, right: right)
#let run(r, k) = if "image" in r {
  if r.image == "" {
    box(stroke: 0.5pt + luma(120), inset: 4pt, text(size: 9pt * k, fill: luma(60), r.alt))
  } else {
    box(image(bytes(r.image), format: "svg", width: r.w * k * 1pt, height: r.h * k * 1pt))
  }
} else {
  let made = text(
    size: r.size * k * 1pt, fill: rgb(r.colour),
    weight: if r.bold { "bold" } else { "regular" },
    style: if r.italic { "italic" } else { "normal" },
    if r.at("counts", default: "") == "page" { context [#here().page()] }
    else if r.at("counts", default: "") == "pages" { context [#counter(page).final().first()] }
    else { r.text.split("\\n").map(one => [#one]).join(linebreak()) },
  )
  if r.underline { underline(made) } else { made }
}
#let wide(w) = if w < 0 { 1fr } else if w == 0 { auto } else { w * 1pt }
#let shown(blocks, k) = for b in blocks {
  if b.kind == "table" {
    table(
      columns: b.columns.map(wide), stroke: if b.plain { none } else { 0.5pt + luma(150) }, inset: 4pt,
      ..b.rows.flatten().map(c => table.cell(
        x: c.x, y: c.y, colspan: c.across, rowspan: c.down,
        fill: if c.fill == "" { none } else { rgb(c.fill) }, shown(c.blocks, k),
      )),
    )
  } else if b.kind == "box" {
    let inside = calc.max(1, b.w - 10) * 1pt
    let body = context {
      let at = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4).find(s =>
        measure(width: inside, shown(b.blocks, s)).height <= b.h * 1pt)
      shown(b.blocks, if at == none { 0.4 } else { at })
    }
    place(top + left, dx: b.x * 1pt, dy: b.y * 1pt, block(
      width: b.w * 1pt, height: b.h * 1pt, inset: (x: 5pt, y: 0pt),
      fill: if b.fill == "" { none } else { rgb(b.fill) },
      stroke: if b.line == "" { none } else { 0.75pt + rgb(b.line) },
      radius: if b.round { 50% } else { 0pt },
      align(if b.middle { horizon } else { top }, body),
    ))
  } else {
    let body = b.runs.map(r => run(r, k)).join()
    let first = b.runs.find(r => "text" in r)
    let size = if first == none { 11pt } else { first.size * k * 1pt }
    set text(size: size)
    block(
      width: 100%, sticky: b.level > 0,
      above: if b.level > 0 { 1em } else { 0.5em }, below: 0.5em,
      pad(left: b.indent * k * 1pt, align(sides.at(b.align), if b.marker == "" { body } else {
        grid(columns: (auto, 1fr), column-gutter: 0.5em, b.marker, align(left, body))
      })),
    )
    for r in b.runs.filter(r => "below" in r) {
      block(width: 100%, inset: (left: b.indent * k * 1pt), shown(r.below, k))
    }
  }
}
#let beside(at) = if at < 0 { none } else { shown(d.around.at(at), 1.0) }
#for p in d.pages {
  let (above, below) = (beside(p.header), beside(p.footer))
  context {
    let side(it) = if it == none { p.margin * 1pt } else {
      let high = measure(width: calc.max(1, p.width - 2 * p.margin) * 1pt, it).height
      calc.max(p.margin * 1pt, calc.min(high, p.height * 0.3pt) + 24pt)
    }
    let (top, bottom) = (side(above), side(below))
    let least = calc.max(0pt, p.height * 1pt - top - bottom)
    page(
      width: p.width * 1pt, height: if p.flows { p.height * 1pt } else { auto },
      margin: (top: top, bottom: bottom, rest: p.margin * 1pt), fill: rgb(p.fill),
      header: above, footer: below, header-ascent: 12pt, footer-descent: 12pt,
      if p.flows { shown(p.blocks, 1.0) } else {
        grid(columns: (0pt, 1fr), block(height: least), block(width: 100%, shown(p.blocks, 1.0)))
      },
    )
  }
}
"""


@functools.cache
def fonts() -> Any:
    """The typefaces that come with Typst; those of the machine are not looked at."""
    import typst  # noqa: PLC0415  large, and wanted for Office documents only

    return typst.Fonts(include_system_fonts=False)


def warm() -> None:
    """Have Typst start what it starts once, before nothing can be started any more."""
    _compiled(b"#set page(width: 1pt, height: 1pt)", "{}")


def _compiled(layout: bytes, data: str) -> bytes:
    import typst  # noqa: PLC0415

    made = typst.compile(
        layout,
        root="/",
        font_paths=fonts(),
        ignore_system_fonts=True,
        pdf_tags=False,
        sys_inputs={"data": data},
    )
    return bytes(made)


def laid_out(pages: list[Page]) -> bytes:
    """A PDF of the pages, only to be drawn from. Raises what Typst raises, or TooLong."""
    # A header with its pictures is handed over once, whichever pages have it.
    around: dict[int, int] = {}
    kept: list[list[dict[str, Any]]] = []
    drawn = [one.drawn for one in pages]
    for page in drawn:
        for name in ("header", "footer"):
            blocks = page[name]
            if blocks and id(blocks) not in around:
                around[id(blocks)] = len(kept)
                kept.append(blocks)
            page[name] = around[id(blocks)] if blocks else -1
    data = {"pages": drawn, "around": kept}
    if sum(map(runs_in, [*(one.blocks for one in pages), *kept])) > MOST_RUNS:
        raise TooLong
    return _compiled(LAYOUT.encode(), json.dumps(data))


def runs_of(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every run, wherever it stands."""
    for block in blocks:
        if block["kind"] == "table":
            for cell in (cell for row in block["rows"] for cell in row):
                yield from runs_of(cell["blocks"])
        elif block["kind"] == "box":
            yield from runs_of(block["blocks"])
        else:
            yield from block["runs"]


def runs_in(blocks: list[dict[str, Any]]) -> int:
    total = 0
    for block in blocks:
        if block["kind"] == "table":
            total += sum(1 + runs_in(cell["blocks"]) for row in block["rows"] for cell in row)
        elif block["kind"] == "box":
            total += runs_in(block["blocks"])
        else:
            total += len(block["runs"])
            total += sum(runs_in(one["below"]) for one in block["runs"] if "below" in one)
    return total
