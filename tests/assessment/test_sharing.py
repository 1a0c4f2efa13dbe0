"""Ways of sharing out: equal, by share, by site, from a file, evened out; pins, leave, hours; and carrying it out."""

import datetime as dt
from collections import Counter

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import DeclaredConflict, User
from assessment.actions.allocation import allocate, allocate_automatically
from assessment.actions.sharing import (
    allocate_as_planned,
    enter_leave,
    pin_learner,
    set_capacity,
    set_groups,
    set_marking_time,
    take_back_leave,
    unpin,
)
from assessment.enums import Way
from assessment.models import Allocation, AssessmentDecision, Capacity, Leave, Pin
from assessment.selectors import candidates_for
from assessment.selectors.sharing import as_listed, plan_of, staff_of
from catalogue.models import AssessmentTask, Enrolment
from portfolios.models import Part, Submission
from tests.factories.assessment import drafted, opened
from tests.factories.portfolios import submitted
from tests.personas import make_cast
from tests.tampering import tampering
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import Deadline, Notification


@kept
def six():
    """Six pieces of work in the pool, three assessors."""
    cast = make_cast(learners=6)
    for name in cast.enrolments:
        submitted(cast, name)
    return cast


TODAY = timezone.localdate


def counts(plan):
    return Counter(one.assessor.name.split()[0] for one in plan if one.assessor)


def pairs_of(plan):
    return [(one.submission.pk, one.assessor.pk) for one in plan if one.assessor]


def away(cast, person, first=0, last=3):
    day = timezone.now().astimezone(cast.delivery.zone).date()
    return enter_leave(
        cast.delivery, person, actor=cast.pam,
        first_day=day + dt.timedelta(first), last_day=day + dt.timedelta(last),
    )  # fmt: skip


def test_equal_and_by_share(six):
    assert counts(plan_of(six.delivery, Way.EQUAL)) == {"Ada": 2, "Abe": 2, "Ana": 2}
    set_capacity(six.delivery, six.ada, actor=six.pam, shares=4, hours=None)
    assert counts(plan_of(six.delivery, Way.SHARE)) == {"Ada": 4, "Abe": 1, "Ana": 1}
    set_capacity(six.delivery, six.abe, actor=six.pam, shares=0, hours=None)
    assert counts(plan_of(six.delivery, Way.SHARE)) == {"Ada": 5, "Ana": 1}
    assert counts(plan_of(six.delivery, Way.EQUAL)) == {"Ada": 2, "Abe": 2, "Ana": 2}
    assert not Allocation.objects.exists()


def test_hours_leave_and_pins_bind_every_way(six):
    set_capacity(six.delivery, six.ada, actor=six.pam, shares=1, hours=1)
    assert counts(plan_of(six.delivery, Way.EQUAL))["Ada"] == 1
    leave = away(six, six.abe)
    lena = six.enrolments["lena"].learner
    pin = pin_learner(six.delivery, lena, six.ana, actor=six.pam)
    for way in (Way.EQUAL, Way.SHARE, Way.GROUP):
        plan = plan_of(six.delivery, way)
        assert counts(plan) == {"Ada": 1, "Ana": 5}, way
        (line,) = [one for one in plan if one.submission.learner == lena]
        assert (line.assessor, line.reason) == (six.ana, "Pinned")
    unpin(pin, actor=six.pam)
    take_back_leave(six.delivery, leave, actor=six.abe)
    assert "Abe" in counts(plan_of(six.delivery, Way.EQUAL))
    away(six, six.ana, 1, 3)
    away(six, six.ana, -3, -1)
    assert "Ana" in counts(plan_of(six.delivery, Way.EQUAL))


