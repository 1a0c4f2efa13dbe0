"""What a file is, by its first bytes and by what lies inside. Reads, never runs; called in the helper only."""

import codecs
import contextlib
import io
import struct
import warnings
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

import pikepdf
import puremagic
from PIL import Image

from portfolios.definitions import IN_WORDS, OPEN_DOCUMENT, extension_of, type_of_extension
from portfolios.inspection import opendocument
from portfolios.inspection.metadata import HEIC_BRANDS
from portfolios.inspection.opendocument import DAMAGED, MACROS, PROTECTED

MAX_PIXELS = 100_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
MAX_ENTRIES = 10_000
MAX_UNPACKED = 2 * 1024**3
SMALL_UNPACKED = 64 * 1024**2
MAX_RATIO = 10
HEAD = 4096
MAX_OBJECTS = 500_000
TWO_KINDS = "This file is two kinds of file at once. Export it again from the program that made it."
OTHER_CONTENT = (
    "The content of this file is not what its name says (.{extension}). Export it again from the program that"
    " made it."
)
TOO_MANY_PIXELS = "This picture has too many pixels. Save a smaller copy and add that."

OFFICE = {
    "wordprocessingml.document.main+xml": "docx",
    "spreadsheetml.sheet.main+xml": "xlsx",
    "presentationml.presentation.main+xml": "pptx",
}
MARKUP = (b"<!doctype", b"<html", b"<svg", b"<script", b"<?xml", b"<head", b"<body", b"<iframe")
AUDIO_BRANDS = {b"M4A ", b"M4B "}
VIDEO_BRANDS = {b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash"}
VIDEO_BRANDS |= {b"M4V ", b"M4VH", b"M4VP", b"3gp4", b"3gp5", b"MSNV"}


@dataclass(frozen=True)
class Verdict:
    """The type that was found, or a sentence that says why the file is refused."""

    media_type: str = ""
    refusal: str = ""


def signature(head: bytes) -> str:
    """The media type of the signature at the fixed place; "zip" for an archive, "" for none of ours."""
    fixed = (
        (b"%PDF-", "application/pdf"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"PK\x03\x04", "zip"),
        (b"ID3", "audio/mpeg"),
    )
    for start, media_type in fixed:
        if head.startswith(start):
            return media_type
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return _brand(head[8:12])
    if head[:4] == b"\x1a\x45\xdf\xa3" and b"webm" in head[:64]:
        return "video/webm"
    if len(head) > 2 and head[0] == 0xFF and head[1] in {0xFB, 0xF3, 0xF2, 0xFA}:
        return "audio/mpeg"
    return ""


def _brand(brand: bytes) -> str:
    if brand in HEIC_BRANDS:
        return "image/heic"
    if brand in AUDIO_BRANDS:
        return "audio/mp4"
    if brand == b"qt  ":
        return "video/quicktime"
    return "video/mp4" if brand in VIDEO_BRANDS else ""


def examine(file: BinaryIO, name: str) -> Verdict:
    """Say what a file is. Extension and signature must agree; everything unknown is refused."""
    extension = extension_of(name)
    claimed = type_of_extension(extension)
    if not claimed:
        return Verdict(refusal=f"We cannot take this kind of file. You can add {IN_WORDS}.")
    head = file.read(HEAD)
    file.seek(0)
    if not head:
        return Verdict(refusal="This file is empty. Choose another file.")
    if claimed in {"text/plain", "text/csv"}:
        return _examine_text(file, head, claimed)
    found = signature(head)
    if found == "zip":
        return _examine_office(file, extension)
    if found == claimed and (_ends_as_archive(file) or _second_opinion(file, head)):
        return Verdict(refusal=TWO_KINDS)
    if found != claimed:
        return Verdict(refusal=OTHER_CONTENT.format(extension=extension))
    if found in {"image/jpeg", "image/png", "image/webp", "image/heic"}:
        return _examine_image(file, found)
    if found == "application/pdf":
        return _examine_pdf(file)
    return Verdict(found)


def _ends_as_archive(file: BinaryIO) -> bool:
    """Whether a zip archive ends where the file ends: readers of archives look there, not at the start."""
    end = file.seek(0, io.SEEK_END)
    file.seek(max(0, end - 66_000))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return False
    size, start, comment = struct.unpack("<IIH", tail[at + 12 : at + 22])
    return bool(at + 22 + comment == len(tail) and size + start <= end)


def _second_opinion(file: BinaryIO, head: bytes) -> bool:
    """Whether puremagic, which looks at both ends, finds something that a browser would run."""
    file.seek(max(len(head), file.seek(0, io.SEEK_END) - HEAD))
    both = head + file.read()
    file.seek(0)
    with contextlib.suppress(puremagic.PureError, ValueError):
        found: list[Any] = puremagic.magic_string(both)
        kinds: set[str] = {one.mime_type for one in found if one.confidence >= 0.4}
        return not kinds.isdisjoint(RUNS)
    return False


def _examine_pdf(file: BinaryIO) -> Verdict:
    """No password, nothing that acts by itself, no files inside; and it can be opened at all."""
    try:
        with pikepdf.open(file) as document:
            if document.is_encrypted:
                return Verdict(refusal=PROTECTED)
            if len(document.objects) > MAX_OBJECTS:
                return Verdict(refusal="This document has too many parts. Print it to a new PDF.")
            if any(_acts(one) for one in document.objects):
                return Verdict(
                    refusal="This PDF holds a program or other files. Print it to a new PDF and add that."
                )
            if not len(document.pages):
                return Verdict(refusal="This PDF has no pages. Export it again.")
    except pikepdf.PasswordError:
        return Verdict(refusal=PROTECTED)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  a damaged file may raise anything
        return Verdict(refusal=DAMAGED)
    return Verdict("application/pdf")


def _acts(one: object) -> bool:
    if not isinstance(one, (pikepdf.Dictionary, pikepdf.Stream)):
        return False
    if "/JS" in one or one.get("/S") in ACTIONS or one.get("/Type") == "/EmbeddedFile":
        return True
    return "/EF" in one or "/RichMediaContent" in one


ACTIONS = {"/JavaScript", "/Launch", "/ImportData"}
RUNS = {
    "text/html",
    "application/xhtml+xml",
    "image/svg+xml",
    "application/x-msdownload",
    "application/x-dosexec",
    "application/java-archive",
}


def _examine_text(file: BinaryIO, head: bytes, claimed: str) -> Verdict:
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(MARKUP) or signature(head):
        return Verdict(
            refusal="The content of this file is not plain text. Save it as text or PDF."
        )
    encoding = "utf-16" if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while piece := file.read(1024 * 1024):
            text = decoder.decode(piece)
            if any(ord(letter) < 32 and letter not in "\t\r\n\f" for letter in text):
                return Verdict(refusal="The content of this file is not plain text.")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return Verdict(refusal="The letters in this file cannot be read. Save it as UTF-8 text.")
    return Verdict(claimed)


def _examine_image(file: BinaryIO, found: str) -> Verdict:
    refusal = "This picture is damaged and cannot be opened. Save it again and add the new file."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=_formats()) as picture:
                size = picture.width * picture.height
                picture.verify()
            if size > MAX_PIXELS:
                return Verdict(refusal=TOO_MANY_PIXELS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Verdict(refusal=TOO_MANY_PIXELS)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  a decoder fed with a damaged file may raise anything
        if found == "image/heic" and "HEIF" not in _formats():
            return Verdict(found)  # nothing here can read it; nothing shows it either
        return Verdict(refusal=refusal)
    return Verdict(found)


def _formats() -> list[str]:
    return ["JPEG", "PNG", "WEBP", *(["HEIF"] if "HEIF" in Image.OPEN else [])]


def _examine_office(file: BinaryIO, extension: str) -> Verdict:
    """An archive is taken only as an Office document without macros, within the limits for unpacking."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if problem := _archive_problem(entries):
                return Verdict(refusal=problem)
            if problem := _contents_problem(archive, entries):
                return Verdict(refusal=problem)
            if opendocument.MIMETYPE in archive.namelist():
                return _examine_open_document(archive, entries, extension)
            with archive.open("[Content_Types].xml") as part:
                types = part.read(1024 * 1024).decode("utf-8", "replace")
    except (zipfile.BadZipFile, KeyError, EOFError, OSError, NotImplementedError, RuntimeError):
        return Verdict(refusal=f"We cannot take this kind of file. You can add {IN_WORDS}.")
    if "macroEnabled" in types:
        return Verdict(refusal=MACROS)
    kind = next((short for marker, short in OFFICE.items() if marker in types), "")
    if kind != extension:
        return Verdict(refusal=OTHER_CONTENT.format(extension=extension))
    return Verdict(type_of_extension(kind))


def _examine_open_document(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], extension: str
) -> Verdict:
    """The part that names the type must name that of the extension; no document of another family inside."""
    with archive.open(opendocument.MIMETYPE) as part:
        named = part.read(200).decode("ascii", "replace").strip()
    if "[Content_Types].xml" in archive.namelist():
        return Verdict(refusal=TWO_KINDS)
    if named != type_of_extension(extension) or not named.startswith(OPEN_DOCUMENT):
        return Verdict(refusal=OTHER_CONTENT.format(extension=extension))
    if problem := opendocument.problem_in(archive, entries):
        return Verdict(refusal=problem)
    return Verdict(named)


def _archive_problem(entries: Iterable[zipfile.ZipInfo]) -> str:
    found = list(entries)
    unpacked = sum(entry.file_size for entry in found)
    packed = max(1, sum(entry.compress_size for entry in found))
    too_much = "This document unpacks to more than we can take. Add it as a PDF."
    if len(found) > MAX_ENTRIES or unpacked > MAX_UNPACKED:
        return too_much
    if unpacked > SMALL_UNPACKED and unpacked > MAX_RATIO * packed:
        return too_much
    for entry in found:
        name = entry.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/"):
            return DAMAGED
        if entry.flag_bits & 1:
            return PROTECTED
        if "vbaproject" in name.lower() or "/macrosheets/" in name.lower():
            return MACROS
    return ""


FETCHES = (b"attachedTemplate", b"oleObject", b"/frame", b"/subDocument")
OLE = b"\xd0\xcf\x11\xe0"


PROLOG = 64 * 1024


def _contents_problem(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> str:
    """Parts that define entities, fetch something from outside, run, or are archives themselves."""
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename.lower()
        if entry.is_dir():
            continue
        if name in seen:
            return DAMAGED
        seen.add(name)
        with archive.open(entry) as part:
            head = part.read(PROLOG)
            if name.endswith((".xml", ".rels", ".vml")):
                plain = head.replace(b"\0", b"")
                if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
                    return DAMAGED
                # A type could be declared further on only if so much stood before the first element.
                if len(head) == PROLOG and not _has_begun(plain):
                    return DAMAGED
                if name.endswith(".rels") and _fetches(plain):
                    return opendocument.FETCHES
            elif head.startswith(OLE) or "/activex/" in name:
                return opendocument.RUNS
            elif head.startswith(b"PK\x03\x04"):
                whole = head + part.read(SMALL_UNPACKED)
                with zipfile.ZipFile(io.BytesIO(whole)) as inner:
                    if problem := _archive_problem(inner.infolist()):
                        return problem
    return ""


def _has_begun(xml: bytes) -> bool:
    """Whether more than comments and instructions stands there."""
    at = 0
    while (at := xml.find(b"<", at)) >= 0:
        ends = {b"<!--": b"-->", b"<?": b"?>"}
        end = next((ends[one] for one in ends if xml.startswith(one, at)), None)
        if end is None:
            return True
        at = xml.find(end, at + 2)
        if at < 0:
            return False
    return False


def _fetches(rels: bytes) -> bool:
    for one in rels.split(b"<Relationship ")[1:]:
        if b'TargetMode="External"' in one and any(kind in one.split(b">")[0] for kind in FETCHES):
            return True
    return False
