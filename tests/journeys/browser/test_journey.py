"""From upload to a released result: every role, real processes, real files, on both ways of running."""

import re
from pathlib import Path

import pytest

from tests.journeys import files
from tests.journeys.browser import checking, learning
from tests.journeys.browser.people import PHONE, Person, person
from tests.journeys.browser.verifying import verify
from tests.journeys.stacks import EVIDENCE_HOST, Stack, text_of
from tests.servers import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.stack]
ASSESSORS, MODERATORS = ("ada", "abe", "ana"), ("moses", "ed", "lea")
OF_PEOPLE = ("Tūhoe", "Lena", "Harris", "booking form", "Whānau", "evaluation.pdf", "Kōrero",
             "Keep the test plan", "keyboard test", "Her manager", "All read", "met with the panel")  # fmt: skip
"""Names, addresses, titles, file names, reflections, feedback, reasons and minutes of this story."""
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.\w")
NODE = re.compile(r"\b(main|media|celery)@[\w.-]+|redis://\S+")
"""What a worker calls itself."""


def test_from_upload_to_released_result(stack: Stack, browser, tmp_path):
    done = stack.manage("1", module="tests.journeys.set_up")
    assert done.returncode == 0, done.stderr[-3000:]
    site = stack.address
    try:
        with person(browser, site, "pam") as pam:
            look_at_delivery(pam)
        with person(browser, site, "lena", viewport=PHONE, has_touch=True) as lena:
            portfolio = learner(lena, stack, files.all_kinds(tmp_path))
        with person(browser, site, asked(stack, ASSESSORS, "Work to mark")) as assessor:
            checking.mark_by_keyboard(assessor)
            checking.give_verdict(assessor)
        with person(browser, site, "lea") as lea:
            checking.freeze_and_draw(lea)
        with person(browser, site, asked(stack, MODERATORS, "Something to read")) as reader:
            checking.read_blind(reader, "Met well")
            checking.uphold(reader)
        with person(browser, site, "lea") as lea:
            checking.decide_and_close(lea)
        with person(browser, site, "lena", viewport=PHONE) as lena:
            lena.page.goto(portfolio)
            lena.sees("Being checked")
            assert "Met well" not in lena.page.content()
        with person(browser, site, "rita") as rita:
            checking.ratify(rita)
        with person(browser, site, "pam") as pam:
            checking.release(pam)
        with person(browser, site, "lena", viewport=PHONE) as lena:
            read_result(lena, stack, portfolio)
    except BaseException:
        print(stack.log())
        raise
    checked = stack.manage("verify_audit")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    no_log_names_anybody(stack)


def no_log_names_anybody(stack: Stack) -> None:
    """Web, worker and beat saw all of it and wrote none of it down."""
    logs = stack.logs()
    said = [
        f"{name}: {line}"
        for name, text in logs.items()
        for line in text.splitlines()
        if ADDRESS.search(NODE.sub("", line)) or any(words in line for words in OF_PEOPLE)
    ]
    assert said == []
    assert "request_finished" in logs["web.log"]
    assert any("relay_outbox" in text for name, text in logs.items() if "worker" in name)


def asked(stack: Stack, names: tuple[str, ...], words: str) -> str:
    """Who got the work: the one to whom the mail went."""
    found: set[str] = set()

    def came() -> bool:
        found.update(name for mail in stack.mails() for name in names if is_for(mail, name, words))
        return bool(found)

    wait_until(came, 60, f"a mail with “{words}”", every=0.3)
    assert len(found) == 1
    return found.pop()


def is_for(mail, name: str, words: str) -> bool:
    return f"{name}@" in str(mail["To"]) and words in str(mail["Subject"])


def read_result(lena: Person, stack: Stack, portfolio: str) -> None:
    """The mail says that there is news and nothing more; the notice leads to the result."""
    letter = stack.mail_to("lena", "news")
    assert "Achieved" not in f"{letter['Subject']} {text_of(letter)}"
    lena.page.goto("/inbox/")
    lena.sees("news")
    lena.picture("messages")
    lena.page.goto(f"{portfolio}state/")
    lena.picture("state")
    lena.follow("Read your result")
    assert lena.heading() == "Your result: Achieved"
    lena.sees(checking.FEEDBACK)
    lena.follow("See your credential")


