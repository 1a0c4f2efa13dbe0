"""Saved views of the queue, and doing one thing to the rows that were chosen there."""

import datetime as dt
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import DeclaredConflict, User
from assessment.actions.allocation import allocate
from assessment.actions.chosen import extend_chosen, move_chosen, release_chosen
from assessment.actions.sharing import allocate_as_planned
from assessment.actions.viewing import remove_view, save_view, show_first
from assessment.enums import Act
from assessment.models import Allocation, AssessmentDecision
from assessment.selectors.chosen import lines_of
from assessment.selectors.filters import MOST_VIEWS, Filters
from portfolios.models import Part, Submission
from tests.assessment.pages import url
from tests.factories.assessment import decided, drafted, opened
from tests.factories.portfolios import submitted
from tests.personas import as_, make_cast
from tests.worlds import kept
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.models import Deadline, Notification, Reminder


@kept
def four():
    """Four pieces of work in the pool, three assessors."""
    cast = make_cast(learners=4)
    for name in cast.enrolments:
        submitted(cast, name)
    return cast


def work_of(cast):
    return list(Submission.objects.filter(delivery=cast.delivery).order_by("pk"))


def given(cast, assessor="ada"):
    work = work_of(cast)
    for one in work:
        allocate(one, cast.people[assessor], actor=cast.pam)
    return [Submission.objects.get(pk=one.pk) for one in work]


def moves_of(lines):
    return [
        (one.submission.pk, one.assessor.pk, Allocation.objects.current().get(submission=one.submission).pk)
        for one in lines if one.token
    ]  # fmt: skip


def later(days=60):
    return timezone.now() + dt.timedelta(days)


# --- views of one's own ---------------------------------------------------------------------------------


def test_a_view_is_kept_under_a_name_shown_first_and_forgotten(four):
    ada, abe = as_(four.ada), as_(four.abe)
    sent = {"due": "overdue", "whose": "mine", "name": "Late ones", "is_default": "on"}
    assert ada.post(url("save_view"), sent).status_code == 302
    first = ada.get(url("queue"))
    assert first["Location"] == f"{url('queue')}?due=overdue&whose=mine"
    assert "Saved views: Late ones" in ada.get(first["Location"]).content.decode()
    # Clearing the filters shows everything, and a view is nobody else's.
    assert ada.get(url("queue"), {"all": "yes"}).status_code == 200
    assert abe.get(url("queue")).status_code == 200
    assert "Late ones" not in abe.get(url("queue")).content.decode()
    assert abe.post(url("change_view"), {"act": "remove", "name": "Late ones"}).status_code == 404
    # The same name again takes its place; another that is shown first takes the place in front.
    ada.post(url("save_view"), {"whose": "mine", "name": "late ONES"})
    assert [one["query"] for one in User.objects.get(pk=four.ada.pk).saved_views] == ["whose=mine"]
    save_view(actor=four.ada, name="Pool", filters=Filters(whose="unallocated"), is_default=True)
    ada.post(url("change_view"), {"act": "first", "name": "late ONES"})
    kept_views = {
        one["name"]: one["default"] for one in User.objects.get(pk=four.ada.pk).saved_views
    }
    assert kept_views == {"late ONES": True, "Pool": False}
    ada.post(url("change_view"), {"act": "later", "name": "late ONES"})
    assert ada.get(url("queue")).status_code == 200
    ada.post(url("change_view"), {"act": "remove", "name": "Pool"})
    assert not remove_view(actor=four.ada, name="Pool")
    assert not show_first(actor=four.ada, name="Pool", first=True)


def test_a_view_needs_a_name_and_there_are_so_many_at_most(four):
    ada = as_(four.ada)
    refused = ada.post(url("save_view"), {"due": "overdue", "name": " "})
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "Give the view a name." in page
    assert '<option value="overdue" selected>' in page
    for number in range(MOST_VIEWS):
        save_view(actor=four.ada, name=f"View {number}", filters=Filters(whose="mine"))
    assert ada.post(url("save_view"), {"name": "One more"}).status_code == 422
    save_view(actor=four.ada, name="One more", filters=Filters())
    assert len(User.objects.get(pk=four.ada.pk).saved_views) == MOST_VIEWS
    assert ada.post(url("save_view"), {"name": "View 3"}).status_code == 302
    assert as_(four.lena).post(url("save_view"), {"name": "Mine"}).status_code == 403


# --- one thing for many rows ----------------------------------------------------------------------------


