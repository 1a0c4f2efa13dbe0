"""deploy/nginx.conf in a real nginx, before a site and a store that write down what reaches them."""

import http.client
import http.server
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPSConnection
from uuid import UUID

import pytest
from django.urls import Resolver404, URLResolver, get_resolver, resolve

from config import alive
from config.settings import base
from config.upload_urls import elsewhere
from tests.journeys.stacks import EVIDENCE_HOST, SITE_HOST, proxy
from tests.servers import wait_until

SIGNED = "/evidence/ab/cd/ef?X-Amz-Expires=60&X-Amz-Signature=0a1b"
FORM = "/learn/p/0b0b/evidence/add/file/"
TUS = "/learn/uploads/0b0b/"
MEGABYTE = 1024 * 1024
FILM = b"0123456789" * 1000


@dataclass
class Upstream:
    """What stands behind the proxy: its port, and everything that it was asked."""

    server: http.server.ThreadingHTTPServer
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    received: int = 0

    @property
    def port(self):
        return self.server.server_port


def upstream():
    class Writer(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            headers = {key.lower(): value for key, value in self.headers.items()}
            made.asked.append((self.command, self.path, headers))
            left = int(headers.get("content-length", 0))
            while left and (piece := self.rfile.read1(min(left, 65536))):
                left -= len(piece)
                made.received += len(piece)
            self.send_response(200)
            if self.path.startswith("/evidence/accel/"):
                self.send_header("X-Accel-Redirect", "/_evidence/ab/film")
                self.send_header("Content-Type", "video/mp4")
                self.send_header("Content-Disposition", 'attachment; filename="evidence-01.mp4"')
                self.send_header("Cache-Control", "private, no-store")
                self.end_headers()
                return
            self.send_header("Content-Length", "2")
            self.send_header("Set-Cookie", "store=1")
            self.send_header("X-Frame-Options", "DENY")
            self.send_header("Strict-Transport-Security", "max-age=31536000")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(b"ok")

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815

        def log_message(self, *_args):
            """Quiet."""

    made = Upstream(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Writer))
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    return made


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    web, store, upload = upstream(), upstream(), upstream()
    folder = tmp_path_factory.mktemp("proxy")
    front = proxy(folder, web=web.port, upload=upload.port, storage=store.port)
    (folder / "evidence" / "ab").mkdir(parents=True)
    (folder / "evidence" / "ab" / "film").write_bytes(FILM)
    yield front, web, store, upload
    front.stop()
    for one in (web, store, upload):
        one.server.shutdown()
        one.server.server_close()


@pytest.fixture
def front(running):
    for one in running[1:]:
        one.asked.clear()
        one.received = 0
    return running[0]


@pytest.fixture
def web(running, front):
    return running[1]


@pytest.fixture
def store(running, front):
    return running[2]


@pytest.fixture
def upload(running, front):
    return running[3]


def trusting():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connection(front, host):
    """TLS to the proxy, asking for that name as a browser does."""
    made = HTTPSConnection(host, front.port, context=trusting(), timeout=20)
    raw = socket.create_connection(("127.0.0.1", front.port), timeout=20)
    made.sock = trusting().wrap_socket(raw, server_hostname=host)
    return made


def ask(front, host, path, method="GET", body=None, **headers):
    made = connection(front, host)
    headers = {key.replace("_", "-"): value for key, value in headers.items()}
    made.request(method, path, body, {"Host": host, **headers})
    answer = made.getresponse()
    answer.body = answer.read()
    made.close()
    return answer


def test_pages_reach_the_site_and_say_who_asked(front, web, store):
    answer = ask(front, SITE_HOST, "/learn/?a=1", X_Forwarded_For="203.0.113.9", Cookie="a=b")
    assert (answer.status, answer.body) == (200, b"ok")
    (asked,) = web.asked
    assert asked[:2] == ("GET", "/learn/?a=1")
    assert asked[2]["host"] == SITE_HOST
    assert asked[2]["x-forwarded-proto"] == "https"
    assert asked[2]["x-forwarded-for"] == "127.0.0.1"  # what somebody claims is not passed on
    assert asked[2]["cookie"] == "a=b"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.headers["Server"] == "nginx"
    assert store.asked == []


