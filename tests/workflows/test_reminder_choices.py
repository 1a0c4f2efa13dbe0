"""People choose among the reminders of the policy: rows move with the choice, required ones and late ones stay."""

import datetime as dt

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import SYSTEM
from tests.workflows.conftest import file_docket, person
from tests.workflows.test_deadlines import AUCKLAND, in_days
from workflows import definitions
from workflows.actions import move_deadline, set_deadline, sweep_due
from workflows.actions.deadlines import ELSEWHERE, WITHOUT
from workflows.actions.reconciling import reconcile
from workflows.actions.reminding import choose_reminders
from workflows.enums import ReminderState
from workflows.models import Deadline, Notification, Reminder, ReminderPreference
from workflows.selectors.deadlines import preview_moves
from workflows.selectors.offsets import kinds_for, remaining

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
KIND = "hand_in"


@pytest.fixture(autouse=True)
def words(monkeypatch):
    monkeypatch.setitem(
        definitions.reminder_texts,
        KIND,
        lambda reminder: ("testapp.docket.soon", "/here/", {"title": reminder.offset}),
    )


def make(docket, people, *, due_at=None, required=("0d",), offsets=None):
    return set_deadline(
        subject=docket, kind=KIND, due_at=due_at or in_days(30), zone=AUCKLAND,
        recipients=people, required=required, offsets=offsets, actor=SYSTEM,
    )  # fmt: skip


def choose(who, *wanted):
    choose_reminders(actor=who, wanted={KIND: wanted})


def planned(deadline, who):
    rows = deadline.reminders.filter(recipient=who, state=ReminderState.PLANNED)
    return set(rows.values_list("offset", flat=True))


def no_difference():
    run = reconcile(repair=False)
    return (run.missing, run.extra, run.findings) == (0, 0, [])


ALL = {"-7d", "-48h", "0d", "+1wd", "+3wd"}


@pytest.mark.parametrize(
    ("offsets", "required", "without", "kept"),
    [
        (["-7d", "-48h", "0d", "+1wd"], ["0d"], ["-7d"], ["-48h", "0d", "+1wd"]),
        (["-7d", "-48h", "0d", "+1wd"], ["0d"], ["-7d", "-48h", "0d", "+1wd"], ["0d", "+1wd"]),
        (["-7d", "-48h", "0d", "+1wd"], [], ["-7d", "-48h", "0d"], ["0d", "+1wd"]),
        (["-7d", "-48h"], [], ["-7d", "-48h"], ["-48h"]),
        (["-3wd", "-120h"], [], ["-3wd", "-120h"], ["-3wd"]),
        (["+3wd", "+10wd"], [], ["+3wd", "+10wd"], ["+3wd", "+10wd"]),
        (["-24h"], [], ["-24h"], ["-24h"]),
    ],
)
def test_what_stays_whatever_somebody_goes_without(offsets, required, without, kept):
    assert remaining(offsets, required, without) == kept


def test_what_is_offered_and_what_always_comes(docket, ada, abe):
    make(docket, [ada])
    (row,) = kinds_for(ada)
    assert (row.kind, row.offered, row.chosen) == (KIND, ["-7d", "-48h"], ["-7d", "-48h"])
    assert row.hint == "Always: on the day, 1 working day after, 3 working days after."
    assert kinds_for(abe) == []
    choose(ada, "-48h")
    assert kinds_for(ada)[0].chosen == ["-48h"]


def test_a_single_reminder_is_not_offered(docket, ada):
    make(docket, [ada], offsets=["-24h", "+1wd"], required=())
    assert kinds_for(ada) == []


def test_rows_follow_the_choice_and_back_again(docket, ada, abe):
    made = make(docket, [ada, abe])
    choose(ada, "-48h")
    assert planned(made, ada) == ALL - {"-7d"}
    assert planned(made, abe) == ALL
    assert made.reminders.get(recipient=ada, offset="-7d").because == WITHOUT
    assert no_difference()
    choose(ada, "-7d", "-48h")
    assert planned(made, ada) == ALL
    assert no_difference()


def test_required_and_late_ones_cannot_be_taken_away(docket, ada):
    made = make(docket, [ada])
    choose(ada)
    assert planned(made, ada) == {"0d", "+1wd", "+3wd"}
    ReminderPreference.objects.update(without=sorted(ALL))
    move_deadline(made, due_at=in_days(31), actor=SYSTEM, reason="")
    assert planned(made, ada) == {"0d", "+1wd", "+3wd"}
    assert no_difference()


def test_later_dates_are_made_by_the_choice(box, docket, ada):
    make(docket, [ada])
    choose(ada, "-7d")
    other = make(file_docket(box, ada), [ada])
    assert planned(other, ada) == ALL - {"-48h"}
    assert not other.reminders.filter(offset="-48h").exists()
    assert no_difference()
    choose(ada, "-7d", "-48h")
    assert planned(other, ada) == ALL
    assert no_difference()


def test_a_choice_is_for_its_kind_alone(docket, ada):
    make(docket, [ada])
    other = set_deadline(
        subject=docket, kind="other", due_at=in_days(30), zone=AUCKLAND, recipients=[ada],
        actor=SYSTEM,
    )  # fmt: skip
    choose(ada, "-7d")
    assert planned(other, ada) == ALL


