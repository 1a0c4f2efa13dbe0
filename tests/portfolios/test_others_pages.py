"""Pages of verifiers, the public, and staff; and the mails that leave."""

import json

import pytest
from django.core import mail
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from catalogue.models import Criterion
from portfolios.actions.attestation import ask_to_confirm, revoke_attestation
from portfolios.actions.drafting import map_evidence
from portfolios.actions.extension import ask_for_more_time
from portfolios.actions.submission import place_hold, withdraw_submission
from portfolios.enums import HoldKind
from portfolios.handlers.dates import still_to_submit
from portfolios.models import Attestation, Portfolio
from tests.factories.portfolios import file, note, portfolio_of, ready, submit, submitted
from tests.personas import make_cast
from workflows.hashing import unseal
from workflows.models import Deadline, Notification, Reminder, TransitionRecord
from workflows.outbox import deliver, relay


def ask(cast, **kw):
    portfolio = portfolio_of(cast)
    item = note(portfolio, title="Audit of our forms")
    made = ask_to_confirm(
        portfolio,
        actor=cast.lena,
        name="Vic Verifier",
        email="vic@work.example",
        evidence=[item],
        **kw,
    )
    told = Notification.objects.get(dedupe_key__contains=str(made.pk))
    return made, unseal(told.sealed_path)


# --- verifier ----------------------------------------------------------------------------------------


def test_a_verifier_confirms_without_an_account(cast, client):
    made, path = ask(cast, message="You saw this in March")
    records = TransitionRecord.objects.count()
    for _visit in range(3):
        page = client.get(path)
        assert page.status_code == 200
        assert "Audit of our forms" in page.content.decode()
        assert page["Referrer-Policy"] == "same-origin"
    made.refresh_from_db()
    assert made.state == "requested"
    assert TransitionRecord.objects.count() == records
    start = client.post(path)
    assert start.url == "/v/confirm/"
    form = client.get(start.url).content.decode()
    assert "Criterion 1" in form
    assert "<script" not in form.split("<main")[1].split("</main>")[0]
    empty = client.post(start.url, {})
    assert empty.status_code == 422
    assert "Choose an answer for C1 Criterion 1." in empty.content.decode()
    answers = {f"answer_{one.pk}": "observed" for one in Criterion.objects.all()}
    typed = {**answers, "relationship": "Her manager", "comment": "Ka pai"}
    typed |= {"period_observed": "March", "has_conflict": "no"}
    partly = client.post(start.url, typed)
    assert "Ka pai" in partly.content.decode()
    done = client.post(start.url, {**typed, "authentic": "on"})
    assert done.url == "/v/done/"
    assert "Thank you" in client.get(done.url).content.decode()
    made.refresh_from_db()
    assert made.state == "attested"
    assert made.statements.count() == 3
    assert client.get(path).url == "/v/done/"
    assert client.get("/v/confirm/").url == "/v/done/"


def test_the_wrong_person_says_so(cast, client):
    made, path = ask(cast)
    assert client.post(path, {"decline": "yes", "reason": "I left"}).url == "/v/done/"
    made.refresh_from_db()
    assert (made.state, made.decline_reason) == ("declined", "I left")
    assert "Thank you for telling us" in client.get("/v/done/").content.decode()


def test_links_that_are_over_or_wrong_change_nothing(cast, client):
    made, path = ask(cast)
    revoke_attestation(made, actor=cast.lena)
    for method in (client.get, client.post):
        assert method(path).status_code == 410
        assert method("/v/not-a-link/").status_code == 404
    assert client.get("/v/confirm/").status_code == 404
    assert client.get("/v/done/").status_code == 404


def test_confirming_needs_the_start_button_first(cast, client):
    _made, path = ask(cast)
    client.get(path)
    assert client.get("/v/confirm/").status_code == 404


def test_the_link_of_one_request_does_not_answer_another(cast, client):
    one, path = ask(cast)
    two = ask_to_confirm(portfolio_of(cast), actor=cast.lena, name="W", email="w@work.example")
    client.post(path)
    answers = {f"answer_{each.pk}": "observed" for each in Criterion.objects.all()}
    answers |= {"relationship": "x", "period_observed": "May", "has_conflict": "no"}
    client.post("/v/confirm/", {**answers, "authentic": "on"})
    states = {each.pk: each.state for each in Attestation.objects.all()}
    assert states == {one.pk: "attested", two.pk: "requested"}


# --- the public check --------------------------------------------------------------------------------


