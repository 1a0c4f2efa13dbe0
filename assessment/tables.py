"""Marking away from the system: a table of levels and feedback, and texts on whole works, in one ZIP. Pure.

`marks.csv` has a row for each work and criterion; `feedback/REFERENCE.txt` is the feedback on the whole work.
Works are named by reference and code, never by a learner. The version of the draft says what was exported,
so that what moved since is seen.
"""

import csv
import io
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from catalogue.tables import guarded, unguarded

COLUMNS = (
    "Reference", "Code", "Task", "Attempt", "Criterion", "Title", "Level", "Feedback", "Staff note",
    "Levels", "Draft version",
)  # fmt: skip
NEEDED = ("Reference", "Criterion", "Level", "Feedback", "Draft version")
TABLE = "marks.csv"
FOLDER = "feedback/"
MAX_BYTES = 2_000_000
MAX_UNPACKED = 4_000_000
MAX_ROWS = 5000
LONGEST = 20_000
README = """Marking away from Moderato

marks.csv has one row for each work and criterion. Fill in Level (its code or its name; both stand
under Levels) and Feedback; Staff note is for staff only. Leave the other columns as they are. A row
that you take out is left as it is in Moderato.

feedback/REFERENCE.txt is the feedback on the whole work.

Bring the whole ZIP, or marks.csv alone, back under Marking, Mark offline. You see what it does before
anything changes. Work that was saved in Moderato after this export is never overwritten. Nothing is
decided by it: the verdict is given in Moderato.

Works are named by reference and code. Write no names of learners into these files.
"""


@dataclass(frozen=True, order=True)
class CellProblem:
    """What is wrong in one row of the table, or with row 0 in the file; row 1 is the header."""

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        where = f"Row {self.row}, {self.column}" if self.column else f"Row {self.row}"
        return f"{where}: {self.message}" if self.row else self.message


@dataclass(frozen=True)
class OfflineRow:
    """One criterion of one work, as the table has it. None where the table has no such column."""

    row: int
    reference: str
    criterion: str
    level: str
    feedback: str
    staff_note: str | None
    version: int


@dataclass
class OfflineFile:
    """What came back."""

    rows: list[OfflineRow] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    problems: list[CellProblem] = field(default_factory=list)


def write_offline(rows: Iterable[Sequence[str]], texts: Mapping[str, str]) -> bytes:
    """The ZIP. The same content gives the same bytes."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = {"README.txt": README, TABLE: "\ufeff" + table.getvalue()}
        parts |= {f"{FOLDER}{name}.txt": text for name, text in sorted(texts.items())}
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name), text.encode())
    return made.getvalue()


def read_offline(content: bytes) -> OfflineFile:
    """Read a ZIP, or the table alone."""
    found = OfflineFile()
    if len(content) > MAX_BYTES:
        found.problems.append(CellProblem(0, "", "The file is larger than 2 MB."))
        return found
    if not content.startswith(b"PK"):
        _read_table(content, found)
        return found
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _read_archive(archive, found)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        found.problems.append(CellProblem(0, "", "The ZIP file is damaged."))
    return found


def _read_archive(archive: zipfile.ZipFile, found: OfflineFile) -> None:
    """Only the names that an export has, wherever a folder was put around them."""
    parts: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        folders, _slash, name = info.filename.rpartition("/")
        if name == TABLE:
            parts.setdefault(TABLE, info)
        elif name.endswith(".txt") and folders.rpartition("/")[2] == FOLDER.rstrip("/"):
            parts.setdefault(FOLDER + name.removesuffix(".txt"), info)
    if TABLE not in parts:
        found.problems.append(CellProblem(0, "", f"There is no {TABLE} in the ZIP file."))
        return
    if sum(info.file_size for info in parts.values()) > MAX_UNPACKED:
        found.problems.append(CellProblem(0, "", "The ZIP file unpacks to more than 4 MB."))
        return
    for name, info in parts.items():
        with archive.open(info) as file:
            content = file.read(MAX_UNPACKED + 1)
        if name == TABLE:
            _read_table(content, found)
        elif (text := _decoded(content)) is None or len(text) > LONGEST:
            found.problems.append(
                CellProblem(0, "", f"{name}.txt is no UTF-8 text of up to {LONGEST} characters.")
            )
        else:
            found.texts[name.removeprefix(FOLDER)] = text.replace("\r\n", "\n").strip()


def _decoded(content: bytes) -> str | None:
    try:
        text = unicodedata.normalize("NFC", content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _read_table(content: bytes, found: OfflineFile) -> None:
    text = _decoded(content)
    if text is None or not text.strip():
        words = "The table is not UTF-8. Save it as “CSV UTF-8” and try again."
        found.problems.append(CellProblem(0, "", "The table is empty." if text == "" else words))
        return
    header = text.splitlines()[0]
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    places: dict[str, int] | None = None
    number = 0
    try:
        for cells in reader:
            number += 1
            if places is None:
                places = {cell.strip().casefold(): at for at, cell in enumerate(cells)}
                missing = [name for name in NEEDED if name.casefold() not in places]
                found.problems += [
                    CellProblem(1, one, "This column is missing.") for one in missing
                ]
                if missing:
                    return
                continue
            if number > MAX_ROWS:
                found.problems.append(
                    CellProblem(number, "", f"A table has {MAX_ROWS} rows at most.")
                )
                return
            if any(cell.strip() for cell in cells):
                _read_row(number, cells, places, found)
    except csv.Error as error:
        found.problems.append(CellProblem(number + 1, "", f"Cannot be read from here on: {error}."))


def _read_row(
    number: int, cells: Sequence[str], places: Mapping[str, int], found: OfflineFile
) -> None:
    def cell(name: str) -> str | None:
        place = places.get(name.casefold())
        if place is None:
            return None
        return unguarded(cells[place]).strip() if place < len(cells) else ""

    version = cell("Draft version") or ""
    if not (version.isascii() and version.isdigit() and len(version) < 7):
        found.problems.append(
            CellProblem(
                number,
                "Draft version",
                f"“{version[:20]}” is no version. Leave this column as it was.",
            )
        )
        return
    for name in ("Feedback", "Staff note"):
        if len(cell(name) or "") > LONGEST:
            found.problems.append(
                CellProblem(number, name, f"May have {LONGEST} characters at most.")
            )
            return
    found.rows.append(
        OfflineRow(
            number,
            (cell("Reference") or "").upper(),
            cell("Criterion") or "",
            cell("Level") or "",
            cell("Feedback") or "",
            cell("Staff note"),
            int(version),
        )
    )
