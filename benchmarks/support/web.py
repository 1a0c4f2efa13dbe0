"""The site as production runs it: gunicorn, two workers, JSON log; and a browser that costs it nothing.

Pages are weighed from outside. CPU time is that of gunicorn's workers and of the PostgreSQL processes that
serve them; the client's own is left out.
"""

import gzip
import http.client
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.support import ROOT, Weight, seconds_of

TOKEN = "a" * 32


class Browser:
    """One signed-in person on a kept connection."""

    def __init__(self, port: int, person: Any) -> None:
        from django.conf import settings
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
        from django.contrib.sessions.backends.db import SessionStore

        session = SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.create()
        self.headers = {
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}; "
            f"{settings.CSRF_COOKIE_NAME}={TOKEN}",
            "X-CSRFToken": TOKEN,
            "X-Forwarded-Proto": "https",
            "Referer": f"https://127.0.0.1:{port}/",
            "Host": f"127.0.0.1:{port}",
        }
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def ask(
        self,
        path: str,
        data: Mapping[str, Any] | None = None,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        """GET, or POST where there is data or a body. The answer's text is in `.text`, its statements in a header."""
        sent = {**self.headers, **(headers or {})}
        if data is not None:
            body = urlencode(data)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        method = "GET" if body is None else "POST"
        try:
            self.connection.request(method, path, body=body, headers=sent)
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # A kept connection that gunicorn closed meanwhile.
            self.connection.close()
            self.connection.request(method, path, body=body, headers=sent)
            answer = self.connection.getresponse()
        answer.text = answer.read()  # type: ignore[attr-defined]
        if answer.status >= 400:
            raise AssertionError(f"{path}: {answer.status}\n{answer.text[:2000]!r}")  # type: ignore[attr-defined]
        return answer


class Site:
    """The running server."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    def browser(self, person: Any) -> Browser:
        return Browser(self.port, person)

    def workers(self) -> list[str]:
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return found.split()

    def spent(self) -> float:
        """CPU seconds of the workers, and of the database's processes that serve anybody but this script."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            backends = [str(row[0]) for row in cursor.fetchall()]
        return sum(seconds_of(pid) for pid in [*self.workers(), *backends])

    def weigh(self, operation: Callable[[], Any], *, seconds: float = 3.0) -> Weight:
        """Repeat one request for at least `seconds`, after both workers have warmed up."""
        for _each in range(6):
            answer = operation()
        walls: list[float] = []
        before, began = self.spent(), time.perf_counter()
        while len(walls) < 10 or time.perf_counter() - began < seconds:
            start = time.perf_counter()
            answer = operation()
            walls.append(time.perf_counter() - start)
        cpu = (self.spent() - before) / len(walls) * 1000
        return Weight(
            cpu,
            statistics.median(walls) * 1000,
            int(answer.headers.get("X-Bench-Statements", 0)),
            len(answer.text),
            len(gzip.compress(answer.text, 6)),
        )

    def rate(self, people: list[Any], path: str, *, seconds: float = 10.0) -> tuple[float, float]:
        """Requests each second with one client for each of these people; and their median wait in ms."""
        browsers = [self.browser(person) for person in people]
        waits: list[float] = []
        end = time.perf_counter() + seconds

        def run(browser: Browser) -> None:
            while time.perf_counter() < end:
                start = time.perf_counter()
                browser.ask(path)
                waits.append(time.perf_counter() - start)

        threads = [threading.Thread(target=run, args=[one]) for one in browsers]
        began = time.perf_counter()
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        return len(waits) / (time.perf_counter() - began), statistics.median(waits) * 1000


def without(folder: Path) -> Path:
    """A folder for PYTHONPATH that hides what no image has: structlog loads these two where they are there."""
    folder.mkdir(exist_ok=True)
    for name in ("rich", "greenlet"):
        (folder / f"{name}.py").write_text("raise ImportError\n")
    return folder


@contextmanager
def site(
    *,
    workers: int = 2,
    threads: int = 4,
    env: Mapping[str, str] | None = None,
    settings: str = "benchmarks.support.settings",
    options: Sequence[str] = (),
) -> Iterator[Site]:
    """gunicorn with the same worker class as the image, its log in a file."""
    from django.core.management import call_command

    from tests.servers import free_port, listening, wait_until

    call_command("collectstatic", interactive=False, verbosity=0)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application"]
    command += ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--timeout", "600"]
    command += ["--workers", str(workers), "--threads", str(threads), "--preload"]
    command += ["--no-control-socket", *options]
    folder = Path(os.environ["MODERATO_DATA"])
    log = folder / f"gunicorn-{port}.log"
    fixed = {"BENCH_SERVER": "1", "MALLOC_ARENA_MAX": "2", "DJANGO_SETTINGS_MODULE": settings}
    fixed["PYTHONPATH"] = str(without(folder / "absent"))
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **fixed, **(env or {})},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(lambda: process.poll() is not None or listening(port), 60, "gunicorn")
            if process.poll() is not None:
                raise RuntimeError(log.read_text()[-3000:])
            yield Site(process, port)
        finally:
            process.terminate()
            process.wait(30)
