"""A version as a definition again, and rubrics from a table into a new version in draft."""

import json
import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.models import User
from catalogue import rules
from catalogue.actions.definitions import LoadOutcome, load_definition
from catalogue.definitions import Definition, DefinitionError, Problem, parse
from catalogue.exceptions import RubricsRefused
from catalogue.hashing import digest
from catalogue.models import MicroCredentialVersion, policy_defaults
from catalogue.tables import (
    CellProblem,
    CriterionRow,
    Rating,
    RubricTable,
    plain_number,
    read_rubrics,
    write_rubrics,
)
from workflows.exceptions import NotPermitted


def definition_of(version: MicroCredentialVersion) -> dict[str, Any]:
    """The definition that the version was loaded from. One that was kept without it is written from its rows.

    Loading what this gives is the same content: for a kept definition down to every fingerprint.
    """
    kept: dict[str, Any] = version.definition
    if kept and digest(kept) == version.definition_hash:
        return deepcopy(kept)
    return _from_rows(version)


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _given(**values: Any) -> dict[str, Any]:
    """Only what says something."""
    return {key: value for key, value in values.items() if value not in ("", None, [], {})}


def _from_rows(version: MicroCredentialVersion) -> dict[str, Any]:
    credential, scheme = version.micro_credential, version.grade_scheme
    grades = [
        {"code": one.code, "label": one.label, "is_pass": one.is_pass}
        | _given(
            label_mi=one.label_mi,
            min_percent=None if one.min_percent is None else _number(one.min_percent),
            max_percent=None if one.max_percent is None else _number(one.max_percent),
        )
        for one in scheme.grades.order_by("rank")
    ]
    tasks = version.tasks.select_related("rubric").prefetch_related(
        "rubric__criteria__levels", "rubric__criteria__outcome"
    )
    return {
        "format": 1,
        "code": credential.code,
        "title": version.title,
        "credits": version.credits,
        "level": version.level,
        "purpose": version.purpose,
        "visibility": credential.visibility,
        "delivery_modes": version.delivery_modes,
        "review_interval_months": version.review_interval_months,
        "workload": version.listing.get("workload", []),
        "grade_scheme": {
            "code": scheme.code,
            "name": scheme.name,
            "kind": scheme.kind,
            "grades": grades,
        },
        "outcomes": [
            {"code": f"LO{one.number}", "title": one.title} | _given(text=one.text)
            for one in version.outcomes.order_by("number")
        ],
        "tasks": [
            {
                "title": task.title,
                "brief": task.brief,
                "ai_policy": task.ai_policy,
                "criteria": [
                    _criterion(one)
                    for one in sorted(task.rubric.criteria.all(), key=lambda one: one.number)
                ],
            }
            | _given(
                attestations_required=task.attestations_required or None,
                file_types=task.file_types,
                file_max_megabytes=task.file_max_megabytes,
                marking_minutes=task.marking_minutes,
            )
            for task in tasks.order_by("number")
        ],
    } | _given(
        title_mi=version.title_mi,
        title_justification=version.listing.get("title_justification", ""),
        client=credential.client.code if credential.client else "",
        policy=version.policy,
        stacks_into=[
            {"code": one.target_code, "title": one.target_title, "max_credits": one.max_credits}
            for one in version.stacks_into.order_by("target_code")
        ],
    )


def _criterion(one: Any) -> dict[str, Any]:
    levels = sorted(one.levels.all(), key=lambda level: level.rank)
    return {
        "code": one.code,
        "title": one.title,
        "outcome": f"LO{one.outcome.number}",
        "levels": [
            {
                "code": level.code,
                "label": level.label,
                "descriptor": level.descriptor,
                "is_met": level.is_met,
            }
            | _given(percent=None if level.percent is None else _number(level.percent))
            for level in levels
        ],
    } | _given(
        description=one.description,
        good_looks_like=one.good_looks_like,
        reflection_prompt=one.reflection_prompt,
        required=None if one.is_required else False,
        weight=None if one.weight == 1 else _number(one.weight),
    )


