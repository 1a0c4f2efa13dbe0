"""Presentations (PPTX) as pages: one for each slide, its shapes at their places. Notes come with the text.

Charts and diagrams come as their numbers and words; animations and transitions are not there. Runs in the
helper's child only.
"""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from portfolios.inspection.charts import (
    DIAGRAM,
    NEWER_CHART,
    NOT_DRAWN,
    chart_run,
    diagram_run,
)
from portfolios.inspection.office import (
    COLOUR,
    Page,
    Pictures,
    box,
    cell_of,
    decorates,
    named,
    paragraph,
    readable,
    run_of,
    table,
)

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
POINT = 12_700
TITLES = {"TITLE", "CENTER_TITLE", "VERTICAL_TITLE"}
BODY_SIZES = (26.0, 22.0, 18.0, 16.0, 16.0)
DEEPEST = 8
"""Groups inside groups."""
Place = tuple[float, float, float, float]


def pages_of(source: BinaryIO) -> list[Page]:
    """One page for each slide, in order."""
    import pptx  # noqa: PLC0415  prepared before the limits

    deck = pptx.Presentation(source)
    wide, high = (deck.slide_width or 9_144_000) / POINT, (deck.slide_height or 6_858_000) / POINT
    pictures = Pictures()
    pages = []
    for number, slide in enumerate(deck.slides, 1):
        page = Page(width=wide, height=high, margin=0, label=f"Slide {number}")
        painter = Painter(slide, pictures)
        page.fill = painter.background() or "ffffff"
        painter.behind = page.fill
        layers = [
            *(one for one in slide.slide_layout.slide_master.shapes if not one.is_placeholder),
            *(one for one in slide.slide_layout.shapes if not one.is_placeholder),
            *slide.shapes,
        ]
        for shape in layers:
            page.blocks += painter.blocks(shape, (0.0, 0.0, 1.0, 1.0))
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            page.notes = slide.notes_slide.notes_text_frame.text.strip()
        pages.append(page)
    return pages


class Painter:
    """Shapes of one slide as boxes."""

    def __init__(self, slide: Any, pictures: Pictures) -> None:
        self.slide, self.pictures = slide, pictures
        self.theme = _theme(slide.slide_layout.slide_master)
        self.behind = "ffffff"

    def background(self) -> str:
        for one in (self.slide, self.slide.slide_layout, self.slide.slide_layout.slide_master):
            found = one._element.cSld.find(".//{*}bg")
            if found is not None:
                solid = found.find(f".//{A}solidFill")
                return self.colour(found if solid is None else solid)
        return ""

    def colour(self, holder: Any) -> str:
        """The first plain or theme colour inside; empty where there is none."""
        if holder is None:
            return ""
        for one in holder.iter(f"{A}srgbClr", f"{A}schemeClr", f"{A}sysClr"):
            value = one.get("lastClr") or one.get("val") or ""
            value = self.theme.get(value, value)
            return value if COLOUR.fullmatch(value) else ""
        return ""

    def blocks(self, shape: Any, frame: Place, depth: int = 0) -> Iterator[dict[str, Any]]:
        """`frame` is how a group moves and stretches what is in it: left, top, across, down."""
        place = _place(shape, frame)
        if place is None or depth > DEEPEST:
            return
        kind = getattr(shape.shape_type, "name", "") if not shape.is_placeholder else ""
        if hasattr(shape, "shapes"):
            inner = _inner(shape, frame)
            for one in shape.shapes:
                yield from self.blocks(one, inner, depth + 1)
        elif getattr(shape, "has_table", False):
            yield box([self.table(shape.table, place[2])], place)
        elif getattr(shape, "has_chart", False):
            yield self.told(shape, chart_run, shape.chart_part, place)
        elif shape._element.tag.endswith("}pic"):
            yield self.picture(shape, place)
        elif shape._element.tag.endswith("}graphicFrame"):
            if shape._element.find(f".//{NEWER_CHART}") is not None:
                yield self.instead(shape, NOT_DRAWN, place)
                return
            found = shape._element.find(f".//{DIAGRAM}relIds")
            key = found.get(f"{R}dm") if found is not None else None
            part = shape.part.rels[key].target_part if key in shape.part.rels else None
            yield self.told(shape, diagram_run, part, place)
        elif getattr(shape, "has_text_frame", False):
            properties = shape._element.find("{*}spPr")
            solid = properties.find(f"{A}solidFill") if properties is not None else None
            line = properties.find(f"{A}ln/{A}solidFill") if properties is not None else None
            fill = self.colour(solid)
            words = list(self.words(shape, fill or self.behind))
            if words or fill or line is not None:
                oval = properties is not None and any(
                    one.get("prst") == "ellipse" for one in properties.iter(f"{A}prstGeom")
                )
                yield box(
                    words,
                    place,
                    fill=fill,
                    line=self.colour(line),
                    round_=oval,
                    middle=_placeholder(shape) in TITLES or kind == "AUTO_SHAPE",
                )

    def told(
        self, shape: Any, make: Callable[..., dict[str, Any]], part: Any, place: Place
    ) -> dict[str, Any]:
        """A chart or diagram as what it says, made smaller until it fits."""
        raw = part.blob if part is not None else b""
        run = make(raw, _described(shape), decorates=self.decorates(shape), size=14.0)
        return box([paragraph([run])], place, line="777777")

    def instead(self, shape: Any, otherwise: str, place: Place) -> dict[str, Any]:
        run = named(_described(shape), otherwise, decorates=self.decorates(shape))
        return box([paragraph([run])], place, line="777777", middle=True)

    def decorates(self, shape: Any) -> bool:
        """What is marked so, and what every slide has from its layout."""
        return decorates(shape._element) or shape.part is not self.slide.part

    def picture(self, shape: Any, place: Place) -> dict[str, Any]:
        try:
            raw = shape.image.blob
        except (AttributeError, KeyError, ValueError):
            return self.instead(shape, "A picture that cannot be shown here", place)
        left, top, wide, high = place
        run = self.pictures.run(
            raw,
            alt=_described(shape),
            decorates=self.decorates(shape),
            width=wide,
            height=high,
            most=max(wide, 1.0),
        )
        # A box leaves five points at each side for text.
        return box([paragraph([run])], (left - 5, top - 6, wide + 10, high + 12))

    def words(self, shape: Any, behind: str) -> Iterator[dict[str, Any]]:
        title = _placeholder(shape) in TITLES
        body = shape.is_placeholder and not title
        for one in shape.text_frame.paragraphs:
            if not one.text.strip():
                continue
            level = min(one.level, 4)
            size = 36.0 if title else BODY_SIZES[level] if body else 18.0
            runs = []
            for run in one.runs:
                found = run.font
                runs.append(
                    run_of(
                        run.text.replace("\v", "\n"),
                        size=found.size.pt if found.size else size,
                        bold=bool(found.bold),
                        italic=bool(found.italic),
                        underline=bool(found.underline),
                        colour=readable(
                            self.colour(run._r.find(f"{A}rPr/{A}solidFill")),
                            behind,
                        ),
                    )
                )
            if not runs:
                runs = [run_of(one.text, size=size, colour=readable("000000", behind))]
            align = {"CENTER": "center", "RIGHT": "right"}.get(
                getattr(one.alignment, "name", ""), "center" if title else "left"
            )
            dotted = body and _placeholder(shape) in {"BODY", "OBJECT"}
            yield paragraph(
                runs,
                level=1 if title else 0,
                indent=18.0 * level,
                marker="•" if dotted else "",
                align=align,
            )

    def table(self, found: Any, room: float) -> dict[str, Any]:
        widths = [max(one.width / POINT, 4.0) for one in found.columns]
        scale = min(1.0, max(room - 10, 10.0) / sum(widths))
        rows = []
        for y, row in enumerate(found.rows):
            cells = []
            for x, one in enumerate(row.cells):
                if one.is_spanned:
                    continue
                text = [paragraph([run_of(one.text, size=14, bold=not y)])] if one.text else []
                across, down = (one.span_width, one.span_height) if one.is_merge_origin else (1, 1)
                cells.append(cell_of(text, x=x, y=y, across=across, down=down))
            rows.append(cells)
        return table([one * scale for one in widths], rows)


