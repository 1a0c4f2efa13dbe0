"""The history of every subject: records, their labels, chain heads, signed roots, openings."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from workflows.enums import RootKind
from workflows.hashing import timestamp
from workflows.querysets import AccessRecordQuerySet, ChainHeadQuerySet, TransitionRecordQuerySet


class TransitionRecord(models.Model):
    """One transition. Append-only by trigger; `payload` is what was hashed, the columns are copies of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject_type = models.CharField(max_length=100)
    subject_id = models.UUIDField()
    seq = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    source = models.CharField(max_length=30, blank=True)
    target = models.CharField(max_length=30)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor_system = models.CharField(max_length=50, blank=True)
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    overridden = models.JSONField(default=list, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=timezone.now)
    payload = models.TextField()
    prev_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    objects = TransitionRecordQuerySet.as_manager()

    class Meta:
        ordering = ["subject_type", "subject_id", "seq"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "seq"], name="workflows_record_seq_once"
            ),
        ]
        indexes = [models.Index(fields=["at"], name="workflows_record_at")]

    def __str__(self) -> str:
        return f"{self.subject_type} {self.name}: {self.source} to {self.target}"

    def hashed_columns(self) -> dict[str, Any]:
        """The part of the hashed payload that the columns repeat; the verifier compares the two."""
        return {
            "subject_type": self.subject_type,
            "subject_id": str(self.subject_id),
            "seq": self.seq,
            "name": self.name,
            "source": self.source,
            "target": self.target,
            "actor": f"system:{self.actor_system}"
            if self.actor_system
            else f"user:{self.actor_id}",
            "on_behalf_of": f"user:{self.on_behalf_of_id}" if self.on_behalf_of_id else None,
            "overridden": self.overridden,
            "facts": self.facts,
            "request_id": self.request_id,
            "at": timestamp(self.at),
        }

    @property
    def machine(self) -> str:
        return self.subject_type

    @property
    def subject(self) -> Any:
        """The row that moved, as it is now."""
        from django.apps import apps  # noqa: PLC0415  the registry is ready when a record is read

        return apps.get_model(self.subject_type)._base_manager.filter(pk=self.subject_id).first()


class TransitionLabel(models.Model):
    """Names and reason of a record as they stood. Outside the hash, so that lawful erasure can blank them."""

    record = models.OneToOneField(
        TransitionRecord, models.PROTECT, primary_key=True, related_name="label"
    )
    actor_label = models.CharField(max_length=300, null=True)
    actor_salt = models.BinaryField(max_length=32, null=True)
    subject_label = models.CharField(max_length=500, null=True)
    subject_salt = models.BinaryField(max_length=32, null=True)
    reason = models.TextField(null=True)
    reason_salt = models.BinaryField(max_length=32, null=True)

    def __str__(self) -> str:
        return f"{self.actor_label or '–'}: {self.subject_label or '–'}"


def leaf_of(row: "ChainHead | ChainLeaf") -> dict[str, Any]:
    return {
        "subject_type": row.subject_type,
        "subject_id": str(row.subject_id),
        "seq": row.seq,
        "hash": bytes(row.hash).hex(),
    }


class ChainHead(models.Model):
    """Where a subject's chain ends. `seq` and `hash` are moved by the insert trigger of the records."""

    subject_type = models.CharField(max_length=100)
    subject_id = models.UUIDField()
    seq = models.PositiveIntegerField(db_default=0)
    hash = models.BinaryField(max_length=32)
    rooted_seq = models.PositiveIntegerField(db_default=0)

    objects = ChainHeadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id"], name="workflows_head_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["subject_type", "subject_id"],
                name="workflows_head_unrooted",
                condition=models.Q(seq__gt=models.F("rooted_seq")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject_type} {self.subject_id} at {self.seq}"

    def leaf(self) -> dict[str, Any]:
        """What a leaf of the tree says of this chain."""
        return leaf_of(self)


class ChainRoot(models.Model):
    """A signed Merkle root over chain heads. Append-only; exported, it shows whether history was rewritten."""

    number = models.PositiveIntegerField(primary_key=True)
    kind = models.CharField(max_length=10, choices=RootKind)
    at = models.DateTimeField()
    previous = models.BinaryField(max_length=32)
    leaf_count = models.PositiveIntegerField()
    tree_hash = models.BinaryField(max_length=32)
    payload = models.TextField()
    signature = models.BinaryField(max_length=64)
    key_id = models.CharField(max_length=16)
    public_key = models.BinaryField(max_length=32)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"Root {self.number}"


class ChainLeaf(models.Model):
    """A head as it stood when a root was made over it. Append-only."""

    root = models.ForeignKey(ChainRoot, models.PROTECT, related_name="leaves")
    position = models.PositiveIntegerField()
    subject_type = models.CharField(max_length=100)
    subject_id = models.UUIDField()
    seq = models.PositiveIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        ordering = ["root", "position"]
        constraints = [
            models.UniqueConstraint(fields=["root", "position"], name="workflows_leaf_place_once"),
        ]
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="workflows_leaf_of")]

    def __str__(self) -> str:
        return f"Leaf {self.position} of root {self.root_id}"

    def leaf(self) -> dict[str, Any]:
        """What a leaf of the tree says of this chain."""
        return leaf_of(self)


class AllowedTransition(models.Model):
    """A pair that a machine declares; the state triggers of PostgreSQL read this table."""

    machine = models.CharField(max_length=100)
    name = models.CharField(max_length=100)
    source = models.CharField(max_length=30, blank=True)
    target = models.CharField(max_length=30)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["machine", "source", "target", "name"], name="workflows_allowed_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine}.{self.name}: {self.source} to {self.target}"


class AccessRecord(models.Model):
    """Somebody opened something sensitive that is not theirs. Append-only, not chained.

    Who opens it by a personal link has no account: the record names the request that the link belongs to.
    """

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    link_type = models.CharField(max_length=100, blank=True, default="", db_default="")
    link_id = models.UUIDField(null=True, blank=True)
    subject_type = models.CharField(max_length=100)
    subject_id = models.UUIDField()
    purpose = models.CharField(max_length=100)
    request_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=timezone.now)

    objects = AccessRecordQuerySet.as_manager()

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="workflows_access_of")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(actor__isnull=False, link_id__isnull=True)
                | models.Q(actor__isnull=True, link_id__isnull=False),
                name="workflows_access_by_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.actor_id or self.link_id} opened {self.subject_type} {self.subject_id}"
