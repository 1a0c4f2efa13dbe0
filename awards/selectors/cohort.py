"""Everybody in a delivery: the board, and the record of one learner."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from typing import Any, overload
from uuid import UUID

from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    Exists,
    F,
    FilteredRelation,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.querysets import search_key
from assessment.enums import AllocationRole
from assessment.models import Allocation
from awards.models import Reconsideration
from catalogue.models import AssessmentTask, Delivery, Enrolment
from portfolios.enums import ENDED_ATTEMPT, ExtensionState, SubmissionState
from portfolios.models import (
    EvidenceMapping,
    ExtensionRequest,
    Hold,
    Portfolio,
    Reflection,
    Submission,
)
from portfolios.selectors.expectation import PLANNED, Expectation, Forecast
from workflows.models import OutboxMessage, TransitionRecord
from workflows.querysets import Composed
from workflows.working_days import WorkingCalendar

S = SubmissionState

NOT_STARTED, BUILDING, ON_HOLD = "not_started", "building", "on_hold"

COLUMNS: dict[str, Any] = {
    NOT_STARTED: gettext_lazy("Not started"),
    BUILDING: gettext_lazy("Building"),
    S.SUBMITTED: gettext_lazy("Submitted"),
    S.IN_ASSESSMENT: gettext_lazy("Being assessed"),
    S.REFERRED: gettext_lazy("Referred"),
    S.ASSESSED: gettext_lazy("Assessed"),
    S.IN_MODERATION: gettext_lazy("In moderation"),
    S.MODERATED: gettext_lazy("Moderated"),
    S.RATIFIED: gettext_lazy("Ratified"),
    S.RELEASED: gettext_lazy("Released"),
    S.UNDER_RECONSIDERATION: gettext_lazy("Under reconsideration"),
}
"""The columns of the board, in the order of the work."""

ATTENTION: dict[str, Any] = {
    "unallocated": gettext_lazy("Submitted, and no assessor has it"),
    "overdue": gettext_lazy("Marking is overdue"),
    "slow": gettext_lazy("Longer in its state than planned"),
    "late": gettext_lazy("The due date is over, and nothing was submitted"),
    "extension": gettext_lazy("More time was asked for"),
    ON_HOLD: gettext_lazy("On hold"),
    "returned": gettext_lazy("Returned to the assessor by a moderator"),
}
"""What needs an administrator, most urgent first."""


POLICIES = sorted(set(PLANNED.values()))
EVERYTHING = 2**31
TO_MARK = (S.SUBMITTED, S.IN_ASSESSMENT, S.IN_ADJUDICATION)

composed = Composed()


@dataclass
class BoardRow:
    """One learner and task: where the work stands, and what needs somebody."""

    enrolment_id: UUID
    learner: str
    task: str
    column: str
    reference: str
    attempt: int
    due_at: datetime | None
    attention: set[str]
    # Working days in the state, from the records; None where nothing was submitted.
    days: int | None
    # When the result is to be expected; None where nobody waits for one.
    expected: Expectation | None

    @property
    def line(self) -> dict[str, Any]:
        """What the page writes of it. A template finds the entries of a dictionary soonest."""
        return {
            "enrolment": self.enrolment_id,
            "learner": self.learner,
            "task": self.task,
            "column": str(COLUMNS[self.column]),
            "reference": self.reference or "–",
            "attempt": self.attempt,
            "due_at": self.due_at,
            "days": self.days,
            "expected": self.expected and f"{self.expected.day:%-d %b %Y}",
            "is_late": self.expected is not None and self.expected.is_over,
            "needs": [str(label) for code, label in ATTENTION.items() if code in self.attention],
        }


@dataclass(frozen=True)
class Cohort:
    """A delivery at one moment, with its calendar: what the conditions of the board compare with."""

    delivery: Delivery
    calendar: WorkingCalendar
    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(self.delivery.zone).date()

    @property
    def values(self) -> list[UUID | datetime]:
        """The delivery, now, and for each policy the moment before which a stay has lasted too long."""
        limits = [int(self.delivery.policy_value(policy)) for policy in POLICIES]
        return [self.delivery.pk, self.now, *(self.too_long_before(limit) for limit in limits)]

    def too_long_before(self, limit: int) -> datetime:
        """A stay has had more than `limit` working days by now exactly if it began before this moment.

        The day on which a stay began is not counted, and today is: going back from tomorrow, the stay
        has to have begun before the day that makes it one working day more than the limit.
        """
        first = self.calendar.add(self.today + timedelta(days=1), -(limit + 1))
        return datetime.combine(first, time.min, self.delivery.zone).astimezone(UTC)

    def days_since(self, moment: datetime) -> int:
        """Working days from then to now, as the service clock counts them."""
        return self.calendar.between(moment.astimezone(self.delivery.zone).date(), self.today)


def _standing(values: Sequence[Any]) -> QuerySet[AssessmentTask]:
    """Each task with each current learner, the portfolio and the last attempt; the column and what needs somebody.

    One condition for each code of ATTENTION has that name.
    """
    delivery, now, *moments = values
    enrolment = "version__deliveries__enrolments"
    later = Submission.objects.filter(
        enrolment=OuterRef("submission__enrolment"),
        task=OuterRef("pk"),
        attempt__gt=OuterRef("submission__attempt"),
    ).exclude(state=S.WITHDRAWN)
    allocated = Allocation.objects.current(now).filter(submission=OuterRef("submission__pk"))
    asked = ExtensionRequest.objects.filter(state=ExtensionState.REQUESTED)
    last_record = TransitionRecord.objects.filter(
        subject_type=Submission._meta.label_lower, subject_id=OuterRef("submission__pk")
    ).order_by("-seq")
    mapped = EvidenceMapping.objects.filter(portfolio=OuterRef("portfolio__pk"))
    reflected = Reflection.objects.filter(portfolio=OuterRef("portfolio__pk")).exclude(text="")
    too_long = Case(
        *(
            When(
                submission__state__in=[state for state, one in PLANNED.items() if one == policy],
                then=Value(moment, DateTimeField()),
            )
            for policy, moment in zip(POLICIES, moments, strict=True)
        )
    )
    to_mark = Q(submission__state__in=TO_MARK)
    return (
        AssessmentTask.objects.filter(
            Q(**{f"{enrolment}__ended_at__isnull": True})
            | Q(**{f"{enrolment}__ended_at__gt": now}),
            **{"version__deliveries": delivery, f"{enrolment}__isnull": False},
        )
        .alias(
            portfolio=FilteredRelation(
                f"{enrolment}__portfolios",
                condition=Q(**{f"{enrolment}__portfolios__task": F("pk")}),
            ),
            submission=FilteredRelation(
                f"{enrolment}__submissions",
                condition=Q(**{f"{enrolment}__submissions__task": F("pk")})
                & ~Q(**{f"{enrolment}__submissions__state": S.WITHDRAWN}),
            ),
        )
        .alias(replaced=Exists(later))
        .filter(replaced=False)
        .alias(since=Subquery(last_record.values("at")[:1]))
        .alias(
            column=Case(
                When(submission__state=S.IN_ADJUDICATION, then=Value(S.IN_ASSESSMENT)),
                When(submission__state__isnull=False, then=F("submission__state")),
                When(Exists(mapped), then=Value(BUILDING)),
                When(Exists(reflected), then=Value(BUILDING)),
                default=Value(NOT_STARTED),
                output_field=CharField(),
            ),
            unallocated=(Q(submission__state=S.SUBMITTED) & ~Exists(allocated))
            | (
                Q(submission__state=S.UNDER_RECONSIDERATION)
                & ~Exists(allocated.filter(role=AllocationRole.RECONSIDERATION_ASSESSOR))
            ),
            overdue=to_mark & Q(submission__marking_due_at__lt=now),
            slow=Q(submission__state__in=list(PLANNED)) & Q(since__lt=too_long),
            late=(Q(submission__pk__isnull=True) | Q(submission__state=S.REFERRED))
            & Q(portfolio__cut_off_at__lt=now),
            extension=Q(portfolio__pk__in=asked.values("portfolio_id")),
            on_hold=Q(submission__pk__in=Hold.objects.open().order_by().values("submission_id")),
            returned=to_mark & Q(submission__returned_at__isnull=False),
        )
    )


def _counted(values: Sequence[Any]) -> QuerySet[AssessmentTask, Any]:
    """For each column: how many, how many of them need what, and the numbers of the first and last task."""
    number = Count("pk")
    return (
        _standing(values)
        .order_by()
        .annotate(place=F("column"))
        .values("place")
        .annotate(
            in_all=number,
            **{f"with_{code}": Count("pk", filter=Q(**{code: True})) for code in ATTENTION},
            first=Min("number"),
            last=Max("number"),
        )
        .values_list("place", "in_all", *(f"with_{code}" for code in ATTENTION), "first", "last")
    )


def _fitting(column: str, attention: str, values: Sequence[Any]) -> QuerySet[AssessmentTask, Any]:
    """Rows in the order of the page, of one column and one kind of attention where these are given."""
    wanted: dict[str, Any] = {"column": column} if column else {}
    if attention:
        wanted[attention] = True
    rows = _standing(values).filter(**wanted)
    enrolment = "version__deliveries__enrolments"
    return rows.order_by(
        f"{enrolment}__learner__search_key", f"{enrolment}__pk", "number"
    ).values_list(
        f"{enrolment}__pk", f"{enrolment}__learner__name", "title", F("column"),
        "submission__reference", "submission__attempt", "portfolio__due_at", "pk",
        "submission__submitted_at", F("since"),
        *(F(code) for code in ATTENTION),
    )  # fmt: skip


class BoardRows(Sequence[BoardRow]):
    """Rows that fit the filters. Their number is known; they are read when a page of them is asked for."""

    def __init__(self, cohort: Cohort, number: int, column: str, attention: str) -> None:
        self.cohort, self.number = cohort, number
        self.column, self.attention = column, attention

    def __len__(self) -> int:
        return self.number

    @overload
    def __getitem__(self, place: int) -> BoardRow: ...
    @overload
    def __getitem__(self, place: slice) -> list[BoardRow]: ...
    def __getitem__(self, place: int | slice) -> BoardRow | list[BoardRow]:
        if isinstance(place, int):
            return self._read(range(self.number)[place], 1)[0]
        start, stop, _step = place.indices(self.number)
        return self._read(start, stop - start)

    def __iter__(self) -> Iterator[BoardRow]:
        return iter(self._read(0, EVERYTHING))

    def _read(self, start: int, limit: int) -> list[BoardRow]:
        if limit <= 0:
            return []
        found = composed.rows(
            ("rows", self.column, self.attention),
            partial(_fitting, self.column, self.attention),
            self.cohort.values,
            limit=limit,
            start=start,
        )
        days = cache(self.cohort.days_since)
        tasks = {row[7] for row in found if row[3] in PLANNED}
        forecast = Forecast.of(self.cohort.delivery, self.cohort.calendar, tasks) if tasks else None
        return [
            BoardRow(
                enrolment, learner, task, column, reference or "", attempt or 1, due_at,
                {code for code, raised in zip(ATTENTION, raised, strict=True) if raised},
                None if since is None else days(since),
                forecast.result(key, attempt, submitted_at)
                if forecast and column in PLANNED
                else None,
            )
            for enrolment, learner, task, column, reference, attempt, due_at, key, submitted_at, since, *raised in found
        ]  # fmt: skip


@dataclass(frozen=True)
class Board:
    """Everybody in a delivery, and how many stand where."""

    cohort: Cohort
    # For each column that is not empty: how many, and how many of them need what.
    counts: Mapping[str, tuple[int, Counter[str]]]
    several_tasks: bool
    dead_messages: int

    @property
    def rows(self) -> BoardRows:
        return BoardRows(self.cohort, self.number(), "", "")

    def number(self, column: str = "", attention: str = "") -> int:
        """How many stand in the column, or anywhere, and need that, or anything at all or nothing."""
        return sum(
            raised[attention] if attention else in_all
            for code, (in_all, raised) in self.counts.items()
            if column in ("", code)
        )

    @property
    def columns(self) -> list[tuple[str, Any, int]]:
        counted = [(code, label, self.number(code)) for code, label in COLUMNS.items()]
        return [*counted, (ON_HOLD, ATTENTION[ON_HOLD], self.number(attention=ON_HOLD))]

    @property
    def attention(self) -> list[tuple[str, Any, int]]:
        return [(code, label, self.number(attention=code)) for code, label in ATTENTION.items()]

    @property
    def needs_attention(self) -> bool:
        """Whether anything at all stands under that heading."""
        return bool(self.dead_messages) or any(count for _code, _label, count in self.attention)

    def filtered(
        self, *, column: str = "", attention: str = "", search: str = ""
    ) -> Sequence[BoardRow]:
        """The rows that fit the filters of the address; an unknown filter shows everybody.

        A search reads all rows that fit the other filters: names are compared without macrons.
        """
        if column == ON_HOLD:
            column, attention = "", ON_HOLD
        column = column if column in COLUMNS else ""
        attention = attention if attention in ATTENTION else ""
        found = BoardRows(self.cohort, self.number(column, attention), column, attention)
        if key := search_key(search):
            return [row for row in found if key in search_key(f"{row.learner} {row.reference}")]
        return found


def board(delivery: Delivery) -> Board:
    """Where everybody stands, counted in one statement; rows are read by the page.

    Moderation's, sign-off's and marking's time is taken by working days in the state, from the records.
    """
    cohort = Cohort(delivery, delivery.calendar, timezone.now())
    found = composed.rows("counts", _counted, cohort.values, limit=EVERYTHING)
    counts = {
        column: (in_all, Counter(dict(zip(ATTENTION, raised, strict=True))))
        for column, in_all, *raised, _first, _last in found
    }
    numbers = {number for row in found for number in row[-2:]}
    return Board(cohort, counts, len(numbers) > 1, _dead_messages_of(delivery))


def _dead_messages_of(delivery: Delivery) -> int:
    """Messages about this delivery's submissions that were given up, or refused by the mail server."""
    found = composed.rows("dead messages", _dead_messages, [delivery.pk], limit=1)
    return int(found[0][0]) if found else 0