def test_what_is_allocated_by_itself_goes_by_the_same_rules(six):
    work = list(Submission.objects.order_by("pk"))
    away(six, six.ada)
    set_capacity(six.delivery, six.abe, actor=six.pam, shares=1, hours=1)
    given = [allocate_automatically(one).assessor for one in work[:4]]
    assert Counter(one.name.split()[0] for one in given) == {"Abe": 1, "Ana": 3}
    pin_learner(six.delivery, work[4].learner, six.abe, actor=six.pam)
    set_capacity(six.delivery, six.abe, actor=six.pam, shares=1, hours=9)
    assert allocate_automatically(work[4]).assessor == six.abe
    # A pin does not overrule a conflict.
    pin_learner(six.delivery, work[5].learner, six.abe, actor=six.pam)
    DeclaredConflict.objects.create(
        person=six.abe, other=work[5].learner, kind="team", declared_by=six.pam
    )
    assert allocate_automatically(work[5]).assessor == six.ana
    # By hand somebody who is away can still be asked, last in the list and with a word of it.
    last = [one for one in candidates_for(work[0], "second_assessor") if one.is_able][-1]
    assert last.person == six.ada
    assert last.words.startswith("Away until")


def test_a_site_goes_to_one_person_as_far_as_that_goes(six):
    rows = list(Enrolment.objects.filter(delivery=six.delivery).order_by("pk"))
    for at, one in enumerate(rows):
        one.site = "North" if at < 3 else ""
        one.save()
    DeclaredConflict.objects.create(
        person=six.abe, other=rows[0].learner, kind="team", declared_by=six.pam
    )
    plan = plan_of(six.delivery, Way.GROUP)
    north = {one.assessor for one in plan if one.submission.enrolment.site}
    assert len(north) == 1
    assert six.abe not in north
    assert {one.reason for one in plan if one.submission.enrolment.site} == {"All of North"}
    assert max(counts(plan).values()) == 3


def test_a_group_of_ones_own_comes_before_the_site(six):
    rows = list(Enrolment.objects.filter(delivery=six.delivery).order_by("pk"))
    Enrolment.objects.filter(pk=rows[0].pk).update(site="North")
    named = {one.learner_id: "Night shift" for one in rows[:3]}
    assert set_groups(six.delivery, actor=six.lea, groups=named) == 3
    plan = [one for one in plan_of(six.delivery, Way.GROUP) if one.submission.learner_id in named]
    assert {one.reason for one in plan} == {"All of Night shift"}
    assert len({one.assessor for one in plan}) == 1
    # Who marks here without names learns nothing of whose it is.
    blind = plan_of(six.delivery, Way.GROUP, blind=True)
    assert {one.reason for one in blind if one.submission.learner_id in named} == {
        "All of one group"
    }
    set_groups(six.delivery, actor=six.lea, groups={rows[0].learner_id: ""})
    reasons = [one.reason for one in plan_of(six.delivery, Way.GROUP)]
    assert reasons.count("All of Night shift") == 2
    assert "All of North" in reasons


def test_groups_come_from_a_file_and_errors_say_the_line(six, client):
    client.force_login(six.pam)
    where = reverse("assessment:groups", args=[six.delivery.pk])
    first = six.enrolments["lena"].learner
    text = (
        f"learner,group\n{first.email},Days\nnobody@example.org,Days\n{first.email},Nights\n,Days\n"
    )
    page = client.post(where, {"text": text})
    assert page.status_code == 422
    for words in (
        "Line 3: nobody@example.org does not learn",
        "Line 4: lena@example.org is in",
        "Line 5: the e-mail address of the learner is missing.",
    ):
        assert words in page.content.decode()
    for name, header in (
        ("groups", "learner,group\n"),
        ("allocate_file", "submission,assessor\n,\n"),
    ):
        there = reverse(f"assessment:{name}", args=[six.delivery.pk])
        empty = client.post(there, {"text": header})
        assert "There is no row below the header." in empty.content.decode()
    assert client.post(where, {"text": "learner;group\nLENA@example.org;Days"}).status_code == 302
    assert "Days" in client.get(where).content.decode()
    bad = SimpleUploadedFile("groups.csv", b"learner,group\nlena@example.org,M\xe4ori\n")
    assert "not UTF-8" in client.post(where, {"file": bad}).content.decode()


