"""A worker that loses its broker while it has tasks in hand goes on."""

import pytest

from config.celery import app


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
