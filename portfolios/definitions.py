"""Which files may be evidence, and how each is recognised by its first bytes. Pure; reads, never runs."""

import codecs
import io
import warnings
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

from PIL import Image, ImageOps

MAX_PIXELS = 100_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
MAX_ENTRIES = 10_000
MAX_UNPACKED = 2 * 1024**3
SMALL_UNPACKED = 64 * 1024**2
MAX_RATIO = 10
HEAD = 4096

ALLOWED: dict[str, tuple[str, ...]] = {
    "application/pdf": ("pdf",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/png": ("png",),
    "image/webp": ("webp",),
    "image/heic": ("heic", "heif"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("pptx",),
    "video/mp4": ("mp4", "m4v"),
    "video/quicktime": ("mov",),
    "video/webm": ("webm",),
    "audio/mpeg": ("mp3",),
    "audio/mp4": ("m4a",),
    "audio/wav": ("wav",),
    "text/plain": ("txt",),
    "text/csv": ("csv",),
}
"""Media type → extensions that may go with it."""
EXTENSIONS = sorted(extension for found in ALLOWED.values() for extension in found)
IN_WORDS = "PDF, Word, Excel, PowerPoint, JPEG, PNG, WebP, HEIC, MP4, MOV, WebM, MP3, M4A, WAV, text and CSV"
OFFICE = {
    "wordprocessingml.document.main+xml": "docx",
    "spreadsheetml.sheet.main+xml": "xlsx",
    "presentationml.presentation.main+xml": "pptx",
}
MARKUP = (b"<!doctype", b"<html", b"<svg", b"<script", b"<?xml", b"<head", b"<body", b"<iframe")
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"}
AUDIO_BRANDS = {b"M4A ", b"M4B "}
VIDEO_BRANDS = {b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash"}
VIDEO_BRANDS |= {b"M4V ", b"M4VH", b"M4VP", b"3gp4", b"3gp5", b"MSNV"}


@dataclass(frozen=True)
class Verdict:
    """The type that was found, or a sentence that says why the file is refused."""

    media_type: str = ""
    refusal: str = ""


def extension_of(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def type_of_extension(extension: str) -> str:
    """The media type that goes with an extension; empty where it is not allowed."""
    return next((kind for kind, found in ALLOWED.items() if extension in found), "")


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


def examine(file: IO[bytes], name: str) -> Verdict:
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
    if found != claimed:
        return Verdict(
            refusal=f"The content of this file is not what its name says (.{extension})."
            " Export it again from the program that made it."
        )
    if found in {"image/jpeg", "image/png", "image/webp"}:
        return _examine_image(file, found)
    return Verdict(found)


def _examine_text(file: IO[bytes], head: bytes, claimed: str) -> Verdict:
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


def _examine_image(file: IO[bytes], found: str) -> Verdict:
    refusal = "This picture is damaged and cannot be opened. Save it again and add the new file."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=["JPEG", "PNG", "WEBP"]) as picture:
                picture.verify()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Verdict(
            refusal="This picture has too many pixels. Save a smaller copy and add that."
        )
    except Exception:  # noqa: BLE001  a decoder fed with a damaged file may raise anything
        return Verdict(refusal=refusal)
    return Verdict(found)


def _examine_office(file: IO[bytes], extension: str) -> Verdict:
    """An archive is taken only as an Office document without macros, within the limits for unpacking."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if problem := _archive_problem(entries):
                return Verdict(refusal=problem)
            with archive.open("[Content_Types].xml") as part:
                types = part.read(1024 * 1024).decode("utf-8", "replace")
    except (zipfile.BadZipFile, KeyError, EOFError, OSError, NotImplementedError, RuntimeError):
        return Verdict(refusal=f"We cannot take this kind of file. You can add {IN_WORDS}.")
    if "macroEnabled" in types:
        return Verdict(refusal="This document holds macros. Save it without macros and add that.")
    kind = next((short for marker, short in OFFICE.items() if marker in types), "")
    if kind != extension:
        return Verdict(
            refusal=f"The content of this file is not what its name says (.{extension})."
            " Export it again from the program that made it."
        )
    return Verdict(type_of_extension(kind))


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
            return "This document is damaged. Save it again and add the new file."
        if entry.flag_bits & 1:
            return "This document is protected by a password. Save it without one and add that."
        if name.lower().endswith("vbaproject.bin"):
            return "This document holds macros. Save it without macros and add that."
    return ""


def copy_without_metadata(file: IO[bytes], longest: int = 2000) -> bytes:
    """A JPEG of the picture, turned the right way up, without location or any other EXIF data."""
    with Image.open(file, formats=["JPEG", "PNG", "WEBP"]) as picture:
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((longest, longest))
        flat = Image.new("RGB", upright.size, "white")
        mask = upright.convert("RGBA")
        flat.paste(mask, mask=mask.getchannel("A"))
    made = io.BytesIO()
    flat.save(made, "JPEG", quality=85)
    return made.getvalue()
