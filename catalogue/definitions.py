"""Reads a micro-credential definition (YAML or JSON) and names everything that is wrong with it.

The shape is in definition_schema.json; what a schema cannot say is checked here. All problems are
found in one reading, each with the line and the field, so that an author mends a file in one go.
docs/credential-definition.md describes the format.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from accounts.enums import ConflictGround
from catalogue.hashing import digest
from workflows.working_days import OFFSET

if TYPE_CHECKING:
    from jsonschema import ValidationError

MAX_BYTES = 1_000_000
RESTRICTED_TITLE_WORDS = (
    "new zealand",
    "national",
    "diploma",
    "degree",
    "bachelor",
    "master",
    "doctor",
    "undergraduate",
    "under-graduate",
    "postgraduate",
    "post-graduate",
)
"""Words in a title that need a reason (listing rules 2022, rule 6.2)."""

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Problem:
    """Something an author must mend, or with `is_warning` should look at."""

    line: int
    field: str
    message: str
    is_warning: bool = False

    def __str__(self) -> str:
        kind = "warning: " if self.is_warning else ""
        return f"line {self.line}: {self.field}: {kind}{self.message}"


class DefinitionError(Exception):
    """The file cannot be loaded. `problems` has all reasons, in the order of lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class Definition:
    """A definition that is right. `data` is as in the file, in NFC."""

    data: dict[str, Any]
    warnings: list[Problem]

    @property
    def digest(self) -> str:
        """Fingerprint of the content; layout, comments and order of keys do not matter."""
        return digest(self.data)


@cache
def schema() -> dict[str, Any]:
    """The JSON schema of a definition."""
    text = (Path(__file__).parent / "definition_schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def parse(content: bytes, *, policy_defaults: dict[str, Any]) -> Definition:
    """Read and check a definition. DefinitionError with all problems if there is any.

    `policy_defaults` says which policy keys exist and of what kind their values are.
    """
    import jsonschema  # noqa: PLC0415  wanted by few pages

    source = _Source.read(content)
    if source.data is None:
        raise DefinitionError(source.problems)
    for error in jsonschema.Draft202012Validator(schema()).iter_errors(source.data):
        source.add_schema_error(error)
    _check(source, policy_defaults)
    errors = [problem for problem in source.problems if not problem.is_warning]
    if errors:
        raise DefinitionError(source.problems)
    return Definition(source.data, sorted(source.problems))


@dataclass
class _Source:
    """The content of a file and the line of each of its values."""

    data: Any = None
    lines: dict[Path_, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: list[Path_] = field(default_factory=list)

    def is_broken(self, path: Path_) -> bool:
        """Whether the schema found something at `path` or below it."""
        return any(one[: len(path)] == path for one in self.broken if path or not one)

    @classmethod
    def read(cls, content: bytes) -> "_Source":
        source = cls()
        if len(content) > MAX_BYTES:
            source.add((), "The file is larger than 1 MB.")
            return source
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            source.problems.append(Problem(line, "file", "The text is not UTF-8."))
            return source
        if text.lstrip().startswith("{"):
            text = text.replace("\t", "  ")  # JSON may be indented with tabs, YAML may not
        try:
            node = yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            source.problems.append(Problem(line, "file", f"Cannot be read: {error.problem}."))
            return source
        except yaml.YAMLError as error:
            source.problems.append(Problem(1, "file", f"Cannot be read: {error}"))
            return source
        if node is None:
            source.add((), "The file is empty.")
            return source
        source.data = source.build(node, ())
        return source

    def build(self, node: Node, path: Path_) -> Any:
        """The value of a node; remembers its line, refuses a key given twice."""
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, number)) for number, item in enumerate(node.value)]
        if isinstance(node, MappingNode):
            made: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = str(key_node.value)
                line = key_node.start_mark.line + 1
                if key in made:
                    self.problems.append(
                        Problem(line, dotted((*path, key)), "This key is given twice.")
                    )
                self.lines[(*path, key)] = line
                made[key] = self.build(value_node, (*path, key))
            return made
        assert isinstance(node, ScalarNode)  # noqa: S101  YAML has three kinds of nodes
        try:
            value = yaml.constructor.SafeConstructor().construct_object(node)
        except (ValueError, yaml.YAMLError):
            self.add(path, f"“{node.value}” is not a value this format knows.")
            return None
        if isinstance(value, str):
            return unicodedata.normalize("NFC", value).strip()
        if value is None or isinstance(value, bool | int | float):
            return value
        return str(node.value)

    def add(self, path: Path_, message: str, *, is_warning: bool = False) -> None:
        """Note a problem at the line of the value, or of the nearest thing around it."""
        near = path
        while near and near not in self.lines:
            near = near[:-1]
        self.problems.append(
            Problem(self.lines.get(near, 1), dotted(path) or "file", message, is_warning)
        )

    def add_schema_error(self, error: "ValidationError") -> None:
        """Say in plain words what the schema found."""
        path: Path_ = tuple(error.absolute_path)
        rule = str(error.validator)
        if path or rule == "type":
            self.broken.append(path)
        if rule == "required":
            given = error.instance if isinstance(error.instance, dict) else {}
            wanted: Sequence[str] = error.validator_value  # type: ignore[assignment]
            for name in wanted:
                # One error object is made for each missing name; keep only its own.
                if name not in given and f"'{name}'" in error.message:
                    self.add((*path, name), "This is missing.")
            return
        if rule == "additionalProperties":
            known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
            given = error.instance if isinstance(error.instance, dict) else {}
            for name in sorted(set(given) - set(known)):
                self.add((*path, name), "There is no such key here.")
            return
        sentence = _SENTENCES.get(rule)
        self.add(path, sentence(error) if sentence else error.message)


