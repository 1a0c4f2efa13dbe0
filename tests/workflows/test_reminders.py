"""The sweep in batches, by index, past poison; and the nightly comparison of what should be with what is."""

import datetime as dt

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import SYSTEM
from tests.workflows.conftest import file_docket, person
from workflows import definitions, outbox
from workflows.actions import cancel_deadline, move_deadline, pass_on, set_deadline, sweep_due
from workflows.actions.deadlines import follow_zone_data
from workflows.actions.digests import send_digests
from workflows.actions.reconciling import last_night, reconcile, reconcile_nightly
from workflows.enums import ReminderState
from workflows.models import (
    Deadline,
    MessagePreference,
    Notification,
    OutboxMessage,
    QuietHours,
    Reconciliation,
    Reminder,
)

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
AUCKLAND = "Pacific/Auckland"


@pytest.fixture(autouse=True)
def kind(monkeypatch):
    monkeypatch.setitem(
        definitions.reminder_texts,
        "hand_in",
        lambda reminder: ("testapp.docket.soon", "/here/", {"title": reminder.offset}),
    )


def in_days(days):
    return timezone.now() + dt.timedelta(days=days)


def make(docket, people, *, offsets=None, due_at=None):
    return set_deadline(
        subject=docket, kind="hand_in", due_at=due_at or in_days(30), zone=AUCKLAND,
        recipients=people, offsets=offsets, actor=SYSTEM,
    )  # fmt: skip


def due_now(deadline, *offsets, ago=1):
    rows = deadline.reminders.filter(offset__in=offsets) if offsets else deadline.reminders.all()
    rows.update(fire_at=Now() - dt.timedelta(seconds=ago))


def test_the_latest_goes_even_where_the_others_are_in_other_batches(docket):
    people = [person(f"P{number}") for number in range(5)]
    made = make(docket, people)
    due_now(made, "-7d", ago=300)
    due_now(made, "-48h", ago=200)
    assert sweep_due(batch=2) == 5
    states = dict(made.reminders.filter(recipient=people[0]).values_list("offset", "state"))
    assert states["-7d"] == ReminderState.SUPERSEDED
    assert states["-48h"] == ReminderState.FIRED
    assert Notification.objects.count() == 5


def test_one_that_was_passed_by_does_not_follow_the_later_one(docket, ada):
    """Another sweep held it and died, or it could not be worded, while the later one went out."""
    made = make(docket, [ada])
    due_now(made, "-48h", ago=200)
    assert sweep_due() == 1
    due_now(made, "-7d", ago=300)
    assert sweep_due() == 0
    row = made.reminders.get(offset="-7d")
    assert row.state == ReminderState.SUPERSEDED
    assert row.because == "A later reminder was due at the same time."
    assert Notification.objects.count() == 1
    move_deadline(made, due_at=in_days(40), actor=SYSTEM, reason="")
    due_now(made, "-7d", ago=300)
    assert sweep_due() == 1


def test_one_whose_deadline_was_read_before_a_move_is_left_for_the_next_sweep(docket, ada):
    """PostgreSQL gives the reminder as it is after the move, and what is joined as it was when it began."""
    made = make(docket, [ada], offsets=["-7d"])
    due_now(made)
    made.reminders.update(generation=2)
    assert sweep_due() == 0
    assert made.reminders.get().state == ReminderState.PLANNED
    Deadline.objects.update(generation=2)
    assert sweep_due() == 1


def test_a_date_that_moved_while_its_mail_waited_behind_a_slow_one_is_seen(docket, ada):
    made = make(docket, [ada], offsets=["-7d"])
    due_now(made)
    sweep_due()
    (held,) = outbox.hold("reminder", ["testapp.docket.soon"], 1)
    move_deadline(made, due_at=in_days(40), actor=SYSTEM, reason="")
    held.fetched -= 2
    assert outbox.deliver_held([held]) == (0, True)
    held.refresh_from_db()
    assert held.last_error == "The deadline has moved since."


def test_a_mail_that_was_held_up_past_its_date_does_not_leave_but_one_of_what_is_overdue_does(
    docket, ada
):
    made = make(docket, [ada], offsets=["-7d"])
    due_now(made)
    sweep_due()
    Deadline.objects.update(due_at=in_days(-0.1))
    told = Notification.objects.all()
    told.update(created_at=in_days(-0.2))
    assert outbox.deliver() == 0
    assert OutboxMessage.objects.get(notification__in=told).last_error == "The deadline had passed."
    told.update(created_at=in_days(-0.05))
    OutboxMessage.objects.filter(notification__in=told).update(state="pending")
    assert outbox.deliver() == 1


