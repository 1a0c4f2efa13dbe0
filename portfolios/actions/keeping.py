"""Keeping the pages that learners link to: links rot, so an address alone proves little later."""

import datetime as dt
import tempfile

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from portfolios import storage
from portfolios.enums import EvidenceKind, EvidenceState, SnapshotState
from portfolios.inspection import InspectionBroken, render
from portfolios.inspection.fetching import Fetched, NotFetched, fetch
from portfolios.inspection.rendering import parts_in
from portfolios.models import EvidenceItem, LinkSnapshot

WAITS = (dt.timedelta(minutes=2), dt.timedelta(minutes=30), dt.timedelta(hours=6))
"""After a failure that may be for now. Then it is given up."""
HELD = dt.timedelta(minutes=5)


def note_links(limit: int = 200) -> int:
    """Put links that are ready and have no snapshot yet in line."""
    rows = EvidenceItem.objects.filter(
        kind=EvidenceKind.LINK, state=EvidenceState.READY, snapshot__isnull=True
    )
    made = [LinkSnapshot(evidence=item) for item in rows[:limit]]
    LinkSnapshot.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def claim_snapshot() -> LinkSnapshot | None:
    """Take one that is due; nobody else takes it for a while, and then somebody may, if this worker dies."""
    with transaction.atomic():
        rows = LinkSnapshot.objects.filter(state=SnapshotState.WAITING, try_at__lte=timezone.now())
        rows = (
            rows.order_by("try_at")
            .select_related("evidence")
            .select_for_update(
                of=("self",), skip_locked=connection.features.has_select_for_update_skip_locked
            )
        )
        found: LinkSnapshot | None = rows.first()
        if found is not None:
            found.attempts += 1
            found.try_at = timezone.now() + HELD
            found.save(update_fields=["attempts", "try_at"])
    return found


def keep_links(limit: int = 20) -> int:
    """Fetch and keep what is due; gives how many were looked at. Nothing where the setting says so.

    Only public addresses are opened (`inspection.fetching`). The page's words are read out by the helper that
    can do nothing else; its bytes are stored under their hash and never shown as a page.
    """
    if not settings.LINK_SNAPSHOTS:
        return 0
    note_links()
    done = 0
    while done < limit and (found := claim_snapshot()) is not None:
        try:
            keep(found, fetch(found.evidence.link))
        except NotFetched as error:
            not_kept(found, error.says, for_now=error.for_now)
        except (InspectionBroken, OSError, ValueError):
            not_kept(found, "The page could not be read.", for_now=True)
        done += 1
    return done


def keep(snapshot: LinkSnapshot, page: Fetched) -> None:
    """Store the bytes, read out the words, and note both."""
    stored = storage.store(
        iter([page.content or b" "]), organisation_id=snapshot.evidence.organisation_id, limit=2**63
    )
    media_type = "text/plain" if page.media_type == "text/plain" else "text/html"
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as made:
        file.write(page.content)
        file.flush()
        if refusal := render(file, made, media_type, 1).get("refusal"):
            raise NotFetched(refusal)
        parts = [part for part, _image in parts_in(made)]
    snapshot.title = parts[0].label if parts else ""
    snapshot.text = "\n\n".join(part.text for part in parts).replace("\x00", "")
    snapshot.key, snapshot.size, snapshot.sha256 = stored.key, stored.size, stored.sha256
    snapshot.media_type, snapshot.address = page.media_type, page.address[:4000]
    snapshot.state, snapshot.fetched_at, snapshot.says = SnapshotState.KEPT, timezone.now(), ""
    snapshot.save()


def not_kept(snapshot: LinkSnapshot, says: str, *, for_now: bool) -> None:
    """Say why, and try again later where that may help."""
    again = for_now and snapshot.attempts <= len(WAITS)
    if again:
        snapshot.try_at = timezone.now() + WAITS[snapshot.attempts - 1]
    snapshot.state = SnapshotState.WAITING if again else SnapshotState.FAILED
    snapshot.says = says[:300]
    snapshot.save(update_fields=["state", "try_at", "says"])
