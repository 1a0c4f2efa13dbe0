"""Which reminders of a deadline a person gets: those of the policy, less the ones that they go without."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from workflows.enums import DeadlineState
from workflows.models import Deadline, Reminder, ReminderPreference
from workflows.selectors.entries import LABELS
from workflows.working_days import OFFSET, offset_words

# Rough, to tell which of some reminders comes last; a week has five working days.
HOURS = {"h": 1.0, "d": 24.0, "wd": 24.0 * 7 / 5}


def is_ahead(offset: str) -> bool:
    """Whether the reminder comes before the date or on its day. Those after it are nobody's own affair."""
    return not offset.startswith("+")


def nearness(offset: str) -> float:
    """How late it comes, compared with others before the date."""
    found = OFFSET.fullmatch(offset)
    return float(found[1]) * HOURS[found[2]] if found else 0.0


def remaining(
    offsets: Sequence[str], required: Collection[str], without: Collection[str]
) -> list[str]:
    """The offsets that a person gets who goes without some of them.

    Required ones and those after the date stay. Of the others at least the latest stays: nobody misses a
    date because they chose to hear nothing of it.
    """
    kept = [one for one in offsets if not is_ahead(one) or one in required or one not in without]
    ahead = [one for one in offsets if is_ahead(one)]
    if ahead and not any(is_ahead(one) for one in kept):
        kept.append(max(ahead, key=nearness))
    return [one for one in offsets if one in kept]


@dataclass
class Choices:
    """What some people chose about reminders, read once. Keys of people are texts."""

    without: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    changed: dict[tuple[str, str], dt.datetime] = field(default_factory=dict)

    @classmethod
    def of(cls, people: Iterable[Any]) -> "Choices":
        """One query, whatever the number of keys."""
        made = cls()
        for row in ReminderPreference.objects.filter(user__in=set(people)):
            key = str(row.user_id), row.kind
            made.without[key] = frozenset(row.without)
            made.changed[key] = row.changed_at
        return made

    def offsets(self, deadline: Deadline, person: Any) -> list[str]:
        """Those of the deadline that the person gets."""
        declined = self.without.get((str(person), deadline.kind))
        if not declined:
            return list(deadline.offsets)
        return remaining(deadline.offsets, deadline.required, declined)

    def is_wanted(self, reminder: Reminder) -> bool:
        """Whether the person does not go without this one."""
        deadline, person = reminder.deadline, reminder.recipient_id
        declined = self.without.get((str(person), deadline.kind), ())
        return reminder.offset not in declined or reminder.offset in self.offsets(deadline, person)

    def changed_at(self, person: Any, kind: str) -> dt.datetime | None:
        """When the person last changed what they get of the kind; None where they never did."""
        return self.changed.get((str(person), kind))


@dataclass(frozen=True)
class KindRow:
    """One kind of date of a person: what can be chosen, what is chosen, and what always comes."""

    kind: str
    offered: list[str]
    chosen: list[str]
    always: list[str]

    @property
    def label(self) -> str:
        return LABELS.get(self.kind, "Due")

    @property
    def hint(self) -> str:
        """What comes whatever is chosen."""
        if not self.always:
            return "At least the last of them always comes."
        return f"Always: {', '.join(map(offset_words, self.always))}."


def kinds_for(person: User) -> list[KindRow]:
    """Kinds of the person's open dates of which they can choose reminders, in two queries.

    Where all that comes before a date is required, or only one does, there is nothing to choose.
    """
    mine = Reminder.objects.filter(recipient=person).values("deadline")
    rows = Deadline.objects.filter(pk__in=mine, state=DeadlineState.OPEN).order_by()
    seen: dict[str, set[str]] = defaultdict(set)
    fixed: dict[str, set[str]] = defaultdict(set)
    for kind, offsets, required in rows.values_list("kind", "offsets", "required").distinct():
        seen[kind].update(offsets)
        fixed[kind].update(one for one in offsets if not is_ahead(one) or one in required)
    choices = Choices.of([person.pk])
    found = []
    for kind in sorted(seen, key=lambda one: list(LABELS).index(one) if one in LABELS else -1):
        offered = sorted(seen[kind] - fixed[kind], key=nearness)
        ahead = [one for one in seen[kind] if is_ahead(one)]
        if not offered or len(ahead) < 2:
            continue
        without = choices.without.get((str(person.pk), kind), frozenset())
        found.append(
            KindRow(
                kind,
                offered,
                [one for one in offered if one not in without],
                sorted(fixed[kind], key=nearness),
            )
        )
    return found
