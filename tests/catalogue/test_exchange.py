"""A version as a definition again, and rubrics from a Canvas table into a new version in draft."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from accounts.enums import OrganisationRole
from accounts.models import Membership, Organisation
from catalogue.actions import load_definition
from catalogue.actions.exchange import (
    definition_of,
    import_rubrics,
    plan_rubrics,
    rubric_table,
)
from catalogue.definitions import parse
from catalogue.exceptions import RubricsRefused
from catalogue.hashing import content_of
from catalogue.models import MicroCredentialVersion, policy_defaults
from catalogue.tables import (
    FORMULA,
    MAX_ROWS,
    CriterionRow,
    Rating,
    read_rubrics,
    write_rubrics,
)
from tests.personas import make_user
from tests.worlds import kept
from workflows.exceptions import NotPermitted

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
FILES = sorted((Path(__file__).resolve().parents[2] / "catalogue/credentials").glob("*.yaml"))
HEADER = "Rubric Name,Criteria Name,Criteria Description,Criteria Enable Range"
RATING = ",Rating Name,Rating Description,Rating Points"


def parsed(data):
    return parse(json.dumps(data).encode(), policy_defaults=policy_defaults())


@kept
def loaded():
    """An author with the three bundled micro-credentials."""
    provider = Organisation.objects.create(code="provider", name="Provider", kind="provider")
    Organisation.objects.get_or_create(
        code="ministry", defaults={"name": "Ministry", "kind": "client"}
    )
    author = make_user("arthur")
    Membership.objects.create(user=author, organisation=provider, role=OrganisationRole.AUTHOR)
    versions = []
    for file in FILES:
        definition = parse(file.read_bytes(), policy_defaults=policy_defaults())
        if code := definition.data.get("client"):
            Organisation.objects.get_or_create(code=code, defaults={"name": code, "kind": "client"})
        versions.append(load_definition(definition, provider=provider, actor=author).version)
    return author, provider, versions


def content(version):
    return content_of(version, {})


def test_a_definition_goes_out_and_comes_in_with_every_fingerprint(loaded):
    author, provider, versions = loaded
    for version in versions:
        assert parsed(definition_of(version)).digest == version.definition_hash
        again = load_definition(parsed(definition_of(version)), provider=provider, actor=author)
        assert not again.created


def test_a_version_without_its_definition_is_written_from_its_rows(loaded):
    author, provider, versions = loaded
    for version in versions:
        before = content(version)
        MicroCredentialVersion.objects.filter(pk=version.pk).update(definition={})
        version.refresh_from_db()
        definition = parsed(definition_of(version) | {"title": "Another title"})
        made = load_definition(definition, provider=provider, actor=author).version
        after = content(made)
        after["credential"]["title"] = before["credential"]["title"]
        assert after == before


def test_a_task_may_say_how_long_marking_it_takes(loaded):
    author, provider, (version, *_others) = loaded
    data = definition_of(version) | {"title": "Timed"}
    data["tasks"][0]["marking_minutes"] = 45
    made = load_definition(parsed(data), provider=provider, actor=author).version
    assert made.tasks.get(number=1).marking_minutes == 45
    MicroCredentialVersion.objects.filter(pk=made.pk).update(definition={})
    made.refresh_from_db()
    assert definition_of(made)["tasks"][0]["marking_minutes"] == 45


def test_a_table_goes_out_and_comes_in_unchanged(loaded):
    for version in loaded[2]:
        plan = plan_rubrics(version, rubric_table(version).encode())
        assert plan.problems == []
        assert plan.definition is not None
        assert plan.definition.data == definition_of(version)


def test_the_kept_definition_is_frozen_with_the_version(loaded):
    author, _provider, (version, *_others) = loaded
    from workflows.transitions import perform

    sent = perform(version, "send_to_pre_moderation", actor=author)
    rows = MicroCredentialVersion.objects.filter(pk=sent.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.update(definition={"title": "Other"})


def table(*rows, ratings=3):
    return "\n".join([HEADER + RATING * ratings, *rows]).encode()


def named(version):
    task = definition_of(version)["tasks"][0]
    return task["title"], task["criteria"][0]


@pytest.mark.parametrize("number", range(3))
def test_good_rubrics_come_in_beside_bad_ones_and_errors_name_row_and_field(loaded, number):
    author, _provider, versions = loaded
    version = versions[number]
    _title, first = named(version)
    data = definition_of(version)
    rest = rubric_table(version).splitlines()
    good = rubric_table(version).replace(first["levels"][1]["descriptor"], "Newly worded", 1)
    width = rest[0].count(",") + 1
    bad = [
        ["No such task", "A thing", "", "", "Yes", "It is there", "1", "No", "It is not", "0"],
        ["No such task", "", "", "", "Yes", "It is there", "many"],
        ["", "Lost", "", "", "Yes", "It is there", "1"],
    ]
    lines = [",".join([*one, *[""] * (width - len(one))]) for one in bad]
    text = good + "\n".join(lines) + "\n"
    plan = plan_rubrics(version, text.encode())
    assert [name for name, _criteria in plan.changed] == [one["title"] for one in data["tasks"]]
    said = [str(one) for one in plan.problems]
    row = len(data["tasks"][0]["criteria"]) + sum(
        len(task["criteria"]) for task in data["tasks"][1:]
    )
    assert f"Row {row + 2}, Rubric Name: No task here is called “No such task”." in said
    assert f"Row {row + 3}, Criteria Name: This is missing for “No such task”." in said
    assert f"Row {row + 3}, Rating 1: “many” is no number of points, 0 or more." in said
    assert any(one.startswith(f"Row {row + 4}, Rubric Name: This is missing") for one in said)
    outcome = import_rubrics(version, text.encode(), actor=author)
    assert (outcome.created, outcome.version.state) == (True, "draft")
    assert content(version)["rubrics"] != content(outcome.version)["rubrics"]
    words = [
        level["descriptor"]
        for one in content(outcome.version)["rubrics"][0]["criteria"]
        for level in one["levels"]
    ]
    assert "Newly worded" in words
    # A word was changed and nothing that counts: every level keeps its side, its percentage and its weight.
    for was, now in zip(
        content(version)["rubrics"], content(outcome.version)["rubrics"], strict=True
    ):
        for old, new in zip(was["criteria"], now["criteria"], strict=True):
            assert (old["weight"], old["outcome"]) == (new["weight"], new["outcome"])
            numbers = [[one["percent"], one["is_met"]] for one in old["levels"]]
            assert numbers == [[one["percent"], one["is_met"]] for one in new["levels"]]


def test_a_new_criterion_says_what_it_assesses_and_a_number_in_the_header_does_not_matter(loaded):
    version = loaded[2][0]
    title, _first = named(version)
    lines = rubric_table(version).splitlines(keepends=True)
    numbered, count = [], 0
    for part in lines[0].strip().split(","):
        count += part == "Rating Name"
        numbered.append(f"{part} {count}" if part.startswith("Rating") else part)
    lines[0] = ",".join(numbered) + "\n"
    lines.insert(
        len(definition_of(version)["tasks"][0]["criteria"]) + 1,
        f'"{title}",Something new,,true,Yes,It is there,"1,75",No,It is not there,0\n',
    )
    plan = plan_rubrics(version, "".join(lines).encode())
    assert plan.errors == []
    made = plan.changed[0][1][-1]
    assert made["title"] == "Something new"
    assert [level["is_met"] for level in made["levels"]] == [False, True]
    warnings = [str(one) for one in plan.problems]
    assert any("New here" in one for one in warnings)
    assert any("Ranges are not kept" in one for one in warnings)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "The file is empty."),
        (b"\xff\xfe\x00", "The file is not UTF-8"),
        (b"a\0b", "The file is not a text file."),
        (b"Rubric Name,Criteria Name\nA,B\n", "Row 1, Rating Name: This column is missing."),
        (HEADER.encode() + RATING.encode(), "There is no criterion in this table."),
        (table('"A,B'), "Cannot be read from here on"),
    ],
)
def test_what_cannot_be_read_is_said(sent, words):
    file = read_rubrics(sent)
    assert words in " ".join(str(one) for one in file.problems)


def test_two_levels_with_one_number_of_points_are_an_error_of_their_row(loaded):
    version = loaded[2][0]
    title, _first = named(version)
    rows = [f'"{title}",X,,,Yes,The same words,2,No,The same words,0,,,']
    plan = plan_rubrics(version, table(*rows))
    assert plan.definition is None
    assert any(str(one).startswith("Row 2, Rating") for one in plan.problems)
    with pytest.raises(RubricsRefused):
        import_rubrics(version, table(*rows), actor=loaded[0])


def test_a_cell_is_no_formula_and_comes_back_as_it_was(loaded):
    version = loaded[2][0]
    data = definition_of(version)
    data["tasks"][0]["criteria"][0]["description"] = "=1+1"
    author, provider, _versions = loaded
    made = load_definition(parsed(data), provider=provider, actor=author).version
    text = rubric_table(made)
    assert "'=1+1" in text
    plan = plan_rubrics(made, text.encode())
    assert plan.changed[0][1][0]["description"] == "=1+1"


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1", "'=1+1", "''-x", "'quoted'", "+", "@SUM(A1)", "-", "＝1", "a\n=b", "semi;colon, comma",
        'say "yes"', "Tōna ake", "\t=x",
    ],
)  # fmt: skip
def test_every_cell_comes_back_as_it_was_with_each_separator(cell):
    ratings = (Rating(cell, cell, Decimal("2.5")), Rating("No", "", Decimal(0)))
    text = write_rubrics([("Task", [CriterionRow(2, cell, cell, ratings)])])
    for line in csv.reader(io.StringIO(text.removeprefix("\ufeff"))):
        assert not any(one.startswith(FORMULA) for one in line)
    made = io.StringIO()
    csv.writer(made, delimiter=";").writerows(
        csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    )
    for content in (text, made.getvalue(), text.replace("\r\n", "\n")):
        (rubric,) = read_rubrics(content.encode()).rubrics
        (one,) = rubric.criteria
        assert rubric.problems == []
        assert (one.name, one.description) == (cell, cell)
        assert one.ratings[0] == Rating(cell, cell, Decimal("2.5"))


def test_a_thousand_rows_are_read_and_too_many_are_said():
    def rows(number):
        return table(*[f"R{at // 10},C{at},,,Yes,There,2,No,,0,,," for at in range(number)])

    file = read_rubrics(rows(1000))
    assert (len(file.rubrics), file.problems) == (100, [])
    assert sum(len(one.criteria) for one in file.rubrics) == 1000
    most = read_rubrics(rows(MAX_ROWS + 5))
    assert [str(one) for one in most.problems] == [
        f"Row {MAX_ROWS + 1}: A table may have {MAX_ROWS} rows at most."
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "mac-roman"])
def test_another_encoding_is_refused_and_not_guessed(encoding):
    text = HEADER + RATING + "\nRūnanga é,C,,,Yes,There,1\n"
    found = read_rubrics(text.encode(encoding, "replace"))
    assert found.rubrics == []
    assert "UTF-8" in str(found.problems[0])


def test_only_those_who_write_for_the_provider_import(loaded):
    with pytest.raises(NotPermitted):
        import_rubrics(loaded[2][0], rubric_table(loaded[2][0]).encode(), actor=make_user("nobody"))


def test_the_page_shows_first_and_makes_a_draft_then(client, loaded):
    author, _provider, versions = loaded
    version = versions[0]
    _title, first = named(version)
    client.force_login(author)
    where = reverse("catalogue:import_rubrics", args=[version.pk])
    assert client.get(where).status_code == 200
    assert client.post(where, {}).status_code == 422
    refused = client.post(where, {"text": "Rubric Name\nA\n"})
    assert refused.status_code == 422
    assert "This column is missing" in refused.content.decode()
    text = rubric_table(version).replace(first["levels"][0]["descriptor"], "Other words", 1)
    before = MicroCredentialVersion.objects.count()
    shown = client.post(where, {"text": text})
    assert shown.status_code == 200
    assert "Other words" in shown.content.decode()
    assert MicroCredentialVersion.objects.count() == before
    made = client.post(where, {"text": text, "apply": "yes"})
    newest = MicroCredentialVersion.objects.order_by("-created_at").first()
    assert made["Location"] == reverse("catalogue:version", args=[newest.pk])
    assert newest.state == "draft"
    for name in ("definition_file", "rubric_table"):
        file = client.get(reverse(f"catalogue:{name}", args=[newest.pk]))
        assert "Other words" in file.content.decode()
        assert file["Content-Disposition"].startswith("attachment")
