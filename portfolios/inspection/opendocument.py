"""OpenDocument files (ODT, ODS, ODP): what is refused in them, and the copy for others that names nobody.

Elements are told by their namespaces, never by prefixes, which a file may choose. Parts are read in pieces.
"""

import re
import zipfile
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

MIMETYPE = "mimetype"
MANIFEST = "META-INF/manifest.xml"
URN = "urn:oasis:names:tc:opendocument:xmlns:"
XLINK = "http://www.w3.org/1999/xlink}href"
PIECE = 256 * 1024
READ = re.compile(r"(?:[^/]+/){0,3}(?:content|styles)\.xml")
"""The parts that a program draws from: those of the document, and of charts and formulas inside it."""
LIBRARY = re.compile(r"(?:^|/)(?:basic|scripts)/", re.IGNORECASE)
EMPTY_LIBRARIES = ("script-lc.xml", "script-lb.xml", "dialog-lc.xml", "dialog-lb.xml")

MACROS = "This document holds macros. Save it without macros and add that."
PROTECTED = "This document is protected by a password. Save it without one and add that."
DAMAGED = "This document is damaged. Save it again and add the new file."
RUNS = "This document holds an object that can run. Add it as a PDF."
FETCHES = "This document fetches parts of itself from elsewhere. Add it as a PDF."

OBJECTS = {f"{URN}drawing:1.0}}{name}" for name in ("applet", "plugin", "floating-frame")}
OBJECTS |= {f"{URN}drawing:1.0}}object-ole"}
SOURCES = {
    f"{URN}office:1.0}}dde-source",
    f"{URN}text:1.0}}dde-connection-decl",
    f"{URN}text:1.0}}section-source",
    f"{URN}text:1.0}}alphabetical-index-auto-mark-file",
    f"{URN}table:1.0}}table-source",
    f"{URN}table:1.0}}cell-range-source",
    f"{URN}form:1.0}}connection-resource",
}
SCRIPTS = {f"{URN}script:1.0}}event-listener", f"{URN}office:1.0}}script"}
STARTS = {"execute", "execute-macro", "verb"}
FOLLOWED = (f"{URN}form:", f"{URN}presentation:")
"""What may hold an address that somebody has to press."""


def problem_in(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> str:
    """Why the document is refused, as a sentence; empty where nothing speaks against it."""
    names = {entry.filename for entry in entries}
    for name in names:
        if LIBRARY.search(name) and not name.endswith((*EMPTY_LIBRARIES, "/")):
            return MACROS
    if MANIFEST not in names or "content.xml" not in names:
        return DAMAGED
    if problem := _read(archive, MANIFEST, _encrypted):
        return problem
    watch = _Watch(names)
    for name in sorted(names):
        if READ.fullmatch(name) and (problem := _read(archive, name, watch)):
            return problem
    return ""


def _read(archive: zipfile.ZipFile, name: str, look: Callable[[str, dict[str, str]], str]) -> str:
    """Show each element of a part to `look`; its first objection, or DAMAGED."""
    problems: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if not problems and (problem := look(tag, attributes)):
            problems.append(problem)

    def declares(*_of: Any) -> None:
        problems.append(DAMAGED)

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler = start
    # Documents of this kind declare no types; whoever declares entities means harm.
    parser.StartDoctypeDeclHandler = declares
    try:
        with archive.open(name) as part:
            while not problems and (piece := part.read(PIECE)):
                parser.Parse(piece, False)
        if not problems:
            parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError):
        return DAMAGED
    return problems[0] if problems else ""


def _encrypted(tag: str, _attributes: dict[str, str]) -> str:
    return PROTECTED if tag.endswith("}encryption-data") else ""


class _Watch:
    """Looks for what runs, and for what comes from outside the document."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def __call__(self, tag: str, attributes: dict[str, str]) -> str:
        if tag in SCRIPTS:
            return MACROS
        if attributes.get(f"{URN}presentation:1.0}}action") in STARTS or tag in OBJECTS:
            return RUNS
        if tag in SOURCES:
            return FETCHES
        address = attributes.get(XLINK, "")
        if not address or tag.endswith("}a") or tag.startswith(FOLLOWED):
            return ""
        return "" if self.is_inside(address) else FETCHES

    def is_inside(self, address: str) -> bool:
        """Whether an address leads to a part of the document, or to a place in it."""
        path = address.removeprefix("./")
        while path.startswith("../"):  # from a chart to the document that it stands in
            path = path.removeprefix("../")
        return (
            path.startswith("#")
            or not path
            or any(name == path or name.startswith(f"{path.rstrip('/')}/") for name in self.names)
            # A program that has lost a picture leaves its address.
            or re.fullmatch(r"(?:Pictures|Object[^/:]*|ObjectReplacements)[^:]*", path) is not None
        )


# --- the copy for others -----------------------------------------------------------------------------

KEPT = re.compile(
    r"(?:[^/]+/){0,3}(?:content|styles)\.xml|(?:[^/]+/)?(?:Pictures|Fonts|ObjectReplacements)/.+"
)
PERSONS = re.compile(
    rb"(<((?:[\w-]+:)?(?:creator|initial-creator|printed-by|author-name|author-initials|creator-initials"
    rb"|sender-[a-z-]+|file-name|template-name))\b[^>]*(?<!/)>)[^<]*(</\2\s*>)"
)
"""Who wrote a comment or a change, and fields that show the author, the file or the template."""
ENTRY = re.compile(rb"<(?:[\w-]+:)?file-entry\b[^>]*>(?:\s*</(?:[\w-]+:)?file-entry\s*>)?")
PATH = re.compile(rb"""\s(?:[\w-]+:)?full-path=["']([^"']*)["']""")


def without_persons(xml: bytes) -> bytes:
    """A part without the names of who wrote, changed or printed it."""
    return PERSONS.sub(rb"\1\3", xml)


def is_kept(name: str) -> bool:
    """What is drawn. Metadata, settings, thumbnails, older versions, signatures and toolbars are not."""
    return KEPT.fullmatch(name) is not None


def manifest_of(xml: bytes) -> bytes:
    """The list of parts without those that the copy does not have."""

    def kept(found: re.Match[bytes]) -> bytes:
        path = PATH.search(found[0])
        name = path[1].decode("utf-8", "replace") if path else ""
        return found[0] if name == "/" or name.endswith("/") or is_kept(name) else b""

    return ENTRY.sub(kept, xml)
