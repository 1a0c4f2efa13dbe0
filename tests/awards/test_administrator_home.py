"""What waits for an administrator stands on their home: from portfolios, marking and awards."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from assessment.actions.allocation import end_allocation
from assessment.models import Allocation
from awards.actions.release import schedule_release
from catalogue.selectors import next_steps
from portfolios.actions.extension import ask_for_more_time
from portfolios.models import Submission
from tests.factories.awards import ratified, release
from tests.factories.portfolios import portfolio_of, submitted

pytestmark = pytest.mark.django_db


def titles(user: User) -> list[str]:
    return [step.title for step in next_steps(user)]


def home_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.get("/manage/").content.decode()


def test_ratified_results_wait_until_they_are_released(cast):
    assert titles(cast.pam) == []
    assert "Nothing waits for you" in home_of(cast.pam)
    ratified(cast)
    assert titles(cast.pam) == ["Release 1 result of Workplace portfolio"]
    address = f"/manage/releases/{cast.delivery.pk}/{cast.task.pk}/"
    assert address in home_of(cast.pam)
    release(cast)
    assert titles(cast.pam) == []


def test_a_scheduled_release_waits_no_more(one_ratified):
    cast, _ = one_ratified
    schedule_release(cast.delivery, cast.task, actor=cast.pam)
    assert titles(cast.pam) == []


def test_a_request_for_more_time_waits_for_who_runs_the_delivery(cast):
    portfolio = portfolio_of(cast)
    later = timezone.now() + timedelta(days=60)
    ask_for_more_time(portfolio, actor=cast.lena, until=later, reason="work")
    assert titles(cast.pam) == [f"{cast.lena} asks for more time"]
    assert "/extensions/" in home_of(cast.pam)
    assert titles(cast.olga) == []


def test_work_that_nobody_marks_waits(cast):
    submission = submitted(cast, "lena")
    allocation = Allocation.objects.filter(submission=submission, ended_at=None).first()
    if allocation:
        end_allocation(allocation, actor=cast.pam, reason="Left")
    assert Submission.objects.get(pk=submission.pk).state == "submitted"
    assert titles(cast.pam) == ["1 submission has no assessor"]
    assert f"/assess/allocate/{cast.delivery.pk}/" in home_of(cast.pam)