def test_plain_http_is_sent_to_https(front):
    made = http.client.HTTPConnection("127.0.0.1", int(front.extra["plain"]), timeout=20)
    made.request("GET", "/learn/?a=1", headers={"Host": "elsewhere.example"})
    answer = made.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{SITE_HOST}/learn/?a=1")
    made.close()


def test_metrics_stay_inside(front, web):
    assert ask(front, SITE_HOST, "/metrics").status == 404
    assert web.asked == []


def test_a_signed_address_reaches_the_store_without_cookies(front, web, store):
    answer = ask(front, EVIDENCE_HOST, SIGNED, Cookie="__Host-sessionid=secret", Range="bytes=0-1")
    assert (answer.status, answer.body) == (200, b"ok")
    (asked,) = store.asked
    assert asked[:2] == ("GET", SIGNED)
    assert "cookie" not in asked[2]
    assert asked[2]["range"] == "bytes=0-1"
    assert asked[2]["host"] == f"127.0.0.1:{store.port}"  # for which the signature was made
    assert web.asked == []
    assert answer.headers["Set-Cookie"] is None
    assert {name: answer.headers[name] for name in EVIDENCE_HEADERS} == EVIDENCE_HEADERS
    assert ask(front, EVIDENCE_HOST, SIGNED, "HEAD").status == 200


def test_the_proxy_sends_what_the_site_names(front, web):
    """In the site's name, with the site's type and file name, never as a page; ranges are nginx's business."""
    whole = ask(front, SITE_HOST, "/evidence/accel/")
    assert (whole.status, whole.body) == (200, FILM)
    part = ask(front, SITE_HOST, "/evidence/accel/", Range="bytes=5-14")
    assert (part.status, part.body) == (206, FILM[5:15])
    assert part.headers["Content-Range"] == f"bytes 5-14/{len(FILM)}"
    assert ask(front, SITE_HOST, "/evidence/accel/", Range="bytes=99999-").status == 416
    for answer in (whole, part):
        assert {name: answer.headers[name] for name in EVIDENCE_HEADERS} == EVIDENCE_HEADERS
        assert answer.headers["Content-Type"] == "video/mp4"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="evidence-01.mp4"'
        assert answer.headers["X-Accel-Redirect"] is None
    assert len(web.asked) == 3
    # By its own address nobody gets it, whatever they ask.
    for path in ("/_evidence/ab/film", "/_evidence/", "/_evidence/../web/", "/_evidence"):
        assert ask(front, SITE_HOST, path).body != FILM
    assert ask(front, SITE_HOST, "/_evidence/ab/film").status == 404
    assert ask(front, EVIDENCE_HOST, "/_evidence/ab/film").status == 404


EVIDENCE_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/evidence/ab/cd/ef", 404),
        ("GET", "/evidence/?list-type=2", 404),
        ("GET", "/", 404),
        ("GET", "/learn/", 404),
        ("GET", "/evidence/../learn/?X-Amz-Signature=0", 404),
        ("GET", "/other-bucket/a?X-Amz-Signature=0", 404),
        ("PUT", SIGNED, 403),
        ("DELETE", SIGNED, 403),
        ("POST", SIGNED, 403),
    ],
)
def test_the_evidence_host_gives_nothing_else(front, web, store, method, path, status):
    assert ask(front, EVIDENCE_HOST, path, method).status == status
    assert web.asked == store.asked == []


def test_the_site_gives_no_evidence_of_the_store(front, web, store):
    ask(front, SITE_HOST, SIGNED)
    assert store.asked == []
    assert len(web.asked) == 1


