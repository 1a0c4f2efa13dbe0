"""Pictures that lie inside documents, without what names person, place or device, and without decoding them.

What is kept is a list, not what is dropped: of a JPEG its tables, frames and colours, of a PNG and a WebP the
chunks that say how it looks. Where places inside the file count (TIFF, JPEG XR, EMF, WMF, JPEG 2000, HEIC), what
is taken out is overwritten instead. Not touched: BMP, comments in the drawing of an EMF (later drawings lie in
them), and what can be seen in the picture.
"""

import base64
import re
import struct
from collections.abc import Callable, Iterator

JPEG = b"\xff\xd8\xff"
PNG = b"\x89PNG\r\n\x1a\n"
JP2 = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
CODESTREAM = b"\xff\x4f\xff\x51"
PLACEABLE = b"\xd7\xcd\xc6\x9a"
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"}
LIKE_HEIC = HEIC_BRANDS | {b"avif", b"avis"}
MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")


def without_metadata(raw: bytes) -> bytes:
    """The picture, in the same form, with the same pixels; anything that is no picture of these as it is."""
    for start, bare in KINDS:
        if raw.startswith(start):
            return bare(raw)
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return webp(raw)
    if raw[:4] == b"\x01\x00\x00\x00" and raw[40:44] == b" EMF":
        return emf(raw)
    if raw[4:8] == b"ftyp" and raw[8:12] in LIKE_HEIC:
        return heic(raw)
    if b"<svg" in raw[:4096]:
        return svg(raw)
    return raw


def jpeg(raw: bytes) -> bytes:
    """Without comments and application segments but those of colours, and without what lies behind its end."""
    kept, at, inside = bytearray(raw[:2]), 2, False
    while found := MARKER.search(raw, at):
        if inside:
            kept += raw[at : found.start()]
        marker, start = raw[found.start() + 1], found.start()
        if marker == 0xD9:
            return bytes(kept + b"\xff\xd9")
        end = start + 2 + max(2, int.from_bytes(raw[start + 2 : start + 4], "big"))
        if not _tells(marker, raw[start + 4 : start + 18]):
            kept += raw[start:end]
        inside, at = inside or marker == 0xDA, end
    return bytes(kept + raw[at:]) if inside else bytes(kept)


def _tells(marker: int, content: bytes) -> bool:
    """Whether a segment may name something. APP0 says the resolution, APP2 and APP14 how colours are meant."""
    if marker == 0xFE or 0xE0 <= marker <= 0xEF:
        needed = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}.get(marker)
        return needed is None or not content.startswith(needed)
    return False


