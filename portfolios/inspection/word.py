"""Text documents (DOCX) as pages of blocks: headings, lists, tables and pictures, in reading order, and around
them the headers and footers of their sections.

Word notes where its pages broke when the document was saved; where it did, our pages break there too, so
that “page 3” means the same. Runs in the helper's child only.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, BinaryIO

from portfolios.inspection.charts import (
    DIAGRAM,
    NEWER_CHART,
    NOT_DRAWN,
    C,
    chart_run,
    diagram_run,
)
from portfolios.inspection.office import (
    COLOUR,
    PAGE,
    PAGES,
    Page,
    Pictures,
    cell_of,
    counted,
    decorates,
    named,
    paragraph,
    readable,
    run_of,
    said_by,
    say_once,
    table,
)

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
VML = "{urn:schemas-microsoft-com:vml}imagedata"
POINT = 12_700
"""English metric units in a point."""
TWIP = 20
HEADING_SIZES = (11.0, 20.0, 16.0, 13.0, 12.0, 11.0, 11.0)
MOST_PAGES = 300
COUNTED = {"PAGE": PAGE, "NUMPAGES": PAGES}
"""Fields whose number depends on the page; of all others the result is drawn that Word has kept."""
Blocks = list[dict[str, Any]]


def pages_of(source: BinaryIO) -> list[Page]:
    """The pages of a text document. Without notes of Word's page breaks, one that flows."""
    import docx  # noqa: PLC0415  prepared before the limits

    return Reader(docx.Document(source)).read()


