"""Processes killed in the middle: the web server while bytes come, the worker while it looks, the S3 store."""

import hashlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import storages

from tests import servers
from tests.factories.portfolios import pdf, portfolio_of
from tests.personas import make_cast
from tests.portfolios import tus

MIB = 1024 * 1024


@pytest.fixture
def cast(committed_db, django_db_blocker):
    with django_db_blocker.unblock():
        yield make_cast()


@pytest.fixture
def signed_in(cast) -> dict[str, str]:
    """Headers of lena's session with its token."""
    from django.test import Client

    client = Client()
    client.force_login(cast.lena)
    token = "a" * 32
    cookie = f"sessionid={client.cookies['sessionid'].value}; csrftoken={token}"
    return {"Cookie": cookie, "X-CSRFToken": token, **tus.TUS}


def web(port: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Two workers of gunicorn, as production runs them, in a process group of their own."""
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--no-control-socket"]
    command += ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "2"]
    process = subprocess.Popen(
        [*command, "--threads", "4", "--preload"],
        env=environment,
        start_new_session=True,
        stdout=(log := (Path(environment["MODERATO_DATA"]) / "web.log").open("ab")),
        stderr=log,
        preexec_fn=servers.die_with_parent,  # noqa: PLW1509  one system call, nothing locked
    )
    servers.wait_until(lambda: servers.listening(port), 120, "gunicorn")
    return process


def kill(process: subprocess.Popen[bytes], port: int) -> None:
    """Master and workers; the port is free only when the last of them is gone."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)
    servers.wait_until(lambda: not servers.listening(port), 30, "the end of gunicorn")


def ask(port: int, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Any:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    line.request(method, path, body=body, headers={**headers, "Host": "localhost"})
    answer = line.getresponse()
    answer.read()
    return answer


def break_off(
    port: int, path: str, headers: dict[str, str], at: int, body: bytes, size: int
) -> None:
    """Send the head and a part of the body, and leave the line open."""
    line = socket.create_connection(("127.0.0.1", port))
    lines = {**headers, "Host": "localhost", "Upload-Offset": str(at), "Content-Type": tus.BODY}
    lines["Content-Length"] = str(size)
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    line.sendall(f"PATCH {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    held.append(line)


held: list[socket.socket] = []


def more_than(size: int, folder: Path) -> bool:
    """Whether the unfinished file is longer than that."""
    return max(one.stat().st_size for one in (folder / "evidence" / "intake").iterdir()) > size


def test_a_web_server_killed_while_bytes_come(cast, signed_in, committed_db, tmp_path):
    from portfolios.models import EvidenceItem

    raw = b"%PDF-1.4\n" + random.Random(3).randbytes(3 * MIB)
    portfolio, port = portfolio_of(cast), servers.free_port()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DEBUG": "false",
        "DATABASE_URL": committed_db.url,
        "SECRET_KEY": "test-only",
        "MODERATO_DATA": str(tmp_path),
    }
    environment.pop("S3_BUCKET", None)
    process = web(port, environment)
    path, sent = "", 0
    try:
        told = {"Upload-Length": str(len(raw)), "Upload-Metadata": tus.encoded(filename="a.pdf")}
        answer = ask(
            port,
            "POST",
            f"/learn/p/{portfolio.pk}/uploads/",
            {**signed_in, **told, "Content-Length": "0"},
        )
        assert answer.status == 201
        path = answer.headers["Location"]
        for part in (700_000, 1_500_000):
            break_off(port, path, signed_in, sent, raw[sent : sent + part], len(raw) - sent)
            servers.wait_until(partial(more_than, sent, tmp_path), 60, "bytes on disk")
            kill(process, port)
            process = web(port, environment)
            answer = ask(port, "HEAD", path, signed_in)
            sent_before, sent = sent, int(answer.headers["Upload-Offset"])
            assert sent_before < sent <= sent_before + part
        rest = {**signed_in, "Upload-Offset": str(sent), "Content-Type": tus.BODY}
        assert ask(port, "PATCH", path, rest, raw[sent:]).status == 204
    finally:
        kill(process, port)
        while held:
            held.pop().close()
    item = EvidenceItem.objects.get()
    assert item.sha256 == hashlib.sha256(raw).hexdigest()
    stored = (tmp_path / "evidence" / item.storage_key).read_bytes()
    assert hashlib.sha256(stored).hexdigest() == item.sha256


KILLED_WHILE_LOOKING = """
import django, os, signal
django.setup()
from portfolios.actions import scanning
assert len(scanning.claim()) == 1
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_killed_while_it_looks(cast, committed_db, tmp_path):
    from portfolios.actions.drafting import add_file_evidence
    from portfolios.actions.scanning import STUCK_AFTER, scan_waiting_evidence
    from portfolios.models import EvidenceItem

    portfolio = portfolio_of(cast)
    item = add_file_evidence(portfolio, actor=cast.lena, pieces=[pdf("killed")], name="a.pdf")
    environment = {**os.environ, "TEST_DATABASE_URL": committed_db.url}
    done = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_LOOKING], env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL
    item.refresh_from_db()
    assert item.state == "scanning"
    assert scan_waiting_evidence() == 0
    earlier = item.scan_started_at or item.created_at
    EvidenceItem.objects.update(scan_started_at=earlier - STUCK_AFTER - timedelta(seconds=1))
    assert scan_waiting_evidence() == 1
    item.refresh_from_db()
    assert (item.state, item.scan_attempts) == ("ready", 2)


KILLED_WHILE_FINISHING = """
import django, os, signal, sys
django.setup()
from django.db import connections
from portfolios.actions import uploading
from portfolios.models import UploadSession
from portfolios.storage import intake

def dies(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def hashing(take):
    def taken(meter, piece):
        take(meter, piece)
        dies()
    return taken

def after(act):
    def done(*args, **kwargs):
        act(*args, **kwargs)
        dies()
    return done

def at(seam):
    if seam == "while it hashes":
        intake.Meter.take = hashing(intake.Meter.take)
    elif seam == "before the bytes have their key":
        intake.publish_on_disk = dies
    elif seam == "after they have it":
        intake.publish_on_disk = after(intake.publish_on_disk)
    elif seam == "before the row is written":
        uploading.new_item = dies
    elif seam == "in the middle of its transaction":
        uploading.perform = after(uploading.perform)
    elif seam == "before the intake is emptied":
        intake.DiskIntake.discard = dies

connections.close_all()
for seam in sys.argv[1:]:
    child = os.fork()
    if not child:
        at(seam)
        uploading.finish_arrived()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, seam
"""
SEAMS = [
    "while it hashes",
    "before the bytes have their key",
    "after they have it",
    "before the row is written",
    "in the middle of its transaction",
    "before the intake is emptied",
]


def test_a_worker_killed_while_it_finishes_an_upload(cast, committed_db, settings, tmp_path):
    """Six times in one upload, each time a little later; then it arrives, once."""
    from django.test import Client

    from portfolios.actions.uploading import finish_arrived, held, seen
    from portfolios.models import EvidenceItem, UploadSession
    from workflows.models import TransitionRecord

    store = {**settings.STORAGES["evidence"], "OPTIONS": {"location": str(tmp_path / "evidence")}}
    settings.STORAGES = {**settings.STORAGES, "evidence": store}
    raw = b"%PDF-1.4\n" + random.Random(11).randbytes(2 * MIB)
    client = Client()
    client.force_login(cast.lena)
    path = tus.create(client, portfolio_of(cast), len(raw))["Location"]
    assert tus.patch(client, path, 0, raw[:-9]).status_code == 204
    # The process that took the last bytes in is gone before it could finish.
    with held(UploadSession.objects.get()) as (fresh, place, record):
        place.append(len(raw) - 9, [raw[-9:]], record=record)
        seen(fresh, place)
    environment = {
        **os.environ,
        "TEST_DATABASE_URL": committed_db.url,
        "MODERATO_DATA": str(tmp_path),
    }
    command = [sys.executable, "-c", KILLED_WHILE_FINISHING, *SEAMS]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    finish_arrived()
    assert finish_arrived() == 0
    item = EvidenceItem.objects.get()
    digest = hashlib.sha256(raw).hexdigest()
    assert (item.state, item.sha256, item.size) == ("stored", digest, len(raw))
    stored = [one for one in (tmp_path / "evidence").rglob("*") if one.is_file()]
    final = tmp_path / "evidence" / item.storage_key
    assert final in stored
    assert hashlib.sha256(final.read_bytes()).hexdigest() == digest
    # The bytes are there under one key. What the last one could not empty, the sweep takes in a day.
    assert {one for one in stored if one.parent.name != "intake"} == {final}
    assert TransitionRecord.objects.filter(subject_id=item.pk, name="store").count() == 1
    session = UploadSession.objects.get()
    assert session.evidence == item
    assert tus.offset(client, path) == len(raw)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_store_that_dies_while_a_part_is_sent(cast, settings):
    from django.test import Client

    from portfolios.actions.uploading import receive
    from portfolios.models import EvidenceItem, UploadSession
    from portfolios.storage import checksum
    from portfolios.storage.intake import PART
    from tests.portfolios.conftest import on_s3

    raw = b"%PDF-1.4\n" + random.Random(5).randbytes(2 * PART)
    server = servers.start_rclone_s3()
    command, again = server.process.args, None
    try:
        on_s3(settings, server)
        portfolio, client = portfolio_of(cast), Client()
        client.force_login(cast.lena)
        path = tus.create(client, portfolio, len(raw))["Location"]
        assert tus.patch(client, path, 0, raw[: PART + 1000])["Upload-Offset"] == str(PART + 1000)

        def dying():
            """A part of a part, and then the store is no more."""
            yield raw[PART + 1000 : PART + 1000 + MIB]
            server.process.kill()
            server.process.wait()
            yield raw[PART + 1000 + MIB :]

        session = UploadSession.objects.get()
        with pytest.raises((BotoCoreError, ClientError)):
            receive(
                session,
                actor=cast.lena,
                at=PART + 1000,
                pieces=dying(),
                announced=len(raw) - PART - 1000,
            )
        answer = tus.patch(client, path, PART + 1000, raw[PART + 1000 :])
        assert answer.status_code == 503
        assert "does not answer" in answer.content.decode()
        assert not EvidenceItem.objects.exists()
        again = servers.launch(list(command), server.base, server.port, server.url)
        at = tus.offset(client, path)
        # rclone keeps parts in memory alone: what it lost does not count, and is sent again.
        assert at in {0, PART, PART + 1000}
        assert tus.patch(client, path, at, raw[at:]).status_code == 204
        item = EvidenceItem.objects.get()
        assert item.sha256 == hashlib.sha256(raw).hexdigest()
        assert checksum(item.storage_key) == (len(raw), item.sha256)
        assert not [one.key for one in storages["evidence"].bucket.objects.filter(Prefix="intake/")]
    finally:
        (again or server).stop()
