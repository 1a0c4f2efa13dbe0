"""Looking into a file that may be hostile, in a process that can do nothing else.

A helper without our environment is started once; for each file it makes a child that may use so much time
and memory, can open no file and no connection, and ends after its answer. The file is handed over as an
open descriptor, and so is the place for the copy.
"""

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from portfolios.exceptions import NoRoom

SECONDS = 120
"""On the wall; processor time is limited in the child."""
TOO_MUCH = "This file takes too much to open. Save a simpler or smaller copy and add that."


class InspectionBroken(Exception):  # noqa: N818
    """No answer came, for a reason that is ours. Says nothing about the file."""


@dataclass(frozen=True)
class Report:
    """What was found: a type, or a refusal; the type of the copy, empty where none could be made; hints."""

    media_type: str = ""
    refusal: str = ""
    copy_type: str = ""
    hints: dict[str, int] = field(default_factory=dict)


class Inspector:
    """The helper of this process. Started when first needed; a broken one is replaced."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0
        self.line: socket.socket | None = None

    def _started(self) -> socket.socket:
        # After a fork the line belongs to the parent.
        if self.line and self.process and self.owner == os.getpid() and self.process.poll() is None:
            return self.line
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = Path(__file__).resolve().parents[2]
        self.process = subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-I", "-c", _START.format(root=str(root), line=theirs.fileno())],
            pass_fds=[theirs.fileno()],
            # One thread: more could not be started in the child.
            env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "RAYON_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        theirs.close()
        ours.settimeout(SECONDS + 60)
        self.line, self.owner = ours, os.getpid()
        return ours

    def stop(self) -> None:
        """End the helper; closing the line is enough for it."""
        if self.line and self.owner == os.getpid():
            self.line.close()
            if self.process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(5)
        self.line = self.process = None

    def ask(self, wanted: dict[str, Any], file: IO[bytes], made: IO[bytes] | None) -> Any:
        """Hand over the file and the place for what is made of it; gives the child's answer."""
        with self.lock:
            try:
                line = self._started()
                files = [file.fileno(), *([made.fileno()] if made else [])]
                socket.send_fds(line, [json.dumps(wanted).encode()], files)
                answer = line.recv(64 * 1024)
            except OSError as error:
                self.stop()
                raise InspectionBroken(type(error).__name__) from error
            if not answer:
                self.stop()
                raise InspectionBroken("the helper ended")
        facts: dict[str, Any] = json.loads(answer)
        if facts.get("broken") == NoRoom.__name__:
            raise NoRoom
        if "broken" in facts:
            raise InspectionBroken(facts["broken"])
        return facts


_START = "import sys; sys.path.insert(0, {root!r}); from portfolios.inspection.helper import serve; serve({line})"
_inspector = Inspector()
atexit.register(_inspector.stop)


def inspect(file: IO[bytes], name: str, copy: IO[bytes] | None = None) -> Report:
    """What this file is, and with `copy` (a real file) a copy for others written into it."""
    file.seek(0)
    return Report(**_inspector.ask({"task": "look", "name": name}, file, copy))


def render(file: IO[bytes], made: IO[bytes], media_type: str, first: int) -> dict[str, Any]:
    """Parts of the file from number `first` on, written into `made` (a real, empty file; `rendering.parts_in`).

    Answers with `total`, `next` (0 when all are made) and `seconds`, or with `refusal`, a sentence.
    """
    file.seek(0)
    wanted = {"task": "render", "media_type": media_type, "first": first}
    answer: dict[str, Any] = _inspector.ask(wanted, file, made)
    return answer
