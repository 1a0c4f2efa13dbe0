"""Asking for more time, granting and declining it."""

import datetime as dt

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from accounts.actions import keep_membership
from accounts.models import Membership
from catalogue.actions.people import assign_role, end_role
from catalogue.enums import DeliveryRoleKind
from catalogue.handlers import plan_review
from catalogue.models import DeliveryRole
from portfolios.actions.extension import (
    approve_extension,
    ask_for_more_time,
    change_extension,
    decline_extension,
    working_days,
)
from portfolios.exceptions import ReasonNeeded
from portfolios.models import (
    Portfolio,
)
from tests.factories.portfolios import (
    portfolio_of,
    ready,
    submit,
)
from tests.personas import make_user
from workflows.actions.deadlines import BEFORE_THEM
from workflows.actions.reconciling import compare, reconcile_nightly
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import Deadline, Reminder, TransitionRecord

DAY = dt.timedelta(days=1)


def asked(cast, days: int = 7):
    portfolio = portfolio_of(cast)
    return ask_for_more_time(
        portfolio, actor=cast.lena, until=portfolio.due_at + days * DAY, reason="whanau"
    )


def test_approval_moves_dates_deadline_and_reminders_together(cast):
    request = asked(cast)
    before = dict(Reminder.objects.values_list("offset", "fire_at"))
    approve_extension(request, actor=cast.ada, answer="Kia kaha")
    portfolio = Portfolio.objects.get(pk=request.portfolio_id)
    assert portfolio.due_at == portfolio.cut_off_at == request.asked_until
    assert Deadline.objects.get(subject_id=portfolio.pk, state="open").due_at == request.asked_until
    after = dict(Reminder.objects.values_list("offset", "fire_at"))
    assert after["-7d"] - before["-7d"] == 7 * DAY


def test_another_date_can_be_granted_or_none(cast):
    request = asked(cast)
    until = request.due_before + 2 * DAY
    change_extension(request, actor=cast.pam, until=until)
    portfolio = Portfolio.objects.get(pk=request.portfolio_id)
    assert portfolio.due_at == until
    with pytest.raises(StaleState):
        approve_extension(request, actor=cast.pam)
    second = asked(cast)
    with pytest.raises(ReasonNeeded):
        decline_extension(second, actor=cast.pam, answer="")
    decline_extension(second, actor=cast.pam, answer="The round starts")
    portfolio.refresh_from_db()
    assert portfolio.due_at == until


def test_who_came_later_is_reminded_to_answer_and_who_left_is_not(cast):
    request = asked(cast)
    deadline = Deadline.objects.of(request).get()
    able = planned(deadline)
    assert cast.pam.email in able
    came = make_user("peta")
    part = assign_role(cast.delivery, came, DeliveryRoleKind.ADMINISTRATOR, actor=cast.pam)
    assert planned(deadline) == able | {came.email}
    end_role(part, actor=cast.pam)
    assert planned(deadline) == able
    assign_role(cast.delivery, came, DeliveryRoleKind.ADMINISTRATOR, actor=cast.pam)
    assert planned(deadline) == able | {came.email}
    decline_extension(request, actor=cast.pam, answer="The round starts")
    end_role(DeliveryRole.objects.current().get(user=came), actor=cast.pam)
    assert planned(deadline) == set()
    assert compare().difference == 0


def test_a_change_of_the_providers_administrators_takes_reminders_along(cast, client):
    request = asked(cast)
    deadline = Deadline.objects.of(request).get()
    version = cast.delivery.version
    plan_review(TransitionRecord.objects.of(version).get(name="publish"))
    review = Deadline.objects.of(version).get(kind="review")
    able, publishers = planned(deadline), planned(review)
    came = make_user("peta")
    add = reverse("admin:accounts_membership_add")
    since = {"since_0": "2026-01-01", "since_1": "09:00"}
    part = {"user": came.pk, "organisation": cast.provider.pk, "role": "administrator", **since}
    client.force_login(cast.petra)
    assert client.post(add, part).status_code == 302
    assert planned(deadline) == able | {came.email}
    assert planned(review) == publishers | {came.email}
    made = Membership.objects.get(user=came)
    edit = reverse("admin:accounts_membership_change", args=[made.pk])
    # An end that is written down ahead counts from its moment, when the night comes.
    end = timezone.now() + DAY
    made.ended_at = end
    keep_membership(made, actor=cast.petra)
    assert came.email in planned(deadline) & planned(review)
    with time_machine.travel(end + DAY / 2, tick=False):
        reconcile_nightly()
        assert (planned(deadline), planned(review)) == (able, publishers)
    # Elsewhere, it is no part in this provider.
    made.ended_at = None
    keep_membership(made, actor=cast.petra)
    assert came.email in planned(deadline) & planned(review)
    client.post(edit, {**part, "organisation": cast.other.pk})
    assert (planned(deadline), planned(review)) == (able, publishers)
    assert compare().difference == 0


