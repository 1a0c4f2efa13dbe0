"""Pages: who gets them, what they say, and how they refuse."""

import re
import time

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from assessment.enums import Basis
from awards.actions.recall import ask_recall, confirm_recall
from awards.actions.release import schedule_release
from awards.models import Credential, Ratification, Recall, Reconsideration, Release
from portfolios.enums import SubmissionState
from portfolios.models import Submission
from tests.factories.assessment import assessed
from tests.factories.awards import batch, decide, moderated, ratified, released, sign
from tests.factories.portfolios import ready
from tests.personas import PASSWORD, make_cast
from tests.tampering import tampering
from workflows.models import TransitionRecord

pytestmark = pytest.mark.django_db

TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"')


def as_(user: User, *, proved: bool = False, **record: object) -> Client:
    """A client signed in as that person; `proved` with a confirmation a moment ago."""
    client = Client()
    client.force_login(user)
    if proved or record:
        session = client.session
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [
            {"method": "password", "at": time.time() - 5, "reauthenticated": True, **record}
        ]
        session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
        session.save()
    return client


def text_of(response) -> str:
    return str(response.content.decode())


def test_signing_through_the_pages(one_ready):
    """Open, check, refused without a proof, prove with the password, sign, and read what became of it."""
    cast, submission = one_ready
    rita = as_(cast.rita)
    home = rita.get(reverse("awards:home"))
    assert "Results of Workplace portfolio are ready to be ratified" in text_of(home)
    place = reverse("awards:set", args=[cast.delivery.pk, cast.task.pk])
    refused = rita.post(place, {"minute": ""})
    assert refused.status_code == 422
    assert "The batch was not opened" in text_of(refused)
    opened = rita.post(place, {"minute": "Rita met Rob"})
    made = Ratification.objects.get()
    assert opened.url == reverse("awards:batch", args=[made.pk])
    page = rita.get(opened.url)
    assert "Confirm that it is you" in text_of(page)
    assert "Sign the batch" not in text_of(page)
    sign_url = reverse("awards:sign", args=[made.pk])
    answers = {"seen_hash": made.content_hash, "agreed": "on"}
    refused = rita.post(sign_url, answers)
    assert refused.status_code == 422
    assert "Confirm that it is you first" in text_of(refused)
    proof = rita.post(
        reverse("account_reauthenticate") + f"?next={opened.url}", {"password": PASSWORD}
    )
    assert proof.url == opened.url
    assert "Sign the batch" in text_of(rita.get(opened.url))
    assert rita.post(sign_url, {"seen_hash": made.content_hash}).status_code == 422
    signed = rita.post(sign_url, answers, follow=True)
    assert signed.redirect_chain[-1][0] == reverse("awards:batch_result", args=[made.pk])
    assert "Batch ratified" in text_of(signed)
    assert Submission.objects.get(pk=submission.pk).state == SubmissionState.RATIFIED
    assert rita.get(opened.url).status_code == 302


@pytest.mark.parametrize(
    "record",
    [
        {"reauthenticated": False},
        {"method": "socialaccount"},
        {"method": "password_reset"},
        {"at": 1.0},
        {"at": 32503680000.0},
    ],
)
def test_only_a_fresh_confirmation_counts(one_ready, record):
    """A plain sign-in, another service's word, an old or future time: none of them signs."""
    cast, _submission = one_ready
    made = batch(cast)
    client = as_(cast.rita, **record)
    answers = {"seen_hash": made.content_hash, "agreed": "on"}
    response = client.post(reverse("awards:sign", args=[made.pk]), answers)
    assert response.status_code == 422
    assert not made.signatures.exists()


def test_somebody_without_password_or_passkey_does_not_sign(one_ready):
    """allauth says that they recently re-authenticated; the page does not believe it."""
    cast, _submission = one_ready
    made = batch(cast)
    cast.rita.set_unusable_password()
    cast.rita.save()
    client = as_(cast.rita)
    request = RequestFactory().get("/")
    request.user, request.session = cast.rita, client.session
    assert did_recently_reauthenticate(request) is True
    answers = {"seen_hash": made.content_hash, "agreed": "on"}
    response = client.post(reverse("awards:sign", args=[made.pk]), answers)
    assert response.status_code == 422
    assert not made.signatures.exists()


def test_records_of_somebody_else_in_the_session_do_not_count(one_ready):
    cast, _submission = one_ready
    made = batch(cast)
    client = as_(cast.rita, proved=True)
    session = client.session
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(cast.rob.pk)
    session.save()
    answers = {"seen_hash": made.content_hash, "agreed": "on"}
    assert client.post(reverse("awards:sign", args=[made.pk]), answers).status_code == 422


