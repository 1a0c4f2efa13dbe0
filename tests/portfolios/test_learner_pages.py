"""The learner's journey, page by page, without scripts."""

import datetime as dt
import hashlib
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from catalogue.models import Criterion
from portfolios.actions.drafting import save_reflection
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.actions.submission import place_hold
from portfolios.enums import (
    ENDED_ATTEMPT,
    LEARNER_LABELS,
    EvidenceState,
    HoldKind,
    SubmissionState,
)
from portfolios.models import Attestation, EvidenceItem, Reflection, Submission
from portfolios.selectors import is_news
from tests.factories.portfolios import file, note, pdf, png, portfolio_of, ready, submitted
from tests.tampering import tampering

pytestmark = pytest.mark.django_db


def test_continuing_without_a_choice_or_a_file_asks_for_it(cast, as_):
    client = as_(cast.lena)
    base = f"/learn/p/{portfolio_of(cast).pk}/evidence/add/"
    assert b"There is a problem" not in client.get(base).content
    asked = client.get(f"{base}?asked=1").content.decode()
    assert "Answer the question “What are you adding?”" in asked
    for kind in ("file", "photo", "media"):
        sent = client.post(f"{base}{kind}/", {"title": "Report"})
        assert sent.status_code == 422
        assert "Choose a" in sent.content.decode()
    assert not EvidenceItem.objects.exists()


def test_from_home_to_receipt(cast, as_):  # noqa: PLR0915  one story
    client = as_(cast.lena)
    portfolio = portfolio_of(cast)
    home = client.get("/learn/")
    assert home.status_code == 200
    assert b"Outcome 1" in home.content
    base = f"/learn/p/{portfolio.pk}/"
    page = client.get(base).content.decode()
    assert "Not submitted yet." in page
    assert "Cannot submit yet: 2 outcomes are not ready" in page
    criterion = Criterion.objects.get(code="C1")
    assert client.get(f"{base}evidence/add/?kind=note&criterion={criterion.pk}").status_code == 302
    added = client.post(
        f"{base}evidence/add/note/?criterion={criterion.pk}",
        {"title": "Hui notes", "note": "Ngā mihi", "description": "What I did"},
    )
    item = EvidenceItem.objects.get()
    assert added.url == f"{base}evidence/{item.pk}/?criterion={criterion.pk}"
    assert f'value="{criterion.pk}" id="id_criteria_' in client.get(added.url).content.decode()
    upload = SimpleUploadedFile("Pūrongo.pdf", pdf(), "application/pdf")
    sent = client.post(f"{base}evidence/add/file/", {"upload": upload, "title": ""})
    assert sent.status_code == 302
    report = EvidenceItem.objects.get(kind="file")
    assert report.title == "Pūrongo.pdf"
    assert report.state == EvidenceState.STORED
    scan_waiting_evidence()
    for one in (item, report):
        one.refresh_from_db()
        saved = client.post(
            f"{base}evidence/{one.pk}/",
            {
                "title": one.title,
                "description": "It shows what I did",
                "confidentiality": "confidential",
                "consent_given": "on",
                "version": one.version,
                "criteria": [str(each.pk) for each in Criterion.objects.all()],
                f"claim_{criterion.pk}": "I did it",
                f"locator_{criterion.pk}": "page 2",
            },
        )
        assert saved.status_code == 302, saved.content.decode()
    report.refresh_from_db()
    assert (report.confidentiality, report.consent_given) == ("confidential", True)
    assert portfolio.mappings.get(evidence=report, criterion=criterion).locator == "page 2"
    outcome = client.get(f"{base}o/1/").content.decode()
    assert "Pūrongo.pdf" in outcome
    assert "Ready to submit" in client.get(base).content.decode()
    check = client.get(f"{base}check/").content.decode()
    assert "Continue to the declaration" in check
    assert "You have written no reflection on C1" in check
    form = client.get(f"{base}submit/")
    key = form.context["form"].initial["key"]
    refused = client.post(f"{base}submit/", {"key": key})
    assert refused.status_code == 422
    assert "Accept the declaration" in refused.content.decode()
    answers = {"key": key, "accept": "on", "ai_use": "none"}
    done = client.post(f"{base}submit/", answers)
    submission = Submission.objects.get()
    assert done.url == f"{base}receipt/{submission.reference}/"
    assert client.post(f"{base}submit/", answers).url == done.url
    assert Submission.objects.count() == 1
    receipt = client.get(done.url).content.decode()
    assert submission.reference in receipt
    files = client.get(f"{done.url}files.json")
    assert hashlib.sha256(files.content).hexdigest() == submission.fingerprint
    assert [one["name"] for one in json.loads(files.content)["files"]] == [
        "evidence-01.txt",
        "evidence-02.pdf",
    ]
    assert "Being marked" in client.get(f"{base}state/").content.decode()
    assert client.get(f"{base}submit/").status_code == 302
    assert "No result yet" in client.get(f"{base}result/").content.decode()
    assert "Take back" in client.get(f"{base}withdraw/").content.decode()
    client.post(f"{base}withdraw/", {"reason": "Too early"})
    submission.refresh_from_db()
    assert submission.state == SubmissionState.WITHDRAWN
    assert "You took back" in client.get(done.url).content.decode()
    assert "Not submitted yet" in client.get(base).content.decode()


