"""The page of delivery, putting messages back, pace, fairness, the kept connection, and what watches it."""

import asyncio
import datetime as dt
import os
import smtplib
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from accounts.models import Organisation
from config.mail_events import take_in
from tests import servers
from tests.workflows.conftest import person
from workflows import outbox
from workflows.actions.messages import readdress, retry_all
from workflows.actions.preferences import change_wording, suspend_address
from workflows.actions.webhooks import ping
from workflows.definitions import PING, topics
from workflows.enums import AttemptResult, MessageState
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import (
    DeliveryAttempt,
    Notification,
    OutboxMessage,
    SendingPace,
    SuspendedAddress,
    Webhook,
)
from workflows.notifications import mailing, notify
from workflows.notifications.wire import announce
from workflows.notifications.wording import Titles
from workflows.selectors.delivery import DAYS, ZONE, days, lanes, nice, plot

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
SOON, CLOSED = "testapp.docket.soon", "testapp.docket.closed"


def tell(docket, people, topic=SOON, **more):
    return notify(topic=topic, recipients=people, subject=docket, context={"title": "x"}, **more)


def mails(**more):
    return OutboxMessage.objects.filter(kind="delivery", **more)


# --- the page -----------------------------------------------------------------------------------------


def test_only_caretakers_see_the_page(client, ada, docket):
    tell(docket, [ada])
    row = suspend_address("x@y.example", because="bounce")
    client.force_login(ada)
    key = mails().get().pk
    assert client.get("/manage/messages/").status_code == 403
    assert client.get(f"/manage/messages/{key}/").status_code == 404
    assert client.post("/manage/messages/retry/").status_code == 403
    assert client.post(f"/manage/messages/{key}/address/", {"address": "a@b.nz"}).status_code == 404
    assert client.post(f"/manage/messages/addresses/{row.pk}/clear/").status_code == 404


def test_the_page_shows_queue_days_and_addresses(client, keeper, docket, ada, abe):
    tell(docket, [ada, abe])
    outbox.deliver()
    tell(docket, [ada], dedupe="later")
    suspend_address("gone@y.example", because="bounce", detail="550 no such user")
    client.force_login(keeper)
    page = client.get("/manage/messages/")
    text = page.content.decode()
    assert page.context["sent_today"] == 2
    assert "gone@y.example" in text
    assert 'class="app-plot__sent"' in text
    assert "style=" not in text.split("<main")[1]
    for show, number in (("sent", 2), ("waiting", 2), ("stuck", 0), ("nonsense", 0)):
        found = client.get(f"/manage/messages/?show={show}").context["page"].paginator.count
        assert found == number, show
    row = SuspendedAddress.objects.get()
    client.post(f"/manage/messages/addresses/{row.pk}/clear/")
    assert "gone@y.example" not in client.get("/manage/messages/").content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_takes_the_same_queries_for_more_messages(
    client, keeper, docket, number, django_assert_max_num_queries
):
    tell(docket, [person(f"P{one}") for one in range(number)])
    mails().update(state=MessageState.DEAD)
    client.force_login(keeper)
    with django_assert_max_num_queries(24):
        client.get("/manage/messages/")


def test_the_pages_say_in_words_what_a_message_is_about(client, keeper, docket, ada):
    tell(docket, [ada])
    OutboxMessage.objects.update(state=MessageState.DEAD)
    client.force_login(keeper)
    page = client.get("/manage/messages/").content.decode()
    for kind, words in (("delivery", "News about …"), ("event", "Docket: File")):
        found = OutboxMessage.objects.get(kind=kind)
        assert f"{words}, number {found.pk}</a>" in page
        assert found.topic not in page
        one = client.get(f"/manage/messages/{found.pk}/").content.decode()
        about = one.partition("About</dt>")[2].partition("</dd>")[0]
        assert f'summary-list__value">{words}<br>' in about
        assert f'app-muted app-small">{found.topic}</span>' in about


def test_a_webhooks_page_says_it_as_it_was_offered(client, keeper):
    house = Organisation.objects.create(code="house", name="Whare Ako", kind="provider")
    hook = Webhook.objects.create(
        organisation=house, address="https://there.example/in", sealed_secret="x", changed_by=keeper
    )
    ping(hook)
    fact = "portfolios.submission.submitted"
    OutboxMessage.objects.create(
        kind="delivery", topic=fact, dedupe_key="one", webhook=hook, channel="webhook"
    )
    client.force_login(keeper)
    page = client.get(f"/manage/webhooks/{hook.pk}/").content.decode()
    for words, code in (("Test message", PING), ("A portfolio was submitted", fact)):
        assert f'{words}<br><span class="app-muted app-small">{code}</span>' in page


