"""Webhooks: whom a fact is told, signed how, where it may go, and what becomes of a receiver that does not answer."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import SYSTEM, Membership, Organisation
from config.health import tried_in_vain
from tests.factories.portfolios import ready, submit
from tests.personas import make_cast
from tests.workflows.conftest import file_docket, person
from tests.worlds import kept
from workflows import definitions, outbox
from workflows.actions.messages import retry_message
from workflows.actions.webhooks import (
    change_webhook,
    make_webhook,
    remove_webhook,
    renew_secret,
    resume_webhook,
    try_webhook,
)
from workflows.definitions import HELD, Concern, offers
from workflows.enums import MessageState
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import DeliveryAttempt, Notification, OutboxMessage, Webhook
from workflows.notifications import calling
from workflows.notifications.calling import NotAllowed, target_of
from workflows.transitions import perform

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
FILED, CHECKED = "testapp.docket.filed", "testapp.docket.checked"
HERE = override_settings(WEBHOOK_PRIVATE_NETWORKS=["127.0.0.0/8"])


class Receiver:
    """A real server that keeps what it was sent and answers as told."""

    def __init__(self):
        self.calls, self.status, self.headers, self.drip = [], 200, {}, threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.calls.append((self.path, dict(self.headers), body))
                if outer.status == "drip":
                    outer.drip.wait(20)
                    return
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, *_arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True)
        self.thread.start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}/in?from=moderato"

    @property
    def topics(self):
        return [json.loads(body)["type"] for _path, _headers, body in self.calls]

    def end(self):
        self.drip.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


@pytest.fixture
def receiver():
    with HERE:
        made = Receiver()
        yield made
        made.end()


@pytest.fixture
def house(db):
    return Organisation.objects.create(code="house", name="Whare Ako", kind="provider")


@pytest.fixture
def admin(house):
    made = person("Kim")
    Membership.objects.create(user=made, organisation=house, role=OrganisationRole.ADMINISTRATOR)
    return made


@pytest.fixture
def offered(monkeypatch, house):
    def concern(record):
        return Concern(frozenset({house.pk}), {"reference": f"D-{record.seq}"})

    for topic in (FILED, CHECKED):
        monkeypatch.setitem(offers, topic, ("A docket moved", concern))


@pytest.fixture
def hook(receiver, house, admin, offered):
    """A receiver whose test message has arrived."""
    made, secret = make_webhook(house, address=receiver.address, topics=[FILED], actor=admin)
    made.secret = secret
    assert outbox.deliver_outside() == 1
    assert receiver.topics == ["workflows.webhook.ping"]
    receiver.calls.clear()
    return made


def filed(box, ada, number=1):
    """So many facts, handled."""
    for _each in range(number):
        file_docket(box, ada)
    while outbox.relay():
        pass


def due_now(**more):
    OutboxMessage.objects.filter(state=MessageState.PENDING, **more).update(
        available_at=timezone.now() - dt.timedelta(seconds=1)
    )


def again(row):
    row.refresh_from_db()
    return row


# --- what is sent -------------------------------------------------------------------------------------


def holds(secret, headers, body):
    """The check as a receiver makes it, written from the standard."""
    key = base64.b64decode(secret[len("whsec_") :])
    given = {name.lower(): value for name, value in headers.items()}
    signed = f"{given['webhook-id']}.{given['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in given["webhook-signature"].split(" ")


def test_a_fact_arrives_signed_and_once(hook, receiver, box, ada):
    filed(box, ada)
    assert outbox.deliver() == 0
    assert outbox.deliver_outside() == 1
    assert outbox.deliver_outside() == 0
    ((path, headers, body),) = receiver.calls
    assert path == "/in?from=moderato"
    assert headers["Content-Type"] == "application/json"
    assert holds(hook.secret, headers, body)
    assert not holds(hook.secret, headers, body + b" ")
    message = OutboxMessage.objects.get(webhook=hook, topic=FILED)
    told = json.loads(body)
    assert headers["webhook-id"] == str(message.record_id)
    assert abs(int(headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60
    assert told["type"] == FILED
    assert told["data"] == {
        "organisation": str(hook.organisation_id),
        "subject": "testapp.docket",
        "id": str(message.record.subject_id),
        "reference": "D-1",
    }
    assert dt.datetime.fromisoformat(told["timestamp"]) == message.record.at
    assert (message.state, message.provider_id) == (MessageState.SENT, "200")
    # An event that is handled once more writes nothing anew.
    outbox.tell_outside(FILED, message.record)
    assert OutboxMessage.objects.filter(webhook=hook, topic=FILED).count() == 1


def test_only_what_was_asked_for_and_only_ones_own(hook, receiver, box, ada, admin, monkeypatch):
    perform(file_docket(box, ada), "check_it", actor=ada)
    other = Organisation.objects.create(code="other", name="Other", kind="client")
    nobody = Concern(frozenset({other.pk}), {})
    while outbox.relay():
        pass
    assert list(OutboxMessage.objects.filter(webhook=hook).values_list("topic", flat=True)) == [
        "workflows.webhook.ping", FILED,
    ]  # fmt: skip
    monkeypatch.setitem(offers, FILED, ("A docket moved", lambda record: nobody))
    filed(box, ada)
    assert OutboxMessage.objects.filter(webhook=hook, topic=FILED).count() == 1


def test_nothing_is_told_that_happened_before(receiver, house, admin, offered, box, ada):
    file_docket(box, ada)
    made, _secret = make_webhook(house, address=receiver.address, topics=[FILED], actor=admin)
    outbox.relay()
    assert not OutboxMessage.objects.filter(webhook=made, topic=FILED).exists()


def test_both_secrets_count_for_a_day(hook, receiver, admin):
    new = renew_secret(hook, actor=admin)
    assert new != hook.secret
    secret = hook.secret
    assert again(hook).before_until > timezone.now() + dt.timedelta(hours=23)
    for old_counts in (True, False):
        receiver.calls.clear()
        try_webhook(hook, actor=admin)
        outbox.deliver_outside()
        (_path, headers, body) = receiver.calls[0]
        assert holds(new, headers, body)
        assert holds(secret, headers, body) == old_counts
        Webhook.objects.filter(pk=hook.pk).update(before_until=timezone.now())


def test_the_secret_is_nowhere_in_the_database(hook, admin):
    new = renew_secret(hook, actor=admin)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM workflows_webhook")
        stored = repr(cursor.fetchall())
    assert new.removeprefix("whsec_") not in stored
    assert hook.secret.removeprefix("whsec_") not in stored


@kept
def cast():
    made = make_cast()
    made.portfolio = ready(made, "lena")
    return made


def test_a_submission_is_told_without_anybodys_name(cast, receiver, monkeypatch):
    sent = []
    monkeypatch.setattr(
        calling, "post", lambda target, body, headers: sent.append(body) or (200, "")
    )
    everything = sorted(offers)
    staff = cast.people["petra"]
    for organisation in (cast.provider, cast.client):
        make_webhook(organisation, address=receiver.address, topics=everything, actor=staff)
    submission = submit(cast.portfolio)
    while outbox.relay():
        pass
    while outbox.deliver_outside():
        pass
    told = [json.loads(one) for one in sent]
    about = [one for one in told if one["type"] == "portfolios.submission.submitted"]
    assert {one["data"]["organisation"] for one in about} == {
        str(cast.provider.pk), str(cast.client.pk),
    }  # fmt: skip
    assert {one["data"]["reference"] for one in about} == {submission.reference}
    assert set(about[0]["data"]) == {
        "organisation", "subject", "id", "reference", "delivery", "micro_credential",
    }  # fmt: skip
    whole = b"".join(sent).decode().lower()
    assert "@" not in whole
    for one in cast.people.values():
        assert one.name.lower() not in whole
        assert str(one.pk) not in whole


# Words of what nobody outside may learn from the kind of a message.
SAYS_HOW = ("achiev", "refer", "adjudicat", "disagree", "return", "credential.", "uphel", "adjust")


def test_no_offered_fact_says_how_somebody_did():
    for topic in offers:
        if not topic.startswith("testapp"):
            step = topic.rpartition(".")[2]
            assert not [one for one in SAYS_HOW if one in step], topic
    assert "awards.credential.issued" not in offers


# --- where it may go ----------------------------------------------------------------------------------

PRIVATE = [
    "https://127.0.0.1/", "https://127.9.9.9/", "https://10.0.0.1/", "https://172.16.3.4/",
    "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/",
    "https://0.0.0.0/", "https://224.0.0.1/", "https://255.255.255.255/", "https://[::1]/",
    "https://[fe80::1]/", "https://[fc00::1]/", "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:7f00:1]/", "https://[64:ff9b::a00:1]/", "https://[2002:7f00:1::]/",
    "https://[::]/", "https://localhost/", "https://2130706433/", "https://0x7f.1/",
    "https://127.1/", "https://0177.0.0.1/", "https://240.0.0.1/", "https://[ff02::1]/",
]  # fmt: skip
WRONG = [
    "", "hooks", "ftp://1.1.1.1/", "https://", "https:///x", "https://1.1.1.1:99999/",
    "https://user:pw@1.1.1.1/", "https://user@1.1.1.1/", "https://1.1.1.1/#here",
    "https://1.1.1.1/a b", "https://1.1.1.1/\r\nX: y", "https://[1.1.1.1/", "https://1.1.1.1:22/",
    "http://1.1.1.1/", "javascript:alert(1)", "https://1.1.1.1/ā",
]  # fmt: skip


@pytest.mark.parametrize("address", [*PRIVATE, *WRONG])
def test_an_address_that_may_not_be_called_is_refused(address):
    with pytest.raises(NotAllowed):
        target_of(address)


@pytest.mark.parametrize("address", ["https://1.1.1.1/in", "https://[2606:4700::1111]:8443/in?a=b"])
def test_a_public_address_is_taken(address):
    assert target_of(address).numbers


@override_settings(WEBHOOK_PRIVATE_NETWORKS=["10.1.0.0/16"])
def test_a_setting_opens_one_network_and_no_other():
    assert target_of("http://10.1.2.3:8000/").port == 8000
    for address in ("http://10.2.0.1/", "http://127.0.0.1/"):
        with pytest.raises(NotAllowed):
            target_of(address)


def resolves(monkeypatch, *numbers):
    """Every name means these numbers; a number means itself."""

    def answer(host, port, *_rest, **_more):
        known = [host] if host[0].isdigit() else numbers
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in known]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def test_one_private_address_among_public_ones_is_enough(monkeypatch):
    resolves(monkeypatch, "1.1.1.1", "192.168.0.9")
    with pytest.raises(NotAllowed):
        target_of("https://hooks.example.org/")


def test_a_name_that_means_something_else_later_leads_nowhere(
    hook, receiver, box, ada, monkeypatch
):
    """Looked at again before each call, after resolving, and the connection goes to what was looked at."""
    filed(box, ada)
    message = OutboxMessage.objects.get(webhook=hook, topic=FILED)
    with override_settings(WEBHOOK_PRIVATE_NETWORKS=[]):
        assert outbox.deliver_outside() == 0
    assert receiver.calls == []
    assert again(message).state == MessageState.PENDING
    assert "private network" in message.last_error
    assert again(hook).failures == 1
    # The number that was looked at is called, whatever the name would mean by then.
    resolves(monkeypatch, "127.0.0.1")
    target = target_of(f"http://hooks.example.org:{receiver.port}/x")
    resolves(monkeypatch, "10.9.9.9")
    assert calling.post(target, b"{}", {})[0] == 200
    assert receiver.calls[0][1]["Host"] == f"hooks.example.org:{receiver.port}"


def test_redirects_are_not_followed(hook, receiver, admin):
    receiver.status, receiver.headers = 302, {"Location": f"http://127.0.0.1:{receiver.port}/inner"}
    message = try_webhook(hook, actor=admin)
    assert outbox.deliver_outside() == 0
    assert [path for path, _headers, _body in receiver.calls] == ["/in?from=moderato"]
    assert "redirects are not followed" in again(message).last_error


def test_a_receiver_that_never_ends_is_left(hook, receiver, admin, monkeypatch):
    monkeypatch.setattr(calling, "SECONDS", 0.3)
    receiver.status = "drip"
    message = try_webhook(hook, actor=admin)
    assert outbox.deliver_outside() == 0
    assert again(message).state == MessageState.PENDING
    assert message.last_error
    receiver.drip.set()


# --- failures -----------------------------------------------------------------------------------------


def test_a_failing_receiver_waits_in_order_and_delays_nobody(
    hook, receiver, house, admin, box, ada
):
    second = Receiver()
    try:
        make_webhook(house, address=second.address, topics=[FILED], actor=admin)
        outbox.deliver_outside()
        filed(box, ada, 3)
        receiver.status = 500
        assert outbox.deliver_outside() == 3
        assert len(receiver.calls) == 1
        assert second.topics[-3:] == [FILED] * 3
        mine = OutboxMessage.objects.filter(webhook=hook, topic=FILED)
        assert list(mine.order_by("id").values_list("attempts", flat=True)) == [1, 0, 0]
        assert outbox.deliver_outside() == 0
        receiver.status = 204
        due_now()
        assert outbox.deliver_outside() == 3
        wanted = [str(one) for one in mine.order_by("id").values_list("record", flat=True)]
        assert [headers["webhook-id"] for _path, headers, _body in receiver.calls[1:]] == wanted
        assert (again(hook).failures, hook.failing_since) == (0, None)
    finally:
        second.end()


def test_a_worker_that_died_has_its_call_made_again_under_the_same_id(hook, receiver, box, ada):
    filed(box, ada)
    (held,) = outbox.claim("delivery", batch=1, webhook=hook.pk)
    calling.call(held, "")
    OutboxMessage.objects.filter(pk=held.pk).update(
        lease_until=timezone.now() - dt.timedelta(seconds=1)
    )
    assert outbox.deliver_outside() == 1
    ids = [headers["webhook-id"] for _path, headers, _body in receiver.calls]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert again(held).state == MessageState.SENT


def test_after_three_days_a_message_is_dead_and_can_be_put_back(hook, receiver, box, ada):
    filed(box, ada)
    message = OutboxMessage.objects.get(webhook=hook, topic=FILED)
    receiver.status = 422
    old = timezone.now() - dt.timedelta(hours=73)
    OutboxMessage.objects.filter(pk=message.pk).update(created_at=old)
    outbox.deliver_outside()
    assert again(message).state == MessageState.DEAD
    assert message in OutboxMessage.objects.stuck()
    receiver.status = 200
    keeper = person("Petra", is_staff=True)
    browser = Client()
    browser.force_login(keeper)
    text = browser.get(f"/manage/messages/{message.pk}/").content.decode()
    assert "Webhook of Whare Ako" in text
    assert "422 thanks" in text
    assert "Whare Ako, webhook" in browser.get("/manage/messages/").content.decode()
    assert (
        browser.post(f"/manage/messages/{message.pk}/address/", {"address": "a@b.nz"}).status_code
        == 409
    )
    retry_message(message, actor=keeper)
    assert outbox.deliver_outside() == 1


def failing_for_a_day(hook):
    Webhook.objects.filter(pk=hook.pk).update(
        failures=4, failing_since=timezone.now() - dt.timedelta(hours=25)
    )


def test_persistent_failure_suspends_holds_and_asks_the_administrators(
    hook, receiver, admin, box, ada
):
    filed(box, ada, 2)
    receiver.status = 503
    failing_for_a_day(hook)
    outbox.deliver_outside()
    assert again(hook).suspended_at is not None
    assert hook.because == "503 thanks"
    told = Notification.objects.get(topic="workflows.webhook.suspended")
    assert (told.recipient, told.path) == (admin, f"/manage/webhooks/{hook.pk}/")
    filed(box, ada)
    due_now()
    outbox.deliver_outside()
    assert len(receiver.calls) == 1
    mine = OutboxMessage.objects.filter(webhook=hook, topic=FILED)
    assert set(mine.values_list("state", "last_error")) == {(MessageState.CANCELLED, HELD)}
    with pytest.raises(StaleState):
        try_webhook(hook, actor=admin)
    receiver.status = 200
    assert resume_webhook(hook, actor=admin) == 3
    assert outbox.deliver_outside() == 3
    assert set(mine.values_list("state", flat=True)) == {MessageState.SENT}
    with pytest.raises(StaleState):
        resume_webhook(hook, actor=admin)


@pytest.mark.parametrize(("failures", "hours"), [(3, 25), (9, 23)])
def test_few_failures_or_a_short_time_suspend_nobody(hook, receiver, admin, failures, hours):
    Webhook.objects.filter(pk=hook.pk).update(
        failures=failures, failing_since=timezone.now() - dt.timedelta(hours=hours)
    )
    receiver.status = 500
    try_webhook(hook, actor=admin)
    outbox.deliver_outside()
    assert again(hook).suspended_at is None


def test_a_receiver_that_is_gone_is_suspended_at_once(hook, receiver, admin):
    receiver.status = 410
    message = try_webhook(hook, actor=admin)
    outbox.deliver_outside()
    assert again(hook).suspended_at is not None
    assert again(message).state == MessageState.FAILED


def test_a_receiver_that_is_away_does_not_make_the_system_unready(hook, receiver, box, ada, client):
    filed(box, ada, 4)
    receiver.status = 500
    for _each in range(4):
        outbox.deliver_outside()
        due_now()
    old = timezone.now() - dt.timedelta(days=1)
    OutboxMessage.objects.filter(webhook=hook).update(created_at=old, attempts=3)
    assert tried_in_vain() == 0
    assert "moderato_webhooks_suspended 0.0" in client.get("/metrics").content.decode()
    calling.suspend(hook, "It fails.")
    assert "moderato_webhooks_suspended 1.0" in client.get("/metrics").content.decode()


def test_platform_administrators_are_asked_where_nobody_else_is(hook, receiver, admin):
    keeper = person("Petra", is_staff=True)
    admin.memberships.update(ended_at=timezone.now())
    calling.suspend(hook, "It fails.")
    assert Notification.objects.get(topic="workflows.webhook.suspended").recipient == keeper


# --- who may ------------------------------------------------------------------------------------------


def test_only_its_administrators_change_a_webhook(hook, house, receiver, ada, admin):
    other = Organisation.objects.create(code="other", name="Other", kind="provider")
    stranger = person("Olga")
    Membership.objects.create(
        user=stranger, organisation=other, role=OrganisationRole.ADMINISTRATOR
    )
    author = person("Otto")
    Membership.objects.create(user=author, organisation=house, role=OrganisationRole.AUTHOR)
    for actor in (ada, stranger, author):
        with pytest.raises(NotPermitted):
            make_webhook(house, address=receiver.address, topics=[FILED], actor=actor)
        with pytest.raises(NotPermitted):
            change_webhook(hook, address=receiver.address, topics=[FILED], actor=actor)
        for act in (renew_secret, try_webhook, resume_webhook, remove_webhook):
            with pytest.raises(NotPermitted):
                act(hook, actor=actor)
    with pytest.raises(ValueError, match="Not offered"):
        change_webhook(hook, address=receiver.address, topics=["nothing"], actor=admin)


def test_a_removed_webhook_is_over(hook, receiver, admin, box, ada):
    filed(box, ada)
    remove_webhook(hook, actor=admin)
    outbox.deliver_outside()
    filed(box, ada)
    assert receiver.calls == []
    assert OutboxMessage.objects.filter(webhook=hook, state=MessageState.PENDING).count() == 0
    assert again(hook).sealed_secret == ""
    with pytest.raises(StaleState):
        renew_secret(hook, actor=admin)


def test_an_administrators_way_over_the_pages(receiver, house, admin, offered, box, ada):
    browser = Client()
    browser.force_login(ada)
    assert browser.get("/manage/webhooks/").status_code == 403
    assert browser.get("/manage/webhooks/new/").status_code == 403
    browser.force_login(admin)
    assert "No webhook yet" in browser.get("/manage/webhooks/").content.decode()
    bad = {"organisation": house.pk, "address": "https://10.0.0.1/", "topics": [FILED]}
    answer = browser.post("/manage/webhooks/new/", bad)
    assert answer.status_code == 422
    assert "private network" in answer.content.decode()
    nowhere = {**bad, "address": "https://nowhere.invalid/"}
    assert "no such host" in browser.post("/manage/webhooks/new/", nowhere).content.decode()
    assert not Webhook.objects.exists()
    answer = browser.post("/manage/webhooks/new/", {**bad, "address": receiver.address})
    hook = Webhook.objects.get()
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    where = f"/manage/webhooks/{hook.pk}/"
    assert secret not in browser.get(where).content.decode()
    assert "Not answered yet" in browser.get("/manage/webhooks/").content.decode()
    outbox.deliver_outside()
    assert "Working" in browser.get("/manage/webhooks/").content.decode()
    browser.post(f"{where}test/")
    outbox.deliver_outside()
    assert len(receiver.calls) == 2
    renewed = browser.post(f"{where}secret/")
    assert renewed.context["secret"] != secret
    assert "Counts beside the new one until" in renewed.content.decode()
    assert browser.post(where, {"address": "", "topics": [FILED]}).status_code == 422
    browser.post(where, {"address": receiver.address + "&v=2", "topics": [CHECKED]})
    assert again(hook).topics == [CHECKED]
    calling.suspend(hook, "It fails.")
    assert "Suspended since" in browser.get(where).content.decode()
    assert browser.post(f"{where}test/").status_code == 409
    browser.post(f"{where}resume/")
    assert again(hook).suspended_at is None
    browser.post(f"{where}remove/")
    assert browser.get(where).status_code == 404


def test_the_tries_are_kept(hook, receiver, admin):
    message = try_webhook(hook, actor=admin)
    outbox.deliver_outside()
    assert list(
        DeliveryAttempt.objects.filter(message=message).values_list("result", "answer")
    ) == [
        ("sent", "200"),
    ]
    assert definitions.senders["webhook"] is calling.call
    assert SYSTEM
