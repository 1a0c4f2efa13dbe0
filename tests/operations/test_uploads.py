"""Uploads in a process of their own: behind nginx, with the protections and the records of every other process."""

import http.client
import json
import os
import random
import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from config.lean import APPS_FOR_PAGES, INSTEAD, MIDDLEWARE_FOR_PAGES, lean
from config.settings import base
from tests import servers
from tests.factories.portfolios import portfolio_of
from tests.journeys import stacks
from tests.operations.compose import ROOT, services
from tests.personas import make_cast
from tests.portfolios import tus

MIB = 1024 * 1024
TOKEN = "a" * 32
REGISTRIES = """
import json, re, django; django.setup()
from workflows import definitions, guards, machines
from accounts import actions
def said(value):
    if callable(value): return f"{value.__module__}.{getattr(value, '__qualname__', value)}"
    if isinstance(value, dict): return {str(said(key)): said(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)): return [said(one) for one in value]
    if isinstance(value, (set, frozenset)): return sorted(str(said(one)) for one in value)
    return getattr(value, "__qualname__", None) or re.sub(" at 0x[0-9a-f]+", "", str(value))
kinds = (dict, list, set)
found = {
    f"{module.__name__}.{name}": said(value)
    for module in (definitions, guards, machines, actions)
    for name, value in vars(module).items() if isinstance(value, kinds) and not name.startswith("__")
}
found["arrows"] = sorted(one.step_id for one in machines.all_arrows())
print(json.dumps(found, sort_keys=True))
"""
LOADED = """
import sys, django; django.setup()
from django.core.wsgi import get_wsgi_application; get_wsgi_application()
import config.upload_urls
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def printed(code: str, module: str) -> str:
    """What a fresh process with these settings prints."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": module, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_protection_that_pages_have_is_kept_in_its_order():
    kept = lean({**vars(base), "DATABASES": {}})["MIDDLEWARE"]
    assert kept == [one for one in base.MIDDLEWARE if one not in MIDDLEWARE_FOR_PAGES]
    for protection in (
        "django.middleware.security.SecurityMiddleware",
        "csp.middleware.CSPMiddleware",
        "config.middleware.OwnResources",
        "config.middleware.RequireContentLength",
        "config.middleware.NoNulBytes",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "allauth.account.middleware.AccountMiddleware",
        "django_structlog.middlewares.RequestMiddleware",
        "config.middleware.PrivateResponses",
    ):
        assert protection in kept


def test_only_what_it_names_is_left_out_of_the_settings():
    whole = {name: value for name, value in vars(base).items() if name.isupper()}
    whole["DATABASES"] = {"default": base.database("postgresql://a@b/c")}
    changed = lean(whole)
    assert set(changed) == {
        "INSTALLED_APPS", "MIDDLEWARE", "ROOT_URLCONF", "TEMPLATES", "DATABASES",
        "SILENCED_SYSTEM_CHECKS", "DJANGO_STRUCTLOG_CELERY_ENABLED",
    }  # fmt: skip
    assert set(base.INSTALLED_APPS) - set(changed["INSTALLED_APPS"]) <= APPS_FOR_PAGES | set(
        INSTEAD
    )
    assert set(MIDDLEWARE_FOR_PAGES) <= set(base.MIDDLEWARE)
    before, after = whole["DATABASES"]["default"], changed["DATABASES"]["default"]
    assert after["OPTIONS"]["pool"].pop("max_size") == 16
    before["OPTIONS"]["pool"].pop("max_size")
    assert after == before


def test_every_guard_rule_birth_and_handler_is_there():
    """A finished upload moves things through the same door, whichever process took it in."""
    whole = json.loads(printed(REGISTRIES, "config.settings.test"))
    assert len(whole["arrows"]) > 50
    assert len(whole["workflows.definitions.handlers"]) > 20
    assert json.loads(printed(REGISTRIES, "tests.operations.upload_settings")) == whole


