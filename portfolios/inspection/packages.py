"""Copies of Office and OpenDocument files for others: the same content, and nobody named beside it.

Each part is written anew: XML without the names of authors, machines and folders, pictures and recordings
without their metadata, documents inside the document in the same way. Parts that hold only such facts are
emptied or left out, together with what points to them. Not removed: what people can read in the content.
"""

import io
import re
import shutil
import struct
import zipfile
from collections.abc import Callable
from typing import IO, Any, BinaryIO

from portfolios.inspection import opendocument, recordings
from portfolios.inspection.metadata import LIKE_HEIC, without_metadata

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
EMPTY_PARTS = {
    "docprops/core.xml": '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/'
    '2006/metadata/core-properties"/>',
    "docprops/app.xml": '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/'
    'extended-properties"/>',
    "docprops/custom.xml": '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/'
    'custom-properties"/>',
}
EMPTIED = re.compile(r"customxml/item\d*\.xml")
"""Data of programs beside the document: cover pages with company and telephone, sources with authors."""
LEFT_OUT = re.compile(
    r"docprops/(?!(?:core|app|custom)\.xml).*|_xmlsignatures/.*|(?:.*/)?printersettings/.*"
)
"""A picture of how the first page once looked, signatures with their certificates, the printer's name."""
POINTERS = re.compile(
    rb"""<Relationship\b[^>]*\bType=["'][^"']*/(?:thumbnail|digital-signature/origin|printerSettings)["'][^>]*/?>"""
    rb"""(?:\s*</Relationship>)?"""
)
OVERRIDES = re.compile(
    rb"""<Override\b[^>]*\bPartName=["']/(?:_xmlsignatures/|docProps/thumbnail|[^"']*printerSettings/)[^>]*/?>"""
)
PRINTED_BY = re.compile(rb"""(<(?:\w+:)?pageSetup\b[^>]*?)\s\w+:id=["'][^"']*["']""")
NAMES = re.compile(
    rb"""(\s(?:\w+:)?(?:author|initials|userId|providerId|displayName|lastModifiedBy|userName)=)"""
    rb"""("[^"]*"|'[^']*')"""
)
PICTURES = rb"png|jpe?g|gif|bmp|tiff?|webp|hei[cf]|svg|emf|wmf"
FILE_NAMES = re.compile(
    rb"""(\s(?:[\w-]+:)?(?:name|descr|title)=)("[^"]*\.(?:EXT)"|'[^']*\.(?:EXT)')""".replace(
        b"EXT", PICTURES
    ),
    re.IGNORECASE,
)
"""Programs write the name of the file that a picture came from beside it, and as its description."""
NAMED_AFTER_FILE = re.compile(
    rb"(<((?:[\w-]+:)?(?:title|desc))>)[^<]*\.(?:" + PICTURES + rb")\s*(</\2>)", re.IGNORECASE
)
AUTHOR_TEXT = re.compile(rb"(<(?:\w+:)?author>)([^<]*)(</(?:\w+:)?author>)")
NAME_OF_PERSON = re.compile(
    rb"""(<(?:\w+:)?(?:cmAuthor|author|chgData|userInfo)\b[^>]*?\sname=)("[^"]*"|'[^']*')"""
)
FOLDERS = re.compile(
    rb"""(=["'](?:file:/*)?(?:[A-Za-z]:)?[\\/]+(?:Users|home|Documents(?: |%20)and(?: |%20)Settings)[\\/]+)"""
    rb"""[^\\/"']+""",
    re.IGNORECASE,
)
"""The name that somebody has on a machine, in an address on its disk."""
FILES = re.compile(rb"""(\s(?:Target|url)=)(["'])(?:file:|[A-Za-z]:[\\/]|\\\\)[^"']*\2""")
EDITED = re.compile(
    rb"""\s(?:\w+:)(?:rsid\w*|paragraph-rsid)=(?:"[0-9A-Fa-f]*"|'[0-9A-Fa-f]*')"""
    rb"""|<(?:\w+:)rsids>.*?</(?:\w+:)rsids>|<(?:\w+:)docId\b[^>]*/>""",
    re.DOTALL,
)
"""Numbers of editing sessions and of the document: they tell which documents come from one hand."""
FIELD = re.compile(
    rb"""(?:<w:instrText[^>]*>|<w:fldSimple\b[^>]*\bw:instr=["'])\s*"""
    rb"""(?:AUTHOR|LASTSAVEDBY|USERNAME|USERINITIALS|USERADDRESS|FILENAME|TEMPLATE)\b"""
    rb""".*?(?:w:fldCharType=["']end["']|</w:fldSimple>)""",
    re.DOTALL,
)
BOUND = re.compile(
    rb"""<w:sdt>(?:(?!</?w:sdt>).)*?<w:dataBinding\b[^>]*(?:creator|lastModifiedBy|Company|Manager)(?:(?!</?w:sdt>).)*</w:sdt>""",
    re.DOTALL,
)
SHOWN = re.compile(rb"(<w:t(?:\s[^>]*)?>)[^<]*(</w:t>)")
DEEPEST = 3
"""Documents inside documents; deeper ones are left empty."""