def blanked_jpeg(raw: bytes) -> bytes:
    """A JPEG at the start of these bytes, as long as before: what may name something is overwritten.

    Ends with its first scan; what follows is left as it is.
    """
    made, at = bytearray(raw), 2
    while at + 4 <= len(raw) and raw[at] == 0xFF and raw[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
        if _tells(raw[at + 1], raw[at + 4 : at + 18]):
            made[at + 4 : end] = bytes(len(made[at + 4 : end]))
        at = max(end, at + 4)
    return bytes(made)


PNG_KEPT = b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT bKGD hIST pHYs sPLT cICP mDCV cLLI acTL fcTL fdAT"


def png(raw: bytes) -> bytes:
    """Only the chunks that say how it looks: no text, no time, no EXIF, nothing of one program alone."""
    kept, at, wanted = bytearray(PNG), len(PNG), set(PNG_KEPT.split())
    while at + 12 <= len(raw):
        size, kind = struct.unpack_from(">I4s", raw, at)
        if kind in wanted:
            kept += raw[at : at + 12 + size]
        at += 12 + size
        if kind == b"IEND":
            break
    return bytes(kept)


def gif(raw: bytes) -> bytes:
    """Without comments, and of the extensions of programs only that which repeats an animation."""
    at = 13 + (3 << ((raw[10] & 7) + 1) if len(raw) > 12 and raw[10] & 0x80 else 0)
    kept = bytearray(raw[:at])
    while at < len(raw):
        start = at
        if raw[at] == 0x21:
            at += 2
            drop = raw[start + 1 : start + 2] == b"\xfe" or (
                raw[start + 1 : start + 2] == b"\xff"
                and raw[start + 3 : start + 14] not in {b"NETSCAPE2.0", b"ANIMEXTS1.0"}
            )
        elif raw[at] == 0x2C and at + 10 <= len(raw):
            at += 11 + (3 << ((raw[at + 9] & 7) + 1) if raw[at + 9] & 0x80 else 0)
            drop = False
        else:
            break
        while at < len(raw) and raw[at]:
            at += 1 + raw[at]
        at += 1
        if not drop:
            kept += raw[start:at]
    return bytes(kept + b";")


WEBP_KEPT = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"}


def webp(raw: bytes) -> bytes:
    """Without EXIF, XMP and chunks of programs."""
    kept, at = bytearray(), 12
    while at + 8 <= len(raw):
        kind, size = struct.unpack_from("<4sI", raw, at)
        whole = bytearray(raw[at : at + 8 + size + size % 2])
        if kind == b"VP8X" and len(whole) > 8:
            whole[8] &= ~0b1100  # there is neither EXIF nor XMP any more
        if kind in WEBP_KEPT:
            kept += whole
        at += 8 + size + size % 2
    return b"RIFF" + struct.pack("<I", len(kept) + 4) + b"WEBP" + bytes(kept)


TAGS = {270, 271, 272, 285, 305, 306, 315, 316, 700, 33432, 33723, 34377, 37724, 42112}
TAGS |= set(range(40091, 40096))
"""Descriptions, makers, programs, times, authors, hosts, XMP, rights, IPTC, Photoshop, names by Windows."""
DIRECTORIES = {34665, 34853, 40965}
"""EXIF, GPS, interoperability: everything in them goes."""
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
MOST_DIRECTORIES = 1000


def tiff(raw: bytes) -> bytes:
    """TIFF and JPEG XR with the values of such tags overwritten; no place in the file moves."""
    order = "<" if raw[:2] == b"II" else ">"
    made, seen = bytearray(raw), set[int]()
    waiting = [(struct.unpack_from(f"{order}I", raw, 4)[0], False)] if len(raw) >= 8 else []
    while waiting and len(seen) < MOST_DIRECTORIES:
        at, every = waiting.pop()
        if at in seen or not 8 <= at <= len(raw) - 2:
            continue
        seen.add(at)
        count = struct.unpack_from(f"{order}H", raw, at)[0]
        for one in range(at + 2, min(at + 2 + 12 * count, len(raw) - 11), 12):
            tag, kind, many = struct.unpack_from(f"{order}HHI", raw, one)
            place = struct.unpack_from(f"{order}I", raw, one + 8)[0]
            size = SIZES.get(kind, 1) * many
            if tag in DIRECTORIES:
                waiting.append((place, True))
            elif every or tag in TAGS:
                start = one + 8 if size <= 4 else place
                end = min(start + size, len(made))
                made[start:end] = bytes(max(0, end - start))
        following = at + 2 + 12 * count
        if not every and following + 4 <= len(raw):
            waiting.append((struct.unpack_from(f"{order}I", raw, following)[0], False))
    return bytes(made)


def emf(raw: bytes) -> bytes:
    """An enhanced metafile without the name of its program and picture."""
    letters, place = struct.unpack_from("<II", raw, 60) if len(raw) >= 68 else (0, 0)
    made, end = bytearray(raw), min(place + 2 * letters, len(raw))
    if 88 <= place < end:
        made[place:end] = bytes(end - place)
    return bytes(made)


def wmf(raw: bytes) -> bytes:
    """A metafile of the older kind with its comments overwritten; drawings of newer programs go with them."""
    made, at = bytearray(raw), 40 if raw.startswith(PLACEABLE) else 18
    while at + 6 <= len(raw):
        words, does = struct.unpack_from("<IH", raw, at)
        end = at + 2 * max(words, 3)
        if does == 0x0626 and raw[at + 6 : at + 8] == b"\x0f\0":
            made[at + 10 : end] = bytes(len(made[at + 10 : end]))
        at = end
    return bytes(made)


ABOUT = re.compile(
    rb"<(metadata|(?:sodipodi|inkscape):[\w-]+)\b(?:[^>]*/>|.*?</\1\s*>)|<!--.*?-->", re.DOTALL
)
FROM_PROGRAMS = re.compile(rb"""\s(?:sodipodi|inkscape):[\w-]+=(?:"[^"]*"|'[^']*')""")
WITHIN = re.compile(rb"(data:image/[\w+.-]+;base64,)([A-Za-z0-9+/=\s]+)")


def svg(raw: bytes) -> bytes:
    """Without its metadata, comments and what its program noted, and so the pictures inside it."""

    def inner(found: re.Match[bytes]) -> bytes:
        try:
            return found[1] + base64.b64encode(without_metadata(base64.b64decode(found[2])))
        except ValueError:
            return found[1]

    return WITHIN.sub(inner, FROM_PROGRAMS.sub(b"", ABOUT.sub(b"", raw)))


def jpeg_2000(raw: bytes) -> bytes:
    """JPEG 2000 with boxes of metadata and comments overwritten; no place in the file moves."""
    made = bytearray(raw)
    for kind, at, content, end in _boxes(raw):
        if kind in {b"xml ", b"uuid", b"uinf", b"asoc", b"lbl "}:
            made[at + 4 : at + 8] = b"free"
            made[content:end] = bytes(end - content)
        elif kind == b"jp2c":
            made[content:end] = _codestream(raw[content:end])
    return bytes(made)


def _boxes(
    raw: bytes, at: int = 0, stop: int | None = None
) -> Iterator[tuple[bytes, int, int, int]]:
    """Kind, start, start of content and end of each box."""
    stop = len(raw) if stop is None else stop
    while at + 8 <= stop:
        size, kind = struct.unpack_from(">I4s", raw, at)
        content = at + 8
        if size == 1 and at + 16 <= stop:
            size, content = struct.unpack_from(">Q", raw, at + 8)[0], at + 16
        end = stop if size == 0 else min(at + size, stop)
        if end < content:
            return
        yield kind, at, content, end
        at = end


def _codestream(raw: bytes) -> bytes:
    """The comments in the main header hold only spaces."""
    made, at = bytearray(raw), 2
    while at + 4 <= len(raw) and raw[at] == 0xFF and raw[at + 1] != 0x90:
        end = at + 2 + max(2, int.from_bytes(raw[at + 2 : at + 4], "big"))
        if raw[at + 1] == 0x64:
            made[at + 6 : end] = b" " * len(made[at + 6 : end])
        at = end
    return bytes(made)


SEEN = {b"hvc1", b"av01", b"avc1", b"jpeg", b"grid", b"iovl", b"iden", b"tmap"}
"""Items of a HEIC that are pictures, or say how pictures make one; EXIF and XMP are items of other kinds."""


def heic(raw: bytes) -> bytes:
    """HEIC and AVIF, where the items that are no pictures, and all names, are overwritten; no place moves."""
    made = bytearray(raw)

    def free(at: int, content: int, end: int) -> None:
        made[at + 4 : at + 8] = b"free"
        made[content:end] = bytes(end - content)

    def walk(start: int, stop: int, *, outside: bool) -> None:
        for kind, at, content, end in _boxes(raw, start, stop):
            if kind == b"meta" and outside:
                _bare_items(raw, made, content + 4, end)
            elif kind in {b"meta", b"udta", b"uuid"}:
                free(at, content, end)
            elif kind in {b"moov", b"trak"}:
                walk(content, end, outside=False)

    walk(0, len(raw), outside=True)
    return bytes(made)


def _bare_items(raw: bytes, made: bytearray, start: int, stop: int) -> None:
    found = {kind: (at, content, end) for kind, at, content, end in _boxes(raw, start, stop)}
    for kind in {b"xml ", b"bxml", b"uuid", b"udta"} & set(found):
        at, content, end = found[kind]
        made[at + 4 : at + 8] = b"free"
        made[content:end] = bytes(end - content)
    _at, content, end = found.get(b"hdlr", (0, 0, 0))
    made[content + 24 : end] = bytes(max(0, end - content - 24))
    _at, content, end = found.get(b"iprp", (0, 0, 0))
    for kind, _at, inner, last in _boxes(raw, content, end):
        for says, _at, about, over in _boxes(raw, inner, last) if kind == b"ipco" else ():
            if says in {b"udes", b"altt"}:
                made[about + 4 : over] = bytes(max(0, over - about - 4))
    beside = _items_beside(raw, made, *found.get(b"iinf", (0, 0, 0))[1:])
    _at, inside, _end = found.get(b"idat", (0, 0, 0))
    for item, way, place, size in _places(raw, *found.get(b"iloc", (0, 0, 0))[1:]):
        if item in beside and way < 2:
            begins = place + (inside if way else 0)
            made[begins : begins + size] = bytes(len(made[begins : begins + size]))


def _items_beside(raw: bytes, made: bytearray, start: int, stop: int) -> set[int]:
    """The numbers of items that are no pictures. They lose their kind, and all items their names."""
    found = set()
    for kind, _at, content, end in _boxes(
        raw, start + (6 if raw[start : start + 1] == b"\0" else 8), stop
    ):
        wide = 4 if raw[content : content + 1] > b"\2" else 2
        at = content + 4 + wide + 2
        if kind != b"infe" or at + 4 > end:
            continue
        if raw[at : at + 4] not in SEEN:
            found.add(int.from_bytes(raw[content + 4 : content + 4 + wide], "big"))
            made[at : at + 4] = b"free"
        made[at + 4 : end] = bytes(end - at - 4)
    return found


def _places(raw: bytes, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Number of the item, how its place counts (0 from the start of the file, 1 in `idat`), place and size."""
    at = start

    def number(size: int) -> int:
        nonlocal at
        at += size
        return int.from_bytes(raw[at - size : at], "big")

    version, _flags, sizes, more = number(1), number(3), number(1), number(1)
    wide = 4 if version > 1 else 2
    for _item in range(number(wide)):
        item, way = number(wide), number(2) & 15 if version else 0
        number(2)
        base = number(more >> 4)
        for _extent in range(number(2)):
            number(more & 15 if version else 0)
            place = base + number(sizes >> 4)
            yield item, way, place, number(sizes & 15)
            if at > stop:
                return
        if at > stop:
            return


KINDS: list[tuple[bytes, Callable[[bytes], bytes]]] = [
    (JPEG, jpeg),
    (PNG, png),
    (b"GIF8", gif),
    (b"II*\0", tiff),
    (b"MM\0*", tiff),
    (b"II\xbc\x01", tiff),
    (JP2, jpeg_2000),
    (CODESTREAM, _codestream),
    (PLACEABLE, wmf),
    (b"\x01\0\x09\0\0", wmf),
]
