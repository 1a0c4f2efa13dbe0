"""Spreadsheets (ODS) as pages, like those of XLSX: so many rows and columns each, with letters and numbers.

Values as they were shown last; no formula is run. Runs in the helper's child only.
"""

from typing import BinaryIO

from portfolios.inspection.office import Page
from portfolios.inspection.open_parts import (
    OFFICE,
    SKIPPED,
    TABLE,
    TEXT,
    Document,
    Element,
    count_of,
)
from portfolios.inspection.open_texts import rows_in
from portfolios.inspection.sheets import MOST_COLUMNS, MOST_ROWS, pages_of_sheet

Cell = tuple[str, bool]


def pages_of(source: BinaryIO) -> list[Page]:
    """Each sheet as pages of fifty rows, and of as many columns as fit."""
    document = Document(source)
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
        pages += pages_of_sheet(sheet.get(f"{TABLE}name", ""), rows, more=more)
    return pages or [Page()]


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