def test_one_that_cannot_be_worded_holds_up_no_other(box, ada, monkeypatch):
    dockets = [file_docket(box, ada, title=f"D{number}") for number in range(5)]
    made = [make(docket, [ada], offsets=["-7d"]) for docket in dockets]
    for one in made:
        due_now(one)
    bad = made[0].reminders.get()

    def word(reminder):
        if reminder.pk == bad.pk:
            raise ValueError("no words")
        return "testapp.docket.soon", "/here/", {"title": "x"}

    monkeypatch.setitem(definitions.reminder_texts, "hand_in", word)
    assert sweep_due(batch=2) == 4
    bad.refresh_from_db()
    assert bad.state == ReminderState.PLANNED
    monkeypatch.setitem(
        definitions.reminder_texts, "hand_in", lambda one: ("testapp.docket.soon", "/", {})
    )
    assert sweep_due() == 1


def test_a_kind_may_answer_for_many_at_once(docket, monkeypatch):
    people = [person(f"P{number}") for number in range(4)]
    made = make(docket, people, offsets=["-7d"])
    due_now(made)
    calls = []

    def batch(rows):
        calls.append(len(rows))
        return {rows[0].pk: ("testapp.docket.soon", "/here/", {"title": "x"})}

    monkeypatch.setitem(definitions.reminder_batches, "hand_in", batch)
    assert sweep_due() == 1
    assert calls == [4]
    assert made.reminders.filter(state=ReminderState.CANCELLED).count() == 3


def test_what_is_shared_goes_out_as_one_and_every_row_is_marked(box, ada, abe, monkeypatch):
    due = in_days(30)
    dockets = [file_docket(box, ada, title=f"D{number}") for number in range(4)]
    made = [make(docket, [ada, abe], offsets=["-7d"], due_at=due) for docket in dockets]
    rows = Reminder.objects.filter(deadline__in=made)
    rows.update(fire_at=Now() - dt.timedelta(seconds=1))
    alone = made[3].reminders.get(recipient=abe)

    def share(some):
        text = ("testapp.docket.soon", "/all/", {"title": str(len(some))})
        return {row.pk: ("one box", text) for row in some if row.pk != alone.pk}

    monkeypatch.setitem(definitions.reminders_together, "hand_in", share)
    assert (
        sweep_due(batch=3) == 6
    )  # three batches with two people each; nobody is told twice of the same
    told = Notification.objects.order_by("pk")
    assert [one.path for one in told.filter(recipient=ada)] == ["/all/"]
    assert sorted(one.path for one in told.filter(recipient=abe)) == ["/all/", "/here/"]
    assert set(rows.values_list("state", flat=True)) == {ReminderState.FIRED}
    run = reconcile()
    assert (run.missing, run.extra, run.findings) == (0, 0, [])
    OutboxMessage.objects.filter(notification__in=told).delete()
    told.filter(recipient=ada).delete()
    assert reconcile().missing == 4
    assert set(rows.filter(recipient=ada).values_list("state", flat=True)) == {
        ReminderState.PLANNED
    }
    sweep_due()
    assert told.filter(recipient=ada).count() == 1


# --- asked again before the mail leaves ---------------------------------------------------------------


def mail_of(deadline):
    return OutboxMessage.objects.get(notification__deadline=deadline)


@pytest.fixture
def waiting(docket, ada):
    """A reminder that was written and whose mail has not left."""
    QuietHours.objects.create(user=ada, is_on=False)
    made = make(docket, [ada])
    due_now(made, "-7d")
    assert sweep_due() == 1
    return made


def test_a_mail_about_a_date_that_is_over_meanwhile_does_not_leave(waiting):
    cancel_deadline(waiting, actor=SYSTEM)
    assert outbox.deliver() == 0
    message = mail_of(waiting)
    assert (message.state, message.last_error) == ("cancelled", "The deadline is over.")


def test_a_mail_about_a_date_that_moved_meanwhile_gives_way_to_the_new_one(waiting):
    move_deadline(waiting, due_at=in_days(40), actor=SYSTEM, reason="")
    assert outbox.deliver() == 0
    message = mail_of(waiting)
    assert (message.state, message.last_error) == ("cancelled", "The deadline has moved since.")
    due_now(waiting, "-7d")
    assert sweep_due() == 1
    assert outbox.deliver() == 1


