"""Marking once, twice blind, twice in the open, or twice for a share that is drawn; and who reads what when."""

from collections import Counter

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from assessment import guards
from assessment.actions.allocation import allocate
from assessment.actions.deciding import record_decision
from assessment.actions.double import open_first_decision, plan_readings
from assessment.enums import AllocationRole, Reading
from assessment.hashing import chance_of
from assessment.models import Allocation, ReadingDraw, ReadingPlan
from portfolios.enums import SubmissionState as S
from portfolios.models import Submission
from tests.factories.assessment import allocated, decided, drafted, opened
from tests.factories.portfolios import submitted
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import AccessRecord


def plan(cast, reading, percent=100):
    return plan_readings(cast.delivery, cast.task, actor=cast.pam, reading=reading, percent=percent)


def second_of(submission):
    live = Allocation.objects.current().filter(submission=submission)
    return live.get(role=AllocationRole.SECOND_ASSESSOR).assessor


def test_a_task_may_ask_for_more_than_the_policy_and_for_less(cast, client):
    plan(cast, Reading.BLIND)
    assert decided(allocated(cast), cast.ada).state == S.IN_ASSESSMENT


def test_a_single_plan_overrules_a_double_policy(double):
    plan(double, Reading.SINGLE)
    assert decided(allocated(double), double.ada).state == S.ASSESSED


def test_the_plan_is_fixed_by_the_first_submission(cast):
    submitted(cast)
    with pytest.raises(StaleState):
        plan(cast, Reading.BLIND)
    assert not ReadingPlan.objects.exists()


@pytest.mark.parametrize("name", ["ada", "moses", "rita", "lena", "olga"])
def test_only_those_who_allocate_plan_readings(cast, name):
    with pytest.raises(NotPermitted):
        plan_readings(cast.delivery, cast.task, actor=cast.people[name], reading=Reading.BLIND)


def test_a_share_is_drawn_before_marking_by_seed_and_is_kept(cast):
    made = plan(cast, Reading.SHARE, 50)
    submission = submitted(cast)
    value = chance_of(made.seed, submission.pk)
    assert not ReadingDraw.objects.exists()
    allocate(submission, cast.ada, actor=cast.pam)
    drawn = ReadingDraw.objects.get()
    assert (drawn.value, drawn.seed, drawn.percent) == (value, made.seed, 50)
    assert drawn.is_double == (value < 0.5)
    for is_double in (True, False):
        wanted = 100 if is_double else 0
        ReadingPlan.objects.update(percent=wanted)
        fresh = Submission.objects.get(pk=submission.pk)
        # What was drawn stands, whatever becomes of the plan.
        assert guards.is_double_marked(fresh) == drawn.is_double
    with pytest.raises(DatabaseError), transaction.atomic():
        ReadingDraw.objects.update(is_double=not drawn.is_double)


@pytest.mark.parametrize(("percent", "state"), [(100, S.IN_ASSESSMENT), (0, S.ASSESSED)])
def test_what_was_drawn_is_read_twice_and_the_rest_once(cast, client, percent, state):
    plan(cast, Reading.SHARE, percent)
    submission = allocated(cast)
    drafted(submission, cast.ada)
    # Whoever marks first learns nothing of the draw before their decision is sealed.
    client.force_login(cast.ada)
    page = client.get(reverse("assessment:finish", args=[submission.pk])).content.decode()
    assert "Some work of this task is marked twice" in page
    assert "This work is marked twice" not in page
    record_decision(submission, actor=cast.ada)
    assert Submission.objects.get(pk=submission.pk).state == state


def test_chances_are_even_and_follow_from_seed_and_key_alone():
    from uuid import UUID

    values = [chance_of("seed", UUID(int=number)) for number in range(4000)]
    tenths = Counter(int(one * 10) for one in values)
    assert set(tenths) == set(range(10))
    # 400 are expected in each; six standard deviations are 114.
    assert all(abs(number - 400) < 114 for number in tenths.values())
    assert chance_of("seed", UUID(int=7)) == values[7]
    assert chance_of("other", UUID(int=7)) != values[7]


def test_an_open_second_reading_is_noted_each_time_and_listed(cast, client):
    plan(cast, Reading.OPEN)
    submission = decided(allocated(cast), cast.ada)
    second = second_of(submission)
    opened(submission, second)
    address = reverse("assessment:first_decision", args=[submission.pk])
    client.force_login(second)
    workspace = client.get(reverse("assessment:workspace", args=[submission.pk])).content.decode()
    assert address in workspace
    assert "On C1: look at the evidence again." not in workspace
    assert not AccessRecord.objects.exists()
    for _time in range(2):
        assert "On C1: look at the evidence again." in client.post(address).content.decode()
    assert AccessRecord.objects.filter(actor=second, subject_id=submission.pk).count() == 2
    client.force_login(cast.lea)
    listed = client.get(reverse("assessment:workspace", args=[submission.pk])).content.decode()
    assert listed.count("Read the first assessor’s decision") == 2
    record_decision_of(submission, second)
    assert Submission.objects.get(pk=submission.pk).state == S.ASSESSED
    with pytest.raises(NotPermitted):
        open_first_decision(Submission.objects.get(pk=submission.pk), actor=second)


def record_decision_of(submission, person):
    drafted(submission, person)
    record_decision(submission, actor=person)


def test_a_blind_second_reading_opens_nothing(double, client):
    submission = decided(allocated(double), double.ada)
    second = second_of(submission)
    opened(submission, second)
    address = reverse("assessment:first_decision", args=[submission.pk])
    for person in (second, double.ada, double.pam):
        client.force_login(person)
        assert client.post(address).status_code == 403
        with pytest.raises(NotPermitted):
            open_first_decision(submission, actor=person)
    assert not AccessRecord.objects.exists()
    client.force_login(second)
    page = client.get(reverse("assessment:workspace", args=[submission.pk])).content.decode()
    assert address not in page


def test_the_page_plans_and_shows_the_draw(cast, client):
    client.force_login(cast.lea)
    page = reverse("assessment:readings", args=[cast.delivery.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, {}).status_code == 422
    asked = {"task": cast.task.pk, "reading": "share"}
    assert client.post(page, asked).status_code == 422
    assert client.post(page, {**asked, "percent": 20}).status_code == 302
    assert ReadingPlan.objects.get().percent == 20
    opened(allocated(cast), cast.ada)
    shown = client.get(page).content.decode()
    assert ReadingDraw.objects.get().submission.reference in shown
    assert client.post(page, {**asked, "percent": 30}).status_code == 422
