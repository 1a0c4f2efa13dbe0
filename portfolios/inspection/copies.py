"""Copies for the eyes of others: the same evidence without location, author, device or other metadata.

Pictures are decoded, turned upright and encoded anew. Documents and recordings keep their content; what
names a person or a device beside it is taken out. Text carries nothing of that sort and is copied. Not
removed: what people can see or hear in the content itself, and metadata of pictures inside a PDF.
"""

import contextlib
import io
import re
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pikepdf
from PIL import Image, ImageOps

from portfolios.definitions import OFFICE_OPEN, OPEN_DOCUMENT
from portfolios.inspection import opendocument

try:
    from pillow_heif import register_heif_opener
except ImportError:  # the media extra is not installed
    CAN_READ_HEIC = False
else:
    CAN_READ_HEIC = True
    register_heif_opener()

LONGEST = 4000
FORMATS = ["JPEG", "PNG", "WEBP", *(["HEIF"] if CAN_READ_HEIC else [])]


class NoCopy(Exception):  # noqa: N818  reads as a fact
    """No copy of this kind of file can be made here."""


def make_copy(source: BinaryIO, target: BinaryIO, media_type: str) -> str:
    """Write the copy and return its media type. Raises NoCopy, or what the decoder raises."""
    source.seek(0)
    if media_type.startswith("image/"):
        return _picture(source, target, media_type)
    makers: dict[str, Callable[[BinaryIO, BinaryIO], None]] = {
        "application/pdf": _pdf,
        "text/plain": shutil.copyfileobj,
        "text/csv": shutil.copyfileobj,
        "audio/mpeg": _mp3,
        "audio/wav": _wav,
        "video/webm": _webm,
    }
    if media_type.startswith(OPEN_DOCUMENT):
        _open_document(source, target, media_type)
    elif media_type.startswith(OFFICE_OPEN):
        _office(source, target)
    elif media_type in {"video/mp4", "video/quicktime", "audio/mp4"}:
        _mp4(source, target)
    elif maker := makers.get(media_type):
        maker(source, target)
    else:
        raise NoCopy(media_type)
    return media_type


def _picture(source: BinaryIO, target: BinaryIO, media_type: str) -> str:
    if media_type == "image/heic" and not CAN_READ_HEIC:
        raise NoCopy(media_type)
    with Image.open(source, formats=FORMATS) as picture:
        picture.draft("RGB", (LONGEST, LONGEST))
        clear = "A" in picture.getbands() or "transparency" in picture.info
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((LONGEST, LONGEST))
        as_png = clear or picture.format == "PNG"
        bare = upright.convert("RGBA" if clear else "RGB")
    bare.info = {}
    if as_png:
        bare.save(target, "PNG")
        return "image/png"
    bare.save(target, "JPEG", quality=90)
    return "image/jpeg"


def _pdf(source: BinaryIO, target: BinaryIO) -> None:
    with pikepdf.open(source) as document:
        with contextlib.suppress(KeyError):
            del document.trailer["/Info"]
        for one in document.objects:
            if isinstance(one, (pikepdf.Dictionary, pikepdf.Stream)):
                _bare(one)
        document.remove_unreferenced_resources()
        document.save(target, deterministic_id=True, fix_metadata_version=False)


def _bare(one: Any) -> None:
    for key in ("/Metadata", "/PieceInfo", "/LastModified"):
        if key in one:
            del one[key]
    # The author of a comment stands in /T; in a form field that key is the field's name.
    if one.get("/Subtype") not in (None, "/Widget") and "/Rect" in one and "/T" in one:
        del one["/T"]


