"""The one door: every change of state goes through perform(), begin() or perform_set()."""

import secrets
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from django.db import models, transaction
from django.dispatch import receiver
from django.utils import timezone
from django_fsm import ConcurrentTransition
from django_fsm.signals import pre_transition

from accounts.models import Actor, SystemActor, User
from workflows import outbox
from workflows.exceptions import GuardsNotMet, NotPermitted, SetRefused, StaleState
from workflows.guards import allowed_in, guards_for, rule_for, running
from workflows.hashing import START, canonical, digest, plain, record_hash
from workflows.machines import Arrow, Birth, step_on
from workflows.models import ChainHead, StateModel, TransitionLabel, TransitionRecord
from workflows.querysets import insert_together, update_each

__all__ = ["Birth", "Refusal", "SetOutcome", "begin", "perform", "perform_set"]

Subject = TypeVar("Subject", bound=StateModel)
Facts = Mapping[str, Any] | Callable[[Any], Mapping[str, Any]] | None


@dataclass(frozen=True)
class Refusal:
    """Why one item of a set could not move."""

    code: str
    message: Any


@dataclass
class SetOutcome:
    """What became of each item of a set."""

    moved: list[uuid.UUID] = field(default_factory=list)
    refused: dict[uuid.UUID, list[Refusal]] = field(default_factory=dict)


@receiver(pre_transition)
def refuse_direct_calls(sender: Any, instance: models.Model, name: str, **kwargs: Any) -> None:
    """django-fsm runs a step for anybody who calls the method; only the door may."""
    if running.get() != (instance._meta.label_lower, instance.pk, name):
        raise RuntimeError(f"{sender.__name__}.{name}() must go through workflows.transitions")


@contextmanager
def opened(instance: models.Model, name: str) -> Iterator[None]:
    """Let exactly this step of exactly this instance pass."""
    token = running.set((instance._meta.label_lower, instance.pk, name))
    try:
        yield
    finally:
        running.reset(token)


@transaction.atomic
def perform(
    instance: Subject,
    name: str,
    *,
    actor: Actor,
    reason: str = "",
    seen_seq: int | None = None,
    facts: Facts = None,
    overridden: Sequence[str] = (),
    on_behalf_of: User | None = None,
    **inputs: Any,
) -> Subject:
    """Take one step and return the fresh row; the instance given is stale afterwards.

    Locks the row, looks at the state, asks the rule, asks the guards, runs the transition, saves, and
    writes record, label, chain head and event message: all or nothing. Guards named in `overridden` do
    not stop it; those that would have are recorded. Raises StaleState, NotPermitted or GuardsNotMet.
    """
    # Lock first: whatever the caller read before this line may be old.
    locked: Subject = lock(instance)
    step = step_on(locked, name)
    if step is None or (seen_seq is not None and seen_seq != locked.seq):
        raise StaleState(instance=locked)
    failed = asked(step, locked, actor, overridden)
    with opened(locked, name):
        getattr(locked, name)(actor=actor, **inputs)
    locked.seq += 1
    try:
        locked.save()
    except ConcurrentTransition as error:
        # Only where the database has no row locks (SQLite outside IMMEDIATE).
        raise StaleState(instance=instance) from error
    write(
        [(locked, step, facts)],
        actor=actor,
        reason=reason,
        overridden=failed,
        on_behalf_of=on_behalf_of,
    )
    return locked


def asked(step: Arrow, locked: Any, actor: Actor, overridden: Sequence[str]) -> list[str]:
    """Ask rule, then guards; gives the codes of guards that did not hold and were overridden.

    Raises NotPermitted, and GuardsNotMet where one did not hold that was not.
    """
    if not rule_for(step.step_id, step.permission)(locked, actor):
        raise NotPermitted(instance=locked)
    failed = [
        one for one in guards_for(step.step_id, step.conditions) if not one.holds(locked, actor)
    ]
    if unmet := [one for one in failed if one.code not in overridden]:
        raise GuardsNotMet(unmet, instance=locked)
    return [one.code for one in failed]


