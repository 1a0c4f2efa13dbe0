"""Who may confirm, by which link, how sure it is, and that an answer stays as it was given."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import DeclaredConflict
from assessment.actions.allocation import allocate
from assessment.guards import independent_of_learner
from assessment.selectors.workspace import standing_of
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Criterion
from portfolios.actions.attestation import (
    ask_on_the_spot,
    ask_to_confirm,
    attest,
    attestation_for,
    disown_attestation,
    objection_to,
    open_attestation,
    renew_link,
    revoke_attestation,
)
from portfolios.actions.drafting import (
    add_file_evidence,
    describe_evidence,
    remove_evidence,
    restore_evidence,
)
from portfolios.actions.rendering import make_renditions, note_missing
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.assurance import level_of, warnings_about
from portfolios.enums import Assurance
from portfolios.exceptions import ReasonNeeded
from portfolios.guards import link_still_good
from portfolios.models import Attestation
from tests.factories.portfolios import file, note, pdf, png, portfolio_of, ready, submit
from tests.factories.recordings import film_of, pages_of
from workflows.actions import open_by_link
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.hashing import unseal
from workflows.models import AccessRecord, Notification, TransitionRecord
from workflows.outbox import deliver, relay

pytestmark = pytest.mark.sqlite
CAPTIONS = "WEBVTT\n\n00:00.000 --> 00:01.000\nKia ora"
VIC = {"name": "Vic Harris", "email": "vic@ministry.example"}


def asked_of(cast, **kw):
    return ask_to_confirm(portfolio_of(cast), actor=cast.lena, **{**VIC, **kw})


def token_in(topic: str) -> str:
    told = Notification.objects.filter(topic=topic).latest("id")
    return unseal(told.sealed_path).strip("/").split("/")[-1]


def given_by(asked: Attestation, **kw) -> Attestation:
    first = Criterion.objects.get(code="C1")
    return attest(open_attestation(asked), statements={first: ("observed", "Āe")}, **kw)


def answers(*criteria: Criterion) -> dict[str, str]:
    typed = {f"answer_{one.pk}": "partly" for one in criteria}
    said = {"relationship": "Manager", "period_observed": "March", "has_conflict": "no"}
    return {**typed, **said, "authentic": "on"}


# --- who is asked, about what ------------------------------------------------------------------------


def test_the_verifier_sees_what_was_chosen_and_nothing_else(cast):
    portfolio = portfolio_of(cast)
    shown, hidden = file(portfolio, "a.png", png()), note(portfolio, title="Not for Vic")
    first = Criterion.objects.get(code="C1")
    asked = asked_of(cast, evidence=[shown], criteria=[first])
    client = Client()
    path = f"/v/{token_in('portfolios.attestation.link')}/"
    page = client.get(path).content.decode()
    assert (shown.title in page, hidden.title in page) == (True, False)
    assert ("C1" in page, "C2" in page) == (True, False)
    assert "gave us your name and e-mail address" in page
    client.post(path)
    form = client.get("/v/confirm/").content.decode()
    assert ("C1" in form, "C2" in form, hidden.title in form) == (True, False, False)
    picture = client.get(reverse("portfolios:verifier_evidence", args=[shown.pk]))
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/png")
    assert picture["Content-Security-Policy"] == "sandbox; default-src 'none'"
    for other in (hidden.pk, file(portfolio, "b.pdf").pk):
        assert client.get(f"/v/evidence/{other}/").status_code == 404
    restore_evidence(remove_evidence(shown, actor=cast.lena), actor=cast.lena)
    assert client.get(f"/v/evidence/{shown.pk}/").status_code == 404  # until it is checked again
    scan_waiting_evidence()
    assert client.get(f"/v/evidence/{shown.pk}/").status_code == 200
    assert client.post("/v/confirm/", answers(first)).url == "/v/done/"
    assert client.get(f"/v/evidence/{shown.pk}/").status_code == 404
    assert Attestation.objects.get(pk=asked.pk).statements.count() == 1


def test_a_link_lasts_for_21_days_and_a_code_for_an_hour(cast):
    made = asked_of(cast)
    assert made.expires_at - made.requested_at == timedelta(days=21)
    here, _token = ask_on_the_spot(made.portfolio, actor=cast.lena, **VIC)
    assert here.expires_at - here.requested_at == timedelta(hours=1)
    with time_machine.travel(made.expires_at - timedelta(seconds=1), tick=False):
        assert link_still_good.holds(made)
    with time_machine.travel(made.expires_at, tick=False):
        assert not link_still_good.holds(made)


def test_documents_and_films_are_looked_at_in_place_for_as_long_as_the_link_answers(cast):
    portfolio = portfolio_of(cast)
    paper = file(portfolio, "report.pdf", pages_of())
    film = file(portfolio, "film.mp4", film_of(1), kind="media")
    film = describe_evidence(film, actor=cast.lena, title="Film", text_alternative=CAPTIONS)
    hidden = file(portfolio, "hidden.pdf", pages_of(1))
    make_renditions()
    client = Client()

    def opened_with(*shown) -> str:
        """The page after Start, and how many statements it took."""
        asked_of(cast, evidence=shown, criteria=[Criterion.objects.get(code="C1")])
        client.post(f"/v/{token_in('portfolios.attestation.link')}/")
        with CaptureQueriesContext(connection) as asked:
            page = client.get("/v/confirm/").content.decode()
        counts.append(len(asked))
        return page

    def at(name: str, item, *more) -> str:
        return reverse(f"portfolios:verifier_{name}", args=[item.pk, *more])

    counts: list[int] = []
    opened_with(paper)
    assert [client.get(at("page", film, 0)).status_code, len(counts)] == [404, 1]
    page = opened_with(paper, film, note(portfolio, "The hui", "We met."))
    assert counts[0] == counts[1]
    for address in (at("page", paper, 1), at("page", paper, 2), at("page", film, 0)):
        assert address in page
        image = client.get(address)
        assert (image.status_code, image["Content-Type"]) == (200, "image/webp")
        assert image["Content-Security-Policy"] == "sandbox; default-src 'none'"
    for words in ("wāhanga 2", "We met.", f'src="{at("evidence", film)}"', "Kia ora"):
        assert words in page
    # Nothing on it needs an account, or a script.
    assert [words for words in ("/evidence/", "hx-get", "/remake/") if f'"{words}' in page] == []
    piece = client.get(at("evidence", film), headers={"Range": "bytes=4-7"})
    assert (piece.status_code, b"".join(piece.streaming_content)) == (206, b"ftyp")
    assert client.get(at("captions", film))["Content-Type"] == "text/vtt"
    places = [at("page", paper, 1), at("page", film, 0), at("evidence", film), at("captions", film)]
    others = [at("page", hidden, 1), at("captions", paper), at("page", paper, 3)]
    assert [client.get(one).status_code for one in others] == [404] * 3
    assert [Client().get(one).status_code for one in places] == [404] * 4
    assert client.post("/v/confirm/", answers(Criterion.objects.get(code="C1"))).status_code == 302
    assert [client.get(one).status_code for one in places] == [404] * 4


def test_what_is_still_checked_or_cannot_be_opened_is_said(cast):
    portfolio = portfolio_of(cast)
    shown = [
        add_file_evidence(portfolio, actor=cast.lena, pieces=[raw], name="a.pdf")
        for raw in (pdf("good"), b"<html>")
    ]
    asked_of(cast, evidence=shown)
    client = Client()
    client.post(f"/v/{token_in('portfolios.attestation.link')}/")

    def said() -> str:
        return " ".join(re.sub("<[^>]*>", "", client.get("/v/confirm/").content.decode()).split())

    assert said().count("This file is still being checked.") == 2
    scan_waiting_evidence()
    note_missing()
    page = said()
    assert "still being checked" not in page
    assert "This takes a moment. Load this page again to see more." in page
    assert page.count("This file cannot be opened any more.") == 1


def test_what_a_verifier_opens_is_noted_by_their_request_and_listed(cast, as_):
    portfolio = ready(cast, files=2)
    paper, other = portfolio.enrolment.learner.evidence.filter(kind="file").order_by("created_at")
    gone = note(portfolio, "Taken back", "Nobody reads this")
    asked = asked_of(cast, evidence=[paper, gone])
    remove_evidence(gone, actor=cast.lena)
    client, path = Client(), f"/v/{token_in('portfolios.attestation.link')}/"
    client.get(path)
    client.post(path)
    assert not AccessRecord.objects.exists()
    for _visit in range(2):
        assert "Nobody reads this" not in client.get("/v/confirm/").content.decode()
        client.get(reverse("portfolios:verifier_evidence", args=[paper.pk]))
        client.get(reverse("portfolios:verifier_evidence", args=[other.pk]))
    record = AccessRecord.objects.get()
    assert (record.subject_id, record.actor, record.purpose) == (paper.pk, None, "evidence")
    assert (record.link_type, record.link_id) == ("portfolios.attestation", asked.pk)
    # Half an hour later it is another opening, by whichever address.
    with time_machine.travel(timezone.now() + timedelta(minutes=30)):
        client.get(reverse("portfolios:verifier_evidence", args=[paper.pk]))
    assert AccessRecord.objects.count() == 2
    listed = reverse("assessment:openings", args=[cast.delivery.pk])

    def lines() -> str:
        return re.sub("<[^>]*>", "|", as_(cast.lea).get(listed).content.decode())

    assert "Not submitted" in lines()
    submission = submit(portfolio)
    number = submission.pins.get(evidence=paper).number
    page = lines()
    assert page.count(f"Opened evidence {number}.") == 2
    assert page.count("A verifier, by personal link") == 2
    assert (submission.reference in page, VIC["name"] in page, paper.title in page) == (
        True, False, False,
    )  # fmt: skip
    # What people with a part in the work open stands with that work alone.
    allocate(submission, cast.ada, actor=cast.pam)
    as_(cast.ada).get(reverse("portfolios:serve", args=[other.pk]))
    assert "Ada" not in lines()
    own = as_(cast.lea).get(reverse("assessment:workspace", args=[submission.pk])).content.decode()
    assert "A verifier, by personal link" in own
    assert f"Opened evidence {submission.pins.get(evidence=other).number}." in own


def test_a_record_of_an_opening_names_one_and_stays(cast):
    item = note(portfolio_of(cast))
    asked = asked_of(cast, evidence=[item])
    open_by_link([item], link=asked, purpose="evidence")
    tries = (
        lambda: AccessRecord.objects.update(purpose="nothing"),
        AccessRecord.objects.all().delete,
        lambda: AccessRecord.objects.create(subject_type="x", subject_id=item.pk, purpose="x"),
        lambda: AccessRecord.objects.create(
            subject_type="x", subject_id=item.pk, purpose="x", actor=cast.ada, link_id=asked.pk
        ),
    )
    for deed in tries:
        with pytest.raises(IntegrityError), transaction.atomic():
            deed()


def renew(path: str, client=None) -> str:
    answer = (client or Client()).post(path, {"renew": "yes"})
    assert answer.status_code == 200
    return answer.content.decode().split("<main")[1].split("csrfmiddlewaretoken")[0]


def test_who_comes_too_late_gets_a_new_link_at_the_same_address_once(cast, as_):
    shown = note(portfolio_of(cast), title="The hui")
    first = Criterion.objects.get(code="C1")
    asked = asked_of(cast, evidence=[shown], criteria=[first], message="Kia ora")
    path = f"/v/{token_in('portfolios.attestation.link')}/"
    # Before it is over nothing of the kind is offered, and the wish is taken for Start.
    assert "Send me a new link" not in Client().get(path).content.decode()
    Attestation.objects.filter(pk=asked.pk).update(expires_at=timezone.now())
    assert "Send me a new link" in Client().get(path).content.decode()
    assert Attestation.objects.get(pk=asked.pk).state == "requested"
    said = renew(path)
    fresh = Attestation.objects.get(renewal_of=asked)
    assert Attestation.objects.get(pk=asked.pk).state == "expired"
    assert (fresh.verifier_email, fresh.message, fresh.state) == (
        VIC["email"],
        "Kia ora",
        "requested",
    )
    assert (list(fresh.evidence.all()), list(fresh.criteria.all())) == ([shown], [first])
    assert fresh.requested_by == cast.lena
    record = TransitionRecord.objects.get(subject_id=fresh.pk)
    assert record.actor_id is None
    new = f"/v/{token_in('portfolios.attestation.link')}/"
    assert new != path
    assert (
        Notification.objects.filter(topic="portfolios.attestation.link").latest("id").address
        == VIC["email"]
    )
    assert Client().get(path).status_code == 410
    assert Client().get(new).status_code == 200
    # Again, with a token that nobody has, and where nothing may be sent: the same words, and nothing is sent.
    assert renew(path) == said == renew("/v/unknown/")
    assert Attestation.objects.count() == 2
    assert VIC["email"] not in said
    page = as_(cast.lena).get(reverse("portfolios:ask", args=[fresh.portfolio_id]))
    assert "They asked for this new link themselves" in page.content.decode()


@pytest.mark.parametrize("why", ["taken back", "answered", "a code", "submitted", "assesses now"])
def test_no_new_link_where_none_may_be_had(cast, why):
    portfolio = ready(cast) if why == "submitted" else portfolio_of(cast)
    if why == "a code":
        asked, token = ask_on_the_spot(portfolio, actor=cast.lena, **VIC)
    else:
        asked = asked_of(cast, **({"email": cast.olga.email} if why == "assesses now" else {}))
        token = token_in("portfolios.attestation.link")
    if why == "taken back":
        revoke_attestation(asked, actor=cast.lena)
    elif why == "answered":
        given_by(asked)
    elif why == "submitted":
        submit(portfolio)
    elif why == "assesses now":
        cast.delivery.roles.create(user=cast.olga, role=DeliveryRoleKind.ASSESSOR)
    if why != "answered":
        Attestation.objects.filter(pk=asked.pk).update(expires_at=timezone.now())
    assert renew_link(token) is None
    assert Attestation.objects.count() == 1


def test_new_links_are_not_asked_for_without_end(cast, settings):
    client = Client(REMOTE_ADDR="203.0.113.77")
    for _try in range(20):
        assert client.post("/v/unknown/", {"renew": "yes"}).status_code == 200
    assert client.post("/v/unknown/", {"renew": "yes"}).status_code == 429


def test_a_reason_that_is_too_long_is_refused_and_kept(cast):
    asked = asked_of(cast)
    path, long = f"/v/{token_in('portfolios.attestation.link')}/", "Kāo. " * 500
    refused = Client().post(path, {"decline": "yes", "reason": long})
    assert refused.status_code == 422
    assert long.strip() in refused.content.decode()
    assert Attestation.objects.get(pk=asked.pk).state == "requested"
    assert Client().post(path, {"decline": "yes", "reason": "Kāo."}).url == "/v/done/"


def test_a_document_that_the_verifier_is_asked_about_comes_as_a_file(cast):
    paper = file(portfolio_of(cast))
    asked_of(cast, evidence=[paper])
    client = Client()
    client.post(f"/v/{token_in('portfolios.attestation.link')}/")
    answer = client.get(f"/v/evidence/{paper.pk}/")
    assert answer["Content-Disposition"] == 'attachment; filename="evidence-01.pdf"'


def test_closeness_has_to_be_said_and_explained(cast):
    asked = asked_of(cast)
    client = Client()
    client.post(f"/v/{token_in('portfolios.attestation.link')}/")
    typed = answers(*Criterion.objects.all())
    nothing = {key: value for key, value in typed.items() if key != "has_conflict"}
    assert client.post("/v/confirm/", nothing).status_code == 422
    typed["has_conflict"] = "yes"
    assert client.post("/v/confirm/", typed).status_code == 422
    assert client.post("/v/confirm/", {**typed, "conflict_note": "Cousins"}).status_code == 302
    asked.refresh_from_db()
    assert (asked.has_conflict, asked.conflict_note) == (True, "Cousins")
    assert "close to the learner" in standing_of(asked, anonymous=True)


@pytest.mark.parametrize("who", ["ada", "moses", "ed", "lea", "rita"])
def test_nobody_who_assesses_the_learner_is_asked(cast, who):
    with pytest.raises(ReasonNeeded):
        asked_of(cast, email=f" {getattr(cast, who).email.upper()}")
    with pytest.raises(ReasonNeeded):
        ask_on_the_spot(
            portfolio_of(cast), actor=cast.lena, name="A", email=getattr(cast, who).email
        )


def test_who_becomes_an_assessor_meanwhile_cannot_confirm_any_more(cast):
    asked = asked_of(cast, email=cast.olga.email)
    opened = open_attestation(asked)
    cast.delivery.roles.create(user=cast.olga, role=DeliveryRoleKind.ASSESSOR)
    with pytest.raises(GuardsNotMet) as refusal, transaction.atomic():
        attest(opened, statements={})
    assert set(refusal.value.codes) == {"verifier_assesses"}
    other = Attestation.objects.get(pk=asked.pk)
    assert other.state == "opened"


def test_an_assessor_who_is_signed_in_is_turned_away_from_a_link(cast, as_):
    asked = asked_of(cast)
    path = f"/v/{token_in('portfolios.attestation.link')}/"
    assert as_(cast.ada).post(path).status_code == 403
    with pytest.raises(NotPermitted):
        attest(open_attestation(asked), statements={}, visitor=cast.ada)
    assert as_(cast.pam).post(path).status_code == 302


def test_who_has_confirmed_does_not_judge_the_learner_afterwards(cast):
    given_by(asked_of(cast, email=cast.olga.email))
    cast.delivery.roles.create(user=cast.olga, role=DeliveryRoleKind.ASSESSOR)
    submission = submit(ready(cast))
    assert not independent_of_learner.holds(submission, cast.olga)
    assert independent_of_learner.holds(submission, cast.ada)
    assert DeclaredConflict.objects.get(person=cast.olga).other == cast.lena


# --- on the spot -------------------------------------------------------------------------------------


def test_a_code_is_shown_only_where_it_was_made_and_until_it_is_used(cast, as_):
    portfolio = portfolio_of(cast)
    client = as_(cast.lena)
    sent = client.post(reverse("portfolios:ask", args=[portfolio.pk]), {**VIC, "way": "code"})
    page = client.get(sent.url).content.decode()
    assert "<svg" in page
    token = re.search(r'href="/v/([\w-]{43})/"', page)[1]
    asked = attestation_for(token)
    assert asked.way == "code"
    assert 3590 < (asked.expires_at - asked.requested_at).total_seconds() < 3610
    assert not Notification.objects.filter(address=VIC["email"]).exists()
    assert token not in str(list(Attestation.objects.values()))
    assert token not in str(dict(client.session))
    elsewhere = Client()
    elsewhere.force_login(cast.lena)
    assert elsewhere.get(sent.url).status_code == 302
    phone = Client()
    phone.post(f"/v/{token}/")
    typed = answers(*Criterion.objects.all())
    assert phone.post("/v/confirm/", typed).url == "/v/done/"
    asked.refresh_from_db()
    assert asked.assurance == Assurance.OTHER_DEVICE
    assert client.get(sent.url).status_code == 302
    listed = client.get(reverse("portfolios:ask", args=[portfolio.pk])).content.decode()
    assert "Code opened on another device" in listed


@pytest.mark.parametrize("signed_out", [False, True])
def test_an_answer_on_the_learners_own_device_says_so(cast, as_, signed_out):
    portfolio = portfolio_of(cast)
    client = as_(cast.lena)
    way = "email" if not signed_out else "code"
    sent = client.post(reverse("portfolios:ask", args=[portfolio.pk]), {**VIC, "way": way})
    if signed_out:
        token = re.search(r'"/v/([\w-]{43})/"', client.get(sent.url).content.decode())[1]
    else:
        token = token_in("portfolios.attestation.link")
    client.post(f"/v/{token}/")
    if signed_out:
        client = Client()  # opened there, sent from elsewhere
        session = client.session
        session["attestation"] = str(attestation_for(token).pk)
        session.save()
    client.post("/v/confirm/", answers(*Criterion.objects.all()))
    assert attestation_for(token).assurance == Assurance.LEARNER_DEVICE


@pytest.mark.parametrize(
    ("address", "level", "warned"),
    [
        ("vic@ministry.example", Assurance.WORK_EMAIL, ""),
        ("vic@Wellington.Ministry.example", Assurance.WORK_EMAIL, ""),
        ("vic@notministry.example", Assurance.EMAIL, "not at the employer"),
        ("vic@Gmail.com", Assurance.FREE_EMAIL, "free e-mail"),
        ("vic@xtra.co.nz", Assurance.FREE_EMAIL, "free e-mail"),
        ("vic@tuhoe.example", Assurance.EMAIL, "same domain as the learner"),
    ],
)
def test_how_sure_an_address_is(address, level, warned):
    of_employer = "ministry.example"
    found = level_of(
        way="email", on_learners_device=False, address=address, employer_domain=of_employer
    )
    assert found == level
    warnings = warnings_about(address, "lena@tuhoe.example", of_employer)
    assert any(warned in one for one in warnings) if warned else warnings == []
    unknown = level_of(
        way="email", on_learners_device=False, address="v@x.example", employer_domain=""
    )
    assert (unknown, warnings_about("v@x.example", "l@y.example", "")) == (Assurance.EMAIL, [])


def test_the_learner_is_told_of_their_own_address_and_device(cast, as_):
    asked = asked_of(cast, email="vic@" + cast.lena.email.partition("@")[2])
    path = reverse("portfolios:ask", args=[asked.portfolio_id])
    page = as_(cast.lena).get(path).content.decode()
    assert "The address has the same domain as your own, outside the employer." in page
    assert "as the learner’s own" in asked.warnings[0]
    given = given_by(asked, on_learners_device=True)
    assert given.assurance_words == "Answered on the learner’s device"
    page = as_(cast.lena).get(path).content.decode()
    assert "Answered on your own device. Assessors see this too." in page


def test_the_level_stands_in_the_chain_and_before_the_assessor(cast):
    cast.client.email_domain = "ministry.example"
    cast.client.save()
    given = given_by(asked_of(cast), relationship="Manager")
    record = TransitionRecord.objects.get(subject_id=given.pk, name="attest")
    assert record.facts == {"assurance": "work_email"}
    assert standing_of(given, anonymous=False) == "Vic Harris, Manager (Work e-mail confirmed)"
    assert standing_of(given, anonymous=True) == "Workplace verifier (Work e-mail confirmed)"


# --- locked, and disowned ----------------------------------------------------------------------------


def test_a_given_answer_never_changes(cast):
    given = given_by(asked_of(cast))
    statement = given.statements.get()
    tries = (
        lambda: Attestation.objects.filter(pk=given.pk).update(comment="Better"),
        lambda: Attestation.objects.filter(pk=given.pk).update(assurance="work_email"),
        lambda: given.statements.update(answer="not_observed"),
        statement.delete,
    )
    for change in tries:
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            change()
    statement.refresh_from_db()
    assert statement.answer == "observed"
    if connection.vendor == "postgresql":
        open_one = asked_of(cast)
        Attestation.objects.filter(pk=open_one.pk).update(comment="A draft may change")


def test_who_did_not_give_it_says_so_and_it_is_void(cast, django_capture_on_commit_callbacks):
    given = given_by(asked_of(cast))
    token = token_in("portfolios.attestation.notice")
    path = f"/v/not-me/{token}/"
    assert token not in str(list(Attestation.objects.values()))
    assert (objection_to(token), objection_to("x" * 43)) == (given, None)
    client = Client()
    for _visit in range(2):
        assert "Was this you?" in client.get(path).content.decode()
    given.refresh_from_db()
    assert given.state == "attested"
    for _press in range(2):
        assert client.post(path).status_code == 302
    assert "is void" in client.get(path).content.decode()
    given.refresh_from_db()
    assert (given.state, given.statements.count()) == ("voided", 1)
    assert given.disowned_at is not None
    assert TransitionRecord.objects.filter(subject_id=given.pk, name="disown").count() == 1
    assert "Void" in standing_of(given, anonymous=True)
    while relay():
        pass
    told = Notification.objects.filter(topic="portfolios.attestation.disowned")
    assert {one.recipient for one in told} == {cast.lena, cast.lea}
    assert client.get("/v/not-me/nothing/").status_code == 404
    with pytest.raises(StaleState):
        disown_attestation(asked_of(cast))


def test_only_the_person_named_disowns(cast):
    from workflows.transitions import perform

    given = given_by(asked_of(cast))
    for who in ("lena", "ada", "pam", "lea", "petra"):
        with pytest.raises(NotPermitted):
            perform(given, "disown", actor=getattr(cast, who))


def test_a_void_confirmation_does_not_count(cast):
    from portfolios.guards import attestations_given

    portfolio = portfolio_of(cast)
    portfolio.task.attestations_required = 1
    given = given_by(asked_of(cast))
    assert attestations_given.holds(portfolio)
    disown_attestation(given)
    assert not attestations_given.holds(portfolio)


def test_neither_link_stands_anywhere_after_the_mails_have_left(cast, mailoutbox, caplog):
    given_by(asked_of(cast))
    tokens = [token_in(f"portfolios.attestation.{topic}") for topic in ("link", "notice")]
    while relay():
        pass
    deliver()
    sent = "\n".join(one.body for one in mailoutbox)
    assert tokens[1] in sent
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith(("workflows_", "portfolios_", "django_session")):
                cursor.execute(f'SELECT * FROM "{table}"')
                stored = str(cursor.fetchall())
                assert not [one for one in tokens if one in stored], table
    assert not [one for one in tokens if one in caplog.text]
    assert {one.sealed_path for one in Notification.objects.all()} == {""}


def test_the_list_of_those_asked_takes_a_fixed_number_of_queries(cast, as_):
    client = as_(cast.lena)
    path = reverse("portfolios:ask", args=[portfolio_of(cast).pk])
    counts = []
    for number in range(3):
        asked_of(cast, email=f"vic{number}@ministry.example")
        with CaptureQueriesContext(connection) as asked:
            client.get(path)
        counts.append(len(asked))
    assert counts[0] == counts[-1]
