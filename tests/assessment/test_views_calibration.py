"""The pages of calibration and of the bank of exemplars: files, what is refused, and who is let in no more."""

from typing import Any

import pytest
from django.utils import timezone

from assessment.actions.calibration import begin_calibration
from assessment.actions.exemplars import Anonymous, retire_exemplar
from assessment.exceptions import CalibrationRefused
from assessment.models import CalibrationAttempt, CalibrationJudgement, CalibrationWaiver, Exemplar
from assessment.selectors.calibration import next_item, unseen_exemplars
from assessment.selectors.exemplars import copies_of, supports_of
from catalogue.enums import DeliveryRoleKind
from catalogue.models import DeliveryRole, Level
from portfolios import storage
from portfolios.enums import StoreProblem
from portfolios.manifest import Support
from portfolios.models import EvidenceItem, StoreCheck, StoreFinding
from tests.assessment.pages import url
from tests.assessment.test_exemplars import evidence_of, frozen, work_of
from tests.factories.assessment import assessed
from tests.personas import Cast, as_, make_cast
from tests.worlds import kept
from workflows.models import AccessRecord

pytestmark = pytest.mark.django_db


@kept
def cast() -> Cast:
    """Work of five, marked by Abe, as the five exemplars that an attempt wants; Lena's is the first."""
    made = make_cast(learners=5)
    for number, name in enumerate(made.enrolments, 1):
        source = assessed(made, name, levels="M", assessor="abe")
        work = Anonymous(
            [("C1", "I checked the headings.")],
            [(item, "A report.") for _pin, item in copies_of(source)],
            supports_of(source),
            "A tool read the spelling.",
            [("I kept a list.", [Support("C1", "Lists each heading.", "line 1")])],
        )
        frozen(
            made, title=f"Piece {number}", work=work, source=source,
            consent="By e-mail.", for_calibration=True,
        )  # fmt: skip
    return made


def levels(cast: Cast, code: str = "M") -> dict[str, str]:
    rows = Level.objects.filter(criterion__rubric__task=cast.task, code=code)
    return {f"level_{one.criterion.number}": str(one.pk) for one in rows}


def test_who_begins(cast: Cast) -> None:
    address = url("begin_calibration", cast.task.pk)
    assert as_(cast.olga).post(address).status_code == 404
    assert as_(cast.lea).post(address).status_code == 403
    assert not CalibrationAttempt.objects.exists()
    begun = as_(cast.ada).post(address)
    item = next_item(CalibrationAttempt.objects.get())
    assert begun["Location"] == url("mark_exemplar", item.pk)
    assert as_(cast.ada).post(address)["Location"] == begun["Location"]


def test_a_piece_is_marked_with_its_files_once_and_leads_to_the_next(cast: Cast) -> None:
    attempt = begin_calibration(cast.task, actor=cast.ada)
    item, ada = next_item(attempt), as_(cast.ada)
    page = ada.get(url("mark_exemplar", item.pk)).content.decode()
    assert url("calibration_evidence", item.pk, 1) in page
    for words in (
        "I checked the headings.", "C2 (page 1): Shows C2.", "A tool read the spelling.",
        "I kept a list.", "It shows (line 1): Lists each heading.",
    ):  # fmt: skip
        assert words in page
    assert "error-summary" not in page
    file = ada.get(url("calibration_evidence", item.pk, 1))
    assert file["Content-Disposition"] == 'attachment; filename="evidence-01.pdf"'
    copy = item.exemplar.evidence.get().item.copy_key
    assert b"".join(file.streaming_content) == b"".join(storage.read(copy))
    assert ada.get(url("calibration_evidence", item.pk, 2)).status_code == 404
    assert as_(cast.ana).get(url("calibration_evidence", item.pk, 1)).status_code == 404
    sent = levels(cast) | {"level_1": "nonsense", "reason_1": "As it says."}
    wrong = ada.post(url("mark_exemplar", item.pk), sent)
    assert (wrong.status_code, "Choose a level for C1." in wrong.content.decode()) == (422, True)
    assert CalibrationJudgement.objects.count() == 0
    kept_one = ada.post(
        url("mark_exemplar", item.pk), levels(cast) | {"reason_1": "As it says."}, follow=True
    )
    assert kept_one.redirect_chain[0][0] == url("mark_exemplar", next_item(attempt).pk)
    assert f"Piece {item.number} is kept." in kept_one.content.decode()
    assert item.judgements.get(criterion__number=1).reason == "As it says."
    again = ada.get(url("mark_exemplar", item.pk))
    assert again["Location"] == url("mark_exemplar", next_item(attempt).pk)
    assert ada.get(url("calibration_result", attempt.pk))["Location"] == again["Location"]
    while (following := next_item(attempt)) is not None:
        done = ada.post(url("mark_exemplar", following.pk), levels(cast))
    assert done["Location"] == url("calibration_result", attempt.pk)
    late = ada.post(url("mark_exemplar", item.pk), levels(cast, "NY"))
    assert (late.status_code, "marked already" in late.content.decode()) == (409, True)


