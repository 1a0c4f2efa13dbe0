"""What the pages of sharing out and of chosen rows go by: which line, whose leave, which delivery, which word."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import DeclaredConflict
from assessment.actions.allocation import allocate
from assessment.actions.sharing import set_capacity, set_groups
from assessment.models import Allocation, Leave, Pin
from portfolios.models import Submission
from tests.assessment.pages import url
from tests.factories.portfolios import submitted
from tests.personas import as_, make_cast, second_cohort
from tests.worlds import kept


@kept
def three():
    """Three pieces of work in the pool, and one of Lena's in a second delivery of the same staff."""
    made = make_cast(learners=3)
    made.work = {name: submitted(made, name) for name in made.enrolments}
    evening = second_cohort(made, "lena")
    made.second, made.there = evening.delivery, submitted(evening)
    return made


def given(cast, *names):
    for name in names:
        allocate(cast.work[name], cast.ada, actor=cast.pam)
    return {one.submission_id: one for one in Allocation.objects.current()}


def holders():
    return set(Allocation.objects.current().values_list("assessor__name", flat=True))


# --- plans


def test_a_plan_is_made_the_way_that_was_asked_for(three):
    pam, where = as_(three.pam), url("shares", three.delivery.pk)
    set_capacity(three.delivery, three.abe, actor=three.pam, shares=0, hours=None)
    for sent, way in (("share", "share"), ("file", "equal"), ("nonsense", "equal")):
        page = pam.get(where, {"way": sent})
        assert page.status_code == 200
        people = [one["share"].assessor for one in page.context["lines"]]
        assert (page.context["way"], three.abe in people) == (way, way == "equal")


def test_a_plan_counts_what_somebody_would_get_and_leaves_the_rest(three):
    for who in (three.ada, three.abe, three.ana):
        DeclaredConflict.objects.create(
            person=who, other=three.lena, kind="whanau", declared_by=three.pam
        )
    page = as_(three.pam).get(url("shares", three.delivery.pk))
    assert (page.context["count"], page.context["left"]) == (2, 1)
    plan = page.context["plan"]
    assert str(three.work["lena"].pk) not in plan
    done = as_(three.pam).post(url("share_out", three.delivery.pk), {"plan": plan}, follow=True)
    assert "2 allocated." in done.content.decode()


def test_a_plan_that_evens_out_ends_what_it_moves(three):
    held = given(three, "lena", "hone", "mere")
    pam = as_(three.pam)
    plan = pam.get(url("shares", three.delivery.pk), {"way": "balance"}).context["plan"]
    assert len(plan.split()) == 2
    assert pam.post(url("share_out", three.delivery.pk), {"plan": plan}).status_code == 302
    assert holders() == {"Ada Assessor", "Abe Assessor", "Ana Assessor"}
    for line in plan.split():
        key, _to, allocation = line.split(":")
        assert allocation == str(
            next(one.pk for one in held.values() if str(one.submission_id) == key)
        )
        assert Allocation.objects.get(pk=allocation).ended_at is not None


@pytest.mark.parametrize("line", ["{work}:{ada}", ":{ada}:", "{work}::", "{work}:{ada}::"])
def test_a_line_that_does_not_say_who_gets_what_does_nothing(three, line):
    line = line.format(work=three.work["lena"].pk, ada=three.ada.pk)
    sent = as_(three.pam).post(url("share_out", three.delivery.pk), {"plan": line})
    assert sent.status_code == 409
    assert not Allocation.objects.exists()


# --- leave, pins, groups


def test_leave_and_pins_are_listed_while_they_last_and_of_those_who_assess_here(three):
    now, day = timezone.now(), three.delivery.starts_on

    def leave(who, ended=None):
        return Leave.objects.create(
            person=who, first_day=day, last_day=day, entered_by=three.pam, ended_at=ended
        )

    def pin(learner, ended=None):
        return Pin.objects.create(
            delivery=three.delivery, learner=learner, assessor=three.ada, pinned_by=three.pam,
            ended_at=ended,
        )  # fmt: skip

    rows = [
        (leave(three.ada), True), (leave(three.abe, now), False), (leave(three.moses), False),
        (pin(three.lena), True), (pin(three.hone, now), False),
    ]  # fmt: skip
    page = as_(three.pam).get(url("workload", three.delivery.pk)).content.decode()
    for one, listed in rows:
        name = "back_early" if isinstance(one, Leave) else "release_pin"
        assert (url(name, three.delivery.pk, one.pk) in page) is listed
    three.delivery.policy_overrides = {"anonymous_marking": True}
    three.delivery.save()
    page = as_(three.pam).get(url("workload", three.delivery.pk)).content.decode()
    assert url("release_pin", three.delivery.pk, rows[3][0].pk) not in page
    assert "so pins are not listed" in page


