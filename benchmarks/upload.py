"""One large upload through gunicorn, against Django's own multipart and a plain copy; and the memory.

BENCH_MB is the size in MiB (1,024 by default). Both sides read a file and end with an fsync; ours also
hashes, checks the form and writes the rows.
"""

import base64
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import database

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


def peak(pids: list[str]) -> int:
    """Most resident memory so far of these processes, in MiB."""
    worst = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                worst = max(worst, int(line.split()[1]) // 1024)
    return worst


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
    copies = [plain_copy(source, folder / "copy") for _each in range(2)]
    with site(workers=1, env={"TMPDIR": str(folder)}) as running:
        browser = running.browser(cast.lena)
        browser.ask(f"/learn/p/{portfolio.pk}/")
        before = peak(running.workers())
        bare = min(upload(browser, "/bench/upload/", source) for _each in range(2))
        ours = upload(browser, f"/learn/p/{portfolio.pk}/evidence/add/file/", source)
        tus = in_pieces(browser, f"/learn/p/{portfolio.pk}/uploads/", source)
        after = peak(running.workers())
    stored = EvidenceItem.objects.get(original_name="big.pdf")
    assert stored.size == source.stat().st_size
    assert EvidenceItem.objects.get(original_name="tus.pdf").sha256 == stored.sha256
    copy = min(copies)
    print(f"\nUpload of {MB} MiB through gunicorn (one process), stored and hashed")
    for name, seconds in (("plain copy with fsync", copy), ("Django multipart, stored", bare)):
        print(f"  {name:<26}{seconds:7.2f} s  {MB / seconds:7.0f} MiB/s")
    print(
        f"  {'upload':<26}{ours:7.2f} s  {MB / ours:7.0f} MiB/s"
        f"  ratio {bare / ours:.2f} to Django multipart (goal ≥ 0.5), {copy / ours:.2f} to the copy"
    )
    print(
        f"  {'upload in pieces (tus)':<26}{tus:7.2f} s  {MB / tus:7.0f} MiB/s"
        f"  ratio {bare / tus:.2f} to Django multipart (goal ≥ 0.5), {ours / tus:.2f} to the form"
    )
    print(f"  web process, most memory  {before} MiB before, {after} MiB after")


if __name__ == "__main__":
    with database():
        main()
