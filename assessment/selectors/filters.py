"""What a person asked to see of the queue. The filters live in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from assessment.enums import WORK_STATES
from assessment.querysets import lying_in, seen_in
from portfolios.enums import SubmissionState

QUEUED = (*WORK_STATES, SubmissionState.UNDER_RECONSIDERATION)
FEWEST = "25"
ROWS = ("50", "100")
CRITERIA = tuple(str(number) for number in range(1, 61))
DUE = {"overdue": "Overdue", "soon": "Due within 3 days", "later": "Due later"}
FLAGGED = {"yes": "Flagged by me"}
WHOSE = {"mine": "Mine", "unallocated": "Unallocated"}


@dataclass(frozen=True)
class Filters:
    """What a person asked to see, and how much of it on a page. Unknown values count as not given."""

    delivery: str = ""
    task: str = ""
    state: str = ""
    attempt: str = ""
    due: str = ""
    whose: str = ""
    rows: str = ""
    flagged: str = ""
    criterion: str = ""
    """The number of the one criterion that is marked across learners; it leaves no submission out."""

    @classmethod
    def read(cls, query: Mapping[str, Any]) -> "Filters":
        return cls(
            delivery=_key(query.get("delivery")),
            task=_key(query.get("task")),
            state=_one(query.get("state"), [str(one) for one in QUEUED]),
            attempt=_one(query.get("attempt"), ["1", "2", "3", "4", "5"]),
            due=_one(query.get("due"), DUE),
            whose=_one(query.get("whose"), WHOSE),
            rows=_one(query.get("rows"), ROWS),
            flagged=_one(query.get("flagged"), FLAGGED),
            criterion=_one(query.get("criterion"), CRITERIA),
        )

    @property
    def given(self) -> list[tuple[str, str]]:
        """Those that leave something out or set something, by name."""
        named = [(one.name, str(getattr(self, one.name))) for one in fields(self)]
        return [(name, value) for name, value in named if value]

    @property
    def query(self) -> str:
        """The filters as they stand in an address, empty ones left out."""
        return urlencode(self.given)

    @property
    def per_page(self) -> int:
        return int(self.rows or FEWEST)

    @property
    def narrow(self) -> bool:
        """Whether anything is left out."""
        return replace(self, rows="", criterion="") != Filters()

    @property
    def keys(self) -> list[UUID]:
        """Those filters that name a row."""
        return [UUID(one) for one in (self.delivery, self.task) if one]

    def like(self, keys: Sequence[UUID]) -> "Filters":
        """The same filters with other keys in the places of their own."""
        given = iter(str(key) for key in keys)
        return replace(
            self,
            delivery=self.delivery and next(given),
            task=self.task and next(given),
        )

    @property
    def shape(self) -> "Filters":
        """What is asked, without the keys."""
        return replace(
            self,
            delivery=self.delivery and "any",
            task=self.task and "any",
            rows="",
            criterion="",
        )

    def only(self, criterion: int | None, task: UUID) -> str:
        """The address of the same view with one criterion of a task, or with all of them."""
        if criterion is None:
            return replace(self, criterion="").query
        return replace(self, criterion=str(criterion), task=str(task)).query

    def apply(
        self,
        submissions: "QuerySet[Any]",
        *,
        now: datetime | None = None,
        reader: User | None = None,
    ) -> "QuerySet[Any]":
        """Of these, the ones that were asked for; with a reader, by the states that they see."""
        if self.delivery:
            submissions = lying_in(submissions, self.delivery)
        if self.task:
            submissions = submissions.filter(task=self.task)
        if self.state and reader is not None:
            submissions = submissions.filter(seen_in(self.state, reader))
        elif self.state:
            submissions = submissions.filter(state=self.state)
        if self.attempt:
            submissions = submissions.filter(attempt=int(self.attempt))
        now = now or timezone.now()
        soon = now + timedelta(days=3)
        if self.due == "overdue":
            submissions = submissions.filter(marking_due_at__lt=now)
        elif self.due == "soon":
            submissions = submissions.filter(marking_due_at__gte=now, marking_due_at__lt=soon)
        elif self.due == "later":
            submissions = submissions.filter(
                Q(marking_due_at__gte=soon) | Q(marking_due_at__isnull=True)
            )
        return submissions


MOST_VIEWS = 20


@dataclass(frozen=True)
class SavedView:
    """Filters that a person gave a name. One of theirs at most is shown first."""

    name: str
    filters: Filters
    is_default: bool = False


def saved_views(kept: Sequence[Mapping[str, Any]] | None) -> list[SavedView]:
    """A person's own views as their account keeps them, by name. What filters no longer know counts as not given."""
    found = [
        SavedView(
            str(one["name"]), Filters.read(dict(parse_qsl(one["query"]))), bool(one["default"])
        )
        for one in kept or ()
    ]
    return sorted(found, key=lambda one: one.name.casefold())


def _key(value: object) -> str:
    try:
        return str(UUID(str(value)))
    except ValueError:
        return ""


def _one(value: object, known: Any) -> str:
    return str(value) if value in known else ""
