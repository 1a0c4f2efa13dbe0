"""`manage.py up`, for real: starts, answers, keeps its data, stops without leaving anything behind."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings as project

from tests.servers import free_port, listening, wait_until

pytestmark = pytest.mark.stack
KEPT = "CREATE TABLE kept AS SELECT 'before' AS said"


def environment(data, port):
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return {**kept, "MODERATO_DATA": str(data), "PORT": str(port), "PYTHONUNBUFFERED": "1"}


class Site:
    """One run of the command."""

    def __init__(self, data, port, *arguments):
        self.port = port
        self.output = Path(data).parent / f"up-{uuid.uuid4().hex}.out"
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", *arguments],
                cwd=project.BASE_DIR,
                env=environment(data, port),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self):
        def ready():
            assert self.process.poll() is None, self.output.read_text()
            return f"http://localhost:{self.port}" in self.output.read_text()

        wait_until(ready, 120, "the site")

    def get(self, path):
        try:
            with urllib.request.urlopen(
                f"http://localhost:{self.port}{path}", timeout=20
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stop(self, number=signal.SIGTERM):
        """Signal the supervisor; the exit code and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(60)
        return code, time.monotonic() - began


def leftovers(data):
    """Processes whose environment names the data folder (Linux)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"MODERATO_DATA={data}".encode() in path.read_bytes().split(b"\0"):
                found.append((path.parent / "cmdline").read_bytes().replace(b"\0", b" "))
        except OSError:
            continue
    return found


def child(site, data, name):
    """The process id of a child of the supervisor (Linux)."""
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            words = (path.parent / "cmdline").read_bytes().split(b"\0")
            parent = f"PPid:\t{site.process.pid}\n" in path.read_text()
        except OSError:
            continue
        if parent and name.encode() in words:
            return int(path.parent.name)
    raise LookupError(name)


def test_starts_stops_on_ctrl_c_starts_again_and_ends_with_any_child(tmp_path):
    """Two starts on one folder: the first is ended by Ctrl-C, the second by the death of its worker."""
    data, port = tmp_path / "data", free_port()
    site = Site(data, port)
    try:
        site.wait()
        assert "Loading the demo data" in site.output.read_text()
        assert site.get("/healthz")[0] == 200
        parts = json.loads(site.get("/readyz")[1])["parts"]
        assert [parts[name]["ok"] for name in ("database", "migrations", "broker", "storage")] == [
            True
        ] * 4
        assert len(leftovers(data)) >= 5
        second = Site(data, free_port())
        assert second.process.wait(60) == 1
        assert "already runs on the data folder" in second.output.read_text()
    finally:
        code, seconds = site.stop(signal.SIGINT)
    assert code == 0, site.output.read_text()
    assert seconds < 45
    assert leftovers(data) == []
    assert not listening(port)
    assert "Stopped. The data is kept in" in site.output.read_text()
    secret = (data / "secret-key").read_text()
    assert (data / "secret-key").stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(data / "moderato.sqlite3")) as database, database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        database.execute(KEPT)
        (reference,) = database.execute("SELECT reference FROM portfolios_submission").fetchone()
    # A command beside it knows the learners by the codes that the site has written.
    verified = subprocess.run(
        [sys.executable, "manage.py", "verify_submission", reference],
        check=False,
        cwd=project.BASE_DIR,
        env=environment(data, port),
        capture_output=True,
        text=True,
    )
    assert (verified.returncode, verified.stdout.split(". ")[-1]) == (0, "Everything fits.\n")
    accounts = (data / "demo-accounts.txt").read_text().strip()
    assert "@" in accounts

    again = Site(data, port)
    try:
        again.wait()
        assert accounts in again.output.read_text()
        assert "Loading the demo data" not in again.output.read_text()
        assert (data / "secret-key").read_text() == secret
        with closing(sqlite3.connect(data / "moderato.sqlite3")) as database:
            assert database.execute("SELECT said FROM kept").fetchall() == [("before",)]
        os.kill(child(again, data, "worker"), signal.SIGKILL)
        assert again.process.wait(60) == 1
    finally:
        again.process.poll() is None and again.stop()
    assert "worker ended with code -9" in again.output.read_text()
    assert "Traceback" not in again.output.read_text()
    assert leftovers(data) == []


def refusal(data, port):
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=project.BASE_DIR,
        env=environment(data, port),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_used_port_is_one_sentence(tmp_path, broker_url):
    used = int(broker_url.split(":")[2].split("/")[0])
    assert f"Port {used} is in use" in refusal(tmp_path / "data", used)


@pytest.mark.parametrize("port", ["http", "0", "99999"])
def test_a_port_that_is_none_is_one_sentence(tmp_path, port):
    assert "must be a number between 1 and 65535" in refusal(tmp_path / "data", port)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    # A file where the folder should be: root could write into a read-only one.
    (tmp_path / "data").write_text("")
    assert "cannot be written" in refusal(tmp_path / "data", free_port())
