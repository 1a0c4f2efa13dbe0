"""Messages: claimed once, fenced, tried again, given up, told once."""

import datetime as dt
import uuid

import pytest
from django.core import mail
from django.db import connection
from django.db.models.functions import Now
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.testapp import handlers as dockets
from tests.workflows.conftest import file_docket, person
from workflows import definitions, outbox
from workflows.actions import retry_message
from workflows.enums import AttemptResult, Lane, MessageKind, MessageState
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import DeliveryAttempt, Notification, OutboxMessage, TransitionRecord
from workflows.notifications import Titles, notify, notify_address, render
from workflows.transitions import perform

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def owner(db):
    return person("Hēmi")


@pytest.fixture
def told(box, ada, owner):
    """A checked docket whose event was handled: one delivery is due."""
    perform(file_docket(box, ada, owner_id=owner.pk), "check_it", actor=ada)
    outbox.relay()
    return OutboxMessage.objects.get(kind=MessageKind.DELIVERY)


@pytest.fixture
def failing(monkeypatch):
    """Let the mail server answer with the error that is put in."""
    box = []

    def send(notification, message_id):
        raise box[0]

    monkeypatch.setitem(definitions.senders, "email", send)
    return box


def again(message):
    message.refresh_from_db()
    return message


def test_from_step_to_mail(told, owner):
    assert outbox.deliver() == 1
    sent = mail.outbox[0]
    assert sent.to == [owner.email]
    assert sent.subject == "News about Tā moko"
    assert "Kia ora Hēmi" in sent.body
    assert "There is news about Tā moko." in sent.body
    assert sent.alternatives[0].mimetype == "text/html"
    assert sent.extra_headers["Message-ID"] == outbox.message_id(told)
    assert again(told).state == MessageState.SENT
    assert told.tries.get().result == AttemptResult.SENT
    assert outbox.deliver() == 0
    assert len(mail.outbox) == 1


def test_events_of_silent_topics_end_without_a_word(docket):
    outbox.relay()
    assert OutboxMessage.objects.get().state == MessageState.SENT
    assert not Notification.objects.exists()


def test_a_repeated_handler_tells_nobody_twice(told):
    record = TransitionRecord.objects.get(name="check_it")
    dockets.tell_owner(record)
    dockets.tell_owner(record)
    assert Notification.objects.count() == 1
    assert OutboxMessage.objects.filter(kind=MessageKind.DELIVERY).count() == 1


def test_a_held_message_is_not_claimed_again(told):
    assert [one.pk for one in outbox.claim(MessageKind.DELIVERY, batch=5)] == [told.pk]
    assert outbox.claim(MessageKind.DELIVERY, batch=5) == []


def test_a_lease_that_ran_out_is_claimed_with_a_new_token(told):
    first = outbox.claim(MessageKind.DELIVERY, batch=1)[0]
    OutboxMessage.objects.update(lease_until=Now() - dt.timedelta(seconds=1))
    second = outbox.claim(MessageKind.DELIVERY, batch=1)[0]
    assert second.lease_token != first.lease_token
    assert second.abandoned
    assert again(told).attempts == 2
    assert not outbox.finish(first, first.lease_token, state=MessageState.SENT)
    assert again(told).state == MessageState.PENDING
    assert outbox.finish(second, second.lease_token, state=MessageState.SENT)


def test_a_fenced_relay_undoes_what_its_handler_wrote(box, ada, owner, monkeypatch):
    perform(file_docket(box, ada, owner_id=owner.pk), "check_it", actor=ada)
    (tell,) = definitions.handlers["testapp.docket.checked"]

    def slow(record):
        tell(record)
        OutboxMessage.objects.filter(record=record).update(lease_token=uuid.uuid4())

    monkeypatch.setitem(definitions.handlers, "testapp.docket.checked", [slow])
    assert outbox.relay() == 1  # the filing; the check was taken over
    assert not Notification.objects.exists()


def test_one_poison_event_does_not_stop_the_others(box, ada, owner, monkeypatch):
    def poison(record):
        raise ValueError("no")

    first = perform(file_docket(box, ada, owner_id=owner.pk), "check_it", actor=ada)
    perform(first, "close", actor=ada)
    monkeypatch.setitem(definitions.handlers, "testapp.docket.checked", [poison])
    assert outbox.relay() == 2
    bad = OutboxMessage.objects.get(topic="testapp.docket.checked")
    assert (bad.state, bad.attempts, bad.lease_token) == (MessageState.PENDING, 1, None)
    assert "ValueError" in bad.last_error
    assert bad.available_at > timezone.now() + dt.timedelta(seconds=40)
    assert outbox.relay() == 0


