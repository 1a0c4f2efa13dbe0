"""What higher apps do in the same transaction when something happens in the catalogue.

A moved due date must move deadlines with it or not at all, so a message afterwards is not enough.
The higher app registers at start-up; the catalogue knows none of them by name.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Literal, TypeVar

Event = Literal["delivery_opened", "learner_enrolled", "enrolment_ended", "schedule_moved"]
Hook = TypeVar("Hook", bound=Callable[..., None])

_hooks: dict[str, list[Callable[..., None]]] = defaultdict(list)


def when(event: Event) -> Callable[[Hook], Hook]:
    """Register a function for an event. It gets keyword arguments only, `actor` always.

    delivery_opened: delivery · learner_enrolled, enrolment_ended: enrolment ·
    schedule_moved: schedule, reason (dates are the new ones; not called for a first schedule).
    """

    def wrap(hook: Hook) -> Hook:
        if hook not in _hooks[event]:
            _hooks[event].append(hook)
        return hook

    return wrap


def tell(event: Event, **facts: Any) -> None:
    """Call what was registered, in the order of registration."""
    for hook in _hooks[event]:
        hook(**facts)