def test_before_release_achieved_and_not_achieved_look_the_same():
    """Byte for byte, on the result page and where asking for reconsideration would be."""
    cast = make_cast()
    lena = as_(cast.lena)
    submission = moderated(cast)
    decision = submission.decisions.get()
    grades = submission.delivery.version.grade_scheme.grades

    def pages() -> list[list[bytes]]:
        found = []
        for outcome, rank in (("achieved", 1), ("not_achieved", 0)):
            with tampering():
                type(decision).objects.filter(pk=decision.pk).update(
                    outcome=outcome, grade=grades.get(rank=rank)
                )
            seen = []
            for name in ("result", "reconsider", "reconsidered"):
                url = reverse(f"awards:{name}", args=[submission.pk])
                response = lena.get(url, follow=True)
                assert response.status_code == 200
                for word in ("chieved", "On C1", "Clear work", "Met"):
                    assert word not in text_of(response)
                # The token of the forms in the header is masked anew for each response.
                seen.append(TOKEN.sub(b"", response.content))
            found.append(seen)
        return found

    before = pages()
    assert before[0] == before[1]
    with tampering():
        type(decision).objects.filter(pk=decision.pk).update(
            outcome="achieved", grade=grades.get(rank=1)
        )
    sign(batch(cast), cast.rita)
    after = pages()
    assert after[0] == after[1] == before[0]
    assert "Being checked" in after[0][0].decode()


def test_a_scheduled_release_is_announced_without_the_result():
    cast = make_cast()
    submission = ratified(cast)
    schedule_release(cast.delivery, cast.task, actor=cast.pam)
    page = as_(cast.lena).get(reverse("awards:result", args=[submission.pk]))
    assert "Results come out" in text_of(page)
    assert "chieved" not in text_of(page)


@pytest.mark.parametrize(("achieved", "words"), [(True, "Achieved"), (False, "Not achieved")])
def test_the_result_says_what_to_do_next_then_level_and_feedback(achieved, words):
    cast = make_cast()
    submission = released(cast, achieved=achieved)
    page = text_of(as_(cast.lena).get(reverse("awards:result", args=[submission.pk])))
    assert f"Your result: {words}" in page
    assert page.index("What to do next") < page.index("Criterion by criterion")
    assert page.count("look at the evidence again") == 3
    assert "Ask for reconsideration" in page
    assert ("See your credential" in page) is achieved


def test_asking_for_reconsideration_through_the_page():
    cast = make_cast()
    submission = released(cast, achieved=False)
    lena = as_(cast.lena)
    url = reverse("awards:reconsider", args=[submission.pk])
    assert lena.post(url, {"grounds": ""}).status_code == 422
    asked = lena.post(url, {"grounds": "Criterion 2 was missed"}, follow=True)
    assert "You asked for reconsideration" in text_of(asked)
    result = lena.get(reverse("awards:result", args=[submission.pk]))
    assert "being looked at again" in text_of(result)
    assert lena.post(url, {"grounds": "Once more"}).status_code in (409, 422)
    made = Reconsideration.objects.get()
    rita = as_(cast.rita)
    ready = "A reconsideration is ready to be concluded"
    assert ready not in text_of(rita.get(reverse("awards:home")))
    decide(submission, cast.abe, basis=Basis.RECONSIDERATION, final=False)
    page = text_of(rita.get(reverse("awards:home")))
    assert ready in page
    assert reverse("awards:reconsideration", args=[made.pk]) in page


def test_releasing_through_the_page_and_reading_the_report():
    cast = make_cast()
    ratified(cast)
    pam = as_(cast.pam)
    waiting = text_of(pam.get(reverse("awards:releases")))
    assert "Release 1 result of Workplace portfolio" in waiting
    url = reverse("awards:release_set", args=[cast.delivery.pk, cast.task.pk])
    page = text_of(pam.get(url))
    assert "There is news about Workplace portfolio" in page
    assert "Lena Tūhoe" in page

    def plan(day: int, month: int, hour: str):
        year = {"day_0": day, "day_1": month, "day_2": 2027}
        return pam.post(url, {"when": "scheduled", **year, "hour": hour}, follow=True)

    assert plan(31, 2, "10:00").status_code == 422
    friday = plan(5, 3, "15:30")
    assert friday.status_code == 422
    assert "not Friday after 3 pm" in text_of(friday)
    gap = plan(26, 9, "02:30")
    assert gap.status_code == 422
    assert "Which time do you mean?" in text_of(gap)
    assert "Release scheduled" in text_of(plan(3, 3, "10:00"))
    one = Release.objects.get()
    local = one.scheduled_for.astimezone(cast.delivery.zone)
    assert local.isoformat() == "2027-03-03T10:00:00+13:00"
    cancelled = pam.post(reverse("awards:release_report", args=[one.pk]), follow=True)
    assert "Release cancelled" in text_of(cancelled)
    done = pam.post(url, {"when": "now"}, follow=True)
    assert "Results released" in text_of(done)
    assert "Lena Tūhoe" in text_of(done)


