"""The evidence that a moderator's level rests on: ticked in the blind reading, sealed with it, shown and kept."""

import csv
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assessment.actions.deciding import record_decision
from assessment.actions.early import begin_reading
from assessment.actions.marking import save_draft
from assessment.definitions import Judged
from assessment.models import EarlyCheck, EarlyPlace
from moderation import exports, selectors
from moderation.actions import (
    Levels,
    draw_sample,
    open_comparison,
    open_round,
    return_item,
    save_reading,
    seal_reading,
)
from moderation.models import ModerationRound, ModeratorJudgement, SampleItem
from moderation.receipts import facts_of
from portfolios.models import Submission
from tests.factories.assessment import marks, opened
from tests.factories.moderation import entered, fresh, moderator_of
from tests.factories.portfolios import submitted
from tests.moderation.test_views import at, levels_of, signed_in
from tests.personas import Cast, make_cast
from tests.worlds import kept
from workflows.exceptions import StaleState, StaleVersion

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast() -> Cast:
    """Two drawn pieces, one with three files and one with one, whose assessor points to files 1 and 3."""
    from assessment.actions.allocation import allocate

    made = make_cast(learners=2)
    for number, name in enumerate(made.enrolments):
        work = submitted(made, name, files=1 if number else 3)
        allocate(work, made.ada, actor=made.pam)
        draft = opened(work, made.ada)
        said = marks(work, "G")
        criteria = {
            place: Judged(one.level, one.feedback, pointers=[1, 3] if place == 1 else [])
            for place, one in said.criteria.items()
        }
        said = type(said)(criteria, feedback=said.feedback)
        save_draft(work.pk, actor=made.ada, marks=said, seen_version=draft.version)
        record_decision(work, actor=made.ada)
    draw_sample(open_round(made.delivery, made.task, actor=made.lea), actor=made.lea)
    return made


def items() -> list[SampleItem]:
    """The larger piece of work first."""
    found = SampleItem.objects.select_related("submission").all()
    return sorted(found, key=lambda one: -one.submission.pins.count())


def key_of(item: SampleItem, code: str) -> Any:
    return item.submission.rubric.criteria.get(code=code).pk


def pointing(item: SampleItem, numbers: dict[str, list[int]]) -> Levels:
    said = entered(item.submission)
    pointers = {key_of(item, code): own for code, own in numbers.items()}
    return Levels(said.levels, said.comments, said.comment, said.sufficiency, pointers=pointers)


def pointed(item: SampleItem, code: str = "C1") -> list[int]:
    rows = ModeratorJudgement.objects.filter(reading__item=item, criterion__code=code)
    return list(rows.get().pointers.values_list("number", flat=True))


def test_ticks_are_kept_changed_and_left_where_a_page_does_not_send_them(cast: Cast) -> None:
    item = items()[0]
    me = moderator_of(item)
    saved = save_reading(item, pointing(item, {"C1": [1, 2, 99], "C2": [3]}), actor=me)
    assert (pointed(item), pointed(item, "C2")) == ([1, 2], [3])
    save_reading(item, pointing(item, {"C1": [2, 3]}), actor=me, seen_version=saved.version)
    assert (pointed(item), pointed(item, "C2")) == ([2, 3], [3])
    with pytest.raises(StaleVersion):
        save_reading(item, pointing(item, {"C1": []}), actor=me, seen_version=saved.version)
    assert pointed(item) == [2, 3]


def test_a_sealed_reading_keeps_its_pointers_in_the_database(cast: Cast) -> None:
    item = items()[0]
    me = moderator_of(item)
    seal_reading(item, pointing(item, {"C1": [1], "C2": [2]}), actor=me)
    with pytest.raises(StaleState):
        save_reading(item, pointing(item, {"C1": []}), actor=me)
    own = ModeratorJudgement.objects.get(reading__item=item, criterion__code="C1")
    third = item.submission.pins.get(number=3)
    rows = ModeratorJudgement.pointers.through.objects.filter(moderatorjudgement=own)
    for change in (
        lambda: own.pointers.add(third),
        own.pointers.clear,
        lambda: rows.update(submissionevidence=third),
    ):
        with pytest.raises(DatabaseError, match="keeps the evidence"), transaction.atomic():
            change()
    assert pointed(item) == [1]


def test_the_page_ticks_saves_by_itself_and_loses_nothing(cast: Cast) -> None:
    item = items()[0]
    client = signed_in(cast, moderator_of(item).email.split("@")[0])
    path, name = at("mark", item.pk), f"pointer_{key_of(item, 'C1')}"
    blank = client.get(path).content.decode()
    assert f'name="{name}" value="3"' in blank
    assert "Rests on" not in blank
    sent: dict[str, Any] = levels_of(item) | {name: ["1", "3"]}
    saved = client.post(path, sent, headers={"Accept": "application/json"})
    assert saved.json()["version"] == 2
    ticked = re.findall(
        rf'name="{name}" value="(\d)"[^>]* checked', client.get(path).content.decode()
    )
    assert ticked == ["1", "3"]
    late = client.post(path, sent | {"version": "1"}, headers={"Accept": "application/json"})
    assert late.status_code == 409
    unsealed = sent | {name: ["2"], "sufficiency": "", "seal": "1", "version": "2"}
    again = client.post(path, unsealed)
    assert again.status_code == 422
    assert re.findall(rf'name="{name}" value="(\d)"[^>]* checked', again.content.decode()) == ["2"]
    for nonsense in ("99", "one", ""):
        assert client.post(path, sent | {name: [nonsense]}).status_code == 422
    none_left = {key: value for key, value in sent.items() if key != name}
    client.post(path, none_left | {"version": "2"}, headers={"Accept": "application/json"})
    assert pointed(item) == []