def _placeholder(shape: Any) -> str:
    return str(shape.placeholder_format.type.name) if shape.is_placeholder else ""


def _described(shape: Any) -> str:
    for one in shape._element.iter("{*}cNvPr"):
        return str(one.get("descr") or "")
    return ""


def _place(shape: Any, frame: Place) -> Place | None:
    if None in {shape.left, shape.top, shape.width, shape.height}:
        return None
    left, top, across, down = frame
    return (
        left + shape.left / POINT * across,
        top + shape.top / POINT * down,
        shape.width / POINT * across,
        shape.height / POINT * down,
    )


def _inner(group: Any, frame: Place) -> Place:
    """How what is in a group is moved and stretched: its own system of places against its frame."""
    left, top, across, down = frame
    found = group._element.find(".//{*}xfrm")
    start, size = (
        (found.find(f"{A}chOff"), found.find(f"{A}chExt")) if found is not None else (None, None)
    )
    if start is None or size is None or not int(size.get("cx", 0)) or not int(size.get("cy", 0)):
        return frame
    wider = group.width / int(size.get("cx"))
    higher = group.height / int(size.get("cy"))
    return (
        left + (group.left - int(start.get("x", 0)) * wider) / POINT * across,
        top + (group.top - int(start.get("y", 0)) * higher) / POINT * down,
        across * wider,
        down * higher,
    )


def _theme(master: Any) -> dict[str, str]:
    """Names of theme colours and what they are in this presentation."""
    from pptx.oxml import parse_xml  # noqa: PLC0415

    for one in master.part.rels.values():
        if one.reltype.endswith("/theme") and not one.is_external:
            root = parse_xml(one.target_part.blob)
            scheme = root.find(f".//{A}clrScheme")
            if scheme is None:
                return {}
            found = {}
            for colour in scheme:
                inner = next(iter(colour), None)
                value = (inner.get("lastClr") or inner.get("val")) if inner is not None else ""
                found[colour.tag.rpartition("}")[2]] = str(value)
            names = {"tx1": "dk1", "tx2": "dk2", "bg1": "lt1", "bg2": "lt2"}
            return found | {name: found.get(key, "") for name, key in names.items()}
    return {}
