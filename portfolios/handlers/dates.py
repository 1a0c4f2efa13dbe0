"""Who is told what about dates: the learner’s own, and more time that was asked for."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef

from portfolios.actions.drafting import CUT_OFF_DEADLINE, SUBMISSION_KINDS, running
from portfolios.actions.extension import ANSWER_DEADLINE
from portfolios.enums import ENDED_ATTEMPT, ExtensionState
from portfolios.models import ExtensionRequest, Portfolio, Submission
from portfolios.selectors import administrators_of
from workflows.definitions import (
    describe,
    extra_topics,
    handles,
    lies_in,
    reminder_batch,
    reminder_relevant,
    reminder_text,
)
from workflows.enums import Category
from workflows.models import Deadline, Reminder, TransitionRecord
from workflows.notifications import notify
from workflows.words import in_words


def date_of(portfolio: Portfolio) -> Deadline | None:
    """The date that counts now; its calendar entry goes with the mail that names it."""
    return next(iter(running(portfolio, *SUBMISSION_KINDS)), None)


@handles("portfolios.extensionrequest.requested")
def tell_who_may_answer(record: TransitionRecord) -> None:
    """The delivery's programme administrators. The reason stays on the page."""
    request = extension(record)
    delivery = request.portfolio.enrolment.delivery
    notify(
        topic="portfolios.extensionrequest.requested",
        recipients=administrators_of(delivery),
        record=record,
        path=f"/manage/extensions/{request.pk}/",
        context={
            "task": request.portfolio.task.title,
            "delivery": delivery.title,
            "until": in_words(request.asked_until, delivery.zone),
        },
    )


@handles(
    "portfolios.extensionrequest.approved",
    "portfolios.extensionrequest.changed",
    "portfolios.extensionrequest.declined",
    tells=["portfolios.extensionrequest.decided"],
)
def tell_of_decision(record: TransitionRecord) -> None:
    """The date that counts from now on."""
    request = extension(record)
    portfolio = request.portfolio
    granted = request.state != ExtensionState.DECLINED
    notify(
        topic="portfolios.extensionrequest.decided",
        recipients=[request.requested_by],
        record=record,
        path=f"/learn/p/{portfolio.pk}/time/",
        context={
            "task": portfolio.task.title,
            "granted": granted,
            "due": in_words(portfolio.due_at, portfolio.enrolment.delivery.zone),
        },
        deadline=date_of(portfolio) if granted else None,
    )


def extension(record: TransitionRecord) -> ExtensionRequest:
    found: ExtensionRequest = ExtensionRequest.objects.select_related(
        "requested_by", "portfolio__task", "portfolio__enrolment__delivery__version"
    ).get(pk=record.subject_id)
    return found


@reminder_relevant(*SUBMISSION_KINDS, CUT_OFF_DEADLINE)
def still_to_submit(deadline: Deadline) -> bool:
    """Only while the learner is enrolled and has submitted nothing that still counts."""
    portfolio = Portfolio.objects.filter(pk=deadline.subject_id).first()
    return (
        portfolio is not None
        and portfolio.enrolment.ended_at is None
        and not portfolio.submissions.exclude(state__in=ENDED_ATTEMPT).exists()
    )


