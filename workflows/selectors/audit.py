"""The verifier: walks every chain, holds it against heads, columns, subjects, roots and signatures."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.db import models

from workflows.hashing import (
    START,
    canonical,
    digest,
    key_id,
    leaf_hash,
    merkle_root,
    record_hash,
    signature_holds,
)
from workflows.machines import state_models
from workflows.models import ChainHead, ChainLeaf, ChainRoot, TransitionRecord
from workflows.models.audit import leaf_of

BATCH = 2000
Key = tuple[str, str]


@dataclass(frozen=True)
class Finding:
    """Something that does not fit, and which part of the check found it."""

    part: str
    subject_type: str
    subject_id: str
    seq: int
    says: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Link:
    """Where the walk stands in one chain."""

    key: Key
    seq: int = 0
    hash: bytes = START
    target: str = ""
    broken: bool = False


def verify(trusted_keys: frozenset[str] = frozenset()) -> tuple[list[Finding], dict[str, int]]:
    """Everything that does not fit, the first record of a chain first, and how much was looked at.

    With `trusted_keys` (ids of public keys) a root signed by another key is a finding as well.
    """
    findings: list[Finding] = []
    ends: dict[Key, Link] = {}
    counts = {"records": 0, "chains": 0, "roots": 0, "leaves": 0}
    wanted = wanted_leaves()
    for record in records():
        key = (record.subject_type, str(record.subject_id))
        link = ends.setdefault(key, Link(key))
        counts["records"] += 1
        if not link.broken:
            findings += step_along(link, record)
        for says in wanted.pop((*key, record.seq), []):
            if says != bytes(record.hash):
                findings.append(
                    Finding("root", *key, record.seq, "A root holds another hash for this record.")
                )
    counts["chains"] = len(ends)
    findings += [
        Finding("root", one[0], one[1], one[2], "A root holds a record that is gone.")
        for one in wanted
    ]
    findings += against_heads(ends)
    findings += against_subjects(ends)
    findings += check_roots(counts, trusted_keys)
    return findings, counts


def records() -> Iterator[TransitionRecord]:
    rows = TransitionRecord.objects.select_related("label")
    yield from rows.order_by("subject_type", "subject_id", "seq").iterator(chunk_size=BATCH)


def step_along(link: Link, record: TransitionRecord) -> list[Finding]:
    """One record against the one before it, its own hash, its columns and its label."""

    def fault(part: str, says: str) -> list[Finding]:
        link.broken = True
        return [Finding(part, *link.key, record.seq, says)]

    if record.seq != link.seq + 1:
        return fault("chain", f"Record {link.seq + 1} is missing.")
    if bytes(record.prev_hash) != link.hash:
        return fault("chain", "It does not follow the record before it.")
    if record_hash(link.hash, record.payload.encode()) != bytes(record.hash):
        return fault("chain", "Its payload was changed.")
    if record.source != link.target:
        return fault("chain", "It does not start where the record before it ended.")
    link.seq, link.hash, link.target = record.seq, bytes(record.hash), record.target
    payload = json.loads(record.payload)
    columns = record.hashed_columns()
    differing = sorted(name for name, value in columns.items() if payload.get(name) != value)
    if differing:
        return fault("columns", f"Columns differ from the hashed payload: {', '.join(differing)}.")
    return [Finding("label", *link.key, record.seq, says) for says in label_faults(record, payload)]


def label_faults(record: TransitionRecord, payload: dict[str, Any]) -> Iterator[str]:
    """A label that was changed rather than blanked."""
    label = getattr(record, "label", None)
    if label is None:
        yield "Its label is gone."
        return
    for name, salt_name in (
        ("actor_label", "actor_salt"),
        ("subject_label", "subject_salt"),
        ("reason", "reason_salt"),
    ):
        text, salt = getattr(label, name), getattr(label, salt_name)
        if text is None and salt is None:
            continue
        if text is None or salt is None or digest(bytes(salt), text) != payload.get(name):
            yield f"Its {name} was changed."


def against_heads(ends: dict[Key, Link]) -> Iterator[Finding]:
    """Each chain ends where its head says; no head without chain, no chain without head."""
    heads = {(head.subject_type, str(head.subject_id)): head for head in ChainHead.objects.all()}
    for key, link in ends.items():
        head = heads.pop(key, None)
        if head is None:
            yield Finding("head", *key, link.seq, "The chain has no head.")
        elif not link.broken and (head.seq, bytes(head.hash)) != (link.seq, link.hash):
            yield Finding(
                "head", *key, link.seq + 1, "The chain ends before its head, or elsewhere."
            )
    for key, head in heads.items():
        yield Finding("head", *key, head.seq, "The head's chain is gone.")


def against_subjects(ends: dict[Key, Link]) -> Iterator[Finding]:
    """Each subject is in the state to which its last record led, and has as many records as it says."""
    for model in state_models():
        machine = model._meta.label_lower
        seen = set()
        for pk, state, seq in subjects(model):
            key = (machine, str(pk))
            seen.add(key)
            end = ends.get(key)
            if end is None:
                yield Finding("subject", *key, 0, "The subject has no record.")
            elif not end.broken and (state, seq) != (end.target, end.seq):
                yield Finding(
                    "subject",
                    *key,
                    end.seq,
                    f"The subject is {state} at {seq}, its records say {end.target} at {end.seq}.",
                )
        for key, link in ends.items():
            if key[0] == machine and key not in seen:
                yield Finding("subject", *key, link.seq, "The subject is gone.")


def subjects(model: type[models.Model]) -> Iterator[tuple[Any, str, int]]:
    yield from model._base_manager.values_list("pk", "state", "seq").iterator(chunk_size=BATCH)


def wanted_leaves() -> dict[tuple[str, str, int], list[bytes]]:
    """What the roots say of single records."""
    found: dict[tuple[str, str, int], list[bytes]] = {}
    for leaf in ChainLeaf.objects.iterator(chunk_size=BATCH):
        found.setdefault((leaf.subject_type, str(leaf.subject_id), leaf.seq), []).append(
            bytes(leaf.hash)
        )
    return found


def check_roots(counts: dict[str, int], trusted_keys: frozenset[str]) -> Iterator[Finding]:
    """Roots are numbered without gap, each names the one before, its leaves give its hash, its signature holds."""
    previous, number = START, 0
    for root in ChainRoot.objects.order_by("number"):
        counts["roots"] += 1
        number += 1
        for says in root_faults(root, number, previous, trusted_keys, counts):
            yield Finding("root", "workflows.chainroot", str(root.number), root.number, says)
        number, previous = root.number, bytes(root.tree_hash)


def root_faults(
    root: ChainRoot,
    number: int,
    previous: bytes,
    trusted_keys: frozenset[str],
    counts: dict[str, int],
) -> Iterator[str]:
    if root.number != number:
        yield f"Root {number} is missing."
    elif bytes(root.previous) != previous:
        yield "It does not name the root before it."
    columns = {
        "number": root.number,
        "kind": root.kind,
        "at": root.at,
        "previous": bytes(root.previous),
        "leaf_count": root.leaf_count,
        "tree_hash": bytes(root.tree_hash),
        "key_id": root.key_id,
    }
    if canonical(columns).decode() != root.payload:
        yield "Columns differ from the signed payload."
    leaves = [leaf_hash(canonical(leaf_of(leaf))) for leaf in root.leaves.order_by("position")]
    counts["leaves"] += len(leaves)
    if len(leaves) != root.leaf_count or merkle_root(leaves) != bytes(root.tree_hash):
        yield "Its leaves do not give its hash."
    public = bytes(root.public_key)
    if key_id(public) != root.key_id or (trusted_keys and root.key_id not in trusted_keys):
        yield "It is signed by another key."
    if not signature_holds(public, bytes(root.signature), root.payload.encode()):
        yield "Its signature does not hold."
