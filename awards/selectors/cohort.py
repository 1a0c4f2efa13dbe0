"""Everybody in a delivery: the board, and the record of one learner."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.querysets import search_key
from assessment.enums import AllocationRole
from assessment.models import Allocation
from awards.models import Reconsideration
from catalogue.models import Delivery, Enrolment
from portfolios.enums import ExtensionState, SubmissionState
from portfolios.models import (
    EvidenceMapping,
    ExtensionRequest,
    Hold,
    Portfolio,
    Reflection,
    Submission,
)
from workflows.models import OutboxMessage
from workflows.selectors.service import spells_of

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


@dataclass
class BoardRow:
    """One learner and task: where the work stands, and what needs somebody."""

    enrolment_id: UUID
    learner: str
    task: str
    column: str
    reference: str = ""
    attempt: int = 1
    due_at: datetime | None = None
    attention: set[str] = field(default_factory=set)
    # Working days in the state, from the records; None where nothing was submitted.
    days: int | None = None

    @property
    def column_label(self) -> Any:
        return COLUMNS[self.column]

    @property
    def attention_labels(self) -> list[Any]:
        return [label for code, label in ATTENTION.items() if code in self.attention]


@dataclass
class Board:
    """Everybody in a delivery, and how many stand where."""

    rows: list[BoardRow]
    columns: list[tuple[str, Any, int]]
    attention: list[tuple[str, Any, int]]
    dead_messages: int

    @property
    def needs_attention(self) -> bool:
        """Whether anything at all stands under that heading."""
        return bool(self.dead_messages) or any(count for _code, _label, count in self.attention)

    def filtered(
        self, *, column: str = "", attention: str = "", search: str = ""
    ) -> list[BoardRow]:
        """The rows that fit the filters of the address; an unknown filter shows everybody."""
        found = self.rows
        if column == ON_HOLD:
            attention = ON_HOLD
        elif column in COLUMNS:
            found = [row for row in found if row.column == column]
        if attention in ATTENTION:
            found = [row for row in found if attention in row.attention]
        if key := search_key(search):
            found = [row for row in found if key in search_key(f"{row.learner} {row.reference}")]
        return found


def board(delivery: Delivery) -> Board:
    """Everybody's state in a fixed number of queries, whatever the size of the cohort."""
    now = timezone.now()
    tasks = list(delivery.version.tasks.all())
    portfolios = _portfolios_of(delivery)
    attempts = _attempts_of(delivery)
    rows = [
        _row(enrolment, task.pk, task.title, portfolios, attempts, now)
        for enrolment in delivery.enrolments.current()
        .order_by("learner__search_key")
        .values("pk", "learner__name")
        for task in tasks
    ]
    _time_states(delivery, rows, attempts)
    in_columns = Counter(row.column for row in rows)
    in_attention = Counter(code for row in rows for code in row.attention)
    return Board(
        rows,
        [(code, label, in_columns[code]) for code, label in COLUMNS.items()]
        + [(ON_HOLD, ATTENTION[ON_HOLD], in_attention[ON_HOLD])],
        [(code, label, in_attention[code]) for code, label in ATTENTION.items()],
        _dead_messages_of(delivery),
    )


PLANNED = {
    S.SUBMITTED: "marking.days",
    S.IN_ASSESSMENT: "marking.days",
    S.IN_ADJUDICATION: "marking.days",
    S.ASSESSED: "moderation.days",
    S.IN_MODERATION: "moderation.days",
    S.MODERATED: "service.sign_off_days",
    S.RATIFIED: "service.sign_off_days",
}
"""The policy that says how many working days a state may last."""


def _time_states(
    delivery: Delivery,
    rows: list[BoardRow],
    attempts: dict[tuple[Any, Any], dict[str, Any]],
) -> None:
    """Put the service clock on each row: working days in its state, and whether that is more than planned."""
    keys = [attempt["pk"] for attempt in attempts.values()]
    stays = spells_of(Submission._meta.label_lower, keys, delivery.calendar, delivery.zone)
    limits = {state: int(delivery.policy_value(policy)) for state, policy in PLANNED.items()}
    place = {(row.enrolment_id, row.reference): row for row in rows if row.reference}
    for (enrolment, _task), attempt in attempts.items():
        row = place.get((enrolment, attempt["reference"]))
        stay = stays.get(attempt["pk"])
        if row is None or not stay:
            continue
        row.days = stay[-1].working_days
        if row.days > limits.get(attempt["state"], row.days):
            row.attention.add("slow")


