"""Canonical bytes, record hashes, Merkle trees and the key that signs their roots."""

import base64
import datetime as dt
import hashlib
import json
import os
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rfc8785
from django.conf import settings
from django.utils.functional import Promise

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

# cryptography is loaded where something is signed or sealed: 8 MiB that a process which hashes alone does without.
START = bytes(32)
MAX_INTEGER = 2**53 - 1


def timestamp(moment: dt.datetime) -> str:
    """A moment as RFC 3339 in UTC with microseconds, the one form that goes into hashes."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plain(value: Any) -> Any:
    """What JSON can hold and every reader hashes alike: text in NFC, times and ids as strings, no floats."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= MAX_INTEGER else str(value)
    if isinstance(value, (str, Promise)):
        return unicodedata.normalize("NFC", str(value))
    if isinstance(value, dt.datetime):
        return timestamp(value)
    if isinstance(value, (dt.date, uuid.UUID, Decimal)):
        return value.isoformat() if isinstance(value, dt.date) else str(value)
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        return {unicodedata.normalize("NFC", str(key)): plain(one) for key, one in value.items()}
    if isinstance(value, (Sequence, set, frozenset)):
        items = [plain(one) for one in value]
        return sorted(items, key=str) if isinstance(value, (set, frozenset)) else items
    raise TypeError(f"{type(value).__name__} has no canonical form; give a string")


def canonical(payload: Any) -> bytes:
    """RFC 8785 bytes of plain data.

    Without floats, which `plain` refuses, Python's own encoder writes the same; it sorts keys by code point
    and not by UTF-16 unit, which is one and the same as long as everything is ASCII.
    """
    ready = plain(payload)
    text = json.dumps(ready, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode() if text.isascii() else rfc8785.dumps(ready)


def record_hash(previous: bytes, payload: bytes) -> bytes:
    """The hash of a record: the one before it in the same subject's chain, then its canonical payload."""
    return hashlib.sha256(previous + payload).digest()


def digest(salt: bytes, text: str) -> str:
    """Stands in the payload for a text that lawful erasure may have to blank."""
    return hashlib.sha256(salt + text.encode()).hexdigest()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes, the tree of RFC 6962: pairs from the left, an odd one goes up unchanged."""
    level = list(leaves) or [hashlib.sha256(b"").digest()]
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [
            hashlib.sha256(b"\x01" + pair[0] + pair[1]).digest() if len(pair) == 2 else pair[0]
            for pair in pairs
        ]
    return level[0]


def signing_key() -> "Ed25519PrivateKey":
    """The key of the roots: AUDIT_SIGNING_KEY (base64 of 32 bytes), else a file that only this user reads."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    if given := getattr(settings, "AUDIT_SIGNING_KEY", ""):
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(given))
    path = Path(settings.DATA_DIR) / "audit-signing.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = Ed25519PrivateKey.generate().private_bytes_raw()
        draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(raw)
        try:
            # A link fails where a copy would overwrite: two processes starting at once agree on one key.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())


def public_bytes(key: "Ed25519PrivateKey | Ed25519PublicKey") -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_id(public: bytes) -> str:
    """A short name of a public key, for the root that it verifies."""
    return hashlib.sha256(public).hexdigest()[:16]


def signature_holds(public: bytes, signature: bytes, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def sealing_keys() -> list[bytes]:
    """Keys for what may stand in the database only encrypted: of SECRET_KEY first, then of its fallbacks."""
    secrets = [settings.SECRET_KEY, *getattr(settings, "SECRET_KEY_FALLBACKS", [])]
    return [hashlib.sha256(b"moderato.sealed\x00" + str(one).encode()).digest() for one in secrets]


def seal(text: str) -> str:
    """The text encrypted and authenticated (AES-256-GCM, RFC 5116), with a nonce of its own."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    nonce = os.urandom(12)
    made = nonce + AESGCM(sealing_keys()[0]).encrypt(nonce, text.encode(), None)
    return base64.urlsafe_b64encode(made).decode()


def unseal(sealed: str) -> str:
    """The text that was sealed. ValueError if no key of this installation opens it."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    raw = base64.urlsafe_b64decode(sealed)
    for key in sealing_keys():
        try:
            return AESGCM(key).decrypt(raw[:12], raw[12:], None).decode()
        except InvalidTag:
            continue
    raise ValueError("This text was sealed with another SECRET_KEY.")
