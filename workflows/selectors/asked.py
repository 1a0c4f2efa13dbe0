"""What is asked again of news that has waited, for all that leaves together at once."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils import timezone

from workflows.definitions import ASKED_ANEW, reminder_batches, reminder_relevance
from workflows.enums import Lane
from workflows.models import Notification, Reminder
from workflows.selectors.preferences import Wishes


def has_waited(notice: Notification) -> bool:
    """Whether so much time has gone since it was written that everything is asked again."""
    return timezone.now() - notice.created_at > ASKED_ANEW


@dataclass
class AskedAnew:
    """Answers that one process got for mails that it holds together; they are good for as long as it holds them.

    `waits` tells, by notification, whether the date of a reminder still waits for anything; `wishes` are those
    of the people. What was written just now is not in it, and has to be asked for itself once it has waited.
    """

    about: frozenset[int] = frozenset()
    waits: dict[int, bool] = field(default_factory=dict)
    wishes: Wishes = field(default_factory=Wishes)

    @classmethod
    def of(cls, notices: Iterable[Notification]) -> "AskedAnew":
        """Two queries for the wishes and one for each kind that answers for many, whatever their number."""
        old = [one for one in notices if has_waited(one)]
        people = [one.recipient for one in old if one.recipient is not None]
        if not old:
            return cls()
        return cls(frozenset(one.pk for one in old), still_waiting(old), Wishes.of(people))

    def wishes_for(self, notice: Notification) -> Wishes | None:
        """Those of its reader; None where they were not read."""
        return self.wishes if notice.pk in self.about else None


def still_waiting(notices: Iterable[Notification]) -> dict[int, bool]:
    """Of each reminder, by its key, whether its date still waits for anything."""
    by_kind: dict[str, list[Notification]] = defaultdict(list)
    for one in notices:
        if one.lane == Lane.REMINDER and one.deadline is not None and one.recipient is not None:
            by_kind[one.deadline.kind].append(one)
    found: dict[int, bool] = {}
    for kind, many in by_kind.items():
        ask, batch = reminder_relevance.get(kind), reminder_batches.get(kind)
        if ask is None:
            continue
        if batch is not None:
            asked = [
                Reminder(pk=one.pk, deadline=one.deadline, recipient=one.recipient, offset="0d")
                for one in many
            ]
            wanted = batch(asked)
            found |= {one.pk: one.pk in wanted for one in many}
            continue
        answers: dict[int, bool] = {}
        for one in many:
            deadline = one.deadline
            assert deadline is not None  # noqa: S101  by_kind has no others
            if deadline.pk not in answers:
                answers[deadline.pk] = bool(ask(deadline))
            found[one.pk] = answers[deadline.pk]
    return found