def test_what_only_pages_and_workers_need_is_not_loaded():
    """Each of these costs the process megabytes; 80 MB is what it may have while a gigabyte comes in."""
    loaded = set(printed(LOADED, "tests.operations.upload_settings").split())
    heavy = {
        "celery",
        "kombu",
        "redis",
        "cryptography",
        "numpy",
        "PIL",
        "pikepdf",
        "boto3",
        "typst",
    }
    assert {"django", "portfolios", "moderation", "awards"} <= loaded
    assert loaded & (heavy | {"prometheus_client", "whitenoise", "django_htmx", "fido2"}) == set()


@dataclass
class Sender:
    """Somebody's browser, at one of the processes or at the proxy."""

    headers: dict[str, str]

    def ask(self, at: Any, method: str, path: str, body: bytes = b"", **more: str) -> Any:
        given = {key.replace("_", "-"): value for key, value in more.items()}
        headers = {"Host": "localhost", **self.headers, **given}
        at.request(method, path, body, {one: told for one, told in headers.items() if told})
        answer = at.getresponse()
        answer.text = answer.read()
        at.close()
        return answer


def person(someone: Any) -> Sender:
    """Signed in, with a token for forms."""
    client = Client()
    client.force_login(someone)
    name = settings.SESSION_COOKIE_NAME
    cookie = f"{name}={client.cookies[name].value}; csrftoken={TOKEN}"
    # Behind the proxy it is https, where Django asks from which page a form comes.
    return Sender(
        {"Cookie": cookie, "X-CSRFToken": TOKEN, "Referer": "https://localhost/", **tus.TUS}
    )


@dataclass
class Site:
    """Two processes on one database and one folder, behind nginx."""

    web: int
    upload: int
    front: servers.Server
    folder: Path

    def direct(self, port: int) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def proxied(self) -> HTTPSConnection:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        made = HTTPSConnection("localhost", self.front.port, context=context, timeout=60)
        raw = socket.create_connection(("127.0.0.1", self.front.port), timeout=60)
        made.sock = context.wrap_socket(raw, server_hostname=stacks.SITE_HOST)
        return made

    def requests_of(self, name: str) -> list[str]:
        """What a process says that it was asked."""
        return (self.folder / f"{name}.log").read_text().splitlines()


@pytest.fixture
def cast(committed_db, django_db_blocker):
    with django_db_blocker.unblock():
        yield make_cast(learners=2)


@pytest.fixture
def site(committed_db, cast, tmp_path):
    """The compose file's own commands, with the tests' settings and a folder for evidence."""
    ports = {"web": servers.free_port(), "upload": servers.free_port()}
    modules = {"web": "config.settings.test", "upload": "tests.operations.upload_settings"}
    with ExitStack() as ended:
        for name, port in ports.items():
            command = [
                part.replace("0.0.0.0:8000", f"127.0.0.1:{port}").replace("workers=3", "workers=1")
                for part in services()[name]["command"]
            ]
            environment = {
                **os.environ,
                "TEST_DATABASE_URL": committed_db.url,
                "DJANGO_SETTINGS_MODULE": modules[name],
                "MODERATO_DATA": str(tmp_path / "data"),
            }
            log = (tmp_path / f"{name}.log").open("wb")
            ended.callback(log.close)
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT, env=environment, stdout=log, stderr=log,
                preexec_fn=servers.die_with_parent,  # noqa: PLW1509  one system call, nothing locked
            )  # fmt: skip
            ended.callback(process.wait, 30)
            ended.callback(process.terminate)
        front = stacks.proxy(tmp_path, web=ports["web"], upload=ports["upload"], storage=1)
        ended.callback(front.stop)
        for port in ports.values():
            servers.wait_until(lambda port=port: servers.listening(port), 120, "gunicorn")
        yield Site(ports["web"], ports["upload"], front, tmp_path)


def new_upload(length: int, name: str = "report.pdf") -> dict[str, str]:
    return {"Upload_Length": str(length), "Upload_Metadata": tus.encoded(filename=name)}