def test_hours_follow_from_the_time_of_each_task(six):
    work = list(Submission.objects.order_by("pk"))
    set_capacity(six.delivery, six.ada, actor=six.pam, shares=1, hours=2)
    assert counts(plan_of(six.delivery, Way.EQUAL))["Ada"] == 2
    set_marking_time(six.delivery, six.task, actor=six.pam, minutes=90)
    assert counts(plan_of(six.delivery, Way.EQUAL)) == {"Ada": 1, "Abe": 3, "Ana": 2}
    for one in work[:2]:
        allocate(one, six.ada, actor=six.pam)
    staff = staff_of(six.delivery, [])
    assert (staff.loads[six.ada.pk], staff.hours_of(six.ada.pk)) == (2, 3.0)
    last = candidates_for(work[2], "assessor")[-1]
    assert (last.person, last.words) == (six.ada, "Has as many hours as they take")
    # More hours wait for her than she takes: one piece goes, with the reason in hours.
    moves = plan_of(six.delivery, Way.BALANCE)
    assert moves[0].reason == "Ada Assessor has 2 waiting, 3 hours and takes 2"
    set_marking_time(six.delivery, six.task, actor=six.pam, minutes=None)
    assert staff_of(six.delivery, []).hours_of(six.ada.pk) == 2.0
    # The task's definition may say it; what the delivery set comes first.
    with tampering():
        AssessmentTask.objects.filter(pk=six.task.pk).update(marking_minutes=30)
    assert staff_of(six.delivery, []).hours_of(six.ada.pk) == 1.0
    set_marking_time(six.delivery, six.task, actor=six.pam, minutes=90)
    assert staff_of(six.delivery, []).hours_of(six.ada.pk) == 3.0


def test_leave_that_takes_most_of_the_time_for_marking_counts_before_it_begins(six):
    away(six, six.ana, 1, 5)
    assert "Ana" in counts(plan_of(six.delivery, Way.EQUAL))
    away(six, six.ana, 8, 40)
    assert "Ana" not in counts(plan_of(six.delivery, Way.EQUAL))
    work = Submission.objects.order_by("pk")[0]
    last = [one for one in candidates_for(work, "assessor") if one.is_able][-1]
    assert last.person == six.ana
    assert last.words.startswith("Away from ")


def test_work_in_reo_has_more_time_and_who_is_missing_is_said(six, client):
    plain, work = Submission.objects.order_by("pk")[:2]
    allocate(plain, six.ada, actor=six.pam)
    Submission.objects.filter(pk=work.pk).update(in_reo=True, submitted_at=plain.submitted_at)
    work.refresh_from_db()
    assert allocate_automatically(work) is None
    told = Notification.objects.filter(topic="assessment.nobody_eligible")
    assert {one.context["lacks_reo"] for one in told} == {True}
    due = [Submission.objects.get(pk=one.pk).marking_due_at for one in (plain, work)]
    calendar, zone = six.delivery.calendar, six.delivery.zone
    assert calendar.between(due[0].astimezone(zone).date(), due[1].astimezone(zone).date()) == 5
    client.force_login(six.pam)
    board = reverse("assessment:allocate", args=[six.delivery.pk])
    assert "nobody who assesses here marks in te reo Māori" in client.get(board).content.decode()
    User.objects.filter(pk=six.abe.pk).update(reo_capable=True)
    assert "nobody who assesses here" not in client.get(board).content.decode()
    assert allocate_automatically(work).assessor == six.abe


def test_a_file_says_what_is_wrong_by_line_and_keeps_the_rest(six):
    work = list(Submission.objects.order_by("pk")[:3])
    DeclaredConflict.objects.create(
        person=six.abe, other=work[1].learner, kind="whanau", declared_by=six.pam
    )
    rows = [
        (2, {"submission": work[0].reference.lower(), "assessor": "ADA@example.org"}),
        (3, {"submission": work[1].reference, "assessor": "abe@example.org"}),
        (4, {"submission": work[2].reference, "assessor": "moses@example.org"}),
        (5, {"submission": "PF-0", "assessor": "ada@example.org"}),
        (6, {"submission": work[0].reference, "assessor": "abe@example.org"}),
        (7, {"submission": "", "assessor": "abe@example.org"}),
        (8, {"submission": work[2].reference, "assessor": ""}),
    ]
    plan, problems = as_listed(six.delivery, rows)
    assert pairs_of(plan) == [(work[0].pk, six.ada.pk)]
    assert [one.split(":")[0] for one in problems] == [f"Line {line}" for line in range(3, 9)]
    assert [one.endswith("is missing.") for one in problems] == [False] * 4 + [True] * 2
    assert "Whānau or close relation" in problems[0]


