"""The helper behind `inspect`: waits for files and looks at each in a child with narrow limits.

Knows neither Django nor settings. Everything that the child needs is imported before, because the child
cannot open files any more.
"""

import codecs
import ctypes
import encodings.cp437
import encodings.idna
import encodings.utf_16  # noqa: F401
import errno
import json
import os
import resource
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, BinaryIO

from PIL import Image

from portfolios.exceptions import NoRoom
from portfolios.inspection import SECONDS, TOO_MUCH, Report
from portfolios.inspection.copies import NoCopy, make_copy
from portfolios.inspection.examination import examine
from portfolios.inspection.hints import hints_in
from portfolios.inspection.rendering import NotRendered, prepare, render, warm_up

CPU_SECONDS = 60
MEMORY = 2 * 1024**3
"""Of addresses, which is more than is really used."""
UNREADABLE = "This file is damaged and cannot be opened. Save it again and add the new file."
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def serve(number: int) -> None:
    """Until the line is closed: take a file, answer with what was found in it."""
    Image.init()
    for encoding in (
        "utf-8",
        "utf-8-sig",
        "utf-16",
        "utf-16-le",
        "latin-1",
        "cp1252",
        "ascii",
        "cp437",
    ):
        codecs.lookup(encoding)
    with socket.socket(fileno=number) as line:
        while True:
            message, files, _flags, _address = socket.recv_fds(line, 64 * 1024, 2)
            if not message:
                return
            try:
                wanted = json.loads(message)
                prepare(str(wanted.get("media_type", "")))
                answer = in_child(wanted, files)
            finally:
                for one in files:
                    os.close(one)
            line.send(json.dumps(answer).encode())


def in_child(wanted: dict[str, object], files: list[int]) -> dict[str, object]:
    """Run the look in a child; a child that is killed by its limits has answered too."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            alone({0, 1, 2, writing, *files})
            if wanted["task"] == "render":
                warm_up(str(wanted["media_type"]))
            limit()
            report = TASKS[str(wanted["task"])](wanted, files)
            os.write(writing, json.dumps(report).encode())
        except MemoryError:
            os.write(writing, json.dumps({"refusal": TOO_MUCH}).encode())
        except BaseException as error:  # noqa: BLE001  the parent tells
            os.write(writing, json.dumps({"broken": type(error).__name__}).encode())
        finally:
            os._exit(0)
    os.close(writing)
    try:
        ready, _, _ = select.select([reading], [], [], SECONDS)
        answer = os.read(reading, 60_000) if ready else b""
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    found: dict[str, object] = json.loads(answer) if answer else {"refusal": TOO_MUCH}
    return found


def alone(kept: set[int]) -> None:
    """Nothing but the descriptors that are kept, and no network."""
    for one in range(3, max(kept) + 64):
        if one not in kept:
            try:
                os.close(one)
            except OSError:
                continue
    ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET)  # where the kernel allows it


def limit() -> None:
    """So much time and memory, and nothing can be opened or started."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),  # neither a file nor a connection can be opened from here on
    ):
        resource.setrlimit(what, (most, most))


def look(wanted: dict[str, Any], files: list[int]) -> dict[str, Any]:
    """Examine the first descriptor and, where there is a second, write the copy into it."""
    return asdict(_look(str(wanted["name"]), files))


def draw(wanted: dict[str, Any], files: list[int]) -> dict[str, Any]:
    """Make parts of the first descriptor into the second."""
    with (
        os.fdopen(files[0], "rb", closefd=False) as file,
        os.fdopen(files[1], "w+b", closefd=False) as target,
    ):
        try:
            return asdict(render(file, target, str(wanted["media_type"]), int(wanted["first"])))
        except NotRendered as error:
            return {"refusal": str(error)}
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  decoders raise anything on a damaged file
            ours(error)
            return {"refusal": "No images or text could be made of this file."}


def ours(error: Exception) -> None:
    """Raise what is no fault of the file: a disk that has no room for what is made of it."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        raise NoRoom from error


TASKS: dict[str, Callable[[dict[str, Any], list[int]], dict[str, Any]]] = {
    "look": look,
    "render": draw,
}


def _look(name: str, files: list[int]) -> Report:
    with os.fdopen(files[0], "rb", closefd=False) as file:
        verdict = examine(file, name)
        if verdict.refusal:
            return Report(refusal=verdict.refusal)
        copy_type = ""
        if len(files) > 1:
            with os.fdopen(files[1], "w+b", closefd=False) as copy:
                try:
                    copy_type = made(file, copy, verdict.media_type)
                except MemoryError:
                    raise
                except Exception as error:  # noqa: BLE001  decoders raise anything on a damaged file
                    ours(error)
                    return Report(refusal=UNREADABLE)
        return Report(
            media_type=verdict.media_type,
            copy_type=copy_type,
            hints=hints_in(file, verdict.media_type),
        )


def made(file: BinaryIO, copy: BinaryIO, media_type: str) -> str:
    try:
        return make_copy(file, copy, media_type)
    except NoCopy:
        return ""