def test_groups_are_listed_where_they_were_made(three):
    set_groups(three.second, actor=three.pam, groups={three.lena.pk: "Nights"})
    pam = as_(three.pam)
    for delivery, listed in ((three.second, True), (three.delivery, False)):
        page = pam.get(url("groups", delivery.pk)).content.decode()
        assert ("Nights" in page) is listed


# --- chosen rows


def test_a_move_without_its_reason_moves_nothing(three):
    given(three, "lena")
    lea, key = as_(three.lea), str(three.work["lena"].pk)
    asked = {"act": "move", "chosen": [key], "asked": "yes", "to": str(three.abe.pk)}
    plan = lea.post(url("chosen"), {**asked, "reason": "Ada is ill."}).context["plan"]
    assert plan
    assert lea.post(url("chosen_done"), {**asked, "plan": plan}).status_code == 409
    assert holders() == {"Ada Assessor"}


def test_what_was_chosen_is_one_act_on_rows_of_one_delivery(three):
    """Rows that nobody knows, none at all, of two deliveries, or a deed that is none."""
    lea, here = as_(three.lea), str(three.work["lena"].pk)
    sent = {"act": "allocate", "chosen": [here], "plan": f"{here}:{three.ada.pk}:"}
    for change, status in (
        ({"chosen": []}, 404),
        ({"chosen": ["nonsense"]}, 404),
        ({"chosen": [here, "nonsense"]}, 404),
        ({"chosen": [here, str(three.pam.pk)]}, 404),
        ({"chosen": [here, str(three.there.pk)]}, 409),
        ({"act": "destroy"}, 409),
        ({"act": ""}, 409),
    ):
        assert lea.post(url("chosen_done"), sent | change).status_code == status, change
    for change in ({"act": "destroy"}, {"act": ""}, {"chosen": []}):
        shown = lea.post(url("chosen"), sent | change)
        assert (shown.status_code, "chosen" in shown["Location"]) == (302, False)
    assert not Allocation.objects.exists()
    assert lea.post(url("chosen_done"), sent).status_code == 302


@pytest.mark.parametrize("act", ["allocate", "move", "release"])
def test_a_line_of_a_chosen_act_that_is_not_whole_does_nothing(three, act):
    held = given(three, "lena")[three.work["lena"].pk]
    work, free = three.work["lena"].pk, three.work["hone"].pk
    if act == "allocate":
        whole, wrong = (
            f"{free}:{three.abe.pk}:",
            [f"{free}:{three.abe.pk}", f"{free}::", f":{three.abe.pk}:"],
        )
    elif act == "move":
        whole = f"{work}:{three.abe.pk}:{held.pk}"
        wrong = [
            f"{work}:{three.abe.pk}",
            f"{work}::{held.pk}",
            f"{work}:{three.abe.pk}:",
            f":{three.abe.pk}:{held.pk}",
        ]
    else:
        whole, wrong = f"{work}::{held.pk}", [f"{work}:{held.pk}", f"::{held.pk}"]
    lea = as_(three.lea)
    sent = {"act": act, "chosen": [str(work), str(free)], "to": str(three.abe.pk), "reason": "Ill."}
    for line in wrong:
        assert lea.post(url("chosen_done"), {**sent, "plan": line}).status_code == 409, line
        both = f"{whole}\n{line}"
        assert lea.post(url("chosen_done"), {**sent, "plan": both}).status_code == 409, line
    assert set(Allocation.objects.current()) == {held}
    assert lea.post(url("chosen_done"), {**sent, "plan": whole}).status_code == 302
    assert set(Allocation.objects.current()) != {held}


@pytest.mark.parametrize("line", ["{work}|2031-01-01T12:00", "nonsense|", "{work}|soon"])
def test_more_time_is_given_to_work_whose_date_is_said_with_its_zone(three, line):
    given(three, "lena")
    work = three.work["lena"]
    day = (timezone.localdate() + dt.timedelta(90)).timetuple()
    sent = {
        "act": "extend", "chosen": [str(work.pk)], "reason": "Power cut.",
        "day_0": day[2], "day_1": day[1], "day_2": day[0], "plan": line.format(work=work.pk),
    }  # fmt: skip
    before = Submission.objects.get(pk=work.pk).marking_due_at
    assert as_(three.lea).post(url("chosen_done"), sent).status_code == 409
    assert Submission.objects.get(pk=work.pk).marking_due_at == before


def test_the_button_comes_once_all_is_said_and_counts_what_it_can_do(three):
    given(three, "lena")
    lea, keys = as_(three.lea), [str(one.pk) for one in three.work.values()]
    for act, count, left, button in (
        ("allocate", 2, 1, True), ("release", 1, 2, True), ("move", 1, 2, False),
        ("extend", 0, 0, False),
    ):  # fmt: skip
        page = lea.post(url("chosen"), {"act": act, "chosen": keys}).context
        assert (page["count"], page["left"], bool(page["plan"])) == (count, left, button), act
