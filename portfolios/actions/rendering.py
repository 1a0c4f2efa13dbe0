"""Page images, text and poster frames, made of the copies for others; cached by content, remade on request."""

import datetime as dt
import tempfile
from typing import IO, Any

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from portfolios import rules, storage
from portfolios.definitions import ALLOWED, is_document
from portfolios.enums import EvidenceState, RenditionState
from portfolios.exceptions import NoRoom
from portfolios.inspection import InspectionBroken, render
from portfolios.inspection.rendering import can_render, parts_in
from portfolios.models import EvidenceItem, Rendition, RenditionPart
from workflows.exceptions import NotPermitted

STUCK_AFTER = dt.timedelta(minutes=5)
MAX_ATTEMPTS = 3
BROKEN = "No images or text could be made of this file. It can be downloaded."


def note_missing(limit: int = 200) -> int:
    """Put what is ready and was never rendered in line. Equal bytes are put there once."""
    there = Rendition.objects.filter(source_key=OuterRef("copy_key"))
    rows = EvidenceItem.objects.filter(~Exists(there), state=EvidenceState.READY)
    found = dict(rows.exclude(copy_key="").values_list("copy_key", "copy_type")[:limit])
    made = [
        Rendition(
            source_key=key,
            media_type=media_type,
            # Pictures are shown as their copy.
            state=RenditionState.WAITING if can_render(media_type) else RenditionState.MADE,
        )
        for key, media_type in found.items()
    ]
    Rendition.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def claim_rendition() -> Rendition | None:
    """Take one that waits, or that stopped half way, so that no second worker takes it too."""
    before = timezone.now() - STUCK_AFTER
    waiting = Q(state=RenditionState.WAITING) | Q(
        state=RenditionState.MAKING, started_at__lt=before
    )
    with transaction.atomic():
        # What was never made comes before what is made again.
        rows = Rendition.objects.filter(waiting).order_by(
            F("made_at").asc(nulls_first=True), "created_at", "pk"
        )
        rows = rows.select_for_update(
            skip_locked=connection.features.has_select_for_update_skip_locked
        )
        found: Rendition | None = rows.first()
        if found is not None:
            found.state, found.started_at = RenditionState.MAKING, timezone.now()
            found.attempts += 1
            found.save(update_fields=["state", "started_at", "attempts"])
    return found


def make_renditions(limit: int = 20) -> int:
    """Make what waits, one after the other; gives how many are finished, made or failed.

    The bytes are opened by the helper that can do nothing else. What was made stays when a worker dies in
    between: the next goes on where it stopped. Changes no evidence.
    """
    note_missing()
    done = 0
    while done < limit and (found := claim_rendition()) is not None:
        if found.attempts > MAX_ATTEMPTS:
            end(found, RenditionState.FAILED, BROKEN)
        else:
            try:
                make(found)
            except NoRoom:
                # No fault of the file, and the next one would not fit either.
                rows = Rendition.objects.filter(pk=found.pk)
                rows.update(state=RenditionState.WAITING, attempts=F("attempts") - 1)
                break
        done += 1
    return done


def make(rendition: Rendition) -> None:
    """All parts from the next one on, or the reason why there are none. Raises NoRoom."""
    try:
        with storage.opened(rendition.source_key) as file:
            while rendition.next:
                with tempfile.TemporaryFile() as made:
                    answer = render(file, made, rendition.media_type, rendition.next)
                    if refusal := answer.get("refusal"):
                        end(rendition, RenditionState.FAILED, refusal)
                        return
                    keep(rendition, made, answer)
    except NoRoom:
        raise
    except (InspectionBroken, ValueError, OSError):
        again(rendition)
    else:
        end(rendition, RenditionState.MADE, "")


def again(rendition: Rendition) -> None:
    """Back in line after a failure that says nothing about the file; not for ever."""
    if rendition.attempts >= MAX_ATTEMPTS:
        end(rendition, RenditionState.FAILED, BROKEN)
    else:
        Rendition.objects.filter(pk=rendition.pk).update(state=RenditionState.WAITING)


def keep(rendition: Rendition, made: IO[bytes], answer: dict[str, Any]) -> None:
    """Store the images, then their rows together with how far the work is."""
    organisation = EvidenceItem.objects.filter(copy_key=rendition.source_key).values_list(
        "organisation_id", flat=True
    )[0]
    rows = []
    for part, image in parts_in(made):  # type: ignore[arg-type]
        row = RenditionPart(
            rendition=rendition,
            number=part.number,
            label=part.label[:200],
            text=part.text.replace("\x00", ""),
            media_type=part.media_type,
            width=part.width,
            height=part.height,
            undescribed=part.undescribed,
        )
        if image:
            stored = storage.store(iter([image]), organisation_id=organisation, limit=2**63)
            row.key, row.size, row.sha256 = stored.key, stored.size, stored.sha256
        rows.append(row)
    rendition.total, rendition.next = answer["total"], answer["next"]
    rendition.seconds = answer["seconds"]
    with transaction.atomic():
        rendition.parts.filter(number__in=[row.number for row in rows]).delete()
        RenditionPart.objects.bulk_create(rows)
        # Each piece that was kept shows that the file can be worked on; it is not tried for ever.
        rendition.started_at = timezone.now()
        rendition.save(update_fields=["total", "next", "seconds", "started_at"])


def end(rendition: Rendition, state: RenditionState, says: str) -> None:
    Rendition.objects.filter(pk=rendition.pk).update(
        state=state,
        says=says[:300],
        made_at=timezone.now(),
        counted=state == RenditionState.MADE,
    )


def count_again(limit: int = 200) -> int:
    """Have documents drawn again whose pictures without words nobody has counted yet, newest first.

    Gives how many. What there is stays until then.
    """
    documents = [one for one in ALLOWED if is_document(one)]
    old = Rendition.objects.filter(
        media_type__in=documents, state=RenditionState.MADE, counted=False
    )
    keys = list(old.order_by("-pk").values_list("pk", flat=True)[:limit])
    again = Rendition.objects.filter(pk__in=keys, state=RenditionState.MADE)
    return int(again.update(state=RenditionState.WAITING, next=1, attempts=0, says=""))


@transaction.atomic
def remake(item: EvidenceItem, *, actor: User) -> None:
    """Make images and text of an item again, for whoever may see it. What there is stays until then.

    While it is being made already nothing changes.
    """
    if not rules.can_view_evidence(item, actor):
        raise NotPermitted
    if not can_render(item.copy_type):
        return
    ended = [RenditionState.MADE, RenditionState.FAILED]
    Rendition.objects.filter(source_key=item.copy_key, state__in=ended).update(
        state=RenditionState.WAITING, next=1, attempts=0, says=""
    )
