"""Two sweeps at once, on real commits, come to one notice of what is overdue: it counts what both brought."""

import threading
import time
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from catalogue.actions.escalations import OVERDUE, set_escalations
from tests.factories.portfolios import submitted
from tests.personas import make_cast
from tests.threads import at_once
from workflows.actions import reminders, sweep_due
from workflows.models import Notification, Reminder
from workflows.notifications import render
from workflows.outbox import relay


def waits_for_a_lock():
    """Whether anybody in this database waits for what somebody else has not committed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return cursor.fetchone()[0]


def test_two_sweeps_that_share_a_moment_count_all_of_it(committed_db, monkeypatch):
    """The first has written its notice and not committed; the second comes to the same notice meanwhile."""
    cast = make_cast(learners=2)
    works = [submitted(cast, name) for name in ("lena", "hone")]
    while relay():
        pass
    set_escalations(
        cast.delivery, chosen={"marking": (1, ["lead_moderator", "administrator"])}, actor=cast.pam
    )
    rows = Reminder.objects.filter(
        deadline__subject_id__in=[one.pk for one in works], deadline__kind="marking", offset="+1wd"
    )
    assert rows.update(fire_at=timezone.now() - timedelta(seconds=5)) == 2
    write, first = reminders.notify_all, threading.Lock()

    def then_wait(drafts):
        found = write(drafts)
        if first.acquire(blocking=False):
            until = time.monotonic() + 10
            while not waits_for_a_lock() and time.monotonic() < until:
                time.sleep(0.01)
        return found

    monkeypatch.setattr(reminders, "notify_all", then_wait)
    assert [one >= 1 for one in at_once(*[lambda: sweep_due(batch=1)] * 2)] == [True, True]
    notices = Notification.objects.filter(topic=OVERDUE)
    assert notices.count() == 3
    assert [one.context["number"] for one in notices] == [2, 2, 2]
    texts = {render(one)[1].partition(" in ")[0].rpartition("\n")[2] for one in notices}
    assert texts == {"2 submissions are not marked"}