@reminder_text(
    *SUBMISSION_KINDS,
    tells=["portfolios.portfolio.due", "portfolios.portfolio.overdue"],
)
def reminder(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """What the learner is reminded of."""
    portfolio = Portfolio.objects.select_related("task", "enrolment__delivery").get(
        pk=row.deadline.subject_id
    )
    return due_text(row, portfolio)


def due_text(row: Reminder, portfolio: Portfolio) -> tuple[str, str, dict[str, Any]]:
    topic = "overdue" if row.offset.startswith("+") else "due"
    context = {
        "task": portfolio.task.title,
        "due": in_words(row.deadline.due_at, portfolio.enrolment.delivery.zone),
    }
    return f"portfolios.portfolio.{topic}", f"/learn/p/{portfolio.pk}/", context


@reminder_batch(*SUBMISSION_KINDS)
def submission_reminders(rows: list[Reminder]) -> dict[int, tuple[str, str, dict[str, Any]]]:
    """Both answers for many at once; the same as `still_to_submit` and `reminder`, in one query."""
    live = Submission.objects.filter(portfolio=OuterRef("pk")).exclude(state__in=ENDED_ATTEMPT)
    found = {
        one.pk: one
        for one in Portfolio.objects.filter(
            pk__in={row.deadline.subject_id for row in rows}, enrolment__ended_at__isnull=True
        )
        .annotate(is_submitted=Exists(live))
        .filter(is_submitted=False)
        .select_related("task", "enrolment__delivery")
    }
    return {
        row.pk: due_text(row, found[row.deadline.subject_id])
        for row in rows
        if row.deadline.subject_id in found
    }


@lies_in(*SUBMISSION_KINDS)
def deliveries_of_portfolios(keys: Iterable[Any]) -> dict[Any, Any]:
    """Where each portfolio lies."""
    return dict(Portfolio.objects.filter(pk__in=keys).values_list("pk", "enrolment__delivery"))


@lies_in(ANSWER_DEADLINE)
def deliveries_of_requests(keys: Iterable[Any]) -> dict[Any, Any]:
    """Where each request for more time lies."""
    rows = ExtensionRequest.objects.filter(pk__in=keys)
    return dict(rows.values_list("pk", "portfolio__enrolment__delivery"))


@reminder_text(CUT_OFF_DEADLINE, tells=["portfolios.portfolio.closing"])
def closing_reminder(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """The last moment at which late work is taken."""
    portfolio = Portfolio.objects.select_related("task", "enrolment__delivery").get(
        pk=row.deadline.subject_id
    )
    context = {
        "task": portfolio.task.title,
        "closes": in_words(row.deadline.due_at, portfolio.enrolment.delivery.zone),
        "automatic": portfolio.auto_submit_asked_at is not None,
    }
    return "portfolios.portfolio.closing", f"/learn/p/{portfolio.pk}/", context


@reminder_relevant(ANSWER_DEADLINE)
def still_to_answer(deadline: Deadline) -> bool:
    """Only while the request waits."""
    found = ExtensionRequest.objects.filter(pk=deadline.subject_id)
    return bool(found.filter(state=ExtensionState.REQUESTED).exists())


@reminder_text(ANSWER_DEADLINE, tells=["portfolios.extensionrequest.waiting"])
def answer_reminder(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """A learner waits for an answer."""
    found = ExtensionRequest.objects.select_related(
        "portfolio__task", "portfolio__enrolment__delivery"
    ).get(pk=row.deadline.subject_id)
    delivery = found.portfolio.enrolment.delivery
    context = {"task": found.portfolio.task.title, "delivery": delivery.title}
    return "portfolios.extensionrequest.waiting", f"/manage/extensions/{found.pk}/", context


# Sent by actions, without a transition of their own.
extra_topics.update({"portfolios.portfolio.moved", "portfolios.portfolio.not_submitted"})

T, D = "Workplace portfolio", "Friday 14 August 2026, 5:00 pm"
MINE = "You build this portfolio."
S = "portfolios."

describe(
    S + "extensionrequest.requested",
    Category.TIME,
    who="Programme administrators",
    asks=True,
    why="You administer this delivery.",
    sample={"task": T, "delivery": "Winter cohort", "until": D},
)
describe(
    S + "extensionrequest.waiting",
    Category.TIME,
    who="Programme administrators",
    asks=True,
    why="You administer this delivery.",
    sample={"task": T, "delivery": "Winter cohort"},
)
describe(
    S + "extensionrequest.decided",
    Category.TIME,
    who="The learner",
    required=True,
    readers=frozenset({"learner"}),
    why="You asked for more time.",
    sample={"task": T, "granted": True, "due": D},
)
for one in ("due", "overdue"):
    describe(
        S + f"portfolio.{one}",
        Category.DATES,
        who="The learner, while nothing is submitted",
        why=MINE,
        asks=True,
        sample={"task": T, "due": D},
    )
describe(
    S + "portfolio.closing",
    Category.DATES,
    who="The learner, while nothing is submitted",
    why=MINE,
    asks=True,
    sample={"task": T, "closes": D, "automatic": False},
)
describe(
    S + "portfolio.moved",
    Category.DATES,
    who="Each learner whose date moved",
    required=True,
    why=MINE,
    sample={"task": T, "due": D},
)
describe(
    S + "portfolio.not_submitted",
    Category.DATES,
    who="The learner who asked for it",
    required=True,
    asks=True,
    why="You asked us to submit it when the task closed.",
    sample={"task": T, "reasons": ["Every required criterion needs at least one evidence item."]},
)
