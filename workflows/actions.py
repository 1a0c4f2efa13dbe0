"""Deadlines and reminders, reading the inbox, retrying a message, signing roots, noting an opening."""

import datetime as dt
import importlib.metadata
import zoneinfo
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Actor, SystemActor, User
from workflows.definitions import reminder_relevance, reminder_texts
from workflows.enums import (
    AttemptResult,
    DeadlineState,
    Lane,
    MessageState,
    ReminderState,
    RootKind,
)
from workflows.exceptions import NotPermitted, StaleState
from workflows.hashing import (
    START,
    canonical,
    key_id,
    leaf_hash,
    merkle_root,
    public_bytes,
    signing_key,
)
from workflows.models import (
    AccessRecord,
    ChainHead,
    ChainLeaf,
    ChainRoot,
    Deadline,
    DeadlineMove,
    DeliveryAttempt,
    Heartbeat,
    Notification,
    OutboxMessage,
    Reminder,
)
from workflows.notifications import notify
from workflows.outbox import nudge
from workflows.rules import may_manage_messages
from workflows.working_days import add_working_days

# Used where nobody gives other offsets; a version's policy gives them. d: days on the wall clock, h: hours
# that pass, w: working days. A minus is before the deadline.
DEFAULT_OFFSETS = ("-7d", "-48h", "0d", "+1w", "+3w")
MORNING = dt.time(8)
SIGNER = "root-signer"
UNITS = "dhw"


def person_of(actor: Actor) -> User | None:
    return None if isinstance(actor, SystemActor) else actor


def at_wall(wall: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """A wall-clock time as a moment. A time that the clocks skip counts as the same time after the gap."""
    return wall.replace(tzinfo=zone).astimezone(dt.UTC)


def fire_time(due_at: dt.datetime, offset: str, zone: str, region: str = "") -> dt.datetime:
    """When a reminder goes out. Each offset names its clock: "-1d" is not "-24h" over a change of clocks."""
    number, unit = int(offset[:-1]), offset[-1]
    if unit not in UNITS:
        raise ValueError(f"{offset} names no clock; use d, h or w")
    if unit == "h":
        # In UTC: Python adds to an aware local time as the wall clock does, not as time passes.
        return due_at.astimezone(dt.UTC) + dt.timedelta(hours=number)
    where = zoneinfo.ZoneInfo(zone)
    wall = due_at.astimezone(where).replace(tzinfo=None)
    if unit == "w":
        day = add_working_days(wall.date(), number, region)
        return at_wall(dt.datetime.combine(day, MORNING), where)
    if number == 0:
        return min(at_wall(dt.datetime.combine(wall.date(), MORNING), where), due_at)
    return at_wall(wall + dt.timedelta(days=number), where)


@transaction.atomic
def set_deadline(
    *,
    subject: models.Model,
    kind: str,
    due_at: dt.datetime,
    zone: str,
    recipients: Iterable[User],
    offsets: Sequence[str] | None = None,
    actor: Actor,
    region: str = "",
) -> Deadline:
    """Make a deadline and its reminders. An open one of the same kind is moved there instead."""
    found = Deadline.objects.select_for_update().of(subject).open().filter(kind=kind).first()
    if found is not None:
        moved = move_deadline(found, due_at=due_at, actor=actor, reason="")
        arm(moved, recipients)
        return moved
    made = Deadline.objects.create(
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        kind=kind,
        due_at=due_at,
        zone=zone,
        region=region,
        offsets=list(DEFAULT_OFFSETS if offsets is None else offsets),
        **provenance(due_at, zone),
    )
    DeadlineMove.objects.create(
        deadline=made, generation=1, due_to=due_at, actor=person_of(actor), reason=""
    )
    arm(made, recipients)
    return made


def provenance(due_at: dt.datetime, zone: str) -> dict[str, str]:
    """Wall time and version of the time-zone data, so that a later change of the rules can be seen."""
    wall = due_at.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)
    return {
        "wall_time": wall.isoformat(timespec="minutes"),
        "tzdata_version": importlib.metadata.version("tzdata"),
    }