class Reader:
    """Goes through a document once."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.part = document.part
        self.body = document.element.body
        self.known = self.body.find(f".//{W}lastRenderedPageBreak") is not None
        self.pictures = Pictures()
        self.styles: dict[str, dict[str, Any]] = {}
        self.counters: dict[tuple[str, int], int] = defaultdict(int)
        self.sections = sections_of(self.body)
        self.section, self.begins = 0, True
        self.arounds: dict[Any, Blocks] = {}
        self.fields: list[str] | None = None
        """The fields that are open at this place of a header; None where fields show what Word has kept."""
        self.pages = [self.dressed(Page(flows=not self.known), 1)]

    def dressed(self, page: Page, number: int) -> Page:
        """The page with the size, header and footer of the section that goes on now."""
        section = self.sections[self.section] if self.sections else None
        size = section.find(f"{W}pgSz") if section is not None else None
        wide, high = (_number(size, "w") / TWIP, _number(size, "h") / TWIP)
        if 100 < wide < 2000 and 100 < high < 2000:
            page.width, page.height = wide, high
        if section is not None:
            kind = "default"
            if self.begins and _on(section.find(f"{W}titlePg")):
                kind = "first"
            elif number % 2 == 0 and self.tells_sides():
                kind = "even"
            room = page.width - 2 * page.margin
            page.header = self.around("headerReference", kind, room)
            page.footer = self.around("footerReference", kind, room)
        self.begins = False
        return page

    def tells_sides(self) -> bool:
        """Whether pages with even numbers have headers of their own."""
        try:
            settings = self.document.settings.element
        except (OSError, KeyError):  # a document without settings; the library would open its own
            return False
        return _on(settings.find(f"{W}evenAndOddHeaders"))

    def around(self, tag: str, kind: str, room: float) -> Blocks:
        """A header or footer; where a section has none of its own, that of the section before."""
        for section in reversed(self.sections[: self.section + 1]):
            for one in section.iterchildren(f"{W}{tag}"):
                if one.get(f"{W}type", "default") == kind:
                    return self.around_in(self.part.related_parts.get(one.get(f"{R}id")), room)
        return []

    def around_in(self, part: Any, room: float) -> Blocks:
        """The blocks of such a part, made once. Nobody is asked to describe its pictures on each page."""
        from docx.oxml import parse_xml  # noqa: PLC0415

        if part is None:
            return []
        if part not in self.arounds:
            outer, self.part, self.fields = self.part, part, []
            try:
                made = self.inside(parse_xml(part.blob), room)
            finally:
                self.part, self.fields = outer, None
            self.arounds[part] = made if has_content(made) else []
        return self.arounds[part]

    @property
    def room(self) -> float:
        """Points between the margins."""
        page = self.pages[-1]
        return page.width - 2 * page.margin

    def turn(self) -> None:
        """A new page, unless nothing stands on this one yet: Word notes a break that somebody made twice."""
        if has_content(self.pages[-1].blocks) and len(self.pages) < MOST_PAGES:
            self.pages.append(self.dressed(Page(flows=not self.known), len(self.pages) + 1))

    def read(self) -> list[Page]:
        for block in self.blocks_in(self.body):
            if block.tag == f"{W}p":
                for piece in self.paragraph(block):
                    if piece is None:
                        self.turn()
                    else:
                        self.pages[-1].blocks.append(piece)
            else:
                self.tables(block)
            if block.find(f"{W}pPr/{W}sectPr") is not None:
                self.next_section()
        self.footnotes()
        return say_once(self.pages)

    def next_section(self) -> None:
        """What follows has other margins, headers and footers; Word notes the break itself where it notes any."""
        if self.section + 1 >= len(self.sections):
            return
        self.section += 1
        self.begins = True
        kind = self.sections[self.section].find(f"{W}type")
        if not self.known and (kind is None or kind.get(f"{W}val") != "continuous"):
            self.turn()

    def footnotes(self) -> None:
        """All at the end, with the numbers that stand in the text."""
        from docx.oxml import parse_xml  # noqa: PLC0415

        for one in self.part.rels.values():
            if not one.reltype.endswith("/footnotes") or one.is_external:
                continue
            for note in parse_xml(one.target_part.blob).iter(f"{W}footnote"):
                words = "".join(text.text or "" for text in note.iter(f"{W}t")).strip()
                if words:
                    runs = [run_of(words, size=9)]
                    marker = f"[{note.get(f'{W}id', '')}]"
                    self.pages[-1].blocks.append(paragraph(runs, marker=marker))

    def blocks_in(self, holder: Any) -> Iterator[Any]:
        """Paragraphs and tables, also those inside content controls."""
        for one in holder:
            if one.tag in {f"{W}p", f"{W}tbl"}:
                yield one
            elif one.tag == f"{W}sdt":
                content = one.find(f"{W}sdtContent")
                if content is not None:
                    yield from self.blocks_in(content)

    # Paragraphs -----------------------------------------------------------------------------------

    def look_of(self, name: str) -> dict[str, Any]:
        """What a style says, with what it takes over from the styles that it is based on."""
        if name in self.styles:
            return self.styles[name]
        look: dict[str, Any] = {"name": name, "level": 0}
        self.styles[name] = look  # a style that is based on itself ends here
        found = self.style(name)
        if found is None:
            return look
        based = found.find(f"{W}basedOn")
        if based is not None:
            look |= self.look_of(based.get(f"{W}val", ""))
        title = found.find(f"{W}name")
        called = (title.get(f"{W}val", "") if title is not None else name).lower()
        look["name"] = called
        if called == "title":
            look["level"] = 1
        elif called.startswith("heading ") and called[8:9].isdigit():
            look["level"] = min(6, int(called[8:9]))
        look |= _look(found.find(f"{W}rPr"))
        inner = found.find(f"{W}pPr")
        if inner is not None:
            look |= _paragraph_look(inner)
        return look

    def style(self, name: str) -> Any:
        try:
            styles = self.document.styles.element
        except (OSError, KeyError):  # a document without styles; the library would open its own
            return None
        return next(
            (one for one in styles.iter(f"{W}style") if one.get(f"{W}styleId") == name), None
        )

    def paragraph(self, element: Any, most: float = 0) -> Iterator[dict[str, Any] | None]:
        """The paragraph as one block, or several with None between where a page breaks inside it."""
        own = element.find(f"{W}pPr")
        style = own.find(f"{W}pStyle") if own is not None else None
        look = dict(self.look_of(style.get(f"{W}val", "") if style is not None else "Normal"))
        if own is not None:
            look |= _paragraph_look(own)
            if _on(own.find(f"{W}pageBreakBefore")):
                yield None
        level = int(look.get("level", 0))
        size = look.get("size") or HEADING_SIZES[level]
        marker = self.marker(look)
        steps = int(look.get("depth", 0)) + 1 if marker else 0
        indent = max(18.0 * steps, look.get("indent", 0) if not marker else 0)
        runs: list[dict[str, Any]] = []
        broken = False

        def block() -> dict[str, Any]:
            return paragraph(
                runs, level=level, indent=indent, marker=marker, align=look.get("align", "left")
            )

        for run in element.iter(f"{W}r"):
            if any(above.tag in {FALLBACK, f"{W}del"} for above in run.iterancestors()):
                continue
            if self.is_of_field(run):
                runs += self.numbers(run, {**look, "size": size, **_look(run.find(f"{W}rPr"))})
                continue
            for piece in self.pieces(run, {**look, "size": size}, most or self.room):
                if piece is not None:
                    runs.append(piece)
                    continue
                if any(said_by(one).strip() or "image" in one for one in runs):
                    yield block()
                    runs, marker = [], ""
                broken = True
                yield None
        if runs or not (level or broken):
            yield block()

    def pieces(
        self, run: Any, look: dict[str, Any], most: float
    ) -> Iterator[dict[str, Any] | None]:
        look = look | _look(run.find(f"{W}rPr"))
        if look.get("hidden"):
            return
        text = ""
        for one in run:
            if one.tag == f"{W}t":
                text += one.text or ""
            elif one.tag in {f"{W}tab", f"{W}ptab"}:
                text += "    "
            elif one.tag == f"{W}noBreakHyphen":
                text += "-"
            elif one.tag == f"{W}footnoteReference":
                text += f"[{one.get(f'{W}id', '')}]"
            elif one.tag == f"{W}lastRenderedPageBreak" or (
                one.tag == f"{W}br" and one.get(f"{W}type") == "page"
            ):
                if text:
                    yield _run(text, look)
                text = ""
                yield None
            elif one.tag in {f"{W}br", f"{W}cr"}:
                text += "\n"
            elif one.tag in {f"{W}drawing", f"{W}pict", f"{W}object"} or "AlternateContent" in str(
                one.tag
            ):
                if text:
                    yield _run(text, look)
                text = ""
                yield from self.drawing(one, most)
        if text:
            yield _run(text, look)

    def numbers(self, run: Any, look: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Numbers that depend on the page, for a run that is part of such a field."""
        if run.getparent().tag == f"{W}fldSimple":
            if run.getprevious() is None:
                yield counted(_run("", look), counted_by(run))
            return
        for one in run:
            if one.tag == f"{W}instrText" and self.fields:
                self.fields[-1] += one.text or ""
            elif one.tag == f"{W}fldChar" and self.fields is not None:
                kind = one.get(f"{W}fldCharType")
                if kind == "begin":
                    self.fields.append("")
                elif kind == "end" and self.fields and (number := _counts(self.fields.pop())):
                    yield counted(_run("", look), number)

    def is_of_field(self, run: Any) -> bool:
        """Whether a run is part of a field, or stands for a number that we know better than Word's last save."""
        if self.fields is None:
            return False
        inside = any(_counts(one) for one in self.fields)
        marks = run.find(f"{W}fldChar") is not None or run.find(f"{W}instrText") is not None
        return inside or marks or bool(counted_by(run))

    def drawing(self, element: Any, most: float) -> Iterator[dict[str, Any]]:
        described = element.find(f".//{DRAWING}docPr")
        alt = (described.get("descr") or "") if described is not None else ""
        size = element.find(f".//{DRAWING}extent")
        wide, high = (
            (_plain(size, "cx") / POINT, _plain(size, "cy") / POINT)
            if size is not None
            else (0.0, 0.0)
        )
        for one in element.iter(f"{C}chart", f"{DIAGRAM}relIds", NEWER_CHART):
            if one.tag == NEWER_CHART:
                yield named(alt, NOT_DRAWN, decorates=decorates(element))
                continue
            chart = one.tag == f"{C}chart"
            related = self.part.related_parts.get(one.get(f"{R}id" if chart else f"{R}dm"))
            made = chart_run if chart else diagram_run
            yield made(
                related.blob if related is not None else b"", alt, decorates=decorates(element)
            )
        for one in element.iter(f"{A}blip", VML):
            if any(above.tag == FALLBACK for above in one.iterancestors()):
                continue
            key = one.get(f"{R}embed") or one.get(f"{R}id")
            related = self.part.related_parts.get(key)
            if related is not None:
                yield self.pictures.run(
                    related.blob,
                    alt=alt,
                    decorates=decorates(element),
                    width=wide,
                    height=high,
                    most=most,
                )

    def marker(self, look: dict[str, Any]) -> str:
        """The mark of a list's item: a dot, a number or a letter."""
        number, depth = str(look.get("list", "")), int(look.get("depth", 0))
        called = str(look["name"])
        if number in {"", "0"}:
            if called.startswith("list bullet"):
                return "•"
            if not called.startswith("list number"):
                return ""
            number = called
        kind = self.kind_of(number, depth)
        if kind == "bullet":
            return "•"
        if kind == "none":
            return ""
        self.counters[number, depth] += 1
        for deeper in [key for key in self.counters if key[0] == number and key[1] > depth]:
            del self.counters[deeper]
        count = self.counters[number, depth]
        if kind in {"lowerLetter", "upperLetter"}:
            letter = chr(ord("a") + (count - 1) % 26)
            return f"{letter.upper() if kind == 'upperLetter' else letter}."
        return f"{count}."

    def kind_of(self, number: str, depth: int) -> str:
        """How a list counts at this depth, by its definition."""
        try:
            root = self.document.part.numbering_part.element
        except (NotImplementedError, KeyError, OSError):
            return "decimal"
        for one in root.iter(f"{W}num"):
            if one.get(f"{W}numId") == number:
                wanted = one.find(f"{W}abstractNumId").get(f"{W}val")
                for kind in root.iter(f"{W}abstractNum"):
                    if kind.get(f"{W}abstractNumId") == wanted:
                        for level in kind.iter(f"{W}lvl"):
                            if level.get(f"{W}ilvl") == str(depth):
                                found = level.find(f"{W}numFmt")
                                return found.get(f"{W}val", "decimal") if found is not None else ""
        return "decimal"

    # Tables ---------------------------------------------------------------------------------------

    def tables(self, element: Any) -> None:
        """The table, cut where Word noted that a page ends inside it."""
        rows: list[Any] = []
        for row in element.iterchildren(f"{W}tr"):
            if self.known and rows and row.find(f".//{W}lastRenderedPageBreak") is not None:
                self.pages[-1].blocks.append(self.table(element, rows, self.room))
                self.turn()
                rows = []
            rows.append(row)
        if rows:
            self.pages[-1].blocks.append(self.table(element, rows, self.room))

    def table(self, element: Any, rows: list[Any], room: float) -> dict[str, Any]:
        widths = [_number(one, "w") / TWIP for one in element.iterfind(f"{W}tblGrid/{W}gridCol")]
        count = max([len(widths), *(_across(row) for row in rows)])
        widths = [one if one > 0 else room / count for one in widths]
        widths += [room / count] * (count - len(widths))
        scale = min(1.0, room / sum(widths))
        widths = [one * scale for one in widths]
        made: list[list[dict[str, Any]]] = []
        above: dict[int, dict[str, Any]] = {}
        for y, row in enumerate(rows):
            cells: list[dict[str, Any]] = []
            x = 0
            for one in row.iterchildren(f"{W}tc"):
                inner = one.find(f"{W}tcPr")
                across = max(1, min(_span(inner), count - x))
                if x >= count:
                    break
                merge = inner.find(f"{W}vMerge") if inner is not None else None
                if merge is not None and merge.get(f"{W}val") != "restart" and x in above:
                    above[x]["down"] += 1
                    x += across
                    continue
                wide = sum(widths[x : x + across]) - 8
                cell = cell_of(self.inside(one, wide), x=x, y=y, across=across, fill=_fill(inner))
                above[x] = cell
                cells.append(cell)
                x += across
            made.append(cells)
        return table(widths, made)

    def inside(self, cell: Any, room: float) -> Blocks:
        blocks: Blocks = []
        for one in self.blocks_in(cell):
            if one.tag == f"{W}tbl":
                rows = list(one.iterchildren(f"{W}tr"))
                if rows:
                    blocks.append(self.table(one, rows, max(room, 20.0)))
            else:
                blocks += [piece for piece in self.paragraph(one, max(room, 20.0)) if piece]
        return blocks