def test_the_pages_show_first_and_do_exactly_that(four):
    lea = as_(four.lea)
    keys = [str(one.pk) for one in work_of(four)]
    page = lea.get(url("queue")).content.decode()
    assert all(f'form="chosen" name="chosen" value="{key}"' in page for key in keys)
    assert 'name="chosen"' not in as_(four.ada).get(url("queue")).content.decode()
    assert lea.post(url("chosen"), {"act": "allocate"}).status_code == 302
    assert lea.post(url("chosen"), {"chosen": keys}).status_code == 302
    shown = lea.post(url("chosen"), {"act": "allocate", "chosen": keys, "whose": "unallocated"})
    plan = shown.context["plan"]
    assert shown.context["count"] == 4
    assert not Allocation.objects.exists()
    sent = {"act": "allocate", "chosen": keys, "plan": plan, "whose": "unallocated"}
    assert lea.post(url("chosen_done"), {**sent, "plan": "x:y:"}).status_code == 409
    assert lea.post(url("chosen_done"), {**sent, "plan": ""}).status_code == 409
    done = lea.post(url("chosen_done"), sent)
    assert done["Location"] == f"{url('queue')}?whose=unallocated"
    assert Allocation.objects.current().count() == 4
    assert lea.post(url("chosen_done"), sent).status_code == 409
    again = lea.get(url("chosen"), {"act": "move", "chosen": keys[:2]})
    assert again.context["plan"] == ""
    asked = {"act": "move", "chosen": keys[:2], "asked": "yes", "to": str(four.ana.pk)}
    assert lea.post(url("chosen"), asked).status_code == 422
    moved = lea.post(url("chosen"), {**asked, "reason": "Ada is ill."})
    sent = {**asked, "reason": "Ada is ill.", "plan": moved.context["plan"]}
    assert lea.post(url("chosen_done"), sent).status_code == 302
    held = Allocation.objects.current().filter(submission__in=keys[:2])
    assert {one.assessor for one in held} == {four.ana}
    released = lea.post(url("chosen"), {"act": "release", "chosen": keys, "asked": "yes"})
    sent = {"act": "release", "chosen": keys, "plan": released.context["plan"]}
    assert lea.post(url("chosen_done"), sent).status_code == 302
    assert not Allocation.objects.current().exists()
    day = (timezone.localdate() + dt.timedelta(90)).timetuple()
    date = {"day_0": day[2], "day_1": day[1], "day_2": day[0]}
    asked = {"act": "extend", "chosen": keys, "asked": "yes", "reason": "Power cut.", **date}
    past = lea.post(url("chosen"), {**asked, "day_2": 2020})
    assert "still to come" in past.content.decode()
    extended = lea.post(url("chosen"), asked)
    assert lea.post(url("chosen_done"), {**asked, "plan": "x|y"}).status_code == 409
    assert (
        lea.post(url("chosen_done"), {**asked, "plan": extended.context["plan"]}).status_code == 302
    )
    due = {one.marking_due_at.astimezone(four.delivery.zone) for one in work_of(four)}
    assert {(one.date(), one.hour) for one in due} == {(dt.date(*day[:3]), 17)}


def test_who_may_choose_rows(four):
    keys = [str(one.pk) for one in work_of(four)]
    allocate(work_of(four)[0], four.ada, actor=four.pam)
    sent = {"act": "release", "chosen": keys[:1], "plan": "x"}
    for name, status in (("ada", 403), ("abe", 404), ("lena", 404), ("olga", 404), ("moses", 403)):
        client = as_(four.people.get(name) or four.enrolments[name].learner)
        if name == "lena":
            sent = {**sent, "chosen": keys}
        for address in ("chosen", "chosen_done"):
            answer = client.post(url(address), sent)
            assert answer.status_code in {status, 403, 404}, name
            assert answer.status_code >= 400
    for person in (four.ada, four.moses, four.olga):
        with pytest.raises(NotPermitted):
            move_chosen(four.delivery, actor=person, moves=[], reason="")
        with pytest.raises(NotPermitted):
            release_chosen(four.delivery, actor=person, held=[])
        with pytest.raises(NotPermitted):
            extend_chosen(four.delivery, actor=person, seen=[], due_at=later(), reason="")


