"""Conditions of the guards and rules of marking that only decide where several things come together."""

import pytest
from django.utils import timezone

from assessment import guards, rules
from assessment.actions.allocation import allocate
from assessment.actions.deciding import refer
from assessment.actions.double import plan_readings
from assessment.actions.marking import save_draft
from assessment.calibration import Pair, PassRule, judge
from assessment.definitions import Judged, Marks
from assessment.enums import Reading
from assessment.models import EarlyCheck, EarlyPlace, Lease, ReadingPlan
from assessment.querysets import waiting_for
from portfolios.models import Part, Submission
from tests.factories.assessment import allocated, assessed, decided, marks, opened
from tests.factories.catalogue import published_version
from tests.factories.portfolios import fresh, submitted
from tests.tampering import tampering


@pytest.mark.parametrize(("own", "word"), [(2, "kinder"), (0, "stricter")])
def test_one_level_off_is_said_which_way(own, word):
    verdict = judge([Pair({"C1": own}, {"C1": 1}, True)], PassRule(exact=0, bias=0.5))
    assert verdict.reasons == (f"On average 1.00 levels {word} than agreed; up to 0.5 is allowed.",)


def test_of_two_who_mark_blind_only_each_other_stand_in_nobodys_way(double):
    """The lease of a lead holds, also of one with another part, and that of somebody who marks it no more."""
    submission = allocated(double)
    allocate(submission, double.abe, actor=double.pam)
    opened(submission, double.abe)

    def stands():
        return not guards.lease_free.holds(fresh(submission), double.ada)

    assert not stands()
    Lease.objects.update(holder=double.lea)
    assert stands()
    part = Part.objects.create(submission=submission, person=double.lea, kind="moderator")
    assert stands()
    part.delete()
    Lease.objects.update(holder=double.abe)
    assert not stands()
    Part.objects.filter(person=double.abe).update(ended_at=timezone.now())
    assert stands()
    Lease.objects.update(until=timezone.now())
    assert not stands()


def test_what_came_back_is_the_turn_of_whoever_decided_while_it_is_theirs(cast):
    """As rule and as query. Not once their part ended, nor of what never came back or waits for anybody."""
    work = assessed(cast)
    returned = timezone.now()

    def turn(**row):
        with tampering():
            Submission.objects.filter(pk=work.pk).update(
                **{"state": "in_assessment", "returned_at": returned} | row
            )
        now = fresh(work)
        found = {
            name for name in ("ada", "abe", "lea", "pam") if rules.is_turn(now, cast.people[name])
        }
        listed = {
            name
            for name in ("ada", "abe", "lea", "pam")
            if waiting_for(Submission.objects.all(), cast.people[name]).exists()
        }
        assert found == listed
        return found

    assert turn() == {"ada"}
    assert turn(returned_at=None) == set()
    assert turn(state="submitted") == set()
    Part.objects.create(submission=work, person=cast.abe, kind="adjudicator")
    assert turn() == {"ada"}
    Part.objects.filter(person=cast.ada).update(kind="moderator")
    assert turn() == set()
    Part.objects.filter(person=cast.ada).update(kind="assessor", ended_at=returned)
    assert turn() == set()


def test_a_plan_for_another_task_says_nothing_of_this_one(cast):
    """Neither how often work is read nor whether it waits for a check."""
    strange = published_version(cast.provider, "other").tasks.get()
    said = {"task": strange, "percent": 100, "seed": "s", "set_by": cast.pam}
    ReadingPlan.objects.create(delivery=cast.delivery, reading=Reading.BLIND, **said)
    work, other = allocated(cast), allocated(cast, "hone")
    assert not guards.asks_for_two(fresh(work))
    check = EarlyCheck.objects.create(delivery=cast.delivery, task=strange, size=1)
    EarlyPlace.objects.create(check_of=check, submission=other, number=1)
    assert guards.place_in_early_check.holds(fresh(work))
    check.task = cast.task
    check.save()
    assert not guards.place_in_early_check.holds(fresh(work))


def test_a_first_decision_lies_open_where_it_was_planned_for_this_task(cast):
    strange = published_version(cast.provider, "other").tasks.get()
    plan = plan_readings(cast.delivery, cast.task, actor=cast.pam, reading=Reading.OPEN)
    work = decided(allocated(cast), cast.ada)
    second = Part.objects.get(submission=work, kind="second_assessor").person
    assert rules.may_open_first_decision(work, second)
    with tampering():
        ReadingPlan.objects.filter(pk=plan.pk).update(task=strange)
    assert not rules.may_open_first_decision(fresh(work), second)
    with tampering():
        ReadingPlan.objects.filter(pk=plan.pk).update(task=cast.task, reading=Reading.BLIND)
    assert not rules.may_open_first_decision(fresh(work), second)


def test_a_wish_to_refer_with_a_criterion_left_open_is_held_against_the_other_decision(double):
    """Where one gave no level there is nothing to compare; the outcomes differ all the same."""
    work = allocated(double)
    allocate(work, double.abe, actor=double.pam)
    draft = opened(work, double.abe)
    said = dict(marks(work, "NY").criteria)
    said[3] = Judged(feedback="Not looked at.")
    save_draft(work.pk, actor=double.abe, marks=Marks(said), seen_version=draft.version)
    refer(work, actor=double.abe)
    assert decided(work, double.ada, "M").state == "in_adjudication"


def test_only_a_share_is_drawn(double):
    """Where all work is read once, or all of it twice, whoever marks it is told which."""
    work = submitted(double)
    assert not guards.may_be_drawn(fresh(work))
    plan = ReadingPlan.objects.create(
        delivery=double.delivery, task=double.task, reading=Reading.SINGLE, percent=100, seed="s",
        set_by=double.pam,
    )  # fmt: skip
    for reading, drawn, two, blind in (
        (Reading.SINGLE, False, False, False), (Reading.BLIND, False, True, True),
        (Reading.OPEN, False, True, False), (Reading.SHARE, True, True, True),
    ):  # fmt: skip
        with tampering():
            ReadingPlan.objects.filter(pk=plan.pk).update(reading=reading)
        now = fresh(work)
        assert (guards.may_be_drawn(now), guards.asks_for_two(now), guards.reads_blind(now)) == (
            drawn, two, blind,
        ), reading  # fmt: skip


def test_the_decision_that_counts_is_the_newest_and_bound_to_the_rubric(cast):
    """An older one that still fits does not stand in for a newer that does not; a draft is none."""
    work = assessed(cast)
    old = work.decisions.get()
    assert guards.finally_decided.holds(fresh(work))
    with tampering():
        type(old).objects.filter(pk=old.pk).update(rubric_hash="e" * 64)
    assert not guards.finally_decided.holds(fresh(work))
    with tampering():
        type(old).objects.filter(pk=old.pk).update(rubric_hash=work.rubric.content_hash)
    assert guards.finally_decided.holds(fresh(work))
    newer = type(old).objects.create(
        submission=work, author=cast.ada, number=2, manifest_hash="0" * 64, rubric_hash="",
        policy_hash="", reason="Read again.", reason_code="reading",
    )  # fmt: skip
    assert guards.finally_decided.holds(fresh(work))
    with tampering():
        type(old).objects.filter(pk=newer.pk).update(
            outcome=old.outcome, grade=old.grade, sealed_at=timezone.now(), final_at=timezone.now()
        )
    assert not guards.finally_decided.holds(fresh(work))
