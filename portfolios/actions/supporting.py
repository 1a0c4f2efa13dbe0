"""Evidence that supports a special consideration: taken in, and opened with a record. Never the learner's portfolio."""

import tempfile
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from accounts.models import User
from accounts.words import plain_text
from portfolios import rules, storage
from portfolios.actions.scanning import ask_scanner
from portfolios.enums import HoldKind
from portfolios.exceptions import ScanIncomplete, UploadRefused
from portfolios.inspection import InspectionBroken, inspect
from portfolios.models import Hold, SupportingEvidence
from workflows.actions import open_record
from workflows.exceptions import NotPermitted, StaleState

LIMIT = 20 * 1024 * 1024
NOT_CHECKED = "We could not check this file now. Try again in a few minutes."


def _permitted(hold: Hold, actor: User) -> None:
    if hold.kind != HoldKind.SPECIAL_CONSIDERATION or not rules.may_read_supporting(
        hold.submission, actor
    ):
        raise NotPermitted(instance=hold)


def add_supporting(
    hold: Hold, *, actor: User, words: str = "", file: Any = None
) -> SupportingEvidence:
    """Put words, a file or both to an open special consideration. Nobody is told.

    The file is checked before anything is kept. Raises NotPermitted, StaleState where the hold is lifted,
    UploadRefused where the file cannot be taken.
    """
    _permitted(hold, actor)
    facts = {} if file is None else _stored(hold, file)
    with transaction.atomic():
        fresh: Hold = Hold.objects.select_for_update(of=("self",)).get(pk=hold.pk)
        if fresh.closed_at is not None:
            raise StaleState(instance=fresh)
        highest = fresh.supporting.aggregate(highest=Max("number"))["highest"] or 0
        made: SupportingEvidence = SupportingEvidence.objects.create(
            hold=fresh,
            number=highest + 1,
            words=plain_text(words).strip(),
            added_by=actor,
            **facts,
        )
    return made


def _stored(hold: Hold, file: Any) -> dict[str, Any]:
    """Facts of the file's bytes, checked as a learner's file is and then put into the store."""
    name = storage.clean_name(file.name)
    if file.size > LIMIT:
        raise UploadRefused("This file is too big. The limit is 20 MB.", "too_big")
    address = settings.VIRUS_SCANNER
    with tempfile.TemporaryFile() as copy:
        for piece in file.chunks():
            copy.write(piece)
        copy.flush()
        copy.seek(0)
        try:
            if address and (found := ask_scanner(copy, address)):
                raise UploadRefused(f"The virus scanner refused this file ({found}).", "virus")
            report = inspect(copy, name)
        except (ScanIncomplete, InspectionBroken) as error:
            raise UploadRefused(NOT_CHECKED, "unchecked") from error
        if report.refusal:
            raise UploadRefused(report.refusal, "refused")
        copy.seek(0)
        provider = hold.submission.delivery.version.micro_credential.provider_id
        kept = storage.store(
            iter(lambda: copy.read(storage.PIECE), b""), organisation_id=provider, limit=LIMIT
        )
    return {
        "name": name,
        "media_type": report.media_type,
        "size": kept.size,
        "sha256": kept.sha256,
        "key": kept.key,
    }


def open_supporting(hold: Hold, number: int, *, actor: User) -> SupportingEvidence:
    """One piece, for whoever may read it. Writes an access record each time. NotPermitted for others."""
    _permitted(hold, actor)
    found: SupportingEvidence = hold.supporting.get(number=number)
    open_record(
        hold.submission, actor=actor, purpose=f"Special consideration, evidence {number} opened"
    )
    return found
