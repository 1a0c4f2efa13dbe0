"""The pages of whoever allocates and of two who disagree: each speaks of its own delivery, and says what is wrong."""

import pytest

from accounts.enums import ConflictKind
from accounts.models import DeclaredConflict
from assessment.actions.allocation import allocate
from assessment.actions.discussing import say
from assessment.actions.double import plan_readings
from assessment.actions.revealing import plan_names
from assessment.enums import Reading, Stand
from assessment.models import Allocation, DiscussionEntry, Leave, Pin, ReadingDraw, ReadingPlan
from catalogue.enums import DeliveryRoleKind
from catalogue.models import DeliveryRole, TaskSchedule
from portfolios.models import Submission
from portfolios.models.submission import POLICY_OF
from tests.assessment.pages import url
from tests.factories.assessment import allocated, decided, referred
from tests.factories.awards import moderate
from tests.factories.portfolios import submit, submitted
from tests.personas import Cast, as_, make_cast, second_cohort
from tests.worlds import kept


@kept
def two() -> Cast:
    """A second delivery of the same task by the same staff; Lena has submitted in the second, nobody in the first."""
    made = make_cast(learners=2)
    there = second_cohort(made, "lena")
    made.second, made.work = there.delivery, submitted(there)
    return made


def test_a_plan_of_readings_is_that_of_the_delivery(two):
    plan_readings(two.delivery, two.task, actor=two.pam, reading=Reading.BLIND)
    here, there = (
        as_(two.pam).get(url("readings", one.pk)).content.decode()
        for one in (two.delivery, two.second)
    )
    blind, single = (Reading(one).label for one in (Reading.BLIND, Reading.SINGLE))
    assert blind in here.partition("Change a task")[0]
    assert single in there.partition("Change a task")[0]
    assert "can be changed until its first submission" in here
    assert "nothing can be changed here any more" in there


def test_what_was_drawn_in_one_delivery_stands_with_it(two):
    ReadingDraw.objects.create(submission=two.work, seed="s", percent=50, value=0.1, is_double=True)
    pam = as_(two.pam)
    assert two.work.reference in pam.get(url("readings", two.second.pk)).content.decode()
    assert two.work.reference not in pam.get(url("readings", two.delivery.pk)).content.decode()


def test_what_is_wrong_in_a_plan_of_readings_is_said(two):
    pam, where = as_(two.pam), url("readings", two.delivery.pk)
    sent = {"task": two.task.pk, "reading": "share", "percent": ""}
    for change, words in (
        ({}, "Enter how many of 100."),
        ({"task": ""}, "Choose a task."),
        ({"reading": ""}, "Choose how often."),
    ):
        wrong = pam.post(where, sent | change)
        assert (wrong.status_code, words in wrong.content.decode()) == (422, True)
    assert not ReadingPlan.objects.exists()
    done = pam.post(where, sent | {"percent": 20}, follow=True)
    assert f"Saved for {two.task.title}." in done.content.decode()
    assert ReadingPlan.objects.get().percent == 20
    begun = pam.post(url("readings", two.second.pk), sent | {"percent": 20})
    assert begun.status_code == 422


def test_names_are_hidden_in_the_delivery_for_which_it_was_said(two):
    plan_names(two.delivery, two.task, actor=two.pam, learner=True, assessor=False, between=None)
    pam = as_(two.pam)
    here = pam.get(url("names", two.delivery.pk)).content.decode()
    there = pam.get(url("names", two.second.pk)).content.decode()
    words = {True: "Hidden", False: "Shown"}
    policy = [words[bool(two.second.policy_value(one))] for one in POLICY_OF.values()]
    assert policy[:2] == ["Shown", "Hidden"]
    for page, wanted in ((here, ["Hidden", "Shown", policy[2]]), (there, policy)):
        rows = page.partition("<tbody")[2].partition("</tbody>")[0]
        assert [one.partition(">")[2].partition("<")[0] for one in rows.split("<td")[1:]] == wanted
    assert "can be changed until its first submission" in here
    assert "nothing can be changed here any more" in there
    assert pam.post(url("names", two.delivery.pk), {"task": ""}).status_code == 422
    done = pam.post(
        url("names", two.delivery.pk), {"task": two.task.pk, "learner": "no"}, follow=True
    )
    assert f"Saved for {two.task.title}." in done.content.decode()
    assert TaskSchedule.objects.get(delivery=two.delivery).hides_learner is False


def test_only_the_learner_asks_who_assessed_and_of_the_attempt_that_they_name(cast):
    first = referred(cast)
    first.portfolio.refresh_from_db()
    again = submit(first.portfolio)
    assert as_(cast.lena).post(url("reveal_assessor", again.pk)).status_code == 403
    for person in (cast.pam, cast.lea):
        refused = as_(person).post(url("reveal_assessor", first.pk))
        assert refused.status_code == 403
        assert "Only the learner asks this here." in refused.content.decode()


@kept
def talking() -> Cast:
    return make_cast(learners=2, policy={"marking.double": True, "double.discussion": True})


def test_whoever_allocates_reads_a_concluded_discussion_and_adds_nothing(talking):
    submission = allocated(talking)
    allocate(submission, talking.abe, actor=talking.pam)
    decided(submission, talking.ada, "E")
    decided(submission, talking.abe, "NY")
    talk = submission.discussions.get()
    for person, stand in ((talking.ada, Stand.MINE), (talking.abe, Stand.OTHERS)):
        say(talk, actor=person, rationale="Page 4.", stand=stand)
    moderate(talking, [submission])
    lea, where = as_(talking.lea), url("discussion", submission.pk)
    assert "Page 4." in lea.get(where).content.decode()
    sent = {"rationale": "I think so too.", "stand": "mine"}
    refused = lea.post(where, sent)
    assert refused.status_code == 403
    assert "Only the two assessors decide here." in refused.content.decode()
    assert DiscussionEntry.objects.count() == 2
    other = submitted(talking, "hone")
    assert lea.get(url("discussion", other.pk)).status_code == 404