def sections_of(body: Any) -> list[Any]:
    """What is said of each section of the document, in order."""
    inner = (one.find(f"{W}pPr/{W}sectPr") for one in body.iter(f"{W}p"))
    last = body.find(f"{W}sectPr")
    return [one for one in (*inner, last) if one is not None]


def counted_by(run: Any) -> str:
    """What stands for the number, where the run is the result of a field that is written as one element."""
    holder = run.getparent()
    return _counts(holder.get(f"{W}instr", "")) if holder.tag == f"{W}fldSimple" else ""


def _counts(instruction: str) -> str:
    words = instruction.split()
    return COUNTED.get(words[0].upper(), "") if words else ""


def has_content(blocks: Blocks) -> bool:
    """Whether more than empty lines stands there."""
    return any(
        one["kind"] == "table" or any(said_by(run).strip() or "image" in run for run in one["runs"])
        for one in blocks
    )


def _number(element: Any, name: str) -> float:
    try:
        return float(element.get(f"{W}{name}", 0)) if element is not None else 0.0
    except ValueError:
        return 0.0


def _plain(element: Any, name: str) -> float:
    try:
        return float(element.get(name, 0))
    except ValueError:
        return 0.0


def _on(element: Any) -> bool:
    return element is not None and element.get(f"{W}val", "true") not in {"0", "false", "none"}