def test_the_same_work_is_no_two_pieces_of_one_attempt(cast: Cast) -> None:
    twice = Exemplar.objects.get(title="Piece 1")
    retire_exemplar(Exemplar.objects.get(title="Piece 5"), actor=cast.lea, reason="Old.")
    frozen(cast, title="Once more", source=twice.source, consent="By e-mail.", for_calibration=True)
    with pytest.raises(CalibrationRefused, match="there are 4"):
        begin_calibration(cast.task, actor=cast.ada)


def test_the_same_work_frozen_anew_is_no_other_piece(cast: Cast) -> None:
    """Neither for who marked it in an attempt, nor for who finds it in the bank; for others it is one."""
    attempt = begin_calibration(cast.task, actor=cast.ada)
    assert attempt.items.count() == 5
    anew: dict[str, Any] = {"source": work_of(cast), "consent": "By e-mail."}
    again = frozen(cast, title="Piece 1, once more", for_calibration=True, **anew)
    assert not unseen_exemplars(cast.task, cast.ada).exists()
    assert unseen_exemplars(cast.task, cast.ana).filter(pk=again.pk).exists()
    written = frozen(cast, title="Nobody's", for_calibration=True)
    assert list(unseen_exemplars(cast.task, cast.ada)) == [written]
    frozen(cast, title="In the bank", **anew)
    left = {one.title for one in unseen_exemplars(cast.task, cast.ana)}
    assert left == {"Nobody's", *(f"Piece {number}" for number in (2, 3, 4, 5))}


def test_whoever_assesses_here_no_more_reads_nothing_of_an_open_attempt(cast: Cast) -> None:
    item = next_item(begin_calibration(cast.task, actor=cast.ada))
    DeliveryRole.objects.filter(user=cast.ada).update(ended_at=timezone.now())
    ada = as_(cast.ada)
    for answer in (
        ada.get(url("mark_exemplar", item.pk)),
        ada.post(url("mark_exemplar", item.pk), levels(cast)),
        ada.get(url("calibration_evidence", item.pk, 1)),
    ):
        assert answer.status_code == 403
        assert "I checked the headings." not in answer.content.decode()
    assert not CalibrationJudgement.objects.exists()


def test_a_waiver_is_for_assessors_of_the_same_work_and_never_for_oneself(cast: Cast) -> None:
    lea = as_(cast.lea)
    DeliveryRole.objects.create(
        user=cast.lea, delivery=cast.delivery, role=DeliveryRoleKind.ASSESSOR
    )
    assert lea.get(url("waive_calibration", cast.task.pk, cast.lea.pk)).status_code == 403
    DeliveryRole.objects.filter(user=cast.abe).update(ended_at=timezone.now())
    for nobody in (cast.abe, cast.moses, cast.lena):
        assert lea.get(url("waive_calibration", cast.task.pk, nobody.pk)).status_code == 404
    address = url("waive_calibration", cast.task.pk, cast.ada.pk)
    page = lea.get(address)
    assert (page.status_code, "Ada Assessor" in page.content.decode()) == (200, True)
    assert "error-summary" not in page.content.decode()
    assert lea.post(address, {"reason": " "}).status_code == 422
    done = lea.post(address, {"reason": "Agreed the levels with us."}, follow=True)
    assert "Ada Assessor may mark" in done.content.decode()
    assert CalibrationWaiver.objects.get().assessor == cast.ada


