"""Pages behind links: what is kept, and that nothing private is ever opened for it."""

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from catalogue.models import Criterion
from portfolios.actions.drafting import add_link, map_evidence
from portfolios.actions.keeping import claim_snapshot, keep_links, note_links
from portfolios.actions.reconciling import reconcile_evidence, verify_submission
from portfolios.actions.scanning import scan_waiting_evidence
from portfolios.inspection import fetching
from portfolios.inspection.fetching import NotFetched, fetch, target_of
from portfolios.models import EvidenceItem, LinkSnapshot
from tests.factories.portfolios import portfolio_of, ready, submit
from tests.portfolios.test_viewing import shown

PAGE = (
    b"<!doctype html><html><head><title> Te \xc4\x81rahi  guide</title><style>p{}</style></head><body>"
    b"<h1>Labels</h1><script>document.write('never')</script><p>Every field <b>has</b> a label.</p>"
    b"<img src=x alt='A form'><img src=y></body></html>"
)


@dataclass
class Site:
    """A web server on the machine itself: what it answers by path, and what it was asked."""

    port: int = 0
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    slow: float = 0

    def at(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
def site(settings: Any) -> Iterator[Site]:
    """Its one address may be fetched from; every other private one may not."""
    here = Site()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            here.asked.append((self.path, self.headers))
            code, headers, body = here.answers.get(self.path, (404, {}, b""))
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # the other side may have left
                for _byte in range(200 if here.slow else 0):
                    self.wfile.write(b" ")
                    time.sleep(here.slow)
                self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("0.0.0.0", 0), Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here.port = server.server_port
    here.answers["/page"] = (200, {"Content-Type": "text/html; charset=utf-8"}, PAGE)
    settings.SNAPSHOT_PRIVATE_NETWORKS = ["127.0.0.1/32"]
    yield here
    server.shutdown()
    server.server_close()


def link(cast, address: str) -> EvidenceItem:
    made = add_link(portfolio_of(cast), actor=cast.lena, link=address, title="The guide")
    scan_waiting_evidence()
    return EvidenceItem.objects.get(pk=made.pk)


# --- where nothing is opened -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.2/",
        "http://localhost/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0.0.0.0/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:7f00:1::]/",
    ],
)
def test_private_addresses_are_refused_before_anything_is_opened(address, monkeypatch):
    opened = []
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: opened.append(a))
    with pytest.raises(NotFetched, match="private network"):
        fetch(address)
    assert opened == []


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://",
        "http://user:secret@93.184.216.34/",
        "https://93.184.216.34:22/",
        "http://93.184.216.34:8080/",
        "http://93.184.216.34:99999/",
    ],
)
def test_only_plain_addresses_of_the_web_are_opened(address):
    with pytest.raises(NotFetched):
        target_of(address)


def test_a_name_with_one_private_address_among_its_own_is_refused(monkeypatch):
    both = [(2, 1, 6, "", (number, 80)) for number in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: both)
    with pytest.raises(NotFetched, match="private network"):
        target_of("http://two-faced.example/")


def test_the_connection_goes_to_the_address_that_was_looked_at(site, monkeypatch):
    looked_up = []
    real = socket.getaddrinfo

    def changes_its_mind(host, *args, **kw):
        looked_up.append(host)
        return real("127.0.0.1" if len(looked_up) == 1 else "127.0.0.9", *args, **kw)

    monkeypatch.setattr(socket, "getaddrinfo", changes_its_mind)
    assert fetch(site.at("/page", "rebinding.example")).content == PAGE
    assert looked_up[0] == "rebinding.example"
    assert set(looked_up[1:]) <= {"127.0.0.1"}
    assert site.asked[0][1]["Host"] == f"rebinding.example:{site.port}"


def test_redirects_are_looked_at_anew(site):
    site.answers["/away"] = (302, {"Location": site.at("/secret", "127.0.0.2")}, b"")
    site.answers["/file"] = (301, {"Location": "file:///etc/passwd"}, b"")
    for path in ("/away", "/file"):
        with pytest.raises(NotFetched):
            fetch(site.at(path))
    assert "/secret" not in [path for path, _headers in site.asked]
    site.answers["/on"] = (307, {"Location": "/page"}, b"")
    assert fetch(site.at("/on")).address == site.at("/page")
    site.answers["/round"] = (302, {"Location": "/round"}, b"")
    with pytest.raises(NotFetched, match="without an end"):
        fetch(site.at("/round"))
    assert [path for path, _headers in site.asked].count("/round") == fetching.REDIRECTS + 1