def test_the_receipt_is_a_tagged_pdf_with_macrons(cast, as_):
    import pypdfium2

    submission = submitted(cast)
    answer = as_(cast.lena).get(
        reverse("portfolios:receipt_pdf", args=[submission.portfolio_id, submission.reference])
    )
    if answer.status_code == 503:
        assert "PDF cannot be made" in answer.content.decode()
        pytest.fail("The fonts are not built: run manage.py build_assets")
    assert answer["Content-Type"] == "application/pdf"
    text = pypdfium2.PdfDocument(answer.content)[0].get_textpage().get_text_range()
    assert "Lena Tūhoe" in text
    assert submission.reference in text
    assert submission.fingerprint in "".join(text.split())
    at = timezone.localtime(submission.submitted_at, cast.delivery.zone)
    assert f"{at:%-d %B %Y, %-I:%M:%S} {at:%p}".lower() + f" {at:%Z}".lower() in text.lower()


def test_each_state_says_where_the_work_is_and_what_comes_next(cast, as_):
    submission = submitted(cast)
    client, path = as_(cast.lena), f"/learn/p/{submission.portfolio_id}/state/"
    for state, label in LEARNER_LABELS.items():
        with tampering():
            Submission.objects.filter(pk=submission.pk).update(state=state)
        page = client.get(path).content.decode()
        assert f"<strong>{label}.</strong>" in page, state
        if state in ENDED_ATTEMPT:
            assert "Continue" in page, state
        else:
            assert page.count('aria-current="step"') == 1, state
    assert set(LEARNER_LABELS) == set(SubmissionState)


def test_without_fonts_the_receipt_page_holds_the_same(cast, as_, settings, tmp_path):
    submission = submitted(cast)
    client = as_(cast.lena)
    settings.BASE_DIR = tmp_path
    answer = client.get(
        reverse("portfolios:receipt_pdf", args=[submission.portfolio_id, submission.reference])
    )
    assert answer.status_code == 503
    assert "The PDF cannot be made just now" in answer.content.decode()


def test_words_survive_a_lost_session(cast, client):
    portfolio = portfolio_of(cast)
    criterion = Criterion.objects.get(code="C1")
    path = reverse("portfolios:reflect", args=[portfolio.pk, criterion.pk])
    sent = client.post(path, {"text": "Long thoughts about hui", "version": "0"})
    assert sent.url.startswith(reverse("account_login"))
    client.force_login(cast.lena)
    page = client.get(path, follow=True).content.decode()
    assert "Long thoughts about hui" in page
    assert "nothing has been saved yet" in page
    assert "Long thoughts" not in client.get(path, follow=True).content.decode()
    assert not Reflection.objects.exists()


def test_two_windows_show_both_texts(cast, as_):
    portfolio = portfolio_of(cast)
    criterion = Criterion.objects.get(code="C1")
    client = as_(cast.lena)
    path = reverse("portfolios:reflect", args=[portfolio.pk, criterion.pk])
    assert client.post(path, {"text": "First", "version": "0"}).status_code == 302
    saved = client.post(
        path, {"text": "Second", "version": "1"}, headers={"X-Requested-With": "autosave"}
    )
    assert saved.json()["version"] == 2
    late = client.post(path, {"text": "From the other window", "version": "1"})
    assert late.status_code == 409
    page = late.content.decode()
    assert "Second" in page
    assert "From the other window" in page
    typed = client.post(
        path, {"text": "Typed", "version": "1"}, headers={"X-Requested-With": "autosave"}
    )
    assert typed.status_code == 409
    assert typed.json() == {"version": 2, "theirs": {"text": "Second"}}
    reflection = Reflection.objects.get()
    assert reflection.text == "Second"
    kept = set(reflection.history.filter(is_conflict=True).values_list("text", flat=True))
    assert kept == {"From the other window", "Typed"}


def test_a_nul_in_a_form_is_an_answer_not_an_error(cast, as_):
    portfolio = portfolio_of(cast)
    criterion = Criterion.objects.get(code="C1")
    path = reverse("portfolios:reflect", args=[portfolio.pk, criterion.pk])
    assert as_(cast.lena).post(path, {"text": "a\x00b", "version": "0"}).status_code == 422