def test_everything_in_the_catalogue_has_words_that_name_nobody():
    titles = Titles()
    for code, topic in topics.items():
        about = titles.about(
            OutboxMessage(topic=code, notification=Notification(topic=code, context=topic.sample))
        )
        assert about != code
        said = [one for one in topic.sample.values() if isinstance(one, str) and one]
        assert not [one for one in said if one in about], code
    assert titles.about(OutboxMessage(topic="nobody.knows.it")) == "nobody.knows.it"


def test_own_words_of_a_topic_are_said_of_its_messages(docket, ada, keeper):
    change_wording(SOON, subject="{title} is near", body="", actor=keeper)
    tell(docket, [ada])
    assert Titles().about(mails().get()) == "… is near"


def test_lanes_tell_the_oldest_that_is_due(docket, ada):
    tell(docket, [ada], lane="receipt")
    mails().update(available_at=timezone.now() - dt.timedelta(minutes=5))
    found = {row.label: row for row in lanes()}
    assert (found["Receipts"].due, found["Receipts"].oldest_words) == (1, "5 min")
    assert found["Digests"].waiting == 0


def test_days_count_by_new_zealands_calendar_and_bars_stand_on_each_other(docket, ada):
    tell(docket, [ada])
    message = mails().get()
    noon = dt.datetime.combine(timezone.now().astimezone(ZONE).date(), dt.time(12), tzinfo=ZONE)
    before = noon - dt.timedelta(days=3)
    for result in [AttemptResult.SENT] * 3 + [AttemptResult.DEFERRED, AttemptResult.REFUSED]:
        DeliveryAttempt.objects.create(
            message=message, started_at=before, ended_at=before, result=result
        )
    rows = days()
    assert len(rows) == DAYS
    row = rows[-4]
    assert (row.day, row.sent, row.retried, row.refused) == (before.date(), 3, 1, 1)
    drawn = plot(rows)
    assert [bar.kind for bar in drawn.bars] == ["sent", "retried", "refused"]
    for lower, upper in zip(drawn.bars, drawn.bars[1:], strict=False):
        assert upper.y + upper.height == pytest.approx(lower.y, abs=0.2)
    assert drawn.bars[0].height == pytest.approx(3 * drawn.bars[1].height, rel=0.02)
    assert [nice(one) for one in (1, 3, 7, 11, 260)] == [1, 5, 10, 20, 500]


# --- putting back -------------------------------------------------------------------------------------


def test_all_stuck_messages_go_back_at_once(docket, keeper, ada, abe):
    tell(docket, [ada, abe])
    mails().update(state=MessageState.FAILED, attempts=9)
    with pytest.raises(NotPermitted):
        retry_all(actor=ada)
    assert retry_all(actor=keeper) == 2
    assert retry_all(actor=keeper) == 0
    assert outbox.deliver() == 2


def test_a_stuck_message_can_go_to_another_address(docket, keeper, ada, client):
    tell(docket, [ada])
    message = mails().get()
    with pytest.raises(StaleState):
        readdress(message, address="new@work.example", actor=keeper)
    mails().update(state=MessageState.DEAD)
    client.force_login(keeper)
    url = f"/manage/messages/{message.pk}/address/"
    assert client.post(url, {"address": "nonsense"}).status_code == 422
    assert client.post(url, {"address": "new@work.example"}).status_code == 302
    outbox.deliver()
    assert mail.outbox[0].to == ["new@work.example"]
    assert (
        f"Address changed from {ada.email}"
        in client.get(f"/manage/messages/{message.pk}/").content.decode()
    )
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"


# --- fairness and pace --------------------------------------------------------------------------------


def test_a_flood_of_one_topic_delays_another_by_one_mail(docket, ada):
    people = [person(f"P{number}") for number in range(12)]
    tell(docket, people)
    tell(docket, [ada], topic=CLOSED)
    outbox.deliver(batch=4)
    assert ada.email in [one.to[0] for one in mail.outbox]
    assert len(mail.outbox) == 4
    while outbox.deliver(batch=4):
        pass
    assert len(mail.outbox) == 13


@override_settings(EMAIL_PER_MINUTE=3)
def test_the_provider_gets_no_more_than_its_pace(docket):
    tell(docket, [person(f"P{number}") for number in range(7)])
    assert outbox.deliver() == 3
    assert outbox.deliver() == 0
    assert mails(state=MessageState.PENDING, attempts=0).count() == 4
    SendingPace.objects.update(since=timezone.now() - dt.timedelta(seconds=61))
    assert outbox.deliver() == 3
    SendingPace.objects.update(since=timezone.now() - dt.timedelta(seconds=61))
    assert outbox.deliver() == 1


