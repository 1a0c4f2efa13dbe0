"""Reminders from due to rows, and mail to a local SMTP server against a bare smtplib loop.

BENCH_DUE reminders are due (10,000 by default) among ten and a hundred times as many that are not;
BENCH_MAILS mails are sent (500 by default).
"""

import os
import smtplib
import sys
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import counting, database
from benchmarks.support.world import analyse

DUE = int(os.environ.get("BENCH_DUE", "10000"))
MAILS = int(os.environ.get("BENCH_MAILS", "500"))


def deadlines(source: Any, first: int, count: int, fire: str) -> None:
    """So many open deadlines, each with one planned reminder for its assessor; about the one submission."""
    from django.db import connection

    from assessment.models import Allocation

    person = Allocation.objects.filter(submission=source).values_list("assessor", flat=True)[0]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "INSERT INTO workflows_deadline SELECT (jsonb_populate_record(NULL::workflows_deadline,"
            " to_jsonb(d) || jsonb_build_object('id', 1000000 + n,"
            " 'subject_id', md5('submission' || n)::uuid, 'due_at', now() + interval '1 day'))).*"
            " FROM generate_series(%s, %s) n,"
            " (SELECT * FROM workflows_deadline WHERE kind = 'marking' ORDER BY id LIMIT 1) d",
            [first, first + count - 1],
        )
        cursor.execute(
            'INSERT INTO workflows_reminder (deadline_id, "offset", recipient_id, generation,'
            f" fire_at, state, because) SELECT 1000000 + n, '-7d', %s, 1, {fire}, 'planned', ''"
            " FROM generate_series(%s, %s) n",
            [person, first, first + count - 1],
        )


def swept(source: Any, first: int) -> tuple[float, int]:
    """Seconds to turn what is due into rows, and the statements it took."""
    from django.db import transaction

    from workflows.actions import sweep_due
    from workflows.models import Reminder

    with transaction.atomic():
        deadlines(source, first, DUE, "now() - interval '1 minute'")
    analyse()
    with counting() as statements:
        began = time.perf_counter()
        sent = sweep_due()
        seconds = time.perf_counter() - began
    assert sent == DUE, (sent, Reminder.objects.due().count())
    return seconds, len(statements)


def reminders() -> None:
    """10,000 due among 100,000 and among 1,000,000."""
    from django.db import transaction

    from benchmarks.support.world import copy_submission, make_cohort
    from workflows.models import Deadline, Reminder

    _cast, source = make_cohort(2)
    copy_submission(source, 2 * DUE, first=100)
    # Made anew below, in the numbers that are wanted.
    Reminder.objects.exclude(deadline__subject_id=source.pk).delete()
    Deadline.objects.filter(kind="marking").exclude(subject_id=source.pk).delete()
    times = []
    for number, planned in enumerate((9 * DUE, 90 * DUE)):
        with transaction.atomic():
            deadlines(source, 10_000_000 * (number + 1), planned, "now() + interval '30 days'")
        times.append((planned, *swept(source, 100 + number * DUE)))
    print("\nReminders from due to rows")
    total = 0
    for planned, seconds, statements in times:
        total += planned + DUE
        print(
            f"  {DUE} due of {total}: {seconds:.1f} s, {DUE / seconds:.0f} rows/s (goal ≥ 2,000),"
            f" {statements / DUE:.2f} statements each"
        )
    print(f"  ratio of the two {times[1][1] / times[0][1]:.2f} (goal ≤ 1.3)")


class Sink:
    """A local SMTP server in a process of its own that takes everything."""

    def __enter__(self) -> int:
        import subprocess

        from tests.servers import free_port, listening, wait_until

        port = free_port()
        code = (
            "import asyncio, sys\n"
            "from aiosmtpd.controller import Controller\n"
            "class Take:\n"
            "    async def handle_DATA(self, server, session, envelope):\n"
            "        return '250 kept'\n"
            "c = Controller(Take(), hostname='127.0.0.1', port=int(sys.argv[1])); c.start()\n"
            "import time\n"
            "time.sleep(3600)\n"
        )
        self.process = subprocess.Popen([sys.executable, "-c", code, str(port)])
        wait_until(lambda: listening(port), 30, "the SMTP sink")
        return port

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        self.process.wait(10)


def mails() -> None:
    """What deliver() sends each second, against smtplib on one connection with mails of the same size."""
    from django.conf import settings

    from workflows import outbox
    from workflows.models import OutboxMessage

    with Sink() as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_USE_TLS = False
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = (
            "News",
            "a@example.org",
            "b@example.org",
        )
        message.set_content("x" * 600)
        message.add_alternative("<p>" + "x" * 2500 + "</p>", subtype="html")
        began = time.perf_counter()
        with smtplib.SMTP("127.0.0.1", port) as server:
            for _each in range(MAILS):
                server.send_message(message)
        bare = MAILS / (time.perf_counter() - began)
        waiting = OutboxMessage.objects.due().filter(kind="delivery").count()
        sent, began = 0, time.perf_counter()
        while sent < min(MAILS, waiting):
            done = outbox.deliver()
            if not done:
                break
            sent += done
        ours = sent / (time.perf_counter() - began)
    print(f"\nMail to a local server, {sent} mails")
    print(f"  smtplib on a kept connection {bare:7.0f} mails/s")
    print(
        f"  deliver()                    {ours:7.0f} mails/s  ratio {ours / bare:.2f} (goal ≥ 0.6)"
    )


def main() -> None:
    reminders()
    mails()


if __name__ == "__main__":
    with database():
        main()
