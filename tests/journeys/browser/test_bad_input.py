"""What goes wrong in a browser, and what people read then: nothing of theirs is lost."""

import re
from dataclasses import dataclass

import pytest
from django.utils import timezone

from tests.conftest import own_database, served
from tests.journeys import files
from tests.journeys.browser import learning
from tests.journeys.browser.people import PHONE, Person
from tests.personas import Cast

pytestmark = pytest.mark.browser
LIMIT = 200_000


@dataclass
class Site:
    """The product with learners of whom each test takes one that no other has."""

    url: str
    cast: Cast
    fresh: list[str]


@pytest.fixture(scope="module")
def site(browser, migrated_db, django_db_blocker):
    from portfolios.actions.schedules import begin_portfolios
    from tests.personas import make_cast

    with own_database(django_db_blocker), django_db_blocker.unblock(), served() as url:
        cast = make_cast(learners=9, policy={"evidence.max_bytes": LIMIT})
        begin_portfolios(delivery=cast.delivery, actor=cast.pam)
        yield Site(url, cast, list(cast.enrolments))


@pytest.fixture
def lena(site, browser):
    name = site.fresh.pop()
    person = Person(browser, site.url, name, viewport=PHONE)
    yield person.enter(site.cast.people[name])
    person.done()


@pytest.fixture
def portfolio(lena, site):
    return f"{site.url}/learn/p/{site.cast.enrolments[lena.name].portfolios.get().pk}/"


@pytest.fixture
def items(lena, site):
    """What the learner has added so far."""
    from portfolios.models import EvidenceItem

    return lambda: EvidenceItem.objects.filter(owner=site.cast.people[lena.name])


def send(lena, portfolio, name, content):
    lena.page.goto(f"{portfolio}evidence/add/file/")
    lena.page.get_by_label("File").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    lena.page.get_by_role("button", name="Add and continue").click()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.pdf", b"", "This file is empty."),
        ("tool.exe", b"MZ" + bytes(100), "We cannot take this kind of file."),
        ("large.pdf", b"%PDF-1.7\n" + bytes(LIMIT), "This file is too big. The limit is 195 KB."),
    ],
)
def test_a_refused_file_is_one_sentence_and_nothing_is_kept(
    lena, items, portfolio, name, content, words
):
    send(lena, portfolio, name, content)
    summary = lena.page.locator(".govuk-error-summary")
    summary.wait_for()
    assert words in summary.inner_text()
    assert "Add evidence" in lena.heading()
    assert not items().exists()
    send(lena, portfolio, "good.pdf", files.pdf())
    lena.page.get_by_role("heading", name="Describe this evidence").wait_for()
    assert items().count() == 1


def test_a_page_that_calls_itself_a_pdf_is_refused_when_it_is_checked(lena, portfolio):
    from portfolios.actions.scanning import scan_waiting_evidence

    send(lena, portfolio, "page.pdf", b"<html><script>alert(1)</script>")
    lena.page.get_by_role("heading", name="Describe this evidence").wait_for()
    scan_waiting_evidence(limit=10)
    lena.page.reload()
    lena.sees("is not what its name says")


def test_an_upload_that_breaks_off_can_be_sent_again(lena, items, portfolio):
    lena.page.goto(f"{portfolio}evidence/add/file/")
    broken = "**/uploads/**"
    lena.page.route(broken, lambda route: route.abort("connectionreset"))
    lena.page.get_by_label("File").set_input_files(
        {"name": "report.pdf", "mimeType": "application/pdf", "buffer": files.pdf()}
    )
    lena.page.get_by_text("Waiting for connection").first.wait_for()
    assert not items().exists()
    lena.page.unroute(broken)
    lena.page.get_by_role("button", name="Add and continue").click()
    lena.page.get_by_role("heading", name="Describe this evidence").wait_for()
    assert items().count() == 1
    assert all("ERR_CONNECTION_RESET" in one for one in lena.complaints)
    lena.complaints.clear()


def reflection(page):
    return page.get_by_label("Your reflection").first


def open_outcome(page, portfolio):
    page.goto(portfolio)
    page.locator(".govuk-task-list__link").first.click()
    reflection(page).wait_for()


def test_words_typed_after_the_session_ended_are_there_after_signing_in(lena, portfolio):
    open_outcome(lena.page, portfolio)
    lena.context.clear_cookies(name="sessionid")
    reflection(lena.page).fill(learning.REFLECTION)
    lena.page.get_by_text("Not saved. Your words are kept on this device.").wait_for()
    lena.page.goto(portfolio)
    lena.page.get_by_label("E-mail address").wait_for()
    lena.sign_in()
    open_outcome(lena.page, portfolio)
    lena.sees("You were signed out. What you had typed is here")
    assert reflection(lena.page).input_value() == learning.REFLECTION
    lena.page.get_by_role("button", name=re.compile("^Save your reflection")).first.click()
    lena.sees("Saved your reflection on")
    lena.page.reload()
    assert reflection(lena.page).input_value() == learning.REFLECTION


def test_two_windows_on_one_reflection_show_both_texts(lena, portfolio):
    second = lena.new_page()
    for page in (lena.page, second):
        open_outcome(page, portfolio)
    reflection(lena.page).fill("From the first window.")
    lena.page.get_by_text(re.compile(r"^Saved \d")).first.wait_for()
    reflection(second).fill("From the second window.")
    second.get_by_role("heading", name="Two versions").wait_for()
    panel = second.locator("section[tabindex]").filter(has_text="Two versions")
    assert "From the first window." in panel.inner_text()
    assert "From the second window." in panel.inner_text()
    second.get_by_role("button", name="Keep my version").click()
    second.get_by_text(re.compile(r"^Saved \d")).first.wait_for()
    lena.page.reload()
    assert reflection(lena.page).input_value() == "From the second window."


def test_pressing_save_while_typing_meets_no_second_version(lena, portfolio):
    """The field is left by the press: the save of the field and the form must not race."""
    open_outcome(lena.page, portfolio)
    for words in ("One.", "One, two.", "One, two, three."):
        reflection(lena.page).fill(words)
        # The page of the save before says that it is saved, too.
        with lena.page.expect_navigation():
            lena.page.get_by_role("button", name=re.compile("^Save your reflection")).first.click()
        lena.sees("Saved your reflection on")
        assert reflection(lena.page).input_value() == words


def test_a_submission_form_sent_twice_leads_to_one_receipt(lena, site, portfolio):
    from portfolios.actions.scanning import scan_waiting_evidence
    from portfolios.models import Submission

    learning.add_file(lena, portfolio, "pdf", _saved(files.pdf()), "C1")
    scan_waiting_evidence(limit=10)
    learning.map_everything(lena, portfolio)
    learning.check_and_declare(lena, portfolio)
    with lena.page.expect_request(lambda request: request.method == "POST") as sent:
        lena.page.get_by_role("button", name="Accept and submit").click()
    reference, _fingerprint = learning.read_receipt(lena)
    form = dict(part.split("=", 1) for part in sent.value.post_data.split("&"))
    answer = lena.context.request.post(
        sent.value.url, form=form, headers={"Referer": sent.value.url}
    )
    assert answer.ok
    assert reference in answer.text()
    made = Submission.objects.get(learner=site.cast.people[lena.name])
    assert made.submitted_at <= timezone.now()


def _saved(content):
    return {"name": "evaluation.pdf", "mimeType": "application/pdf", "buffer": content}
