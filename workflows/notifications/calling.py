"""Telling an organisation's own systems: what is sent, how it is signed, and where it may go.

Headers and signature are those of Standard Webhooks (https://www.standardwebhooks.com), for which receivers
find libraries: HMAC-SHA-256 over id, timestamp and body. An address is resolved here, every address it has
is looked at, and the connection goes to the one that was looked at; so a name that means something else a
moment later leads nowhere. Redirects are not followed, and no proxy is asked.
"""

import base64
import datetime as dt
import hashlib
import hmac
import http.client
import ipaddress
import json
import secrets
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import User
from workflows.definitions import HELD, RefusedForGood, offers, sends_by
from workflows.enums import Channel, MessageState
from workflows.hashing import unseal
from workflows.models import OutboxMessage, TransitionRecord, Webhook
from workflows.notifications.writing import notify

SUSPENDED = "workflows.webhook.suspended"
PREFIX = "whsec_"
PORTS = (443, 8443)
SECONDS = 15.0
"""A whole call may take so long; under half of the lease."""
CONNECT_SECONDS = 5.0
PERSISTENT = dt.timedelta(hours=24)
SEVERAL = 5
"""A receiver is suspended after so many tries in a row failed over at least that time."""
GONE = 410

# Addresses that carry another one within (NAT64, 6to4, Teredo): where they lead is not ours to judge.
CARRYING = [
    ipaddress.ip_network(one)
    for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotAllowed(ValueError):  # noqa: N818  reads as a fact
    """The address is none that may be called; the words say why."""


@dataclass(frozen=True)
class Target:
    """An address that was looked at: the name, and the numbers that it had then."""

    scheme: str
    host: str
    port: int
    path: str
    numbers: tuple[str, ...]

    @property
    def host_header(self) -> str:
        usual = 443 if self.scheme == "https" else 80
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == usual else f"{name}:{self.port}"


def excepted(number: Address) -> bool:
    """Whether a setting lets us call this address although it is not public."""
    return any(
        number in network
        for network in map(ipaddress.ip_network, settings.WEBHOOK_PRIVATE_NETWORKS)
        if network.version == number.version
    )


def is_public(number: Address) -> bool:
    """Whether an address belongs to the public internet; private, loopback, link-local and the like do not."""
    if isinstance(number, ipaddress.IPv6Address):
        if number.ipv4_mapped is not None:
            return is_public(number.ipv4_mapped)
        if any(number in network for network in CARRYING):
            return False
    return number.is_global and not number.is_multicast and not number.is_reserved


def target_of(address: str) -> Target:
    """Read and resolve an address. NotAllowed says what is wrong with it; OSError, that the name has none."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise NotAllowed("This is not an address. It begins with https://.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise NotAllowed("This is not an address. It begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise NotAllowed(
            "Leave name and password out of the address. The signature takes their place."
        )
    if parts.fragment or not address.isascii() or any(one <= " " for one in address):
        raise NotAllowed("Use an address without spaces, # or special characters.")
    port = port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    numbers = tuple(dict.fromkeys(str(one[4][0]) for one in found))
    known = [ipaddress.ip_address(one.partition("%")[0]) for one in numbers]
    if not all(excepted(one) for one in known):
        if not all(is_public(one) for one in known):
            raise NotAllowed("This address leads into a private network. Use a public one.")
        if parts.scheme != "https":
            raise NotAllowed("The address has to begin with https://.")
        if port not in PORTS:
            raise NotAllowed("Only the ports 443 and 8443 are called.")
    path = parts.path or "/"
    return Target(
        parts.scheme,
        parts.hostname,
        port,
        f"{path}?{parts.query}" if parts.query else path,
        numbers,
    )


def new_secret() -> str:
    """32 random bytes as the standard writes them."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(secret: str, name: str, stamp: int, body: bytes) -> str:
    """One signature of the header, over "id.timestamp.body"."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    made = hmac.new(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def payload_of(message: OutboxMessage) -> dict[str, Any]:
    """What a receiver reads: what happened to which thing, and when. No person, no mark, no evidence."""
    hook = cast("Webhook", message.webhook)
    made: dict[str, Any] = {
        "type": message.topic,
        "timestamp": message.created_at.astimezone(dt.UTC).isoformat(),
        "data": {"organisation": str(hook.organisation_id)},
    }
    if message.record is not None:
        record: TransitionRecord = message.record
        made["timestamp"] = record.at.astimezone(dt.UTC).isoformat()
        made["data"] |= {
            "subject": record.subject_type,
            "id": str(record.subject_id),
            **offers[message.topic][1](record).about,
        }
    return made


def headers_for(hook: Webhook, name: str, body: bytes) -> dict[str, str]:
    """Id, time and signature; two signatures while a secret is being changed."""
    now = timezone.now()
    stamp = int(now.timestamp())
    sealed = [hook.sealed_secret, *([hook.sealed_before] if hook.is_both(now) else [])]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Moderato",
        "webhook-id": name,
        "webhook-timestamp": str(stamp),
        "webhook-signature": " ".join(signature(unseal(one), name, stamp, body) for one in sealed),
    }


def post(target: Target, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """One POST to the address that was looked at; status, and the beginning of the answer.

    The whole call ends after `SECONDS`, also where the other side sends a byte now and then.
    """
    made = http.client.HTTPConnection(target.host, target.port)
    held: list[socket.socket] = [connected(target)]

    def end() -> None:
        with suppress(OSError):
            held[0].shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        if target.scheme == "https":
            secure = ssl.create_default_context().wrap_socket(
                held[0], server_hostname=target.host, do_handshake_on_connect=False
            )
            held[0] = secure
            secure.do_handshake()
        made.sock = held[0]
        made.request("POST", target.path, body, {"Host": target.host_header, **headers})
        answer = made.getresponse()
        return answer.status, answer.read(300).decode(errors="replace")
    finally:
        timer.cancel()
        made.close()
        held[0].close()


def connected(target: Target) -> socket.socket:
    """A connection to the first of the numbers that answers."""
    *others, last = target.numbers[:3]
    for number in others:
        with suppress(OSError):
            return socket.create_connection((number, target.port), timeout=CONNECT_SECONDS)
    return socket.create_connection((last, target.port), timeout=CONNECT_SECONDS)


@sends_by(Channel.WEBHOOK)
def call(message: OutboxMessage, _message_id: str) -> str:
    """Tell one receiver. Only an answer of 2xx counts as heard; whatever else happens is noted with the receiver."""
    hook = cast("Webhook", message.webhook)
    body = json.dumps(payload_of(message), separators=(",", ":")).encode()
    name = str(message.record_id or f"ping-{message.pk}")
    try:
        status, text = post(target_of(hook.address), body, headers_for(hook, name, body))
    except (OSError, http.client.HTTPException, NotAllowed) as error:
        failed(hook, str(error) or repr(error))
        raise
    if 200 <= status < 300:
        heard(hook)
        return f"{status}"
    words = f"{status} {text[:200]}".strip()
    if 300 <= status < 400:
        words = f"{status}: redirects are not followed; enter the address itself"
    if status == GONE:
        suspend(hook, "It answered 410, which asks for nothing more.")
        raise RefusedForGood(words)
    failed(hook, words)
    raise ConnectionError(words)


def heard(hook: Webhook) -> None:
    """The receiver took a message: earlier failures are over."""
    Webhook.objects.filter(pk=hook.pk).update(
        answered_at=timezone.now(), failures=0, failing_since=None
    )


def failed(hook: Webhook, why: str) -> None:
    """Count a failure, and suspend the receiver where it has failed for long."""
    now = timezone.now()
    mine = Webhook.objects.filter(pk=hook.pk)
    mine.update(failures=F("failures") + 1, failing_since=Coalesce("failing_since", now))
    if mine.filter(failures__gte=SEVERAL, failing_since__lte=now - PERSISTENT).exists():
        suspend(hook, why)


@transaction.atomic
def suspend(hook: Webhook, why: str) -> None:
    """Send nothing there any more, keep what waits, and ask those who look after it to see to it."""
    mine = Webhook.objects.working().filter(pk=hook.pk)
    if not mine.update(suspended_at=timezone.now(), because=why[:500]):
        return
    OutboxMessage.objects.filter(
        webhook=hook, state=MessageState.PENDING, lease_token__isnull=True
    ).update(state=MessageState.CANCELLED, last_error=HELD)
    notify(
        topic=SUSPENDED,
        recipients=keepers(hook),
        path=f"/manage/webhooks/{hook.pk}/",
        context={
            "organisation": hook.organisation.name,
            "host": urlsplit(hook.address).hostname or "",
        },
        dedupe=f"suspended:{hook.pk}:{timezone.now().isoformat()}",
    )


def keepers(hook: Webhook) -> Any:
    """Administrators of the organisation; where it has none, platform administrators."""
    mine = Q(
        memberships__organisation=hook.organisation_id,
        memberships__role=OrganisationRole.ADMINISTRATOR,
        memberships__ended_at__isnull=True,
    )
    people = User.objects.filter(mine, is_active=True).distinct()
    return people if people.exists() else User.objects.filter(is_staff=True, is_active=True)