def arm(deadline: Deadline, recipients: Iterable[User]) -> None:
    """Make the reminders that are not there yet. Moments that lie behind already are left out."""
    now = timezone.now()
    fresh = []
    for person in recipients:
        for offset in deadline.offsets:
            fire_at = fire_time(deadline.due_at, offset, deadline.zone, deadline.region)
            if fire_at >= now:
                fresh.append(
                    Reminder(
                        deadline=deadline,
                        offset=offset,
                        recipient=person,
                        generation=deadline.generation,
                        fire_at=fire_at,
                    )
                )
    Reminder.objects.bulk_create(fresh, ignore_conflicts=True)


@transaction.atomic
def move_deadline(
    deadline: Deadline, *, due_at: dt.datetime, actor: Actor, reason: str
) -> Deadline:
    """Move a deadline and all its reminders, in one generation more.

    Planned reminders get their new moment; sent ones whose moment lies ahead again are armed again; those
    whose new moment is over already are cancelled. A reminder goes out once in a generation.
    """
    locked: Deadline = Deadline.objects.select_for_update().get(pk=deadline.pk)
    if locked.state != DeadlineState.OPEN:
        raise StaleState(instance=locked)
    before = locked.due_at
    locked.due_at = due_at
    locked.generation += 1
    for name, value in provenance(due_at, locked.zone).items():
        setattr(locked, name, value)
    locked.save(update_fields=["due_at", "generation", "wall_time", "tzdata_version"])
    now = timezone.now()
    people: set[Any] = set()
    for offset in set(locked.offsets):
        fire_at = fire_time(due_at, offset, locked.zone, locked.region)
        rows = Reminder.objects.filter(deadline=locked, offset=offset)
        people.update(rows.values_list("recipient", flat=True))
        if fire_at >= now:
            rows.update(
                fire_at=fire_at,
                generation=locked.generation,
                state=ReminderState.PLANNED,
                because="",
                fired_at=None,
            )
        else:
            rows.filter(state=ReminderState.PLANNED).update(
                fire_at=fire_at,
                generation=locked.generation,
                state=ReminderState.CANCELLED,
                because="Its moment was over when the deadline was moved.",
            )
    # An offset that lay behind when the deadline was made has no row yet.
    arm(locked, User.objects.filter(pk__in=people))
    DeadlineMove.objects.create(
        deadline=locked,
        generation=locked.generation,
        due_from=before,
        due_to=due_at,
        actor=person_of(actor),
        reason=reason,
    )
    return locked


@transaction.atomic
def cancel_deadline(deadline: Deadline, *, actor: Actor, reason: str = "") -> Deadline:
    """Close a deadline; nothing that was planned goes out. Cancelling twice is harmless."""
    locked: Deadline = Deadline.objects.select_for_update().get(pk=deadline.pk)
    if locked.state == DeadlineState.OPEN:
        locked.state = DeadlineState.CANCELLED
        locked.save(update_fields=["state"])
        locked.reminders.filter(state=ReminderState.PLANNED).update(
            state=ReminderState.CANCELLED, because="The deadline was cancelled."
        )
        DeadlineMove.objects.create(
            deadline=locked,
            generation=locked.generation,
            due_from=locked.due_at,
            actor=person_of(actor),
            reason=reason,
        )
    return locked


def sweep_due(batch: int = 200) -> int:
    """Send out the reminders whose moment has come. Gives how many people were reminded.

    Rows are claimed by index and skipped where another sweep holds them; what they cause is committed with
    their mark. After an outage a person gets the latest that still applies, the others are superseded.
    """
    sent = 0
    while True:
        fired, claimed = sweep_batch(batch)
        sent += fired
        if claimed < batch:
            break
    if sent:
        nudge()
    return sent