@transaction.atomic
def begin(
    birth: Birth,
    *,
    parent: models.Model,
    actor: Actor,
    build: Callable[[], Subject],
    reason: str = "",
    facts: Facts = None,
    overridden: Sequence[str] = (),
    on_behalf_of: User | None = None,
) -> Subject:
    """Bring a subject into being in its first state, with its first record.

    Locks the parent row and asks rule and guards about the parent; `build` makes the unsaved subject
    after that. Several births of one parent therefore follow one another.
    """
    locked = lock(parent)
    step = birth.arrow
    failed = asked(step, locked, actor, overridden)
    made = build()
    made.__dict__["state"] = step.target
    made.seq = 1
    made.save(force_insert=True)
    write(
        [(made, step, facts)],
        actor=actor,
        reason=reason,
        overridden=failed,
        on_behalf_of=on_behalf_of,
    )
    return made


@transaction.atomic
def perform_set(
    queryset: models.QuerySet[Any],
    name: str,
    *,
    actor: Actor,
    reason: str = "",
    facts: Facts = None,
    whole: bool = False,
    **inputs: Any,
) -> SetOutcome:
    """Take the same step for many subjects, in a number of statements that does not depend on how many.

    Same rule, same guards, one record and one event message for each. What cannot move stays and is
    reported with every reason; with `whole` nothing moves then, and SetRefused carries the report. The
    transition's method runs in memory for each row and may only set fields.
    """
    outcome = SetOutcome()
    rows = lock_set(queryset)
    steps: dict[uuid.UUID, Arrow] = {}
    refused: dict[uuid.UUID, list[Refusal]] = defaultdict(list)
    for row in rows:
        step = step_on(row, name)
        if step is None:
            refused[row.pk].append(Refusal("stale_state", StaleState.headline))
        else:
            steps[row.pk] = step
    ready = [row for row in rows if row.pk in steps]
    for arrows in grouped(ready, steps):
        check_group(queryset.model, arrows, steps, actor, refused)
    outcome.refused = dict(refused)
    if whole and outcome.refused:
        raise SetRefused(outcome.refused)
    moving = [row for row in ready if row.pk not in refused]
    if not moving:
        return outcome
    changes = [change(row, name, actor=actor, inputs=inputs) for row in moving]
    save_set(queryset.model, moving, changes)
    write([(row, steps[row.pk], facts) for row in moving], actor=actor, reason=reason)
    outcome.moved = [row.pk for row in moving]
    return outcome


def lock(instance: Any) -> Any:
    """The row as it is now, kept from others until the transaction ends.

    What rule and guards of every step ask for (`locked_with` of the model) comes with it.
    """
    rows = type(instance)._base_manager.select_for_update(of=("self",), no_key=True)
    if beside := getattr(type(instance), "locked_with", ()):
        rows = rows.select_related(*beside)
    found = rows.filter(pk=instance.pk).first()
    if found is None:
        raise StaleState(instance=instance)
    return found


def lock_set(queryset: models.QuerySet[Any]) -> list[Any]:
    """The rows of a set, locked in the order of their keys, with what the caller wanted loaded beside them."""
    keys = list(queryset.values_list("pk", flat=True))
    rows = queryset.model._base_manager.filter(pk__among=keys).order_by("pk")
    rows = rows.select_for_update(of=("self",), no_key=True)
    rows.query.select_related = queryset.query.select_related
    rows._prefetch_related_lookups = queryset._prefetch_related_lookups  # type: ignore[attr-defined]
    return list(rows)


def grouped(rows: Sequence[Any], steps: Mapping[uuid.UUID, Arrow]) -> Iterator[list[Any]]:
    """Rows that share rule and guards: usually one group, one more for each other arrow of that name."""
    groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in rows:
        step = steps[row.pk]
        groups[(step.permission, step.conditions)].append(row)
    yield from groups.values()


def check_group(
    model: type[models.Model],
    rows: list[Any],
    steps: Mapping[uuid.UUID, Arrow],
    actor: Actor,
    refused: dict[uuid.UUID, list[Refusal]],
) -> None:
    """Ask rule, then guards, and note who is refused and why."""
    step = steps[rows[0].pk]
    everyone = model._base_manager.filter(pk__among=[row.pk for row in rows])
    allowed = allowed_in(rule_for(step.step_id, step.permission), rows, everyone, actor)
    for row in rows:
        if row.pk not in allowed:
            refused[row.pk].append(Refusal("not_permitted", NotPermitted.headline))
    keys = [row.pk for row in rows if row.pk in allowed]
    asked = model._base_manager.filter(pk__among=keys)
    for one in guards_for(step.step_id, step.conditions):
        if one.bulk is not None:
            failing = one.failing(asked, actor) & set(keys)
        else:
            failing = {row.pk for row in rows if row.pk in allowed and not one.holds(row, actor)}
        for key in keys:
            if key in failing:
                refused[key].append(Refusal(one.code, one.message))


