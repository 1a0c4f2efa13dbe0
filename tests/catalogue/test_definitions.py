"""Reading definitions: every kind of problem is named with its line, all at once."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from catalogue import definitions
from catalogue.definitions import DefinitionError, parse, schema
from catalogue.models import policy_defaults

FILES = sorted((Path(definitions.__file__).parent / "credentials").glob("*.yaml"))
ACCESS = next(file for file in FILES if file.stem == "digital-accessibility")
LETTERS = next(file for file in FILES if file.stem == "cybersecurity-essentials")


def read(content):
    return parse(
        content if isinstance(content, bytes) else content.encode(),
        policy_defaults=policy_defaults(),
    )


def problems(content):
    with pytest.raises(DefinitionError) as refused:
        read(content)
    return refused.value.problems


def changed(change, file=ACCESS):
    """The example as pretty JSON, with one change; each key stands on a line of its own."""
    data = yaml.safe_load(file.read_text("utf-8"))
    change(data)
    return json.dumps(data, indent=1, ensure_ascii=False)


def line_of(text, needle, number=1):
    lines = [place for place, line in enumerate(text.splitlines(), 1) if needle in line]
    return lines[number - 1]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_shipped_definitions_are_right(file):
    definition = read(file.read_bytes())
    assert definition.warnings == []
    criteria = [one for task in definition.data["tasks"] for one in task["criteria"]]
    assert 5 <= len(criteria) <= 7
    assert all(len(one["levels"]) == 4 for one in criteria)


def test_digest_ignores_layout_and_sees_content():
    same = json.dumps(yaml.safe_load(ACCESS.read_text("utf-8")), indent="\t")
    other = changed(lambda data: data["tasks"][0]["criteria"][0].update(title="Other"))
    digest = read(ACCESS.read_bytes()).digest
    assert read(same).digest == digest
    assert read(other).digest != digest


def test_decomposed_macrons_are_the_same_text():
    decomposed = changed(lambda data: data.update(purpose="Ma\u0304ori"))
    composed = changed(lambda data: data.update(purpose="M\u0101ori"))
    assert read(decomposed).digest == read(composed).digest


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"format: 1\ntitle: \xff\xfe", 2, "UTF-8"),
        (b"", 1, "empty"),
        (b"a: [1, 2", 1, "Cannot be read"),
        (b"a: 1\nb: {c: 1", 2, "Cannot be read"),
        (b"a: &x 1\nb: *x", 2, "aliases"),
        (b"a: !!python/object:os.system 1", 1, "not a value"),
        (b"- 1\n- 2", 1, "group of keys"),
        (b"a: 1\nb: 2\na: 3", 3, "given twice"),
        (b"x: " + b"a" * 1_000_001, 1, "1 MB"),
    ],
)
def test_unreadable_files(content, line, words):
    found = problems(content)
    assert any(one.line == line and words in str(one) for one in found), found


def first(data):
    return data["tasks"][0]["criteria"][0]


SHAPE = [
    (lambda d: d.pop("title"), "title", "missing"),
    (lambda d: d.update(colour="red"), "colour", "no such key"),
    (lambda d: d.update(credits="five"), "credits", "whole number"),
    (lambda d: d.update(credits=41), "credits", "40 or less"),
    (lambda d: d.update(level=0), "level", "1 or more"),
    (lambda d: d.update(format=2), "format", "Must be 1"),
    (lambda d: d.update(code="Not a slug"), "code", "small letters"),
    (lambda d: d.update(title=""), "title", "empty"),
    (lambda d: d.update(visibility="secret"), "visibility", "one of: public, client"),
    (lambda d: d.update(delivery_modes=[]), "delivery_modes", "1 or more entries"),
    (lambda d: d.update(delivery_modes=["online_live"] * 2), "delivery_modes", "twice"),
    (lambda d: d.update(review_interval_months=37), "review_interval_months", "36 or less"),
    (lambda d: first(d).update(code="C 1"), "tasks[0].criteria[0].code", "spaces"),
    (lambda d: first(d).update(required="yes"), "tasks[0].criteria[0].required", "true or false"),
    (lambda d: first(d).update(weight=0), "tasks[0].criteria[0].weight", "more than 0"),
    (lambda d: first(d).pop("levels"), "tasks[0].criteria[0].levels", "missing"),
    (lambda d: first(d)["levels"][0].pop("is_met"), "tasks[0].criteria[0].levels[0].is_met", "mis"),
]
CONTENT = [
    (lambda d: d.update(visibility="client"), "visibility", "Name the organisation"),
    (lambda d: d.update(client="ministry"), "client", "belongs to no client"),
    (lambda d: d.update(credits=6), "workload", "hours add up to 50"),
    (lambda d: d["stacks_into"][0].update(max_credits=1), "stacks_into[0].max_credits", "less"),
    (lambda d: d["stacks_into"].append(d["stacks_into"][0]), "stacks_into[1].code", "above"),
    (lambda d: d["policy"].update({"colour": 1}), "policy.colour", "no such policy"),
    (lambda d: d["policy"].update({"referral.max": -1}), "policy.referral.max", "0 or more"),
    (lambda d: d["policy"].update({"marking.double": 1}), "policy.marking.double", "true or"),
    (lambda d: d["policy"].update({"sample.share": 2}), "policy.sample.share", "from 0 to 1"),
    (lambda d: d["policy"].update({"reminder.offsets": 7}), "policy.reminder.offsets", "list"),
    (lambda d: d["policy"].update({"reminder.offsets": ["+1w"]}), "policy.reminder.offsets", "like"),
    (lambda d: d["outcomes"].append({"code": "LO9", "title": "X"}), "outcomes[3]", "No criterion"),
    (lambda d: d["outcomes"][1].update(code="LO1"), "outcomes[1].code", "above"),
    (lambda d: first(d).update(outcome="LO7"), "tasks[0].criteria[0].outcome", "no outcome"),
    (
        lambda d: [one.update(required=False) for one in d["tasks"][0]["criteria"][:2]],
        "outcomes[0]",
        "Only optional",
    ),
    (lambda d: first(d).update(code="C2"), "tasks[0].criteria[1].code", "above"),
    (lambda d: first(d)["levels"][0].update(is_met=True), "tasks[0].criteria[0].levels[0].is_met", "lowest"),
    (lambda d: first(d)["levels"][3].update(is_met=False), "tasks[0].criteria[0].levels[3].is_met", "highest"),
    (lambda d: first(d)["levels"][2].update(is_met=False), "tasks[0].criteria[0].levels[2].is_met", "above a met"),
    (lambda d: first(d)["levels"][1].update(code="NY"), "tasks[0].criteria[0].levels[1].code", "above"),
    (lambda d: first(d)["levels"][1].update(label="Not yet"), "tasks[0].criteria[0].levels[1].label", "above"),
    (
        lambda d: [level.update(percent=50) for level in first(d)["levels"][:2]],
        "tasks[0].criteria[0].levels[1].percent",
        "more than",
    ),
    (lambda d: d["grade_scheme"]["grades"][0].update(is_pass=True), "grade_scheme.grades[0].is_pass", "lowest"),
    (lambda d: d["grade_scheme"]["grades"][1].update(is_pass=False), "grade_scheme.grades[1].is_pass", "highest"),
    (lambda d: d["grade_scheme"]["grades"][1].update(code="N"), "grade_scheme.grades[1].code", "above"),
    (lambda d: d["grade_scheme"]["grades"][1].update(min_percent=5), "grade_scheme.grades[1].min_percent", "no per"),
    (lambda d: d["grade_scheme"].update(kind="merit"), "grade_scheme.grades", "4 grades"),
    (lambda d: d["grade_scheme"].update(kind="letters"), "grade_scheme.grades[0]", "both percent"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field", "words"), SHAPE + CONTENT)
def test_each_problem_is_named(change, field, words):
    text = changed(change)
    found = [one for one in problems(text) if one.field == field and words in one.message]
    assert found, problems(text)
    # The line is that of the value, or of what should contain it.
    key = field.rsplit(".", 1)[-1].split("[")[0]
    if f'"{key}"' in text and "policy." not in field:
        assert found[0].line <= len(text.splitlines())
        assert found[0].line > 1 or "missing" in words


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (lambda g: g[2].update(min_percent=51), "grade_scheme.grades[2].min_percent", "Must be 50"),
        (lambda g: g[2].update(min_percent=49), "grade_scheme.grades[2].min_percent", "Must be 50"),
        (lambda g: g[0].update(min_percent=1), "grade_scheme.grades[0].min_percent", "Must be 0"),
        (lambda g: g[-1].update(max_percent=99), "grade_scheme.grades[10].max_percent", "100"),
        (lambda g: g[1].update(max_percent=39), "grade_scheme.grades[1].max_percent", "less"),
        (lambda g: g[3].update(is_pass=False), "grade_scheme.grades[3].is_pass", "above a pass"),
    ],
)
def test_bands_tile_0_to_100(change, field, words):
    text = changed(lambda data: change(data["grade_scheme"]["grades"]), LETTERS)
    assert any(one.field == field and words in one.message for one in problems(text))


def test_letters_need_percentages_on_levels():
    text = changed(lambda data: first(data)["levels"][1].pop("percent"), LETTERS)
    (found,) = problems(text)
    assert found.field == "tasks[0].criteria[0].levels[1].percent"


def test_exact_line_of_a_deep_value():
    text = changed(lambda data: first(data)["levels"][2].update(is_met=False))
    (found,) = problems(text)
    assert found.line == line_of(text, '"is_met"', 3)


def test_all_problems_at_once_even_of_both_kinds():
    def change(data):
        data["credits"] = "five"
        data["grade_scheme"]["grades"][0]["is_pass"] = True
        first(data)["outcome"] = "LO7"
        data["colour"] = "red"
        del data["title"]

    fields = {one.field for one in problems(changed(change))}
    assert fields >= {
        "credits",
        "grade_scheme.grades[0].is_pass",
        "tasks[0].criteria[0].outcome",
        "colour",
        "title",
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d.update(title="National Diploma of Access"), "title"),
        (lambda d: d.update(level=4), "level"),
        (lambda d: d.update(credits=4, workload=[{"component": "All", "hours": 40}]), "credits"),
    ],
)
def test_warnings_do_not_stop(change, field):
    (warning,) = read(changed(change)).warnings
    assert warning.field == field
    assert warning.is_warning


def test_a_reason_silences_the_title_warning():
    text = changed(
        lambda data: data.update(title="National Access", title_justification="The service's name.")
    )
    assert read(text).warnings == []


def keys_of(node):
    for key, value in node.get("properties", {}).items():
        yield key
        yield from keys_of(value)
        yield from keys_of(value.get("items", {}))


def test_every_key_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "credential-definition.md").read_text("utf-8")
    missing = {key for key in keys_of(copy.deepcopy(schema())) if f"`{key}`" not in text}
    assert not missing
