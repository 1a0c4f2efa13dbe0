"""Real threads on PostgreSQL: one winner, one record, one message."""

import datetime as dt
import threading
from functools import partial

import pytest
from django.utils import timezone

from accounts.models import SYSTEM, User
from tests.testapp.models import Box, Docket, DocketState
from tests.threads import at_once
from tests.workflows.conftest import file_docket, person
from workflows import definitions, outbox
from workflows.actions import move_deadline, reminders, set_deadline, sweep_due
from workflows.enums import MessageState, ReminderState
from workflows.exceptions import GuardsNotMet, StaleState
from workflows.models import Notification, OutboxMessage, TransitionRecord
from workflows.selectors import verify
from workflows.transitions import perform, perform_set


@pytest.fixture
def cast(committed_db):
    return person("Ada"), Box.objects.create()


@pytest.mark.parametrize("writers", [2, 8, 24])
def test_one_of_many_wins(cast, writers):
    ada, box = cast
    docket = file_docket(box, ada)
    results = at_once(*[lambda: perform(docket, "check_it", actor=ada)] * writers)
    assert sum(isinstance(one, Docket) for one in results) == 1
    assert sum(isinstance(one, StaleState) for one in results) == writers - 1
    assert TransitionRecord.objects.filter(name="check_it").count() == 1
    assert OutboxMessage.objects.filter(topic="testapp.docket.checked").count() == 1
    assert verify()[0] == []


def test_different_steps_from_one_state(cast):
    ada, box = cast
    for _round in range(5):
        docket = file_docket(box, ada)
        names = ["check_it", "make_void"] * 4
        at_once(*[partial(perform, docket, name, actor=ada, seen_seq=1) for name in names])
        docket.refresh_from_db()
        assert docket.seq == 2
        assert TransitionRecord.objects.of(docket).count() == 2


def test_births_of_one_parent_follow_one_another(cast):
    ada, box = cast
    Box.objects.update(room=1)
    results = at_once(*[lambda: file_docket(box, ada)] * 8)
    assert sum(isinstance(one, Docket) for one in results) == 1
    assert sum(isinstance(one, GuardsNotMet) for one in results) == 7
    assert Docket.objects.count() == 1


def test_one_step_and_the_set_do_not_both_win(cast):
    ada, box = cast
    dockets = [file_docket(box, ada) for _ in range(10)]
    results = at_once(
        lambda: perform_set(Docket.objects.all(), "check_it", actor=ada),
        *[lambda one=one: perform(one, "check_it", actor=ada) for one in reversed(dockets[:5])],
        lambda: perform_set(Docket.objects.order_by("-pk"), "check_it", actor=ada),
    )
    assert not [
        one for one in results if isinstance(one, Exception) and not isinstance(one, StaleState)
    ]
    assert TransitionRecord.objects.filter(name="check_it").count() == 10
    assert set(Docket.objects.values_list("state", "seq")) == {(DocketState.CHECKED, 2)}
    assert verify()[0] == []


def test_many_relays_tell_each_person_once(cast):
    ada, box = cast
    owner = person("Owner")
    for _ in range(20):
        perform(file_docket(box, ada, owner_id=owner.pk), "check_it", actor=ada)

    def drain():
        return sum(iter(lambda: outbox.relay(batch=3), 0))

    results = at_once(*[drain] * 4)
    assert sum(results) == 40
    assert Notification.objects.filter(recipient=owner).count() == 20
    assert set(OutboxMessage.objects.filter(kind="event").values_list("state", flat=True)) == {
        MessageState.SENT
    }
    assert User.objects.count() == 2


def test_a_date_that_moves_while_its_reminders_go_out_waits_and_harms_nothing(cast, monkeypatch):
    """The move holds the deadline and waits for the reminders; the sweep's notices only point to the deadline."""
    ada, box = cast
    due = timezone.now() + dt.timedelta(days=20)
    made = set_deadline(
        subject=file_docket(box, ada), kind="hand_in", due_at=due, zone="Pacific/Auckland",
        recipients=[ada], actor=SYSTEM,
    )  # fmt: skip
    made.reminders.filter(offset="-7d").update(fire_at=timezone.now() - dt.timedelta(seconds=5))
    word = ("testapp.docket.soon", "/", {"title": "x"})
    monkeypatch.setitem(definitions.reminder_texts, "hand_in", lambda row: word)
    swept, moving = threading.Event(), threading.Event()
    write = reminders.notify_all

    def then_wait(drafts):
        found = write(drafts)
        swept.set()
        moving.wait(10)
        return found

    monkeypatch.setattr(reminders, "notify_all", then_wait)

    def move():
        swept.wait(10)
        threading.Timer(0.5, moving.set).start()
        later = due + dt.timedelta(days=5)
        return move_deadline(made, due_at=later, actor=SYSTEM, reason="")

    sent, moved = at_once(sweep_due, move)
    assert (sent, moved.generation) == (1, 2)
    states = dict(made.reminders.values_list("offset", "state"))
    assert set(states.values()) == {ReminderState.PLANNED}
    assert Notification.objects.filter(recipient=ada).count() == 1