def test_a_receipt_is_checked_without_revealing_anything(cast, client):
    cache.clear()
    submission = submitted(cast)
    right = {"reference": submission.reference.lower(), "fingerprint": submission.fingerprint}
    spaced = " ".join(submission.fingerprint[at : at + 4] for at in range(0, 64, 4))
    for sent in (right, {**right, "fingerprint": spaced.upper()}):
        page = client.post("/receipts/", sent).content.decode()
        assert "They match." in page
        assert cast.lena.name not in page
        assert cast.task.title not in page
    wrong = {**right, "fingerprint": "0" * 64}
    unknown = {"reference": "PF-2026-ZZZZZZ", "fingerprint": "0" * 64}
    answers = [client.post("/receipts/", sent).content.decode() for sent in (wrong, unknown)]
    for page, sent in zip(answers, (wrong, unknown), strict=True):
        assert "They do not match." in page
        assert page.count(sent["reference"]) == 1
    assert client.post("/receipts/", {"reference": "", "fingerprint": ""}).status_code == 422


def test_checks_are_limited(cast, client):
    cache.clear()
    sent = {"reference": "PF-2026-ZZZZZZ", "fingerprint": "0" * 64}
    codes = [client.post("/receipts/", sent).status_code for _time in range(22)]
    assert codes == [200] * 20 + [429] * 2
    cache.clear()


# --- staff -------------------------------------------------------------------------------------------


def test_answering_a_request_for_more_time(cast, as_):
    portfolio = portfolio_of(cast)
    from datetime import timedelta

    request = ask_for_more_time(
        portfolio, actor=cast.lena, until=portfolio.due_at + timedelta(days=40), reason="work"
    )
    path = reverse("portfolios:extension", args=[request.pk])
    page = as_(cast.ada).get(path).content.decode()
    assert "more time than you may grant, which is up to 10 working days" in page
    assert as_(cast.ada).post(path, {"decision": "approve"}).status_code == 403
    client = as_(cast.pam)
    assert "Lena Tūhoe" in client.get(reverse("portfolios:extensions")).content.decode()
    assert client.post(path, {"decision": "change"}).status_code == 422
    assert client.post(path, {"decision": "decline", "answer": ""}).status_code == 422
    assert client.post(path, {"decision": "approve", "answer": "Āe"}).status_code == 302
    assert client.post(path, {"decision": "approve"}).status_code == 409
    page = client.get(path).content.decode()
    assert "Āe" in page
    assert f">{cast.pam.name}, " in page
    page = as_(cast.lena).get(reverse("portfolios:time", args=[portfolio.pk])).content.decode()
    assert "Approved" in page
    assert "Āe" in page


def test_asking_for_more_time_on_the_page(cast, as_):
    portfolio = portfolio_of(cast)
    path = reverse("portfolios:time", args=[portfolio.pk])
    client = as_(cast.lena)
    wrong = {"reason": "work", "until_0": "31", "until_1": "2", "until_2": "2027"}
    assert "There is no such day" in client.post(path, wrong).content.decode()
    early = {"reason": "work", "until_0": "1", "until_1": "1", "until_2": "2020"}
    assert "Choose a date after" in client.post(path, early).content.decode()
    later = portfolio.due_at.astimezone(cast.delivery.zone).date().replace(year=2035)
    sent = {"reason": "work", "until_0": later.day, "until_1": later.month, "until_2": later.year}
    assert client.post(path, sent).status_code == 302
    request = portfolio.extension_requests.get()
    zone = cast.delivery.zone
    assert request.asked_until.astimezone(zone).time() == portfolio.due_at.astimezone(zone).time()
    assert "waiting for an answer" in client.get(path).content.decode()


def test_placing_and_lifting_a_hold(cast, as_):
    submission = submitted(cast)
    path = reverse("portfolios:holds", args=[submission.pk])
    client = as_(cast.pam)
    assert client.post(path, {"kind": "integrity", "reason": ""}).status_code == 422
    assert client.post(path, {"kind": "integrity", "reason": "Copied?"}).status_code == 302
    assert "Copied?" in client.get(path).content.decode()
    hold = submission.holds.get()
    lift = reverse("portfolios:lift", args=[submission.pk, hold.pk])
    long = "Kua oti. " * 300
    refused = as_(cast.pam).post(lift, {"note": long})
    assert refused.status_code == 422
    assert long.strip() in refused.content.decode()
    assert "<title>Error: Holds on" in refused.content.decode()
    assert submission.holds.get().closed_at is None
    lifted = as_(cast.pam).post(lift, {"note": "Cleared"}, follow=True)
    assert "Cleared" in lifted.content.decode()
    hold.refresh_from_db()
    assert hold.closed_by == cast.pam


