"""Autosave, upload and the content security policy, in a real browser."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.pages.urls import saved

pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.pages.urls")]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    saved.update(version=1, text="", broken=False)


def state_of(page: Page) -> Any:
    return page.locator("[data-save-state]")


def test_text_is_saved_without_a_button(page: Page, live_site: str) -> None:
    page.goto(f"{live_site}/try/autosave/")
    page.get_by_label("Reflection").press_sequentially("Ka pai tō mahi")
    expect(state_of(page)).to_have_text("Saved 2:41 pm")
    assert saved["text"] == "Ka pai tō mahi"
    assert page.locator("[name=version]").input_value() == str(saved["version"])
    assert page.evaluate("() => localStorage.length") == 0


def test_what_was_typed_before_the_script_came_is_saved(page: Page, live_site: str) -> None:
    held: list[Route] = []
    page.route("**/autosave*.js", lambda route: held.append(route))  # noqa: PLW0108  it wants a name
    page.goto(f"{live_site}/try/autosave/", wait_until="commit")
    page.get_by_label("Reflection").fill("On a slow line")
    page.wait_for_timeout(200)
    assert saved["text"] == ""
    for route in held:
        route.continue_()
    expect(state_of(page)).to_have_text("Saved 2:41 pm")
    assert saved["text"] == "On a slow line"


def test_nothing_is_sent_while_nothing_was_typed(page: Page, live_site: str) -> None:
    saved["text"] = "Ngā mihi\n\nmultiple lines"
    page.goto(f"{live_site}/try/autosave/")
    page.wait_for_load_state("networkidle")
    page.get_by_label("Reflection").focus()
    page.get_by_label("Reflection").blur()
    page.wait_for_timeout(1200)
    assert saved["version"] == 1


def test_what_could_not_be_sent_is_kept_and_offered_again(page: Page, live_site: str) -> None:
    saved["broken"] = True
    page.goto(f"{live_site}/try/autosave/")
    page.get_by_label("Reflection").press_sequentially("Not lost")
    expect(state_of(page)).to_contain_text("Not saved.")
    expect(state_of(page)).to_have_attribute("role", "alert")
    page.goto("about:blank")
    page.goto(f"{live_site}/try/autosave/")
    expect(page.get_by_text("We found work on this device")).to_be_visible()
    assert saved["text"] == ""
    saved["broken"] = False
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_label("Reflection")).to_have_value("Not lost")
    expect(state_of(page)).to_have_text("Saved 2:41 pm")
    assert saved["text"] == "Not lost"


def test_a_conflict_shows_both_versions_and_drops_neither(page: Page, live_site: str) -> None:
    page.goto(f"{live_site}/try/autosave/")
    saved.update(version=7, text="From the other tab")
    page.get_by_label("Reflection").press_sequentially("From this tab")
    expect(page.get_by_role("heading", name="Two versions")).to_be_visible()
    expect(page.get_by_text("From the other tab")).to_be_visible()
    page.get_by_role("button", name="Keep my version").click()
    expect(state_of(page)).to_have_text("Saved 2:41 pm")
    assert saved["text"] == "From this tab"


@pytest.mark.parametrize("path", ["/accounts/login/", "/help/", "/try/autosave/"])
def test_nothing_breaks_the_content_security_policy(page: Page, live_site: str, path: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(live_site + path)
    page.wait_for_load_state("networkidle")
    assert page.locator("body.govuk-frontend-supported").count() == 1
    assert complaints == []