def test_who_comes_after_a_reminder_has_no_part_in_it(cast):
    request = asked(cast)
    deadline = Deadline.objects.of(request).get()
    with time_machine.travel(deadline.due_at + DAY / 4, tick=False):
        came = make_user("peta")
        assign_role(cast.delivery, came, DeliveryRoleKind.ADMINISTRATOR, actor=cast.pam)
        rows = deadline.reminders.filter(recipient=came)
        over = rows.filter(state="cancelled", because=BEFORE_THEM)
        assert set(over.values_list("offset", flat=True)) == {"-48h", "0d"} & set(deadline.offsets)
        assert came.email in planned(deadline)
        assert compare().difference == 0


def planned(deadline):
    rows = deadline.reminders.filter(state="planned")
    return set(rows.values_list("recipient__email", flat=True))


def test_asking_twice_gives_the_same_request_and_earlier_dates_are_refused(cast):
    assert asked(cast) == asked(cast, 9)
    portfolio = portfolio_of(cast, "hone")
    with pytest.raises(ReasonNeeded):
        ask_for_more_time(portfolio, actor=cast.hone, until=portfolio.due_at, reason="work")


@pytest.mark.parametrize("who", ["lena", "hone", "moses", "lea", "ed", "rita", "olga", "petra"])
def test_who_grants_no_time(cast, who):
    request, other = asked(cast), getattr(cast, who)
    for decide in (
        lambda: approve_extension(request, actor=other),
        lambda: change_extension(request, actor=other, until=request.due_before + DAY),
        lambda: decline_extension(request, actor=other, answer="no"),
    ):
        with pytest.raises(NotPermitted):
            decide()


def test_assessors_grant_up_to_the_policy_and_administrators_beyond(cast):
    request = asked(cast, 40)
    assert request.working_days > 10
    with pytest.raises(NotPermitted):
        approve_extension(request, actor=cast.ada)
    with pytest.raises(NotPermitted):
        change_extension(request, actor=cast.ada, until=request.due_before + 40 * DAY)
    approve_extension(request, actor=cast.pam)
    short = ask_for_more_time(
        portfolio_of(cast, "hone"),
        actor=cast.hone,
        until=portfolio_of(cast, "hone").due_at + 3 * DAY,
        reason="work",
    )
    with pytest.raises(NotPermitted):
        change_extension(short, actor=cast.ada, until=short.due_before + 40 * DAY)


def test_nobody_grants_time_to_themselves(cast):
    DeliveryRole.objects.create(
        delivery=cast.delivery, user=cast.lena, role=DeliveryRoleKind.ADMINISTRATOR
    )
    with pytest.raises(NotPermitted):
        approve_extension(asked(cast), actor=cast.lena)


def test_what_is_submitted_meanwhile_gets_no_more_time(cast):
    portfolio = ready(cast)
    request = ask_for_more_time(
        portfolio, actor=cast.lena, until=portfolio.due_at + DAY, reason="work"
    )
    submit(portfolio)
    with pytest.raises(GuardsNotMet) as refusal:
        approve_extension(request, actor=cast.pam)
    assert set(refusal.value.codes) == {"already_submitted"}


def test_holidays_and_weekends_are_no_working_days(cast):
    portfolio = portfolio_of(cast)
    zone = portfolio.enrolment.delivery.zone
    thursday = dt.datetime(2026, 7, 9, 17, tzinfo=zone)  # the Friday after is Matariki
    assert working_days(portfolio, thursday, dt.datetime(2026, 7, 13, 17, tzinfo=zone)) == 1
