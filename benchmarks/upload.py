"""One large upload through gunicorn, against a plain copy of the same file; and the web process's memory.

BENCH_MB is the size in MiB (1,024 by default). Both sides read a file and end with an fsync; ours also
hashes, checks the form and writes the rows.
"""

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import ROOT, database

MB = int(os.environ.get("BENCH_MB", "1024"))
PIECE = 1024 * 1024


def make_file(path: Path) -> None:
    """A file that begins like a PDF; one random block again and again."""
    block = os.urandom(8 * PIECE)
    with path.open("wb") as file:
        file.write(b"%PDF-1.4\n")
        for _each in range(MB // 8):
            file.write(block)
        os.fsync(file.fileno())


def plain_copy(source: Path, target: Path) -> float:
    """Seconds of read, write, fsync."""
    began = time.perf_counter()
    with source.open("rb") as reading, target.open("wb") as writing:
        shutil.copyfileobj(reading, writing, PIECE)
        os.fsync(writing.fileno())
    return time.perf_counter() - began


def body(source: Path, boundary: str, fields: dict[str, str]) -> tuple[int, Iterator[bytes]]:
    """Length and pieces of a multipart body, never whole in memory."""
    head = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="upload"; filename="big.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()

    def pieces() -> Iterator[bytes]:
        yield head
        with source.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
        yield tail

    return len(head) + source.stat().st_size + len(tail), pieces()


def peak(pid: int) -> int:
    """Most resident memory so far of a process's children, in MiB."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    worst = 0
    for child in found.stdout.split():
        for line in Path(f"/proc/{child}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                worst = max(worst, int(line.split()[1]) // 1024)
    return worst


def upload(
    pid: int, port: int, source: Path, portfolio: Any, session: str
) -> tuple[int, int, float]:
    """Memory before and after in MiB, and the seconds that the upload took."""
    length, pieces = body(source, "moderato", {"title": "Big"})
    token = "a" * 32
    headers = {
        "Content-Type": "multipart/form-data; boundary=moderato",
        "Content-Length": str(length),
        "Cookie": f"sessionid={session}; csrftoken={token}",
        "X-CSRFToken": token,
    }
    warm = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    warm.request("GET", f"/learn/p/{portfolio}/", headers={"Cookie": headers["Cookie"]})
    assert warm.getresponse().status == 200
    before = peak(pid)
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request(
        "POST", f"/learn/p/{portfolio}/evidence/add/file/", body=pieces, headers=headers
    )
    answer = connection.getresponse()
    answer.read()
    seconds = time.perf_counter() - began
    assert answer.status == 302, answer.status
    return before, peak(pid), seconds


def main() -> None:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from portfolios.models import EvidenceItem
    from tests.factories.portfolios import portfolio_of
    from tests.personas import make_cast
    from tests.servers import free_port, listening, start_valkey, wait_until

    cast = make_cast(policy={"evidence.max_bytes": 4 * 1024**3})
    portfolio = portfolio_of(cast)
    session = SessionStore()
    session[SESSION_KEY] = str(cast.lena.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = cast.lena.get_session_auth_hash()
    session.create()
    valkey, port = start_valkey(), free_port()
    with tempfile.TemporaryDirectory(prefix="moderato-bench-", dir=ROOT / "var") as folder:
        source = Path(folder) / "source"
        make_file(source)
        copies = [plain_copy(source, Path(folder) / "copy") for _each in range(2)]
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.local",
            "SECRET_KEY": "test-only",
            "DEBUG": "false",
            "DATABASE_URL": os.environ["TEST_DATABASE_URL"],
            "REDIS_URL": valkey.url,
            "MODERATO_DATA": folder,
            "EVIDENCE_MAX_BYTES": str(4 * 1024**3),
            "TMPDIR": folder,
        }
        collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"]
        subprocess.run(collect, cwd=ROOT, env=environment, check=True)
        web = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "config.wsgi:application",
                "--bind",
                f"127.0.0.1:{port}",
            ]
            + ["--worker-class", "gthread", "--workers", "1", "--threads", "4", "--timeout", "600"],
            cwd=ROOT,
            env=environment,
        )
        try:
            wait_until(lambda: listening(port), 60, "gunicorn")
            before, after, ours = upload(web.pid, port, source, portfolio.pk, session.session_key)
        finally:
            web.terminate()
            web.wait(30)
            valkey.stop()
        stored = EvidenceItem.objects.get(original_name="big.pdf")
        assert stored.size == source.stat().st_size
    copy = min(copies)
    print(f"\nUpload of {MB} MiB through gunicorn (one process), stored and hashed")
    print(f"  plain copy with fsync     {copy:7.2f} s  {MB / copy:7.0f} MiB/s")
    print(
        f"  upload                    {ours:7.2f} s  {MB / ours:7.0f} MiB/s  ratio {copy / ours:.2f}"
    )
    print(f"  web process, most memory  {before} MiB before, {after} MiB after")


if __name__ == "__main__":
    (ROOT / "var").mkdir(exist_ok=True)
    with database():
        main()
