"""Do rows and bytes agree? A look at every stored file, and at one submission on request."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import rfc8785
from django.utils import timezone

from catalogue.enums import APPROVALS
from catalogue.guards import moved_parts
from catalogue.hashing import PARTS
from portfolios import manifest
from portfolios.enums import AttestationState, EvidenceKind, StoreProblem
from portfolios.models import (
    EvidenceItem,
    LinkSnapshot,
    RenditionPart,
    StoreCheck,
    StoreFinding,
    Submission,
    SupportingEvidence,
)
from portfolios.storage.stores import (
    BytesMissing,
    digest_of,
    keys_of,
    pieces_of,
    put,
    store_in_use,
)
from workflows.models import TransitionRecord

YOUNG = dt.timedelta(days=1)
"""Bytes are stored before their row is written, so younger ones without a row are no finding."""
BATCH = 500
NAMED: tuple[tuple[Any, tuple[str, str, str]], ...] = (
    (EvidenceItem, ("storage_key", "size", "sha256")),
    (EvidenceItem, ("copy_key", "copy_size", "copy_sha256")),
    (RenditionPart, ("key", "size", "sha256")),
    (LinkSnapshot, ("key", "size", "sha256")),
    (SupportingEvidence, ("key", "size", "sha256")),
)
"""Which columns name bytes in the store: key, size, hash."""


def stored_facts() -> Iterator[tuple[str, int, str]]:
    """Key, size and hash of all bytes that rows name: originals, copies, page images, kept pages; also of removed ones.

    A copy with the bytes of an original comes twice.
    """
    for model, columns in NAMED:
        rows = model._default_manager.exclude(**{columns[0]: ""}).order_by(columns[0])
        before = ""
        for key, size, sha256 in rows.values_list(*columns).iterator():
            if key != before:
                yield key, size, sha256
            before = key


def problem_of(store: Any, key: str, size: int, sha256: str) -> tuple[StoreProblem, str] | None:
    """What is wrong with the bytes under a key; all of them are read."""
    try:
        found = digest_of(store, key)
    except BytesMissing:
        return StoreProblem.MISSING, "nothing lies under this key"
    if found != (size, sha256):
        return StoreProblem.ALTERED, f"{found[0]} bytes with SHA-256 {found[1]}"
    return None


def reconcile_evidence() -> StoreCheck:
    """Read and hash every stored file, and look for files that no row names.

    Writes what it finds: missing, altered, orphaned. Changes no evidence; altered bytes are no longer
    handed out. Removes the findings of earlier looks once this one has ended.
    """
    store = store_in_use()
    check: StoreCheck = StoreCheck.objects.create()
    for key, size, sha256 in stored_facts():
        if problem := problem_of(store, key, size, sha256):
            note(check, key, *problem)
        check.looked_at += 1
        check.bytes += size
    old = (key for key, changed in keys_of(store) if changed < check.began_at - YOUNG)
    while batch := list(islice(old, BATCH)):
        known = {
            key
            for model, (column, _size, _sha256) in NAMED
            for key in model._default_manager.filter(**{f"{column}__in": batch}).values_list(
                column, flat=True
            )
        }
        for key in sorted({*batch} - known):
            note(check, key, StoreProblem.ORPHANED, "no evidence has these bytes")
    check.ended_at = timezone.now()
    check.save(update_fields=["ended_at", "looked_at", "bytes"])
    StoreFinding.objects.exclude(check_run=check).delete()
    return check


def note(check: StoreCheck, key: str, problem: StoreProblem, says: str) -> None:
    StoreFinding.objects.create(check_run=check, key=key[:300], problem=problem, says=says)


def move_evidence(source: Any, target: Any) -> Iterator[tuple[str, str]]:
    """Copy everything that rows name from one store to another; give each key with what became of it.

    `there` lay in the target with the right hash already, `moved` was copied and read back, anything else
    is why it could not be. Nothing is removed from the source. May be stopped and started again.
    """
    for key, size, sha256 in stored_facts():
        if problem_of(target, key, size, sha256) is None:
            yield key, "there"
            continue
        if problem := problem_of(source, key, size, sha256):
            yield key, f"{problem[0]} in the source: {problem[1]}"
            continue
        with suppress(FileExistsError):  # said below
            put(target, key, pieces_of(source, key), sha256=sha256)
        wrong = problem_of(target, key, size, sha256)
        yield key, f"{wrong[0]} in the target: {wrong[1]}" if wrong else "moved"


@dataclass(frozen=True)
class Misfit:
    """One thing of a submission that is not as it was when it was submitted."""

    part: str
    says: str


def verify_submission(submission: Submission) -> list[Misfit]:
    """Hold a submission against its manifest, its record and the bytes; empty when everything fits.

    The words of rubric and grades are hashed again and held against their approval. Mappings, reflections
    and declaration are held by the manifest alone, because the portfolio lives on; the manifest is held by
    the fingerprint, and that by the chained record of the step.
    """
    found = list(_manifest(submission))
    if not found:
        contents = submission.contents
        found += _bound(submission, contents)
        found += _files(submission, contents["files"])
        found += _attestations(submission, contents["attestations"])
    return found


def _manifest(submission: Submission) -> Iterator[Misfit]:
    text = submission.manifest
    try:
        canonical = rfc8785.dumps(json.loads(text)).decode()
    except ValueError:
        yield Misfit("manifest", "cannot be read")
        return
    if canonical != text:
        yield Misfit("manifest", "is not canonical JSON")
    if hashlib.sha256(text.encode()).hexdigest() != submission.fingerprint:
        yield Misfit("fingerprint", "is not that of the manifest")
    record = TransitionRecord.objects.filter(
        subject_type=submission._meta.label_lower, subject_id=submission.pk, seq=1
    ).first()
    if record is None or record.facts.get("fingerprint") != submission.fingerprint:
        yield Misfit("fingerprint", "is not the one that was recorded on submission")


def _bound(submission: Submission, contents: dict[str, Any]) -> Iterator[Misfit]:
    for part, says, held in (
        ("reference", contents["reference"], submission.reference),
        ("attempt", contents["attempt"], submission.attempt),
        ("rubric", contents["rubric_hash"], submission.rubric.content_hash),
        (
            "version",
            contents["micro_credential"]["version"],
            submission.delivery.version.number,
        ),
    ):
        if says != held:
            yield Misfit(part, f"is {held}, the manifest says {says}")
    if contents["learner"] != manifest.pseudonym(submission.enrolment_id):
        yield Misfit("learner", "is another one than the manifest's")
    version = submission.delivery.version
    if version.pre_moderations.filter(decision__in=APPROVALS).exists():
        for moved in {"rubrics", "scheme"} & set(moved_parts(version)):
            yield Misfit("rubric", f"{PARTS[moved]} are not as they were approved")
    declared = contents["declaration"]
    if hashlib.sha256(declared["text"].encode()).hexdigest() != declared["sha256"]:
        yield Misfit("declaration", "does not have the hash beside it")
    criteria = set(submission.rubric.criteria.values_list("code", flat=True))
    named = {one["criterion"] for file in contents["files"] for one in file["criteria"]}
    named |= {one["criterion"] for one in contents["reflections"]}
    for code in sorted(named - criteria):
        yield Misfit("mappings", f"name criterion {code}, which the rubric has not")


def _files(submission: Submission, files: Iterable[dict[str, Any]]) -> Iterator[Misfit]:
    store = store_in_use()
    pins = {str(pin.evidence_id): pin for pin in submission.pins.select_related("evidence")}
    for file in files:
        part, pin = f"file {file['number']}", pins.pop(file["id"], None)
        if pin is None:
            yield Misfit(part, "is not pinned")
            continue
        item = pin.evidence
        if {pin.sha256, item.sha256} != {file["sha256"]} or item.size != file["bytes"]:
            yield Misfit(part, "the row has another hash or size than the manifest")
        if item.storage_key:
            if problem := problem_of(store, item.storage_key, file["bytes"], file["sha256"]):
                yield Misfit(part, f"{problem[0]}: {problem[1]}")
            continue
        if wanted := file.get("snapshot_sha256"):
            held = LinkSnapshot.objects.filter(evidence=item, sha256=wanted).first()
            if held is None:
                yield Misfit(
                    part, "the kept page has another hash than the manifest, or is not there"
                )
            elif problem := problem_of(store, held.key, held.size, held.sha256):
                yield Misfit(part, f"the kept page: {problem[0]}: {problem[1]}")
        text = item.note if item.kind == EvidenceKind.NOTE else item.link
        if hashlib.sha256(text.encode()).hexdigest() != file["sha256"]:
            yield Misfit(part, "altered: the words have another hash")
    for pin in pins.values():
        yield Misfit(f"file {pin.number}", "is pinned, but the manifest does not name it")


def _attestations(submission: Submission, listed: Iterable[dict[str, Any]]) -> Iterator[Misfit]:
    given = {
        str(one.pk): one
        for one in submission.portfolio.attestations.filter(state=AttestationState.ATTESTED)
    }
    for one in listed:
        held = given.get(one["id"])
        if held is None:
            yield Misfit("attestation", f"{one['id']} is not there as it was given")
            continue
        said = held.statements.select_related("criterion").order_by("criterion__number")
        if [{"criterion": line.criterion.code, "answer": line.answer} for line in said] != one[
            "statements"
        ]:
            yield Misfit("attestation", f"{one['id']} says something else now")