@pytest.mark.parametrize(("minutes", "sent"), [(5, 1), (15, 0)])
def test_a_mail_that_waited_asks_whether_anything_is_still_waited_for(
    waiting, minutes, sent, monkeypatch
):
    monkeypatch.setitem(definitions.reminder_relevance, "hand_in", lambda deadline: False)
    Notification.objects.update(created_at=Now() - dt.timedelta(minutes=minutes))
    assert outbox.deliver() == sent
    assert mail_of(waiting).state == ("sent" if sent else "cancelled")


@pytest.mark.parametrize("number", [1, 3])
def test_what_is_asked_again_of_mails_that_waited_is_asked_for_all_at_once(
    box, number, monkeypatch
):
    people = [person(f"P{one}") for one in range(number)]
    made = [make(file_docket(box, one), [one], offsets=["-7d"]) for one in people]
    for one in made:
        due_now(one)
    sweep_due()
    Notification.objects.update(created_at=Now() - dt.timedelta(minutes=15))
    OutboxMessage.objects.exclude(topic="testapp.docket.soon").delete()
    calls = []

    def batch(rows):
        calls.append(len(rows))
        return {row.pk: ("", "/", {}) for row in rows if row.recipient_id != people[-1].pk}

    monkeypatch.setitem(definitions.reminder_relevance, "hand_in", lambda _deadline: False)
    monkeypatch.setitem(definitions.reminder_batches, "hand_in", batch)
    with CaptureQueriesContext(connection) as held:
        rows = outbox.hold("reminder", ["testapp.docket.soon"], 20)
    wishes = [one for one in held.captured_queries if "preference" in one["sql"]]
    assert (len(rows), calls, len(wishes)) == (number, [number], 1)
    assert [outbox.attempt(row)[0] != "sent" for row in rows] == [False] * (number - 1) + [True]


def test_who_wants_quiet_meanwhile_is_not_disturbed_by_a_mail_that_waited(docket, ada):
    """Also where it was held before, and has waited behind slow ones since."""
    QuietHours.objects.create(user=ada, is_on=False)
    made = make(docket, [ada])
    due_now(made, "-7d")
    sweep_due()
    Notification.objects.update(created_at=Now() - dt.timedelta(minutes=15))
    (row,) = outbox.hold("reminder", ["testapp.docket.soon"], 1)
    QuietHours.objects.update(is_on=True, begins=dt.time(0), ends=dt.time(23, 59, 59))
    row.fetched -= 2
    assert outbox.deliver_held([row]) == (0, True)
    row.refresh_from_db()
    assert (row.state, row.channel) == ("pending", "digest")
    assert row.available_at > timezone.now()


def test_what_is_over_does_not_stand_in_the_mornings_digest(docket, ada, monkeypatch):
    MessagePreference.objects.create(user=ada, category="dates", frequency="daily")
    made = make(docket, [ada])
    due_now(made, "-7d")
    sweep_due()
    OutboxMessage.objects.filter(channel="digest").update(available_at=Now())
    cancel_deadline(made, actor=SYSTEM)
    assert send_digests() == 0
    assert mail_of(made).last_error == "The deadline is over."


@pytest.mark.parametrize("number", [1, 3])
def test_the_statements_of_a_sweep_do_not_grow_with_it(docket, number, django_assert_num_queries):
    made = make(docket, [person(f"P{one}") for one in range(number)], offsets=["-7d"])
    due_now(made)
    with django_assert_num_queries(10):
        # savepoint, claim, choices of reminders, notifications, read back, two of wishes, messages, mark, release
        assert sweep_due() == number


@pytest.mark.only_postgresql
def test_the_sweep_finds_due_rows_by_their_index(docket, ada):
    make(docket, [ada])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = Reminder.objects.due().order_by("fire_at", "id")[:10].explain()
    assert "workflows_reminder_due" in plan


# --- reconciling --------------------------------------------------------------------------------------


def test_after_ordinary_work_there_is_no_difference(docket, ada, abe):
    made = make(docket, [ada, abe])
    move_deadline(made, due_at=in_days(3), actor=SYSTEM, reason="")
    move_deadline(made, due_at=in_days(40), actor=SYSTEM, reason="")
    due_now(made, "-7d")
    sweep_due()
    make(docket, [ada], due_at=in_days(41))
    run = reconcile()
    assert (run.missing, run.extra, run.findings) == (0, 0, [])
    assert (run.deadlines, run.reminders) == (1, 5)
    cancel_deadline(made, actor=SYSTEM)
    assert reconcile().deadlines == 0


