"""Reminders from due to rows, mail to a local SMTP server against a bare smtplib loop, and memory over many mails.

BENCH_DUE reminders are due (10,000 by default) among ten and a hundred times as many. Two workers then send
BENCH_MAILS of the mails that follow (2,000), and go on to BENCH_MANY (100,000) while their memory is watched;
that last part ends after BENCH_SECONDS (600) and says how far it came. Figures are printed as they are made.
"""

import json
import os
import resource
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import ROOT, backend_pid, counting, database, seconds_of
from benchmarks.support.world import analyse

DUE = int(os.environ.get("BENCH_DUE", "10000"))
MAILS = int(os.environ.get("BENCH_MAILS", "2000"))
MANY = int(os.environ.get("BENCH_MANY", "100000"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "600"))
WORKERS = 2
EACH_HAS = 5
"""Reminders of a deadline, as many as usual."""
EACH = 500
"""After so many mails a worker looks at its memory."""


def say(words: str) -> None:
    print(words, flush=True)


# --- reminders ----------------------------------------------------------------------------------------


def deadlines(source: Any, first: int, count: int, fire: str, each: int = 1) -> None:
    """So many open deadlines, each with `each` planned reminders for its assessor."""
    from django.db import connection, transaction

    from assessment.models import Allocation
    from workflows.models import Deadline

    person = Allocation.objects.filter(submission=source).values_list("assessor", flat=True)[0]
    changed = {
        "id": "1000000 + n",
        "subject_id": "md5('submission' || n)::uuid",
        "due_at": "now() + interval '1 day'",
        "state": "'open'",
    }
    columns = [one.column for one in Deadline._meta.concrete_fields]
    values = ", ".join(changed.get(one, f"d.{one}") for one in columns)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            f"INSERT INTO workflows_deadline ({', '.join(columns)}) OVERRIDING SYSTEM VALUE"
            f" SELECT {values} FROM generate_series(%s, %s) n,"
            " (SELECT * FROM workflows_deadline WHERE kind = 'marking' ORDER BY id LIMIT 1) d",
            [first, first + count - 1],
        )
        cursor.execute(
            'INSERT INTO workflows_reminder (deadline_id, "offset", recipient_id, generation,'
            f" fire_at, state, because) SELECT 1000000 + n, '-' || o || 'd', %s, 1, {fire},"
            " 'planned', '' FROM generate_series(%s, %s) n, generate_series(1, %s) o",
            [person, first, first + count - 1, each],
        )


def swept(source: Any, first: int) -> tuple[float, float, int]:
    """Seconds on the clock and of CPU to turn what is due into rows, and the statements it took."""
    from workflows.actions import sweep_due
    from workflows.models import Reminder

    deadlines(source, first, DUE, "now() - interval '1 minute'")
    analyse()
    pid = backend_pid()
    with counting() as statements:
        began, own, backend = time.perf_counter(), time.process_time(), seconds_of(pid)
        sent = sweep_due()
        cpu = time.process_time() - own + seconds_of(pid) - backend
        seconds = time.perf_counter() - began
    assert sent == DUE, (sent, Reminder.objects.due().count())
    return seconds, cpu, len(statements)


