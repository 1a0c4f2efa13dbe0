"""The bank of exemplars on its pages: found, read, added, retired."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessment.actions.allocation import allocate
from assessment.models import Exemplar
from catalogue.models import Level
from tests.assessment.pages import url
from tests.assessment.test_exemplars import evidence_of, frozen, work_of
from tests.factories.assessment import assessed, decided
from tests.factories.portfolios import submitted
from tests.personas import Cast, as_, make_cast
from tests.worlds import kept
from workflows.models import AccessRecord

pytestmark = pytest.mark.django_db


@kept
def cast() -> Cast:
    made = make_cast(learners=2)
    assessed(made, "lena", levels="M")
    return made


def sent(cast: Cast, **more: str) -> dict[str, str]:
    """The form of a new exemplar, filled in."""
    found = {
        "title": "Just met",
        "whole": "I checked each heading.",
        "rationale": "As the descriptor says.",
        "anonymous": "on",
    }
    for level in Level.objects.filter(criterion__rubric__task=cast.task, code="M"):
        found[f"level_{level.criterion.number}"] = str(level.pk)
    return found | more


def test_found_by_words_and_in_a_fixed_number_of_queries(cast: Cast) -> None:
    ada = as_(cast.ada)
    assert "No exemplars yet" in ada.get(url("exemplars")).content.decode()
    counts = []
    for number in (1, 3):
        while Exemplar.objects.count() < number:
            frozen(cast, title=f"Kind {Exemplar.objects.count()}")
        with CaptureQueriesContext(connection) as held:
            page = ada.get(url("exemplars"))
        counts.append(len(held))
        assert page.content.decode().count("Kind ") == number
    assert counts[0] == counts[1] <= 10
    hidden = frozen(cast, title="Blind piece", for_calibration=True)
    page = ada.get(url("exemplars") + "?q=kind+1").content.decode()
    assert "Kind 1" in page
    assert "Kind 2" not in page
    assert "Nothing has these words" in ada.get(url("exemplars") + "?q=blind").content.decode()
    assert ada.get(url("exemplar", hidden.pk)).status_code == 404
    assert "Blind piece" in as_(cast.moses).get(url("exemplars")).content.decode()
    for name in ("lena", "pam", "rita", "olga"):
        assert as_(cast.people[name]).get(url("exemplars")).status_code == 403, name
        assert as_(cast.people[name]).get(url("exemplar", hidden.pk)).status_code == 404, name


def test_written_by_the_lead_and_read_by_assessors(cast: Cast) -> None:
    lea = as_(cast.lea)
    address = url("new_exemplar", cast.task.pk)
    assert " an exemplar of Workplace" in lea.get(url("exemplars")).content.decode()
    wrong = lea.post(address, sent(cast, anonymous="", whole="My words"))
    assert wrong.status_code == 422
    assert "My words" in wrong.content.decode()
    assert "nothing to read" in lea.post(address, sent(cast, whole="")).content.decode()
    made = lea.post(address, sent(cast, reason_1="The headings are in order."))
    found = Exemplar.objects.get()
    assert made.url == url("exemplar", found.pk)
    page = as_(cast.ada).get(made.url).content.decode()
    for words in ("I checked each heading.", "The headings are in order.", "Achieved"):
        assert words in page
    assert "Retire the exemplar" not in page
    for name in ("ada", "moses", "pam", "olga"):
        assert as_(cast.people[name]).get(address).status_code == 404, name


def test_made_from_a_submission_without_its_learner(cast: Cast) -> None:
    lea = as_(cast.lea)
    source, item = work_of(cast), evidence_of(cast, "file")
    address = url("new_exemplar", cast.task.pk)
    assert "no submission of this task" in lea.get(address + "?reference=PF-1").content.decode()
    address += f"?reference={source.reference}"
    page = lea.get(address).content.decode()
    assert "How and when the learner agreed" in page
    number = item.pins.get().number
    given = {f"take_{number}": "on", f"about_{number}": "A report with headings."}
    assert lea.post(address, sent(cast, **given)).status_code == 422
    lea.post(address, sent(cast, consent="By e-mail on 3 June.", **given))
    found = Exemplar.objects.get()
    assert (found.source, found.origin) == (source, "consented")
    ada = as_(cast.ada)
    page = ada.get(url("exemplar", found.pk)).content.decode()
    for words in (source.reference, source.learner.name, item.original_name, "3 June"):
        assert words not in page, words
    before = AccessRecord.objects.filter(actor=cast.ada).count()
    answer = ada.get(url("exemplar_evidence", found.pk, 1))
    assert answer.status_code == 200
    assert "evidence-01.pdf" in answer["Content-Disposition"]
    assert AccessRecord.objects.filter(actor=cast.ada).count() == before + 1
    assert ada.get(url("exemplar_evidence", found.pk, 2)).status_code == 404
    assert as_(cast.lena).get(url("exemplar_evidence", found.pk, 1)).status_code == 404


def test_what_its_learner_said_is_put_in_changed_and_frozen(cast: Cast) -> None:
    lea = as_(cast.lea)
    source = submitted(cast, "hone", ai_use="Hōne’s tool read the spelling.")
    allocate(source, cast.ada, actor=cast.pam)
    decided(source, cast.ada)
    address = url("new_exemplar", cast.task.pk) + f"?reference={source.reference}"
    page = lea.get(address)
    form = page.context["form"]
    number = source.pins.get(evidence__kind="file").number
    for code in (1, 2, 3):
        assert form[f"shows_{number}_{code}"].value() == f"Shows C{code}."
        assert form[f"where_{number}_{code}"].value() == "page 1"
    words = page.content.decode()
    assert f"What evidence {number} shows for C2" in words
    assert "Hōne’s tool read the spelling.</textarea>" in words
    # Of a note, which has no copy, the words are taken along; it was put to C1 alone.
    note = source.pins.get(evidence__kind="note").number
    assert {one for one in form.fields if one.startswith("shows_")} == {
        f"shows_{note}_1", *(f"shows_{number}_{code}" for code in (1, 2, 3))
    }  # fmt: skip
    given = {
        f"take_{number}": "on",
        f"shows_{number}_1": "Each heading, in order.",
        f"where_{number}_1": "page 2",
        f"shows_{number}_2": "Shows C2.",
        "ai_use": "A tool read the spelling.",
        "consent": "By e-mail.",
    }
    for key, length in ((f"shows_{number}_1", 501), (f"where_{number}_1", 101)):
        assert lea.post(address, sent(cast, **given | {key: "x" * length})).status_code == 422
    assert lea.post(address, sent(cast, **given)).status_code == 302
    found = Exemplar.objects.get()
    assert found.ai_use == "A tool read the spelling."
    assert found.evidence.get().supports == [
        {"criterion": "C1", "claim": "Each heading, in order.", "locator": "page 2"},
        {"criterion": "C2", "claim": "Shows C2.", "locator": ""},
        {"criterion": "C3", "claim": "", "locator": ""},
    ]
    page = as_(cast.ada).get(url("exemplar", found.pk)).content.decode()
    for said in ("C1 (page 2): Each heading, in order.", "C2: Shows C2.", "A tool read the spel"):
        assert said in page
    assert "Hōne" not in page


def test_words_of_a_note_are_put_in_changed_and_frozen_with_what_they_show(cast: Cast) -> None:
    lea, source, note = as_(cast.lea), work_of(cast), evidence_of(cast, "note")
    address = url("new_exemplar", cast.task.pk) + f"?reference={source.reference}"
    number = source.pins.get(evidence=note).number
    assert lea.get(address).context["form"][f"words_{number}"].value() == note.note
    given = {
        "consent": "By e-mail.", f"words_{number}": "I kept a list.",
        f"shows_{number}_1": "Lists each heading.", f"where_{number}_1": "line 1",
    }  # fmt: skip
    lea.post(address, sent(cast, **given))
    found = Exemplar.objects.get()
    assert found.notes == {
        "I kept a list.": [{"criterion": "C1", "claim": "Lists each heading.", "locator": "line 1"}]
    }
    assert found.texts == [{"criterion": "", "text": "I checked each heading."}]
    page = as_(cast.ada).get(url("exemplar", found.pk)).content.decode()
    for words in ("I kept a list.", "C1 (line 1): Lists each heading."):
        assert words in page
    assert note.note not in page
    lea.post(address, sent(cast, **given, title="Without") | {f"words_{number}": ""})
    assert not Exemplar.objects.get(title="Without").notes


def test_retired_once_with_a_reason(cast: Cast) -> None:
    found = frozen(cast)
    address = url("retire_exemplar", found.pk)
    assert as_(cast.ada).post(address, {"reason": "Old."}).status_code == 403
    assert as_(cast.olga).post(address, {"reason": "Old."}).status_code == 404
    lea = as_(cast.lea)
    assert lea.post(address, {"reason": ""}).status_code == 422
    assert lea.post(address, {"reason": "The brief changed."}).status_code == 302
    assert lea.post(address, {"reason": "Again."}).status_code == 409
    assert "Just met" not in lea.get(url("exemplars")).content.decode()
    assert "Just met" in lea.get(url("exemplars") + "?retired=1").content.decode()
    assert "The brief changed." in lea.get(url("exemplar", found.pk)).content.decode()
