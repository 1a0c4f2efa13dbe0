"""Judgements as a many-facet model takes them, from a table in long or wide format. Pure.

Long: one line for each judgement with person, rater, category, and further facets such as criterion. Wide:
one line for each person, a column for each rater whose name begins with `rater_`, other columns are facets
of the person. `person` may also be called item, student, learner or submission.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from moderation.estimates import Codes, Numbers, np
from moderation.tables import Line, Problem, Table, UnreadableTable

PERSON = ("person", "item", "student", "learner", "submission")
WHOLE = re.compile(r"\d{1,3}")
RATER = "rater"
LEAST_PER_LEVEL = 5
"""Persons for each level of a facet of persons, on average."""


@dataclass(frozen=True)
class Facet:
    """What judgements have a level of: raters, criteria, groups. Effects of its levels add up to zero."""

    name: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Judgements:
    """One row for each judgement: whose work, the level of each facet, and the category, counted from 0.

    The first facet is the rater. `categories` are the numbers that the categories had in the file.
    """

    persons: tuple[str, ...]
    facets: tuple[Facet, ...]
    categories: tuple[int, ...]
    person: Codes
    places: Codes
    category: Codes

    def with_facets(self, numbers: Sequence[int]) -> "Judgements":
        """The same judgements with some of the facets only."""
        facets = tuple(self.facets[one] for one in numbers)
        return replace(self, facets=facets, places=self.places[:, list(numbers)])

    def keep(self, kept: "np.typing.NDArray[np.bool_]") -> "Judgements":
        """Some of the judgements; persons, levels and categories without any left are dropped."""
        used, person = np.unique(self.person[kept], return_inverse=True)
        scale, category = np.unique(self.category[kept], return_inverse=True)
        facets, places = [], []
        for number, facet in enumerate(self.facets):
            levels, place = np.unique(self.places[kept, number], return_inverse=True)
            facets.append(Facet(facet.name, tuple(facet.levels[one] for one in levels)))
            places.append(place)
        return Judgements(
            tuple(self.persons[one] for one in used),
            tuple(facets),
            tuple(self.categories[one] for one in scale),
            person,
            np.column_stack(places),
            category,
        )


def make(
    persons: Sequence[str],
    levels: Sequence[Sequence[str]],
    names: Sequence[str],
    category: Sequence[int],
) -> Judgements:
    """From columns: person, the levels of each facet named, rater first, and the category."""
    who, person = np.unique(np.asarray(persons, dtype=str), return_inverse=True)
    scale, codes = np.unique(np.asarray(category, dtype=np.int64), return_inverse=True)
    facets, places = [], []
    for name, column in zip(names, levels, strict=True):
        found = {one: place for place, one in enumerate(dict.fromkeys(column))}
        facets.append(Facet(name, tuple(found)))
        places.append(np.array([found[one] for one in column], dtype=np.int64))
    return Judgements(
        tuple(who.tolist()),
        tuple(facets),
        tuple(int(one) for one in scale),
        person,
        np.column_stack(places),
        codes,
    )


def read(table: Table, facets: Sequence[str] = ("criterion",)) -> Judgements:
    """The judgements of a table. In long format `facets` are the further columns to take, where they exist.

    Raises UnreadableTable with every line that is wrong: an empty cell, a category that is not a whole number,
    the same judgement twice, a person twice in wide format. An empty cell of a rater in wide format means
    that the rater did not judge this person.
    """
    person = next((name for name in PERSON if name in table.columns), None)
    if person is None:
        raise UnreadableTable(
            [Problem(1, f"There is no column “person” (or {', '.join(PERSON[1:])}).")]
        )
    problems = list(table.problems)
    if "category" in table.columns and RATER in table.columns:
        names = [RATER, *(name for name in facets if name in table.columns)]
        rows = _long(table, person, names, problems)
    else:
        raters = [name for name in table.columns if name.startswith(f"{RATER}_")]
        if not raters:
            raise UnreadableTable(
                [
                    Problem(
                        1, "There are neither columns “rater” and “category” nor columns “rater_…”."
                    )
                ]
            )
        names = [RATER, *(name for name in table.columns if name not in raters and name != person)]
        rows = _wide(table, person, raters, names[1:], problems)
    if not rows and not problems:
        problems.append(Problem(0, "There are no judgements in the file."))
    if problems:
        raise UnreadableTable(problems)
    levels = [[row[1][number] for row in rows] for number in range(len(names))]
    return make([row[0] for row in rows], levels, names, [row[2] for row in rows])


Rows = list[tuple[str, tuple[str, ...], int]]


def _long(table: Table, person: str, names: Sequence[str], problems: list[Problem]) -> Rows:
    rows: Rows = []
    seen: dict[tuple[str, ...], int] = {}
    for line in table:
        key = (line[person], *(line[name] for name in names))
        if gaps := [name for name in (person, *names, "category") if not line[name]]:
            problems += (Problem(line.number, f"“{name}” is empty.") for name in gaps)
            continue
        first = seen.setdefault(key, line.number)
        if first != line.number:
            problems.append(Problem(line.number, f"This is judged already in line {first}."))
        elif (category := _category(line, "category", problems)) is not None:
            rows.append((key[0], key[1:], category))
    return rows


def _wide(
    table: Table, person: str, raters: Sequence[str], groups: Sequence[str], problems: list[Problem]
) -> Rows:
    rows: Rows = []
    times = Counter(line[person] for line in table)
    for line in table:
        problems += (
            Problem(line.number, f"“{name}” is empty.")
            for name in (person, *groups)
            if not line[name]
        )
        if times[line[person]] > 1:
            problems.append(Problem(line.number, f"{line[person]} stands in more than one line."))
        own = tuple(line[name] for name in groups)
        for name in raters:
            if line[name] and (category := _category(line, name, problems)) is not None:
                rows.append((line[person], (name, *own), category))
    return rows


def _category(line: Line, column: str, problems: list[Problem]) -> int | None:
    if WHOLE.fullmatch(line[column]):
        return int(line[column])
    problems.append(
        Problem(line.number, f"“{line[column]}” in “{column}” is not a whole number from 0.")
    )
    return None


# Whether levels can be compared at all.


class Incomparable(ValueError):  # noqa: N818  reads as a fact
    """The design does not link the levels, so that no model can rank them. Says which parts there are."""


def extremes(data: Judgements) -> tuple[Judgements, dict[str, list[str]]]:
    """Leave out levels that gave nothing but the lowest, or nothing but the highest category.

    Their effect has no finite value. Returns what is left and the names left out, by facet; leaving one out
    may make another one extreme. The last two levels of a facet are never reduced to one.
    """
    left_out: dict[str, list[str]] = {}
    while True:
        top = int(data.category.max())
        kept = np.ones(len(data.person), dtype=bool)
        for number, facet in enumerate(data.facets):
            place, size = data.places[:, number], len(facet.levels)
            low, high = np.full(size, top), np.zeros(size, dtype=np.int64)
            np.minimum.at(low, place, data.category)
            np.maximum.at(high, place, data.category)
            flat = (low == high) & ((low == 0) | (low == top))
            if flat.any():
                left_out.setdefault(facet.name, []).extend(
                    facet.levels[one] for one in np.flatnonzero(flat)
                )
                kept &= ~flat[place]
        if kept.all():
            return data, left_out
        if len(np.unique(data.category[kept])) < 2:
            raise Incomparable(
                "Nearly all judgements are in one category: there is nothing to compare."
            )
        data = data.keep(kept)


def with_effects(data: Judgements) -> Judgements:
    """The rater and those other facets that have two levels at least: a single one has no effect."""
    more = [n for n, facet in enumerate(data.facets) if n == 0 or len(facet.levels) > 1]
    return data if len(more) == len(data.facets) else data.with_facets(more)


def parts(data: Judgements) -> list[list[str]]:
    """The groups of raters that are linked by shared work, largest first; one group if the design is connected."""
    raters = data.facets[0].levels
    root = list(range(len(raters)))

    def find(one: int) -> int:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    pairs = np.unique(np.column_stack([data.person, data.places[:, 0]]), axis=0)
    for (person, rater), (other_person, other) in pairwise(pairs.tolist()):
        if person == other_person:
            root[find(rater)] = find(other)
    groups: dict[int, list[str]] = {}
    for number, name in enumerate(raters):
        groups.setdefault(find(number), []).append(name)
    return sorted(groups.values(), key=lambda group: (-len(group), group))


def check_comparable(data: Judgements) -> None:
    """Raises Incomparable unless shared work links all raters, and no facet stands in for another."""
    if len(data.facets[0].levels) < 2:
        raise Incomparable("There is one rater only: nobody to compare with.")
    groups = parts(data)
    if len(groups) > 1:
        named = "; ".join(
            f"part {number}: {', '.join(group)}" for number, group in enumerate(groups, 1)
        )
        raise Incomparable(
            f"The raters fall into {len(groups)} parts that share no work, so they cannot be ranked "
            f"({named}). Have somebody of each part read work of another part."
        )
    crossed = varying(data)
    columns = np.column_stack([_indicators(data, number)[:, 1:] for number in crossed])
    sums = np.zeros((len(data.persons), columns.shape[1]))
    np.add.at(sums, data.person, columns)
    size = np.bincount(data.person)[:, None]
    gram = columns.T @ columns - sums.T @ (sums / size)
    if np.linalg.matrix_rank(gram, hermitian=True) < columns.shape[1]:
        raise Incomparable(_together(data, crossed))
    _check_groups(data, [number for number in range(len(data.facets)) if number not in crossed])


def _check_groups(data: Judgements, groups: Sequence[int]) -> None:
    """Facets of persons: few levels for many persons, and no two of them the same."""
    if not groups:
        return
    for number in groups:
        levels, persons = len(data.facets[number].levels), len(data.persons)
        if levels > persons / LEAST_PER_LEVEL:
            raise Incomparable(
                f"“{data.facets[number].name}” has {levels} levels for {persons} persons, which no facet of "
                "persons can have. Leave the column out."
            )
    _person, first = np.unique(data.person, return_index=True)
    columns = np.column_stack([_indicators(data, number)[first, 1:] for number in groups])
    whole = np.column_stack([np.ones(len(first)), columns])
    if np.linalg.matrix_rank(whole) < whole.shape[1]:
        raise Incomparable(_together(data, groups))


def _together(data: Judgements, numbers: Sequence[int]) -> str:
    names = " and ".join(data.facets[number].name for number in numbers)
    return f"The effects of {names} cannot be told apart: some of them always go together."


def varying(data: Judgements) -> list[int]:
    """The facets of which one person can have several levels; the others are facets of persons."""
    return [number for number in range(len(data.facets)) if _varies_within_persons(data, number)]


def _varies_within_persons(data: Judgements, number: int) -> bool:
    low = np.full(len(data.persons), len(data.facets[number].levels))
    high = np.zeros(len(data.persons), dtype=np.int64)
    np.minimum.at(low, data.person, data.places[:, number])
    np.maximum.at(high, data.person, data.places[:, number])
    return bool((low < high).any())


def _indicators(data: Judgements, number: int) -> Numbers:
    return np.eye(len(data.facets[number].levels))[data.places[:, number]]