def test_the_board_of_a_delivery_holds_its_own_work_alone(two):
    here = submitted(two, "hone")
    allocate(two.work, two.ada, actor=two.pam)
    pam = as_(two.pam)
    for delivery, inside, outside in (
        (two.delivery, here, two.work),
        (two.second, two.work, here),
    ):
        page = pam.get(url("allocate", delivery.pk)).content.decode()
        assert str(inside.pk) in page
        assert str(outside.pk) not in page
        assert pam.get(url("allocate_one", delivery.pk, outside.pk)).status_code == 404
    held = Allocation.objects.get()
    assert pam.post(url("end", two.delivery.pk, held.pk)).status_code == 404
    other = url("allocate_one", two.delivery.pk, here.pk)
    assert pam.get(f"{other}?from={held.pk}").status_code == 404
    assert pam.get(f"{other}?from=nonsense").status_code == 404
    done = pam.post(url("end", two.second.pk, held.pk), follow=True)
    assert f"{two.work.reference} is in the pool." in done.content.decode()
    assert pam.post(url("end", two.second.pk, held.pk)).status_code == 404


def test_leave_pins_and_relations_of_another_delivery_stay_out(two):
    day = two.second.starts_on
    leave = Leave.objects.create(person=two.ada, first_day=day, last_day=day, entered_by=two.pam)
    pin = Pin.objects.create(
        delivery=two.second, learner=two.lena, assessor=two.ada, pinned_by=two.pam
    )
    pam = as_(two.pam)
    assert "Lena" in pam.get(url("workload", two.second.pk)).content.decode()
    assert (
        url("release_pin", two.delivery.pk, pin.pk)
        not in pam.get(url("workload", two.delivery.pk)).content.decode()
    )
    assert pam.post(url("release_pin", two.delivery.pk, pin.pk)).status_code == 404
    DeliveryRole.objects.filter(user=two.ada, delivery=two.delivery).delete()
    assert pam.post(url("back_early", two.delivery.pk, leave.pk)).status_code == 404
    done = pam.post(url("back_early", two.second.pk, leave.pk), follow=True)
    assert "Ada Assessor is there." in done.content.decode()


def test_what_is_wrong_about_a_relation_or_a_waiver_is_said(cast):
    submission = allocated(cast)
    pam, board = as_(cast.pam), url("conflicts", cast.delivery.pk)
    sent = {"person": cast.ada.pk, "learner": cast.lena.pk, "kind": ConflictKind.WHANAU}
    for gone in ("person", "learner", "kind"):
        wrong = pam.post(board, {key: value for key, value in sent.items() if key != gone})
        assert (wrong.status_code, "error-summary" in wrong.content.decode()) == (422, True)
    assert not DeclaredConflict.objects.exists()
    done = pam.post(board, sent, follow=True)
    assert "Recorded for Ada Assessor." in done.content.decode()
    waive = url("waive_conflict", cast.delivery.pk, submission.pk, cast.ada.pk)
    assert "error-summary" not in pam.get(waive).content.decode()
    DeliveryRole.objects.create(
        user=cast.pam, delivery=cast.delivery, role=DeliveryRoleKind.ASSESSOR
    )
    own = pam.get(url("waive_conflict", cast.delivery.pk, submission.pk, cast.pam.pk))
    assert own.status_code == 403
    assert "Nobody asks for a waiver of their own." in own.content.decode()
    for nobody in (cast.moses, cast.lena):
        address = url("waive_conflict", cast.delivery.pk, submission.pk, nobody.pk)
        assert pam.get(address).status_code == 404
    asked = pam.post(waive, {"ground": "whanau", "reason": "Nobody else."}, follow=True)
    assert "It counts once another administrator has signed it." in asked.content.decode()
    assert pam.post(waive, {"ground": "employer", "reason": "Not found."}).status_code == 422


def test_knowing_a_learner_is_said_by_whose_turn_it_is(cast):
    submission = allocated(cast)
    for person in (cast.lea, cast.pam):
        refused = as_(person).get(url("known", submission.pk))
        assert refused.status_code == 403
        assert "Only whoever has to mark this says so." in refused.content.decode()
    ada, where = as_(cast.ada), url("known", submission.pk)
    page = ada.get(where).content.decode()
    assert "What you have written so far is kept" not in page
    assert "I did it" not in page
    assert "Shows C1." not in page
    ada.post(url("start", submission.pk))
    assert "What you have written so far is kept" in ada.get(where).content.decode()
    done = ada.post(where, {"kind": ConflictKind.KNOWN}, follow=True)
    assert f"{submission.reference} goes to somebody else" in done.content.decode()
    assert Submission.objects.get(pk=submission.pk).allocations.current().get().assessor != cast.ada


@pytest.mark.parametrize("name", ["shares", "allocate_file", "workload", "groups", "openings"])
def test_a_page_of_one_delivery_is_for_those_who_lead_it(two, name):
    DeliveryRole.objects.filter(user=two.lea, delivery=two.second).delete()
    lea = as_(two.lea)
    assert lea.get(url(name, two.delivery.pk)).status_code == 200
    assert lea.get(url(name, two.second.pk)).status_code == 404
    assert as_(two.ada).get(url(name, two.delivery.pk)).status_code == 403