def rubric_table(version: MicroCredentialVersion) -> str:
    """The rubrics of all tasks as Canvas' table. Points are percentages by weight, or the rank of the level."""
    data = definition_of(version)
    return write_rubrics(
        (task["title"], [_row(one) for one in task["criteria"]]) for task in data["tasks"]
    )


def _row(criterion: dict[str, Any]) -> CriterionRow:
    return CriterionRow(
        0,
        f"{criterion['code']} {criterion['title']}",
        criterion.get("description", ""),
        tuple(
            Rating(level["label"], level["descriptor"], _points_of(criterion, rank))
            for rank, level in enumerate(criterion["levels"])
        ),
    )


def _points_of(criterion: dict[str, Any], rank: int) -> Decimal:
    level = criterion["levels"][rank]
    if all("percent" in one for one in criterion["levels"]):
        weight = Decimal(str(criterion.get("weight", 1)))
        return Decimal(str(level["percent"])) * weight / 100
    return Decimal(rank)


@dataclass
class RubricPlan:
    """What a table would do: the criteria of each good rubric, what is wrong, and the definition that follows."""

    changed: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    problems: list[CellProblem] = field(default_factory=list)
    definition: Definition | None = None

    @property
    def errors(self) -> list[CellProblem]:
        return [one for one in self.problems if not one.is_warning]


def plan_rubrics(version: MicroCredentialVersion, content: bytes) -> RubricPlan:
    """Hold a table against a version. Changes nothing.

    A rubric replaces that of the task with its name; with one of each, the only one. Each is tried by itself,
    so that one with mistakes keeps no other from coming in.
    """
    plan = RubricPlan()
    file = read_rubrics(content)
    plan.problems += file.problems
    data = definition_of(version)
    titles = {task["title"].casefold(): place for place, task in enumerate(data["tasks"])}
    only = len(data["tasks"]) == len(file.rubrics) == 1
    for rubric in file.rubrics:
        place = 0 if only else titles.get(rubric.name.casefold())
        if place is None:
            rubric.problems.append(
                CellProblem(
                    rubric.row, "Rubric Name", f"No task here is called “{rubric.name[:100]}”."
                )
            )
        if place is not None and rubric.is_good:
            tried = deepcopy(data)
            tried["tasks"][place]["criteria"] = _merged(
                rubric, data["tasks"][place]["criteria"], data["grade_scheme"]["kind"]
            )
            try:
                plan.definition = parse(
                    json.dumps(tried, ensure_ascii=False).encode(),
                    policy_defaults=policy_defaults(),
                )
            except DefinitionError as error:
                rubric.problems += [_in_table(one, rubric, place) for one in error.problems]
            else:
                data = tried
                title = data["tasks"][place]["title"]
                plan.changed.append((title, data["tasks"][place]["criteria"]))
        plan.problems += rubric.problems
    plan.problems.sort()
    return plan


def _in_table(problem: Problem, rubric: RubricTable, place: int) -> CellProblem:
    """A problem of the definition at the row that it comes from; those of other parts at the rubric's first row."""
    found = re.match(rf"tasks\[{place}\]\.criteria\[(\d+)\]\.?(.*)", problem.field)
    if found is None:
        return CellProblem(
            rubric.row, "", f"{problem.field}: {problem.message}", problem.is_warning
        )
    row = rubric.criteria[int(found[1])]
    level = re.match(r"levels\[(\d+)\]", found[2])
    column = {"title": "Criteria Name", "description": "Criteria Description"}.get(found[2], "")
    if level is not None:
        rating = _by_points(row)[int(level[1])]
        column = f"Rating {row.ratings.index(rating) + 1}"
    return CellProblem(row.row, column, problem.message, problem.is_warning)


def _by_points(row: CriterionRow) -> list[Rating]:
    return sorted(row.ratings, key=lambda rating: rating.points)


