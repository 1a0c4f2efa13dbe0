"""Marking by the keys of the map, some of them chosen anew, and by pointer alone, in a real browser."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.definitions import SHORTCUTS
from accounts.models import User
from assessment.actions.allocation import reallocate
from assessment.actions.preparing import prepare_comment
from assessment.models import Allocation, AssessmentDecision, EvidenceComment, WorkFlag
from portfolios.actions.rendering import make_renditions
from portfolios.models import Submission
from tests.factories.assessment import allocated, opened
from tests.personas import make_cast
from tests.sessions import cookies_of

pytestmark = pytest.mark.browser

KEYS = {"next": "w", "flag": "q", "save": "y"}
"""What Ada chose for herself; the other keys are those of the list."""
FOCUS = "() => document.activeElement.id"


@pytest.fixture
def keyed(page, live_site):
    """Ada with single keys on, three keys of her own, and two pieces of work; the first is open."""
    cast = make_cast(learners=2)
    first, second = allocated(cast), allocated(cast, "hone")
    opened(first, cast.ada)
    cast.ada.shortcuts = {"on": True, "keys": KEYS}
    cast.ada.save(update_fields=["shortcuts"])
    page.context.add_cookies(cookies_of(live_site, cast.ada))

    def at(name, *args):
        page.goto(live_site + reverse(f"assessment:{name}", args=args))

    return page, at, first, second


def pressed(page, key, focus):
    page.keyboard.press(key)
    assert page.evaluate(FOCUS) == focus, key


def test_each_key_of_the_workspace_does_what_the_list_says(keyed):
    page, at, first, _second = keyed
    at("workspace", first.pk)
    for key, focus in (
        ("j", ""), ("w", "criterion-1"), ("w", "criterion-2"), ("k", "criterion-1"),
        ("f", "feedback-1"), ("w", "feedback-1"), ("Escape", "criterion-1"),
        ("e", "evidence"), ("]", "evidence-1"), ("]", "evidence-2"), ("[", "evidence-1"),
        ("r", "rubric"),
    ):  # fmt: skip
        pressed(page, key, focus)
    assert page.locator("#feedback-1").input_value() == "w"
    radios = page.locator("#criterion-1 input[type=radio]")
    for number in range(radios.count()):
        page.keyboard.press(str(number + 1))
        expect(radios.nth(number)).to_be_checked()
    for focus, number in (("evidence-1", 1), ("rubric", 0)):
        page.evaluate("(id) => document.getElementById(id).focus()", focus)
        page.keyboard.press("q")
        expect(page.locator(f"#flag-{number}")).to_contain_text("Take the flag off")
    assert set(WorkFlag.objects.values_list("number", flat=True)) == {0, 1}
    for number in (0, 1, 2):
        expect(page.locator(f"#flag-{number}")).to_have_attribute("aria-keyshortcuts", "q")
    page.locator("#evidence-2").focus()
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name="Comment on evidence 2")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    lines = page.get_by_role("dialog").locator("[data-action]")
    said = {one.get_attribute("data-action"): one.inner_text() for one in lines.all()}
    assert set(said) == {one.action for one in SHORTCUTS if one.workspace}
    assert said["next"].split("\t") == ["w", "Next criterion"]
    page.keyboard.press("w")
    expect(page.locator("#keys-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_keys_lead_to_the_next_work_and_to_other_places(keyed):
    page, at, first, second = keyed
    at("workspace", first.pk)
    page.keyboard.press("s")
    page.wait_for_url(f"**/assess/m/{second.pk}/**")
    assert Submission.objects.get(pk=second.pk).state == "submitted"
    for key, place in (("q", "/assess/queue/"), ("h", "/assess/"), ("m", "/inbox/")):
        at("workspace", first.pk)
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"**{place}")
    at("workspace", first.pk)
    page.keyboard.press("y")
    page.wait_for_url(f"**/assess/m/{second.pk}/**")
    assert Submission.objects.get(pk=second.pk).state == "in_assessment"


def test_each_key_of_the_queue_does_what_the_list_says(keyed):
    page, at, _first, _second = keyed
    at("queue")
    rows = page.locator("[data-queue] tbody th a")
    expect(rows).to_have_count(2)
    page.keyboard.press("j")
    expect(rows.first).not_to_be_focused()
    for key, number in (("w", 0), ("w", 1), ("w", 1), ("k", 0)):
        page.keyboard.press(key)
        expect(rows.nth(number)).to_be_focused()
    page.keyboard.press("f")
    expect(page.locator(".app-filter select").first).to_be_focused()
    rows.nth(1).focus()
    wanted = rows.nth(1).get_attribute("href")
    page.keyboard.press("o")
    page.wait_for_url(f"**{wanted}")
    at("queue")
    wanted = page.get_by_role("button", name="Start marking").or_(
        page.get_by_role("link", name="Start marking")
    )
    expect(wanted).to_have_attribute("aria-keyshortcuts", "y")
    address = wanted.get_attribute("href")
    page.keyboard.press("y")
    page.wait_for_url(f"**{address}")


def test_the_link_onwards_leads_to_what_follows_also_when_nothing_did_for_a_while(keyed):
    """The next work goes to somebody else while Ada marks, and comes back."""
    page, at, first, second = keyed
    people = {one.email.partition("@")[0]: one for one in User.objects.all()}
    page.clock.install()
    at("workspace", first.pk)
    field = page.locator('#marks input[name="following"]')
    link = page.get_by_role("link", name="Skip to the next")
    address = link.get_attribute("href")
    assert str(second.pk) in address
    for number, (name, follows) in enumerate([("abe", ""), ("ada", str(second.pk))]):
        held = Allocation.objects.current().get(submission=second)
        reallocate(held, people[name], actor=people["pam"], reason="Leave")
        page.clock.fast_forward(20_000)
        with page.expect_response("**/ahead/**"):
            page.locator("#criterion-1 input[type=radio]").nth(number).check()
        expect(field).to_have_value(follows)
        expect(link).to_have_js_property("pathname", address)
    link.click()
    page.wait_for_url(f"**{address}")


TEXT = "Label every field."
SAID = "The label is missing here."


def test_marking_by_pointer_alone(page, live_site):
    """From the queue to the next piece of work: no key is pressed; what is dictated comes without keys."""
    cast = make_cast(learners=2)
    first, second = allocated(cast), allocated(cast, "hone")
    make_renditions()
    credential = cast.delivery.version.micro_credential
    for number in (1, 2, 3):
        prepare_comment(
            actor=cast.ada, micro_credential=credential, text=f"{number}: {TEXT}",
            criterion_code=f"C{number}", level_code="M",
        )  # fmt: skip
    keys: list[str] = []
    page.context.add_cookies(cookies_of(live_site, cast.ada))

    def heard(key: str) -> None:
        keys.append(key)

    page.context.expose_function("keyPressed", heard)
    page.add_init_script("addEventListener('keydown', (event) => keyPressed(event.key), true)")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(live_site + reverse("assessment:queue"))
    page.get_by_role("link", name="Start marking").or_(
        page.get_by_role("button", name="Start marking")
    ).click()
    page.get_by_role("button", name="Start marking").click()
    for number in (1, 2, 3):
        panel = page.locator(f"#criterion-{number}")
        panel.get_by_label("Met", exact=True).click()
        panel.get_by_role("button", name=f"{number}: {TEXT}").click()
        expect(panel.locator("textarea").first).to_have_value(f"{number}: {TEXT}")
    picture = page.locator("#evidence-2 img").first
    picture.scroll_into_view_if_needed()
    area = picture.bounding_box()
    corners = [
        (area["x"] + area["width"] * part, area["y"] + area["height"] * part) for part in (0.1, 0.3)
    ]
    page.mouse.move(*corners[0])
    page.mouse.down()
    page.mouse.move(*corners[1])
    page.mouse.up()
    form = page.locator("#evidence-2 [data-comment-form]")
    form.get_by_label("Comment", exact=True).click()
    page.keyboard.insert_text(SAID)
    form.get_by_role("button", name="Save comment").click()
    expect(page.locator("#comments")).to_contain_text(SAID)
    made = EvidenceComment.objects.get().entries.get()
    assert (made.page, [made.left, made.top, made.width, made.height]) == (1, [10, 10, 20, 20])
    page.get_by_role("button", name="Give the verdict").click()
    page.get_by_role("radio", name="Record the decision").click()
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Next in this view").or_(
        page.get_by_role("link", name="Next in this view")
    ).click()
    page.wait_for_url(f"**/assess/m/{second.pk}/**")
    decision = AssessmentDecision.objects.get(submission=first)
    assert decision.sealed_at is not None
    assert set(decision.judgements.values_list("feedback", flat=True)) == {
        f"{number}: {TEXT}" for number in (1, 2, 3)
    }
    assert keys == []
