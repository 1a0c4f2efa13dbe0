"""Registrations, system checks, commands and tasks."""

import json
import os
import subprocess
import sys
from io import StringIO
from types import SimpleNamespace

import psycopg
import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models.signals import class_prepared
from psycopg import sql

from tests.testapp.models import FILE, Box
from tests.workflows.conftest import file_docket, person
from workflows import checks, definitions, guards, outbox, tasks
from workflows.enums import MessageState
from workflows.machines import Arrow, Birth
from workflows.management.commands import dispatch
from workflows.models import ChainRoot, Heartbeat, OutboxMessage
from workflows.transitions import perform


def test_a_step_has_one_rule_and_a_topic_one_handler():
    with pytest.raises(ImproperlyConfigured):
        guards.may("testapp.docket.close")(lambda instance, actor: True)
    with pytest.raises(ImproperlyConfigured):
        definitions.quiet("testapp.docket.closed", because="x")
    with pytest.raises(ImproperlyConfigured):
        definitions.handles("testapp.docket.filed")(print)
    with pytest.raises(ImproperlyConfigured):
        Birth("testapp.docket", "file", "open", FILE.permission, "filed")


def test_granted_above_refuses_everybody():
    assert guards.rule_for("testapp.docket.nothing", guards.granted_above)(None, None) is False


@pytest.mark.parametrize(
    ("permission", "conditions", "found"),
    [
        ("a.string", (), "workflows.E001"),
        (guards.granted_above, (), "workflows.E002"),
        (print, (print,), "workflows.E003"),
    ],
)
def test_faults_of_an_arrow_are_named(permission, conditions, found):
    arrow = Arrow("x.y", "z", "a", "b", permission, conditions, "past", "Label")
    assert [one.id for one in checks.faults_of(arrow)] == [found]


def test_an_unknown_step_and_an_unheard_rule_are_named(monkeypatch):
    monkeypatch.setitem(guards._rules, "testapp.docket.nowhere", print)
    monkeypatch.setitem(guards._rules, "testapp.docket.check_it", print)
    found = {one.id for one in checks.check_machines(None) if "testapp" in one.msg}
    assert found == {"workflows.E004", "workflows.E005"}


def test_topics_without_handler_words_or_step_are_named(monkeypatch):
    monkeypatch.delitem(definitions.handlers, "testapp.docket.closed")
    monkeypatch.setitem(definitions.silences, "testapp.docket.eaten", "x")
    monkeypatch.setitem(definitions.sends, "testapp.docket.checked", ("testapp.docket.wordless",))
    found = [one.id for one in checks.check_topics(None) if "testapp" in one.msg]
    assert found == [
        "workflows.E010",
        "workflows.E011",
        "workflows.E013",
        "workflows.E012",
        "workflows.E012",
    ]


@pytest.mark.django_db
def test_a_missing_trigger_is_an_error():
    assert checks.check_triggers(None, databases=["default"]) == []
    with connection.cursor() as cursor:
        on = " ON workflows_chainroot" if connection.vendor == "postgresql" else ""
        kind = "change" if connection.vendor == "postgresql" else "update"
        cursor.execute(f"DROP TRIGGER workflows_chainroot_no_{kind}{on}")
    (found,) = checks.check_triggers(None, databases=["default"])
    assert found.id == "workflows.E020"
    # The command of the hint does what it says: without the option this very check would refuse it.
    assert "manage.py migrate --skip-checks" in str(found.hint)
    call_command("migrate", verbosity=0, skip_checks=True)
    assert checks.check_triggers(None, databases=["default"]) == []


def test_historical_models_do_not_listen_to_new_ones():
    before = len(class_prepared.receivers)
    historical = MigrationLoader(None).project_state().apps
    assert historical.get_model("portfolios", "Submission")(state="released").state == "released"
    assert len(class_prepared.receivers) == before


def test_the_export_knows_the_product_only():
    out = StringIO()
    call_command("export_state_machines", "--json", stdout=out)
    found = {one["machine"]: one for one in json.loads(out.getvalue())}
    assert "testapp.docket" not in found
    submission = found["portfolios.submission"]
    assert [one["name"] for one in submission["steps"] if one["birth"]] == ["submit"]
    out = StringIO()
    call_command("export_state_machines", stdout=out)
    assert "## portfolios.submission" in out.getvalue()


