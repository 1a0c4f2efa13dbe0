"""`manage.py dispatch`: everything that beat asks for, in one process, without a broker."""

import os
import signal
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from portfolios.actions.drafting import add_note
from portfolios.models import EvidenceItem
from tests.factories.portfolios import portfolio_of
from tests.personas import make_cast
from tests.servers import free_port, wait_until
from workflows import outbox
from workflows.definitions import rounds
from workflows.models import Heartbeat

MACHINERY = {
    "workflows.tasks.relay_outbox",
    "workflows.tasks.send_notification_emails",
    "workflows.tasks.call_webhooks",
    "workflows.tasks.send_digests",
    "workflows.tasks.sweep_reminders",
    "workflows.tasks.reconcile",
    "workflows.tasks.sign_audit_root",
    "workflows.tasks.heartbeat",
}
"""What the command does itself; everything else registers with `each_round`."""
LONG = {"portfolios.tasks.reconcile"}
"""Reads every stored byte; without a broker `manage.py reconcile_evidence` does it."""


def test_it_does_whatever_beat_asks_for():
    asked = {str(one["task"]) for one in settings.CELERY_BEAT_SCHEDULE.values()}
    others = asked - MACHINERY - LONG
    assert {name.rsplit(".", 1)[-1] for name in others} - set(rounds) == set()


@pytest.mark.django_db
def test_a_part_that_fails_holds_up_no_other(monkeypatch):
    def away():
        raise OSError("The store is away.")

    monkeypatch.setitem(rounds, "scan_evidence", away)
    out = StringIO()
    with pytest.raises(CommandError, match=r"^Failed: scan_evidence\.$"):
        call_command("dispatch", stdout=out)
    assert out.getvalue().endswith("0 mails sent; failed: scan_evidence\n")
    assert Heartbeat.objects.filter(name="dispatch").exists()


@pytest.mark.stack
def test_the_loop_works_without_a_broker_and_finishes_its_round(committed_db, tmp_path):
    """Evidence becomes ready, also what was added after the first round; a signal ends it in order."""
    cast = make_cast()
    portfolio = portfolio_of(cast)

    def added(title):
        return add_note(portfolio, actor=cast.lena, title=title, note="Kia ora")

    def ready(item):
        return EvidenceItem.objects.get(pk=item.pk).state == "ready"

    first = added("Before")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DATABASE_URL": committed_db.url,
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "MODERATO_DATA": str(tmp_path),
        "LINK_SNAPSHOTS": "false",
    }
    log = tmp_path / "dispatch.log"
    with log.open("wb") as file:
        loop = subprocess.Popen(
            [sys.executable, "manage.py", "dispatch", "--loop", "--every", "0.2"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: ready(first), 60, "the first note to be ready")
        second = added("After")
        wait_until(lambda: ready(second), 60, "the second note to be ready")
        loop.send_signal(signal.SIGINT)
        assert loop.wait(60) == 0
    finally:
        loop.kill()
        loop.wait(20)
    text = log.read_text()
    assert text.endswith("Stopped.\n"), text
    assert "Traceback" not in text
    assert "events handled" in text
    assert outbox.relay() == 0
