"""The frozen population as a file, from which anybody can draw the sample again. Pure.

One line for each decision: id, assessor, band, outcome, flags. Work and assessors stand in it by codes that
hold for one round only. Flags are the reasons to read a decision whatever chance says, parted by semicolons;
that a decision did not pass is told by its outcome.
"""

import csv
import io
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from moderation import sampling

COLUMNS = ("id", "assessor", "band", "outcome", "flags")
PASSED, FAILED = "achieved", "not_achieved"


class UnreadablePopulation(ValueError):  # noqa: N818  reads as a fact
    """The file is no population. Says which line."""


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
    """The rows of a file that `write` made. Raises UnreadablePopulation."""
    lines = csv.reader(io.StringIO(text, newline=""))
    if tuple(next(lines, ())) != COLUMNS:
        raise UnreadablePopulation(f"the first line must be {','.join(COLUMNS)}")
    rows = []
    for number, line in enumerate(lines, 2):
        if len(line) != len(COLUMNS) or line[3] not in (PASSED, FAILED):
            raise UnreadablePopulation(f"line {number} is not a decision")
        key, assessor, band, outcome, flags = line
        failed = (sampling.FAIL,) if outcome == FAILED else ()
        found = tuple(one for one in flags.split(";") if one)
        rows.append(sampling.Row(key, "", assessor, band, (*failed, *found)))
    return sampling.in_order(rows)


def codes(prefix: str, things: Sequence[Any], start: int = 1) -> dict[Any, str]:
    """A code for each thing, given in an order that nobody chose and nothing explains."""
    shuffled = list(things)
    secrets.SystemRandom().shuffle(shuffled)
    width = max(4 if prefix == "W" else 2, len(str(start + len(shuffled))))
    return {one: f"{prefix}{number:0{width}}" for number, one in enumerate(shuffled, start)}


def coded(row: sampling.Row, work: Mapping[str, str], people: Mapping[str, str]) -> sampling.Row:
    """The row with codes in place of keys, and without the decision's key."""
    return sampling.Row(work[row.key], "", people[row.assessor], row.band, row.reasons)