def test_each_line_says_why_it_stays_as_it_is(four):
    work = work_of(four)
    allocate(work[0], four.ada, actor=four.pam)
    drafted(work[0], four.ada)
    allocate(work[1], four.abe, actor=four.pam)
    DeclaredConflict.objects.create(
        person=four.ana, other=work[2].learner, kind="whanau", declared_by=four.pam
    )
    keys = [one.pk for one in work]

    def said(act, **more):
        lines = {one.submission.pk: one for one in lines_of(four.delivery, keys, act, **more)}
        return [lines[key].problem or lines[key].words for key in keys]

    allocated = said(Act.ALLOCATE, to=four.ana)
    assert allocated[0].startswith("Somebody has it already")
    assert allocated[2:] == ["Ana Assessor: Whānau or close relation.", "You chose them"]
    assert said(Act.ALLOCATE, to=four.ana, blind=True)[2] == (
        "Ana Assessor: Not independent of the learner."
    )
    moved = said(Act.MOVE, to=four.abe)
    assert moved[0].endswith("It is open; the draft is kept")
    assert moved[1] == "Abe Assessor has or had a part in it."
    assert moved[2] == "Nobody has it. Allocate it instead."
    released = said(Act.RELEASE)
    assert released[:3] == [
        "Somebody has opened it. Give it to somebody else instead.",
        "Abe Assessor would have it no longer",
        "Nobody has it.",
    ]
    assert said(Act.EXTEND, due_at=timezone.now())[0] == "It has as much time already."


def test_moving_keeps_drafts_and_tells_the_new_assessor(four):
    work = given(four)
    draft = drafted(work[0], four.ada)
    lines = lines_of(four.delivery, [one.pk for one in work], Act.MOVE, to=four.abe)
    assert move_chosen(four.delivery, actor=four.lea, moves=moves_of(lines), reason="Ill") == 4
    assert AssessmentDecision.objects.get() == draft
    assert set(Allocation.objects.current().values_list("assessor", "role")) == {
        (four.abe.pk, "assessor")
    }
    ended = Allocation.objects.filter(ended_at__isnull=False)
    assert set(ended.values_list("assessor", "end_reason")) == {(four.ada.pk, "Ill")}
    assert not Part.objects.filter(person=four.ada, ended_at__isnull=True).exists()
    told = Notification.objects.filter(topic="assessment.allocated", recipient=four.abe)
    assert told.count() == 4
    for one in work:
        (deadline,) = Deadline.objects.of(one).open().filter(kind="marking")
        assert deadline.people == [str(four.abe.pk)]
    opened(work[0], four.abe)


def test_what_changed_since_the_look_does_nothing_at_all(four):
    work = given(four)
    keys = [one.pk for one in work]
    lines = lines_of(four.delivery, keys, Act.MOVE, to=four.abe)
    moves = sorted(moves_of(lines), key=lambda one: keys.index(one[0]))
    held = [(key, [allocation]) for key, _to, allocation in moves]
    decided(work[0], four.ada)
    with pytest.raises(StaleState):
        move_chosen(four.delivery, actor=four.lea, moves=moves, reason="Ill")
    opened(work[1], four.ada)
    with pytest.raises(StaleState):
        release_chosen(four.delivery, actor=four.lea, held=held[1:])
    with pytest.raises(StaleState):
        release_chosen(four.delivery, actor=four.lea, held=[(held[2][0], [held[3][1][0]])])
    with pytest.raises(StaleState):
        move_chosen(
            four.delivery, actor=four.lea, moves=[(keys[2], four.moses.pk, moves[2][2])], reason=""
        )
    with pytest.raises(StaleState):
        move_chosen(
            four.delivery, actor=four.lea, moves=[(keys[2], four.ada.pk, moves[2][2])], reason=""
        )
    DeclaredConflict.objects.create(
        person=four.abe, other=work[2].learner, kind="team", declared_by=four.pam
    )
    with pytest.raises(GuardsNotMet):
        move_chosen(four.delivery, actor=four.lea, moves=moves[2:], reason="Ill")
    seen = [(one.pk, one.marking_due_at) for one in work[1:]]
    for wrong, due in (
        ([(key, None) for key, _due in seen], later()),
        (seen, timezone.now()),
        (seen, work[1].marking_due_at),
        ([(keys[0], work[0].marking_due_at)], later()),
    ):
        with pytest.raises(StaleState):
            extend_chosen(four.delivery, actor=four.lea, seen=wrong, due_at=due, reason="")
    assert set(Allocation.objects.current().values_list("assessor", flat=True)) == {four.ada.pk}


