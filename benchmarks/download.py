"""Downloads in ranges: nginx sends what the application has authorised (X-Accel), against nginx alone.

BENCH_MB (256) MiB of one recording through deploy/nginx.conf with TLS, in ranges of BENCH_RANGE_MB (64) MiB and of
1 MiB, as somebody who watches the film and somebody who jumps about in it. The application asks each time who
wants the bytes. The two take turns; the best of three counts. The application's own sending is there to compare.
"""

import hashlib
import http.client
import os
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import ROOT, database

MB = int(os.environ.get("BENCH_MB", "256"))
RANGE_MB = int(os.environ.get("BENCH_RANGE_MB", "64"))
MIB = 1024 * 1024
BARE = "    location /bench/ { alias /data/evidence/; }\n\n    location = /metrics"


@contextmanager
def front(folder: Path, port: int) -> Iterator[int]:
    """deploy/nginx.conf before the site, with one more location that sends the same files unasked."""
    from tests.journeys.stacks import EVIDENCE_HOST, SITE_HOST, certificate
    from tests.servers import start_nginx

    text = (ROOT / "deploy" / "nginx.conf").read_text()
    own = Path(tempfile.mkdtemp(dir=folder))
    template = own / "template.conf"
    template.write_text(text.replace("    location = /metrics", BARE, 1))
    places = {
        "${SITE_HOST}": SITE_HOST,
        "${EVIDENCE_HOST}": EVIDENCE_HOST,
        "web:8000": f"127.0.0.1:{port}",
        "upload:8000": f"127.0.0.1:{port}",
        "storage:9000": "127.0.0.1:9",
        "/data/evidence/": f"{folder}/evidence/",
    }
    server = start_nginx(template, places, certificate(own / "certificates"))
    try:
        yield server.port
    finally:
        server.stop()


class Line:
    """One kept TLS connection to the proxy."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        from tests.journeys.stacks import SITE_HOST

        context = ssl._create_unverified_context()
        self.connection = http.client.HTTPSConnection(
            "127.0.0.1", port, context=context, timeout=60
        )
        self.headers = {**headers, "Host": SITE_HOST}

    def take(self, path: str, size: int, step: int, digest: Any = None) -> float:
        """Seconds for the whole file, range after range."""
        buffer, began = bytearray(MIB), time.perf_counter()
        for start in range(0, size, step):
            end = min(start + step, size) - 1
            self.connection.request(
                "GET", path, headers={**self.headers, "Range": f"bytes={start}-{end}"}
            )
            answer = self.connection.getresponse()
            if answer.status != 206:
                raise AssertionError(f"{path}: {answer.status} {answer.read()[:500]!r}")
            got = 0
            while count := answer.readinto(buffer):
                got += count
                if digest:
                    digest.update(memoryview(buffer)[:count])
            if got != end - start + 1:
                raise AssertionError(f"{path}: {got} bytes of {end - start + 1}")
        return time.perf_counter() - began


def main() -> None:
    from benchmarks.support.web import site
    from portfolios.models import EvidenceItem
    from tests.factories.portfolios import file, pdf, portfolio_of
    from tests.personas import make_cast

    cast, folder = make_cast(), Path(os.environ["MODERATO_DATA"])
    item = file(portfolio_of(cast), "film.pdf", pdf())
    size, digest = MB * MIB, hashlib.sha256()
    film = folder / "evidence" / "bench" / "film"
    film.parent.mkdir(parents=True)
    with film.open("wb") as made:
        for _each in range(MB):
            block = os.urandom(MIB)
            digest.update(block)
            made.write(block)
    for path in (folder, *film.parents):
        path.chmod(path.stat().st_mode | 0o055) if path.is_relative_to(folder) else None
    facts = {"storage_key": "bench/film", "size": size, "sha256": digest.hexdigest()}
    EvidenceItem.objects.filter(pk=item.pk).update(**facts)
    own, bare = f"/evidence/{item.pk}/", "/bench/bench/film"
    load = os.getloadavg()[0]
    print(f"\nDownload of {MB} MiB in ranges through nginx (load {load:.1f} at the beginning)")
    for name, accel in (("X-Accel", "_evidence"), ("application alone", "")):
        with site(workers=2, env={"EVIDENCE_ACCEL": accel}) as running:
            headers = running.browser(cast.lena).headers
            with front(folder, running.port) as port:
                got = hashlib.sha256()
                Line(port, headers).take(own, size, RANGE_MB * MIB, got)
                assert got.hexdigest() == digest.hexdigest()
                for step in (RANGE_MB, 1):
                    ours, theirs = [], []
                    for _each in range(3):
                        theirs.append(Line(port, {}).take(bare, size, step * MIB))
                        ours.append(Line(port, headers).take(own, size, step * MIB))
                    goal = " (goal ≥ 0.7)" if accel and step == RANGE_MB else ""
                    print(
                        f"  {name:<18} ranges of {step:>3} MiB {MB / min(ours):7.0f} MiB/s,"
                        f" nginx alone {MB / min(theirs):7.0f}, ratio {min(theirs) / min(ours):.2f}{goal}"
                    )


if __name__ == "__main__":
    os.environ["ALLOWED_HOSTS"] = "127.0.0.1,testserver,localhost"
    with database():
        main()