def _look(properties: Any) -> dict[str, Any]:
    """What the properties of a run say; nothing of what they leave open."""
    if properties is None:
        return {}
    look: dict[str, Any] = {}
    for name, tag in (("bold", "b"), ("italic", "i"), ("underline", "u"), ("hidden", "vanish")):
        found = properties.find(f"{W}{tag}")
        if found is not None:
            look[name] = _on(found)
    size = properties.find(f"{W}sz")
    if size is not None and _number(size, "val"):
        look["size"] = _number(size, "val") / 2
    colour = properties.find(f"{W}color")
    if colour is not None and COLOUR.fullmatch(colour.get(f"{W}val", "")):
        look["colour"] = colour.get(f"{W}val")
    return look


def _paragraph_look(properties: Any) -> dict[str, Any]:
    look: dict[str, Any] = {}
    sides = properties.find(f"{W}jc")
    if sides is not None:
        look["align"] = {"end": "right"}.get(sides.get(f"{W}val"), sides.get(f"{W}val"))
    indent = properties.find(f"{W}ind")
    if indent is not None:
        look["indent"] = max(_number(indent, "left"), _number(indent, "start")) / TWIP
    numbered = properties.find(f"{W}numPr")
    if numbered is not None:
        for name, tag in (("list", "numId"), ("depth", "ilvl")):
            found = numbered.find(f"{W}{tag}")
            if found is not None:
                value = found.get(f"{W}val", "0")
                look[name] = value if name == "list" else int(value) if value.isdigit() else 0
    return look


def _run(text: str, look: dict[str, Any]) -> dict[str, Any]:
    level = int(look.get("level", 0))
    return run_of(
        text,
        size=look.get("size") or HEADING_SIZES[level],
        bold=bool(look.get("bold", level > 0)),
        italic=bool(look.get("italic")),
        underline=bool(look.get("underline")),
        colour=readable(look.get("colour", "000000"), "ffffff"),
    )


def _span(properties: Any) -> int:
    found = properties.find(f"{W}gridSpan") if properties is not None else None
    return max(1, int(_number(found, "val"))) if found is not None else 1


def _across(row: Any) -> int:
    return sum(_span(one.find(f"{W}tcPr")) for one in row.iterchildren(f"{W}tc"))


def _fill(properties: Any) -> str:
    found = properties.find(f"{W}shd") if properties is not None else None
    value = found.get(f"{W}fill", "") if found is not None else ""
    # The text of a cell is drawn dark, so what is behind it stays light.
    return value if COLOUR.fullmatch(value) and _light(value) else ""


def _light(colour: str) -> bool:
    return readable("000000", colour) == "000000"