def _merged(
    rubric: RubricTable, before: Sequence[dict[str, Any]], kind: str
) -> list[dict[str, Any]]:
    """The criteria of the table, with what it cannot say taken from the criterion of the same name.

    A criterion that was not there assesses the outcome of the one above it, which the page says.
    """
    by_name = {f"{one['code']} {one['title']}".casefold(): one for one in before}
    by_name |= {one["title"].casefold(): one for one in reversed(before)}
    taken = {one["code"] for one in before}
    made: list[dict[str, Any]] = []
    for row in rubric.criteria:
        old = by_name.get(row.name.casefold())
        if old is not None and old["code"] in {one["code"] for one in made}:
            old = None
        if old is not None and _same(row, old):
            made.append(old)
            continue
        base: dict[str, Any] = dict(old) if old else {"code": _free("C", taken), "title": row.name}
        taken.add(base["code"])
        if old is None:
            base["outcome"] = (made[-1] if made else before[0])["outcome"]
            rubric.problems.append(
                CellProblem(
                    row.row,
                    "Criteria Name",
                    f"New here: it becomes {base['code']} and assesses {base['outcome']}, as the one above.",
                    is_warning=True,
                )
            )
        if row.description:
            base["description"] = row.description
        else:
            base.pop("description", None)
        most = max(one.points for one in row.ratings)
        whole = most
        if kind == "letters" and old and most == _points_of(old, len(old["levels"]) - 1):
            # The same highest points as before: the weight is the same, and the highest level need not be 100 %.
            whole = Decimal(str(old.get("weight", 1)))
        elif kind == "letters" and most:
            base["weight"] = _number(most)
        base["levels"] = _levels(row, old or {}, before, whole, kind)
        made.append(base)
    return made


def _same(row: CriterionRow, old: dict[str, Any]) -> bool:
    """Whether the row says what a row written from the criterion says."""
    written = _row(old)
    return (row.description, _by_points(row)) == (written.description, _by_points(written))


def _levels(
    row: CriterionRow,
    old: dict[str, Any],
    before: Sequence[dict[str, Any]],
    whole: Decimal,
    kind: str,
) -> list[dict[str, Any]]:
    """Lowest first. A name that is known keeps its code and its side of the boundary.

    Others are met from half of the points on.
    """
    known: dict[str, dict[str, Any]] = {}
    for criterion in (*reversed(before), *([old] if old else [])):
        known |= {level["label"].casefold(): level for level in criterion["levels"]}
    taken = {
        known[one.name.casefold()]["code"] for one in row.ratings if one.name.casefold() in known
    }
    made = []
    for rating in _by_points(row):
        same = known.get(rating.name.casefold())
        initials = "".join(word[0] for word in rating.name.split() if word[0].isalnum()).upper()[:6]
        code = same["code"] if same else _free(initials or "L", taken, bare=True)
        taken.add(code)
        level = {
            "code": code,
            "label": rating.name,
            "descriptor": rating.description or rating.name,
            "is_met": same["is_met"] if same else whole > 0 and rating.points * 2 >= whole,
        }
        if kind == "letters" and whole:
            level["percent"] = _number(round(rating.points * 100 / whole, 2))
        made.append(level)
    return made


def _free(stem: str, taken: set[str], *, bare: bool = False) -> str:
    """The first code of that stem that nobody has; with `bare` the stem itself comes first."""
    if bare and stem not in taken:
        return stem
    return next(f"{stem}{n}" for n in range(1, 1000) if f"{stem}{n}" not in taken)


@transaction.atomic
def import_rubrics(version: MicroCredentialVersion, content: bytes, *, actor: User) -> LoadOutcome:
    """Make a new version in draft with the good rubrics of a table. The version itself stays as it is.

    RubricsRefused with every problem where no rubric is good; NotPermitted for whoever writes nothing for the
    provider.
    """
    if not rules.writes_for(version.micro_credential, actor):
        raise NotPermitted(instance=version)
    plan = plan_rubrics(version, content)
    if plan.definition is None:
        raise RubricsRefused(plan.problems)
    return load_definition(plan.definition, provider=version.micro_credential.provider, actor=actor)


def points_of(criterion: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The levels of a criterion with their points as the table would have them."""
    return [
        (level, plain_number(_points_of(criterion, rank)))
        for rank, level in enumerate(criterion["levels"])
    ]
