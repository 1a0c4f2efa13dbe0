"""The workspace in a real browser: autosave, live rule, Ctrl+Enter, shortcuts that start switched off."""

import pytest
from playwright.sync_api import expect

from assessment.models import AssessmentDecision
from portfolios.models import Submission
from tests.factories.assessment import allocated, opened
from tests.personas import PASSWORD, make_cast

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
    sign_in(page, live_site, cast.ada)
    page.goto(f"{live_site}/assess/m/{first.pk}/")
    rule = page.locator("[data-live-result]")
    assert "Still to judge" in rule.inner_text()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement === document.body")
    page.get_by_role("button", name="Turn single-key shortcuts on").click()
    for number in (1, 2, 3):
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.id") == f"criterion-{number}"
        page.keyboard.press("2")
    page.get_by_text("Saved", exact=False).first.wait_for()
    expect(rule).to_have_text("Achieved", timeout=15000)
    page.keyboard.press("f")
    page.keyboard.type("jk2 typed, not obeyed")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/assess/m/{second.pk}/**")
    draft = AssessmentDecision.objects.get(submission=first)
    assert draft.judgements.filter(level__code="M").count() == 3
    assert draft.judgements.get(criterion__code="C3").feedback == "jk2 typed, not obeyed"
    assert Submission.objects.get(pk=second.pk).state == "in_assessment"