@pytest.mark.parametrize(("method", "path"), [("POST", FORM), ("PATCH", TUS)])
def test_an_upload_streams_through_and_is_never_written_down(front, web, upload, method, path):
    """Half of a file is sent: the site has it already, and the proxy has kept nothing of it."""
    size, taker = 8 * MEGABYTE, web if path == FORM else upload
    made = connection(front, SITE_HOST)
    made.putrequest(method, path, skip_host=True)
    for name, value in (("Host", SITE_HOST), ("Content-Length", str(size))):
        made.putheader(name, value)
    made.endheaders()
    made.send(bytes(size // 2))
    wait_until(lambda: taker.received >= size // 2 - MEGABYTE, 20, "half of the upload at the site")
    assert [path for path in (front.base / "body").rglob("*") if path.is_file()] == []
    made.send(bytes(size // 2))
    assert made.getresponse().status == 200
    made.close()
    assert (taker.received, web.received + upload.received) == (size, size)


def addresses_of_the_product():
    """One address for each pattern, and the view that answers it."""
    samples = {"uuid": str(UUID(int=1)), "int": "1", "slug": "a-slug", "str": "a-text", "path": "a"}

    def below(resolver, before=""):
        for one in resolver.url_patterns:
            route = str(getattr(one.pattern, "_route", one.pattern._regex.strip("^$")))
            if isinstance(one, URLResolver):
                yield from below(one, before + route)
            else:
                yield re.sub(r"<(?:(\w+):)?\w+>", lambda m: samples[m[1] or "str"], before + route)

    return sorted(set(below(get_resolver("config.urls"))))


def taken_in(path):
    """Whether the process for uploads serves it itself."""
    try:
        match = resolve(f"/{path}", "config.upload_urls")
    except Resolver404:
        return False
    return match.func not in {alive.healthz, elsewhere}


def test_the_process_for_uploads_gets_what_it_serves_and_nothing_else(front, web, upload):
    """Each address of the product, asked as a form and as a page, through the proxy."""
    found = addresses_of_the_product()
    assert len(found) > 150
    goes = {}
    line = connection(front, SITE_HOST)
    for path in found:
        if re.search(r"[^\w/.-]", path) or path == "metrics":
            continue  # a pattern of the admin's or a package's, in regular expressions; hidden by the proxy
        for method in ("POST", "GET"):
            web.asked.clear()
            upload.asked.clear()
            line.request(method, f"/{path}", headers={"Host": SITE_HOST})
            line.getresponse().read()
            assert len(web.asked) + len(upload.asked) == 1, path
            goes[path, method] = bool(upload.asked)
    line.close()
    assert {path for (path, method), here in goes.items() if here and method == "POST"} == {
        path for path in found if taken_in(path)
    }
    assert not any(here for (_path, method), here in goes.items() if method == "GET")
    assert sum(goes.values()) == 2
    for method in ("HEAD", "PATCH", "DELETE", "OPTIONS"):
        upload.asked.clear()
        ask(front, SITE_HOST, TUS, method)
        assert [one[:2] for one in upload.asked] == [(method, TUS)]
    assert upload.asked[0][2]["x-forwarded-proto"] == "https"
    assert upload.asked[0][2]["x-forwarded-for"] == "127.0.0.1"
    # What only begins or ends like one of them is a page.
    for path in (
        "/learn/uploads/a/stop/",
        "/learn/uploads/",
        "/learn/p/a/uploads/b/",
        "/learn/uploads/a",
    ):
        upload.asked.clear()
        ask(front, SITE_HOST, path, "POST")
        assert upload.asked == [], path


def test_sizes_have_limits(front, web, upload):
    """The largest file and its form fit on the upload pages; elsewhere two megabytes are plenty."""

    def announced(path, size):
        made = connection(front, SITE_HOST)
        made.putrequest("POST", path, skip_host=True)
        for name, value in (("Host", SITE_HOST), ("Content-Length", str(size))):
            made.putheader(name, value)
        made.endheaders()
        try:
            made.sock.settimeout(1)
            status = made.getresponse().status
        except TimeoutError:
            status = None  # it waits for the rest
        made.close()
        return status

    for path in (FORM, TUS, "/learn/p/0b0b/uploads/"):
        assert announced(path, base.EVIDENCE_MAX_BYTES + MEGABYTE) is None
        assert announced(path, base.EVIDENCE_MAX_BYTES + 20 * MEGABYTE) == 413
    assert announced("/manage/", 3 * MEGABYTE) == 413


def test_secrets_in_paths_and_queries_are_not_logged(front):
    ask(front, SITE_HOST, "/v/a-single-use-secret/")
    ask(front, SITE_HOST, "/accounts/password/reset/key/another-secret/")
    ask(front, SITE_HOST, "/learn/?mark=query-secret")
    ask(front, EVIDENCE_HOST, SIGNED)
    log = front.base / "access.log"
    wait_until(lambda: "/evidence/ab/cd/ef" in log.read_text(), 10, "the log")
    time.sleep(0.1)
    text = log.read_text()
    assert re.search(r'"GET /learn/" 200', text)
    assert not re.search("single-use|another-secret|query-secret|Signature", text)