class _Loader(yaml.SafeLoader):
    """Refuses aliases: a few lines of them can grow without bound."""

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not allowed", problem_mark=event.start_mark
            )
        made: Node | None = super().compose_node(parent, index)
        return made


def dotted(path: Path_) -> str:
    """`tasks[0].criteria[2].code`"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text (put it in quotation marks)",
    "boolean": "true or false",
    "array": "a list",
    "object": "a group of keys",
}
_SENTENCES: "dict[str, Callable[[ValidationError], str]]" = {
    "type": lambda e: f"Must be {_KINDS.get(str(e.validator_value), e.validator_value)}.",
    "enum": lambda e: f"Must be one of: {', '.join(map(str, e.validator_value))}.",  # type: ignore[arg-type]
    "const": lambda e: f"Must be {e.validator_value}.",
    "minimum": lambda e: f"Must be {e.validator_value} or more.",
    "exclusiveMinimum": lambda e: f"Must be more than {e.validator_value}.",
    "maximum": lambda e: f"Must be {e.validator_value} or less.",
    "minItems": lambda e: f"Needs {e.validator_value} or more entries.",
    "maxItems": lambda e: f"May have {e.validator_value} entries at most.",
    "minLength": lambda _: "Must not be empty.",
    "maxLength": lambda e: f"May have {e.validator_value} characters at most.",
    "uniqueItems": lambda _: "Has an entry twice.",
    "pattern": lambda e: (
        "Must not have spaces."
        if e.validator_value == "^\\S+$"
        else "May have small letters, digits and single hyphens only."
    ),
}


# --- what a schema cannot say ----------------------------------------------------------------------


def _check(source: _Source, policy_defaults: dict[str, Any]) -> None:
    """Run each check whose part of the file has the right shape."""
    if source.is_broken(()) or not isinstance(source.data, dict):
        return
    data = source.data
    whole = {key for key in schema()["properties"] if key in data and not source.is_broken((key,))}
    if {"title", "visibility", "credits", "level", "workload"} <= whole:
        _check_listing(source, data, stacks="stacks_into" in whole)
    if "policy" in whole:
        _check_policy(source, data["policy"], policy_defaults)
    if "grade_scheme" in whole:
        _check_scheme(source, data["grade_scheme"])
    if {"outcomes", "tasks"} <= whole:
        _check_outcomes(source, data)
    if "tasks" in whole:
        kind = data["grade_scheme"]["kind"] if "grade_scheme" in whole else ""
        for number, task in enumerate(data["tasks"]):
            _unique(source, ("tasks", number, "criteria"), "code")
            for place, criterion in enumerate(task["criteria"]):
                _check_levels(
                    source, ("tasks", number, "criteria", place), criterion["levels"], kind
                )


def _unique(source: _Source, path: Path_, key: str) -> None:
    """No two entries of the list at `path` share a `key`; the later ones are at fault."""
    entries: Any = source.data
    for part in path:
        entries = entries[part]
    seen: Counter[str] = Counter()
    for number, entry in enumerate(entries):
        value = str(entry[key])
        seen[value] += 1
        if seen[value] > 1:
            source.add((*path, number, key), f"“{value}” is used above already.")


def _check_listing(source: _Source, data: dict[str, Any], *, stacks: bool) -> None:
    """Title words, client, hours, stacking (domain 1.1 and 1.2)."""
    title = data["title"].casefold()
    words = [word for word in RESTRICTED_TITLE_WORDS if word in title]
    if words and "title_justification" not in data:
        source.add(
            ("title",),
            f"“{words[0]}” in a title needs a title_justification.",
            is_warning=True,
        )
    if data["visibility"] == "client" and "client" not in data:
        source.add(("visibility",), "Name the organisation under client, or make it public.")
    if data["visibility"] == "public" and "client" in data:
        source.add(("client",), "A public micro-credential belongs to no client.")
    if data["credits"] < 5:
        source.add(("credits",), "Fewer than 5 credits is unusual.", is_warning=True)
    if not 5 <= data["level"] <= 9:
        source.add(("level",), "A level outside 5 to 9 is unusual here.", is_warning=True)
    hours = sum(part["hours"] for part in data["workload"])
    wanted = data["credits"] * 10
    if abs(hours - wanted) > wanted * 0.05:
        source.add(
            ("workload",),
            f"The hours add up to {hours:g}; {data['credits']} credits are {wanted} hours.",
        )
    if stacks:
        _unique(source, ("stacks_into",), "code")
        for number, rule in enumerate(data["stacks_into"]):
            if rule["max_credits"] < data["credits"]:
                source.add(
                    ("stacks_into", number, "max_credits"),
                    "Is less than the credits of this micro-credential.",
                )


def _check_policy(source: _Source, policy: dict[str, Any], defaults: dict[str, Any]) -> None:
    for key, value in policy.items():
        if key not in defaults:
            source.add(("policy", key), "There is no such policy.")
        elif problem := policy_problem(key, value, defaults):
            source.add(("policy", key), problem)
    if (BLOCKS in policy or WARNS in policy) and (both := in_both({**defaults, **policy})):
        source.add(("policy", BLOCKS if BLOCKS in policy else WARNS), both)


BLOCKS, WARNS = "conflict.blocks", "conflict.warns"


def in_both(policy: Mapping[str, Any]) -> str:
    """What is wrong where a relation both keeps work from somebody and is only pointed out; empty if nothing is."""
    blocks, warns = policy[BLOCKS], policy[WARNS]
    if not isinstance(blocks, list) or not isinstance(warns, list):
        return ""
    both = sorted(set(map(str, blocks)) & set(map(str, warns)))
    return (
        f"“{both[0]}” stands in {BLOCKS} and in {WARNS}; it can be in one of them." if both else ""
    )


def policy_problem(key: str, value: Any, defaults: dict[str, Any]) -> str:
    """What is wrong with a value for a known policy; empty if nothing is."""
    default = defaults[key]
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "Must be true or false."
    if isinstance(default, int):
        right = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return "" if right else "Must be a whole number, 0 or more."
    if isinstance(default, float):
        right = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
        return "" if right else "Must be a number from 0 to 1."
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        return "Must be a list of texts."
    if key in (BLOCKS, WARNS):
        strange = sorted(set(value) - set(ConflictGround.values))
        if strange:
            return f"There is no relation “{strange[0]}”."
        if key == WARNS and ConflictGround.OWN in value:
            return "Nobody judges their own work: “own” cannot be only pointed out."
        return "A relation stands in it twice." if len(set(value)) < len(value) else ""
    if key.startswith("reminder.") and not all(OFFSET.fullmatch(entry) for entry in value):
        return "Each must be like -7d (days), -48h (hours) or +1wd (working days)."
    return ""


def _check_scheme(source: _Source, scheme: dict[str, Any]) -> None:
    """Grades run from the lowest to the highest; percent bands tile 0 to 100 without a gap."""
    path: Path_ = ("grade_scheme", "grades")
    grades = scheme["grades"]
    kind = scheme["kind"]
    _unique(source, path, "code")
    if grades[0]["is_pass"]:
        source.add((*path, 0, "is_pass"), "The lowest grade cannot be a pass.")
    if not grades[-1]["is_pass"]:
        source.add((*path, len(grades) - 1, "is_pass"), "The highest grade must be a pass.")
    for number, (lower, upper) in enumerate(pairwise(grades), start=1):
        if lower["is_pass"] and not upper["is_pass"]:
            source.add((*path, number, "is_pass"), "A grade above a pass must be a pass.")
    wanted = {"competency": 2, "merit": 4}.get(kind)
    if wanted and len(grades) != wanted:
        source.add(path, f"A {kind} scheme has {wanted} grades, not {len(grades)}.")
    if kind != "letters":
        for number, grade in enumerate(grades):
            for key in ("min_percent", "max_percent"):
                if key in grade:
                    source.add((*path, number, key), f"A {kind} scheme has no percentages.")
        return
    _check_bands(source, path, grades)


def _check_bands(source: _Source, path: Path_, grades: list[dict[str, Any]]) -> None:
    expected = 0
    for number, grade in enumerate(grades):
        if "min_percent" not in grade or "max_percent" not in grade:
            source.add((*path, number), "A grade of a letters scheme needs both percentages.")
            return
        if grade["min_percent"] != expected:
            source.add(
                (*path, number, "min_percent"),
                f"Must be {expected}: bands follow each other without gap or overlap.",
            )
        if grade["max_percent"] < grade["min_percent"]:
            source.add((*path, number, "max_percent"), "Is less than min_percent.")
        expected = grade["max_percent"] + 1
    if expected != 101:
        source.add((*path, len(grades) - 1, "max_percent"), "The highest band must end at 100.")


def _check_outcomes(source: _Source, data: dict[str, Any]) -> None:
    """Each outcome is assessed, and by something that every learner must meet.

    A learner with the least that passes has still shown every outcome (domain 2.2), so an outcome
    that only optional criteria assess is an error.
    """
    _unique(source, ("outcomes",), "code")
    known = {outcome["code"] for outcome in data["outcomes"]}
    assessed: set[str] = set()
    needed: set[str] = set()
    for number, task in enumerate(data["tasks"]):
        for place, criterion in enumerate(task["criteria"]):
            code = criterion["outcome"]
            if code not in known:
                path: Path_ = ("tasks", number, "criteria", place, "outcome")
                source.add(path, f"There is no outcome “{code}”.")
            assessed.add(code)
            if criterion.get("required", True):
                needed.add(code)
    for number, outcome in enumerate(data["outcomes"]):
        if outcome["code"] not in assessed:
            source.add(("outcomes", number), "No criterion assesses this outcome.")
        elif outcome["code"] not in needed:
            source.add(("outcomes", number), "Only optional criteria assess this outcome.")


def _check_levels(source: _Source, path: Path_, levels: list[dict[str, Any]], kind: str) -> None:
    """Levels run from the lowest to the highest and have exactly one pass boundary."""
    path = (*path, "levels")
    _unique(source, path, "code")
    _unique(source, path, "label")
    _unique(source, path, "descriptor")
    if levels[0]["is_met"]:
        source.add((*path, 0, "is_met"), "The lowest level cannot be met.")
    if not levels[-1]["is_met"]:
        source.add((*path, len(levels) - 1, "is_met"), "The highest level must be met.")
    for number, (lower, upper) in enumerate(pairwise(levels), start=1):
        if lower["is_met"] and not upper["is_met"]:
            source.add((*path, number, "is_met"), "A level above a met level must be met.")
        if "percent" in lower and "percent" in upper and upper["percent"] <= lower["percent"]:
            source.add((*path, number, "percent"), "Must be more than that of the level below.")
    if kind == "letters":
        for number, level in enumerate(levels):
            if "percent" not in level:
                source.add((*path, number, "percent"), "A letters scheme needs a percentage here.")