def sent(sender: Sender, line: Any, path: str, raw: bytes) -> str:
    """Send a file in three chunks; gives the address of the upload."""
    answer = sender.ask(line(), "POST", path, **new_upload(len(raw)))
    assert answer.status == 201, answer.text
    place, at = answer.headers["Location"], 0
    while at < len(raw):
        part = raw[at : at + len(raw) // 3 + 1]
        told = {"Upload_Offset": str(at), "Content_Type": tus.BODY}
        answer = sender.ask(line(), "PATCH", place, part, **told)
        assert answer.status == 204, answer.text
        at = int(answer.headers["Upload-Offset"])
        head = sender.ask(line(), "HEAD", place)
        assert int(head.headers["Upload-Offset"]) == at
    return str(place)


def facts_of(item: Any) -> dict[str, Any]:
    """Everything that an upload left in the tables of records and messages, without keys and moments."""
    from workflows.models import OutboxMessage, TransitionRecord

    records = TransitionRecord.objects.filter(subject_id=str(item.pk)).order_by("seq")
    messages = OutboxMessage.objects.filter(record__in=records)
    return {
        "records": [
            (one.name, one.source, one.target, one.actor_id, sorted(one.facts)) for one in records
        ],
        "messages": sorted(messages.values_list("kind", "topic", "state")),
        "item": (item.state, item.kind, item.size, item.original_name, item.owner_id),
    }


@pytest.mark.stack
def test_a_file_comes_in_through_the_proxy_and_leaves_what_it_leaves_at_the_web_process(site, cast):
    from portfolios.models import EvidenceItem

    lena, portfolio = person(cast.lena), portfolio_of(cast)
    path = f"/learn/p/{portfolio.pk}/uploads/"
    left = []
    for line in (site.proxied, lambda: site.direct(site.web)):
        raw = b"%PDF-1.4\n" + random.Random(len(left)).randbytes(3 * MIB)
        place = sent(lena, line, path, raw)
        told = json.loads(lena.ask(line(), "GET", place).text)
        item = EvidenceItem.objects.get(pk=told["evidence"])
        assert told["describe"] == f"/learn/p/{portfolio.pk}/evidence/{item.pk}/"
        stored = site.folder / "data" / "evidence" / item.storage_key
        assert stored.read_bytes() == raw
        left.append(facts_of(item))
        # The process for uploads answers the same, should a proxy send it the question.
        direct = lena.ask(site.direct(site.upload), "GET", place)
        assert json.loads(direct.text) == told
    assert left[0] == left[1]
    assert left[0]["records"]
    asked = [line for line in site.requests_of("upload") if "request_finished" in line]
    assert sum("PATCH" in line for line in asked) == 3


CODES = {
    "nobody": {401}, "forged session": {401}, "signed out": {401}, "closed account": {401},
    "no token": {403}, "other token": {403}, "other site": {403}, "another learner": {403, 404},
    "a moderator": {403, 404}, "old protocol": {412}, "wrong place": {409}, "no chunk": {415},
    "unknown": {404}, "wrong kind": {422}, "chunked": {411}, "NUL": {400}, "foreign host": {400},
}  # fmt: skip


def parts(answer: Any, header: str) -> set[str]:
    """A header that is a set, in whatever order."""
    found = {one.strip() for one in answer.headers[header].split(";")}
    assert "default-src 'self'" in found
    return found


def session_cookies(answer: Any) -> list[str]:
    """What it says of the session; a page with a form also gives out a token."""
    given = answer.headers.get_all("Set-Cookie") or []
    return [one for one in given if one.startswith(settings.SESSION_COOKIE_NAME)]


def refused(site: Site, cast: Any) -> list[tuple[str, Sender, str, str, dict[str, str]]]:
    """Who must not, and what they try: name, sender, method, address, headers."""
    lena, hone, moses = person(cast.lena), person(cast.hone), person(cast.moses)
    path = f"/learn/p/{portfolio_of(cast).pk}/uploads/"
    made = lena.ask(site.direct(site.web), "POST", path, **new_upload(9))
    place, new = made.headers["Location"], new_upload(9)
    chunk = {"Upload_Offset": "0", "Content_Type": tus.BODY}
    stranger = Sender({"Cookie": f"csrftoken={TOKEN}", "X-CSRFToken": TOKEN, **tus.TUS})
    forged = Sender({**lena.headers, "Cookie": f"sessionid={'x' * 32}; csrftoken={TOKEN}"})
    gone = person(cast.lena)
    Client(headers={"cookie": gone.headers["Cookie"]}).post("/accounts/logout/")
    closed = person(cast.hone)
    return [
        ("nobody", stranger, "POST", path, new),
        ("nobody", stranger, "PATCH", place, chunk),
        ("forged session", forged, "PATCH", place, chunk),
        ("signed out", gone, "PATCH", place, chunk),
        ("closed account", closed, "POST", path, new),
        ("no token", Sender({**lena.headers, "X-CSRFToken": ""}), "PATCH", place, chunk),
        ("other token", Sender({**lena.headers, "X-CSRFToken": "b" * 32}), "POST", path, new),
        ("other site", lena, "POST", path, {**new, "Origin": "https://elsewhere.example"}),
        ("another learner", hone, "POST", path, new),
        ("another learner", hone, "PATCH", place, chunk),
        ("another learner", hone, "DELETE", place, {}),
        ("another learner", hone, "HEAD", place, {}),
        ("a moderator", moses, "POST", path, new),
        ("a moderator", moses, "PATCH", place, chunk),
        ("old protocol", lena, "PATCH", place, {**chunk, "Tus_Resumable": "0.2"}),
        ("wrong place", lena, "PATCH", place, {**chunk, "Upload_Offset": "5"}),
        ("no chunk", lena, "PATCH", place, {**chunk, "Content_Type": "text/plain"}),
        ("unknown", lena, "PATCH", f"/learn/uploads/{cast.lena.pk}/", chunk),
        ("wrong kind", lena, "POST", path, new_upload(9, "a.exe")),
        ("chunked", lena, "PATCH", place, {**chunk, "Transfer_Encoding": "chunked"}),
        ("NUL", lena, "PATCH", f"{place}?a=%00", chunk),
        ("foreign host", lena, "PATCH", place, {**chunk, "Host": "elsewhere.example"}),
    ]


@pytest.mark.stack
def test_it_refuses_whom_the_web_process_refuses(site, cast):
    """With the same code, and with the same sentence wherever the protocol's own view says it."""
    from accounts.models import User

    alive = person(cast.lena)
    seen = set()
    for name, sender, method, path, headers in refused(site, cast):
        active = name != "closed account"
        User.objects.filter(pk=cast.hone.pk).update(is_active=active)
        body = b"0\r\n\r\n" if name == "chunked" else b"%PDF-1.4\n" if method == "PATCH" else b""
        there, here = (
            sender.ask(site.direct(port), method, path, body, **headers)
            for port in (site.web, site.upload)
        )
        assert here.status == there.status, (name, method, here.status, there.status, here.text)
        assert here.status in CODES[name], (name, method)
        assert session_cookies(here) == session_cookies(there), name
        seen.add(here.status)
        if there.headers["Content-Type"].startswith("text/plain"):
            assert here.text == there.text, name
        assert parts(here, "Content-Security-Policy") == parts(there, "Content-Security-Policy")
        for header in (
            "Cache-Control", "Cross-Origin-Opener-Policy",
            "Cross-Origin-Resource-Policy", "Referrer-Policy", "Tus-Resumable", "Tus-Version",
            "Upload-Offset", "X-Content-Type-Options", "X-Frame-Options",
        ):  # fmt: skip
            assert here.headers[header] == there.headers[header], (name, header)
    assert seen >= {400, 401, 403, 404, 409, 411, 412, 415, 422}
    # What is not its business it does not have, and its probe answers.
    for path in ("/", "/learn/", "/accounts/login/", "/readyz", "/metrics", "/admin/"):
        assert alive.ask(site.direct(site.upload), "GET", path).status == 404, path
    alone = Sender({})
    assert json.loads(alone.ask(site.direct(site.upload), "GET", "/healthz").text) == {
        "state": "alive"
    }