def test_a_balance_moves_unopened_work_and_says_why(six):
    work = list(Submission.objects.order_by("pk"))
    for one in work:
        allocate(one, six.ada, actor=six.pam)
    draft = drafted(work[0], six.ada)
    pin_learner(six.delivery, work[1].learner, six.ada, actor=six.pam)
    plan = plan_of(six.delivery, Way.BALANCE)
    assert counts(plan) == {"Abe": 2, "Ana": 2}
    assert not {work[0].pk, work[1].pk} & {one.submission.pk for one in plan}
    assert "Ada Assessor has 6 waiting, 6 hours; " in plan[0].reason
    moved = [one.held.pk for one in plan]
    allocate_as_planned(six.delivery, actor=six.lea, previewed=pairs_of(plan), moved=moved)
    held = Counter(Allocation.objects.current().values_list("assessor__name", flat=True))
    assert held == {"Ada Assessor": 2, "Abe Assessor": 2, "Ana Assessor": 2}
    assert AssessmentDecision.objects.get() == draft
    for one in plan:
        (deadline,) = Deadline.objects.of(one.submission).open().filter(kind="marking")
        assert deadline.people == [str(one.assessor.pk)]
        live = Part.objects.filter(submission=one.submission, ended_at__isnull=True)
        assert set(live.values_list("person", flat=True)) == {
            one.assessor.pk, one.submission.learner_id,
        }  # fmt: skip
    assert plan_of(six.delivery, Way.BALANCE) == []
    away(six, six.abe)
    assert {one.held.assessor for one in plan_of(six.delivery, Way.BALANCE)} == {six.abe}


def test_a_plan_that_no_longer_fits_does_nothing_at_all(six):
    work = list(Submission.objects.order_by("pk"))
    plan = pairs_of(plan_of(six.delivery, Way.EQUAL))
    allocate(work[0], six.ada, actor=six.pam)
    with pytest.raises(StaleState):
        allocate_as_planned(six.delivery, actor=six.pam, previewed=plan)
    rest = [one for one in plan if one[0] != work[0].pk]
    with pytest.raises(StaleState):
        allocate_as_planned(
            six.delivery, actor=six.pam, previewed=[*rest[1:], (rest[0][0], six.moses.pk)]
        )
    with pytest.raises(StaleState):
        allocate_as_planned(six.delivery, actor=six.pam, previewed=[*rest, rest[0]])
    key, person = rest[0]
    DeclaredConflict.objects.create(
        person=User.objects.get(pk=person), other=Submission.objects.get(pk=key).learner,
        kind="team", declared_by=six.pam,
    )  # fmt: skip
    with pytest.raises(GuardsNotMet):
        allocate_as_planned(six.delivery, actor=six.pam, previewed=rest)
    held = Allocation.objects.get()
    opened(work[0], six.ada)
    with pytest.raises(StaleState):
        allocate_as_planned(
            six.delivery, actor=six.pam, previewed=[(work[0].pk, six.abe.pk)], moved=[held.pk]
        )
    assert Allocation.objects.count() == 1


def test_moving_takes_the_same_statements_for_one_and_three(six):
    for one in Submission.objects.all():
        allocate(one, six.ada, actor=six.pam)

    def statements(number):
        plan = plan_of(six.delivery, Way.BALANCE)[:number]
        moved = [one.held.pk for one in plan]
        with CaptureQueriesContext(connection) as asked:
            allocate_as_planned(six.delivery, actor=six.pam, previewed=pairs_of(plan), moved=moved)
        return len(asked)

    assert statements(1) == statements(3)


