"""The frozen population as a file, from which anybody can draw the sample again. Pure.

One line for each decision: id, assessor, band, outcome, flags. Work and assessors stand in it by codes that
hold for one round only. Flags are the reasons to read a decision whatever chance says, parted by semicolons;
that a decision did not pass is told by its outcome.
"""

import csv
import io
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from moderation import sampling
from moderation.tables import Line, Problem, UnreadableTable, parse

COLUMNS = ("id", "assessor", "band", "outcome", "flags")
PASSED, FAILED = "achieved", "not_achieved"


PASSES = frozenset({PASSED, "pass", "passed"})
FAILS = frozenset({FAILED, "not achieved", "fail", "failed"})


class UnreadablePopulation(UnreadableTable):
    """The file is no population. `problems` has all reasons with their lines."""


def write(rows: Iterable[sampling.Row]) -> str:
    """The file, lines in population order, ended by line feeds."""
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    for row in sampling.in_order(rows):
        flags = [one for one in row.reasons if one != sampling.FAIL]
        outcome = FAILED if sampling.FAIL in row.reasons else PASSED
        out.writerow([row.key, row.assessor, row.band, outcome, ";".join(flags)])
    return text.getvalue()


def read(text: str) -> list[sampling.Row]:
    """The rows of a file that `write` or anybody else made, in population order.

    Raises UnreadablePopulation with every line that is wrong: an id that is missing or comes twice, no
    assessor, an outcome that is none, a flag that no policy knows, a bar in an assessor or band. Other
    columns are left alone. Flags keep their order; a failed outcome comes first among the reasons.
    """
    try:
        table = parse(text, COLUMNS)
    except UnreadableTable as error:
        raise UnreadablePopulation(error.problems) from error
    problems = list(table.problems)
    rows = []
    seen: dict[str, int] = {}
    for line in table:
        faults = list(_faults(line))
        first = seen.setdefault(line["id"], line.number)
        if first != line.number:
            faults.append(f"{line['id']} is there already, in line {first}.")
        problems += (Problem(line.number, fault) for fault in faults)
        failed = (sampling.FAIL,) if line["outcome"].lower() in FAILS else ()
        flags = (one for one in _flags(line) if one not in failed)
        rows.append(sampling.Row(line["id"], "", line["assessor"], line["band"], (*failed, *flags)))
    if problems:
        raise UnreadablePopulation(problems)
    return sampling.in_order(rows)


def _flags(line: Line) -> list[str]:
    return list(dict.fromkeys(one.strip() for one in line["flags"].split(";") if one.strip()))


def _faults(line: Line) -> Iterator[str]:
    for name in ("id", "assessor"):
        if not line[name]:
            yield f"“{name}” is empty."
    for name in ("assessor", "band"):
        if "|" in line[name]:
            yield f"“{name}” holds a bar, which separates them in the names of strata."
    if line["outcome"].lower() not in PASSES | FAILS:
        yield f"“{line['outcome']}” is no outcome. It is {PASSED} or {FAILED}."
    for flag in _flags(line):
        if flag not in sampling.REASONS:
            yield f"“{flag}” is no flag. There are {', '.join(sampling.REASONS[1:])}."


def codes(prefix: str, things: Sequence[Any], start: int = 1) -> dict[Any, str]:
    """A code for each thing, given in an order that nobody chose and nothing explains."""
    shuffled = list(things)
    secrets.SystemRandom().shuffle(shuffled)
    width = max(4 if prefix == "W" else 2, len(str(start + len(shuffled))))
    return {one: f"{prefix}{number:0{width}}" for number, one in enumerate(shuffled, start)}


def coded(row: sampling.Row, work: Mapping[str, str], people: Mapping[str, str]) -> sampling.Row:
    """The row with codes in place of keys, and without the decision's key."""
    return sampling.Row(work[row.key], "", people[row.assessor], row.band, row.reasons)
