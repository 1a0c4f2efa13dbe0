"""Hidden agreed work and second readings: what is drawn, placed, withdrawn and told, and what is left alone."""

from contextlib import contextmanager
from unittest.mock import patch

import pytest
from django.utils import timezone

from assessment.actions.allocation import allocate
from assessment.actions.double import open_first_decision, plan_readings
from assessment.actions.exemplars import retire_exemplar
from assessment.actions.seeding import (
    begin_seeds,
    end_seeds,
    place_beside,
    place_seed,
    tell_assessors,
    waiting_alone,
    withdraw_seed,
)
from assessment.enums import Reading
from assessment.models import Allocation, Exemplar, ReadingDraw, Seed
from assessment.models.seeds import MOST_PERCENT
from catalogue.models import DeliveryRole
from portfolios.models import Submission
from tests.factories.assessment import allocated, assessed, decided, opened
from tests.factories.catalogue import published_version
from tests.factories.portfolios import submitted
from tests.factories.seeds import anchored, hidden, planned, relay, seeded_cast
from tests.personas import make_cast, second_cohort
from tests.tampering import tampering
from tests.worlds import kept
from workflows.models import Notification

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast():
    """Lena's work waits for Ada; Mere's, which Abe decided, is agreed on. An evening cohort has no plan."""
    made = seeded_cast()
    made.work = allocated(made)
    made.evening = second_cohort(made).delivery
    made.strange = published_version(made.provider, "other").tasks.get()
    relay()
    return made


@kept
def two():
    """Lena's and Hōne's work, handed in before anybody said how it is read."""
    return make_cast(learners=2)


@contextmanager
def everybody_due():
    with (
        patch("assessment.actions.seeding.is_due", return_value=True),
        patch("assessment.actions.seeding.ONE_IN", 1),
    ):
        yield


# --- plans


@pytest.mark.parametrize("percent", [1, MOST_PERCENT])
def test_the_least_and_the_largest_share_are_shares(cast, percent):
    plan = begin_seeds(cast.delivery, cast.task, actor=cast.lea, percent=percent, telling="never")
    assert plan.percent == percent


def test_live_work_brings_a_seed_where_a_plan_runs_for_it_and_nothing_stands_in_the_way(cast):
    with everybody_due():
        assert place_beside(cast.work) == 0
        plan = planned(cast)
        for change in ({"delivery": cast.evening}, {"task": cast.strange}):
            strange = Submission.objects.get(pk=cast.work.pk)
            for name, value in change.items():
                setattr(strange, name, value)
            assert place_beside(strange) == 0
        end_seeds(plan, actor=cast.lea)
        assert place_beside(cast.work) == 0
        assert not Seed.objects.exists()
        planned(cast)
        assert place_beside(cast.work) == 1
        retire_exemplar(Exemplar.objects.get(), actor=cast.lea, reason="Old")
        assert place_beside(cast.work) == 0


def test_nobody_gets_a_seed_that_is_not_due_when_it_is_looked_at_again(cast):
    plan = planned(cast)
    assert place_seed(plan, cast.ada) is None
    assert not Seed.objects.exists()


@pytest.mark.parametrize(("alone", "due"), [(False, True), (True, False), (True, True)])
def test_whoever_marks_alone_waits_for_the_moment_and_for_the_share(cast, alone, due):
    plan = planned(cast)
    with (
        patch("assessment.actions.seeding.comes_alone", return_value=alone),
        patch("assessment.actions.seeding.is_due", return_value=due),
    ):
        waiting = {(one, person) for one, person in waiting_alone() if person == cast.ada}
        assert waiting == ({(plan, cast.ada)} if alone and due else set())
        end_seeds(plan, actor=cast.lea)
        assert waiting_alone() == []


def test_each_persons_seeds_of_a_plan_lie_together_and_nobody_elses_with_them(cast):
    plan = planned(cast)
    first = hidden(cast, plan)
    other = hidden(cast, plan, "ana")
    anchored(cast, source=assessed(cast, "hone", assessor="abe"))
    second = hidden(cast, plan)
    places = [one.submission.delivery for one in (first, other, second)]
    assert places[0] == places[2] != places[1]
    end_seeds(plan, actor=cast.lea)
    later = hidden(cast, planned(cast), "ana")
    assert later.submission.delivery not in places


# --- withdrawing and telling


def test_one_seed_is_withdrawn_and_the_other_can_be(cast):
    plan = planned(cast)
    first, other = hidden(cast, plan), hidden(cast, plan, "ana")
    ended = DeliveryRole.objects.create(
        delivery=first.submission.delivery, user=cast.ana, role="assessor",
        ended_at=timezone.now(),
    )  # fmt: skip
    opened(first.submission, cast.ada)
    withdraw_seed(first, actor=cast.lea, reason="Too long")
    # A draft is no decision: the work goes, and what had ended keeps its moment.
    assert not Allocation.objects.current().filter(submission=first.submission).exists()
    before = ended.ended_at
    ended.refresh_from_db()
    assert ended.ended_at == before
    assert Allocation.objects.current().filter(submission=other.submission).exists()
    withdraw_seed(other, actor=cast.lea, reason="Too long")
    assert not Allocation.objects.current().filter(submission=other.submission).exists()


def test_only_those_who_had_a_seed_of_this_plan_are_told(cast):
    decided(cast.work, cast.ada)
    for name in ("ada", "ana"):
        plan = planned(cast)
        decided(hidden(cast, plan, name).submission, cast.people[name])
        tell_assessors(plan, actor=cast.lea)
        told = Notification.objects.filter(topic="assessment.seeds_told", subject_id=plan.pk)
        assert [one.recipient for one in told] == [cast.people[name]]


# --- second readings


@pytest.mark.parametrize("reading", [Reading.SINGLE, Reading.BLIND, Reading.OPEN])
def test_nothing_is_drawn_where_no_share_is_read_twice(two, reading):
    plan_readings(two.delivery, two.task, actor=two.pam, reading=reading)
    allocated(two)
    assert not ReadingDraw.objects.exists()


def test_how_one_is_read_is_fixed_when_it_is_given_to_somebody_and_no_other_with_it(two):
    plan_readings(two.delivery, two.task, actor=two.pam, reading=Reading.BLIND)
    first, other = submitted(two), submitted(two, "hone")
    assert not Submission.objects.filter(double_blind=True).exists()
    allocate(first, two.ada, actor=two.pam)
    assert Submission.objects.get(double_blind=True) == first
    assert not Submission.objects.get(pk=other.pk).double_blind


def test_a_second_assessor_whose_decision_came_back_opens_the_first_and_not_their_own(two):
    plan_readings(two.delivery, two.task, actor=two.pam, reading=Reading.OPEN)
    work = decided(allocated(two), two.ada, "M")
    second = Allocation.objects.current().get(role="second_assessor").assessor
    work = decided(work, second, "G")
    assert work.decisions.get(final_at__isnull=False).author == second
    with tampering():
        Submission.objects.filter(pk=work.pk).update(
            state="in_assessment", returned_at=timezone.now(), return_note="Read it again."
        )
    assert open_first_decision(Submission.objects.get(pk=work.pk), actor=second).author == two.ada
