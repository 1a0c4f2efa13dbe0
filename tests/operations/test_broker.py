"""A worker that loses its broker while it has tasks in hand goes on."""

import socket
import threading

import pytest
from kombu.exceptions import OperationalError

from config.celery import app
from config.nudges import last, wake_the_relay
from workflows.tasks import relay_outbox, send_soon


def test_a_late_answer_on_a_closed_channel_is_a_lost_connection(broker_url):
    """The worker takes that, and nothing else, for a reason to connect anew."""
    connection = app.connection_for_read(broker_url)
    channel = connection.channel()
    lost = connection.connection_errors
    connection.release()
    with pytest.raises(lost, match="closed"):
        channel.basic_ack("of a task that was in hand")


def test_an_open_channel_works(broker_url):
    with app.connection_for_read(broker_url) as connection:
        queue = connection.SimpleQueue("in-hand")
        queue.put({"look": "now"})
        message = queue.get(timeout=5)
        assert message.payload == {"look": "now"}
        message.ack()


@pytest.fixture
def hanging_up(monkeypatch):
    """A broker that takes each call and hangs up. Gives how often it was called."""
    calls = []
    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                called, _address = server.accept()
            except OSError:
                return
            calls.append(1)
            called.close()

    threading.Thread(target=answer, daemon=True).start()
    url = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
    monkeypatch.setitem(app.conf, "broker_write_url", url)
    yield calls
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def test_a_request_asks_a_broker_that_is_away_once_and_goes_on(hanging_up, settings):
    settings.NUDGE_RELAY = True
    last["nudge"] = float("-inf")
    wake_the_relay()
    asked = len(hanging_up)
    assert asked
    with pytest.raises(OperationalError):
        send_soon(relay_outbox, expires=15)
    # The client of Redis itself may call twice for one try; Celery’s own patience would call on and on.
    assert asked <= 2


def test_what_is_sent_once_arrives(broker_url, monkeypatch):
    monkeypatch.setitem(app.conf, "broker_write_url", broker_url)
    send_soon(relay_outbox, expires=60, queue="asked-once")
    with app.connection_for_read(broker_url) as connection:
        queue = connection.SimpleQueue("asked-once")
        message = queue.get(timeout=5)
        assert message.headers["task"] == "workflows.tasks.relay_outbox"
        message.ack()
