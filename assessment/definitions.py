"""A draft and a comment as they travel from a page to the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from assessment.enums import Audience, Place


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
    reason_code: str = ""


@dataclass(frozen=True)
class Box:
    """A part of a page, in whole per cent of its width and height from the top left corner."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Remark:
    """A comment on a piece of evidence. Times are in milliseconds from the beginning."""

    body: str
    page: int | None = None
    quote: str = ""
    box: Box | None = None
    starts_ms: int | None = None
    ends_ms: int | None = None
    criterion: UUID | None = None
    audience: str = Audience.LEARNER

    @property
    def place(self) -> Place:
        """The narrowest place that the fields name."""
        if self.starts_ms is not None:
            return Place.TIME if self.ends_ms is None else Place.RANGE
        if self.box is not None:
            return Place.BOX
        if self.quote:
            return Place.QUOTE
        return Place.WHOLE if self.page is None else Place.PAGE
