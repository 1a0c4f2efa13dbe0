"""Alive, ready and metrics: each part that breaks is named, and a broken one makes nobody wait."""

import os
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from config import health
from tests.servers import free_port
from workflows.enums import Channel, Lane, MessageKind
from workflows.models import DeliveryAttempt, Heartbeat, Notification, OutboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def beating():
    """Signs of life of just now: beat asked, the worker ran."""
    names = ("beat", "worker")
    return [Heartbeat.objects.create(name=name, at=timezone.now()) for name in names]


@pytest.fixture(autouse=True)
def look_at_storage_again(monkeypatch):
    """Forget when the storage was last looked at."""
    monkeypatch.setattr(health, "_storage_seen_at", float("-inf"))


def failing(client):
    answer = client.get("/readyz")
    found = answer.json()
    assert answer.status_code == (503 if found["failing"] else 200)
    return found["failing"]


@pytest.mark.sqlite
def test_ready_when_everything_works(client, beating, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        assert failing(client) == []


def test_alive_needs_no_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"state": "alive"}


def test_without_any_sign_of_life_it_is_not_ready(client):
    assert failing(client) == ["beat", "worker"]


@pytest.mark.parametrize(
    ("old", "named"), [({"worker"}, ["worker"]), ({"beat", "worker"}, ["beat", "worker"])]
)
def test_an_old_sign_of_life_is_named(client, beating, settings, old, named):
    past = timezone.now() - timedelta(seconds=settings.HEARTBEAT_MAX_SECONDS + 5)
    Heartbeat.objects.filter(name__in=old).update(at=past)
    assert failing(client) == named


def test_a_worker_that_others_ask_is_alive_without_beat(client, beating, settings):
    past = timezone.now() - timedelta(seconds=settings.HEARTBEAT_MAX_SECONDS + 5)
    Heartbeat.objects.update(at=past)
    Heartbeat.objects.create(name="relay", at=timezone.now())
    assert failing(client) == ["beat"]


def test_dispatch_stands_for_both(client):
    Heartbeat.objects.create(name="dispatch", at=timezone.now())
    assert failing(client) == []


def test_a_dead_broker_is_named(client, beating, settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    assert failing(client) == ["broker"]


def test_a_missing_migration_is_named(client, beating):
    MigrationRecorder.Migration.objects.filter(app="workflows").delete()
    assert failing(client) == ["migrations"]


def test_a_storage_that_cannot_be_written_is_named(client, beating, settings, tmp_path):
    (tmp_path / "evidence").write_text("a file where the folder should be")
    own = {**settings.STORAGES["evidence"], "OPTIONS": {"location": str(tmp_path / "evidence")}}
    settings.STORAGES = {**settings.STORAGES, "evidence": own}
    assert failing(client) == ["storage"]


def test_the_probe_leaves_nothing_behind(client, beating, settings, tmp_path):
    own = {**settings.STORAGES["evidence"]}
    own["OPTIONS"] = {**own.get("OPTIONS", {}), "location": str(tmp_path)}
    settings.STORAGES = {**settings.STORAGES, "evidence": own}
    assert failing(client) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_dead_database_is_named_without_waiting(client, beating, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "PORT", str(free_port()))
    assert failing(client) == ["database", "migrations", "beat", "worker", "outbox", "evidence"]


def message(people, *, waited, **more):
    """A mail to Lena that was due some time ago."""
    notification = Notification.objects.create(
        recipient=people, topic="portfolios.submission.submitted", dedupe_key=f"{waited}"
    )
    return OutboxMessage.objects.create(
        kind=MessageKind.DELIVERY,
        lane=Lane.RECEIPT,
        topic=notification.topic,
        dedupe_key=f"{notification.pk}:email",
        notification=notification,
        channel=Channel.EMAIL,
        available_at=timezone.now() - timedelta(seconds=waited),
        **more,
    )


@pytest.fixture
def lena(django_user_model):
    return django_user_model.objects.create(email="lena@example.org")


def test_a_message_that_waits_too_long_is_named(client, beating, lena, settings):
    message(lena, waited=settings.OUTBOX_MAX_SECONDS - 30)
    assert failing(client) == []
    message(lena, waited=settings.OUTBOX_MAX_SECONDS + 30)
    assert failing(client) == ["outbox"]


def test_a_message_for_later_and_a_sent_one_do_not_count(client, beating, lena):
    message(lena, waited=-90_000)
    message(lena, waited=90_000, state="sent")
    assert failing(client) == []


def test_a_mail_server_that_is_away_is_named_though_every_mail_is_put_off(
    client, beating, lena, settings
):
    ago = timezone.now() - timedelta(seconds=settings.OUTBOX_MAX_SECONDS + 30)
    for number in (1, 2, 3):
        assert failing(client) == []
        put_off = message(lena, waited=-600 - number, attempts=4)
        OutboxMessage.objects.filter(pk=put_off.pk).update(created_at=ago)
    assert failing(client) == ["outbox"]
    other = message(lena, waited=1, state="sent")
    tried = DeliveryAttempt.objects.create(message=other, started_at=ago, result="sent")
    assert failing(client) == []
    assert tried.ended_at > ago


def test_failures_tell_no_addresses(client, settings):
    settings.REDIS_URL = f"redis://someone:secret@127.0.0.1:{free_port()}/0"
    assert "secret" not in client.get("/readyz").content.decode()


def test_metrics_are_read_from_the_database(client, beating, lena):
    message(lena, waited=100)
    text = client.get("/metrics").content.decode()
    assert 'moderato_outbox_messages{state="pending"} 1.0' in text
    assert 'moderato_heartbeat_age_seconds{name="beat"}' in text
    waited = next(line for line in text.splitlines() if line.startswith("moderato_outbox_oldest"))
    assert 100 <= float(waited.split()[1]) < 160


def test_metrics_are_closed_to_others(client, settings):
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.7").status_code == 404
    assert client.get("/metrics", HTTP_X_FORWARDED_FOR="203.0.113.7").status_code == 404
    settings.METRICS_TOKEN = "a-long-token"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer wrong").status_code == 404
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer a-long-token").status_code == 200


def test_the_test_database_is_the_one_of_this_run():
    with psycopg.connect(os.environ["TEST_DATABASE_URL"]) as direct:
        assert direct.info.port == int(connection.settings_dict["PORT"])