def _portfolios_of(delivery: Delivery) -> dict[tuple[Any, Any], dict[str, Any]]:
    mapped = EvidenceMapping.objects.filter(portfolio=OuterRef("pk"))
    reflected = Reflection.objects.filter(portfolio=OuterRef("pk")).exclude(text="")
    asked = ExtensionRequest.objects.filter(
        portfolio=OuterRef("pk"), state=ExtensionState.REQUESTED
    )
    found = (
        Portfolio.objects.filter(enrolment__delivery=delivery)
        .annotate(mapped=Exists(mapped), reflected=Exists(reflected), asked=Exists(asked))
        .values("enrolment_id", "task_id", "due_at", "cut_off_at", "mapped", "reflected", "asked")
    )
    return {(one["enrolment_id"], one["task_id"]): one for one in found}


def _attempts_of(delivery: Delivery) -> dict[tuple[Any, Any], dict[str, Any]]:
    held = Hold.objects.open().filter(submission=OuterRef("pk"))
    allocated = Allocation.objects.current().filter(submission=OuterRef("pk"))
    found = (
        Submission.objects.filter(delivery=delivery)
        .exclude(state=S.WITHDRAWN)
        .annotate(
            held=Exists(held),
            allocated=Exists(allocated),
            reconsidered_by=Exists(
                allocated.filter(role=AllocationRole.RECONSIDERATION_ASSESSOR)
            ),
        )
        .order_by("attempt")
        .values(
            "pk", "enrolment_id", "task_id", "state", "reference", "attempt", "held", "allocated",
            "reconsidered_by", "marking_due_at", "returned_at",
        )
    )  # fmt: skip
    return {(one["enrolment_id"], one["task_id"]): one for one in found}


def _row(
    enrolment: dict[str, Any],
    task_id: Any,
    task_title: str,
    portfolios: dict[tuple[Any, Any], dict[str, Any]],
    attempts: dict[tuple[Any, Any], dict[str, Any]],
    now: datetime,
) -> BoardRow:
    key = (enrolment["pk"], task_id)
    portfolio, attempt = portfolios.get(key, {}), attempts.get(key)
    started = portfolio.get("mapped") or portfolio.get("reflected")
    row = BoardRow(
        enrolment["pk"],
        enrolment["learner__name"],
        task_title,
        BUILDING if started else NOT_STARTED,
        due_at=portfolio.get("due_at"),
    )
    flags = {"extension": portfolio.get("asked")}
    if attempt is not None:
        state = attempt["state"]
        row.column = S.IN_ASSESSMENT if state == S.IN_ADJUDICATION else state
        row.reference, row.attempt = attempt["reference"], attempt["attempt"]
        to_mark = state in {S.SUBMITTED, S.IN_ASSESSMENT, S.IN_ADJUDICATION}
        due = attempt["marking_due_at"]
        flags |= {
            "unallocated": (state == S.SUBMITTED and not attempt["allocated"])
            or (state == S.UNDER_RECONSIDERATION and not attempt["reconsidered_by"]),
            "overdue": to_mark and due is not None and due < now,
            ON_HOLD: attempt["held"],
            "returned": to_mark and attempt["returned_at"] is not None,
        }
    cut_off = portfolio.get("cut_off_at")
    flags["late"] = (
        (attempt is None or attempt["state"] == S.REFERRED)
        and cut_off is not None
        and cut_off < now
    )
    row.attention = {code for code, raised in flags.items() if raised}
    return row


def _dead_messages_of(delivery: Delivery) -> int:
    """Messages about this delivery's submissions that were given up, or refused by the mail server."""
    about = Submission.objects.filter(delivery=delivery).values("pk")
    return (
        OutboxMessage.objects.stuck()
        .filter(Q(record__subject_id__in=about) | Q(notification__subject_id__in=about))
        .count()
    )


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