def change(row: Any, name: str, *, actor: Actor, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Run the step in memory; the columns that it changed, with their new values."""
    columns = [one.attname for one in row._meta.concrete_fields]
    before = {column: row.__dict__.get(column) for column in columns}
    with opened(row, name):
        getattr(row, name)(actor=actor, **inputs)
    row.seq += 1
    return {
        column: row.__dict__.get(column)
        for column in columns
        if row.__dict__.get(column) != before[column]
    }


def save_set(
    model: type[models.Model], rows: Sequence[Any], changes: Sequence[Mapping[str, Any]]
) -> None:
    """One UPDATE for all rows: one value where all agree, one for each where they differ."""
    same: dict[str, Any] = {}
    different: dict[str, list[Any]] = {}
    for column in {name for one in changes for name in one} - {"seq"}:
        wanted = [row.__dict__.get(column) for row in rows]
        if all(one == wanted[0] for one in wanted):
            same[column] = wanted[0]
        else:
            different[column] = wanted
    update_each(model, [row.pk for row in rows], same, different)


def write(
    moved: Sequence[tuple[StateModel, Arrow, Facts]],
    *,
    actor: Actor,
    reason: str = "",
    overridden: Sequence[str] = (),
    on_behalf_of: User | None = None,
) -> list[TransitionRecord]:
    """Write record, label and event message for each subject that moved, each on its own chain."""
    machine = moved[0][1].machine
    heads = {
        key: bytes(last)
        for key, last in ChainHead.objects.filter(
            subject_type=machine, subject_id__among=[subject.pk for subject, _step, _facts in moved]
        ).values_list("subject_id", "hash")
    }
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64]
    at = timezone.now()
    records, labels, events = [], [], []
    for subject, step, facts in moved:
        record, label = describe(
            subject, step, heads.get(subject.pk, START), actor=actor, reason=reason, at=at,
            facts=plain(facts(subject) if callable(facts) else facts or {}),
            overridden=list(overridden), on_behalf_of=on_behalf_of, request_id=request_id,
        )  # fmt: skip
        records.append(record)
        labels.append(label)
        events.append((step.topic, record))
    insert_together(records, labels, outbox.events_of(events))
    outbox.nudge_after_commit()
    return records


def describe(
    subject: StateModel,
    step: Arrow,
    previous: bytes,
    *,
    actor: Actor,
    reason: str,
    facts: dict[str, Any],
    overridden: list[str],
    on_behalf_of: User | None,
    request_id: str,
    at: Any,
) -> tuple[TransitionRecord, TransitionLabel]:
    """The unsaved record and label of one transition. Personal text goes into the hash as a salted digest only."""
    salts = [secrets.token_bytes(32) for _each in range(3)]
    actor_label = actor.label if isinstance(actor, SystemActor) else str(actor)
    texts = [plain(actor_label)[:300], plain(str(subject))[:500], plain(reason)]
    record = TransitionRecord(
        subject_type=step.machine, subject_id=subject.pk, seq=subject.seq, name=step.name,
        source=step.source, target=step.target, at=at, request_id=request_id,
        actor_id=None if isinstance(actor, SystemActor) else actor.pk,
        actor_system=actor.name if isinstance(actor, SystemActor) else "",
        on_behalf_of_id=on_behalf_of.pk if on_behalf_of else None,
        overridden=overridden, facts=facts, prev_hash=previous,
    )  # fmt: skip
    payload = {
        **record.hashed_columns(),
        "actor_label": digest(salts[0], texts[0]),
        "subject_label": digest(salts[1], texts[1]),
        "reason": digest(salts[2], texts[2]),
    }
    record.payload = canonical(payload).decode()
    record.hash = record_hash(previous, record.payload.encode())
    label = TransitionLabel(
        record_id=record.pk, actor_label=texts[0], actor_salt=salts[0], subject_label=texts[1],
        subject_salt=salts[1], reason=texts[2], reason_salt=salts[2],
    )  # fmt: skip
    return record, label
