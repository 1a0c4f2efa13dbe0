"""The upload page in a real browser, with the stock tus-js-client: offline in between, closed, paused, throttled."""

import hashlib
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.factories.portfolios import portfolio_of
from tests.journeys.browser.people import Person
from tests.personas import make_cast
from tests.servers import wait_until

pytestmark = pytest.mark.browser
MIB = 1024 * 1024


@pytest.fixture
def cast(committed_db, django_db_blocker):
    with django_db_blocker.unblock():
        yield make_cast()


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """Three chunks and a bit."""
    path = tmp_path / "Pūrongo.pdf"
    path.write_bytes(b"%PDF-1.4\n" + hashlib.sha256(b"x").digest() * (16 * MIB // 32))
    return path


@pytest.fixture
def lena(browser, cast, live_site):
    person = Person(browser, live_site, "lena", viewport={"width": 320, "height": 640})
    yield person.enter(cast.lena)
    person.done()


def stored(cast, path: Path) -> bool:
    from portfolios import storage
    from portfolios.models import EvidenceItem

    item = EvidenceItem.objects.get(original_name=path.name)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return bool(item.sha256 == digest and storage.checksum(item.storage_key)[1] == digest)


def slow_line(page) -> None:
    """A line that is narrow upwards, and far away."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    narrow = {"latency": 40, "uploadThroughput": 6 * MIB, "downloadThroughput": 6 * MIB}
    line.send("Network.emulateNetworkConditions", {"offline": False, **narrow})


def test_offline_in_between_a_closed_tab_and_a_pause(lena, cast, live_site, big):
    address = f"/learn/p/{portfolio_of(cast).pk}/evidence/add/file/"
    page = lena.page
    page.goto(address)
    sent = []

    def first_chunk_then_silence(route):
        """After the first chunk the phone is in a tunnel."""
        sent.append(route.request.method)
        if sent.count("PATCH") == 2:
            page.context.set_offline(True)
            route.abort("internetdisconnected")
        else:
            route.continue_()

    page.route("**/learn/uploads/**", first_chunk_then_silence)
    page.get_by_label("File").set_input_files(big)
    row = page.locator(".app-uploads li")
    expect(row).to_contain_text("Waiting for connection", timeout=20_000)
    page.unroute("**/learn/uploads/**")
    page.context.set_offline(False)
    page.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused at")
    lena.picture("upload-paused")
    # The tab is gone; the page says what is unfinished, and the same file goes on.
    page.goto("about:blank")
    page.goto(address)
    page.get_by_text("Not finished").wait_for()
    lena.picture("upload-unfinished")
    slow_line(page)
    methods = []
    page.on("request", lambda one: methods.append((one.method, one.url.split("/learn/")[-1][:8])))
    page.get_by_label("File").set_input_files(big)
    expect(row).to_contain_text("Stored. It is checked next", timeout=30_000)
    expect(page.get_by_text("Not finished")).to_be_hidden()
    lena.picture("upload-stored")
    assert ("HEAD", "uploads/") in methods
    assert not [one for one in methods if one[0] == "POST"]
    assert len([one for one in methods if one[0] == "PATCH"]) > 1
    page.get_by_label("Title").fill("Pūrongo o te tau")
    page.get_by_role("button", name="Add and continue").click()
    page.get_by_role("heading", name="Describe this evidence").wait_for()
    expect(page.get_by_label("Title")).to_have_value("Pūrongo o te tau")
    assert stored(cast, big)
    assert not page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('tus'))")
    lena.complaints.clear()


def test_several_files_each_on_its_own_way(lena, cast, live_site, tmp_path):
    from portfolios.models import EvidenceItem

    portfolio = portfolio_of(cast)
    names = ["one.pdf", "two.pdf", "page.svg"]
    for name in names:
        (tmp_path / name).write_bytes(f"%PDF-1.4\n% {name}\n".encode())
    page = lena.page
    page.goto(f"/learn/p/{portfolio.pk}/evidence/add/file/")
    page.get_by_label("File").set_input_files([tmp_path / name for name in names])
    # Exactly, because the live region may say it with the name of the file.
    expect(page.get_by_text("Stored. It is checked next", exact=True)).to_have_count(2)
    expect(page.locator(".govuk-error-message")).to_contain_text("We cannot take this kind of file")
    expect(page.get_by_label("Title")).to_be_hidden()
    page.get_by_role("button", name="Add and continue").click()
    expect(page.locator(".govuk-error-summary")).to_be_focused()
    page.get_by_role("button", name="Remove “page.svg”").click()
    page.get_by_role("button", name="Add and continue").click()
    page.get_by_text("2 files are stored.").wait_for()
    assert sorted(EvidenceItem.objects.values_list("title", flat=True)) == ["one.pdf", "two.pdf"]
    lena.complaints.clear()


def test_what_is_being_stored_cannot_be_paused(lena, cast, live_site, tmp_path):
    path = tmp_path / "one.pdf"
    path.write_bytes(b"%PDF-1.4\n% one\n")
    page, asked = lena.page, []

    def wait_with_questions(route):
        """The file has arrived; what became of it is told only later."""
        if route.request.method == "GET":
            asked.append(route)
        else:
            # Time to press something before all of it is sent.
            expect(row.get_by_role("button")).to_have_count(2)
            pause.focus()
            route.continue_()

    page.goto(f"/learn/p/{portfolio_of(cast).pk}/evidence/add/file/")
    row = page.locator(".app-uploads li")
    pause = row.get_by_role("button", name="Pause")
    page.route("**/learn/**/uploads/", wait_with_questions)
    page.route("**/learn/uploads/**", wait_with_questions)
    page.get_by_label("File").set_input_files(path)
    expect(row).to_contain_text("All of it is sent. It is being stored, which takes a moment")
    expect(row.get_by_role("button")).to_have_count(0)
    expect(row).to_be_focused()
    # The words stand before the question arrives here.
    wait_until(lambda: page.wait_for_timeout(20) or bool(asked), what="what became of it")
    asked[0].continue_()
    expect(row).to_contain_text("Stored. It is checked next")
    expect(row.get_by_role("button")).to_have_count(0)
