"""Portfolios begin with their delivery; a moved schedule moves them with deadlines and reminders."""

from datetime import timedelta

import pytest

from catalogue.actions import enrol, open_delivery, set_schedule
from catalogue.models import Delivery
from portfolios.actions.extension import approve_extension, ask_for_more_time
from portfolios.models import Portfolio
from tests.factories.portfolios import portfolio_of, submitted
from tests.personas import make_cast, make_user
from tests.worlds import kept
from workflows.models import Deadline, Reminder

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast():
    return make_cast(learners=3)


def move(cast, days):
    schedule = cast.delivery.schedules.get()
    due = schedule.due_at + timedelta(days=days)
    set_schedule(
        cast.delivery, schedule.task, actor=cast.pam, reason="Cyclone",
        opens_at=schedule.opens_at, due_at=due, cut_off_at=due + timedelta(days=1),
    )  # fmt: skip
    return due


def deadline_of(portfolio):
    return Deadline.objects.get(subject_id=portfolio.pk, state="open", kind="submission")


def test_portfolios_begin_when_the_delivery_opens(cast):
    """One for each learner and task, with its deadline; opening a page makes none."""
    Delivery.objects.filter(pk=cast.delivery.pk).update(opened_at=None)
    delivery = Delivery.objects.get(pk=cast.delivery.pk)
    assert not Portfolio.objects.exists()
    open_delivery(delivery, actor=cast.pam)
    begun = Portfolio.objects.filter(enrolment__delivery=delivery)
    assert {one.enrolment.learner for one in begun} == set(cast.learners)
    assert all(deadline_of(one).due_at == one.due_at for one in begun)


def test_who_comes_later_begins_at_once_and_nobody_before_the_opening(cast):
    late = make_user("late")
    enrol(cast.delivery, late, actor=cast.pam)
    assert Portfolio.objects.get().enrolment.learner == late
    Delivery.objects.filter(pk=cast.delivery.pk).update(opened_at=None)
    early = make_user("early")
    enrol(Delivery.objects.get(pk=cast.delivery.pk), early, actor=cast.pam)
    assert not Portfolio.objects.filter(enrolment__learner=early).exists()


def test_a_visit_begins_nothing(cast, client):
    client.force_login(cast.lena)
    assert client.get("/learn/").status_code == 200
    assert not Portfolio.objects.exists()


def test_portfolio_deadline_and_reminders_move(cast):
    lena = portfolio_of(cast, "lena")
    deadline = deadline_of(lena)
    on_the_day = Reminder.objects.get(deadline=deadline, offset="0d").fire_at
    due = move(cast, 5)
    lena.refresh_from_db()
    assert (lena.due_at, lena.cut_off_at) == (due, due + timedelta(days=1))
    assert deadline_of(lena).due_at == due
    assert Reminder.objects.get(deadline=deadline, offset="0d").fire_at > on_the_day


def test_a_granted_later_date_stays_and_an_earlier_one_moves(cast):
    far, near = portfolio_of(cast, "lena"), portfolio_of(cast, "hone")
    for portfolio, days in ((far, 9), (near, 2)):
        asked = ask_for_more_time(
            portfolio, actor=portfolio.enrolment.learner, reason="work",
            until=portfolio.due_at + timedelta(days=days),
        )  # fmt: skip
        approve_extension(asked, actor=cast.pam)
    granted = Portfolio.objects.get(pk=far.pk).due_at
    due = move(cast, 5)
    far.refresh_from_db()
    near.refresh_from_db()
    assert far.due_at == granted == deadline_of(far).due_at
    assert near.due_at == due == deadline_of(near).due_at


def test_a_referral_keeps_its_own_date(cast):
    lena = portfolio_of(cast, "lena")
    Portfolio.objects.filter(pk=lena.pk).update(attempt=2)
    move(cast, 5)
    before = lena.due_at
    lena.refresh_from_db()
    assert lena.due_at == before


def test_submitted_work_has_no_deadline_to_move(cast):
    submission = submitted(cast, "lena")
    move(cast, 5)
    assert not Deadline.objects.filter(subject_id=submission.portfolio_id, state="open").exists()