@transaction.atomic
def sweep_batch(batch: int) -> tuple[int, int]:
    """One claimed batch: how many were sent, how many were looked at."""
    due = Reminder.objects.due().select_for_update(of=("self",), skip_locked=True)
    rows = list(due.select_related("deadline", "recipient").order_by("fire_at", "id")[:batch])
    latest = {(row.deadline_id, row.recipient_id): row.pk for row in rows}
    wanted: dict[int, bool] = {}
    fired = 0
    for row in rows:
        state, because = verdict(row, latest, wanted)
        if state == ReminderState.FIRED:
            send(row)
            fired += 1
        Reminder.objects.filter(pk=row.pk).update(
            state=state, because=because, fired_at=Now() if state == ReminderState.FIRED else None
        )
    return fired, len(rows)


def verdict(
    row: Reminder, latest: dict[tuple[int, Any], int], wanted: dict[int, bool]
) -> tuple[str, str]:
    """What becomes of a due reminder, and why if it does not go out."""
    deadline = row.deadline
    if deadline.state != DeadlineState.OPEN or row.generation != deadline.generation:
        return ReminderState.CANCELLED, "The deadline is no longer this one."
    if not row.recipient.is_active:
        return ReminderState.CANCELLED, "The recipient's account is closed."
    if row.deadline_id not in wanted:
        ask = reminder_relevance.get(deadline.kind)
        wanted[row.deadline_id] = ask is None or bool(ask(deadline))
    if not wanted[row.deadline_id]:
        return ReminderState.CANCELLED, "Nothing is waited for any more."
    if latest[(row.deadline_id, row.recipient_id)] != row.pk:
        return ReminderState.SUPERSEDED, "A later reminder was due at the same time."
    if not row.offset.startswith("+") and deadline.due_at < timezone.now():
        return ReminderState.SUPERSEDED, "The deadline had passed."
    return ReminderState.FIRED, ""


def send(row: Reminder) -> None:
    """Tell the recipient, once in a generation."""
    deadline = row.deadline
    text = reminder_texts.get(deadline.kind)
    if text is None:
        raise LookupError(f"No text for reminders of {deadline.kind}")
    topic, path, context = text(row)
    notify(
        topic=topic,
        recipients=[row.recipient],
        path=path,
        context=context,
        lane=Lane.REMINDER,
        dedupe=f"reminder:{deadline.pk}:{row.offset}:{deadline.generation}",
    )


def mark_read(notifications: models.QuerySet[Notification], *, actor: User) -> int:
    """Note that the person has read these; only their own are touched."""
    mine = notifications.filter(recipient=actor, read_at__isnull=True)
    return mine.update(read_at=timezone.now())


@transaction.atomic
def retry_message(message: OutboxMessage, *, actor: User) -> OutboxMessage:
    """Put a dead or refused message back, with all its tries before it. The attempt list keeps who did it."""
    locked: OutboxMessage = OutboxMessage.objects.select_for_update().get(pk=message.pk)
    if locked.state not in (MessageState.DEAD, MessageState.FAILED):
        raise StaleState(instance=locked)
    if not may_manage_messages(actor):
        raise NotPermitted(instance=locked)
    now = timezone.now()
    locked.state = MessageState.PENDING
    locked.attempts = 0
    locked.available_at = locked.created_at = now
    locked.lease_until = locked.lease_token = None
    locked.save()
    DeliveryAttempt.objects.create(
        message=locked, started_at=now, result=AttemptResult.REQUEUED, actor=actor
    )
    transaction.on_commit(nudge, robust=True)
    return locked


def open_record(subject: models.Model, *, actor: User, purpose: str) -> AccessRecord:
    """Note that somebody opened something sensitive that is not theirs."""
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64]
    return AccessRecord.objects.create(
        actor=actor,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        purpose=purpose,
        request_id=request_id,
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
