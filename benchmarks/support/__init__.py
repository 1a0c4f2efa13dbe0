"""What every benchmark shares: a PostgreSQL of its own, a cohort, and a way to weigh an operation.

Figures are ratios of one run: each operation stands beside a baseline measured in the same process on
the same data. CPU time is this process's user and system time plus that of its PostgreSQL backend, as
the kernel counts it (1/100 s), so operations are repeated until the sum is large against that.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Weight:
    """What one operation cost: CPU milliseconds, wall milliseconds (median), SQL statements, bytes."""

    cpu: float
    wall: float
    queries: int
    size: int = 0


@contextmanager
def database() -> Iterator[None]:
    """Start PostgreSQL, set Django up on it, migrate; stop it again. Data lies in a temporary folder."""
    sys.path.insert(0, str(ROOT))
    from tests.servers import start_postgres

    server = start_postgres(fsync=True)
    with tempfile.TemporaryDirectory(prefix="moderato-bench-") as folder:
        os.environ["TEST_DATABASE_URL"] = server.url
        os.environ["MODERATO_TEST_DATA"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
        try:
            import django

            django.setup()
            from django.core.management import call_command

            call_command("migrate", run_syncdb=True, verbosity=0)
            yield
        finally:
            from django.db import connections

            connections.close_all()
            server.stop()


def backend_ticks() -> float:
    """CPU seconds of the PostgreSQL process that serves this connection."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def weigh(
    operation: Callable[[], Any], *, seconds: float = 2.0, least: int = 3, warm: int = 1
) -> Weight:
    """Repeat `operation` for at least `seconds`, and give the cost of one.

    An operation that returns a response also gives the size of its body.
    """
    from django.db import connection

    for _each in range(warm):
        operation()
    captured: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        captured.append(sql)
        return execute(sql, params, many, context)

    # A request resets the log of queries that Django keeps, so they are counted here.
    with connection.execute_wrapper(count):
        last = operation()
    walls: list[float] = []
    own, backend, began = time.process_time(), backend_ticks(), time.perf_counter()
    while len(walls) < least or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        operation()
        walls.append(time.perf_counter() - start)
    spent = (time.process_time() - own) + (backend_ticks() - backend)
    return Weight(
        cpu=spent / len(walls) * 1000,
        wall=statistics.median(walls) * 1000,
        queries=len(captured),
        size=len(getattr(last, "content", b"") or b""),
    )


def once(operation: Callable[[], Any]) -> Weight:
    """Cost of something that cannot be repeated."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    own, backend, began = time.process_time(), backend_ticks(), time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        operation()
    wall = time.perf_counter() - began
    spent = (time.process_time() - own) + (backend_ticks() - backend)
    return Weight(spent * 1000, wall * 1000, len(captured))


def table(title: str, rows: list[tuple[str, Weight, Weight | None, str]]) -> None:
    """Print one line for each operation: its cost, and the ratio of CPU time to its baseline."""
    print(f"\n{title}")
    print(f"  {'operation':<44}{'CPU ms':>10}{'wall ms':>10}{'SQL':>7}{'KB':>8}{'ratio':>8}  goal")
    for name, weight, base, goal in rows:
        ratio = f"{weight.cpu / base.cpu:.2f}" if base and base.cpu else "–"
        print(
            f"  {name:<44}{weight.cpu:>10.2f}{weight.wall:>10.2f}{weight.queries:>7}"
            f"{weight.size / 1024:>8.1f}{ratio:>8}  {goal}"
        )
