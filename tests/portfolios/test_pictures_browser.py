"""Photographs are larger than a phone's screen; the pages that show them are not."""

from typing import Any

import pytest
from django.urls import reverse

from tests.conftest import served
from tests.factories.portfolios import file, png, portfolio_of
from tests.personas import make_cast
from tests.sessions import cookies_of

pytestmark = pytest.mark.browser


def test_a_photograph_fits_the_page_of_a_phone(browser: Any, committed_db: Any) -> None:
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
            page.wait_for_function("document.querySelector('main .app-viewer img').naturalWidth")
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()
