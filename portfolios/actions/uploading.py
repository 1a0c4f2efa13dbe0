"""Files that arrive in pieces: begin, go on from where the bytes end, finish, give up, sweep."""

import datetime as dt
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from catalogue.models import Delivery
from portfolios import guards, rules, storage
from portfolios.actions.drafting import new_item, title_without
from portfolios.actions.scanning import wake_scanner_after_commit
from portfolios.enums import EvidenceKind
from portfolios.exceptions import ChecksumDiffers, OffsetDiffers, UploadBusy, UploadGone
from portfolios.exceptions import UploadRefused as Refused
from portfolios.models import EvidenceItem, Portfolio, UploadSession
from portfolios.selectors import limits_of
from portfolios.storage.intake import (
    Checksum,
    DiskIntake,
    Ledger,
    Record,
    S3Intake,
    intake,
    kind_of_store,
    leftovers,
    new_key,
)
from workflows.exceptions import GuardsNotMet, NotPermitted
from workflows.transitions import perform

CHANGING = ["received", "ledger", "expires_at", "ended_at", "evidence"]
LEASE = dt.timedelta(seconds=15)
"""How long after its last bytes a sender keeps the upload from others. Only somebody else ends it."""
RENEW_SECONDS = 4.0
FORGOTTEN = dt.timedelta(days=1)
"""The age from which bytes in the intake that no upload knows are taken for left behind."""
KEPT = dt.timedelta(days=7)
"""How long a finished or ended upload is still answered for."""
log = structlog.get_logger(__name__)


def begin_upload(
    portfolio: Portfolio,
    *,
    actor: User,
    name: str,
    length: int,
    kind: str = EvidenceKind.FILE,
    declared_type: str = "",
    sha256: str = "",
) -> UploadSession:
    """Open an upload of a known length, or refuse it before a byte was sent.

    Raises UploadRefused (kind, empty, too big, no room), NotPermitted, GuardsNotMet. The learner and the
    delivery are locked while the room is counted, so that two uploads cannot take the same room. With
    `sha256` the file is refused at the end unless its bytes have it.
    """
    name = storage.clean_name(name)
    with transaction.atomic():
        User.objects.select_for_update(of=("self",), no_key=True).get(pk=actor.pk)
        delivery: Delivery = Delivery.objects.select_for_update(of=("self",), no_key=True).get(
            pk=portfolio.enrolment.delivery_id
        )
        if not rules.owns_portfolio(portfolio, actor):
            raise NotPermitted
        if not guards.no_live_submission.holds(portfolio):
            raise GuardsNotMet([guards.no_live_submission])
        if length <= 0:
            raise Refused("This file is empty. Choose another file.", "empty")
        limits_of(portfolio).check(name, length)
        session: UploadSession = UploadSession.objects.create(
            owner=actor,
            portfolio=portfolio,
            kind=kind if kind in EvidenceKind.values else EvidenceKind.FILE,
            name=name,
            declared_type=declared_type[:120],
            length=length,
            sha256=sha256,
            store=kind_of_store(),
            key=new_key(),
            expires_at=timezone.now() + lifetime(delivery),
        )
    bytes_of(session).begin()
    return session


def lifetime(delivery: Delivery) -> dt.timedelta:
    return dt.timedelta(hours=delivery.policy_value("evidence.upload_hours"))


def bytes_of(session: UploadSession) -> DiskIntake | S3Intake:
    """Where the bytes of this upload lie. UploadGone where they are no longer kept."""
    if session.ended_at is not None or session.expires_at <= timezone.now():
        raise UploadGone
    return intake(session.store, session.key, session.books)


def offset_of(session: UploadSession) -> int:
    """Where the bytes end, asked of the store."""
    if session.evidence_id:
        return int(session.length)
    return bytes_of(session).offset()


@contextmanager
def held(session: UploadSession) -> Iterator[tuple[UploadSession, DiskIntake | S3Intake, Record]]:
    """The upload for this sender alone: fresh row, its bytes, and what keeps the hold while bytes come.

    Raises UploadBusy while somebody else sends. A holder who fell silent for longer than the lease, or
    whose process has died on this machine, is taken over; it learns so before its next write.
    """
    token = uuid4()
    place = bytes_of(session)
    with place.alive() as nobody_else_lives:
        now = timezone.now()
        free = Q(lease__isnull=True) | Q(leased_until__lt=now)
        rows = UploadSession.objects.unfinished().filter(pk=session.pk)
        taken = (rows if nobody_else_lives else rows.filter(free)).update(
            lease=token, leased_until=now + LEASE
        )
        if not taken:
            raise UploadBusy
        # What hangs on it does not change meanwhile; only its own row may have.
        session.refresh_from_db(fields=CHANGING)
        place = bytes_of(session)
        try:
            yield session, place, keeper(session, token)
        finally:
            mine = UploadSession.objects.filter(pk=session.pk, lease=token)
            mine.update(lease=None, leased_until=None, **progress(session, place))


def keeper(session: UploadSession, token: UUID) -> Record:
    """Renews the lease every few seconds, and at once when the ledger has changed."""
    state: dict[str, Any] = {"at": time.monotonic(), "ledger": asdict(session.books)}

    def record(ledger: Ledger) -> None:
        facts = asdict(ledger)
        if state["ledger"] == facts and time.monotonic() - state["at"] < RENEW_SECONDS:
            return
        mine = UploadSession.objects.filter(pk=session.pk, lease=token, ended_at__isnull=True)
        if not mine.update(ledger=facts, leased_until=timezone.now() + LEASE):
            raise UploadBusy
        state.update(at=time.monotonic(), ledger=facts)

    return record