def _dead_messages(values: Sequence[Any]) -> QuerySet[OutboxMessage, Any]:
    about = Submission.objects.filter(delivery=values[0]).order_by().values("pk")
    found: QuerySet[OutboxMessage, Any] = (
        OutboxMessage.objects.stuck()
        .filter(Q(record__subject_id__in=about) | Q(notification__subject_id__in=about))
        .order_by()
        .annotate(same=Value(1))
        .values("same")
        .annotate(number=Count("pk"))
        .values_list("number")
    )
    return found


@dataclass
class LearnerRecord:
    """Everything an administrator may know of one learner in one delivery."""

    enrolment: Enrolment
    portfolios: list[Portfolio]
    attempts: list[Submission]
    extensions: list[ExtensionRequest]
    holds: list[Hold]
    reconsiderations: list[Reconsideration]

    @property
    def to_submit(self) -> set[UUID]:
        """Portfolios on which the learner may still work."""
        handed_in = {one.portfolio_id for one in self.attempts if one.state not in ENDED_ATTEMPT}
        return {one.pk for one in self.portfolios} - handed_in

    @property
    def open_holds(self) -> list[Hold]:
        return [hold for hold in self.holds if hold.closed_at is None]


def learner_record(enrolment: Enrolment) -> LearnerRecord:
    """Attempts, extensions, holds and reconsiderations of one learner, newest first."""
    return LearnerRecord(
        enrolment,
        list(enrolment.portfolios.select_related("task").order_by("task__number")),
        list(enrolment.submissions.select_related("task").order_by("-submitted_at")),
        list(
            ExtensionRequest.objects.filter(portfolio__enrolment=enrolment).select_related(
                "portfolio__task", "decided_by"
            )
        ),
        list(
            Hold.objects.filter(submission__enrolment=enrolment).select_related(
                "submission", "opened_by", "closed_by"
            )
        ),
        list(
            Reconsideration.objects.filter(submission__enrolment=enrolment).select_related(
                "submission", "concluded_by"
            )
        ),
    )
