"""Hostile files in a real Chromium: none that is taken runs anything, none that is refused is served.

The files that are taken though somebody meant harm hold scripts that call a server of the test. Nobody may
have called it in the end, no dialog may have opened, and nothing may have written to the console. PROOF=full
tries every refused file of the corpus, without it a seeded sample.
"""

import io
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docx
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from PIL import Image, PngImagePlugin

from assessment.actions.allocation import allocate
from catalogue.models import Criterion
from portfolios.actions.drafting import describe_evidence, map_evidence
from portfolios.actions.rendering import make_renditions
from portfolios.models import EvidenceItem
from tests.conftest import served
from tests.factories.portfolios import file, note, pdf_of, portfolio_of, submit
from tests.factories.recordings import film_of
from tests.journeys.stacks import EVIDENCE_HOST, SITE_HOST, proxy
from tests.personas import make_cast
from tests.portfolios import corpus
from tests.portfolios.conftest import on_s3

pytestmark = [pytest.mark.browser, pytest.mark.proof]
FULL = os.environ.get("PROOF") == "full"


@contextmanager
def canary() -> Iterator[tuple[str, list[str]]]:
    """A server that notes who calls it."""
    heard: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    server.server_close()


def harm(home: str) -> str:
    """Markup that calls home in each way that a page might let it."""
    program = f"new Image().src='{home}/ran';console.log('ran'+'-here');alert(1)"
    return (
        f'"><script src="{home}/script.js"></script><script>{program}</script>'
        f'<img src="{home}/picture" onerror="{program}"><svg onload="{program}">'
    )


def taken(home: str) -> dict[str, bytes]:
    """Files that pass the check, each with something that would run if it were taken for a page or a script."""
    markup = harm(home)
    picture, words = io.BytesIO(), PngImagePlugin.PngInfo()
    words.add_text("Title", markup)
    Image.new("RGB", (30, 30), "teal").save(picture, "PNG", pnginfo=words)
    document, paper = io.BytesIO(), docx.Document()
    paper.add_paragraph(markup)
    paper.part.relate_to(f"{home}/linked", f"{corpus_link()}/hyperlink", is_external=True)
    paper.save(document)
    linked = [
        *corpus.PAGES[:2],
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Annots[4 0 R]>>",
        f"<</Type/Annot/Subtype/Link/Rect[0 0 99 99]/A<</S/URI/URI({home}/linked)>>>>",
    ]
    return {
        "page.txt": f"Kia ora\n{markup}".encode(),
        "program.txt": f"new Image().src='{home}/program';console.log('ran'+'-here')".encode(),
        "formula.csv": f'=HYPERLINK("{home}/formula"),{markup}\n'.encode(),
        "picture' onerror='alert(1).png": picture.getvalue(),
        "words.docx": document.getvalue(),
        "linked.pdf": pdf_of(linked),
        "film.mp4": film_of(1),
    }


def corpus_link() -> str:
    return "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


AS_PARTS_OF_A_PAGE = """(addresses) => Promise.all(addresses.flatMap((address) => (
  [["script", "src"], ["iframe", "src"], ["object", "data"], ["embed", "src"]].map(([tag, where]) => {
    const one = document.createElement(tag);
    one[where] = address;
    document.body.append(one);
    return new Promise((done) => {
      one.onload = one.onerror = done;
      setTimeout(done, 400);
    });
  })
)))"""


READ_BY_A_SCRIPT_OF_THAT_HOST = """async (addresses) => Promise.all(
  addresses.map(async (address) => (await fetch(address)).status)
)"""


def test_no_file_of_anybody_runs_anything(browser: Any, committed_db: Any) -> None:
    cast = make_cast()
    portfolio = portfolio_of(cast)
    with canary() as (home, heard), served() as site:
        items = [note(portfolio, f"Note {harm(home)}"[:200], harm(home))]
        items += [file(portfolio, name, raw) for name, raw in taken(home).items()]
        assert {
            (one.original_name, one.state, one.refusal) for one in items if one.state != "ready"
        } == set()
        for item in items:
            words = f"WEBVTT\n\n00:00.000 --> 00:01.000\n{harm(home)}"
            describe_evidence(
                item,
                actor=cast.lena,
                title=harm(home)[:200],
                description=harm(home),
                text_alternative=words,
            )
            for criterion in Criterion.objects.filter(rubric__task=cast.task):
                map_evidence(portfolio, item, criterion, actor=cast.lena, claim=harm(home)[:500])
        make_renditions()
        refused = hostile_and_refused(portfolio)
        submission = submit(portfolio)
        allocate(submission, cast.ada, actor=cast.lea)
        views = [reverse("portfolios:view", args=[one.pk]) for one in items]
        described = [reverse("portfolios:describe", args=[portfolio.pk, one.pk]) for one in items]
        workspace = reverse("assessment:workspace", args=[submission.pk])
        pages = {
            cast.lena: [reverse("portfolios:library"), *described, *(views if FULL else [])],
            cast.ada: [workspace, *(views if FULL else [])],
        }
        files = [reverse("portfolios:serve", args=[one.pk]) for one in items]
        said: list[str] = []
        for person, addresses in pages.items():
            page = opened_by(browser, site, person, said)
            for address in addresses:
                assert page.goto(site + address).status == 200
            if FULL or person == cast.lena:
                for address in files:
                    with page.expect_download() as coming:
                        page.evaluate("address => { location = address }", address)
                    coming.value.cancel()
                page.evaluate(AS_PARTS_OF_A_PAGE, files)
            page.context.close()
        assert [one for one in said if "ran-here" in one or one.startswith("dialog")] == []
        assert heard == []
        served_to_nobody(cast, refused)
        # The same markup in a page that lets it run is heard of: the ear works.
        page = browser.new_context().new_page()
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.set_content(f"<p>{harm(home)}")
        page.wait_for_timeout(100)
        page.context.close()
        assert "/ran" in heard


