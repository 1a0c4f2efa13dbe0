"""The list that a submission freezes: canonical JSON, its fingerprint, its reference. Pure."""

import datetime as dt
import hashlib
import secrets
import unicodedata
from dataclasses import asdict, dataclass, field
from typing import Any

import rfc8785
from django.utils.crypto import salted_hmac

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without letters and digits that are read for one another."""


@dataclass(frozen=True)
class Support:
    """One criterion that a piece of evidence supports, as the learner said it."""

    criterion: str
    claim: str
    locator: str


@dataclass(frozen=True)
class File:
    """One piece of evidence as it was when it was submitted. `name` is neutral, never the learner's own."""

    id: str
    number: int
    name: str
    kind: str
    title: str
    description: str
    text_alternative: str
    link: str
    media_type: str
    bytes: int
    sha256: str
    criteria: list[Support] = field(default_factory=list)
    # Of the page behind a link, where one was kept; its address may lead elsewhere later.
    snapshot_sha256: str = ""


@dataclass(frozen=True)
class Declaration:
    """What the learner accepted, word for word."""

    text: str
    accepted_at: str
    ai_use: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def moment(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def normal(value: Any) -> Any:
    """Text in NFC all the way down, so that equal words give equal bytes."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {key: normal(one) for key, one in value.items()}
    return [normal(one) for one in value] if isinstance(value, (list, tuple)) else value


def build(
    *,
    reference: str,
    learner: str,
    micro_credential: str,
    version: int,
    task: str,
    rubric_hash: str,
    attempt: int,
    submitted_at: dt.datetime,
    files: list[File],
    reflections: list[dict[str, str]],
    declaration: Declaration,
    attestations: list[dict[str, Any]],
) -> str:
    """RFC 8785 text of everything that the submission holds."""
    contents = {
        "format": 1,
        "reference": reference,
        "learner": learner,
        "micro_credential": {"code": micro_credential, "version": version},
        "task": task,
        "rubric_hash": rubric_hash,
        "attempt": attempt,
        "submitted_at": moment(submitted_at),
        "files": [asdict(file) for file in files],
        "reflections": reflections,
        "declaration": {**asdict(declaration), "sha256": declaration.sha256},
        "attestations": attestations,
    }
    return rfc8785.dumps(normal(contents)).decode()


def fingerprint(text: str) -> str:
    """SHA-256 of the manifest's bytes: what receipts show and decisions bind to."""
    return hashlib.sha256(text.encode()).hexdigest()


def new_reference(year: int) -> str:
    """PF-2026-7K3QXP: short enough to read out, too many to guess."""
    return f"PF-{year}-{''.join(secrets.choice(ALPHABET) for _ in range(6))}"


def pseudonym(enrolment_id: object) -> str:
    """The same for all attempts of one enrolment, and no way back without the server's key."""
    raw = salted_hmac("portfolios.pseudonym", str(enrolment_id), algorithm="sha256").digest()
    return "L-" + "".join(ALPHABET[byte % len(ALPHABET)] for byte in raw[:6])


def neutral_name(number: int, extension: str) -> str:
    """A file name that says nothing about the learner: evidence-03.pdf."""
    return f"evidence-{number:02d}{'.' + extension if extension else ''}"