def look_at_delivery(pam: Person) -> None:
    """The delivery stands ready: the programme administrator sees it open, with its people."""
    pam.page.goto("/manage/deliveries/")
    pam.follow("Cohort 1")
    pam.sees("Lena Tūhoe")


def learner(lena: Person, stack: Stack, made: dict) -> str:
    """Evidence of every kind on a phone, words, a colleague who confirms, and one submission."""
    portfolio = learning.open_portfolio(lena)
    learning.add_file(lena, portfolio, "pdf", made["pdf"], "C1")
    learning.add_file(lena, portfolio, "photo", made["photo"], "C2")
    for kind in ("docx", "mp4", "png"):
        learning.add_file(lena, portfolio, kind, made[kind])
    learning.add_note(lena, portfolio)
    learning.add_link(lena, portfolio)
    learning.wait_until_ready(lena, portfolio, 7)
    read_own_file(lena, stack, portfolio, made["pdf"])
    learning.map_everything(lena, portfolio)
    write(lena, portfolio)
    ask_vic(lena, portfolio, stack)
    learning.check_and_declare(lena, portfolio)
    button = lena.page.get_by_role("button", name="Accept and submit")
    button.dblclick()
    reference, fingerprint = learning.read_receipt(lena)
    lena.sees("7 items")
    lena.page.goto(portfolio)
    lena.sees(reference)
    anybody_checks(lena, reference, fingerprint)
    assert reference in text_of(stack.mail_to("lena", reference))
    return portfolio


def read_own_file(lena: Person, stack: Stack, portfolio: str, file: Path) -> None:
    """The bytes come back as they were; in production from the host that has nothing of the site's."""
    seen: dict[str, dict[str, str]] = {}
    note = lambda request: seen.update({request.url: request.headers})  # noqa: E731
    lena.page.goto(f"{portfolio}evidence/")
    lena.page.on("request", note)
    with lena.page.expect_download() as download:
        lena.page.get_by_role("link", name="Download “Evaluation of the booking form”").click()
    assert Path(download.value.path()).read_bytes() == file.read_bytes()
    assert download.value.suggested_filename == file.name
    lena.page.remove_listener("request", note)
    if stack.sent is not None:
        ((url, headers),) = [one for one in seen.items() if not one[0].startswith(stack.address)]
        assert url.startswith(f"https://{EVIDENCE_HOST}:")
        assert "cookie" not in headers
        assert "referer" not in headers


def write(lena: Person, portfolio: str) -> None:
    """Words that are saved as they are typed, and are there on the next visit."""
    lena.page.goto(portfolio)
    lena.page.locator(".govuk-task-list__link").first.click()
    box = lena.page.get_by_label("Your reflection").first
    box.fill(learning.REFLECTION)
    lena.page.get_by_text(re.compile(r"^Saved \d")).first.wait_for()
    lena.picture("reflection")
    lena.page.reload()
    assert lena.page.get_by_label("Your reflection").first.input_value() == learning.REFLECTION


def ask_vic(lena: Person, portfolio: str, stack: Stack) -> None:
    """A colleague gets a link by mail and answers without an account."""
    learning.ask_to_confirm(lena, portfolio)
    link = re.search(r"https?://\S+/v/\S+", text_of(stack.mail_to("vic@", "portfolio")))
    assert link, text_of(stack.mail_to("vic@", "portfolio"))
    vic = Person(lena.context.browser, stack.address, "vic", viewport=PHONE)
    verify(vic, link[0])
    vic.done()


def anybody_checks(lena: Person, reference: str, fingerprint: str) -> None:
    lena.page.goto("/receipts/")
    lena.page.get_by_label("Reference").fill(reference)
    lena.page.get_by_label("Fingerprint").fill(fingerprint)
    lena.page.get_by_role("main").get_by_role("button").first.click()
    lena.picture("receipt-checked")
