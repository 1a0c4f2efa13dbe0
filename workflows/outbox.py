"""What leaves after the commit. The database holds the messages; a broker only says "look now"."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction

from workflows.enums import Lane, MessageKind
from workflows.models import OutboxMessage, TransitionRecord

_nudges: list[Callable[[], Any]] = []


def on_nudge(hook: Callable[[], Any]) -> Callable[[], Any]:
    """Register what wakes the relay after a commit. A lost nudge costs one poll interval, nothing else."""
    _nudges.append(hook)
    return hook


def nudge() -> None:
    for hook in _nudges:
        hook()


def enqueue(pairs: Iterable[tuple[str, TransitionRecord]]) -> None:
    """Write one event message for each (topic, record), inside the caller's transaction."""
    OutboxMessage.objects.bulk_create(
        OutboxMessage(
            kind=MessageKind.EVENT,
            lane=Lane.RESULT,
            topic=topic,
            dedupe_key=f"event:{record.pk}",
            record=record,
        )
        for topic, record in pairs
    )
    transaction.on_commit(nudge, robust=True)
