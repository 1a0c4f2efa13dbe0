"""What lies or belongs somewhere else: it is refused where it is named, and stays as it is where it is not."""

import datetime as dt

import pytest
from django.utils import timezone

from assessment.actions.allocation import allocate, end_allocation, hand_back
from assessment.actions.double import plan_readings
from assessment.actions.revealing import plan_names
from assessment.actions.seeding import begin_seeds
from assessment.actions.sharing import (
    allocate_as_planned,
    enter_leave,
    pin_learner,
    set_groups,
    set_marking_time,
    take_back_leave,
    unpin,
)
from assessment.enums import Reading
from assessment.models import (
    Allocation,
    LearnerGroup,
    Leave,
    MarkingTime,
    Pin,
    ReadingPlan,
    SeedPlan,
)
from portfolios.models import Submission
from tests.factories.assessment import allocated, decided, opened
from tests.factories.catalogue import published_version
from tests.factories.portfolios import submitted
from tests.personas import make_cast, make_user, second_cohort
from tests.tampering import tampering
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@kept
def cast():
    """Three learners; two of them and one more learn in an evening cohort. And a task of another version."""
    made = make_cast(learners=3)
    made.strange = published_version(made.provider, "other").tasks.get()
    made.people["late"] = make_user("late")
    made.evening = second_cohort(made, "lena", "hone", "late").delivery
    return made


# --- tasks


NAMED = {
    plan_readings: {"reading": Reading.BLIND},
    set_marking_time: {"minutes": 30},
    begin_seeds: {"percent": 5, "telling": "never"},
    plan_names: {"learner": True, "assessor": True, "between": True},
}


@pytest.mark.parametrize("act", NAMED, ids=lambda one: one.__name__)
def test_nothing_is_said_of_a_task_that_is_not_taught_here(cast, act):
    with pytest.raises(NotPermitted):
        act(cast.delivery, cast.strange, actor=cast.lea, **NAMED[act])
    for model in (ReadingPlan, MarkingTime, SeedPlan):
        assert not model.objects.exists()


@pytest.mark.parametrize("act", [plan_readings, plan_names], ids=lambda one: one.__name__)
def test_only_work_for_this_task_in_this_delivery_fixes_how_it_is_read(cast, act):
    work = submitted(cast)
    act(cast.evening, cast.task, actor=cast.lea, **NAMED[act])
    with pytest.raises(StaleState):
        act(cast.delivery, cast.task, actor=cast.lea, **NAMED[act])
    with tampering():
        Submission.objects.filter(pk=work.pk).update(task=cast.strange)
    act(cast.delivery, cast.task, actor=cast.lea, **NAMED[act])


# --- plans


def test_a_plan_for_one_delivery_gives_no_work_of_another(cast):
    work = submitted(cast)
    with pytest.raises(StaleState):
        allocate_as_planned(cast.evening, actor=cast.pam, previewed=[(work.pk, cast.ada.pk)])
    assert not Allocation.objects.exists()


def test_no_allocation_ends_of_work_that_the_plan_gives_to_nobody(cast):
    first, other = allocated(cast), allocated(cast, "hone")
    held = [one.pk for one in Allocation.objects.all()]
    with pytest.raises(StaleState):
        allocate_as_planned(
            cast.delivery, actor=cast.pam, previewed=[(first.pk, cast.abe.pk)], moved=held
        )
    assert other.allocations.get().ended_at is None
    assert Allocation.objects.current().count() == 2