@pytest.mark.django_db
def test_waiving_a_confirmation(as_):
    cast = make_cast(attestations=1, learners=2)
    portfolio = portfolio_of(cast)
    path = reverse("portfolios:waive", args=[portfolio.pk])
    assert as_(cast.pam).post(path, {"reason": "The manager has left"}).status_code == 302
    page = as_(cast.lena).get(reverse("portfolios:ask", args=[portfolio.pk])).content.decode()
    assert "No confirmation is needed" in page


# --- mails -------------------------------------------------------------------------------------------


def send() -> dict[str, str]:
    """Everything that waits, relayed and delivered; body by subject."""
    mail.outbox.clear()
    while relay():
        pass
    while deliver():
        pass
    return {one.subject: one.body for one in mail.outbox if "Accessible doc" not in one.subject}


def test_the_receipt_goes_by_mail_with_reference_and_fingerprint(cast):
    submission = submitted(cast)
    sent = send()
    body = sent[f"Receipt {submission.reference}: Workplace portfolio"]
    assert submission.fingerprint in body
    assert "/receipts/" in body
    withdraw_submission(submission, actor=cast.lena)
    assert f"You took back {submission.reference}" in send()


def test_mails_hold_no_reason_no_answer_and_no_evidence(cast):
    submission = submitted(cast)
    send()
    place_hold(submission, actor=cast.pam, kind=HoldKind.INTEGRITY, reason="Copied?")
    (body,) = send().values()
    assert "on hold" in body
    assert "Copied" not in body
    assert "ntegrity" not in body


def test_a_verifier_gets_the_link_and_the_learner_the_news(cast, client):
    made, path = ask(cast, message="Kia ora & thanks <Vic>")
    sent = send()
    body = sent["Lena Tūhoe asks you to confirm their work"]
    assert path in body
    assert "Kia ora & thanks <Vic>" in body
    client.post(path, {"decline": "yes", "reason": "Secret reason"})
    sent = send()
    assert "Secret reason" not in json.dumps(sent)
    assert "Vic Verifier cannot confirm" in sent
    assert made.pk


def test_a_link_taken_back_in_time_is_not_sent(cast):
    made, _path = ask(cast)
    revoke_attestation(made, actor=cast.lena)
    assert send() == {}


def test_more_time_is_asked_of_administrators_and_answered_to_the_learner(cast, as_):
    from datetime import timedelta

    from portfolios.actions.extension import approve_extension

    portfolio = portfolio_of(cast)
    request = ask_for_more_time(
        portfolio, actor=cast.lena, until=portfolio.due_at + timedelta(days=2), reason="health"
    )
    sent = send()
    asked = {one.to[0] for one in mail.outbox if "More time" in one.subject}
    assert asked == {cast.pam.email, "publisher-access@example.org"}
    assert "ealth" not in json.dumps(sent)
    approve_extension(request, actor=cast.pam)
    assert "You have more time: Workplace portfolio" in send()


def test_a_refused_file_is_news_in_the_application_only(cast):
    file(portfolio_of(cast), "bad.pdf", b"<html>")
    assert send() == {}
    assert Notification.objects.get(topic="portfolios.evidenceitem.quarantined").in_app


def test_nobody_is_reminded_of_what_is_done(cast):
    portfolio = ready(cast)
    deadline = Deadline.objects.get(subject_id=portfolio.pk)
    assert still_to_submit(deadline)
    submit(portfolio)
    assert not still_to_submit(deadline)
    other = portfolio_of(cast, "hone")
    later = Deadline.objects.get(subject_id=other.pk)
    cast.enrolments["hone"].ended_at = portfolio.opens_at
    cast.enrolments["hone"].save()
    assert not still_to_submit(later)


def test_a_reminder_says_what_is_due_and_where(cast):
    from datetime import timedelta

    from workflows.actions import sweep_due

    portfolio = portfolio_of(cast)
    just_now = timezone.now() - timedelta(minutes=1)
    Reminder.objects.filter(offset="-7d").update(fire_at=just_now)
    assert sweep_due() == 1
    told = Notification.objects.get(topic="portfolios.portfolio.due")
    assert told.recipient == cast.lena
    assert told.path == f"/learn/p/{portfolio.pk}/"


def test_evidence_that_is_used_twice_is_asked_for_once(cast):
    portfolio = portfolio_of(cast)
    item = note(portfolio)
    for criterion in Criterion.objects.all():
        map_evidence(portfolio, item, criterion, actor=cast.lena)
    assert Portfolio.objects.get(pk=portfolio.pk).used_evidence() == [item]
