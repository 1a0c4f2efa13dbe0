"""A hundred resumable uploads at once on two workers, against the same files one after another.

BENCH_UPLOADS (100) files of BENCH_UPLOAD_MB (4) MiB each, all different, in pieces of 1 MiB; each sender has
a connection of its own. What lies in the store at the end is hashed again.
"""

import base64
import hashlib
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import database

UPLOADS = int(os.environ.get("BENCH_UPLOADS", "100"))
MB = int(os.environ.get("BENCH_UPLOAD_MB", "4"))
PIECE = 1024 * 1024


def bytes_of(seed: int) -> bytes:
    return b"%PDF-1.4\n" + random.Random(seed).randbytes(MB * PIECE - 9)


def send(browser: Any, endpoint: str, name: str, raw: bytes) -> None:
    """One file by tus."""
    tus = {"Tus-Resumable": "1.0.0"}
    told = f"filename {base64.b64encode(name.encode()).decode()}"
    headers = {**tus, "Upload-Length": str(len(raw)), "Upload-Metadata": told}
    place, at = browser.ask(endpoint, body=b"", headers=headers).headers["Location"], 0
    chunk = {**tus, "Content-Type": "application/offset+octet-stream"}
    chunk["X-HTTP-Method-Override"] = "PATCH"
    while at < len(raw):
        body = raw[at : at + PIECE]
        answer = browser.ask(place, body=body, headers={**chunk, "Upload-Offset": str(at)})
        at = int(answer.headers["Upload-Offset"])


def main() -> None:
    from benchmarks.support.web import site
    from portfolios.models import EvidenceItem
    from portfolios.storage import checksum
    from tests.factories.portfolios import portfolio_of
    from tests.personas import make_cast

    cast = make_cast(policy={"evidence.learner_max_bytes": 4 * 1024**3})
    endpoint = f"/learn/p/{portfolio_of(cast).pk}/uploads/"
    load, failed = os.getloadavg()[0], []
    with site(workers=2, threads=8) as running:
        browsers = [running.browser(cast.lena) for _each in range(UPLOADS)]
        began = time.perf_counter()
        for number in range(UPLOADS):
            send(browsers[0], endpoint, f"one-{number}.pdf", bytes_of(number))
        alone = time.perf_counter() - began

        def run(number: int) -> None:
            raw = bytes_of(UPLOADS + number)
            try:
                send(browsers[number], endpoint, f"all-{number}.pdf", raw)
            except Exception as error:  # noqa: BLE001  counted below
                failed.append(f"{number}: {error!r}")

        threads = [threading.Thread(target=run, args=[number]) for number in range(UPLOADS)]
        began = time.perf_counter()
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        together = time.perf_counter() - began
    assert not failed, failed[:3]
    equal = 0
    for item in EvidenceItem.objects.exclude(storage_key=""):
        kind, number = item.original_name.removesuffix(".pdf").split("-")
        raw = bytes_of(int(number) + (UPLOADS if kind == "all" else 0))
        digest = hashlib.sha256(raw).hexdigest()
        equal += checksum(item.storage_key) == (len(raw), digest) and item.sha256 == digest
    print(f"\n{UPLOADS} uploads of {MB} MiB on two workers (load {load:.1f} at the beginning)")
    print(f"  one after another   {alone:7.2f} s  {UPLOADS * MB / alone:7.0f} MiB/s")
    ratio = f"ratio {alone / together:.2f} to one after another"
    print(f"  all at once         {together:7.2f} s  {UPLOADS * MB / together:7.0f} MiB/s  {ratio}")
    print(f"  checksums equal     {equal} of {2 * UPLOADS}")
    assert equal == 2 * UPLOADS


if __name__ == "__main__":
    with database():
        main()
