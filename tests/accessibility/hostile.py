"""Values that no field expects, sent to everything that a page takes: by its address and by its forms."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.db import transaction
from django.test import Client

VALUES = {
    "nul": "a\x00b",
    "text": "\u202e'\"%--<b>ā\r\nBcc: x@example.org\u200b🙂",
    "number": "99999999999999999999",
    "minus": "-1",
    "long": "x" * 20_000,
}
PARAMETERS = ("page", "criterion", "year", "state", "read", "q", "from", "by", "attention", "sort")
"""What addresses take beside the fields of forms on the page."""
PROTECTED = {"csrfmiddlewaretoken"}


@dataclass
class Form:
    method: str
    action: str
    names: list[str] = field(default_factory=list)


class Forms(HTMLParser):
    """The forms of a page, with the names of their fields."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = dict(attrs)
        if tag == "form":
            self.inside = True
            method = (have.get("method") or "get").lower()
            self.found.append(Form(method, have.get("action") or ""))
        name = have.get("name")
        fields = {"input", "select", "textarea", "button"}
        if self.inside and tag in fields and name and name not in PROTECTED:
            self.found[-1].names.append(name)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False


def forms_of(html: str) -> list[Form]:
    parser = Forms()
    parser.feed(html)
    return parser.found


def answers(client: Client, method: str, path: str, data: dict[str, str]) -> int:
    """The status of one request, whose effects are undone."""
    with transaction.atomic():
        status = int(getattr(client, method)(path, data).status_code)
        transaction.set_rollback(True)
    return status


def broken_by(client: Client, path: str, value: str, sent: set[Any]) -> list[str]:
    """Requests of the page and its forms that end in a server error. `sent` are forms tried before."""
    found = []
    page = client.get(path)
    if not page.get("Content-Type", "").startswith("text/html") or page.status_code != 200:
        return found
    forms = forms_of(page.content.decode())
    names = {name for form in forms if form.method == "get" for name in form.names}
    bare = urlsplit(path).path
    if answers(client, "get", bare, dict.fromkeys((*PARAMETERS, *names), value)) >= 500:
        found.append(f"GET {bare}")
    for form in forms:
        target = urlsplit(urljoin(bare, form.action)).path
        key = (re.sub(r"[0-9a-f-]{36}", "…", target), tuple(form.names), value)
        if form.method == "post" and key not in sent:
            sent.add(key)
            if answers(client, "post", target, dict.fromkeys(form.names, value)) >= 500:
                found.append(f"POST {target} {form.names}")
    return found