def reminders() -> None:
    """The same number due among 100,000 and among 1,000,000."""
    from django.db import connection

    from benchmarks.support.world import copy_submission, make_cohort

    began = time.perf_counter()
    _cast, source = make_cohort(2)
    copy_submission(source, 2 * DUE, first=100)
    with connection.cursor() as cursor:
        # Made anew below, in the numbers that are wanted.
        cursor.execute("DELETE FROM workflows_reminder")
        cursor.execute("UPDATE workflows_deadline SET state = 'cancelled' WHERE kind = 'marking'")
    say(f"\nReminders from due to rows ({time.perf_counter() - began:.0f} s to prepare)")
    times = []
    total = 0
    for number, planned in enumerate((9 * DUE, 90 * DUE)):
        later = "now() + interval '30 days'"
        deadlines(source, 10_000_000 * (number + 1), planned // EACH_HAS, later, EACH_HAS)
        total += planned + DUE
        seconds, cpu, statements = swept(source, 100 + number * DUE)
        times.append(cpu)
        say(
            f"  {DUE} due of {total}: {DUE / seconds:.0f}/s on the clock, {DUE / cpu:.0f} for each second"
            f" of CPU (goal ≥ 2,000 on two cores), {statements / DUE:.3f} statements each,"
            f" load {os.getloadavg()[0]:.1f}"
        )
    say(f"  CPU of the second by the first: {times[1] / times[0]:.2f} (goal ≤ 1.3)")


# --- mails --------------------------------------------------------------------------------------------


@contextmanager
def sink(*, together: bool = False) -> Iterator[int]:
    """A local SMTP server in a process of its own that takes everything.

    With `together` it says, as Postfix and Exim do, that it takes several commands at once (RFC 2920).
    """
    from tests.servers import free_port, listening, wait_until

    port = free_port()
    code = (
        "import asyncio, sys, time\n"
        "from aiosmtpd.controller import Controller\n"
        "class Take:\n"
        "    async def handle_DATA(self, server, session, envelope):\n"
        "        return '250 kept'\n"
        "    async def handle_EHLO(self, server, session, envelope, hostname, responses):\n"
        "        session.host_name = hostname\n"
        "        return [*responses[:-1], *sys.argv[2:], responses[-1]]\n"
        "c = Controller(Take(), hostname='127.0.0.1', port=int(sys.argv[1])); c.start()\n"
        "time.sleep(7200)\n"
    )
    offers = ["250-PIPELINING"] if together else []
    process = subprocess.Popen([sys.executable, "-c", code, str(port), *offers])
    try:
        wait_until(lambda: listening(port), 30, "the SMTP sink")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def bare(port: int) -> tuple[float, float]:
    """Mails each second of a plain loop over one kept connection, of the size of ours; and CPU ms of one."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "News", "a@example.org", "b@example.org"
    message.set_content("x" * 600)
    message.add_alternative("<p>" + "x" * 2500 + "</p>", subtype="html")
    began, cpu = time.perf_counter(), time.process_time()
    with smtplib.SMTP("127.0.0.1", port) as server:
        for _each in range(MAILS):
            server.send_message(message)
    cpu = time.process_time() - cpu
    return MAILS / (time.perf_counter() - began), cpu * 1000 / MAILS


def more_mails(wanted: int) -> None:
    """Copies of the mails that wait, until there are so many."""
    from django.db import connection, transaction

    from workflows.models import Notification, OutboxMessage

    waiting = OutboxMessage.objects.due().filter(kind="delivery")
    count = wanted - waiting.count()
    if count <= 0:
        return
    model = waiting.filter(notification__isnull=False).first()
    assert model is not None
    tables = (Notification._meta.db_table, OutboxMessage._meta.db_table)
    greatest = Notification.objects.order_by("-pk").values_list("pk", flat=True)[0]
    first = max(10_000_000, greatest) + 1
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, key, changed in (
            (tables[0], model.notification_id, ""),
            (tables[1], model.pk, ", 'notification_id', n, 'available_at', now()"),
        ):
            cursor.execute(
                f"INSERT INTO {table} OVERRIDING SYSTEM VALUE"
                f" SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(t) || jsonb_build_object("
                f"'id', n, 'dedupe_key', t.dedupe_key || ':' || n{changed}))).*"
                f" FROM {table} t, generate_series(%s, %s) n WHERE t.id = %s",
                [first, first + count - 1, key],
            )
    analyse()


def fleet(port: int, mails: int, seconds: float) -> tuple[int, float, float, list[list[int]]]:
    """Let the workers send so many mails, or for so long.

    Gives how many, how fast, CPU ms of one with its PostgreSQL process, and each worker's memory in KiB.
    """
    command = [sys.executable, __file__, "worker", str(port), str(mails // WORKERS), str(seconds)]
    workers = [
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
        )
        for _each in range(WORKERS)
    ]
    for one in workers:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for one in workers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [json.loads(one.communicate()[0]) for one in workers]
    spent = time.perf_counter() - began
    sent = sum(one["sent"] for one in told)
    cpu = sum(one["cpu"] for one in told) * 1000 / max(sent, 1)
    return sent, sent / spent, cpu, [one["memory"] for one in told]


def worker(port: int, mails: int, seconds: float) -> None:
    """What a worker process does, with a look at its memory now and then."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.support.settings")
    import django

    django.setup()
    from django.conf import settings

    from workflows import outbox

    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    outbox.due_topics("result")
    print("ready", flush=True)
    sys.stdin.readline()
    sent, memory, end = 0, [], time.monotonic() + seconds
    pid = backend_pid()
    cpu = time.process_time() + seconds_of(pid)
    while sent < mails and time.monotonic() < end:
        done = outbox.deliver(batch=EACH)
        if not done:
            break
        sent += done
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        memory.append(pages * resource.getpagesize() // 1024)
    cpu = time.process_time() + seconds_of(pid) - cpu
    print(json.dumps({"sent": sent, "memory": memory, "cpu": cpu}), flush=True)


def compared(port: int, server: str) -> None:
    """What two workers send each second, beside smtplib on one connection right before and after."""
    more_mails(MAILS + WORKERS * EACH)
    before, bare_cpu = bare(port)
    _sent, rate, cpu, _memory = fleet(port, MAILS, SECONDS)
    after, _cpu = bare(port)
    loop = (before + after) / 2
    say(f"\nMail to a local server {server}, load {os.getloadavg()[0]:.1f}")
    say(
        f"  smtplib on a kept connection {loop:7.0f} mails/s ({before:.0f} before, {after:.0f} after)"
    )
    say(
        f"  {WORKERS} workers                    {rate:7.0f} mails/s  ratio {rate / loop:.2f} (goal ≥ 0.6)"
    )
    say(
        f"  CPU of a mail: {bare_cpu:.1f} ms in the loop, {cpu:.1f} ms in a worker and its database"
    )


def mails() -> None:
    """What two workers send each second, against smtplib on one connection; and their memory over many."""
    with sink(together=True) as port:
        compared(port, "that takes commands together")
    with sink() as port:
        compared(port, "that takes them one by one")
        if not MANY:
            return
        more_mails(MANY + WORKERS * EACH)
        sent, rate, _cpu, memory = fleet(port, MANY, SECONDS)
        say(f"  memory over {sent} mails of {MANY} ({rate:.0f}/s):")
        for number, one in enumerate(memory):
            first, last = one[min(1, len(one) - 1)], one[-1]
            say(
                f"    worker {number}: {first / 1024:.1f} MiB after {2 * EACH}, {last / 1024:.1f} at the end,"
                f" at most {max(one) / 1024:.1f}"
            )


def main() -> None:
    from django.conf import settings

    settings.QUIET_HOURS = False  # it is run at any hour
    reminders()
    mails()


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        worker(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
    else:
        with database():
            main()