def test_both_sides_stand_in_the_comparison_as_links_for_whoever_may_open_them(cast: Cast) -> None:
    item = items()[0]
    me = moderator_of(item)
    seal_reading(item, pointing(item, {"C1": [2], "C2": [1, 2]}), actor=me)
    view = {
        pin.number: f'<a class="govuk-link" href="{reverse("portfolios:view", args=[pin.evidence_id])}'
        f'?number={pin.number}">evidence {pin.number}</a>'
        for pin in item.submission.pins.all()
    }
    client = signed_in(cast, me.email.split("@")[0])
    page = client.get(at("compare", item.pk)).content.decode()
    assert f"Rests on {view[1]} and {view[3]}" in page
    assert f"Rests on {view[2]}<" in page
    assert f"Rests on {view[1]} and {view[2]}" in page
    assert page.count("Points to no evidence.") == 2 * item.submission.rubric.criteria.count() - 3
    assert client.get(view[2].split('"')[3]).status_code == 200
    item.submission.parts.filter(person=me).update(ended_at="2026-01-01T00:00Z")
    comparison = open_comparison(fresh(item), actor=cast.lea)
    assert selectors.evidence_open_to(me, comparison) == set()
    assert len(selectors.evidence_open_to(cast.lea, comparison)) == 3


def test_record_pdf_and_pack_name_them_by_their_numbers(cast: Cast) -> None:
    first, second = items()
    for item, numbers in ((first, {"C1": [2, 3]}), (second, {"C2": [1]})):
        seal_reading(item, pointing(item, numbers), actor=moderator_of(item))
    found = ModerationRound.objects.get()
    record = selectors.record_of(found)
    told = {one["id"]: one for one in record["items"]}
    assert told[str(first.pk)]["readings"][0]["evidence"] == {"C1": [2, 3]}
    assert told[str(first.pk)]["frozen"]["evidence"] == {"C1": [1, 3]}
    assert told[str(second.pk)]["readings"][0]["evidence"] == {"C2": [1]}
    pages = {one["code"]: one for one in facts_of(record)["items"]}
    row = pages[told[str(first.pk)]["code"]]["levels"][0]
    assert row[:3] == ["C1", "G (evidence 1, 3)", "G (evidence 2, 3)"]
    with zipfile.ZipFile(io.BytesIO(b"".join(exports.sample_pack(found)))) as pack:
        table = list(csv.DictReader(io.StringIO(pack.read("decisions.csv").decode())))
    (line,) = [
        one
        for one in table
        if one["code"] == told[str(first.pk)]["code"] and one["criterion"] == "C1"
    ]
    assert (line["evidence"], line["moderator_evidence"]) == ("1;3", "2;3")


def statements(act: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as asked:
        act()
    return len(asked)


def counted(cast: Cast, item: SampleItem, numbers: list[int]) -> dict[str, int]:
    me = moderator_of(item)
    client = signed_in(cast, me.email.split("@")[0])
    client.get(at("home"))
    said = pointing(item, dict.fromkeys(("C1", "C2"), numbers))
    found = {
        "save": statements(lambda: save_reading(item, said, actor=me)),
        "mark": statements(lambda: client.get(at("mark", item.pk))),
    }
    seal_reading(item, said, actor=me)
    return found | {
        "compare": statements(lambda: client.get(at("compare", item.pk))),
        "record": statements(lambda: selectors.record_of(ModerationRound.objects.get())),
    }


def test_as_many_statements_for_three_pointers_as_for_one(cast: Cast) -> None:
    more, less = items()
    few, many = counted(cast, less, [1]), counted(cast, more, [1, 2, 3])
    assert few == many


def test_returned_work_keeps_the_pointers_of_its_assessor(cast: Cast) -> None:
    item = items()[0]
    me = moderator_of(item)
    seal_reading(item, pointing(item, {}), actor=me)
    return_item(fresh(item), actor=me, reason="Feedback is thin.", action="Say more.")
    draft = opened(Submission.objects.get(pk=item.submission_id), cast.ada)
    own = draft.judgements.get(criterion__code="C1").pointers
    assert list(own.values_list("number", flat=True)) == [1, 3]


def test_the_early_check_shows_where_the_assessor_looked(cast: Cast) -> None:
    item = items()[0]
    check = EarlyCheck.objects.create(delivery=cast.delivery, task=cast.task, size=1)
    place = EarlyPlace.objects.create(check_of=check, submission=item.submission, number=1)
    # Whoever reads it in the round has it open already.
    name = "lea" if moderator_of(item) == cast.moses else "moses"
    reader, path = signed_in(cast, name), at("early_reading", check.pk, 1)
    assert "Rests on" not in reader.get(path, follow=True).content.decode()  # not opened yet
    begin_reading(place, actor=cast.people[name])
    page = " ".join(reader.get(path).content.decode().split())
    links = [f'<a class="govuk-link" href="#evidence-{number}">' for number in (1, 3)]
    assert f"Rests on {links[0]}evidence 1</a> and {links[1]}evidence 3</a></dd>" in page
    assert page.count("Points to no evidence.") == 2
    for number in (1, 3):
        assert f'id="evidence-{number}"' in page