# --- real servers -------------------------------------------------------------------------------------


class Odd:
    """A mail server that counts connections and answers as it is told to."""

    def __init__(self):
        self.answers, self.sessions, self.bodies = [], set(), []

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        return [*responses[:-1], *self.offers, responses[-1]]

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        answer = self.answers.pop(0) if self.answers else "250 ok"
        if answer == "stall":
            await asyncio.sleep(3)
            answer = "250 late"
        if answer == "drop":
            server.transport.close()
            return "421 gone"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.sessions.add(session.peer)
        self.bodies.append(envelope.content)
        answer = self.answers.pop(0) if self.answers and self.answers[0].startswith("after") else ""
        if answer == "after drop":
            server.transport.close()
        return answer.removeprefix("after ") if answer[6:7].isdigit() else "250 kept"


@pytest.fixture(params=["one by one", "together"])
def odd(request):
    from aiosmtpd.controller import Controller

    handler = Odd()
    handler.offers = ["250-PIPELINING"] if request.param == "together" else []
    controller = Controller(handler, hostname="127.0.0.1", port=servers.free_port())
    controller.start()
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1", EMAIL_PORT=controller.port, EMAIL_TIMEOUT=1,
    ):  # fmt: skip
        yield handler
    mailing.close()
    controller.stop()


def test_a_batch_goes_over_one_connection(docket, odd):
    tell(docket, [person(f"P{number}") for number in range(5)])
    assert outbox.deliver() == 5
    assert len(odd.sessions) == 1
    with override_settings(EMAIL_KEEP_MESSAGES=2):
        tell(docket, [person(f"Q{number}") for number in range(5)])
        assert outbox.deliver() == 5
    assert len(odd.sessions) == 4


def test_a_connection_that_the_server_closed_is_replaced_before_a_mail_is_begun(
    docket, odd, ada, abe
):
    tell(docket, [ada])
    held = mailing.connection()
    held.connection.sock.close()
    assert outbox.deliver() == 1
    assert DeliveryAttempt.objects.get().result == AttemptResult.SENT


@pytest.mark.parametrize(
    ("answer", "state", "result"),
    [
        ("451 busy", MessageState.PENDING, AttemptResult.DEFERRED),
        ("450 greylisted", MessageState.PENDING, AttemptResult.DEFERRED),
        ("550 unknown", MessageState.FAILED, AttemptResult.REFUSED),
        ("stall", MessageState.PENDING, AttemptResult.DEFERRED),
        ("drop", MessageState.PENDING, AttemptResult.DEFERRED),
        ("after 452 full", MessageState.PENDING, AttemptResult.DEFERRED),
        ("after 552 too large", MessageState.FAILED, AttemptResult.REFUSED),
        ("after drop", MessageState.PENDING, AttemptResult.UNKNOWN),
    ],
)
def test_each_fault_has_its_answer_and_holds_up_nobody(
    docket, odd, ada, abe, answer, state, result
):
    """Of two messages the first meets the fault, the second arrives in the same run."""
    tell(docket, [ada], topic=CLOSED)
    tell(docket, [abe], topic=CLOSED, dedupe="second")
    odd.answers = ["250 ok", answer] if answer.startswith("after") else [answer]
    assert outbox.deliver() == 1
    first, second = mails().order_by("id")
    assert (first.state, first.tries.get().result) == (state, result)
    assert second.state == MessageState.SENT


