"""A verifier confirms on a phone of 320 pixels whose browser runs no scripts."""

from typing import Any

import pytest
from playwright.sync_api import expect

from catalogue.models import Criterion
from portfolios.actions.attestation import ask_on_the_spot
from portfolios.actions.rendering import make_renditions
from tests.conftest import served
from tests.factories.portfolios import file, note, png, portfolio_of
from tests.factories.recordings import film_of, pages_of
from tests.personas import make_cast

pytestmark = pytest.mark.browser


def test_a_confirmation_on_a_phone_without_scripts(browser: Any, committed_db: Any) -> None:
    cast = make_cast()
    portfolio = portfolio_of(cast)
    shown = [note(portfolio, "Kōrero with the team"), file(portfolio, "after.png", png((640, 360)))]
    shown.append(file(portfolio, "report.pdf", pages_of(2)))
    shown.append(file(portfolio, "film.webm", film_of(2, free=True)))
    make_renditions()
    asked, token = ask_on_the_spot(
        portfolio, actor=cast.lena, name="Vic Harris", email="vic@work.example", evidence=shown
    )
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 320, "height": 640}, locale="en-NZ"
    )
    page = context.new_page()
    with served() as url:
        for _visit in range(2):
            page.goto(f"{url}/v/{token}/")
        page.get_by_role("button", name="Start").press("Enter")
        page.get_by_role("heading", name="Confirm what you saw", level=1).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        widths = {"after.png": 640, "report.pdf": 1200}
        for picture in page.locator("main img").all():
            picture.scroll_into_view_if_needed()
            within = picture.locator("xpath=ancestor::section[1]").locator("h3").inner_text()
            expect(picture).not_to_have_js_property("naturalWidth", 0)
            assert picture.evaluate("one => one.naturalWidth") == widths[within]
        assert page.locator("main img").count() == 3
        page.get_by_text("Text of the pages").click()
        page.get_by_text("Pūrongo, wāhanga 2").wait_for()
        film = page.locator("video")
        film.scroll_into_view_if_needed()
        expect(film).not_to_have_js_property("readyState", 0)
        assert film.evaluate("one => Math.round(one.duration)") == 2
        page.get_by_label("Who you are to the learner").fill("Her team lead")
        page.get_by_label("When did you see this work?").fill("March to June 2026")
        for _criterion in range(Criterion.objects.count()):
            page.get_by_label("I saw this", exact=True).nth(_criterion).check()
        page.get_by_role("button", name="Send").click()
        assert page.title().startswith("Error:")
        assert page.get_by_label("Who you are to the learner").input_value() == "Her team lead"
        page.get_by_label("No", exact=True).check()
        page.get_by_label("What I say here is true").check()
        page.get_by_role("button", name="Send").click()
        page.get_by_role("heading", name="Thank you").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()
    asked.refresh_from_db()
    assert (asked.state, asked.assurance) == ("attested", "other_device")
    assert asked.statements.count() == 3
