"""What higher apps do in the same transaction when something happens in the catalogue.

A moved due date must move deadlines with it or not at all, so a message afterwards is not enough.
The higher app registers at start-up; the catalogue knows none of them by name.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Literal, TypeVar

Event = Literal[
    "delivery_opened", "learner_enrolled", "enrolment_ended", "schedule_moved", "parts_changed"
]
Hook = TypeVar("Hook", bound=Callable[..., None])
Preview = TypeVar("Preview", bound=Callable[..., Any])

_previews: list[Callable[..., Any]] = []
_hooks: dict[str, list[Callable[..., None]]] = defaultdict(list)


def when(event: Event) -> Callable[[Hook], Hook]:
    """Register a function for an event. It gets keyword arguments only, `actor` always.

    delivery_opened: delivery · learner_enrolled, enrolment_ended: enrolment ·
    schedule_moved: schedule, reason (dates are the new ones; not called for a first schedule) ·
    parts_changed: delivery (somebody of the staff came or left).
    """

    def wrap(hook: Hook) -> Hook:
        if hook not in _hooks[event]:
            _hooks[event].append(hook)
        return hook

    return wrap


def previews_schedule(hook: Preview) -> Preview:
    """Register what says beforehand whom new dates of a task concern: (schedule, due_at, cut_off_at)."""
    if hook not in _previews:
        _previews.append(hook)
    return hook


def preview_schedule(**facts: Any) -> list[Any]:
    """What the registered functions say, in order. Changes nothing."""
    return [hook(**facts) for hook in _previews]


def tell(event: Event, **facts: Any) -> None:
    """Call what was registered, in the order of registration."""
    for hook in _hooks[event]:
        hook(**facts)