def test_nothing_runs_on_the_host_of_evidence_either(
    browser: Any, committed_db: Any, rclone_s3: Any, settings: Any, tmp_path: Path
) -> None:
    """Its own host name through the real proxy, signed addresses, files in the real store.

    There the files are opened, downloaded, and put into pages as script, frame and object: a page of nobody's,
    and one of that host itself, for which they are of the same origin. No cookie reaches that host.
    """
    on_s3(settings, rclone_s3)
    cast = make_cast()
    portfolio = portfolio_of(cast)
    with canary() as (home, heard), served() as inner:
        port = urlsplit(inner).port or 0
        front = proxy(tmp_path, web=port, upload=port, storage=rclone_s3.port)
        there = f"https://{EVIDENCE_HOST}:{front.port}"
        settings.EVIDENCE_HOST = urlsplit(there).netloc
        try:
            items = [file(portfolio, name, raw) for name, raw in taken(home).items()]
            assert {one.state for one in items} == {"ready"}
            site = f"https://{SITE_HOST}:{front.port}"
            said: list[str] = []
            page = opened_by(browser, site, cast.lena, said, ignore_https_errors=True)
            asked: list[Any] = []
            page.context.on("request", lambda one: asked.extend([one]))
            signed = []
            for item in items:
                address = site + reverse("portfolios:serve", args=[item.pk])
                with page.expect_download() as coming:
                    page.evaluate("address => { location = address }", address)
                signed.append(coming.value.url)
                coming.value.cancel()
                if page.url == "about:blank":
                    page.goto(f"{site}/healthz")
            assert [one for one in signed if not one.startswith(f"{there}/evidence/")] == []
            client = Client(headers={"sec-fetch-dest": "document"})
            client.force_login(cast.lena)
            for place in ("about:blank", f"{there}/"):
                page.goto(place)
                # Signed anew: an address holds for a minute.
                fresh = [
                    client.get(reverse("portfolios:serve", args=[one.pk])).url for one in items
                ]
                page.evaluate(AS_PARTS_OF_A_PAGE, fresh)
            assert page.evaluate(READ_BY_A_SCRIPT_OF_THAT_HOST, fresh) == [200] * len(fresh)
            assert page.evaluate("document.cookie") == ""
            assert page.context.cookies(there) == []
            reached = [one for one in asked if one.url.startswith(there)]
            assert len(reached) > 2 * len(signed)
            assert [one.url for one in reached if "cookie" in one.all_headers()] == []
            assert [one for one in said if "ran-here" in one or one.startswith("dialog")] == []
            assert heard == []
            # The same program from a place that lets it run is heard of.
            page.route("**/let.js", lambda route: route.fulfill(body=taken(home)["program.txt"]))
            page.evaluate(AS_PARTS_OF_A_PAGE, [f"{there}/let.js"])
            page.context.close()
            assert "/program" in heard
        finally:
            front.stop()


def opened_by(browser: Any, site: str, person: Any, said: list[str], **options: Any) -> Any:
    """A page of somebody who is signed in, in a browser that notes what scripts would do."""
    client = Client()
    client.force_login(person)
    context = browser.new_context(locale="en-NZ", **options)
    context.add_cookies(
        [
            {
                "name": settings.SESSION_COOKIE_NAME,
                "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                "url": site,
            }
        ]
    )
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))

    def no_dialog(dialog: Any) -> None:
        said.append(f"dialog {dialog.message}")
        dialog.dismiss()

    page.on("dialog", no_dialog)
    return page


def hostile_and_refused(portfolio: Any) -> list[EvidenceItem]:
    """Files of the corpus as a learner may send them, each quarantined by its check."""
    every = corpus.hostile()
    heavy = {"a bomb", "a bomb inside"}
    names = sorted(every) if FULL else random.Random(7).sample(sorted(set(every) - heavy), 3)
    found = []
    for case in names:
        name, raw = every[case]
        if name.rpartition(".")[2] in {"exe", "svg"}:
            name = f"{name}.pdf"  # other extensions are not even taken in
        item = file(portfolio, name, raw)
        assert item.state == "quarantined", case
        found.append(item)
    return found


def served_to_nobody(cast: Any, refused: list[EvidenceItem]) -> None:
    """But to an administrator, as a file that no browser opens."""
    views = [(name, []) for name in ("serve", "preview", "view", "captions")] + [
        ("page_image", [0]),
        ("page_image", [1]),
    ]
    client = Client()
    for person in (cast.lena, cast.ada, cast.lea):
        client.force_login(person)
        for item in refused:
            for name, more in views:
                path = reverse(f"portfolios:{name}", args=[item.pk, *more])
                assert client.get(path).status_code == 404, (person, path)
            path = reverse("portfolios:original", args=[item.pk])
            assert client.get(path).status_code == 404
    client.force_login(cast.pam)
    for item in refused:
        answer = client.get(reverse("portfolios:original", args=[item.pk]))
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer["X-Content-Type-Options"] == "nosniff"
