"""Portfolios that no opening and no enrolment began: the clock begins them, once, and only where they belong."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from catalogue.actions import set_schedule
from catalogue.models import Delivery, Enrolment
from portfolios.actions.schedules import begin_missing_portfolios
from portfolios.models import Portfolio
from portfolios.tasks import begin_missing_portfolios as task
from tests.personas import make_cast
from workflows.definitions import rounds
from workflows.models import Deadline

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def dates_of(portfolio):
    return Deadline.objects.of(portfolio).open().values_list("kind", "due_at")


@pytest.mark.parametrize("learners", [1, 3])
def test_the_clock_begins_what_is_missing_once(learners, django_assert_num_queries):
    cast = make_cast(learners=learners)
    schedule = cast.delivery.schedules.get()
    assert task() == learners
    begun = list(Portfolio.objects.filter(task=cast.task))
    assert {one.enrolment for one in begun} == set(cast.enrolments.values())
    for one in begun:
        assert (one.due_at, one.cut_off_at) == (schedule.due_at, schedule.cut_off_at)
        assert ("submission", schedule.due_at) in dates_of(one)
    with django_assert_num_queries(1):
        assert begin_missing_portfolios() == 0
    assert Portfolio.objects.count() == learners


def test_a_task_that_gets_its_dates_after_the_opening_is_begun():
    cast = make_cast(learners=2)
    cast.delivery.schedules.all().delete()
    assert begin_missing_portfolios() == 0
    opens = timezone.now()
    due = opens + timedelta(days=9)
    set_schedule(
        cast.delivery, cast.task, opens_at=opens, due_at=due, cut_off_at=due, actor=cast.pam
    )
    assert begin_missing_portfolios() == 2
    assert set(Portfolio.objects.values_list("task", "due_at")) == {(cast.task.pk, due)}


def test_a_few_at_a_time():
    make_cast(learners=3)
    assert [begin_missing_portfolios(limit=2) for _round in range(3)] == [2, 1, 0]


def test_nothing_begins_for_who_has_left_or_where_nothing_is_open():
    cast = make_cast(learners=1)
    delivery = Delivery.objects.filter(pk=cast.delivery.pk)
    enrolments = Enrolment.objects.filter(delivery=cast.delivery)
    now = timezone.now()
    opened_at = cast.delivery.opened_at
    for rows, before, after in (
        (enrolments, {"ended_at": now}, {"ended_at": None}),
        (delivery, {"opened_at": None}, {"opened_at": opened_at}),
        (delivery, {"closed_at": now}, {"closed_at": None}),
    ):
        rows.update(**before)
        assert begin_missing_portfolios() == 0, before
        rows.update(**after)
    assert begin_missing_portfolios() == 1


def test_beat_and_dispatch_ask_for_it():
    assert rounds["begin_missing_portfolios"] is begin_missing_portfolios
    asked = {one["task"] for one in settings.CELERY_BEAT_SCHEDULE.values()}
    assert task.name in asked
