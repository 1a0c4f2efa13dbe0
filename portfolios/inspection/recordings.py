"""Recordings without what names person, place or device; pictures and sound are not touched.

MP4, QuickTime, WAV and WebM keep their length: what is taken out becomes free space, so that no place which
another part names moves. MP3 loses its tags at both ends.
"""

import io
import shutil
import struct
from collections.abc import Iterator
from typing import BinaryIO


def _patched(source: BinaryIO, target: BinaryIO, patches: dict[int, bytes]) -> None:
    """Copy the source with some places overwritten; no byte moves."""
    source.seek(0)
    for at in sorted(patches):
        _copy(source, target, at - source.tell())
        target.write(patches[at])
        source.seek(len(patches[at]), io.SEEK_CUR)
    shutil.copyfileobj(source, target)


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size > 0:
        piece = source.read(min(size, 1024 * 1024))
        if not piece:
            return
        target.write(piece)
        size -= len(piece)


BOXES_WITH_BOXES = {b"moov", b"trak", b"moof", b"traf"}
BOXES_OUT = {b"udta", b"meta", b"uuid", b"gps "}


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Kind, start, start of content and end of each box of an MP4 or QuickTime file."""
    at = start
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        content = at + 8
        if size == 1:
            size, content = struct.unpack(">Q", file.read(8))[0], at + 16
        elif size == 0:
            size = end - at
        if size < content - at or at + size > end:
            raise ValueError("a box ends outside its own")
        yield kind, at, content, at + size
        at += size


def mp4(source: BinaryIO, target: BinaryIO) -> None:
    """Descriptions, places and tracks of metadata become free space; players skip it."""
    patches: dict[int, bytes] = {}

    def walk(start: int, end: int) -> None:
        for kind, at, content, stop in _boxes(source, start, end):
            if kind in BOXES_OUT or (kind == b"trak" and _is_metadata(source, content, stop)):
                patches[at + 4] = b"free"
                patches[content] = bytes(stop - content)
            elif kind in BOXES_WITH_BOXES:
                walk(content, stop)

    walk(0, source.seek(0, io.SEEK_END))
    _patched(source, target, {at: raw for at, raw in patches.items() if raw})


def _is_metadata(source: BinaryIO, start: int, end: int) -> bool:
    """A track whose handler is neither picture, sound nor words: places and sensors of a camera."""
    for kind, _at, content, stop in _boxes(source, start, end):
        if kind == b"mdia":
            for inner, _inner_at, where, _inner_stop in _boxes(source, content, stop):
                if inner == b"hdlr":
                    source.seek(where + 8)
                    return source.read(4) not in {
                        b"vide",
                        b"soun",
                        b"text",
                        b"sbtl",
                        b"subt",
                        b"clcp",
                    }
    return False


def mp3(source: BinaryIO, target: BinaryIO) -> None:
    head = source.read(10)
    start = 0
    if head[:3] == b"ID3":
        start = 10 + sum(
            (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
        )
    end = source.seek(0, io.SEEK_END)
    if end >= 128:
        source.seek(end - 128)
        if source.read(3) == b"TAG":
            end -= 128
    source.seek(start)
    _copy(source, target, end - start)


def wav(source: BinaryIO, target: BinaryIO) -> None:
    patches: dict[int, bytes] = {}
    end, at = source.seek(0, io.SEEK_END), 12
    while at + 8 <= end:
        source.seek(at)
        kind, size = struct.unpack("<4sI", source.read(8))
        if kind not in {b"fmt ", b"data", b"fact", b"JUNK"}:
            patches[at] = b"JUNK"
            patches[at + 8] = bytes(min(size, end - at - 8))
        at += 8 + size + size % 2
    _patched(source, target, {place: raw for place, raw in patches.items() if raw})


EBML_HOLDERS = {0x18538067, 0x1549A966, 0x1654AE6B, 0xAE}
"""Segment, Info, Tracks, TrackEntry: looked into."""
EBML_OUT = {0x1254C367, 0x1941A469, 0x7BA9, 0x7384, 0x536E}
"""Tags, attachments, title, file name, name of a track."""
EBML_BLANK = {0x4D80, 0x5741}
"""Programs that wrote it: the format wants them there."""


def _number(file: BinaryIO, keep_mark: bool) -> tuple[int, int]:
    """A variable-length number of EBML, and how many bytes it takes."""
    first = file.read(1)
    if not first or not first[0]:
        raise ValueError("no EBML number")
    length = 9 - first[0].bit_length()
    value = first[0] if keep_mark else first[0] & ((1 << (8 - length)) - 1)
    for byte in file.read(length - 1):
        value = value << 8 | byte
    return value, length


def webm(source: BinaryIO, target: BinaryIO) -> None:
    """What describes the recording becomes void, or spaces; clusters are not looked into."""
    patches: dict[int, bytes] = {}
    end, at = source.seek(0, io.SEEK_END), 0
    while at < end:
        source.seek(at)
        kind, first = _number(source, keep_mark=True)
        size, second = _number(source, keep_mark=False)
        content = at + first + second
        unknown = size == (1 << (7 * second)) - 1
        if kind in EBML_HOLDERS:
            at = content
            continue
        if unknown:  # a live recording: what follows is clusters until the end
            break
        if kind in EBML_OUT:
            patches[at] = _void(content + size - at)
        elif kind in EBML_BLANK:
            patches[content] = b" " * size
        at = content + size
    _patched(source, target, {place: raw for place, raw in patches.items() if raw})


def _void(size: int) -> bytes:
    """An EBML Void element of exactly this size."""
    if size < 9:
        return b"\xec" + bytes([0x80 | (size - 2)]) + bytes(size - 2)
    return b"\xec\x01" + (size - 9).to_bytes(7, "big") + bytes(size - 9)
