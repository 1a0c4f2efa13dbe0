"""The learner's and the verifier's way with scripts switched off."""

import re

import pytest

from tests.journeys import files
from tests.journeys.browser import learning
from tests.journeys.browser.people import PHONE, Person
from tests.journeys.browser.verifying import verify

pytestmark = pytest.mark.browser


def test_from_evidence_to_receipt_without_scripts(live_site, browser, tmp_path, mailoutbox):
    from portfolios.actions.scanning import scan_waiting_evidence
    from portfolios.actions.schedules import begin_portfolios
    from tests.personas import make_cast
    from workflows.outbox import deliver, relay

    cast = make_cast(learners=1)
    begin_portfolios(delivery=cast.delivery, actor=cast.pam)
    made = files.all_kinds(tmp_path)
    lena = Person(browser, live_site, "lena", viewport=PHONE, java_script_enabled=False)
    lena.sign_in()
    portfolio = learning.open_portfolio(lena)
    learning.add_file(lena, portfolio, "pdf", made["pdf"], "C1")
    learning.add_file(lena, portfolio, "photo", made["photo"], "C2")
    learning.add_note(lena, portfolio)
    scan_waiting_evidence(limit=10)
    learning.wait_until_ready(lena, portfolio, 3)
    learning.map_everything(lena, portfolio)
    lena.page.goto(portfolio)
    lena.page.locator(".govuk-task-list__link").first.click()
    lena.page.get_by_label("Your reflection").first.fill(learning.REFLECTION)
    lena.page.get_by_role("button", name=re.compile("^Save your reflection")).first.click()
    lena.sees("Saved your reflection on")
    learning.ask_to_confirm(lena, portfolio)
    relay(batch=100)
    deliver(batch=100)
    letter = next(mail for mail in mailoutbox if "vic@employer.example" in mail.to)
    link = re.search(r"https?://\S+(/v/\S+)", letter.body)
    assert link, letter.body
    vic = Person(browser, live_site, "vic", viewport=PHONE, java_script_enabled=False)
    verify(vic, link[1])
    vic.done()
    learning.check_and_declare(lena, portfolio)
    lena.press("Accept and submit")
    learning.read_receipt(lena)
    lena.done()