def test_nothing_of_ours_goes_along(site, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.2:1/")
    fetch(site.at("/page"))
    headers = site.asked[0][1]
    assert not {"Cookie", "Authorization", "Referer"} & set(headers)


# --- how much, how long ------------------------------------------------------------------------------


def test_size_is_limited_also_of_what_is_packed(site, monkeypatch):
    monkeypatch.setattr(fetching, "MOST", 10_000)
    site.answers["/big"] = (200, {"Content-Type": "text/plain"}, b"x" * 20_000)
    packed = gzip.compress(b"x" * 5_000_000)
    bomb = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    site.answers["/bomb"] = (200, bomb, packed)
    assert len(packed) < fetching.MOST
    for path in ("/big", "/bomb"):
        with pytest.raises(NotFetched, match="too big"):
            fetch(site.at(path))
    site.answers["/packed"] = (200, bomb, gzip.compress(b"K\xc5\x8drero"))
    assert fetch(site.at("/packed")).content == "Kōrero".encode()


def test_a_page_that_drips_is_left(site, monkeypatch):
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    site.slow = 0.05
    with pytest.raises(NotFetched) as left:
        fetch(site.at("/page"))
    assert left.value.for_now


def test_a_page_that_is_cut_off_is_not_kept(site):
    site.answers["/cut"] = (200, {"Content-Type": "text/plain", "Content-Length": "99"}, b"half")
    with pytest.raises(NotFetched) as left:
        fetch(site.at("/cut"))
    assert left.value.for_now


@pytest.mark.parametrize(
    ("code", "media_type", "words"),
    [
        (200, "application/pdf", "add the file itself"),
        (401, "text/html", "asks for a password"),
        (404, "text/html", "answered 404"),
    ],
)
def test_what_cannot_be_kept_says_why(site, code, media_type, words):
    site.answers["/x"] = (code, {"Content-Type": media_type}, b"x")
    with pytest.raises(NotFetched, match=words) as left:
        fetch(site.at("/x"))
    assert not left.value.for_now


# --- what is kept ------------------------------------------------------------------------------------


def test_the_words_of_a_page_are_kept_with_its_fingerprint(cast, site, as_):
    item = link(cast, site.at("/page"))
    assert keep_links() == 1
    kept = LinkSnapshot.objects.get()
    assert (kept.state, kept.title, kept.size) == ("kept", "Te ārahi guide", len(PAGE))
    assert kept.text == "Labels\nEvery field has a label.\nA form"
    page = shown(item, cast.lena)
    assert "Read the copy" in page
    assert "never" not in page
    assert keep_links() == 0
    assert not reconcile_evidence().findings.exists()
    described = f"/learn/p/{portfolio_of(cast).pk}/evidence/{item.pk}/"
    assert "Every field has a label." in as_(cast.lena).get(described).content.decode()


def test_a_submission_holds_the_fingerprint_of_the_kept_page(cast, site):
    portfolio = ready(cast)
    item = link(cast, site.at("/page"))
    for criterion in Criterion.objects.filter(rubric__task=cast.task):
        map_evidence(portfolio, item, criterion, actor=cast.lena)
    keep_links()
    submission = submit(portfolio)
    kept = LinkSnapshot.objects.get()
    held = {one["id"]: one["snapshot_sha256"] for one in submission.contents["files"]}
    assert held[str(item.pk)] == kept.sha256
    assert [one for one in held.values() if one] == [kept.sha256]
    assert verify_submission(submission) == []
    LinkSnapshot.objects.update(sha256="0" * 64)
    assert ["kept page" in one.says for one in verify_submission(submission)] == [True]


def test_a_failure_for_now_is_tried_again_and_then_given_up(cast, site):
    site.answers["/down"] = (503, {"Content-Type": "text/html"}, b"")
    item = link(cast, site.at("/down"))
    assert keep_links() == 1
    assert keep_links() == 0
    assert "The page answered 503." in shown(item, cast.lena)
    now = timezone.now()
    for hours in (1, 4, 24):
        with time_machine.travel(now + timedelta(hours=hours), tick=False):
            keep_links()
    assert LinkSnapshot.objects.get().state == "failed"
    assert len(site.asked) == 4


def test_two_workers_take_a_link_once_and_a_setting_turns_it_off(cast, site, settings):
    link(cast, site.at("/page"))
    settings.LINK_SNAPSHOTS = False
    assert (keep_links(), LinkSnapshot.objects.count()) == (0, 0)
    note_links()
    assert claim_snapshot() is not None
    assert claim_snapshot() is None
    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        assert claim_snapshot() is not None
