"""Fetching a page that somebody else named, without being led anywhere private.

The name is resolved here, every address it has is looked at, and the connection goes to one of those that
were looked at; a name that means something else a moment later leads nowhere. Each redirect is looked at
anew. Only http and https on their usual ports, no cookies, no proxy, no scripts, so much and so long at most.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import zlib
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from django.conf import settings

from workflows.notifications.calling import Target, connected, is_public

SECONDS = 20.0
"""For everything together, redirects included."""
MOST = 5 * 1024 * 1024
REDIRECTS = 5
USUAL_PORTS = {"http": 80, "https": 443}
TEXT_TYPES = {"text/html", "application/xhtml+xml", "text/plain"}


class NotFetched(Exception):  # noqa: N818  reads as a fact
    """Why there is no copy of the page, as a sentence. `for_now` says that another try may help."""

    def __init__(self, says: str, *, for_now: bool = False) -> None:
        super().__init__(says)
        self.says, self.for_now = says, for_now


@dataclass(frozen=True)
class Fetched:
    """A page as it was handed over: where it was at last, its type, and its bytes."""

    address: str
    media_type: str
    content: bytes


PRIVATE = "The address leads into a private network, so no copy of the page can be kept."
SILENT = "The page did not answer, so no copy of it is kept yet."


def target_of(address: str) -> Target:
    """Read and resolve an address, and refuse what is not on the public internet."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise NotFetched("This is not an address that can be opened.") from None
    if parts.scheme not in USUAL_PORTS or not parts.hostname:
        raise NotFetched("Only pages on the web can be kept: http or https.")
    if parts.username is not None or parts.password is not None:
        raise NotFetched("The address holds a name or a password, so it is not opened.")
    port = port or USUAL_PORTS[parts.scheme]
    try:
        host = parts.hostname.encode("idna").decode()
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotFetched("The name in the address is not known.", for_now=True) from None
    numbers = tuple(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))
    known = [ipaddress.ip_address(one) for one in numbers]
    allowed = [ipaddress.ip_network(one) for one in settings.SNAPSHOT_PRIVATE_NETWORKS]
    if not all(any(one in network for network in allowed) for one in known):
        if not known or not all(is_public(one) for one in known):
            raise NotFetched(PRIVATE)
        if port != USUAL_PORTS[parts.scheme]:
            raise NotFetched("Only the usual ports of the web are opened.")
    wire = http_path(parts.path or "/") + (f"?{http_path(parts.query)}" if parts.query else "")
    return Target(parts.scheme, host, port, wire, numbers)


def http_path(text: str) -> str:
    """The text with everything but plain ASCII escaped, as it goes over the wire."""
    return "".join(
        one if "!" <= one <= "~" else "".join(f"%{byte:02X}" for byte in one.encode())
        for one in text
    )


def fetch(address: str) -> Fetched:
    """The page at an address. NotFetched says why not; nothing is kept of a page that is too big or too slow."""
    held: list[socket.socket] = []
    over = threading.Event()

    def end() -> None:
        over.set()
        for one in held:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        for _step in range(REDIRECTS + 1):
            answer = _one(address, held)
            if over.is_set():  # a line that was cut looks like the end of a page
                raise NotFetched(SILENT, for_now=True)
            if isinstance(answer, Fetched):
                return answer
            address = answer
    except (OSError, http.client.HTTPException, zlib.error, ValueError) as error:
        raise NotFetched(SILENT, for_now=True) from error
    finally:
        timer.cancel()
        for one in held:
            one.close()
    raise NotFetched("The address leads from one page to the next without an end.")


def _one(address: str, held: list[socket.socket]) -> Fetched | str:
    """One request: the page, or the address that it is sent on to."""
    target = target_of(address)
    line = connected(target)
    held.append(line)
    if target.scheme == "https":
        line = ssl.create_default_context().wrap_socket(
            line, server_hostname=target.host, do_handshake_on_connect=False
        )
        held.append(line)
        line.do_handshake()
    made = http.client.HTTPConnection(target.host, target.port)
    made.sock = line
    made.request(
        "GET",
        target.path,
        headers={
            "Host": target.host_header,
            "User-Agent": "Moderato (keeps a copy of a page that a learner named)",
            "Accept": "text/html, text/plain;q=0.9",
            "Accept-Encoding": "identity",
            "Connection": "close",
        },
    )
    answer = made.getresponse()
    if answer.status in {301, 302, 303, 307, 308} and (where := answer.headers.get("Location")):
        return urljoin(address, where)
    if answer.status in {401, 403}:
        raise NotFetched(
            "The page asks for a password or refuses us. Add a PDF of it, because assessors cannot open it."
        )
    if answer.status != 200:
        raise NotFetched(f"The page answered {answer.status}.", for_now=answer.status >= 500)
    media_type = answer.headers.get_content_type()
    if media_type not in TEXT_TYPES:
        raise NotFetched("The address leads to a file. Download it and add the file itself.")
    return Fetched(address, media_type, _body(answer))


def _body(answer: http.client.HTTPResponse) -> bytes:
    raw = answer.read(MOST + 1)
    if answer.length and len(raw) <= MOST:
        raise NotFetched(SILENT, for_now=True)
    if answer.headers.get("Content-Encoding", "identity").lower() in {"gzip", "deflate"}:
        raw = zlib.decompressobj(47).decompress(raw, MOST + 1)
    if len(raw) > MOST:
        raise NotFetched("The page is too big to be kept. Add a PDF of it.")
    return raw
