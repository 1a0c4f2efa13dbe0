"""Evidence for a special consideration: an access class of its own."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from portfolios.actions.reconciling import reconcile_evidence
from portfolios.actions.submission import lift_hold, place_hold
from portfolios.actions.supporting import add_supporting, open_supporting
from portfolios.enums import HoldKind
from portfolios.exceptions import ReasonNeeded, UploadRefused
from portfolios.models import Part, SupportingEvidence
from tests.factories.portfolios import png, submitted
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import AccessRecord

CANARY = "A broken collarbone"


def considered(cast, kind=HoldKind.SPECIAL_CONSIDERATION):
    return place_hold(submitted(cast), actor=cast.pam, kind=kind, reason="Asked for on Monday.")


def where(hold, *more):
    name = "open_supporting" if more else "supporting"
    return reverse(f"portfolios:{name}", args=[hold.submission_id, hold.pk, *more])


def test_it_is_kept_opened_with_a_record_and_never_shown_in_the_list(cast, as_):
    hold = considered(cast)
    pam = as_(cast.pam)
    file = SimpleUploadedFile("letter.png", png(), "image/png")
    sent = pam.post(where(hold), {"words": CANARY, "file": file})
    assert sent.status_code == 302
    piece = SupportingEvidence.objects.get()
    assert (piece.number, piece.media_type) == (1, "image/png")
    assert CANARY not in pam.get(where(hold)).content.decode()
    assert not AccessRecord.objects.filter(subject_id=hold.submission_id).exists()
    assert CANARY in pam.post(where(hold, 1)).content.decode()
    got = pam.post(where(hold, 1), {"part": "file"})
    assert b"".join(got.streaming_content) == png()
    assert got["Content-Disposition"].startswith("attachment")
    records = AccessRecord.objects.filter(subject_id=hold.submission_id, actor=cast.pam)
    assert [one.purpose for one in records] == ["Special consideration, evidence 1 opened"] * 2
    check = reconcile_evidence()
    assert not check.findings.exists()
    assert check.bytes > 0


@pytest.mark.parametrize("name", ["ada", "lea", "lena"])
def test_others_who_see_the_submission_are_refused(cast, as_, name):
    hold = considered(cast)
    add_supporting(hold, actor=cast.pam, words=CANARY)
    if name == "ada":
        Part.objects.create(submission=hold.submission, person=cast.ada, kind="assessor")
    client = as_(cast.people.get(name) or cast.lena)
    assert client.get(where(hold)).status_code == 403
    assert client.post(where(hold), {"words": "x"}).status_code == 403
    assert client.post(where(hold, 1)).status_code == 403
    holds = client.get(reverse("portfolios:holds", args=[hold.submission_id]))
    assert CANARY not in holds.content.decode()
    with pytest.raises(NotPermitted):
        open_supporting(hold, 1, actor=cast.people.get(name) or cast.lena)


def test_an_administrator_with_a_part_in_the_work_is_refused(cast):
    hold = considered(cast)
    Part.objects.create(submission=hold.submission, person=cast.pam, kind="assessor")
    with pytest.raises(NotPermitted):
        add_supporting(hold, actor=cast.pam, words=CANARY)
    with pytest.raises(NotPermitted):
        lift_hold(hold, actor=cast.pam, outcome="declined")


def test_the_lead_may_place_it_and_not_decide_it(cast, as_):
    hold = considered(cast)
    lift = reverse("portfolios:lift", args=[hold.submission_id, hold.pk])
    lea = as_(cast.lea)
    assert lea.post(lift, {"outcome": "declined"}).status_code == 403
    assert (
        "A programme administrator decides"
        in lea.get(reverse("portfolios:holds", args=[hold.submission_id])).content.decode()
    )
    pam = as_(cast.pam)
    assert pam.post(lift, {}).status_code == 422
    assert pam.post(lift, {"outcome": "declined"}).status_code == 302
    hold.refresh_from_db()
    assert hold.outcome == "declined"
    with pytest.raises(StaleState):
        add_supporting(hold, actor=cast.pam, words="Later.")


def test_other_holds_have_no_outcome_and_no_such_evidence(cast, as_):
    hold = considered(cast, HoldKind.INTEGRITY)
    assert as_(cast.pam).get(where(hold)).status_code == 404
    with pytest.raises(NotPermitted):
        add_supporting(hold, actor=cast.pam, words=CANARY)
    assert lift_hold(hold, actor=cast.lea, outcome="declined").outcome == ""


def test_nothing_and_what_is_no_document_are_refused(cast, as_):
    hold = considered(cast)
    assert as_(cast.pam).post(where(hold), {}).status_code == 422
    file = SimpleUploadedFile("run.exe", b"MZ\x90\x00", "application/pdf")
    answer = as_(cast.pam).post(where(hold), {"file": file})
    assert answer.status_code == 422
    with pytest.raises(UploadRefused):
        add_supporting(hold, actor=cast.pam, file=SimpleUploadedFile("a.exe", b"MZ\x90\x00"))
    assert not SupportingEvidence.objects.exists()
    with pytest.raises(ReasonNeeded):
        lift_hold(hold, actor=cast.pam)
