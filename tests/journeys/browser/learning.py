"""What a learner does, step by step, with or without scripts."""

import re
from pathlib import Path
from typing import Any

from tests.journeys.browser.people import Person
from tests.servers import wait_until

REFLECTION = "Kōrero with two people who use a screen reader changed what we did first."
WORDS = re.compile("Captions or transcript|Description of the picture|What the pages show")
KINDS = {
    "pdf": ("File", "Evaluation of the booking form"),
    "photo": ("Photo", "Whānau hui"),
    "docx": ("File", "Definition of done"),
    "mp4": ("Video or audio", "Walk through the form"),
    "png": ("Photo", "The form after the change"),
}


def open_portfolio(lena: Person) -> str:
    """From home to the task list; its address."""
    lena.page.goto("/learn/")
    lena.page.get_by_role("link", name="Workplace portfolio").first.click()
    lena.sees("Not submitted yet.")
    lena.picture("portfolio")
    return str(lena.page.url)


def add_file(lena: Person, portfolio: str, kind: str, file: Path, criterion: str = "") -> None:
    """Choose a kind, choose the file, say what it is, and map it on the way."""
    label, title = KINDS[kind]
    lena.page.goto(portfolio)
    lena.follow("Your evidence")
    lena.page.goto(f"{portfolio}evidence/add/")
    lena.page.get_by_label(label, exact=True).check()
    lena.press("Continue")
    upload = "Choose a photo or file" if label == "Photo" else "File"
    lena.page.get_by_label(upload).set_input_files(file)
    lena.page.get_by_label("Title").fill(title)
    lena.press("Add and continue")
    lena.page.get_by_role("heading", name="Describe this evidence").wait_for()
    alternative = lena.page.get_by_label(WORDS)
    if alternative.count():
        alternative.fill("A form with visible labels.")
    if criterion:
        lena.page.get_by_label(criterion).first.check()
    lena.press("Save", exact=True)


def add_note(lena: Person, portfolio: str) -> None:
    lena.page.goto(f"{portfolio}evidence/add/note/")
    lena.page.get_by_label("Title").fill("What we agreed")
    lena.page.get_by_label("Your note").fill("Every change gets a keyboard test.")
    lena.press("Add and continue")
    lena.press("Save", exact=True)


def add_link(lena: Person, portfolio: str) -> None:
    lena.page.goto(f"{portfolio}evidence/add/link/")
    lena.page.get_by_label("Address").fill("https://example.org/records")
    lena.page.get_by_label("Title").fill("The page about records")
    lena.press("Add and continue")
    lena.press("Save", exact=True)


def wait_until_ready(lena: Person, portfolio: str, count: int) -> None:
    """Until a worker has looked at every item."""

    def ready() -> bool:
        lena.page.goto(f"{portfolio}evidence/")
        words = lena.page.get_by_role("main").inner_text()
        return "Checking" not in words and words.count("Ready") >= count

    wait_until(ready, 60, "evidence that is ready", every=0.5)
    lena.picture("evidence")


def map_everything(lena: Person, portfolio: str) -> None:
    """Say on the map that everything supports the criterion that has nothing yet."""
    lena.page.goto(f"{portfolio}map/?by=criterion")
    lena.picture("map")
    for fieldset in lena.page.locator("fieldset").all():
        boxes = fieldset.get_by_role("checkbox")
        if not any(box.is_checked() for box in boxes.all()):
            for box in boxes.all():
                box.check()
    lena.press("Save the map")


def ask_to_confirm(lena: Person, portfolio: str) -> None:
    """Ask a colleague who has no account."""
    lena.page.goto(f"{portfolio}ask/")
    lena.page.get_by_label("Their name").fill("Vic Harris")
    lena.page.get_by_label("Their e-mail address").fill("vic@employer.example")
    lena.press("Ask them")
    lena.sees("We have written to Vic Harris.")


def check_and_declare(lena: Person, portfolio: str) -> None:
    lena.page.goto(portfolio)
    lena.sees("Ready to submit")
    lena.follow("Check your answers")
    lena.follow("Continue to the declaration")
    ai_use = lena.page.get_by_label("How did you use AI tools?")
    if ai_use.count():
        ai_use.fill("None")
    lena.page.get_by_label("I accept this declaration").check()


def read_receipt(lena: Person) -> tuple[str, str]:
    """Reference and fingerprint; the PDF is one."""
    lena.page.get_by_role("heading", name="Submitted").wait_for()
    lena.picture("receipt")
    reference = lena.page.locator(".govuk-panel__body strong").inner_text()
    fingerprint = lena.page.locator(".app-hash").inner_text()
    with lena.page.expect_download() as download:
        lena.page.get_by_role("link", name="Download receipt (PDF)").click()
    content: Any = Path(download.value.path()).read_bytes()
    assert content.startswith(b"%PDF-")
    assert download.value.suggested_filename == f"{reference}.pdf"
    return reference, fingerprint.replace(" ", "")