@pytest.mark.parametrize(("tries", "least", "most"), [(1, 48, 72), (3, 192, 288), (30, 2880, 4320)])
def test_the_wait_doubles_and_is_bounded(tries, least, most):
    waits = [outbox.delay(tries).total_seconds() for _ in range(50)]
    assert min(waits) >= least
    assert max(waits) <= most
    assert len(set(waits)) > 1


def test_a_failure_for_now_is_tried_again(told, failing):
    failing.append(ConnectionError("451 busy"))
    assert outbox.deliver() == 0
    assert again(told).state == MessageState.PENDING
    assert told.available_at > timezone.now()
    assert told.tries.get().result == AttemptResult.DEFERRED
    assert outbox.deliver() == 0
    assert told.tries.count() == 1


def test_after_three_days_it_is_dead_and_a_person_can_put_it_back(told, failing, ada):
    failing.append(ConnectionError("451 busy"))
    OutboxMessage.objects.update(created_at=timezone.now() - dt.timedelta(hours=73))
    outbox.deliver()
    assert again(told).state == MessageState.DEAD
    with pytest.raises(NotPermitted):
        retry_message(told, actor=ada)
    boss = person("Boss", is_staff=True)
    retry_message(told, actor=boss)
    assert (again(told).state, told.attempts) == (MessageState.PENDING, 0)
    assert told.tries.last().actor == boss
    with pytest.raises(StaleState):
        retry_message(told, actor=boss)
    failing[0] = definitions.OutcomeUnknown("cut")
    outbox.deliver()
    assert again(told).state == MessageState.PENDING  # it has three days again


def test_a_refusal_for_good_is_not_tried_again(told, failing):
    failing.append(definitions.RefusedForGood("550 unknown user"))
    outbox.deliver()
    assert again(told).state == MessageState.FAILED
    assert told.last_error == "550 unknown user"


@pytest.mark.parametrize(
    ("lane", "state"),
    [(Lane.RECEIPT, "pending"), (Lane.REMINDER, "failed"), (Lane.DIGEST, "failed")],
)
def test_an_unknown_outcome_is_repeated_by_lane(told, failing, lane, state):
    failing.append(definitions.OutcomeUnknown("connection lost"))
    OutboxMessage.objects.update(lane=lane)
    outbox.deliver()
    assert again(told).state == state
    assert told.tries.get().result == AttemptResult.UNKNOWN


@pytest.mark.parametrize(("lane", "mails"), [(Lane.RESULT, 1), (Lane.REMINDER, 0)])
def test_a_worker_that_died_while_sending(told, lane, mails):
    """Killed between claim and finish: results go again, reminders do not."""
    OutboxMessage.objects.update(lane=lane)
    outbox.claim(MessageKind.DELIVERY, batch=1)
    OutboxMessage.objects.update(lease_until=Now() - dt.timedelta(seconds=1))
    outbox.deliver()
    assert len(mail.outbox) == mails


@pytest.mark.parametrize("lane", [Lane.RESULT, Lane.REMINDER])
def test_who_dies_holding_mails_that_are_not_begun_has_sent_none(told, lane):
    OutboxMessage.objects.filter(pk=told.pk).update(lane=lane)
    (held,) = outbox.hold(lane, [told.topic], 5)
    assert (again(told).attempts, told.begun) == (0, False)
    assert outbox.deliver() == 0
    OutboxMessage.objects.update(lease_until=Now() - dt.timedelta(seconds=1))
    assert outbox.deliver() == 1
    assert again(told).attempts == 1
    assert outbox.deliver_held([held]) == (0, True)
    assert len(mail.outbox) == 1


def test_what_is_held_is_for_a_short_while_and_what_is_begun_for_the_whole_lease(told):
    (held,) = outbox.hold(told.lane, [told.topic], 5)
    soon = timezone.now() + dt.timedelta(seconds=outbox.SCHEDULE.hold_seconds)
    assert again(told).lease_until <= soon
    assert OutboxMessage.objects.begin(held.pk, held.lease_token, outbox.lease())
    assert again(told).lease_until > soon + dt.timedelta(seconds=30)
    assert not OutboxMessage.objects.begin(held.pk, uuid.uuid4(), outbox.lease())


