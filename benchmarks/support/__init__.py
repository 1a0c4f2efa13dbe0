"""What every benchmark shares: a PostgreSQL of its own, production's settings, and ways to weigh an operation.

Figures are ratios of one run: each operation stands beside a baseline measured in the same way on the same
data. CPU time is user and system time of the application's process and of its PostgreSQL backend, as the
kernel counts it (1/100 s), so operations are repeated until the sum is large against that.
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
    """What one operation cost: CPU ms, wall ms (median), SQL statements, bytes, bytes by gzip."""

    cpu: float
    wall: float
    queries: int
    size: int = 0
    packed: int = 0


@contextmanager
def database() -> Iterator[None]:
    """Start PostgreSQL (fsync on) and Valkey, set Django up on them, migrate; stop them again.

    BENCH_DATABASE_URL names a database that is there already and migrated, to try things out quickly.
    """
    sys.path.insert(0, str(ROOT))
    from tests.servers import start_postgres, start_valkey

    given = os.environ.get("BENCH_DATABASE_URL")
    servers = [start_valkey()]
    os.environ["REDIS_URL"] = servers[0].url
    (ROOT / "var").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="moderato-bench-", dir=ROOT / "var") as folder:
        try:
            if not given:
                servers.append(start_postgres(fsync=True))
            os.environ["DATABASE_URL"] = given or servers[-1].url
            os.environ["MODERATO_DATA"] = folder
            os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.support.settings"
            import django

            django.setup()
            from django.core.management import call_command

            if not given:
                call_command("migrate", run_syncdb=True, verbosity=0)
            yield
        finally:
            from django.db import connections

            connections.close_all()
            for one in servers:
                one.stop()


def seconds_of(pid: int | str) -> float:
    """CPU seconds that a process has had; 0 when it has gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def backend_pid() -> int:
    """The PostgreSQL process that serves this connection."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@contextmanager
def counting() -> Iterator[list[str]]:
    """Collect the statements that this connection is given meanwhile."""
    from django.db import connection

    captured: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        captured.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield captured


def weigh(
    operation: Callable[[], Any], *, seconds: float = 2.0, least: int = 3, warm: int = 1
) -> Weight:
    """Repeat `operation` in this process for at least `seconds`, and give the cost of one."""
    for _each in range(warm):
        operation()
    with counting() as statements:
        operation()
    walls: list[float] = []
    pid = backend_pid()
    own, backend, began = time.process_time(), seconds_of(pid), time.perf_counter()
    while len(walls) < least or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        operation()
        walls.append(time.perf_counter() - start)
    spent = (time.process_time() - own) + (seconds_of(pid) - backend)
    return Weight(spent / len(walls) * 1000, statistics.median(walls) * 1000, len(statements))


def once(operation: Callable[[], Any], *, times: int = 1) -> Weight:
    """Cost of something that cannot be repeated; `times` is how many single things it did."""
    pid = backend_pid()
    with counting() as statements:
        own, backend, began = time.process_time(), seconds_of(pid), time.perf_counter()
        operation()
        wall = time.perf_counter() - began
        spent = (time.process_time() - own) + (seconds_of(pid) - backend)
    return Weight(spent * 1000 / times, wall * 1000 / times, len(statements) // times)


def table(title: str, rows: list[tuple[str, Weight, Weight | None, str]]) -> None:
    """Print one line for each operation: its cost, and the ratio of CPU time to its baseline."""
    load = os.getloadavg()[0]
    print(f"\n{title} (load {load:.1f})")
    print(
        f"  {'operation':<46}{'CPU ms':>10}{'wall ms':>10}{'SQL':>6}{'KB':>8}{'gz':>7}{'ratio':>8}  goal"
    )
    for name, weight, base, goal in rows:
        ratio = f"{weight.cpu / base.cpu:.2f}" if base and base.cpu else "–"
        print(
            f"  {name:<46}{weight.cpu:>10.2f}{weight.wall:>10.2f}{weight.queries:>6}"
            f"{weight.size / 1024:>8.1f}{weight.packed / 1024:>7.1f}{ratio:>8}  {goal}",
            flush=True,
        )