@pytest.mark.django_db
def test_dispatch_does_all_in_one_round(box, ada):
    owner = person("Owner")
    perform(file_docket(box, ada, owner_id=owner.pk), "check_it", actor=ada)
    out = StringIO()
    call_command("dispatch", stdout=out)
    assert out.getvalue().strip() == "2 events handled, 0 reminders, 1 mails sent, root 1 signed"
    assert len(mail.outbox) == 1


def test_the_loop_goes_on_after_the_database_was_away(committed_db, monkeypatch):
    """As when PostgreSQL is started again: the round that meets it fails, the next does its work."""
    ada, owner = person("Ada"), person("Owner")
    docket = file_docket(Box.objects.create(), ada, owner_id=owner.pk)
    name = sql.Identifier(committed_db.name)
    elsewhere = f"{committed_db.url.rpartition('/')[0]}/postgres"

    def go_away():
        perform(docket, "check_it", actor=ada)
        with psycopg.connect(elsewhere, autocommit=True) as other:
            other.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [committed_db.name],
            )

    def come_back():
        with psycopg.connect(elsewhere, autocommit=True) as other:
            other.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))

    def stop():
        raise KeyboardInterrupt

    class Pauses:
        """Between the rounds something happens to the database."""

        steps = iter([go_away, come_back, stop])

        def is_set(self):
            return False

        def wait(self, seconds):
            next(self.steps)()

    monkeypatch.setattr(dispatch, "threading", SimpleNamespace(Event=Pauses))
    out = StringIO()
    with pytest.raises(KeyboardInterrupt):
        call_command("dispatch", "--loop", stdout=out)
    _first, away, after = out.getvalue().splitlines()
    assert away.endswith("; failed: reminders")
    assert after.startswith("1 events handled, 0 reminders, 1 mails sent")
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_tasks_take_no_arguments_and_leave_a_sign_of_life(docket):
    for task in (
        tasks.relay_outbox,
        tasks.send_notification_emails,
        tasks.sweep_reminders,
        tasks.sign_audit_root,
        tasks.heartbeat,
    ):
        task()
    assert set(Heartbeat.objects.values_list("name", flat=True)) >= {
        "relay",
        "mail",
        "reminders",
        "roots",
        "worker",
    }
    assert ChainRoot.objects.count() == 1


@pytest.mark.django_db
def test_one_beat_sends_more_than_a_batch(box, ada):
    owner = person("Owner")
    for _ in range(23):
        perform(file_docket(box, ada, owner_id=owner.pk), "check_it", actor=ada)
    tasks.relay_outbox()
    tasks.send_notification_emails()
    assert len(mail.outbox) == 23


KILLED = """
import os, signal, django
django.setup()
from workflows import definitions, outbox
(tell,) = definitions.handlers["testapp.docket.checked"]
def die(record):
    tell(record)
    os.kill(os.getpid(), signal.SIGKILL)
definitions.handlers["testapp.docket.checked"] = [die]
outbox.relay()
"""


def test_a_killed_relay_loses_and_doubles_nothing(committed_db):
    ada, owner = person("Ada"), person("Owner")
    perform(file_docket(Box.objects.create(), ada, owner_id=owner.pk), "check_it", actor=ada)
    environment = os.environ | {
        "TEST_DATABASE_URL": committed_db.url,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
    }
    ended = subprocess.run([sys.executable, "-c", KILLED], env=environment, check=False, timeout=60)
    assert ended.returncode == -9
    message = OutboxMessage.objects.get(topic="testapp.docket.checked")
    assert (message.state, message.attempts) == (MessageState.PENDING, 1)
    assert not OutboxMessage.objects.filter(kind="delivery").exists()
    assert outbox.relay() == 0  # the lease of the dead worker still runs
    OutboxMessage.objects.update(lease_until=message.created_at)
    assert outbox.relay() == 1
    assert OutboxMessage.objects.filter(kind="delivery").count() == 1