def test_the_bank_hands_out_copies_and_notes_each_opening(cast: Cast) -> None:
    found = Exemplar.objects.get(title="Piece 1")
    address = url("exemplar_evidence", found.pk, 1)
    moses = as_(cast.moses)
    for count in (1, 2):
        got = moses.get(address)
        assert got["Content-Disposition"] == 'attachment; filename="evidence-01.pdf"'
        records = AccessRecord.objects.filter(actor=cast.moses)
        assert records.filter(purpose=f"Exemplar {found.code}").count() == count
    assert moses.get(url("exemplar_evidence", found.pk, 2)).status_code == 404
    # A copy that was made anew, without metadata that the first one still held, takes its place.
    item = evidence_of(cast, "file")
    made = storage.store(
        iter([b"%PDF-1.4 cleaner"]), organisation_id=item.organisation_id, limit=99
    )
    EvidenceItem.objects.filter(pk=item.pk).update(
        copy_key=made.key, copy_size=made.size, copy_sha256=made.sha256
    )
    assert b"".join(moses.get(address).streaming_content) == b"%PDF-1.4 cleaner"
    StoreFinding.objects.create(
        check_run=StoreCheck.objects.create(), key=made.key, problem=StoreProblem.ALTERED
    )
    assert moses.get(address).status_code == 404
    EvidenceItem.objects.filter(pk=item.pk).update(copy_key="")
    assert moses.get(address).status_code == 404
    assert AccessRecord.objects.filter(actor=cast.moses).count() == 3


def test_a_submission_is_looked_up_for_an_exemplar_with_a_record(cast: Cast) -> None:
    lea, address = as_(cast.lea), url("new_exemplar", cast.task.pk)
    source = work_of(cast)
    empty = lea.get(address)
    assert (empty.status_code, "error-summary" in empty.content.decode()) == (200, False)
    assert lea.get(address, {"reference": ""}).status_code == 422
    unknown = lea.get(address, {"reference": "PF-1"})
    assert unknown.status_code == 422
    assert not AccessRecord.objects.filter(actor=cast.lea).exists()
    assert lea.get(address, {"reference": source.reference.lower()}).status_code == 200
    record = AccessRecord.objects.get(actor=cast.lea)
    assert (record.subject_id, record.purpose) == (source.pk, "Making an exemplar")


def test_a_retired_exemplar_has_no_form_and_is_found_where_it_is_asked_for(cast: Cast) -> None:
    found, lea = Exemplar.objects.get(title="Piece 1"), as_(cast.lea)
    page = lea.get(url("exemplar", found.pk)).content.decode()
    assert url("retire_exemplar", found.pk) in page
    assert (
        url("retire_exemplar", found.pk)
        not in as_(cast.moses).get(url("exemplar", found.pk)).content.decode()
    )
    wrong = lea.post(url("retire_exemplar", found.pk), {"reason": ""})
    assert (wrong.status_code, "error-summary" in wrong.content.decode()) == (422, True)
    done = lea.post(url("retire_exemplar", found.pk), {"reason": "Old."}, follow=True)
    assert f"{found.code} is retired." in done.content.decode()
    assert (
        url("retire_exemplar", found.pk) not in lea.get(url("exemplar", found.pk)).content.decode()
    )
    for sent in ({"reason": ""}, {"reason": "Again."}):
        late = lea.post(url("retire_exemplar", found.pk), sent)
        assert (late.status_code, "retired meanwhile" in late.content.decode()) == (409, True)
    assert "Piece 1" not in lea.get(url("exemplars")).content.decode()
    assert "Piece 1" in lea.get(url("exemplars"), {"retired": "1"}).content.decode()
