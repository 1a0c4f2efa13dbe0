"""What assessors, moderators, ratifiers and administrators do, step by step."""

from typing import Any

from playwright.sync_api import expect

from tests.journeys.browser.people import Person
from tests.personas import PASSWORD

FEEDBACK = "Clear and honest. Keep the test plan, it will serve again."


def focus(page: Any, *, role: str = "", name: str = "") -> None:
    """Press Tab until the control with this visible name has the focus, as people without a mouse do."""
    for _press in range(200):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
                const one = document.activeElement;
                const label = one.labels?.length ? one.labels[0].textContent : one.textContent;
                return [one.type || one.tagName.toLowerCase(), (label || "").trim()];
            }"""
        )
        if found[1].startswith(name) and (not role or found[0] == role):
            return
    raise AssertionError(f"Tab never reached {role} “{name}”")


def mark_by_keyboard(ada: Person, level: int = 2) -> None:
    """From the queue to the recorded decision without a mouse: every level, feedback, save and next."""
    page = ada.page
    page.goto("/assess/queue/")
    ada.picture("queue")
    focus(page, name="Lena Tūhoe")
    page.keyboard.press("Enter")
    page.wait_for_url("**/assess/m/**")
    focus(page, role="submit", name="Start marking")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Rubric").wait_for()
    ada.picture("workspace")
    focus(page, role="button", name="Keyboard shortcuts")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Switch single keys on").wait_for()
    focus(page, role="button", name="Switch single keys on")
    page.keyboard.press("Enter")
    page.get_by_text("Single keys are on.").wait_for()
    page.keyboard.press("Escape")
    for number in range(page.locator("[data-criterion]").count()):
        page.keyboard.press("j")
        page.keyboard.press(str(level + 1))
        page.keyboard.press("f")
        page.keyboard.type(f"{FEEDBACK} ({number + 1})")
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+Enter")
    ada.sees("Saved. Nothing else waits in this view.")
    ada.picture("after-save-and-next")


def give_verdict(ada: Person) -> None:
    """What was saved is there again; one verdict, by the keyboard too."""
    page = ada.page
    focus(page, name="Lena Tūhoe")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Rubric").wait_for()
    assert page.get_by_label("Feedback on C1").input_value().startswith(FEEDBACK)
    focus(page, role="submit", name="Give the verdict")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Verdict on Lena Tūhoe").wait_for()
    ada.picture("verdict")
    focus(page, role="radio", name="Record the decision")
    page.keyboard.press("Space")
    focus(page, role="submit", name="Confirm")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Decision recorded").wait_for()
    ada.picture("recorded")


def freeze_and_draw(lea: Person) -> None:
    """Open the round from what waits, look at the plan, draw."""
    lea.page.goto("/moderate/")
    lea.picture("moderation-home")
    lea.follow("Look at the set")
    lea.press("Freeze the set")
    lea.page.get_by_role("heading", name="Sample plan").wait_for()
    lea.press("Draw this sample")
    lea.sees("Being read")


def read_blind(reader: Person, level: str) -> None:
    """The moderator's own levels first; nothing of the assessor's is in the page."""
    reader.page.goto("/moderate/")
    reader.follow("Read it blind")
    assert FEEDBACK not in reader.page.content()
    evidence = reader.page.get_by_role("region", name="Evidence", exact=True)
    assert "Assessor" not in evidence.inner_text()
    # It is read on this page, not in a file that has to be opened.
    expect(evidence.get_by_role("img").first).not_to_have_js_property("naturalWidth", 0)
    for choice in reader.page.get_by_label(level, exact=True).all():
        choice.check()
    reader.page.get_by_label("Yes", exact=True).check()
    reader.press("Save for good and compare")
    reader.page.get_by_role("heading", name="Compare").wait_for()
    reader.sees(FEEDBACK)


def uphold(reader: Person) -> None:
    reader.page.get_by_label("Uphold", exact=True).check()
    reader.press("Continue", exact=True)
    reader.sees("The assessor's decision stands.")
    reader.press("Confirm", exact=True)
    reader.page.get_by_role("heading", name="Upheld").wait_for()
    reader.picture("upheld")


def decide_and_close(lea: Person) -> None:
    """Accept the set, then close the round."""
    lea.page.goto("/moderate/rounds/")
    lea.follow("Workplace portfolio, round 1")
    lea.follow("Decide on the set")
    lea.page.get_by_label("Accept", exact=True).check()
    lea.page.get_by_label("Reason", exact=True).fill("All read, all the same.")
    lea.press("Preview")
    lea.press("Confirm", exact=True)
    lea.follow("Close the round")
    lea.press("Close the round")
    lea.page.get_by_role("heading", name="Round closed").wait_for()


def ratify(rita: Person) -> None:
    """Open the batch, prove who it is with the password again, sign."""
    rita.page.goto("/ratify/")
    rita.follow("See the results")
    rita.page.get_by_label("Minute").fill("Rita met with the panel. One result, no exceptions.")
    rita.press("Open the batch")
    rita.follow("Confirm that it is you")
    rita.page.get_by_label("Your password").fill(PASSWORD)
    rita.press("Confirm", exact=True)
    rita.page.get_by_label("I have read this batch and confirm its results.").check()
    rita.press("Sign the batch")
    rita.page.get_by_role("heading", name="Batch ratified").wait_for()


def release(pam: Person) -> None:
    """Publish now what the ratifiers have signed."""
    pam.page.goto("/manage/releases/")
    pam.follow("Release 1 result of Workplace portfolio")
    pam.page.get_by_label("Now", exact=True).check()
    pam.press("Release", exact=True)
    pam.page.get_by_role("heading", name="Results released").wait_for()
