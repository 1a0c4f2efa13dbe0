"""A person's dates as a list and as a month, and how long things stand in a state."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from accounts.models import SYSTEM
from assessment.actions.allocation import allocate
from assessment.actions.marking import start_assessment
from awards.selectors import board
from portfolios.models import Submission
from portfolios.selectors.expectation import expected_result
from tests.factories.portfolios import portfolio_of, submitted
from tests.personas import make_cast
from workflows.actions import set_deadline
from workflows.models import TransitionRecord
from workflows.selectors.agenda import agenda_of
from workflows.selectors.service import spells_of

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def cast():
    return make_cast(learners=2)


def test_the_list_holds_ones_own_dates_that_still_wait(cast, client):
    portfolio_of(cast, "lena")
    other = portfolio_of(cast, "hone")
    client.force_login(cast.lena)
    page = client.get("/calendar/")
    assert [item.label for item in page.context["ahead"]] == ["Portfolio due"]
    assert str(other.pk) not in page.content.decode()
    submitted(cast, "lena")
    assert client.get("/calendar/").context["ahead"] == []
    assert "You have no dates" in client.get("/calendar/").content.decode()


def test_the_month_is_a_table_with_days_off(cast, client):
    lena = portfolio_of(cast, "lena")
    due = lena.due_at.astimezone(cast.delivery.zone)
    client.force_login(cast.lena)
    page = client.get(f"/calendar/month/?m={due:%Y-%m}")
    cells = [cell for week in page.context["weeks"] for cell in week]
    assert [cell["day"] for cell in cells if cell["items"]] == [due.date()]
    july = client.get("/calendar/month/?m=2027-06")
    off = {
        cell["day"]: cell["off"] for week in july.context["weeks"] for cell in week if cell["off"]
    }
    assert off == {dt.date(2027, 6, 7): "King’s Birthday", dt.date(2027, 6, 25): "Matariki"}
    for odd in ("nonsense", "2027-13", "0000-01", "9999-12"):
        assert client.get(f"/calendar/month/?m={odd}").status_code == 200


@pytest.mark.parametrize("number", [1, 3])
def test_a_month_costs_the_same_for_more_dates(
    ada, client, number, docket_dates, django_assert_max_num_queries
):
    docket_dates(ada, number)
    client.force_login(ada)
    with django_assert_max_num_queries(12):
        client.get("/calendar/month/")


def test_many_dates_of_a_kind_are_asked_about_together(client, django_assert_num_queries):
    cast = make_cast(learners=3)
    for name in cast.enrolments:
        work = submitted(cast, name)
        allocate(work, cast.ada, actor=cast.pam)
    with django_assert_num_queries(2):
        items = agenda_of(cast.ada)
    assert {item.label for item in items} == {"Marking due"}
    assert len(items) == 3
    assert all(item.path.startswith("/assess/m/") for item in items)


@pytest.fixture
def docket_dates(box, make_docket):
    def make(person, number):
        for one in range(number):
            set_deadline(
                subject=make_docket(title=f"D{one}"), kind="plain",
                due_at=timezone.now() + dt.timedelta(days=1), zone="Pacific/Auckland",
                recipients=[person], offsets=["0d"], actor=SYSTEM,
            )  # fmt: skip

    return make


def back(submission, days):
    """As if it had been submitted so many days ago: record and row."""
    at = timezone.now() - dt.timedelta(days=days)
    Submission.objects.filter(pk=submission.pk).update(submitted_at=at)
    return at


def test_the_service_clock_counts_working_days_from_the_records(cast):
    submission = submitted(cast, "lena")
    calendar, zone = cast.delivery.calendar, cast.delivery.zone
    (stay,) = spells_of("portfolios.submission", [submission.pk], calendar, zone)[submission.pk]
    assert (stay.state, stay.until, stay.working_days) == ("submitted", None, 0)
    record = TransitionRecord.objects.get(subject_id=submission.pk)
    assert stay.since == record.at


def test_the_board_says_how_long_and_when_it_is_too_long(cast):
    submitted(cast, "lena")
    (row,) = [one for one in board(cast.delivery).rows if one.reference]
    assert (row.days, "slow" in row.attention) == (0, False)
    cast.delivery.policy_overrides = {"marking.days": 3}
    calendar, zone = cast.delivery.calendar, cast.delivery.zone
    today = timezone.now().astimezone(zone).date()
    for days in (3, 4):
        then = dt.datetime.combine(calendar.add(today, days), dt.time(12), zone)
        with time_machine.travel(then):
            (row,) = [one for one in board(cast.delivery).rows if one.reference]
            assert (row.days, "slow" in row.attention) == (days, days > 3)


def test_administrators_see_the_forecast_and_how_long_each_state_took(cast, client):
    submission = submitted(cast, "lena")
    back(submission, 90)
    record = TransitionRecord.objects.get(subject_id=submission.pk)
    client.force_login(cast.pam)
    expected = expected_result(Submission.objects.get(pk=submission.pk))
    (row,) = [one for one in board(cast.delivery).rows if one.reference]
    assert row.expected == expected
    text = client.get(f"/manage/deliveries/{cast.delivery.pk}/board/").content.decode()
    assert f"result was expected by {expected.day:%-d %b %Y}" in text
    where = f"/manage/learners/{submission.enrolment_id}/"
    text = client.get(where).content.decode()
    assert "it takes longer than usual" in text
    assert "Submitted: 0 working days so far" in text
    allocate(submission, cast.ada, actor=cast.pam)
    start_assessment(submission, actor=cast.ada)
    later = cast.delivery.calendar.add(record.at.astimezone(cast.delivery.zone).date(), 20)
    with time_machine.travel(dt.datetime.combine(later, dt.time(12), cast.delivery.zone)):
        client.force_login(cast.pam)
        text = client.get(where).content.decode()
        assert "20 working days so far (planned: 15)" in text
        client.force_login(cast.lena)
        text = client.get(f"/learn/p/{submission.portfolio_id}/state/").content.decode()
        assert "Being marked (now, for 20 working days)" in text
        assert "Submitted (done)" in text


def test_a_result_is_expected_by_policy_first_and_by_experience_later(cast, client):
    submission = submitted(cast, "lena")
    found = expected_result(submission)
    assert (found.working_days, found.from_experience, found.is_over) == (30, 0, False)
    client.force_login(cast.lena)
    text = client.get(f"/learn/p/{submission.portfolio_id}/state/").content.decode()
    assert "Expect your result by" in text
    back(submission, 90)
    assert expected_result(Submission.objects.get(pk=submission.pk)).is_over
    assert (
        "longer than usual"
        in client.get(f"/learn/p/{submission.portfolio_id}/state/").content.decode()
    )
