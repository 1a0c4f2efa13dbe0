"""Copies for the eyes of others: the same evidence without location, author, device or other metadata.

Pictures are decoded, turned upright and encoded anew. Documents and recordings keep their content; what
names a person or a device beside it is taken out, also of pictures inside them. Text carries nothing of that
sort and is copied. Not removed: what people can see or hear in the content itself.
"""

import contextlib
import re
import shutil
from collections.abc import Callable
from typing import Any, BinaryIO

import pikepdf
from PIL import Image, ImageOps

from portfolios.definitions import OFFICE_OPEN, OPEN_DOCUMENT
from portfolios.inspection.metadata import blanked_jpeg, without_metadata
from portfolios.inspection.packages import office, open_document
from portfolios.inspection.recordings import mp3, mp4, wav, webm

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
        "audio/mpeg": mp3,
        "audio/wav": wav,
        "video/webm": webm,
    }
    if media_type.startswith(OPEN_DOCUMENT):
        open_document(source, target, media_type)
    elif media_type.startswith(OFFICE_OPEN):
        office(source, target)
    elif media_type in {"video/mp4", "video/quicktime", "audio/mp4"}:
        mp4(source, target)
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
            _bare(one)
            if isinstance(one, pikepdf.Stream):
                _bare_stream(document, one)
        document.remove_unreferenced_resources()
        document.save(target, deterministic_id=True, fix_metadata_version=False)


OUT = ("/Metadata", "/PieceInfo", "/LastModified", "/SpiderInfo", "/XFA")
"""XMP, data of programs, where a page was fetched, and forms that carry all of these once more."""
OF_COMMENTS = ("/T", "/NM", "/CreationDate")
"""Who wrote it; in a form field the first is its name."""
SIGNED = (
    "/Name",
    "/Location",
    "/Reason",
    "/ContactInfo",
    "/Contents",
    "/Cert",
    "/Prop_Build",
    "/M",
)
"""Who signed where, with what; a signature of changed bytes is void anyway."""
DEEPEST = 50


def _bare(one: Any, depth: int = 0) -> None:
    """An object and what lies directly in it; what it points to has its own turn."""
    if depth > DEEPEST or not isinstance(one, (pikepdf.Dictionary, pikepdf.Stream, pikepdf.Array)):
        return
    if not isinstance(one, pikepdf.Array):
        _without_keys(one)
        inner = [one.get(key) for key in list(one.keys())]
    else:
        inner = list(one)
    for value in inner:
        if isinstance(value, pikepdf.Object) and not value.is_indirect:
            _bare(value, depth + 1)


def _without_keys(one: Any) -> None:
    for key in OUT:
        if key in one:
            del one[key]
    if one.get("/Subtype") not in (None, "/Widget") and "/Rect" in one:
        for key in OF_COMMENTS:
            if key in one:
                del one[key]
    if "/ByteRange" in one or one.get("/Type") in ("/Sig", "/DocTimeStamp"):
        for key in SIGNED:
            if key in one:
                del one[key]
    if isinstance(use := one.get("/Usage"), pikepdf.Dictionary):
        for key in ("/User", "/CreatorInfo"):  # for whom a layer is meant, and who made it
            if key in use:
                del use[key]


CODED = {"/DCTDecode", "/JPXDecode"}


def _bare_stream(document: pikepdf.Pdf, stream: Any) -> None:
    """Pictures that keep their own form inside a PDF, and small ones in the middle of a page's instructions."""
    filters = _listed(stream.get("/Filter"))
    if filters and filters[-1] in CODED:
        parameters = _listed(stream.get("/DecodeParms", stream.get("/DP")))
        raw = stream.read_raw_bytes()
        if len(filters) > 1:
            outer = document.make_stream(raw)
            outer.Filter = pikepdf.Array(filters[:-1])
            if parameters:
                outer.DecodeParms = pikepdf.Array(parameters[: len(filters) - 1])
            raw = outer.read_bytes()
        last = parameters[len(filters) - 1 : len(filters)]
        kept = last[0] if last and isinstance(last[0], pikepdf.Dictionary) else None
        stream.write(without_metadata(raw), filter=filters[-1], decode_parms=kept)
    elif stream.get("/Subtype") in (None, "/Form") and stream.get("/Type") in (None, "/XObject"):
        with contextlib.suppress(pikepdf.PdfError, pikepdf.DataDecodingError):
            read = stream.read_bytes()
            if b"/DCT" in read and (made := INLINE.sub(_bare_inline, read)) != read:
                stream.write(made)


INLINE = re.compile(rb"(\sID\s)(\xff\xd8\xff.*?\sEI\b)", re.DOTALL)


def _bare_inline(found: re.Match[bytes]) -> bytes:
    return found[1] + blanked_jpeg(found[2])


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, pikepdf.Array) else [value]
