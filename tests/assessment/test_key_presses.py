"""How many key presses a piece of work with six criteria and prepared comments costs, with and without single keys.

interaction 4.3: at most 30 with shortcuts, 45 without. Each press that a person makes counts, also of Tab; a
combination counts as one.
"""

import pytest
from django.urls import reverse

from assessment.actions.preparing import prepare_comment
from assessment.models import AssessmentDecision
from tests.factories.assessment import allocated, opened
from tests.personas import make_cast
from tests.sessions import cookies_of

pytestmark = pytest.mark.browser

CRITERIA = 6
TEXT = "Label every field, so that people who do not see it know what to enter."


@pytest.fixture
def work(page, live_site):
    """Ada's workspace with six criteria, one prepared comment for the level "Met" of each, and work after it."""
    cast = make_cast(learners=2, criteria=CRITERIA)
    submission, after = allocated(cast), allocated(cast, "hone")
    opened(submission, cast.ada)
    credential = cast.delivery.version.micro_credential
    for number in range(1, CRITERIA + 1):
        prepare_comment(
            actor=cast.ada,
            micro_credential=credential,
            text=f"{number}: {TEXT}",
            criterion_code=f"C{number}",
            level_code="M",
        )
    page.context.add_cookies(cookies_of(live_site, cast.ada))
    page.goto(live_site + reverse("assessment:workspace", args=[submission.pk]))
    return page, submission, after


class Counted:
    """A keyboard that counts."""

    def __init__(self, page):
        self.page, self.presses = page, 0

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
            self.presses += 1

    @property
    def focus(self):
        return self.page.evaluate(
            "() => document.activeElement.name || document.activeElement.id"
            " || document.activeElement.textContent.trim()"
        )


def judged(page, submission, after):
    """Everything is there, and the next piece of work is open."""
    page.wait_for_url(f"**/assess/m/{after.pk}/**")
    draft = AssessmentDecision.objects.get(submission=submission)
    rows = draft.judgements.order_by("criterion__number").values_list("level__code", "feedback")
    return list(rows)


WANTED = [("M", f"{number}: {TEXT}") for number in range(1, CRITERIA + 1)]


def test_at_most_thirty_presses_with_single_keys(work):
    page, submission, after = work
    page.get_by_role("button", name="Keyboard shortcuts (off)").click()
    page.get_by_role("button", name="Switch single keys on").click()
    page.get_by_text("Single keys are on.").wait_for()
    page.get_by_role("button", name="Close").click()
    keys = Counted(page)
    for _criterion in range(CRITERIA):
        keys.press("j", "2", "b", "Enter")
    keys.press("Control+Enter")
    assert judged(page, submission, after) == WANTED
    assert keys.presses <= 30


def test_at_most_forty_five_presses_without(work):
    page, submission, after = work
    keys = Counted(page)
    keys.press("Control+F6", "Control+F6", "Tab", "Enter")
    for number in range(1, CRITERIA + 1):
        assert keys.focus == f"level_{number}"
        keys.press("ArrowDown", "Tab", "Enter")
        assert keys.focus == f"feedback_{number}"
        if number < CRITERIA:
            keys.press("Tab", "Enter")
    keys.press("Control+Enter")
    assert judged(page, submission, after) == WANTED
    assert keys.presses <= 45