EMPTY_PARTS = {
    "docProps/core.xml": '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/'
    '2006/metadata/core-properties"/>',
    "docProps/app.xml": '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/'
    'extended-properties"/>',
    "docProps/custom.xml": '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/'
    'custom-properties"/>',
}
NAMES = re.compile(
    rb"""(\s(?:\w+:)?(?:author|initials|userId|providerId|displayName|lastModifiedBy|userName)=)"""
    rb"""("[^"]*"|'[^']*')"""
)
FILE_NAMES = re.compile(
    rb"""(\s(?:[\w-]+:)?(?:name|descr|title)=)("[^"]*\.(?:EXT)"|'[^']*\.(?:EXT)')""".replace(
        b"EXT", rb"png|jpe?g|gif|bmp|tiff?|webp|hei[cf]|svg|emf|wmf"
    ),
    re.IGNORECASE,
)
"""Programs write the name of the file that a picture came from beside it, and as its description."""
NAMED_AFTER_FILE = re.compile(
    rb"(<((?:[\w-]+:)?(?:title|desc))>)[^<]*\.(?:png|jpe?g|gif|bmp|tiff?|webp|hei[cf]|svg|emf|wmf)\s*(</\2>)",
    re.IGNORECASE,
)
AUTHOR_TEXT = re.compile(rb"(<(?:\w+:)?author>)[^<]*(</(?:\w+:)?author>)")
NAME_OF_PERSON = re.compile(rb"""(<(?:\w+:)?(?:cmAuthor|author)\b[^>]*?\sname=)("[^"]*"|'[^']*')""")


def _office(source: BinaryIO, target: BinaryIO) -> None:
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            if entry.is_dir():
                continue
            plain = zipfile.ZipInfo(entry.filename)
            plain.compress_type = zipfile.ZIP_DEFLATED
            lower = entry.filename.lower()
            if entry.filename in EMPTY_PARTS:
                new.writestr(plain, head + EMPTY_PARTS[entry.filename])
            elif lower.endswith((".xml", ".rels")):
                new.writestr(plain, _without_names(old.read(entry)))
            elif lower.endswith((".jpg", ".jpeg")):
                new.writestr(plain, without_segments(old.read(entry)))
            elif lower.startswith("docprops/"):
                new.writestr(plain, b"")
            else:
                with old.open(entry) as reading, new.open(plain, "w") as writing:
                    shutil.copyfileobj(reading, writing)


def _open_document(source: BinaryIO, target: BinaryIO, media_type: str) -> None:
    """Only what is drawn, and the list of it; the type first and unpacked, as readers expect it."""
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        new.writestr(zipfile.ZipInfo(opendocument.MIMETYPE), media_type)
        for entry in old.infolist():
            plain = zipfile.ZipInfo(entry.filename)
            plain.compress_type = zipfile.ZIP_DEFLATED
            lower = entry.filename.lower()
            if entry.filename == opendocument.MANIFEST:
                new.writestr(plain, opendocument.manifest_of(old.read(entry)))
            elif entry.is_dir() or not opendocument.is_kept(entry.filename):
                continue
            elif lower.endswith(".xml"):
                named = opendocument.without_persons(_without_names(old.read(entry)))
                new.writestr(plain, NAMED_AFTER_FILE.sub(rb"\1\3", named))
            elif lower.endswith((".jpg", ".jpeg")):
                new.writestr(plain, without_segments(old.read(entry)))
            else:
                with old.open(entry) as reading, new.open(plain, "w") as writing:
                    shutil.copyfileobj(reading, writing)


def _without_names(xml: bytes) -> bytes:
    if xml[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        xml = xml.decode("utf-16").encode()
        xml = re.sub(rb'encoding=["\'][^"\']*["\']', b'encoding="UTF-8"', xml, count=1)
    xml = NAMES.sub(rb'\1""', xml)
    xml = FILE_NAMES.sub(rb'\1""', xml)
    xml = AUTHOR_TEXT.sub(rb"\1\2", xml)
    return NAME_OF_PERSON.sub(rb'\1""', xml)


def without_segments(jpeg: bytes) -> bytes:
    """A JPEG without its APP1 to APP15 and comment segments; the picture itself is not touched."""
    if jpeg[:2] != b"\xff\xd8":
        return jpeg
    kept, at = bytearray(jpeg[:2]), 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        marker, length = jpeg[at + 1], struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
        # APP14 says how colours are meant, APP2 holds the colour profile.
        if not (0xE1 <= marker <= 0xEF or marker == 0xFE) or marker in {0xE2, 0xEE}:
            kept += jpeg[at : at + 2 + length]
        at += 2 + length
    return bytes(kept + jpeg[at:])


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


def _mp4(source: BinaryIO, target: BinaryIO) -> None:
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


def _mp3(source: BinaryIO, target: BinaryIO) -> None:
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


def _wav(source: BinaryIO, target: BinaryIO) -> None:
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


def _webm(source: BinaryIO, target: BinaryIO) -> None:
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
