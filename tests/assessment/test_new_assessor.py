"""The README's walk of a new assessor: calibrated, five kinds of evidence marked, one sent back, without a mouse.

By default the last piece of agreed work and two submissions go through the keyboard; PROOF=full takes all.
"""

import os

import pytest
from django.test import Client

from assessment.actions.calibration import begin_calibration, mark_exemplar
from assessment.models import CalibrationAttempt
from assessment.selectors.calibration import next_item
from config.demo import calibrating, catalogue, people
from portfolios.models import Submission

pytestmark = [pytest.mark.browser, pytest.mark.proof]
FULL = os.environ.get("PROOF") == "full"
HERE = """() => {
  const e = document.activeElement;
  return ((e.labels && e.labels[0] && e.labels[0].textContent) || e.textContent || "").trim();
}"""
NAME = "() => document.activeElement.name || ''"
WALKED = list(calibrating.FIVE) if FULL else ["amir", "rewi"]


class Keyboard:
    """Somebody who has no mouse: everything is reached by Tab, and every page is waited for."""

    def __init__(self, page):
        self.page = page

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def reach(self, words, most=250):
        """Tab on until what has the focus begins with these words."""
        for _press in range(most):
            if self.page.evaluate(HERE).startswith(words):
                return
            self.press("Tab")
        raise AssertionError(f"{words!r} is not reached on {self.page.url}")

    def reach_field(self, name, most=250):
        for _press in range(most):
            if self.page.evaluate(NAME) == name:
                return
            self.press("Tab")
        raise AssertionError(f"{name} is not reached on {self.page.url}")

    def follow(self, words):
        """Reach it, press it, and wait until the page it leads to is there."""
        self.reach(words)
        with self.page.expect_navigation():
            self.press("Enter")

    def choose(self, words, name):
        """Reach a group of choices and go down to the one that begins with these words."""
        self.reach_field(name)
        self.press("Space")
        for _press in range(6):
            if self.page.evaluate(HERE).startswith(words):
                return
            self.press("ArrowDown")
        raise AssertionError(words)


@pytest.fixture
def beginning(committed_db):
    """The demonstration's people and the new assessor's delivery, without the other cohorts."""
    cast = people.make_people()
    catalogue.publish(catalogue.FILES[2], cast)
    delivery = catalogue.make_beginning(cast)
    calibrating.agree_on_work(delivery, cast)
    return cast, delivery, calibrating.wait_for_her(delivery, cast, WALKED)


def calibrate(keys, nadia, task):
    """Choose for each text the level in whose words it is written."""
    if not FULL:
        attempt = begin_calibration(task, actor=nadia)
        while attempt.items.filter(marked_at__isnull=True).count() > 1:
            item = next_item(attempt)
            levels = dict(item.exemplar.levels.values_list("criterion_id", "level_id"))
            attempt = mark_exemplar(item, actor=nadia, levels=levels)
    keys.follow("Calibration")
    keys.follow("Begin" if FULL else "Go on")
    while "/work/" in keys.page.url:
        for number in range(1, 7):
            card = keys.page.locator("form .app-card").nth(number - 1)
            words = card.locator(".govuk-inset-text").inner_text().strip()
            keys.reach_field(f"level_{number}")
            keys.press("Space", *["ArrowDown"] * calibrating.SAID[f"C{number}"].index(words))
        keys.follow("Keep and go on")


def mark(keys, *, unmet=()):
    keys.follow("Start marking")
    keys.page.wait_for_selector("[data-keys][data-on=yes]", state="attached")
    for number in range(1, 7):
        keys.press("j", "1" if number in unmet else "2")
        if number in unmet:
            keys.press("f")
            keys.page.keyboard.type("Show what was done, with a date.")
            keys.press("Escape")
    keys.follow("Give the verdict")
    keys.choose("Refer back" if unmet else "Record the decision", "verdict")
    keys.follow("Confirm")


def test_a_new_assessor_goes_the_readmes_way_without_a_mouse(page, live_site, beginning):
    cast, delivery, works = beginning
    nadia, task = cast["nadia"], delivery.version.tasks.get()
    page.set_default_timeout(60_000)
    keys = Keyboard(page)
    page.goto(f"{live_site}/accounts/login/")
    keys.reach("E-mail")
    page.keyboard.type(nadia.email)
    keys.reach_field("password")
    page.keyboard.type(people.PASSWORD)
    with page.expect_navigation():
        keys.press("Enter")
    page.wait_for_url(lambda url: "/accounts/" not in url)
    calibrate(keys, nadia, task)
    attempt = CalibrationAttempt.objects.get()
    assert (attempt.passed, attempt.figures["exact"]) == (True, 30)
    keys.follow("Queue")
    keys.reach("Keyboard shortcuts")
    keys.press("Enter")
    keys.reach("Switch single keys on")
    keys.press("Enter")
    page.get_by_text("Single keys are on.").wait_for()
    keys.reach("Close")
    keys.press("Enter")
    for name in WALKED:
        page.goto(f"{live_site}/assess/m/{works[name].pk}/")
        mark(keys, unmet=(3, 4) if name == "rewi" else ())
    for name in WALKED:
        wanted = "referred" if name == "rewi" else "assessed"
        assert Submission.objects.get(pk=works[name].pk).state == wanted
    nothing_reaches_the_learners(cast, works)


def nothing_reaches_the_learners(cast, works):
    """A referral shows what is asked for and no level; the others show nothing."""
    for name in WALKED:
        client = Client()
        client.force_login(cast[name])
        pages = [f"/learn/p/{works[name].portfolio_id}/state/", "/learn/"]
        pages += [f"/learn/referral/{works[name].pk}/"] if name == "rewi" else []
        for where in pages:
            words = client.get(where).content.decode()
            for level in ("Sound", "Not yet<", "Not yet achieved", "Nadia"):
                assert level not in words, (name, where, level)
        if name == "rewi":
            assert "Show what was done, with a date." in words