def test_more_time_moves_dates_reminders_and_stays_when_the_calendar_changes(four):
    from workflows.actions.deadlines import recount

    work = given(four)
    due = later().replace(microsecond=0)
    seen = [(one.pk, one.marking_due_at) for one in work]
    assert extend_chosen(four.delivery, actor=four.pam, seen=seen, due_at=due, reason="Strike") == 4
    assert {one.marking_due_at for one in work_of(four)} == {due}
    assert set(Allocation.objects.current().values_list("due_at", flat=True)) == {due}
    for one in work:
        (deadline,) = Deadline.objects.of(one).open().filter(kind="marking")
        assert (deadline.due_at, deadline.people) == (due, [str(four.ada.pk)])
        planned = Reminder.objects.filter(deadline__subject_id=one.pk, state="planned")
        assert set(planned.values_list("deadline", flat=True)) == {deadline.pk}
    told = Notification.objects.filter(topic="assessment.due_moved")
    assert set(told.values_list("recipient", flat=True)) == {four.ada.pk}
    assert told.count() == 4
    # Whoever gets it next has as long, and nothing counts the date anew.
    lines = lines_of(four.delivery, [work[0].pk], Act.MOVE, to=four.abe)
    move_chosen(four.delivery, actor=four.pam, moves=moves_of(lines), reason="Ill")
    assert Allocation.objects.current().get(assessor=four.abe).due_at == due
    assert not [row for row, _when in recount() if row.kind == "marking"]


def test_releasing_stops_the_reminders(four):
    work = given(four)
    held = [(one.pk, [Allocation.objects.current().get(submission=one).pk]) for one in work]
    assert release_chosen(four.delivery, actor=four.pam, held=held) == 4
    assert not Allocation.objects.current().exists()
    assert not Part.objects.filter(person=four.ada, ended_at__isnull=True).exists()
    assert not Deadline.objects.open().filter(kind="marking").exists()


def test_each_act_takes_the_same_statements_for_one_and_three(four):
    work = given(four)

    def statements(run):
        with CaptureQueriesContext(connection) as asked:
            run()
        return len(asked)

    def looked(act, number, **more):
        keys = [one.pk for one in work[:number]]
        return statements(lambda: lines_of(four.delivery, keys, act, **more))

    for act in Act:
        assert looked(act, 1, to=four.abe) == looked(act, 3, to=four.abe), act
        assert looked(act, 1) == looked(act, 3), act

    def extended(some, days):
        fresh = Submission.objects.filter(pk__in=[one.pk for one in some])
        seen = [(one.pk, one.marking_due_at) for one in fresh]
        return statements(
            lambda: extend_chosen(
                four.delivery, actor=four.pam, seen=seen, due_at=later(days), reason=""
            )
        )

    assert extended(work[:1], 60) == extended(work[1:], 70)

    def moved(some, to):
        lines = lines_of(four.delivery, [one.pk for one in some], Act.MOVE, to=to)
        moves = moves_of(lines)
        return statements(
            lambda: move_chosen(four.delivery, actor=four.pam, moves=moves, reason="")
        )

    assert moved(work[:1], four.abe) == moved(work[1:], four.abe)

    def released(some):
        held = [(one.pk, [Allocation.objects.current().get(submission=one).pk]) for one in some]
        return statements(lambda: release_chosen(four.delivery, actor=four.pam, held=held))

    assert released(work[:1]) == released(work[1:])
    pairs = [(one.pk, four.ana.pk) for one in work]
    assert allocate_as_planned(four.delivery, actor=four.pam, previewed=pairs) == 4


def test_work_of_two_deliveries_is_done_one_after_the_other(four):
    from catalogue.enums import DeliveryRoleKind
    from catalogue.models import Delivery, DeliveryRole, Enrolment

    other = Delivery.objects.get(pk=four.delivery.pk)
    other.pk, other.code, other.title = None, "second", "Cohort 2"
    other.id = uuid4()
    other._state.adding = True
    other.save()
    DeliveryRole.objects.create(delivery=other, user=four.pam, role=DeliveryRoleKind.ADMINISTRATOR)
    work = work_of(four)
    Enrolment.objects.filter(pk=work[0].enrolment_id).update(delivery=other)
    Submission.objects.filter(pk=work[0].pk).update(delivery=other)
    page = as_(four.pam).post(
        url("chosen"), {"act": "allocate", "chosen": [str(one.pk) for one in work]}
    )
    assert page.status_code == 200
    words = page.content.decode()
    assert "Cohort 2: 1 submission" in words
    assert "Cohort 1: 3 submissions" in words
