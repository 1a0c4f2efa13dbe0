"""Rubrics as the table that Canvas imports and exports: one row for each criterion, ratings side by side. Pure.

Columns: Rubric Name, Criteria Name, Criteria Description, Criteria Enable Range, and then Rating Name, Rating
Description, Rating Points as often as needed, repeated or with a number behind them. Points may have a decimal
comma. The layout is that of Instructure's import template; its order of ratings is from the highest down.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

FIXED = ("Rubric Name", "Criteria Name", "Criteria Description", "Criteria Enable Range")
RATING = ("Rating Name", "Rating Description", "Rating Points")
MAX_BYTES = 1_000_000
MAX_ROWS = 2000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A spreadsheet runs a cell that begins like this; what is written out has an apostrophe before it.

The list is that of OWASP's page on CSV injection, with the wide signs that some settings take for the same.
"""


@dataclass(frozen=True, order=True)
class CellProblem:
    """What is wrong, or to be looked at, in one row; row 1 is the header."""

    row: int
    column: str
    message: str
    is_warning: bool = False

    def __str__(self) -> str:
        where = f"Row {self.row}, {self.column}" if self.column else f"Row {self.row}"
        return f"{where}: {self.message}"


@dataclass(frozen=True)
class Rating:
    """One level of a criterion as the table has it."""

    name: str
    description: str
    points: Decimal


@dataclass(frozen=True)
class CriterionRow:
    """One criterion. `row` is where it stands in the file."""

    row: int
    name: str
    description: str
    ratings: tuple[Rating, ...]


@dataclass
class RubricTable:
    """All rows of one rubric, and what is wrong with them."""

    name: str
    row: int
    criteria: list[CriterionRow] = field(default_factory=list)
    problems: list[CellProblem] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return all(one.is_warning for one in self.problems)


@dataclass
class RubricFile:
    """What a file says: its rubrics, and what belongs to none of them."""

    rubrics: list[RubricTable] = field(default_factory=list)
    problems: list[CellProblem] = field(default_factory=list)


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula. Apostrophes that stand there already get one more."""
    return f"'{cell}" if cell.lstrip("'").startswith(FORMULA) else cell


def unguarded(cell: str) -> str:
    """The same cell as it was before it was written out."""
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'").startswith(FORMULA) else cell


def plain_number(value: Decimal) -> str:
    """75 and not 75.00; 1.5 as it is."""
    return f"{value.normalize():f}"


def write_rubrics(rubrics: Iterable[tuple[str, Sequence[CriterionRow]]]) -> str:
    """The table, with a byte order mark so that spreadsheets read it as UTF-8. Ratings from the highest down."""
    rows = [(name, one) for name, criteria in rubrics for one in criteria]
    most = max((len(one.ratings) for _name, one in rows), default=0)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*FIXED, *RATING * most])
    for name, one in rows:
        cells = [name, one.name, one.description, "false"]
        for rating in sorted(one.ratings, key=lambda rating: rating.points, reverse=True):
            cells += [rating.name, rating.description, plain_number(rating.points)]
        writer.writerow([guarded(cell) for cell in cells])
    return "\ufeff" + text.getvalue()


def read_rubrics(content: bytes) -> RubricFile:
    """Read the table. A row that is wrong spoils its own rubric and no other."""
    found = RubricFile()
    text = _decoded(content, found)
    if text is None:
        return found
    header = text.splitlines()[0]
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    known: dict[str, RubricTable] = {}
    columns: dict[str, list[int]] | None = None
    number = 0
    try:
        for cells in reader:
            number += 1
            if columns is None:
                columns = _columns(cells, found)
                if found.problems:
                    return found
                continue
            if number > MAX_ROWS:
                found.problems.append(
                    CellProblem(number, "", f"A table may have {MAX_ROWS} rows at most.")
                )
                break
            if any(cell.strip() for cell in cells):
                _read_row(number, cells, columns, known, found)
    except csv.Error as error:
        found.problems.append(CellProblem(number + 1, "", f"Cannot be read from here on: {error}."))
    found.rubrics = list(known.values())
    if not found.rubrics and not found.problems:
        found.problems.append(CellProblem(1, "", "There is no criterion in this table."))
    return found


def _decoded(content: bytes, found: RubricFile) -> str | None:
    problem = ""
    text = ""
    if len(content) > MAX_BYTES:
        problem = "The file is larger than 1 MB."
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            problem = "The file is not UTF-8. Save it as “CSV UTF-8” and try again."
    if not problem and "\0" in text:
        problem = "The file is not a text file."
    if not problem and not text.strip():
        problem = "The file is empty."
    if problem:
        found.problems.append(CellProblem(1, "", problem))
        return None
    return unicodedata.normalize("NFC", text)


def _columns(cells: Sequence[str], found: RubricFile) -> dict[str, list[int]]:
    """Where each column stands, by its name without number; a name may stand several times."""
    names = {name.casefold(): name for name in (*FIXED, *RATING)}
    places: dict[str, list[int]] = {name: [] for name in (*FIXED, *RATING)}
    for place, cell in enumerate(cells):
        bare = re.sub(r"\s*\d+$", "", cell.strip()).casefold()
        if bare in names:
            places[names[bare]].append(place)
        elif cell.strip():
            found.problems.append(
                CellProblem(1, cell.strip()[:50], "There is no such column.", is_warning=True)
            )
    found.problems += [
        CellProblem(1, name, "This column is missing.")
        for name in ("Rubric Name", "Criteria Name", "Rating Name", "Rating Points")
        if not places[name]
    ]
    if all(one.is_warning for one in found.problems):
        found.problems = []
    return places


def _read_row(
    number: int,
    cells: Sequence[str],
    columns: dict[str, list[int]],
    known: dict[str, RubricTable],
    found: RubricFile,
) -> None:
    def cell(name: str, at: int = 0) -> str:
        places = columns[name]
        place = places[at] if at < len(places) else len(cells)
        return unguarded(cells[place].strip()) if place < len(cells) else ""

    name = cell("Rubric Name")
    if not name:
        found.problems.append(
            CellProblem(number, "Rubric Name", "This is missing, so the row belongs to no rubric.")
        )
        return
    rubric = known.setdefault(name, RubricTable(name, number))
    title = cell("Criteria Name")

    def add(column: str, message: str, *, is_warning: bool = False) -> None:
        rubric.problems.append(CellProblem(number, column, message, is_warning))

    if not title:
        add("Criteria Name", f"This is missing for “{name}”.")
    if cell("Criteria Enable Range").casefold() in ("true", "yes", "1"):
        add(
            "Criteria Enable Range",
            "Ranges are not kept: a level has the points that stand beside it.",
            is_warning=True,
        )
    ratings = []
    for at in range(len(columns["Rating Name"])):
        label, words = cell("Rating Name", at), cell("Rating Description", at)
        points = cell("Rating Points", at)
        if not (label or words or points):
            continue
        where = f"Rating {at + 1}"
        if not label:
            add(where, "The name of this rating is missing.")
        value = _points(points)
        if value is None:
            add(
                where,
                f"“{points}” is no number of points, 0 or more."
                if points
                else "The points are missing.",
            )
        elif label:
            ratings.append(Rating(label, words, value))
    if not ratings:
        add("Rating Name", "A criterion needs ratings.")
    rubric.criteria.append(
        CriterionRow(number, title, cell("Criteria Description"), tuple(ratings))
    )


def _points(text: str) -> Decimal | None:
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value < 1_000_000 else None
