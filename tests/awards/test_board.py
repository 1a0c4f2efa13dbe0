"""The numbers and rows of the board against a plain count, one learner and task after the other."""

from collections import Counter
from datetime import date, datetime, time, timedelta

import pytest
import time_machine
from django.utils import timezone

from assessment.enums import AllocationRole
from assessment.models import Allocation
from awards.actions.reconsideration import request_reconsideration
from awards.selectors import ATTENTION, COLUMNS, board
from awards.selectors.cohort import PLANNED, Cohort
from catalogue.models import AssessmentTask, Enrolment
from portfolios.actions.extension import ask_for_more_time
from portfolios.actions.submission import place_hold, withdraw_submission
from portfolios.enums import ExtensionState, HoldKind, SubmissionState
from portfolios.models import Portfolio, Submission
from tests.factories.assessment import allocated, assessed, opened, referred
from tests.factories.awards import moderated, released
from tests.factories.portfolios import note, portfolio_of, ready, submit, submitted
from tests.personas import Cast, make_cast
from tests.tampering import tampering
from tests.worlds import kept
from workflows.enums import MessageState
from workflows.models import OutboxMessage, TransitionRecord
from workflows.selectors.service import spells_of
from workflows.working_days import WorkingCalendar

pytestmark = pytest.mark.django_db
S = SubmissionState


@kept
def mixed() -> Cast:
    """Work of many ages in many states, and one task that nobody has begun."""
    cast = make_cast(learners=14, policy={"double_marking": "none"})
    names = list(cast.enrolments)
    now = timezone.now()
    cast.delivery.schedules.update(opens_at=now - timedelta(days=60))
    with time_machine.travel(now - timedelta(days=40), tick=True):
        released(cast, names[1])
    with time_machine.travel(now - timedelta(days=2), tick=True):
        ask = released(cast, names[0])
    with time_machine.travel(now - timedelta(days=30), tick=True):
        moderated(cast, names[2])
        allocated(cast, names[3])
        submitted(cast, names[4])
        opened(allocated(cast, names[5]), cast.ada)
    assessed(cast, names[6])
    with time_machine.travel(now - timedelta(days=9), tick=True):
        referred(cast, names[7])
        place_hold(submitted(cast, names[8]), actor=cast.pam, kind=HoldKind.INTEGRITY, reason="x")
        withdraw_submission(submitted(cast, names[9]), actor=cast.people[names[9]])
    request_reconsideration(ask, actor=cast.people[names[0]], grounds="Criterion 2 was missed")
    again = submit(portfolio_of(cast, names[9]))
    Submission.objects.filter(pk=again.pk).update(returned_at=now)
    note(portfolio_of(cast, names[10]))
    ready(cast, names[11])
    ask_for_more_time(
        portfolio_of(cast, names[11]),
        actor=cast.people[names[11]],
        until=now + timedelta(days=20),
        reason="Sick",
    )
    Portfolio.objects.filter(enrolment__in=[cast.enrolments[names[n]] for n in (7, 10)]).update(
        due_at=now - timedelta(days=1), cut_off_at=now - timedelta(days=1)
    )
    Enrolment.objects.filter(pk=cast.enrolments[names[13]].pk).update(ended_at=now)
    with tampering():
        AssessmentTask.objects.create(version=cast.task.version, number=2, title="Second task")
    return cast


def of_attempt(attempt: Submission, column: str, now: datetime) -> dict[str, bool]:
    """What needs somebody, of one attempt."""
    live = Allocation.objects.current().filter(submission=attempt)
    fresh = live.filter(role=AllocationRole.RECONSIDERATION_ASSESSOR)
    to_mark = column in (S.SUBMITTED, S.IN_ASSESSMENT, S.IN_ADJUDICATION)
    due, delivery = attempt.marking_due_at, attempt.delivery
    return {
        "unallocated": (column == S.SUBMITTED and not live.exists())
        or (column == S.UNDER_RECONSIDERATION and not fresh.exists()),
        "overdue": to_mark and due is not None and due < now,
        "returned": to_mark and attempt.returned_at is not None,
        "on_hold": attempt.holds.open().exists(),
        "slow": column in PLANNED and days_of(attempt) > delivery.policy_value(PLANNED[column]),
    }


def days_of(attempt: Submission) -> int:
    """Working days in the state, as the service clock says."""
    delivery = attempt.delivery
    stays = spells_of("portfolios.submission", [attempt.pk], delivery.calendar, delivery.zone)
    return stays[attempt.pk][-1].working_days


Line = tuple[str, str, str, str, frozenset[str], int]


def plainly(cast: Cast) -> list[Line]:
    """What the board has to say, read object by object."""
    now = timezone.now()
    pairs = [
        (enrolment, task)
        for enrolment in Enrolment.objects.current().filter(delivery=cast.delivery)
        for task in cast.delivery.version.tasks.all()
    ]
    return [line_of(enrolment, task, now) for enrolment, task in pairs]