def test_whoever_sealed_a_decision_keeps_their_part_though_the_second_gave_theirs_back(cast):
    """Work that waits again for its second assessor is unopened and yet half decided."""
    plan_readings(cast.delivery, cast.task, actor=cast.pam, reading=Reading.OPEN)
    work = decided(allocated(cast), cast.ada)
    second = Allocation.objects.current().exclude(assessor=cast.ada).get().assessor
    opened(work, second)
    hand_back(work, actor=second)
    work = Submission.objects.get(pk=work.pk)
    assert work.state == "submitted"
    hers = Allocation.objects.current().get(assessor=cast.ada)
    for wanted, moved in ((second, [hers.pk]), (cast.ada, [])):
        with pytest.raises(StaleState):
            allocate_as_planned(
                cast.delivery, actor=cast.pam, previewed=[(work.pk, wanted.pk)], moved=moved
            )
    assert Allocation.objects.current().get() == hers
    allocate_as_planned(cast.delivery, actor=cast.pam, previewed=[(work.pk, second.pk)])


def test_a_plan_may_give_some_of_the_pool_or_all_of_it_to_everybody(cast):
    work = [submitted(cast, name) for name in ("lena", "hone", "mere")]
    some = [(work[0].pk, cast.ada.pk)]
    assert allocate_as_planned(cast.delivery, actor=cast.pam, previewed=some) == 1
    held = [one.pk for one in Allocation.objects.all()]
    everybody = list(
        zip([one.pk for one in work], [cast.abe.pk, cast.ada.pk, cast.ana.pk], strict=True)
    )
    given = {"actor": cast.pam, "previewed": everybody, "moved": held}
    assert allocate_as_planned(cast.delivery, **given) == 3


def test_an_allocation_that_has_ended_is_not_moved(cast):
    work = allocated(cast)
    old = Allocation.objects.get()
    end_allocation(old, actor=cast.pam, reason="Leave")
    with pytest.raises(StaleState):
        allocate_as_planned(
            cast.delivery, actor=cast.pam, previewed=[(work.pk, cast.abe.pk)], moved=[old.pk]
        )
    assert not Allocation.objects.current().exists()


def test_work_with_a_draft_that_somebody_left_is_moved(cast):
    work = allocated(cast)
    draft = opened(work, cast.ada)
    hand_back(work, actor=cast.ada)
    held = allocate(Submission.objects.get(pk=work.pk), cast.ada, actor=cast.pam)
    moved = {"previewed": [(work.pk, cast.abe.pk)], "moved": [held.pk]}
    assert allocate_as_planned(cast.delivery, actor=cast.pam, **moved) == 1
    draft.refresh_from_db()
    assert draft.sealed_at is None


def test_of_two_who_mark_blind_one_is_moved_and_neither_once_it_is_open(cast):
    plan_readings(cast.delivery, cast.task, actor=cast.pam, reading=Reading.BLIND)
    work = allocated(cast)
    hers = Allocation.objects.get()
    allocate(Submission.objects.get(pk=work.pk), cast.abe, actor=cast.pam)
    his = Allocation.objects.get(assessor=cast.abe)
    moved = {"previewed": [(work.pk, cast.ana.pk)], "moved": [his.pk]}
    assert allocate_as_planned(cast.delivery, actor=cast.pam, **moved) == 1
    assert set(Allocation.objects.current().values_list("assessor", flat=True)) == {
        cast.ada.pk, cast.ana.pk,
    }  # fmt: skip
    opened(work, cast.ana)
    with pytest.raises(StaleState):
        allocate_as_planned(
            cast.delivery, actor=cast.pam, previewed=[(work.pk, cast.abe.pk)], moved=[hers.pk]
        )


# --- pins, leave and groups


def test_whoever_learns_only_elsewhere_is_neither_pinned_nor_grouped_here(cast):
    with pytest.raises(NotPermitted):
        pin_learner(cast.delivery, cast.late, cast.ada, actor=cast.pam)
    with pytest.raises(NotPermitted):
        set_groups(cast.delivery, actor=cast.pam, groups={cast.late.pk: "Days"})
    assert not Pin.objects.exists()
    assert not LearnerGroup.objects.exists()


