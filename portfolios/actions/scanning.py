"""The safety check that evidence passes before it counts."""

import datetime as dt
import socket
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import SYSTEM
from portfolios import storage
from portfolios.enums import EvidenceState
from portfolios.exceptions import NoRoom, ScanIncomplete, ScannerAway
from portfolios.inspection import InspectionBroken, Report, inspect
from portfolios.inspection.patterns import hints_of
from portfolios.models import EvidenceItem
from workflows.exceptions import TransitionRefused
from workflows.transitions import perform

STUCK_AFTER = dt.timedelta(minutes=10)
MAX_ATTEMPTS = 5
LIMITS = "Heuristics.Limits.Exceeded"
"""How clamd with `AlertExceedsMax yes` names a file that it did not look at to the end."""
NOT_CHECKED = "We could not check this file. Add it again, or add another copy of it."

_wakers: list[Callable[[], Any]] = []


def on_waiting(hook: Callable[[], Any]) -> Callable[[], Any]:
    """Register what wakes the scanner. A lost call costs one poll interval, nothing else."""
    _wakers.append(hook)
    return hook


def wake_scanner_after_commit() -> None:
    """Say "look now" once the evidence is really there; carries no facts."""
    for hook in _wakers:
        transaction.on_commit(hook, robust=True)


def claim(limit: int = 10) -> list[EvidenceItem]:
    """Take items that wait, or whose check never ended, so that no second worker takes them too."""
    before = timezone.now() - STUCK_AFTER
    waiting = Q(state=EvidenceState.STORED) | Q(
        state=EvidenceState.SCANNING, scan_started_at__lt=before
    )
    claimed: list[EvidenceItem] = []
    with transaction.atomic():
        rows = EvidenceItem.objects.filter(waiting).order_by("created_at")
        rows = rows.select_for_update(
            of=("self",), skip_locked=connection.features.has_select_for_update_skip_locked
        )
        for item in rows[:limit]:
            try:
                claimed.append(perform(item, "start_scan", actor=SYSTEM))
            except TransitionRefused:
                continue
    return claimed


def scan_waiting_evidence(limit: int = 10) -> int:
    """Check what waits: each item becomes `ready`, or `quarantined` with a sentence for the learner.

    Bytes are read outside any transaction. An item that the virus scanner could not finish stays in
    `scanning` and is taken again later; after five attempts it is refused. While the scanner does not
    answer, or the store has no room for the copy, it waits, however long that takes. Returns how many were decided.
    """
    decided = 0
    for item in claim(limit):
        try:
            found = check(item)
        except (ScanIncomplete, InspectionBroken, OSError) as error:
            if isinstance(error, (ScannerAway, NoRoom)) or item.scan_attempts < MAX_ATTEMPTS:
                continue
            found = Found(Report(refusal=NOT_CHECKED))
        try:
            if found.report.refusal:
                perform(item, "quarantine", actor=SYSTEM, refusal=found.report.refusal[:300])
            else:
                perform(
                    item,
                    "pass_scan",
                    actor=SYSTEM,
                    media_type=found.report.media_type,
                    scanned_for_viruses=found.scanned,
                    copy=found.copy,
                    hints=found.report.hints,
                )
        except TransitionRefused:  # somebody else decided it meanwhile
            continue
        decided += 1
    return decided


@dataclass(frozen=True)
class Found:
    """What a check has brought: the report, whether a virus scanner looked, and the stored copy."""

    report: Report
    scanned: bool = False
    copy: dict[str, Any] = field(default_factory=dict)


def check(item: EvidenceItem) -> Found:
    """Look into the bytes, ask the virus scanner, and store the copy for others.

    Notes and links have no bytes; the words of a note are looked through for what belongs to people.

    The file is opened by a helper that can do nothing else. The scanner is asked first: what it refuses is
    not opened at all.
    """
    if not item.storage_key:
        return Found(Report(media_type=item.media_type, hints=hints_of(item.note)))
    address = settings.VIRUS_SCANNER
    with tempfile.TemporaryFile() as copy, storage.opened(item.storage_key) as file:
        if address and (found := ask_scanner(file, address)):
            refusal = f"The virus scanner refused this file ({found}). Nobody can open it."
            return Found(Report(refusal=refusal), scanned=True)
        report = inspect(file, item.original_name, copy)
        if report.refusal or not report.copy_type:
            return Found(report, bool(address))
        copy.seek(0)
        stored = storage.store(
            iter(partial(copy.read, storage.PIECE), b""),
            organisation_id=item.organisation_id,
            limit=2**63,
        )
    facts = {
        "key": stored.key,
        "type": report.copy_type,
        "size": stored.size,
        "sha256": stored.sha256,
    }
    return Found(report, bool(address), facts)


def copy_missing(limit: int = 5) -> int:
    """Make the copies of evidence that became ready before there were copies. Returns how many were made."""
    made = 0
    rows = EvidenceItem.objects.filter(state=EvidenceState.READY, inspected_at__isnull=True)
    for item in rows.exclude(storage_key="")[:limit]:
        try:
            found = check(item)
        except (ScanIncomplete, InspectionBroken, OSError):
            continue
        facts = {f"copy_{name}": value for name, value in found.copy.items()}
        EvidenceItem.objects.filter(pk=item.pk).update(
            hints=found.report.hints, inspected_at=timezone.now(), **facts
        )
        made += bool(facts)
    return made


def ask_scanner(stream: IO[bytes], address: str, timeout: float = 120) -> str:
    """The name of what clamd found, or "" when clean. Everything else is ScanIncomplete.

    `address` is the path of a Unix socket, or host:port. Speaks clamd's INSTREAM: pieces with their
    length in front, an empty one at the end. What clamd gave up because of its own limits was not looked
    at, whatever it calls that. ScannerAway where nobody answers.
    """
    reply = b""
    try:
        with connect(address, timeout) as line:
            try:
                line.sendall(b"zINSTREAM\0")
                while piece := stream.read(256 * 1024):
                    line.sendall(struct.pack("!L", len(piece)) + piece)
                line.sendall(struct.pack("!L", 0))
            except (BrokenPipeError, ConnectionResetError):
                pass  # at its size limit clamd answers and hangs up
            while part := line.recv(4096):
                reply += part
    except OSError as error:
        # Over a Unix socket the limit of a stream looks like this as well; a daemon that is there says so.
        away = ScanIncomplete if scanner_answers(address) else ScannerAway
        raise away(str(error)) from error
    answer = reply.rstrip(b"\0\n").decode("utf-8", "replace")
    if answer == "stream: OK":
        return ""
    if answer.endswith(" FOUND") and LIMITS not in answer:
        return answer.removeprefix("stream: ").removesuffix(" FOUND")
    raise ScanIncomplete(answer or "no answer")


def scanner_answers(address: str, timeout: float = 2) -> bool:
    """Whether clamd says PONG."""
    try:
        with connect(address, timeout) as line:
            line.sendall(b"zPING\0")
            return line.recv(64).startswith(b"PONG")
    except OSError:
        return False


def connect(address: str, timeout: float) -> socket.socket:
    if address.startswith("/"):
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(timeout)
        line.connect(address)
        return line
    host, _colon, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout)
