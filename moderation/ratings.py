"""Ratings in long format, one line for each rating, as the coefficients of agreement want them. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from moderation.estimates import Codes, Numbers, np
from moderation.tables import Problem, Table, UnreadableTable

COLUMNS = ("item", "rater", "category")
SCALES = ("nominal", "ordinal", "interval", "ratio")
NUMBER = re.compile(r"[+-]?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})([eE][+-]?\d{1,2})?")


@dataclass(frozen=True)
class Ratings:
    """Who put what where.

    `codes` has a row for each item and a column for each rater: the index of the category, or −1 where
    there is no rating. `categories` are in order of the scale, lowest first, if `ordered`; `values` are the
    categories as numbers, None where they are words.
    """

    items: tuple[str, ...]
    raters: tuple[str, ...]
    categories: tuple[str, ...]
    codes: Codes
    ordered: bool
    values: Numbers | None

    @property
    def numbers(self) -> Numbers:
        """The ratings as numbers, NaN where there is none. ValueError where categories are words."""
        if self.values is None:
            raise ValueError("The categories are not numbers.")
        return np.where(self.codes >= 0, self.values[self.codes], np.nan)


def ratings_of(table: Table, scale: str, categories: Sequence[str] = ()) -> Ratings:
    """The ratings of a table with the columns item, rater and category.

    `categories` names all categories from lowest to highest, also those that nobody used. Without it they
    are those that were used; numbers are ordered by size, words have no order. Numbers that are written
    differently, 1 and 1.0, are one category. Raises UnreadableTable with every line that is wrong: a cell
    that is empty, an item that a rater has twice, a category that was not named, words on an interval or
    ratio scale, numbers below zero on a ratio scale, and a file without ratings.
    """
    problems = list(table.problems)
    problems += (
        Problem(line.number, f"“{name}” is empty. Leave the line out where a rating is missing.")
        for line in table
        for name in COLUMNS
        if not line[name]
    )
    lines = [line for line in table if all(line[name] for name in COLUMNS)]
    if not table.lines and not problems:
        problems.append(Problem(0, "There are no ratings in the file."))
    seen: dict[tuple[str, str], int] = {}
    for line in lines:
        first = seen.setdefault((line["item"], line["rater"]), line.number)
        if first != line.number:
            problems.append(
                Problem(
                    line.number,
                    f"{line['rater']} has rated {line['item']} already, in line {first}.",
                )
            )
    used = dict.fromkeys(line["category"] for line in lines)
    numeric = bool(used) and all(NUMBER.fullmatch(one) for one in (*used, *categories))
    keys = {one: _key(one, numeric) for one in (*used, *categories)}
    named = {keys[one] for one in categories}
    problems += (
        Problem(line.number, says)
        for line in lines
        if (says := _wrong(line["category"], scale, keys, named))
    )
    if len(named) != len(categories):
        problems.append(Problem(0, "A category is named twice in the list of categories."))
    if problems:
        raise UnreadableTable(problems)
    order = list(dict.fromkeys(keys[one] for one in categories))
    if not order:
        found = {keys[one]: None for one in used}
        order = sorted(found, key=float) if numeric else sorted(found)
    places = {key: place for place, key in enumerate(order)}
    items = {one: row for row, one in enumerate(dict.fromkeys(line["item"] for line in lines))}
    raters = {one: column for column, one in enumerate(sorted({one["rater"] for one in lines}))}
    codes = np.full((len(items), len(raters)), -1, dtype=np.int64)
    for line in lines:
        codes[items[line["item"]], raters[line["rater"]]] = places[keys[line["category"]]]
    return Ratings(
        items=tuple(items),
        raters=tuple(raters),
        categories=tuple(order),
        codes=codes,
        ordered=scale != "nominal" and (numeric or bool(categories)),
        values=np.array([float(one) for one in order]) if numeric else None,
    )


def _key(category: str, numeric: bool) -> str:
    """One name for each category: numbers without signs and zeros that mean nothing."""
    return f"{float(category) + 0.0:.15g}" if numeric else category


def _wrong(category: str, scale: str, keys: dict[str, str], named: set[str]) -> str:
    """What is wrong with a category, or nothing."""
    if named and keys[category] not in named:
        return f"“{category}” is not one of the named categories."
    if scale in ("interval", "ratio"):
        if not NUMBER.fullmatch(category):
            return f"“{category}” is not a number, which the {scale} scale needs."
        if scale == "ratio" and float(category) < 0:
            return f"{category} is below zero, which a ratio scale does not have."
    return ""