def test_one_pin_and_one_leave_end_and_no_others(cast):
    pins = [
        pin_learner(cast.delivery, one, cast.ada, actor=cast.pam) for one in (cast.lena, cast.hone)
    ]
    today = timezone.localdate()
    days = {"first_day": today, "last_day": today}
    leaves = [enter_leave(cast.delivery, one, actor=one, **days) for one in (cast.ada, cast.abe)]
    unpin(pins[0], actor=cast.pam)
    take_back_leave(cast.delivery, leaves[0], actor=cast.pam)
    assert Pin.objects.get(ended_at__isnull=True) == pins[1]
    assert Leave.objects.get(ended_at__isnull=True) == leaves[1]


def test_a_pin_ends_where_a_new_one_takes_its_place_and_no_other_does(cast):
    given = [
        pin_learner(cast.delivery, cast.lena, cast.ada, actor=cast.pam),
        pin_learner(cast.delivery, cast.hone, cast.ada, actor=cast.pam),
        pin_learner(cast.evening, cast.lena, cast.ada, actor=cast.pam),
    ]
    new = pin_learner(cast.delivery, cast.lena, cast.abe, actor=cast.pam)
    live = set(Pin.objects.filter(ended_at__isnull=True))
    assert live == {new, *given[1:]}


def test_what_has_ended_keeps_its_moment(cast):
    pin = pin_learner(cast.delivery, cast.lena, cast.ada, actor=cast.pam)
    today = timezone.localdate()
    leave = enter_leave(
        cast.delivery, cast.ada, actor=cast.ada, first_day=today, last_day=today + dt.timedelta(3)
    )

    def moments():
        return [
            model.objects.get(pk=one.pk).ended_at for model, one in ((Pin, pin), (Leave, leave))
        ]

    def end():
        unpin(pin, actor=cast.pam)
        take_back_leave(cast.delivery, leave, actor=cast.ada)

    end()
    before = moments()
    assert None not in before
    end()
    pin_learner(cast.delivery, cast.lena, cast.abe, actor=cast.pam)
    assert moments() == before


@pytest.mark.parametrize("name", ["lea", "moses", "lena"])
def test_nobody_is_away_who_does_not_assess_here(cast, name):
    """Also not by their own hand."""
    someone, today = cast.people[name], timezone.localdate()
    with pytest.raises(NotPermitted):
        enter_leave(cast.delivery, someone, actor=someone, first_day=today, last_day=today)
    assert not Leave.objects.exists()


def test_groups_of_another_delivery_stay(cast):
    for where in (cast.delivery, cast.evening):
        set_groups(where, actor=cast.pam, groups={cast.lena.pk: "Days", cast.hone.pk: "Days"})
    set_groups(cast.delivery, actor=cast.pam, groups={cast.lena.pk: ""})
    rows = LearnerGroup.objects.values_list("delivery", "learner")
    assert set(rows) == {
        (cast.delivery.pk, cast.hone.pk),
        (cast.evening.pk, cast.lena.pk), (cast.evening.pk, cast.hone.pk),
    }  # fmt: skip


def test_a_marking_time_is_taken_back_for_one_delivery(cast):
    for where in (cast.delivery, cast.evening):
        set_marking_time(where, cast.task, actor=cast.pam, minutes=30)
    # A task of another version has none by any action; whatever is there stays.
    other = MarkingTime.objects.create(
        delivery=cast.delivery, task=cast.strange, minutes=5, set_by=cast.pam
    )
    set_marking_time(cast.delivery, cast.task, actor=cast.pam, minutes=None)
    assert {one.delivery for one in MarkingTime.objects.exclude(pk=other.pk)} == {cast.evening}
    assert MarkingTime.objects.filter(pk=other.pk).exists()


def test_work_is_allocated_to_assessors_of_its_own_delivery(cast):
    work = submitted(cast)
    cast.delivery.roles.filter(user=cast.abe).update(ended_at=timezone.now())
    with pytest.raises(GuardsNotMet):
        allocate(work, cast.abe, actor=cast.pam)
    allocate(work, cast.ada, actor=cast.pam)
