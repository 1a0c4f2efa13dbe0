"""Spreadsheets (XLSX) as pages: so many rows and columns each, with their letters and numbers, and the header and
footer of the sheet around them. Pictures, text boxes and charts follow the cells of their sheet.

Values as they were calculated last; no formula is run. Runs in the helper's child only.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any, BinaryIO

from portfolios.inspection.charts import figure
from portfolios.inspection.office import (
    A4,
    Page,
    cell_of,
    paragraph,
    run_of,
    runs_of,
    say_once,
    table,
)
from portfolios.inspection.sheet_parts import Package, letters

MOST_ROWS = 500
"""Of one sheet."""
MOST_COLUMNS = 60
ROWS = 50
WIDEST = 1000.0
"""Points of a page; more columns go onto the next."""
SIZE = 9.0
CUT = f"Only the first {MOST_ROWS} rows and {MOST_COLUMNS} columns are shown here. Download the file to see the rest."
HEAD = "eeeeee"
TALL = 900.0
"""Points of a page of pictures and charts, roughly; what is longer stands alone on a page."""
EMPTY = [paragraph([run_of("This sheet is empty.", size=SIZE)])]


def pages_of(source: BinaryIO) -> list[Page]:
    """Each sheet as pages of fifty rows, and of as many columns as fit."""
    import openpyxl  # noqa: PLC0415  prepared before the limits

    package = Package(source)
    book = openpyxl.load_workbook(source, read_only=True, data_only=True, keep_links=False)
    cells = {sheet.title: sheet for sheet in book.worksheets}
    pages: list[Page] = []
    for one in package.sheets():
        made: list[Page] = []
        sheet = cells.get(one.name)
        if sheet is not None:
            rows = [
                [(_words(cell), _is_bold(cell)) for cell in row]
                for row in sheet.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS)
            ]
            more = (sheet.max_row or 0) > MOST_ROWS or (sheet.max_column or 0) > MOST_COLUMNS
            made += pages_of_sheet(one.name, rows, more=more)
        elif not one.is_chart:
            continue
        made = followed(made, one.name, package.things(one.path))
        around = package.around(one.path)
        for number, page in enumerate(made, 1):
            page.header = around.blocks("Header", number, one.name)
            page.footer = around.blocks("Footer", number, one.name)
        pages += made
    return say_once(pages) or [Page()]


def followed(
    pages: list[Page], title: str, things: Iterable[tuple[str, dict[str, Any]]]
) -> list[Page]:
    """The pages of a sheet, and after them what lies upon its cells, each named by the cell where it begins."""
    made: list[Page] = []
    high = TALL
    for place, block in things:
        needs = sum(one.get("h", 0) + 16 * _lines(one) for one in runs_of([block])) + 24
        if high + needs > TALL:
            made.append(_page(title, [], A4[0] - 48))
            high = 0.0
        if place:
            made[-1].blocks.append(paragraph([run_of(f"At {place}", size=SIZE, colour="555555")]))
        made[-1].blocks.append(block)
        high += needs
    if made and pages and [one.blocks for one in pages] == [EMPTY]:
        return made
    return (pages + made) or [_page(title, EMPTY, 300)]


def _lines(run: dict[str, Any]) -> int:
    """How many lines stand below a run, roughly."""
    return sum(len(one.get("rows", "1")) for one in run.get("below", ()))


def pages_of_sheet(title: str, rows: list[list[tuple[str, bool]]], *, more: bool) -> list[Page]:
    """One sheet from the words of its cells and whether they are bold; `more` where rows or columns were left."""
    while rows and not any(text for text, _bold in rows[-1]):
        rows.pop()
    made = _pages(title, rows)
    if more:
        made[-1].blocks.append(paragraph([run_of(CUT, size=SIZE)]))
    return made


def _words(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        value = value.date()
    if isinstance(value, float):
        return figure(str(value), "%" if "%" in str(getattr(cell, "number_format", "")) else "")
    return str(value)


def _is_bold(cell: Any) -> bool:
    return bool(getattr(getattr(cell, "font", None), "bold", False))


def _pages(title: str, rows: list[list[tuple[str, bool]]]) -> list[Page]:
    if not rows:
        return [_page(title, EMPTY, 300)]
    count = max(len(row) for row in rows)
    used = [n for n in range(count) if any(n < len(row) and row[n][0] for row in rows)]
    widths = {n: _width(rows, n) for n in range(used[-1] + 1 if used else 1)}
    groups: list[list[int]] = [[]]
    for n, wide in widths.items():
        if groups[-1] and sum(widths[one] for one in groups[-1]) + wide > WIDEST:
            groups.append([])
        groups[-1].append(n)
    pages = []
    for start in range(0, len(rows), ROWS):
        for group in groups:
            columns = [28.0, *(widths[n] for n in group)]
            head = [_cell("", 0, 0, fill=HEAD)]
            head += [_cell(letters(n), x, 0, fill=HEAD) for x, n in enumerate(group, 1)]
            made = [head]
            for y, row in enumerate(rows[start : start + ROWS], 1):
                cells = [_cell(str(start + y), 0, y, fill=HEAD)]
                for x, n in enumerate(group, 1):
                    text, bold = row[n] if n < len(row) else ("", False)
                    cells.append(_cell(text, x, y, bold=bold))
                made.append(cells)
            pages.append(_page(title, [table(columns, made)], sum(columns)))
    return pages


def _page(title: str, blocks: list[dict[str, Any]], wide: float) -> Page:
    return Page(width=max(wide + 48, 420), height=200, margin=24, label=title, blocks=blocks)


def _cell(text: str, x: int, y: int, *, bold: bool = False, fill: str = "") -> dict[str, Any]:
    runs = [run_of(text[:2000], size=SIZE, bold=bold or (bool(fill) and not y))] if text else []
    return cell_of([paragraph(runs)] if runs else [], x=x, y=y, fill=fill)


def _width(rows: list[list[tuple[str, bool]]], n: int) -> float:
    """Points that fit most of what stands in a column."""
    longest = max((len(row[n][0]) for row in rows if n < len(row)), default=0)
    return min(220.0, max(36.0, longest * SIZE * 0.52 + 12))
