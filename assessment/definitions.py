"""A draft as it travels from a page to the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True)
class Judged:
    """What a person says about one criterion. None leaves as it is what the page did not send."""

    level: UUID | None = None
    feedback: str = ""
    staff_note: str = ""
    pointers: Sequence[int] | None = None


@dataclass(frozen=True)
class Marks:
    """A whole draft as a page sends it, by the number of the criterion. Others stay as they are."""

    criteria: Mapping[int, Judged] = field(default_factory=dict)
    feedback: str = ""
    staff_note: str = ""
    reason: str = ""
