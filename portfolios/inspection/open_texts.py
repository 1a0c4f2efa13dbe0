"""Text documents (ODT) as pages of blocks: headings, lists, tables and pictures, in reading order.

Pages break where the program noted it when it saved, and where somebody made a break. Without a note the
text flows. Runs in the helper's child only.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from portfolios.inspection.office import (
    Page,
    cell_of,
    paragraph,
    readable,
    run_of,
    say_once,
    table,
)
from portfolios.inspection.open_parts import (
    DEEPEST,
    OFFICE,
    STYLE,
    TABLE,
    TEXT,
    Document,
    Element,
    count_of,
)
from portfolios.inspection.word import HEADING_SIZES, MOST_PAGES, has_content

MOST_COLUMNS = 60
MOST_ROWS = 2000
HOLDERS = {f"{TEXT}section", f"{TEXT}index-body", f"{TEXT}table-of-content", f"{TEXT}index-title"}
INDEXES = ("alphabetical-index", "bibliography", "illustration-index", "table-index", "user-index")
HOLDERS |= {f"{TEXT}{name}" for name in (*INDEXES, "object-index")}
ROWS = {f"{TABLE}table-header-rows", f"{TABLE}table-rows", f"{TABLE}table-row-group"}
COLUMNS = {f"{TABLE}table-columns", f"{TABLE}table-header-columns", f"{TABLE}table-column-group"}


def pages_of(source: BinaryIO) -> list[Page]:
    """The pages of a text document."""
    document = Document(source)
    body = document.body.find(f"{OFFICE}text") if document.body is not None else None
    return Reader(document).read(body) if body is not None else [Page()]


class Blocks:
    """Paragraphs, lists and tables as blocks; None where a page breaks."""

    def __init__(self, document: Document, room: float) -> None:
        self.document, self.room = document, room
        self.notes: list[tuple[str, str]] = []
        self.base: dict[str, Any] = {}
        self.behind = ""
        self.master = ""
        """The master page that a paragraph has asked for where a page breaks now."""

    def of(
        self, holder: Element, room: float = 0, depth: int = 0
    ) -> Iterator[dict[str, Any] | None]:
        """What stands in an element, in order."""
        if depth > DEEPEST:
            return
        for one in holder:
            if one.tag in {f"{TEXT}p", f"{TEXT}h"}:
                yield from self.paragraph(one, room or self.room)
            elif one.tag == f"{TEXT}list":
                yield from self.items(one, room or self.room)
            elif one.tag == f"{TABLE}table":
                if (found := self.table(one, room or self.room)) is not None:
                    yield found
            elif one.tag == f"{TEXT}soft-page-break":
                yield None
            elif one.tag in HOLDERS:
                yield from self.of(one, room, depth + 1)

    def look(self, element: Element) -> dict[str, Any]:
        return {
            **self.base,
            **self.document.look_of("paragraph", element.get(f"{TEXT}style-name")),
        }

    def paragraph(
        self, element: Element, room: float, *, marker: str = "", depth: int = 0
    ) -> Iterator[dict[str, Any] | None]:
        """One block, or several where a page breaks inside it; text boxes follow the paragraph they hang on."""
        look = self.look(element)
        level = self.level(element, look)
        look["size"] = look.get("size") or HEADING_SIZES[level]
        look["bold"] = look.get("bold", level > 0)
        shape = {"level": level, "align": look.get("align", "left"), "indent": 18.0 * depth}
        if look.get("breaks") or look.get("master"):
            self.master = str(look.get("master", ""))
            yield None
        runs: list[dict[str, Any]] = []
        boxes: list[Element] = []
        for one in self.document.runs(element, look, room):
            if isinstance(one, dict):
                runs.append(self.seen(one))
            elif one.tag == f"{TEXT}note":
                runs.append(self.note(one, look))
            elif one.tag != f"{TEXT}soft-page-break":
                boxes.append(one)
            else:
                if runs:
                    yield paragraph(runs, marker=marker, **shape)
                    runs, marker = [], ""
                yield None
        if runs or not (level or boxes):
            yield paragraph(runs, marker=marker, **shape)
        yield from self.boxes(boxes, room)
        if look.get("breaks_after"):
            yield None

    def boxes(self, boxes: list[Element], room: float) -> Iterator[dict[str, Any] | None]:
        """What hangs on a paragraph: text boxes, shapes with words, and tables in frames."""
        for one in boxes:
            if one.tag != f"{TABLE}table":
                yield from self.of(one, room, DEEPEST // 2)
            elif (found := self.table(one, room)) is not None:
                yield found

    def seen(self, run: dict[str, Any]) -> dict[str, Any]:
        """The run in a colour that can be read on what is behind it."""
        if "colour" in run:
            run["colour"] = readable(run["colour"], self.behind)
        return run

    @staticmethod
    def level(element: Element, look: dict[str, Any]) -> int:
        """That of a heading, 0 for none."""
        if element.tag == f"{TEXT}h":
            return count_of(element, f"{TEXT}outline-level", 6)
        return int(str(look.get("name", "")).lower() == "title")

    def note(self, note: Element, look: dict[str, Any]) -> dict[str, Any]:
        """The number of a note where it stands; its words are kept for the end."""
        mark = f"[{(note.findtext(f'{TEXT}note-citation') or '').strip()}]"
        body = note.find(f"{TEXT}note-body")
        words = " ".join(
            "".join(one.itertext()).strip() for one in (body if body is not None else [])
        )
        self.notes.append((mark, words))
        return run_of(mark, size=look["size"])

    def items(
        self, element: Element, room: float, depth: int = 0, style: str = ""
    ) -> Iterator[dict[str, Any] | None]:
        """The items of a list, each with its mark; lists inside lists count anew."""
        style = element.get(f"{TEXT}style-name") or style
        if depth > DEEPEST:
            return
        number = 0
        for item in element:
            if item.tag not in {f"{TEXT}list-item", f"{TEXT}list-header"}:
                continue
            counts = item.tag == f"{TEXT}list-item"
            number = (
                count_of(item, f"{TEXT}start-value", 99999)
                if item.get(f"{TEXT}start-value")
                else number + counts
            )
            marker = self.mark(style, depth, number) if counts else ""
            for one in item:
                if one.tag == f"{TEXT}list":
                    yield from self.items(one, room, depth + 1, style)
                elif one.tag in {f"{TEXT}p", f"{TEXT}h"}:
                    yield from self.paragraph(one, room, marker=marker, depth=depth + 1)
                    marker = ""
                elif one.tag == f"{TEXT}soft-page-break":
                    yield None

    def mark(self, style: str, depth: int, number: int) -> str:
        """A dot, a number or a letter, by the definition of the list."""
        found = self.document.styles.get(("list-style", style))
        for level in found if found is not None else ():
            if level.get(f"{TEXT}level") == str(depth + 1):
                kind = level.get(f"{STYLE}num-format", "")
                if not level.tag.endswith("-number"):
                    return "•"
                if kind in {"a", "A"}:
                    letter = chr(ord(kind) + (number - 1) % 26)
                    return f"{letter}."
                return f"{number}." if kind else ""
        return "•"

    # Tables -------------------------------------------------------------------------------------------

    def table(self, element: Element, room: float) -> dict[str, Any] | None:
        """A table with merged cells; None where it has no rows."""
        rows = list(rows_in(element))[:MOST_ROWS]
        if not rows:
            return None
        widths = [
            width
            for one in columns_in(element)
            for width in [self.width(one)] * count_of(one, f"{TABLE}number-columns-repeated", 60)
        ][:MOST_COLUMNS]
        count = min(MOST_COLUMNS, max([1, len(widths), *(cells_of(row) for row in rows)]))
        widths += [0.0] * (count - len(widths))
        widths = [one or room / count for one in widths]
        scale = min(1.0, room / sum(widths))
        widths = [one * scale for one in widths]
        made: list[list[dict[str, Any]]] = []
        for y, row in enumerate(rows):
            cells: list[dict[str, Any]] = []
            x = 0
            for one in row:
                times = count_of(one, f"{TABLE}number-columns-repeated", MOST_COLUMNS)
                for _time in range(times):
                    if x >= count:
                        break
                    if one.tag == f"{TABLE}table-cell":
                        across = count_of(one, f"{TABLE}number-columns-spanned", count - x)
                        down = count_of(one, f"{TABLE}number-rows-spanned", len(rows) - y)
                        cells.append(self.cell(one, widths[x : x + across], x, y, across, down))
                    x += 1
            made.append(cells)
        return table(widths, made)

    def width(self, column: Element) -> float:
        look = self.document.look_of("table-column", column.get(f"{TABLE}style-name"))
        return float(look.get("width", 0.0))

    def cell(
        self, element: Element, widths: list[float], x: int, y: int, across: int, down: int
    ) -> dict[str, Any]:
        fill = self.document.fill_of("table-cell", element.get(f"{TABLE}style-name"))
        # The text of a cell is drawn dark, so what is behind it stays light.
        light = fill if fill and readable("000000", fill) == "000000" else ""
        blocks = [one for one in self.of(element, max(sum(widths) - 8, 20.0), 1) if one]
        return cell_of(blocks, x=x, y=y, across=across, down=down, fill=light)


def rows_in(element: Element, depth: int = 0) -> Iterator[Element]:
    """Rows of a table in order, those of its groups too."""
    for one in element:
        if one.tag == f"{TABLE}table-row":
            yield one
        elif one.tag in ROWS and depth < DEEPEST:
            yield from rows_in(one, depth + 1)


def columns_in(element: Element, depth: int = 0) -> Iterator[Element]:
    for one in element:
        if one.tag == f"{TABLE}table-column":
            yield one
        elif one.tag in COLUMNS and depth < DEEPEST:
            yield from columns_in(one, depth + 1)


def cells_of(row: Element) -> int:
    """How many columns a row takes, repeated cells counted."""
    return sum(count_of(one, f"{TABLE}number-columns-repeated", MOST_COLUMNS) for one in row)


LIBRE = "{urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0}"
"""LibreOffice wrote headers of first pages in its own namespace before the format had them."""


class Reader:
    """Puts the blocks of a text document onto pages, with header and footer of their master pages."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.masters = document.masters()
        self.master = next(iter(self.masters), "")
        self.begins = True
        self.arounds: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.pages: list[Page] = []

    def read(self, body: Element) -> list[Page]:
        known = any(True for _one in body.iter(f"{TEXT}soft-page-break"))
        self.turn(known)
        blocks = Blocks(self.document, self.pages[0].width - 2 * self.pages[0].margin)
        for one in blocks.of(body):
            if one is not None:
                self.pages[-1].blocks.append(one)
                continue
            if blocks.master in self.masters:
                self.master, self.begins = blocks.master, True
            elif has_content(self.pages[-1].blocks):
                self.master = self.following()
            blocks.master = ""
            if not has_content(self.pages[-1].blocks):
                self.dress(self.pages[-1], len(self.pages))
            elif len(self.pages) < MOST_PAGES:
                self.turn(known)
        for mark, words in blocks.notes:
            self.pages[-1].blocks.append(paragraph([run_of(words, size=9)], marker=mark))
        return say_once(self.pages)

    def following(self) -> str:
        """The master page of the page after one of this master: often the first page has one of its own."""
        master = self.masters.get(self.master)
        named = master.get(f"{STYLE}next-style-name", "") if master is not None else ""
        return named if named in self.masters else self.master

    def turn(self, known: bool) -> None:
        self.pages.append(Page(flows=not known))
        self.dress(self.pages[-1], len(self.pages))

    def dress(self, page: Page, number: int) -> None:
        """Size, header and footer of the master page that holds now."""
        master = self.masters.get(self.master)
        size = self.document.layout_of(master)
        if all(100 < one < 2000 for one in size):
            page.width, page.height = size
        kinds = ["-first"] if self.begins else []
        kinds += ["-left", ""] if number % 2 == 0 else [""]
        room = page.width - 2 * page.margin
        page.header = self.around(master, "header", kinds, room)
        page.footer = self.around(master, "footer", kinds, room)
        self.begins = False

    def around(
        self, master: Element | None, name: str, kinds: list[str], room: float
    ) -> list[dict[str, Any]]:
        """The blocks of the first kind of header that the master page has and shows."""
        for kind in kinds if master is not None else ():
            for space in (STYLE, LIBRE):
                found = master.find(f"{space}{name}{kind}") if master is not None else None
                if found is None or found.get(f"{STYLE}display") == "false":
                    continue
                key = (self.master, name + kind)
                if key not in self.arounds:
                    self.document.counts = True
                    made = [one for one in Blocks(self.document, room).of(found) if one]
                    self.document.counts = False
                    self.arounds[key] = made if has_content(made) else []
                return self.arounds[key]
        return []
