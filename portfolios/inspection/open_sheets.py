"""Spreadsheets (ODS) as pages, like those of XLSX: so many rows and columns each, with letters and numbers, the
header and footer of the sheet around them, and after them what lies upon the cells.

Values as they were shown last; no formula is run. Runs in the helper's child only.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from portfolios.inspection.office import Page, paragraph, say_once, sides
from portfolios.inspection.open_parts import (
    DRAW,
    OFFICE,
    SKIPPED,
    STYLE,
    TABLE,
    TEXT,
    Document,
    Element,
    count_of,
    written,
)
from portfolios.inspection.open_texts import LIBRE, Blocks, rows_in
from portfolios.inspection.sheet_parts import letters
from portfolios.inspection.sheets import (
    MOST_COLUMNS,
    MOST_ROWS,
    SIZE,
    followed,
    pages_of_sheet,
)

WIDEST = 480.0
"""Points of a picture or text box."""
FAR = 2_000_000
LOOK = {"size": SIZE}
Cell = tuple[str, bool]


def pages_of(source: BinaryIO) -> list[Page]:
    """Each sheet as pages of fifty rows, and of as many columns as fit."""
    document = Document(source)
    masters = document.masters()
    first = next(iter(masters.values()), None)
    pages: list[Page] = []
    book = document.body.find(f"{OFFICE}spreadsheet") if document.body is not None else None
    for sheet in book.findall(f"{TABLE}table") if book is not None else ():
        rows: list[list[Cell]] = []
        more = False
        for row in rows_in(sheet):
            cells, wider = cells_of(document, row)
            filled = any(text for text, _bold in cells)
            times = count_of(row, f"{TABLE}number-rows-repeated", MOST_ROWS + 1)
            more |= filled and (wider or len(rows) + times > MOST_ROWS)
            # Below the last row a program writes a million empty ones as one.
            rows += [cells] * min(times, MOST_ROWS - len(rows))
        name = sheet.get(f"{TABLE}name", "")
        made = followed(pages_of_sheet(name, rows, more=more), name, things(document, sheet))
        master = masters.get(master_of(document, sheet), first)
        for number, page in enumerate(made, 1):
            page.header = around(document, master, "header", number, name)
            page.footer = around(document, master, "footer", number, name)
        pages += made
    return say_once(pages) or [Page()]


def master_of(document: Document, sheet: Element) -> str:
    """The name of the master page that a sheet is printed by."""
    style = document.styles.get(("table", sheet.get(f"{TABLE}style-name", "")))
    return style.get(f"{STYLE}master-page-name", "") if style is not None else ""


def around(
    document: Document, master: Element | None, name: str, number: int, sheet: str
) -> list[dict[str, Any]]:
    """The header or footer of a page of the sheet: its three places, or its lines where it has none."""
    kinds = ["-first"] if number == 1 else []
    kinds += ["-left", ""] if number % 2 == 0 else [""]
    for kind in kinds if master is not None else ():
        for space in (STYLE, LIBRE):
            found = master.find(f"{space}{name}{kind}") if master is not None else None
            if found is None or found.get(f"{STYLE}display") == "false":
                continue
            places = [found.find(f"{STYLE}region-{side}") for side in ("left", "center", "right")]
            if not any(one is not None for one in places):
                places = [None, found, None]
            document.counts, document.sheet = True, sheet
            try:
                return sides([runs_in(document, one) for one in places])
            finally:
                document.counts, document.sheet = False, ""
    return []


def runs_in(document: Document, place: Element | None) -> list[dict[str, Any]]:
    """The words of one place of a header; several lines stay lines."""
    made: list[dict[str, Any]] = []
    for line in place.findall(f"{TEXT}p") if place is not None else ():
        runs = [one for one in document.runs(line, LOOK, WIDEST) if isinstance(one, dict)]
        made += [*written("\n", LOOK), *runs] if made and runs else runs
    return made


def things(document: Document, sheet: Element) -> Iterator[tuple[str, dict[str, Any]]]:
    """What lies upon a sheet: the cell that it hangs on, and its picture, chart or words as a block."""
    for one in sheet.findall(f"{TABLE}shapes/*"):
        for block in blocks_of(document, one):
            yield "", block
    y = 0
    for row in rows_in(sheet):
        x = 0
        for cell in row:
            for one in cell:
                if one.tag.startswith(DRAW):
                    for block in blocks_of(document, one):
                        yield f"{letters(x)}{y + 1}", block
            x += count_of(cell, f"{TABLE}number-columns-repeated", FAR)
        y += count_of(row, f"{TABLE}number-rows-repeated", FAR)


def blocks_of(document: Document, shape: Element, depth: int = 0) -> Iterator[dict[str, Any]]:
    """A frame, a shape with words, or a group of them."""
    if shape.tag in {f"{DRAW}g", f"{DRAW}a"}:
        for one in shape if depth < 8 else ():
            yield from blocks_of(document, one, depth + 1)
        return
    blocks = Blocks(document, WIDEST)
    blocks.base = dict(LOOK)
    if shape.tag != f"{DRAW}frame":
        yield from (one for one in blocks.of(shape) if one)
        return
    for found in document.frame(shape, WIDEST):
        if isinstance(found, dict):
            yield paragraph([found])
        else:
            yield from (one for one in blocks.boxes([found], WIDEST) if one)


def cells_of(document: Document, row: Element) -> tuple[list[Cell], bool]:
    """The cells of a row, and whether there were more with words than are shown."""
    cells: list[Cell] = []
    for one in row:
        if one.tag not in {f"{TABLE}table-cell", f"{TABLE}covered-table-cell"}:
            continue
        text = "\n".join(words_of(line) for line in one.findall(f"{TEXT}p"))
        if len(cells) >= MOST_COLUMNS:
            if text:
                return cells, True
            continue
        look = document.look_of("table-cell", one.get(f"{TABLE}style-name"))
        times = count_of(one, f"{TABLE}number-columns-repeated", MOST_COLUMNS - len(cells))
        cells += [(text, bool(look.get("bold")))] * times
    return cells, False


def words_of(line: Element) -> str:
    """The words of one line of a cell; comments are not part of it."""
    said = line.text or ""
    for one in line:
        if one.tag == f"{TEXT}s":
            said += " "
        elif one.tag not in SKIPPED:
            said += words_of(one)
        said += one.tail or ""
    return said
