"""The workspace in a real browser: autosave, live rule, Ctrl+Enter, shortcuts that start switched off."""

import re

import pytest
from playwright.sync_api import expect

from assessment.models import AssessmentDecision
from portfolios.models import Submission
from tests.factories.assessment import allocated, opened
from tests.personas import PASSWORD, make_cast
from tests.sessions import cookies_of

pytestmark = pytest.mark.browser


def sign_in(page, site, user):
    page.goto(f"{site}/accounts/login/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_load_state()


def test_marking_by_keyboard(page, live_site):
    cast = make_cast(learners=2)
    first, second = allocated(cast), allocated(cast, "hone")
    opened(first, cast.ada)
    page.context.add_cookies(cookies_of(live_site, cast.ada))
    page.goto(f"{live_site}/assess/m/{first.pk}/")
    rule = page.locator("[data-live-result]")
    assert "Still to judge" in rule.inner_text()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement === document.body")
    page.get_by_role("button", name="Keyboard shortcuts (off)").click()
    page.get_by_role("button", name="Switch single keys on").click()
    page.get_by_text("Single keys are on.").wait_for()
    page.get_by_role("button", name="Close").click()
    for number in (1, 2, 3):
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.id") == f"criterion-{number}"
        page.keyboard.press("2")
    page.get_by_text(re.compile(r"^Saved \d")).first.wait_for()
    expect(rule).to_have_text("Achieved", timeout=15000)
    expect(page.locator("[data-live-progress]")).to_have_text("3 of 3 criteria have a level.")
    page.keyboard.press("f")
    page.keyboard.type("jk2 typed, not obeyed")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/assess/m/{second.pk}/**")
    draft = AssessmentDecision.objects.get(submission=first)
    assert draft.judgements.filter(level__code="M").count() == 3
    assert draft.judgements.get(criterion__code="C3").feedback == "jk2 typed, not obeyed"
    assert Submission.objects.get(pk=second.pk).state == "in_assessment"


@pytest.fixture
def marking(page, live_site):
    """Ada's workspace with one submission, and its address."""
    cast = make_cast(learners=1)
    submission = allocated(cast)
    opened(submission, cast.ada)
    page.context.add_cookies(cookies_of(live_site, cast.ada))
    address = f"{live_site}/assess/m/{submission.pk}/"
    page.goto(address)
    return page, address, cast


def feedback(page):
    return page.locator("#marks textarea").first


def test_marks_typed_after_the_session_ended_are_there_after_signing_in(marking, live_site):
    page, address, cast = marking
    name = feedback(page).get_attribute("name")
    page.context.clear_cookies(name="sessionid")
    feedback(page).fill("Typed when nobody was signed in.")
    page.get_by_text("Not saved. Your words are kept on this device.").wait_for()
    page.goto(address)
    page.get_by_label("E-mail address").wait_for()
    sign_in(page, live_site, cast.ada)
    page.goto(address)
    page.get_by_role("button", name="Use it").click()
    assert feedback(page).input_value() == "Typed when nobody was signed in."
    page.get_by_text(re.compile(r"^Saved \d")).first.wait_for()
    page.reload()
    assert page.locator(f"[name={name}]").input_value() == "Typed when nobody was signed in."
    assert page.get_by_role("button", name="Use it").count() == 0


def test_two_windows_on_one_set_of_marks_show_both(marking):
    page, address, _cast = marking
    second = page.context.new_page()
    second.goto(address)
    feedback(page).fill("From the first window.")
    page.get_by_text(re.compile(r"^Saved \d")).first.wait_for()
    feedback(second).fill("From the second window.")
    second.get_by_role("heading", name="Two versions").wait_for()
    panel = second.locator("section[tabindex]").filter(has_text="Two versions").inner_text()
    assert "From the first window." in panel
    assert "From the second window." in panel
    second.get_by_role("button", name="Keep my version").click()
    second.get_by_text(re.compile(r"^Saved \d")).first.wait_for()
    page.reload()
    assert feedback(page).input_value() == "From the second window."


def test_what_is_shown_and_how_wide_is_remembered(marking):
    page, _address, _cast = marking
    page.set_viewport_size({"width": 1280, "height": 900})
    evidence, rubric = page.locator("#evidence"), page.locator("#rubric")
    wide = evidence.bounding_box()["width"]
    assert wide > rubric.bounding_box()["width"]
    page.get_by_role("button", name="Even", exact=True).click()
    assert evidence.bounding_box()["width"] == pytest.approx(rubric.bounding_box()["width"], abs=2)
    page.get_by_role("button", name="Narrow", exact=True).click()
    assert evidence.bounding_box()["width"] < rubric.bounding_box()["width"] <= wide
    page.reload()
    expect(page.get_by_role("button", name="Narrow", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    page.set_viewport_size({"width": 400, "height": 800})
    page.get_by_role("button", name="Rubric", exact=True).click()
    expect(evidence).to_be_hidden()
    page.locator("#rubric").get_by_role("link", name="Evidence 1").first.click()
    expect(evidence).to_be_visible()
    expect(page.locator("#evidence-1")).to_be_focused()
    page.locator("#evidence-1").get_by_role("link", name="C1").click()
    expect(page.locator("#criterion-1")).to_be_focused()
    page.locator("#criterion-1").get_by_role("link", name="page 1").first.click()
    expect(page.locator("#evidence-1")).to_be_focused()
    page.get_by_role("button", name="Both", exact=True).click()
    feedback(page).focus()
    page.keyboard.press("Escape")
    expect(page.locator("#criterion-1")).to_be_focused()


def test_a_press_without_a_line_keeps_page_and_words(marking):
    page, address, _cast = marking
    page.context.set_offline(True)
    feedback(page).fill("Typed on the train.")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Not saved. Your words are kept on this device.").wait_for()
    assert page.url == address
    page.context.set_offline(False)
    page.get_by_text(re.compile(r"^Saved \d")).first.wait_for()
    page.reload()
    assert feedback(page).input_value() == "Typed on the train."
    assert page.get_by_role("button", name="Use it").count() == 0


def test_two_versions_name_levels_not_keys(marking):
    page, address, _cast = marking
    second = page.context.new_page()
    second.goto(address)
    page.locator("#criterion-1").get_by_label("Met", exact=True).check()
    page.get_by_text(re.compile(r"^Saved \d")).first.wait_for()
    second.locator("#criterion-1").get_by_label("Not yet", exact=True).check()
    second.get_by_role("heading", name="Two versions").wait_for()
    panel = second.locator("section[tabindex]").filter(has_text="Two versions").inner_text()
    assert "Level for C1: saved version\n\nMet\n" in panel
    assert "Level for C1: your version\n\nNot yet" in panel


def test_comments_lead_to_their_place_and_back_and_the_focus_returns(marking):
    page, _address, _cast = marking
    focused = "() => document.activeElement.id"

    def press(words, at=None):
        (at or page).get_by_role("link", name=words).first.focus()
        page.keyboard.press("Enter")

    piece, comments = page.locator("#evidence-1"), page.locator("#comments")
    link = piece.get_by_role("link", name="Comment on evidence 1")
    press("Comment on evidence 1", piece)
    form = piece.locator("[data-comment-form]")
    expect(form.get_by_role("heading", name="Comment on evidence 1")).to_be_focused()
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    expect(link).to_be_focused()
    press("Comment on evidence 1", piece)
    form.locator("textarea[name=body]").fill("The label is missing.")
    form.get_by_role("button", name="Save comment").focus()
    page.keyboard.press("Enter")
    expect(piece.get_by_text("Saved: Comment 1")).to_be_focused()
    press("Comment 1", piece)
    line = comments.locator("li").first
    expect(line).to_be_focused()
    press("Go to evidence 1", line)
    assert page.evaluate(focused).startswith("evidence-1")
    press("Comment 1 (", piece)
    expect(line).to_be_focused()
    for words in ("Resolve", "Open again"):
        line.get_by_role("button", name=words).focus()
        page.keyboard.press("Enter")
        other = "Open again" if words == "Resolve" else "Resolve"
        expect(line.get_by_role("button", name=other)).to_be_visible()
        expect(line).to_be_focused()
    press("Change or remove", line)
    page.get_by_label("Comment", exact=True).fill("The label is missing on page 1.")
    page.get_by_role("button", name="Save").first.focus()
    page.keyboard.press("Enter")
    expect(comments.locator("li").first).to_contain_text("on page 1")
    expect(comments.locator("li").first).to_be_focused()