def test_mails_that_are_held_take_turns_by_topic(docket, ada, abe):
    for number in range(3):
        for topic in ("testapp.docket.soon", "testapp.docket.closed"):
            notify(topic=topic, recipients=[ada], subject=docket, context={"title": "x"},
                   dedupe=f"{number}")  # fmt: skip
    topics = ["testapp.docket.soon", "testapp.docket.closed"]
    assert [one.topic for one in outbox.hold(Lane.RESULT, topics, 5)] == (topics * 3)[:5]


def test_after_a_slow_one_the_others_are_given_back(docket, ada, abe, monkeypatch):
    notify(topic="testapp.docket.soon", recipients=[ada, abe], subject=docket,
           context={"title": "x"})  # fmt: skip
    monkeypatch.setattr(outbox, "SLOW", -1)
    held = outbox.hold(Lane.RESULT, ["testapp.docket.soon"], 5)
    assert outbox.deliver_held(held) == (1, True)
    rest = OutboxMessage.objects.get(pk=held[1].pk)
    assert (rest.lease_token, rest.lease_until, rest.attempts) == (None, None, 0)
    assert outbox.deliver() == 1


@pytest.mark.only_postgresql
def test_a_mail_more_takes_one_statement_more(docket):
    counts = []
    for number in (1, 4):
        people = [person(f"P{number}{one}") for one in range(number)]
        notify(
            topic="testapp.docket.soon", recipients=people, subject=docket, context={"title": "x"}
        )
        with CaptureQueriesContext(connection) as caught:
            assert outbox.deliver() == number
        counts.append(len(caught))
    assert counts[1] - counts[0] == 3


def test_a_mail_that_is_no_longer_wanted_is_cancelled(box, ada, owner, monkeypatch):
    docket = perform(file_docket(box, ada, owner_id=owner.pk), "check_it", actor=ada)
    perform(docket, "close", actor=ada)
    outbox.relay()
    monkeypatch.setitem(dockets.RELEVANT, "answer", False)
    assert outbox.deliver() == 1
    assert (
        OutboxMessage.objects.get(kind="delivery", topic="testapp.docket.closed").state
        == MessageState.CANCELLED
    )


def test_a_closed_account_gets_no_mail(told, owner):
    owner.is_active = False
    owner.save()
    assert outbox.deliver() == 0
    assert again(told).state == MessageState.CANCELLED


def test_somebody_without_account_gets_mail_only(docket):
    for _twice in range(2):
        notify_address(
            topic="testapp.docket.soon",
            address="Vic@work.example",
            name="Vic",
            subject=docket,
            context={"title": "a & b"},
        )
    assert outbox.deliver() == 1
    assert mail.outbox[0].to == ["Vic@work.example"]
    assert Notification.objects.get().in_app is False
    _subject, text, html = render(Notification.objects.get())
    assert "a & b" in text
    assert "a &amp; b" in html
    assert "One line more." in html


def test_people_are_told_once_and_inactive_ones_never(docket, ada, abe):
    gone = person("Gone", is_active=False)
    made = notify(
        topic="testapp.docket.soon",
        recipients=[ada, abe, ada, gone],
        subject=docket,
        context={"title": "x"},
        channels=("inapp",),
    )
    assert {one.recipient for one in made} == {ada, abe}
    assert Titles().of(made[0]) == "News about x"
    assert not OutboxMessage.objects.filter(kind="delivery").exists()


def test_every_try_is_kept_with_its_token(told):
    outbox.deliver()
    assert DeliveryAttempt.objects.get().token is not None


class TestRealServer:
    """A real SMTP server on a port of its own."""

    @pytest.fixture(autouse=True)
    def smtp(self, mail_sink):
        with override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=mail_sink.port,
        ):
            yield

    def test_plain_and_html_arrive(self, told, mail_sink):
        assert outbox.deliver() == 1
        got = mail_sink.messages[0]
        assert got["Message-ID"] == outbox.message_id(told)
        assert "Tā moko" in got.get_body(("plain",)).get_content()
        assert "<h1" in got.get_body(("html",)).get_content()

    def test_no_server_is_a_failure_for_now(self, told):
        with override_settings(EMAIL_PORT=1):
            outbox.deliver()
        assert again(told).state == MessageState.PENDING
        assert told.tries.get().result == AttemptResult.DEFERRED
