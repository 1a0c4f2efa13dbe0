"""One large upload through gunicorn, against Django's own multipart and a plain copy; and the memory.

As in the compose file the pieces go to the process for uploads, the form to the web process.

BENCH_MB is the size in MiB (1,024 by default). Both sides read a file and end with an fsync; ours also
hashes, checks the form and writes the rows. The three take turns, and the best of BENCH_ROUNDS (2) counts,
because what disturbs a measurement only ever adds to it.
"""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import database

MB = int(os.environ.get("BENCH_MB", "1024"))
PIECE = 1024 * 1024
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "2"))


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


@dataclass
class Memory:
    """Most MiB that one process had: resident with everything shared (Rss), and its own share of it (Pss).

    The kernel itself keeps the highest Rss of a process (VmHWM), so that nothing is missed between two looks.
    """

    rss: float = 0
    pss: float = 0

    def look(self, pids: list[str]) -> None:
        for pid in pids:
            self.rss = max(self.rss, mib_of(f"/proc/{pid}/status", "VmHWM"))
            self.pss = max(self.pss, mib_of(f"/proc/{pid}/smaps_rollup", "Pss"))

    def __str__(self) -> str:
        return f"{self.rss:.1f} MiB resident, {self.pss:.1f} with shared pages divided"


def mib_of(path: str, name: str) -> float:
    """A figure that the kernel gives in KiB."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(path).read_text(), re.MULTILINE)
    assert found
    return int(found[1]) / 1024


@contextmanager
def watched(pids: list[str]) -> Iterator[Memory]:
    """Look at these processes five times a second, as long as the block runs."""
    seen, ended = Memory(), threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            seen.look(pids)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()
        seen.look(pids)


def timed(operation: Callable[[], object]) -> float:
    began = time.perf_counter()
    operation()
    return time.perf_counter() - began


def upload(browser: Any, path: str, source: Path) -> float:
    """Seconds that one upload took."""
    length, pieces = body(source, "moderato", {"title": "Big"})
    headers = {
        "Content-Type": "multipart/form-data; boundary=moderato",
        "Content-Length": str(length),
    }
    began = time.perf_counter()
    browser.ask(path, body=pieces, headers=headers)
    return time.perf_counter() - began


def in_pieces(browser: Any, path: str, source: Path) -> float:
    """Seconds that the file takes by tus in chunks of 5 MiB on one connection, hashed and stored."""
    began = time.perf_counter()
    tus = {"Tus-Resumable": "1.0.0"}
    name = base64.b64encode(b"tus.pdf").decode()
    told = {"Upload-Length": str(source.stat().st_size), "Upload-Metadata": f"filename {name}"}
    place, at = browser.ask(path, body=b"", headers={**tus, **told}).headers["Location"], 0
    chunk = {**tus, "Content-Type": "application/offset+octet-stream"}
    chunk["X-HTTP-Method-Override"] = "PATCH"
    with source.open("rb") as file:
        while piece := file.read(5 * PIECE):
            answer = browser.ask(place, body=piece, headers={**chunk, "Upload-Offset": str(at)})
            at = int(answer.headers["Upload-Offset"])
    return time.perf_counter() - began


def hash_and_store(source: Path, folder: Path) -> tuple[float, float, float]:
    """Seconds of `sha256sum`, of hashing and publishing what has arrived, and of storing over a plain copy."""
    from django.core.files.storage import storages

    from portfolios import storage
    from portfolios.storage.intake import DiskIntake, new_key

    tool = shutil.which("sha256sum")
    base, here = Path(storages["evidence"].location), DiskIntake(folder, new_key())
    owner, sums, ends, stores = uuid.uuid4(), [], [], []
    here.begin()
    for _each in range(ROUNDS):
        if tool:
            command = [tool, str(source)]
            sums.append(timed(partial(subprocess.run, command, capture_output=True, check=True)))
        shutil.copyfile(source, here.path)
        publish = partial(here.publish, owner, source.stat().st_size, record=lambda _ledger: None)
        ends.append(timed(publish))
        here.path.chmod(0o644)
        copy = plain_copy(source, folder / "copy")

        def store() -> None:
            with source.open("rb") as file:
                pieces = iter(lambda: file.read(PIECE), b"")
                storage.store(pieces, organisation_id=uuid.uuid4(), limit=2**63)

        stores.append(timed(store) - copy)
    here.discard()
    shutil.rmtree(base, ignore_errors=True)
    return min(sums, default=0.0), min(ends), min(stores)


def main() -> None:
    from benchmarks.support.web import site
    from portfolios.models import EvidenceItem
    from tests.factories.portfolios import portfolio_of
    from tests.personas import make_cast

    cast = make_cast(policy={"evidence.max_bytes": 4 * 1024**3})
    portfolio = portfolio_of(cast)
    folder = Path(os.environ["MODERATO_DATA"])
    source = folder / "source"
    make_file(source)
    load = os.getloadavg()[0]
    bare, ours, tus, copies = [], [], [], []
    temporary = {"TMPDIR": str(folder)}
    lean = "benchmarks.support.upload_settings"
    with (
        site(env=temporary) as web,
        site(
            threads=16,
            env={**temporary, "PYTHONNODEBUGRANGES": "1"},
            settings=lean,
            options=["--config=python:config.gunicorn_uploads"],
        ) as uploads,
    ):
        form, pieces = (
            f"/learn/p/{portfolio.pk}/{part}/" for part in ("evidence/add/file", "uploads")
        )
        for _each in range(4):
            web.browser(cast.lena).ask(f"/learn/p/{portfolio.pk}/")
            uploads.browser(cast.lena).ask("/healthz")
        web_before, before = Memory(), Memory()
        web_before.look(web.workers())
        before.look(uploads.workers())
        with watched(web.workers()) as web_most, watched(uploads.workers()) as most:
            for _each in range(ROUNDS):
                copies.append(plain_copy(source, folder / "copy"))
                bare.append(upload(web.browser(cast.lena), "/bench/upload/", source))
                tus.append(in_pieces(uploads.browser(cast.lena), pieces, source))
                ours.append(upload(web.browser(cast.lena), form, source))
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    stored = EvidenceItem.objects.filter(original_name__in=["big.pdf", "tus.pdf"])
    assert {(one.size, one.sha256) for one in stored} == {(source.stat().st_size, digest)}
    assert len(stored) == 2 * ROUNDS
    sha256sum, end, extra = hash_and_store(source, folder)
    print(
        f"\nUpload of {MB} MiB through gunicorn, stored and hashed (load {load:.1f} at the beginning)"
    )
    for name, seconds, base in (
        ("plain copy with fsync", min(copies), None),
        ("Django multipart, stored", min(bare), None),
        ("upload by form", min(ours), min(bare)),
        ("upload in pieces (tus)", min(tus), min(bare)),
    ):
        ratio = f"  {base / seconds:.2f} of Django multipart (goal ≥ 0.5)" if base else ""
        print(f"  {name:<26}{seconds:7.2f} s  {MB / seconds:7.0f} MiB/s{ratio}")
    for name, seconds in (("hash and publish", end), ("form's store over a copy", extra)):
        ratio = (
            f"{seconds / sha256sum:.2f} of sha256sum (goal ≤ 1.5)" if sha256sum else "no sha256sum"
        )
        print(f"  {name:<26}{seconds:7.2f} s  {ratio}")
    for name, first, highest, goal in (
        ("process for uploads (tus)", before, most, " (goal ≤ 80 MB, which are 76.3 MiB)"),
        ("web process (form)", web_before, web_most, ""),
    ):
        print(f"  {name:<27}before   {first}")
        print(f"  {'':<27}at most  {highest}{goal}")


if __name__ == "__main__":
    with database():
        main()
