"""Seeded faults on an address of their own."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.accessibility.faults import FAULTS, GOOD

BUILD = Path(__file__).resolve().parents[2] / "static" / "build"


class FaultPages(http.server.SimpleHTTPRequestHandler):
    """The faulty pages by name; everything else from static/build."""

    def do_GET(self) -> None:
        fault = {"good": GOOD, **FAULTS}.get(self.path.strip("/"))
        if fault is None:
            super().do_GET()
            return
        body = fault.page().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the library's
        """Quiet."""


@pytest.fixture(scope="session")
def faults_url() -> Iterator[str]:
    handler = functools.partial(FaultPages, directory=str(BUILD))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