def test_the_map_saves_what_was_shown_and_nothing_else(cast, as_):
    portfolio = portfolio_of(cast)
    item = note(portfolio)
    client = as_(cast.lena)
    path = reverse("portfolios:map", args=[portfolio.pk])
    for layout in ("", "?by=criterion"):
        assert client.get(path + layout).status_code == 200
    pairs = [f"{item.pk}:{one.pk}" for one in Criterion.objects.order_by("number")]
    client.post(path, {"shown": pairs, "supports": pairs[:2]})
    assert portfolio.mappings.count() == 2
    client.post(path, {"shown": pairs[:1], "supports": []})
    assert portfolio.mappings.count() == 1


def test_a_hold_shows_as_waiting_without_its_reason(cast, as_):
    submission = submitted(cast)
    place_hold(submission, actor=cast.pam, kind=HoldKind.INTEGRITY, reason="Looks copied")
    page = as_(cast.lena).get(f"/learn/p/{submission.portfolio_id}/state/").content.decode()
    assert "on hold for now" in page
    assert "copied" not in page
    assert "ntegrity" not in page


def queries_of(client, path):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as found:
        assert client.get(path).status_code == 200
    return len(found)


def test_query_counts_are_equal_for_one_and_three(cast, as_):
    client = as_(cast.lena)
    one, three = ready(cast, files=1), ready(cast, "hone", files=3)
    for path in ("", "o/1/", "check/", "map/", "evidence/", "brief/"):
        client.force_login(cast.lena)
        client.get(f"/learn/p/{one.pk}/{path}")
        first = queries_of(client, f"/learn/p/{one.pk}/{path}")
        client.force_login(cast.hone)
        client.get(f"/learn/p/{three.pk}/{path}")
        assert queries_of(client, f"/learn/p/{three.pk}/{path}") == first, path


def test_asking_and_taking_back_a_request(cast, as_):
    portfolio = portfolio_of(cast)
    client = as_(cast.lena)
    path = f"/learn/p/{portfolio.pk}/ask/"
    own = client.post(path, {"name": "Me", "email": cast.lena.email})
    assert own.status_code == 422
    sent = client.post(path, {"name": "Vic", "email": "vic@gmail.com", "message": "Kia ora"})
    assert sent.status_code == 302
    asked = Attestation.objects.get()
    page = client.get(path).content.decode()
    assert "Vic" in page
    assert "This is a free e-mail address" in page
    client.post(f"{path}{asked.pk}/revoke/")
    asked.refresh_from_db()
    assert asked.state == "revoked"


def test_removing_can_be_undone_and_used_evidence_stays(cast, as_):
    portfolio = portfolio_of(cast)
    item = file(portfolio, "photo.png", png(), kind="photo")
    client = as_(cast.lena)
    client.post(reverse("portfolios:remove", args=[item.pk]))
    item.refresh_from_db()
    assert item.state == EvidenceState.REMOVED
    assert "Undo" in client.get("/learn/evidence/").content.decode()
    client.post(reverse("portfolios:restore", args=[item.pk]))
    item.refresh_from_db()
    assert item.state == EvidenceState.STORED
    used = submitted(cast, "hone").pins.first().evidence
    answer = as_(cast.hone).post(reverse("portfolios:remove", args=[used.pk]))
    assert answer.status_code == 422
    assert "A submission holds this evidence" in answer.content.decode()


def test_reflections_of_locked_criteria_do_not_change(cast):
    from portfolios.exceptions import CriterionLocked

    portfolio = portfolio_of(cast)
    criterion = Criterion.objects.get(code="C1")
    portfolio.met_criteria.add(criterion)
    with pytest.raises(CriterionLocked):
        save_reflection(portfolio, criterion, actor=cast.lena, text="New", seen_version=0)


@pytest.mark.parametrize("version", ["-1", "99999999999999999999", "x", ""])
def test_a_version_that_cannot_be_is_refused_and_the_words_stay(cast, as_, version):
    portfolio = portfolio_of(cast)
    criterion = Criterion.objects.filter(rubric__task=portfolio.task_id).first()
    save_reflection(portfolio, criterion, actor=cast.lena, text="Before", seen_version=0)
    place = reverse("portfolios:reflect", args=[portfolio.pk, criterion.pk])
    answer = as_(cast.lena).post(place, {"text": "Kōrero after", "version": version})
    assert answer.status_code == 422
    assert "Kōrero after" in answer.content.decode()
    assert Reflection.objects.get().text == "Before"


def test_a_result_is_news_for_a_fortnight():
    now = timezone.now()
    state = SubmissionState.RELEASED
    assert is_news(Submission(state=state, released_at=now - dt.timedelta(days=13)), now)
    assert not is_news(Submission(state=state, released_at=now - dt.timedelta(days=14)), now)
    assert not is_news(Submission(state=SubmissionState.RATIFIED, released_at=None), now)