def line_of(enrolment: Enrolment, task: AssessmentTask, now: datetime) -> Line:
    portfolio = Portfolio.objects.filter(enrolment=enrolment, task=task).first()
    attempts = Submission.objects.filter(enrolment=enrolment, task=task)
    attempt = attempts.exclude(state=S.WITHDRAWN).order_by("attempt").last()
    column, raised = "not_started", {}
    if portfolio is not None:
        if portfolio.mappings.exists() or portfolio.reflections.exclude(text="").exists():
            column = "building"
        asked = portfolio.extension_requests.filter(state=ExtensionState.REQUESTED)
        raised = {
            "extension": asked.exists(),
            "late": portfolio.cut_off_at < now and (attempt is None or attempt.state == S.REFERRED),
        }
    if attempt is not None:
        raised |= of_attempt(attempt, attempt.state, now)
        column = S.IN_ASSESSMENT if attempt.state == S.IN_ADJUDICATION else attempt.state
    return (
        enrolment.learner.name,
        task.title,
        str(column),
        "" if attempt is None else attempt.reference,
        frozenset(code for code, needed in raised.items() if needed),
        -1 if attempt is None else days_of(attempt),
    )


def as_tuples(rows) -> list[Line]:
    return [
        (
            one.learner,
            one.task,
            one.column,
            one.reference,
            frozenset(one.attention),
            -1 if one.days is None else one.days,
        )
        for one in rows
    ]


def test_a_mixed_cohort_is_counted_as_a_plain_count_does(mixed):
    expected, found = plainly(mixed), board(mixed.delivery)
    columns = Counter(one[2] for one in expected)
    raised = Counter(code for one in expected for code in one[4])
    # What is compared is there to be compared.
    assert len(columns) >= 8
    assert set(raised) == set(ATTENTION)
    assert {code: number for code, _label, number in found.columns if number} == {
        **columns, "on_hold": raised["on_hold"],
    }  # fmt: skip
    assert {code: number for code, _label, number in found.attention} == dict(raised)
    assert Counter(as_tuples(found.rows)) == Counter(expected)
    assert found.several_tasks
    assert len(found.rows) == len(expected) == 26


def test_every_filter_finds_the_rows_that_it_counts(mixed):
    expected, found = plainly(mixed), board(mixed.delivery)
    for column in ["", *COLUMNS]:
        for code in ["", *ATTENTION]:
            rows = found.filtered(column=column, attention=code)
            wanted = [
                one for one in expected if column in ("", one[2]) and (not code or code in one[4])
            ]
            assert len(rows) == len(wanted), (column, code)
            assert Counter(as_tuples(rows)) == Counter(wanted), (column, code)
    held = [one for one in expected if "on_hold" in one[4]]
    assert as_tuples(found.filtered(column="on_hold", attention="late")) == held
    assert as_tuples(found.filtered(search="lena", column="under_reconsideration"))


def test_pages_follow_each_other(mixed):
    rows = board(mixed.delivery).rows
    pages = [one for start in range(0, len(rows), 5) for one in rows[start : start + 5]]
    assert as_tuples(pages) == as_tuples(rows)
    assert [one.learner for one in pages[::2]] == [one.learner for one in pages[1::2]]
    assert {one.task for one in pages[::2]} == {mixed.task.title}
    assert as_tuples([rows[-1]]) == as_tuples(pages[-1:])
    with pytest.raises(IndexError):
        rows[len(rows)]


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "UTC", "Pacific/Chatham"])
def test_a_stay_is_too_long_from_one_moment_on(zone):
    """The moment agrees with counting days, over Easter, a weekend and the end of daylight saving."""
    cast = make_cast(learners=0)
    cast.delivery.time_zone = zone
    calendar = WorkingCalendar(off=frozenset({date(2026, 4, 8)}))
    for day in range(1, 15):
        now = datetime.combine(date(2026, 4, day), time(13, 5), cast.delivery.zone)
        cohort = Cohort(cast.delivery, calendar, now)
        for limit in (0, 1, 3, 10):
            before = cohort.too_long_before(limit)
            assert cohort.days_since(before) <= limit
            assert cohort.days_since(before - timedelta(microseconds=1)) > limit


def test_the_clock_reads_the_last_record(mixed):
    """Records decide since when work stands where it is, not the dates on its row."""
    submission = Submission.objects.get(enrolment=mixed.enrolments["learner4"])
    Submission.objects.filter(pk=submission.pk).update(submitted_at=timezone.now())
    last = TransitionRecord.objects.of(submission).last()
    (row,) = [one for one in board(mixed.delivery).rows if one.reference == submission.reference]
    assert row.days == mixed.delivery.calendar.between(
        last.at.astimezone(mixed.delivery.zone).date(),
        timezone.now().astimezone(mixed.delivery.zone).date(),
    )
    assert "slow" in row.attention


def test_messages_that_were_given_up_are_counted(mixed):
    """One that is about a submission of the delivery, by its record; nothing that waits or is of others."""
    assert board(mixed.delivery).dead_messages == 0
    submission = Submission.objects.filter(delivery=mixed.delivery).first()
    messages = OutboxMessage.objects.filter(record__subject_id=submission.pk)
    message = messages.first()
    OutboxMessage.objects.filter(pk=message.pk).update(state=MessageState.DEAD)
    found = board(mixed.delivery)
    assert (found.dead_messages, found.needs_attention) == (1, True)
    with tampering():
        message.record = TransitionRecord.objects.exclude(
            subject_id__in=Submission.objects.values("pk")
        ).first()
        message.save(update_fields=["record"])
    assert board(mixed.delivery).dead_messages == 0
