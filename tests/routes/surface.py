"""What has to be true of every response: its headers, its markup, and that a visit writes nothing."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.routes.cells import Row
from tests.routes.places import House, Place
from tests.routes.table import ROWS

PRODUCTION = (
    "SECURE_HSTS_SECONDS",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    "SECURE_SSL_REDIRECT",
    "SECURE_PROXY_SSL_HEADER",
    "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_NAME",
    "CSRF_COOKIE_SECURE",
    "CSRF_COOKIE_HTTPONLY",
    "CSRF_COOKIE_SAMESITE",
    "CSRF_COOKIE_NAME",
)
SCRIPT = (
    rb"<script(?![^>]*\ssrc=)(?![^>]*type=\"application/json\")[^>]*>|\son[a-z]+=\"|javascript:"
)
CODE = re.compile(SCRIPT, re.IGNORECASE)
INLINE = re.compile(SCRIPT + rb"|<style|\sstyle=", re.IGNORECASE)


def production_settings() -> dict[str, Any]:
    """What production says of cookies and HTTPS, read as production reads it."""
    code = (
        "import json; from config.settings import production as p;"
        f"print(json.dumps({{name: getattr(p, name) for name in {PRODUCTION!r}}}))"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONUTF8": "1",
        "DATABASE_URL": "postgres://moderato@localhost/moderato",
        "EMAIL_HOST": "localhost",
        "SECRET_KEY": "only to read the settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def faults(response: Any, *, signed_in: bool, is_mail: bool = False) -> list[str]:
    """What a response lacks or says too much of. A mail as it is sent carries its styles in itself."""
    headers = response.headers
    wrong = []
    policy = headers.get("Content-Security-Policy", "")
    if is_mail:
        policy = policy.replace("style-src 'unsafe-inline'", "")
    if "unsafe" in policy or "default-src" not in policy:
        wrong.append(f"CSP is {policy!r}")
    if not policy.startswith("sandbox"):
        wanted = ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'")
        wrong += [f"CSP lacks {one}" for one in wanted if one not in policy]
    for name, value in (
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ):
        if headers.get(name) != value:
            wrong.append(f"{name} is {headers.get(name)!r}")
    if headers.get("Referrer-Policy") not in {"same-origin", "no-referrer"}:
        wrong.append(f"Referrer-Policy is {headers.get('Referrer-Policy')!r}")
    held = headers.get("Strict-Transport-Security", "")
    seconds = re.search(r"max-age=(\d+)", held)
    if not seconds or int(seconds[1]) < 31_536_000 or "includeSubDomains" not in held:
        wrong.append(f"HSTS is {held!r}")
    if signed_in and not {"private", "no-store"} <= set(
        headers.get("Cache-Control", "").split(", ")
    ):
        wrong.append(f"Cache-Control is {headers.get('Cache-Control')!r}")
    if headers.get("Content-Type", "").startswith("text/html") and not response.streaming:
        found = (CODE if is_mail else INLINE).search(response.content)
        if found:
            at = found.start()
            wrong.append(f"inline code: {response.content[at : at + 80]!r}")
    for name, cookie in response.cookies.items():
        named = name.startswith("__Host-") or name == "messages"  # Django's, signed, of fixed name
        safe = cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "Lax"
        if cookie.value and not (safe and named and cookie["path"] == "/"):
            wrong.append(f"cookie {cookie.OutputString()}")
    return wrong


def sampled(spec: str, house: House, place: Place) -> Iterator[tuple[str, int]]:
    """One persona for each status of a cell: the first that is named, somebody for the rest, and nobody."""
    if spec == "405" or spec.startswith("all "):
        yield "lea", 0
        return
    named: set[str] = set()
    for part in spec.split(" | "):
        status, _colon, names = part.partition(": ")
        if names:
            named |= set(names.split())
            first = names.split()[0]
            yield place.also.get("reader", "lea") if first == "reader" else first, int(status)
        else:
            yield (
                next(one for one in ("lou", "nila", "hone", "ada") if one not in named),
                int(status),
            )
    yield "out", 302


def visits(row: Row, house: House) -> Iterator[str]:
    """Everybody for whom a visit does something: those who get a page or are sent on."""
    for persona, status in sampled(row.get, house, house.places[row.place]):
        if status in (0, 200, 302):
            yield persona


KEYED = {"workflows:unsubscribe", "workflows:mail_feedback"}
"""Forms of other programs, which have no session: a signature stands in for the token."""


def posts() -> list[Row]:
    return [row for row in ROWS if row.post != "405" and row.view not in KEYED]