@pytest.mark.parametrize("name", ["ada", "moses", "rita", "lena", "olga", "petra"])
def test_only_those_who_allocate_plan(six, name):
    me = six.people[name]
    pin = pin_learner(six.delivery, six.enrolments["hone"].learner, six.ada, actor=six.pam)
    leave = away(six, six.ana)
    with pytest.raises(NotPermitted):
        allocate_as_planned(six.delivery, actor=me, previewed=[])
    with pytest.raises(NotPermitted):
        set_capacity(six.delivery, six.abe, actor=me, shares=1, hours=None)
    with pytest.raises(NotPermitted):
        enter_leave(six.delivery, six.abe, actor=me, first_day=TODAY(), last_day=TODAY())
    with pytest.raises(NotPermitted):
        take_back_leave(six.delivery, leave, actor=me)
    with pytest.raises(NotPermitted):
        pin_learner(six.delivery, six.enrolments["hone"].learner, six.abe, actor=me)
    with pytest.raises(NotPermitted):
        unpin(pin, actor=me)
    with pytest.raises(NotPermitted):
        set_marking_time(six.delivery, six.task, actor=me, minutes=5)
    with pytest.raises(NotPermitted):
        set_groups(six.delivery, actor=me, groups={})
    with pytest.raises(NotPermitted):
        set_groups(six.delivery, actor=six.pam, groups={six.ada.pk: "Days"})
    with pytest.raises(NotPermitted):
        set_capacity(six.delivery, six.moses, actor=six.pam, shares=1, hours=None)
    enter_leave(six.delivery, six.ada, actor=six.ada, first_day=TODAY(), last_day=TODAY())


def test_the_pages_plan_and_carry_out(six, client):
    client.force_login(six.lea)
    at = six.delivery.pk
    for way in Way:
        assert client.get(reverse("assessment:shares", args=[at]), {"way": way}).status_code == 200
    board = reverse("assessment:workload", args=[at])
    day = TODAY() + dt.timedelta(9)
    parts = {"_0": day.day, "_1": day.month, "_2": day.year}
    sent = {
        "takes": {"takes-assessor": six.ada.pk, "takes-shares": 2, "takes-hours": 5},
        "time": {"time-task": six.task.pk, "time-minutes": 45},
        "leave": {
            "leave-assessor": six.abe.pk,
            **{f"leave-{name}{key}": value for name in ("first_day", "last_day") for key, value in parts.items()},
        },
        "pin": {"pin-assessor": six.ada.pk, "pin-learner": six.enrolments["lena"].learner.pk},
    }  # fmt: skip
    for what, data in sent.items():
        assert client.post(board, {"what": what}).status_code == 422
        assert client.post(board, {"what": what, **data}).status_code == 302, what
    page = client.get(board).content.decode()
    assert "45 minutes for each submission" in page
    assert (Capacity.objects.get().shares, Leave.objects.count(), Pin.objects.count()) == (2, 1, 1)
    for one in (Leave.objects.get(), Pin.objects.get()):
        name = "back_early" if isinstance(one, Leave) else "release_pin"
        address = reverse(f"assessment:{name}", args=[at, one.pk])
        assert address in page
        assert client.post(address).status_code == 302
        assert client.post(address).status_code == 404
    file = reverse("assessment:allocate_file", args=[at])
    first = Submission.objects.order_by("pk")[0]
    assert client.post(file, {"text": "who,what\na,b"}).status_code == 422
    rows = f"submission,assessor\n{first.reference},ada@example.org\n"
    shown = client.post(file, {"text": rows})
    assert shown.status_code == 200
    plan = f"{first.pk}:{six.ada.pk}:"
    assert plan in shown.content.decode()
    out = reverse("assessment:share_out", args=[at])
    assert client.post(out, {"plan": "nonsense"}).status_code == 409
    assert client.post(out, {"plan": plan}).status_code == 302
    assert Allocation.objects.get().assessor == six.ada
    again = client.post(file, {"text": rows})
    assert again.status_code == 422
    assert "is not waiting" in again.content.decode()