def receive(
    session: UploadSession,
    *,
    actor: User,
    at: int,
    pieces: Iterable[bytes],
    announced: int,
    checksum: Checksum | None = None,
) -> tuple[UploadSession, int]:
    """Add bytes at `at`; give the fresh upload and where its bytes end now.

    What came before a line broke is kept. The last byte turns the upload into an evidence item that waits
    for its check. Raises OffsetDiffers, UploadBusy, UploadGone, NoRoom, ChecksumDiffers, and UploadRefused
    where more comes than was announced at the beginning (nothing of it is kept).
    """
    if not rules.owns_upload(session, actor):
        raise NotPermitted
    if session.evidence_id:
        if at != session.length or announced:
            raise OffsetDiffers(session.length)
        return session, at
    with held(session) as (fresh, place, record):
        before = place.offset()
        if at != before:
            raise OffsetDiffers(before)
        if before + announced > fresh.length:
            raise Refused("More bytes came than the file was said to have.", "too_long")
        offset = place.append(at, pieces, record=record, checksum=checksum)
        if offset < fresh.length:
            return fresh, offset
        seen(fresh, place)  # so that a sweep finds it, should this process die now
        return _finished(fresh, place, record), offset


def progress(session: UploadSession, place: DiskIntake | S3Intake) -> dict[str, Any]:
    """How far it is, for the pages, and its full time again; nothing where no bytes lie any more."""
    try:
        received = place.known()
    except UploadGone:
        return {}
    session.received = received
    session.expires_at = timezone.now() + lifetime(session.portfolio.enrolment.delivery)
    return {"received": received, "expires_at": session.expires_at}


def seen(session: UploadSession, place: DiskIntake | S3Intake) -> None:
    """Keep for the pages how far it is."""
    UploadSession.objects.filter(pk=session.pk).update(**progress(session, place))


def _finished(
    session: UploadSession, place: DiskIntake | S3Intake, record: Record
) -> UploadSession:
    """All bytes are there: hash them, give them their final key, make the item. Doing it twice is once.

    The bytes go first and outside the transaction; a crash before the row is made good by the next sweep.
    """
    provider = session.portfolio.enrolment.delivery.version.micro_credential.provider_id
    try:
        stored = place.publish(provider, session.length, record=record, sha256=session.sha256)
    except ChecksumDiffers:
        _end(session, place, "The file that arrived is not the file that was sent. Send it again.")
        raise
    with transaction.atomic():
        locked: UploadSession = UploadSession.objects.select_for_update(of=("self",)).get(
            pk=session.pk
        )
        if locked.evidence_id is None:
            item: EvidenceItem = new_item(
                locked.portfolio,
                locked.owner,
                kind=locked.kind,
                title=title_without(locked.name, locked.portfolio, locked.kind),
                original_name=locked.name,
                declared_type=locked.declared_type,
            )
            locked.evidence = perform(
                item,
                "store",
                actor=locked.owner,
                size=stored.size,
                sha256=stored.sha256,
                storage_key=stored.key,
                media_type="application/octet-stream",
            )
            locked.received = locked.length
            locked.save(update_fields=["evidence", "received"])
            wake_scanner_after_commit()
    place.discard()
    return locked


def _end(session: UploadSession, place: DiskIntake | S3Intake, refusal: str = "") -> None:
    """Give up an upload: first nobody can add to it any more, then its bytes go."""
    UploadSession.objects.filter(pk=session.pk).update(
        ended_at=timezone.now(), refusal=refusal, lease=None, leased_until=None
    )
    place.discard()


def cancel_upload(session: UploadSession, *, actor: User) -> None:
    """Remove an unfinished upload with its bytes. A finished one is evidence by now and stays."""
    if not rules.owns_upload(session, actor):
        raise NotPermitted
    if session.evidence_id is None and session.ended_at is None:
        _end(session, intake(session.store, session.key, session.books))


def finish_arrived() -> int:
    """Finish uploads whose bytes are all there and whose process died before it could say so."""
    finished = 0
    arrived = UploadSession.objects.unfinished().filter(received__gte=F("length"))
    for session in arrived.select_related("portfolio__enrolment__delivery"):
        try:
            with held(session) as (fresh, place, record):
                if place.offset() == fresh.length:
                    _finished(fresh, place, record)
                    finished += 1
        except (UploadBusy, UploadGone, ChecksumDiffers, NotPermitted):
            continue
        except OSError as error:
            log.warning("upload_not_finished", upload=str(session.pk), error=type(error).__name__)
    return finished


def sweep_uploads() -> int:
    """End uploads whose time is over, with their bytes, and forget those that ended a while ago.

    Bytes in the intake that no row knows are removed too, once they are a day old. Returns how many
    uploads were ended.
    """
    now = timezone.now()
    ended = 0
    for session in UploadSession.objects.unfinished().filter(expires_at__lte=now):
        try:
            _end(session, intake(session.store, session.key, session.books))
        except UploadGone:  # taken in by a store that is no longer in use; its bytes went with it
            UploadSession.objects.filter(pk=session.pk).update(ended_at=now)
        ended += 1
    over = Q(ended_at__lt=now - KEPT) | Q(evidence__isnull=False, expires_at__lt=now)
    UploadSession.objects.filter(over).delete()
    known = set(UploadSession.objects.unfinished().values_list("key", flat=True))
    for one in leftovers(now - FORGOTTEN):
        if one.key not in known:
            one.remove()
    return ended


def tend_uploads() -> int:
    """Finish uploads whose process died at the end, and end those whose time is over."""
    return finish_arrived() + sweep_uploads()