def office(source: BinaryIO, target: BinaryIO, depth: int = 0) -> None:
    """DOCX, XLSX, PPTX, and those inside them."""
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            lower = entry.filename.lower()
            if entry.is_dir() or LEFT_OUT.fullmatch(lower):
                continue
            plain = zipfile.ZipInfo(entry.filename)
            plain.compress_type = zipfile.ZIP_DEFLATED
            if lower in EMPTY_PARTS:
                new.writestr(plain, HEAD + EMPTY_PARTS[lower])
            elif EMPTIED.fullmatch(lower):
                new.writestr(plain, f"{HEAD}<empty/>")
            elif lower.endswith((".xml", ".rels", ".vml")):
                new.writestr(plain, without_names(old.read(entry)))
            else:
                with new.open(plain, "w", force_zip64=entry.file_size > 2**30) as writing:
                    _part(old, entry, writing, depth)


def open_document(source: BinaryIO, target: BinaryIO, media_type: str) -> None:
    """Only what is drawn, and the list of it; the type first and unpacked, as readers expect it."""
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        new.writestr(zipfile.ZipInfo(opendocument.MIMETYPE), media_type)
        for entry in old.infolist():
            plain = zipfile.ZipInfo(entry.filename)
            plain.compress_type = zipfile.ZIP_DEFLATED
            if entry.filename == opendocument.MANIFEST:
                new.writestr(plain, opendocument.manifest_of(old.read(entry)))
            elif entry.is_dir() or not opendocument.is_kept(entry.filename):
                continue
            elif entry.filename.lower().endswith(".xml"):
                named = opendocument.without_persons(without_names(old.read(entry)))
                new.writestr(plain, NAMED_AFTER_FILE.sub(rb"\1\3", named))
            else:
                with new.open(plain, "w", force_zip64=entry.file_size > 2**30) as writing:
                    _part(old, entry, writing, DEEPEST)


RECORDINGS: tuple[tuple[int, bytes, Callable[[BinaryIO, BinaryIO], None]], ...] = (
    (4, b"ftyp", recordings.mp4),
    (4, b"moov", recordings.mp4),
    (0, b"ID3", recordings.mp3),
    (8, b"WAVE", recordings.wav),
    (0, b"\x1a\x45\xdf\xa3", recordings.webm),
)


def _part(old: zipfile.ZipFile, entry: zipfile.ZipInfo, writing: IO[bytes], depth: int) -> None:
    """A part that is no XML: a picture, a recording, a document, a typeface, or what nobody knows."""
    with old.open(entry) as reading:
        head = reading.read(16)
    out: Any = writing
    if head.startswith(b"PK\x03\x04"):
        if depth < DEEPEST:
            office(io.BytesIO(old.read(entry)), out, depth + 1)
        return
    for place, sign, maker in RECORDINGS:
        if head[place:].startswith(sign) and head[8:12] not in LIKE_HEIC:
            made = io.BytesIO()
            try:
                maker(io.BytesIO(old.read(entry)), made)
            except (ValueError, struct.error):
                return  # nobody can say what is in it, so nothing of it goes on
            out.write(made.getbuffer())
            return
    if entry.file_size <= MOST_PICTURE:
        out.write(without_metadata(old.read(entry)))
        return
    with old.open(entry) as reading:
        shutil.copyfileobj(reading, out)


MOST_PICTURE = 256 * 1024 * 1024


def without_names(xml: bytes) -> bytes:
    """A part without the names of people, machines and folders that stand beside the content."""
    if xml[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        xml = xml.decode("utf-16").encode()
        xml = re.sub(rb'encoding=["\'][^"\']*["\']', b'encoding="UTF-8"', xml, count=1)
    for names in set(AUTHOR_TEXT.findall(xml)):
        # Spreadsheets begin a comment with the name of who wrote it.
        if names[1].strip():
            xml = xml.replace(b">" + names[1] + b":", b">")
    xml = AUTHOR_TEXT.sub(rb"\1\3", xml)
    for pattern in (POINTERS, OVERRIDES, EDITED):
        xml = pattern.sub(b"", xml)
    xml = PRINTED_BY.sub(rb"\1", xml)
    for pattern in (NAMES, FILE_NAMES, NAME_OF_PERSON):
        xml = pattern.sub(rb'\1""', xml)
    xml = FILES.sub(rb"\1\2file:///\2", xml)
    xml = FOLDERS.sub(rb"\1-", xml)
    for pattern in (FIELD, BOUND):
        xml = pattern.sub(lambda found: SHOWN.sub(rb"\1\2", found[0]), xml)
    return xml