def test_a_recall_through_the_pages(after_release):
    cast, submission = after_release
    lea, rita = as_(cast.lea), as_(cast.rita)
    url = reverse("awards:recall_new", args=[cast.delivery.pk, cast.task.pk])
    assert lea.post(url, {"reason": ""}).status_code == 422
    asked = lea.post(url, {"reason": "The wrong rubric"}, follow=True)
    assert "Lena Tūhoe" in text_of(asked)
    confirm = reverse("awards:recall_confirm", args=[Recall.objects.get().pk])
    assert lea.post(confirm).status_code == 403
    assert "A recall waits for a second person" in text_of(rita.get(reverse("awards:home")))
    assert "Results recalled" in text_of(rita.post(confirm, follow=True))
    assert rita.post(confirm).status_code == 409
    page = as_(cast.lena).get(reverse("awards:result", args=[submission.pk]))
    assert "Being checked" in text_of(page)
    assert "chieved" not in text_of(page)


def test_the_public_page_shows_what_is_needed_and_no_more(after_release):
    cast, submission = after_release
    credential = Credential.objects.get()
    url = reverse("awards:credential_check", args=[credential.pk])
    page = Client().get(url)
    words = text_of(page)
    assert "This credential is valid" in words
    assert "Lena Tūhoe" in words
    for secret in (
        cast.lena.email, submission.reference, "Achieved", "Clear work", "Ministry",
        "Cohort 1", credential.content_hash,
    ):  # fmt: skip
        assert secret not in words, secret
    assert page["X-Robots-Tag"] == "noindex"
    recall = ask_recall(cast.delivery, cast.task, actor=cast.lea, reason="Wrong")
    confirm_recall(recall, actor=cast.rita)
    words = text_of(Client().get(url))
    assert "This credential is suspended" in words
    assert "Lena" not in words
    assert "Wrong" not in words


def test_submitting_for_a_learner_needs_a_reason_and_is_recorded():
    cast = make_cast()
    portfolio = ready(cast)
    pam = as_(cast.pam)
    url = reverse("awards:submit_on_behalf", args=[portfolio.pk])
    record_of = reverse("awards:learner", args=[portfolio.enrolment_id])
    assert url in pam.get(record_of).content.decode()
    assert pam.get(url).status_code == 200
    assert pam.post(url, {"key": "k1", "reason": "", "declared": "on"}).status_code == 422
    assert pam.post(url, {"key": "k1", "reason": "Lost laptop"}).status_code == 422
    answers = {"key": "k1", "reason": "Lost laptop", "declared": "on"}
    assert "Submitted" in text_of(pam.post(url, answers, follow=True))
    record = TransitionRecord.objects.get(name="submit")
    assert (record.actor, record.on_behalf_of) == (cast.pam, cast.lena)
    assert url not in pam.get(record_of).content.decode()


def test_the_board_counts_filters_and_finds():
    cast = make_cast(learners=3)
    assessed(cast, "lena")
    pam = as_(cast.pam)
    url = reverse("awards:board", args=[cast.delivery.pk])
    assert "Everybody: 3" in text_of(pam.get(url))
    found = text_of(pam.get(url, {"state": "assessed"}))
    assert "Lena Tūhoe" in found
    assert "Hōne Parata" not in found
    assert "Hōne Parata" in text_of(pam.get(url, {"state": "not_started", "q": "hone"}))
    assert "No learner fits" in text_of(pam.get(url, {"state": "released"}))
    assert "Everybody: 3" in text_of(pam.get(url, {"state": "nonsense"}))
    counts = re.findall(r'href="(\?state=\w+)"[^>]*>(\d+)<', text_of(pam.get(url)))
    assert sum(int(count) for _link, count in counts) == 3
    for link, count in counts:
        assert f": {count}</h2>" in text_of(pam.get(url + link)), link


def test_people_who_left_see_nothing(one_ready):
    cast, _submission = one_ready
    made = batch(cast)
    cast.rita.delivery_roles.update(ended_at=timezone.now())
    client = as_(cast.rita, proved=True)
    answers = {"seen_hash": made.content_hash, "agreed": "on"}
    assert client.post(reverse("awards:sign", args=[made.pk]), answers).status_code == 404