def test_who_gets_a_date_back_that_moved_meanwhile_is_reminded_of_it_again(docket, ada, abe):
    made = make(docket, [ada])
    due_now(made, "-7d")
    assert sweep_due() == 1
    pass_on(made, [abe])
    move_deadline(made, due_at=in_days(60), actor=SYSTEM, reason="")
    pass_on(made, [ada])
    mine = made.reminders.filter(recipient=ada)
    assert set(mine.values_list("state", "generation")) == {(ReminderState.PLANNED, 2)}
    assert reconcile().missing == 0
    mine.filter(offset="-7d").update(state=ReminderState.FIRED, generation=1)
    assert reconcile().missing == 1
    assert set(mine.values_list("state", "generation")) == {(ReminderState.PLANNED, 2)}


def test_a_lost_reminder_is_made_again_and_told(docket, ada):
    keeper = person("Kim", is_staff=True)
    made = make(docket, [ada])
    lost = made.reminders.get(offset="-48h")
    at = lost.fire_at
    lost.delete()
    with pytest.raises(CommandError, match="1 missing, 0 too many"):
        call_command("reconcile", "--dry-run")
    assert made.reminders.count() == 4
    with pytest.raises(CommandError):
        call_command("reconcile")
    assert made.reminders.get(offset="-48h").fire_at == at
    notice = Notification.objects.filter(topic="workflows.reconciler.difference").latest("id")
    assert notice.recipient == keeper
    call_command("reconcile")


def test_a_reminder_at_the_wrong_moment_is_put_right(docket, ada):
    made = make(docket, [ada])
    row = made.reminders.get(offset="-7d")
    Reminder.objects.filter(pk=row.pk).update(fire_at=row.fire_at + dt.timedelta(hours=1))
    assert reconcile().missing == 1
    assert made.reminders.get(offset="-7d").fire_at == row.fire_at


def test_one_that_nobody_should_get_is_cancelled(docket, ada, abe):
    made = make(docket, [ada])
    extra = Reminder.objects.create(
        deadline=made, offset="-7d", recipient=abe, fire_at=in_days(23), generation=1
    )
    assert reconcile().extra == 1
    extra.refresh_from_db()
    assert extra.state == ReminderState.CANCELLED
    assert reconcile().extra == 0


def test_a_fired_reminder_without_its_message_is_armed_again(docket, ada):
    made = make(docket, [ada], offsets=["-7d"])
    made.reminders.update(state=ReminderState.FIRED, fired_at=Now(), fire_at=Now())
    assert reconcile().missing == 1
    assert sweep_due() == 1
    assert reconcile().missing == 0


def test_a_record_without_its_event_gets_one(docket, ada):
    OutboxMessage.objects.all().delete()
    assert reconcile().missing == 1
    assert OutboxMessage.objects.get().topic == "testapp.docket.filed"
    assert reconcile().missing == 0


def test_it_runs_once_a_night_however_often_it_is_asked(docket, ada):
    night = dt.datetime(2026, 9, 27, 1, 59, tzinfo=dt.timezone(dt.timedelta(hours=12)))
    with time_machine.travel(night, tick=False) as clock:
        assert reconcile_nightly() == 1
        clock.shift(60)
        assert reconcile_nightly() == 1  # past the 2:00 that the clocks skip
        assert reconcile_nightly() == 0
        clock.shift(23 * 3600)
        assert reconcile_nightly() == 1
    assert Reconciliation.objects.count() == 3
    assert last_night(timezone.now()) <= timezone.now()


def test_the_night_moves_dates_that_new_zone_data_gave_another_moment(docket, ada, monkeypatch):
    made = make(docket, [ada])
    assert follow_zone_data() == 0
    wrong = made.due_at + dt.timedelta(hours=1)
    Deadline.objects.update(due_at=wrong)
    # Set by today's data: whoever set it meant it.
    assert follow_zone_data() == 0
    Deadline.objects.update(tzdata_version="2020a")
    assert reconcile_nightly() == 1
    made.refresh_from_db()
    assert (made.due_at, made.generation) == (wrong - dt.timedelta(hours=1), 2)
    assert Reconciliation.objects.get().findings == []
