"""Signing roots over the chains, and noting an opening."""

import datetime as dt
from collections.abc import Sequence

import structlog
from django.db import models, transaction
from django.utils import timezone

from accounts.models import User
from workflows.enums import RootKind
from workflows.hashing import (
    START,
    canonical,
    key_id,
    leaf_hash,
    merkle_root,
    public_bytes,
    signing_key,
)
from workflows.models import AccessRecord, ChainHead, ChainLeaf, ChainRoot, Heartbeat

SIGNER = "root-signer"


def open_record(subject: models.Model, *, actor: User, purpose: str) -> AccessRecord:
    """Note that somebody opened something sensitive that is not theirs."""
    return AccessRecord.objects.create(
        actor=actor,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        purpose=purpose,
        request_id=this_request(),
    )


def this_request() -> str:
    """The request's own id, which the log has too."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64]


ONE_OPENING = dt.timedelta(minutes=10)


def open_once(subject: models.Model, *, actor: User, purpose: str) -> None:
    """Note the opening unless the same person opened the same thing a moment ago: a page has many parts."""
    before = AccessRecord.objects.filter(
        actor=actor,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        purpose=purpose,
        at__gt=timezone.now() - ONE_OPENING,
    )
    if not before.exists():
        open_record(subject, actor=actor, purpose=purpose)


def open_by_link(subjects: Sequence[models.Model], *, link: models.Model, purpose: str) -> None:
    """Note that whoever holds the personal link of a request opened these, all of one kind, in two statements.

    As with open_once, one opening within a while is noted once.
    """
    if not subjects:
        return
    kind = subjects[0]._meta.label_lower
    known = AccessRecord.objects.filter(
        link_id=link.pk,
        subject_type=kind,
        subject_id__in=[one.pk for one in subjects],
        purpose=purpose,
        at__gt=timezone.now() - ONE_OPENING,
    ).values_list("subject_id", flat=True)
    before = set(known)
    AccessRecord.objects.bulk_create(
        AccessRecord(
            link_type=link._meta.label_lower,
            link_id=link.pk,
            subject_type=kind,
            subject_id=one.pk,
            purpose=purpose,
            request_id=this_request(),
        )
        for one in subjects
        if one.pk not in before
    )


@transaction.atomic
def sign_root(*, full: bool | None = None) -> ChainRoot | None:
    """Fold chain heads into a signed Merkle root: what moved since the last, or everything.

    Once a day it is everything. Nothing is written when nothing moved. One row is locked first, so that two
    signers follow one another. A full root locks no head: what moves meanwhile is in the next.
    """
    Heartbeat.objects.get_or_create(name=SIGNER, defaults={"at": timezone.now()})
    Heartbeat.objects.select_for_update().get(name=SIGNER)
    last = ChainRoot.objects.order_by("-number").first()
    if full is None:
        day_ago = timezone.now() - dt.timedelta(days=1)
        full = not ChainRoot.objects.filter(kind=RootKind.FULL, at__gt=day_ago).exists()
    heads = ChainHead.objects.all()
    if not full:
        heads = ChainHead.objects.unrooted().select_for_update(skip_locked=True)
    rows = list(heads.order_by("subject_type", "subject_id"))
    if not rows:
        return None
    leaves = [leaf_hash(canonical(row.leaf())) for row in rows]
    key = signing_key()
    public = public_bytes(key)
    payload = {
        "number": last.number + 1 if last else 1,
        "kind": RootKind.FULL if full else RootKind.DELTA,
        "at": timezone.now(),
        "previous": last.tree_hash if last else START,
        "leaf_count": len(leaves),
        "tree_hash": merkle_root(leaves),
        "key_id": key_id(public),
    }
    text = canonical(payload)
    root = ChainRoot.objects.create(
        **payload, payload=text.decode(), signature=key.sign(text), public_key=public
    )
    ChainLeaf.objects.bulk_create(
        ChainLeaf(
            root=root,
            position=position,
            subject_type=row.subject_type,
            subject_id=row.subject_id,
            seq=row.seq,
            hash=bytes(row.hash),
        )
        for position, row in enumerate(rows)
    )
    if not full:
        keys = [row.pk for row in rows]
        ChainHead.objects.filter(pk__in=keys).update(rooted_seq=models.F("seq"))
    return root
