"""CSV files that people and other programs make: read whole, or refused with everything that is wrong.

Rows keep the number of their line, so that whoever made the file finds each mistake in one go. Pure: text in.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

MAX_BYTES = 200_000_000


@dataclass(frozen=True, order=True)
class Problem:
    """Something in the file that has to be mended. Line 0 is the file as a whole."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class UnreadableTable(ValueError):  # noqa: N818  reads as a fact
    """The file cannot be used. `problems` has all reasons, in the order of lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class Line:
    """One row by names of columns, blanks around each value left out."""

    number: int
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]


@dataclass(frozen=True)
class Table:
    """The rows of a file that could be read, its columns in their order, and what was wrong with the others.

    Whoever uses a table refuses it for its own problems together with those that are here already.
    """

    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    problems: tuple[Problem, ...] = ()

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)


def read_file(path: Path) -> str:
    """The text of a UTF-8 file, with or without byte-order mark. Raises UnreadableTable, also for OSError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableTable([Problem(0, f"The file is larger than {MAX_BYTES:,} bytes.")])
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableTable(
            [Problem(0, f"The file cannot be read: {error.strerror}.")]
        ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UnreadableTable([Problem(line, "The text is not UTF-8.")]) from error


def parse(text: str, required: Iterable[str] = ()) -> Table:
    """Rows under their headings. Blank lines are left out, also at the end.

    Lines with too many or too few values are among the table's problems. Raises UnreadableTable where the
    rows have no meaning: headings that are missing or come twice. Headings are compared in small letters.
    """
    rows = csv.reader(StringIO(text, newline=""), strict=True)
    problems: list[Problem] = []
    lines: list[Line] = []
    columns: tuple[str, ...] = ()
    try:
        columns = tuple(name.strip().lower() for name in next(rows, ()))
        if unusable := list(_headings(columns, tuple(required))):
            raise UnreadableTable(unusable)
        for values in rows:
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(columns):
                problems.append(
                    Problem(rows.line_num, f"{len(values)} values, but {len(columns)} columns.")
                )
                continue
            named = zip(columns, (value.strip() for value in values), strict=True)
            lines.append(Line(rows.line_num, dict(named)))
    except csv.Error as error:
        problems.append(Problem(rows.line_num, f"This is not CSV: {error}."))
    return Table(columns, tuple(lines), tuple(problems))


def _headings(columns: tuple[str, ...], required: tuple[str, ...]) -> Iterator[Problem]:
    if not any(columns):
        yield Problem(0, "The file is empty.")
        return
    for name in required:
        if name not in columns:
            yield Problem(1, f"There is no column “{name}”. The columns are {', '.join(columns)}.")
    for name in sorted(set(columns)):
        if columns.count(name) > 1:
            yield Problem(1, f"The column “{name}” is there {columns.count(name)} times.")