def test_moving_a_date_keeps_the_choice(docket, ada, abe):
    made = make(docket, [ada, abe])
    choose(ada, "-48h")
    made.reminders.filter(offset="-48h").update(fire_at=Now() - dt.timedelta(seconds=1))
    assert sweep_due() == 2
    choose(ada, "-7d")
    made = move_deadline(made, due_at=in_days(40), actor=SYSTEM, reason="")
    assert planned(made, ada) == ALL - {"-48h"}
    assert planned(made, abe) == ALL
    assert set(made.reminders.values_list("generation", flat=True)) == {2}
    assert no_difference()
    choose(ada, "-7d", "-48h")
    row = made.reminders.get(recipient=ada, offset="-48h")
    assert (row.state, row.generation) == (ReminderState.PLANNED, 2)
    assert no_difference()


def test_what_went_out_stays_and_does_not_come_twice(docket, ada):
    made = make(docket, [ada])
    made.reminders.filter(offset="-7d").update(fire_at=Now() - dt.timedelta(seconds=1))
    assert sweep_due() == 1
    choose(ada, "-48h")
    choose(ada, "-7d", "-48h")
    assert made.reminders.get(offset="-7d").state == ReminderState.FIRED
    assert sweep_due() == 0
    assert Notification.objects.count() == 1


def test_a_moment_that_is_over_is_not_caught_up_when_it_is_wanted_again(docket, ada):
    made = make(docket, [ada], due_at=in_days(5))
    ReminderPreference.objects.create(user=ada, kind=KIND, without=["-48h"])
    made = move_deadline(made, due_at=in_days(1.5), actor=SYSTEM, reason="")
    choose(ada, "-48h", "-7d")
    assert made.reminders.get(offset="-48h").state == ReminderState.CANCELLED
    assert no_difference()


def test_a_choice_that_came_between_is_seen_when_the_moment_comes(docket, ada):
    made = make(docket, [ada])
    ReminderPreference.objects.create(user=ada, kind=KIND, without=["-7d"])
    made.reminders.filter(offset="-7d").update(fire_at=Now() - dt.timedelta(seconds=1))
    assert sweep_due() == 0
    row = made.reminders.get(offset="-7d")
    assert (row.state, row.because) == (ReminderState.CANCELLED, WITHOUT)


@pytest.mark.parametrize("because", [WITHOUT, ELSEWHERE])
def test_the_reconciler_finds_and_mends_what_does_not_follow_a_choice(docket, ada, because):
    made = make(docket, [ada])
    made.reminders.filter(offset="-7d").update(state=ReminderState.CANCELLED, because=because)
    assert reconcile().missing == 1
    assert planned(made, ada) == ALL
    ReminderPreference.objects.create(
        user=ada, kind=KIND, without=["-48h"], changed_at=timezone.now()
    )
    assert reconcile().extra == 1
    assert planned(made, ada) == ALL - {"-48h"}
    assert no_difference()


def test_who_had_it_before_is_not_planned_again_and_who_gets_it_back_is(docket, ada, abe):
    made = make(docket, [ada])
    make(docket, [abe])
    made = move_deadline(
        Deadline.objects.get(pk=made.pk), due_at=in_days(33), actor=SYSTEM, reason=""
    )
    assert (planned(made, ada), planned(made, abe)) == (set(), ALL)
    assert no_difference()
    make(docket, [ada], due_at=in_days(33))
    assert (planned(made, ada), planned(made, abe)) == (ALL, set())
    assert no_difference()


def test_a_preview_does_not_announce_what_nobody_gets(docket, ada):
    made = make(docket, [ada])
    choose(ada, "-48h")
    (effect,) = preview_moves([(made, in_days(33))])
    assert {one.offset for one in effect.reminders} == ALL - {"-7d"}


def test_nobody_chooses_a_kind_that_was_not_asked_about_or_an_offset_that_is_not_offered(
    docket, ada
):
    make(docket, [ada])
    choose_reminders(actor=ada, wanted={})
    choose_reminders(actor=ada, wanted={"other": []})
    choose(ada, "-7d", "-48h", "-99d")
    assert not ReminderPreference.objects.exists()


@pytest.mark.parametrize("number", [1, 3])
def test_the_statements_of_a_choice_do_not_grow(box, ada, number, django_assert_num_queries):
    for _each in range(number):
        make(file_docket(box, ada), [ada])
    with django_assert_num_queries(19):
        choose(ada, "-7d")


# --- the page -----------------------------------------------------------------------------------------


def settings_of(client, **more):
    page = client.get("/settings/messages/")
    form = page.context["form"]
    data = {name: form[name].value() for name in form.fields if form[name].value()}
    return {**data, "begins": "19:00", "ends": "07:00", **more}


def test_the_page_asks_and_keeps(client, docket, ada):
    made = make(docket, [ada])
    client.force_login(ada)
    text = client.get("/settings/messages/").content.decode()
    assert "7 days before" in text
    assert "Always: on the day" in text
    data = settings_of(client, remind_hand_in=["-7d"])
    assert client.post("/settings/messages/", data).status_code == 302
    assert planned(made, ada) == ALL - {"-48h"}
    wrong = client.post("/settings/messages/", data | {"remind_hand_in": ["0d"]})
    assert wrong.status_code == 422
    assert planned(made, ada) == ALL - {"-48h"}


def test_nobody_is_asked_about_dates_that_they_do_not_have(client, docket, ada, abe):
    make(docket, [ada])
    client.force_login(abe)
    assert "Reminders of dates" not in client.get("/settings/messages/").content.decode()
    person("Zoe")
    assert Reminder.objects.filter(recipient=abe).count() == 0
