"""Marking away from the system: out, worked on in a spreadsheet, and back without overwriting anything."""

import csv
import io
import json
import zipfile

import pytest
from django.urls import reverse

from assessment.actions.deciding import record_decision
from assessment.actions.marking import save_draft, take_over
from assessment.actions.offline import apply_offline, plan_offline
from assessment.models import AssessmentDecision
from assessment.tables import COLUMNS, read_offline, write_offline
from portfolios.models import Submission
from tests.factories.assessment import allocated, drafted, marks
from workflows.models import AccessRecord

WHERE = reverse("assessment:offline")


def exported(client, cast, person="ada"):
    client.force_login(cast.people[person])
    answer = client.get(reverse("assessment:offline_files", args=[cast.delivery.pk]))
    assert answer["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    table = archive.read("marks.csv").decode("utf-8-sig")
    texts = {
        name.removeprefix("feedback/").removesuffix(".txt"): archive.read(name).decode()
        for name in archive.namelist()
        if name.startswith("feedback/")
    }
    return [dict(row) for row in csv.DictReader(io.StringIO(table))], texts, answer.content


def packed(rows, texts=None):
    return write_offline([[row[name] for name in COLUMNS] for row in rows], texts or {})


def fill(rows, reference, **words):
    for row in rows:
        if row["Reference"] == reference:
            row.update(words)


def plan_of(cast, content, person="ada"):
    return plan_offline(read_offline(content), actor=cast.people[person])


def test_it_goes_out_by_code_and_comes_back_as_drafts(client, cast):
    one, other = allocated(cast, "lena"), allocated(cast, "hone")
    drafted(one, cast.ada, "M", staff_note="Keep this note.")
    rows, texts, content = exported(client, cast)
    assert len(rows) == 6
    assert texts == {one.reference: "Clear work.", other.reference: ""}
    assert b"Lena" not in content
    whole = " ".join(" ".join(row.values()) for row in rows)
    assert "Lena" not in whole
    assert "Hōne" not in whole
    assert one.pseudonym in whole
    assert plan_of(cast, content).unchanged
    fill(rows, one.reference, Level="met well", Feedback="=Well argued.")
    fill(rows, other.reference, Level="NY", Feedback="Say more.")
    content = packed(rows, {**texts, other.reference: "Come back with more."})
    shown = client.post(WHERE, {"file": io.BytesIO(content)})
    page = shown.content.decode()
    assert shown.status_code == 200
    assert "Met → Met well" in page
    assert "2 pieces of work to save" in page
    assert AssessmentDecision.objects.get(submission=one).version == 2
    kept = shown.context["kept"]
    answer = client.post(WHERE, {"kept": kept}).content.decode()
    assert "2 drafts are saved" in answer
    draft = AssessmentDecision.objects.get(submission=one)
    assert {judged.level.code for judged in draft.judgements.all()} == {"G"}
    assert {judged.feedback for judged in draft.judgements.all()} == {"=Well argued."}
    assert draft.staff_note == "Keep this note."
    draft = AssessmentDecision.objects.get(submission=other)
    assert draft.feedback == "Come back with more."
    assert draft.sealed_at is None
    assert Submission.objects.get(pk=other.pk).state == "in_assessment"
    again = client.post(WHERE, {"kept": kept}).content.decode()
    assert "Nothing was saved." in again


def test_what_moved_since_the_export_is_reported_and_never_overwritten(client, cast):
    one, two, three = (allocated(cast, name) for name in ("lena", "hone", "mere"))
    for work in (one, two):
        drafted(work, cast.ada, "M")
    rows, texts, _content = exported(client, cast)
    save_draft(one.pk, actor=cast.ada, marks=marks(one, "E"), seen_version=2)
    record_decision(two, actor=cast.ada)
    drafted(three, cast.ada, "M")
    for work in (one, two, three):
        fill(rows, work.reference, Level="NY", Feedback="Overwritten?")
    fill(rows, rows[0]["Reference"])
    rows.append({**rows[0], "Reference": "PF-2026-OTHERS"})
    plan = plan_of(cast, packed(rows, texts))
    assert plan.ready == []
    assert len(plan.moved) == 4
    plan, saved = apply_offline(read_offline(packed(rows, texts)), actor=cast.ada)
    assert saved == []
    assert "Overwritten?" not in json.dumps(
        list(AssessmentDecision.objects.values_list("judgements__feedback", flat=True))
    )


def test_what_somebody_took_over_or_changed_under_the_draft_is_left(client, cast):
    one, two = allocated(cast, "lena"), allocated(cast, "hone")
    for work in (one, two):
        drafted(work, cast.ada, "M")
    rows, texts, _content = exported(client, cast)
    take_over(one, actor=cast.lea)
    AssessmentDecision.objects.filter(submission=two).update(policy_hash="0" * 64)
    for work in (one, two):
        fill(rows, work.reference, Level="NY")
    plan = plan_of(cast, packed(rows, texts))
    said = {item.reference: item.moved for item in plan.moved}
    assert said[one.reference] == "Somebody else has it open now."
    assert "has changed" in said[two.reference]


def test_bad_cells_are_named_by_row_and_the_good_works_come_in(client, cast):
    one, other = allocated(cast, "lena"), allocated(cast, "hone")
    rows, texts, _content = exported(client, cast)
    first = next(row for row in rows if row["Reference"] == one.reference)
    first["Level"] = "Gooood"
    fill(rows, other.reference, Level="M")
    rows.append({**rows[-1], "Criterion": "C9"})
    rows.append({**rows[0], "Draft version": "one"})
    client.force_login(cast.ada)
    answer = client.post(WHERE, {"file": io.BytesIO(packed(rows[:-2] + rows[-1:], texts))})
    page = answer.content.decode()
    at = rows.index(first) + 2
    assert f"Row {at}, Level: “Gooood” is no level of {first['Criterion']}. Choose one of" in page
    assert f"Row {len(rows)}, Draft version" in page
    assert f'<h2 class="govuk-heading-s">{other.reference}</h2>' in page
    _plan, saved = apply_offline(read_offline(packed(rows[:-2], texts)), actor=cast.ada)
    assert [item.reference for item in saved] == [other.reference]
    problems = [str(one) for one in plan_of(cast, packed(rows, texts)).problems]
    assert any("“C9” is no criterion of this work" in words for words in problems)


def test_nobody_takes_or_sees_the_work_of_others(client, double):
    one = allocated(double)
    drafted(one, double.ada, "M", feedback="Canary of Ada")
    record_decision(one, actor=double.ada)
    other = one.allocations.exclude(assessor=double.ada).get().assessor
    client.force_login(other)
    where = reverse("assessment:offline_files", args=[double.delivery.pk])
    content = client.get(where).content
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert "Canary" not in "".join(archive.read(name).decode() for name in archive.namelist())
    client.force_login(double.ada)
    assert client.get(where).status_code == 404
    rows = list(csv.DictReader(io.StringIO(archive.read("marks.csv").decode("utf-8-sig"))))
    fill(rows, one.reference, Level="NY")
    plan = plan_of(double, packed(rows))
    assert [item.reference for item in plan.moved] == [one.reference]
    assert plan.moved[0].changes == []
    assert not AccessRecord.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The table is empty."),
        (b"PK\x03\x04broken", "The ZIP file is damaged."),
        (b"\xff\xfe", "The table is not UTF-8"),
        (b"Reference,Level\nPF-1,M\n", "Row 1, Criterion: This column is missing."),
        (b"x" * 2_000_001, "larger than 2 MB"),
    ],
)
def test_what_cannot_be_read_is_said(content, words):
    assert words in " ".join(str(one) for one in read_offline(content).problems)


def test_a_bomb_and_foreign_names_in_the_zip_do_nothing():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("marks.csv", ",".join(COLUMNS))
        archive.writestr("../../etc/passwd.txt", "x")
        archive.writestr("work/feedback/PF-1.txt", "Good.")
    found = read_offline(made.getvalue())
    assert found.texts == {"PF-1": "Good."}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("marks.csv", b" " * 5_000_000)
    assert "unpacks to more" in str(read_offline(made.getvalue()).problems[0])


def test_what_the_page_kept_must_come_back_whole(client, cast):
    client.force_login(cast.ada)
    for kept in ("{", "[]", '{"rows": [{}], "texts": {}}', '{"rows": 1, "texts": 2}'):
        assert client.post(WHERE, {"kept": kept}).status_code == 422