def test_a_server_that_waits_for_the_content_of_a_refused_mail_gets_an_empty_one():
    """RFC 2920, 3.1: where commands go together, a server may be ready for data though nobody will get them."""
    said: list[bytes] = []

    def serve(listener):
        peer, _address = listener.accept()
        with peer, peer.makefile("rb") as lines:
            peer.sendall(b"220 here\r\n")
            answers = {
                b"ehlo": b"250-odd\r\n250 PIPELINING\r\n", b"MAIL": b"250 yes\r\n",
                b"RCPT": b"550 unknown\r\n", b"DATA": b"354 go on\r\n", b".\r\n": b"554 nobody\r\n",
                b"QUIT": b"221 bye\r\n",
            }  # fmt: skip
            for line in lines:
                said.append(line)
                peer.sendall(answers.get(line[:4], b"250 ok\r\n"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        with smtplib.SMTP("127.0.0.1", listener.getsockname()[1], timeout=5) as server:
            with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
                announce(server, "a@example.org", "b@example.org", 10)
            assert server.noop()[0] == 250
        thread.join(5)
    assert refused.value.recipients == {"b@example.org": (550, b"unknown")}
    assert said[1:5] == [
        b"MAIL FROM:<a@example.org>\r\n", b"RCPT TO:<b@example.org>\r\n", b"DATA\r\n", b".\r\n"
    ]  # fmt: skip


def test_what_was_dropped_comes_again_with_the_same_message_id(docket, odd, ada):
    tell(docket, [ada], topic=CLOSED)
    odd.answers = ["250 ok", "after drop"]
    assert outbox.deliver() == 0
    mails().update(available_at=timezone.now())
    assert outbox.deliver() == 1
    ids = {
        line for body in odd.bodies for line in body.decode().splitlines() if "Message-ID" in line
    }
    assert (len(odd.bodies), len(ids)) == (2, 1)


# --- providers and several beats ----------------------------------------------------------------------


def test_a_provider_by_its_api_is_a_matter_of_settings(docket, ada, settings):
    settings.EMAIL_BACKEND = "anymail.backends.test.EmailBackend"
    tell(docket, [ada])
    assert outbox.deliver() == 1
    sent = mail.outbox[0]
    assert sent.anymail_status.status == {"sent"}


@pytest.mark.parametrize(
    ("status", "state"),
    [(422, "failed"), (406, "failed"), (429, "pending"), (401, "pending"), (503, "pending")],
)
def test_a_providers_refusal_is_for_good_or_for_now(docket, ada, monkeypatch, status, state):
    from anymail.exceptions import AnymailRequestsAPIError

    def refuse(self, *args, **kwargs):
        raise AnymailRequestsAPIError("no", response=SimpleNamespace(
            status_code=status, reason="no", url="https://api.example/", text="no",
            json=dict, headers={},
        ))  # fmt: skip

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
    tell(docket, [ada])
    outbox.deliver()
    assert mails().get().state == state


def test_a_providers_webhook_suspends_what_bounced_or_was_complained_about(keeper):
    def event(kind, address):
        return SimpleNamespace(
            event_type=kind, recipient=address, description="550", reject_reason=None
        )

    take_in(None, event("delivered", "fine@x.example"), "Provider")
    take_in(None, event("bounced", "gone@x.example"), "Provider")
    take_in(None, event("complained", "angry@x.example"), "Provider")
    assert set(SuspendedAddress.objects.values_list("address", "because")) == {
        ("gone@x.example", "bounce"), ("angry@x.example", "complaint"),
    }  # fmt: skip


def test_beats_that_take_turns_are_a_matter_of_settings():
    code = (
        "from config.celery import app; app.finalize(); c = app.conf;"
        "print(c.beat_scheduler, c.redbeat_redis_url, c.redbeat_lock_timeout);"
        "print(c.beat_max_loop_interval);"
        "from redbeat.schedulers import RedBeatConfig as R; print(R(app).lock_timeout)"
    )
    environment = {
        **os.environ, "BEAT_SCHEDULER": "redbeat.RedBeatScheduler", "BEAT_LOCK_SECONDS": "12",
        "DJANGO_SETTINGS_MODULE": "config.settings.test", "REDIS_URL": "redis://localhost:1/3",
    }  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == [
        "redbeat.RedBeatScheduler",
        "redis://localhost:1/3",
        "12",
        "2",
        "12",
    ]


def test_readiness_turns_red_when_the_oldest_due_message_is_over_its_limit(docket, ada):
    from config.health import NotReadyError, check_outbox

    tell(docket, [ada])
    mails().update(available_at=timezone.now() - dt.timedelta(seconds=901))
    with pytest.raises(NotReadyError, match="waits for 90"):
        check_outbox()
    outbox.deliver()
    outbox.relay()
    assert "oldest unsent" in check_outbox()


def test_metrics_tell_lanes_and_tries(client, docket, ada):
    tell(docket, [ada], lane="receipt")
    mails().update(available_at=timezone.now() - dt.timedelta(seconds=30))
    text = client.get("/metrics").content.decode()
    assert 'moderato_outbox_lane_oldest_due_seconds{lane="receipt"} 3' in text
    outbox.deliver()
    text = client.get("/metrics").content.decode()
    assert 'moderato_delivery_attempts_last_hour{result="sent"} 1.0' in text
    assert "moderato_reconciler_difference 0.0" in text
