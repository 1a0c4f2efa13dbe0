"""The page that describes evidence, on a phone: a photograph fits it, and it asks for no more than it needs."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.conftest import served
from tests.factories.portfolios import file, png, portfolio_of
from tests.personas import make_cast
from tests.sessions import cookies_of

pytestmark = pytest.mark.browser


def test_describing_a_photograph_on_a_phone(browser: Any, committed_db: Any) -> None:
    cast = make_cast()
    portfolio = portfolio_of(cast)
    item = file(portfolio, "wide.png", png((1600, 1200)), kind="photo")
    addresses = [
        reverse("portfolios:describe", args=[portfolio.pk, item.pk]),
        reverse("portfolios:view", args=[item.pk]),
    ]
    context = browser.new_context(viewport={"width": 320, "height": 640}, locale="en-NZ")
    with served() as url:
        context.add_cookies(cookies_of(url, cast.lena))
        page = context.new_page()
        for address in addresses:
            page.goto(f"{url}{address}")
            picture = page.locator("main .app-viewer img")
            picture.scroll_into_view_if_needed()
            expect(picture).not_to_have_js_property("naturalWidth", 0)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
        page.goto(f"{url}{addresses[0]}")
        asked = page.locator("details[data-supports]")
        first = page.get_by_label("What it shows for C1, in one sentence")
        assert asked.count() > 1
        assert page.locator("details[data-supports][open]").count() == 0
        page.get_by_role("checkbox", name="C1").check()
        first.fill("The form of the shop floor.")
        assert page.locator("details[data-supports][open]").count() == 1
        page.get_by_role("button", name="Save", exact=True).click()
        page.goto(f"{url}{addresses[0]}")
        assert first.is_visible()
        assert first.input_value() == "The form of the shop floor."
        assert page.locator("details[data-supports][open]").count() == 1
    context.close()
