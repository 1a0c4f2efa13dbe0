"""Page images, text and poster frames of a copy, so that it can be looked at without opening the file itself.

Runs in the helper's child only. Each part goes to the target as soon as it is made: four bytes of length, a
JSON head of so many bytes, then the image that the head announces. Stops after BUDGET seconds of work and
says where to go on, so that progress shows and no child runs long. Nothing of a document is run or fetched.
"""

import contextlib
import importlib
import io
import json
import pkgutil
import re
import struct
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html.parser import HTMLParser
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from portfolios.definitions import OFFICE_OPEN, OPEN_DOCUMENT

if TYPE_CHECKING:
    from portfolios.inspection.office import Page

BUDGET = 20
WIDTH = 1200
"""Pixels of a page image; enough to read ten-point type enlarged twice."""
MOST_PAGES = 300
MOST_TEXT = 60_000
"""Letters of one part."""
TALLEST = 4000
WORD = f"{OFFICE_OPEN}wordprocessingml.document"
SHEETS = f"{OFFICE_OPEN}spreadsheetml.sheet"
SLIDES = f"{OFFICE_OPEN}presentationml.presentation"
READERS = {
    WORD: "portfolios.inspection.word",
    SHEETS: "portfolios.inspection.sheets",
    SLIDES: "portfolios.inspection.slides",
    f"{OPEN_DOCUMENT}text": "portfolios.inspection.open_texts",
    f"{OPEN_DOCUMENT}spreadsheet": "portfolios.inspection.open_sheets",
    f"{OPEN_DOCUMENT}presentation": "portfolios.inspection.open_slides",
}
"""The module that reads it; the helper imports them, web processes never do."""


class NotRendered(Exception):  # noqa: N818  reads as a fact
    """Why nothing is made of this file, as a sentence for people."""


@dataclass
class Part:
    """One page, sheet, slide or frame. `size` bytes of an image follow; none where there is only text."""

    number: int
    label: str = ""
    text: str = ""
    media_type: str = ""
    width: int = 0
    height: int = 0
    undescribed: int = 0
    size: int = 0


@dataclass(frozen=True)
class Progress:
    """How many parts there are, and the first that is still to be made; 0 when all are."""

    total: int
    next: int
    seconds: float = 0.0


def can_render(media_type: str) -> bool:
    """Whether there is anything to make: pictures are shown as their copy, and need nothing more."""
    return (
        media_type in READERS
        or media_type in {"application/pdf", "text/plain", "text/csv"}
        or media_type.startswith(("video/", "audio/"))
    )


def prepare(media_type: str) -> None:
    """Import what reads this type, while files can still be opened. Without the media extra nothing comes."""
    try:
        if media_type.startswith(("video/", "audio/")):
            import av  # noqa: PLC0415  large, and wanted for recordings only

            # It imports its own parts when a film needs them, which is too late.
            for one in pkgutil.walk_packages(av.__path__, "av."):
                if "__main__" not in one.name:
                    importlib.import_module(one.name)
        elif media_type in READERS:
            for reader in READERS.values():
                importlib.import_module(reader)
            importlib.import_module("portfolios.inspection.office").fonts()
            import docx  # noqa: F401, PLC0415
            import openpyxl  # noqa: F401, PLC0415
            import pptx  # noqa: F401, PLC0415
    except ImportError:
        return


def warm_up(media_type: str) -> None:
    """In the child, before its limits: what could not be started any more afterwards."""
    if media_type in READERS:
        importlib.import_module("portfolios.inspection.office").warm()


def render(source: BinaryIO, target: BinaryIO, media_type: str, first: int) -> Progress:
    """Write parts from number `first` on until the budget is used. Raises NotRendered or what a decoder raises."""
    source.seek(0)
    if media_type == "application/pdf":
        return _drawn(pdf_of(source), target, first)
    if media_type in READERS:
        return _office(source, target, media_type, first)
    if media_type.startswith(("video/", "audio/")):
        return _recording(source, target)
    texts = list((_web_page if media_type == "text/html" else _plain)(source))
    for number, (label, text) in enumerate(texts, 1):
        put(target, Part(number, label, text.strip()[:MOST_TEXT]))
    return Progress(len(texts), 0)


def put(target: BinaryIO, part: Part, image: bytes = b"") -> None:
    part.size = len(image)
    head = json.dumps(asdict(part)).encode()
    target.write(struct.pack(">I", len(head)) + head + image)


def parts_in(made: BinaryIO) -> Iterator[tuple[Part, bytes]]:
    """Read back what a child wrote; ValueError where it does not hold together."""
    made.seek(0)
    while raw := made.read(4):
        (length,) = struct.unpack(">I", raw)
        if length > 1024 * 1024:
            raise ValueError("the head of a part is too long")
        part = Part(**json.loads(made.read(length)))
        image = made.read(part.size) if part.size else b""
        if len(image) != part.size:
            raise ValueError("a part is cut short")
        yield part, image


def pdf_of(source: BinaryIO | bytes) -> Any:
    import pypdfium2  # noqa: PLC0415  the helper has it already; web processes read only what was made

    return pypdfium2.PdfDocument(source)


def _drawn(
    document: Any, target: BinaryIO, first: int, pages: "list[Page] | None" = None
) -> Progress:
    """Images of the pages of a PDF; their text and labels from what they were made of, where that is known."""
    began = time.monotonic()
    total = min(len(document), MOST_PAGES)
    for number in range(first, total + 1):
        page = document[number - 1]
        text = page.get_textpage().get_text_bounded().replace("\r\n", "\n")
        wide, high = max(1.0, page.get_width()), max(1.0, page.get_height())
        scale = min(WIDTH / wide, TALLEST / high)
        picture = page.render(scale=scale, may_draw_forms=True).to_pil().convert("RGB")
        known = pages[number - 1] if pages else None
        part = Part(
            number,
            label=known.label[:200] if known else "",
            text=(known.text if known else text).strip()[:MOST_TEXT],
            undescribed=min(MOST_COUNTED, known.undescribed if known else undescribed_in(page)),
        )
        put(target, *_encoded(part, picture))
        page.close()
        if time.monotonic() - began > BUDGET and number < total:
            return Progress(total, number + 1)
    return Progress(total, 0)


LEAST_SHARE = 0.01
"""Of a page: smaller pictures are lines and dots."""
MOST_COUNTED = 1000


def undescribed_in(page: Any) -> int:
    """Pictures on a page of a PDF for which its structure has no words. One that is not drawn counts too."""
    from pypdfium2 import PdfiumError, raw  # noqa: PLC0415  the helper has it already

    room = page.get_width() * page.get_height() * LEAST_SHARE
    found = 0
    for one in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]):
        with contextlib.suppress(PdfiumError):
            left, bottom, right, top = one.get_bounds()
            found += (right - left) * (top - bottom) > room
    if not found or not (tree := raw.FPDF_StructTree_GetForPage(page)):
        return found
    try:
        each = range(raw.FPDF_StructTree_CountChildren(tree))
        roots = [raw.FPDF_StructTree_GetChildAtIndex(tree, number) for number in each]
        return max(0, found - sum(_described(raw, one) for one in roots if one))
    finally:
        raw.FPDF_StructTree_Close(tree)


def _described(raw: Any, element: Any, depth: int = 0) -> int:
    """How many elements of the structure from this one on carry a description."""
    if depth > DEEPEST:
        return 0
    each = range(raw.FPDF_StructElement_CountChildren(element))
    below = [raw.FPDF_StructElement_GetChildAtIndex(element, number) for number in each]
    # An empty text is its end, of two bytes.
    own = int(raw.FPDF_StructElement_GetAltText(element, None, 0) > 2)
    return own + sum(_described(raw, one, depth + 1) for one in below if one)


DEEPEST = 40
"""Elements of a structure inside each other."""


def _encoded(part: Part, picture: Any) -> tuple[Part, bytes]:
    kept = io.BytesIO()
    picture.save(kept, "WEBP", quality=80, method=2)
    part.media_type, part.width, part.height = "image/webp", picture.width, picture.height
    return part, kept.getvalue()


def _recording(source: BinaryIO, target: BinaryIO) -> Progress:
    """One part, number 0: the length in words and, of a film, a frame from its beginning."""
    try:
        import av  # noqa: PLC0415  prepared before the limits
    except ImportError:
        raise NotRendered(
            "No poster frame is made here, because the media extra is not installed."
        ) from None
    with av.open(source, mode="r") as film:
        seconds = round(film.duration / 1_000_000, 1) if film.duration else 0.0
        part = Part(0)
        image = b""
        for stream in film.streams.video[:1]:
            stream.thread_type = "NONE"
            # The very first frame is often black.
            frames = list(islice(film.decode(stream), 12))
            if frames:
                picture: Any = frames[-1].to_image()  # type: ignore[no-untyped-call]
                picture.thumbnail((WIDTH, WIDTH))
                part, image = _encoded(part, picture)
        put(target, part, image)
    return Progress(1, 0, seconds)


def _plain(source: BinaryIO) -> Iterator[tuple[str, str]]:
    raw = source.read(MOST_TEXT * 4)
    encoding = "utf-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    yield "", raw.decode(encoding, "replace")


class Reader(HTMLParser):
    """The words of a web page: its title, and what a person would read of it, a line for each block."""

    SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "head"})
    BLOCKS = frozenset(
        [
            "address",
            "article",
            "aside",
            "blockquote",
            "br",
            "dd",
            "div",
            "dl",
            "dt",
            "fieldset",
            "figcaption",
            "figure",
            "footer",
            "form",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "header",
            "hr",
            "li",
            "main",
            "nav",
            "ol",
            "p",
            "pre",
            "section",
            "table",
            "td",
            "th",
            "tr",
            "ul",
        ]
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title, self.pieces = "", [""]
        self.skipping: list[str] = []
        self.in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.SKIPPED:
            self.skipping.append(tag)
        elif tag == "title":
            self.in_title = True
        elif tag == "img" and not self.skipping:
            if alternative := (dict(attrs).get("alt") or "").strip():
                self.pieces.append(f" {alternative} ")
        elif tag in self.BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.skipping:
            del self.skipping[self.skipping.index(tag) :]
        elif tag == "title":
            self.in_title = False
        elif tag in self.BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if self.in_title:
            self.title += data
        elif not self.skipping:
            self.pieces.append(re.sub(r"\s+", " ", data))

    @property
    def words(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self.pieces).split("\n"))
        return "\n".join(line for line in lines if line)


def _web_page(source: BinaryIO) -> Iterator[tuple[str, str]]:
    raw = source.read()
    named = re.search(rb"charset=[\"']?([\w-]{1,30})", raw[:2048], re.IGNORECASE)
    try:
        text = raw.decode(named[1].decode() if named else "utf-8", "replace")
    except (LookupError, OSError):  # a name that nobody knows, or one that was not loaded before
        text = raw.decode("utf-8", "replace")
    reader = Reader()
    reader.feed(text)
    yield " ".join(reader.title.split())[:200], reader.words


NO_OFFICE = (
    "The text of Office documents is not shown here, because the media extra is not installed."
)


def _office(source: BinaryIO, target: BinaryIO, media_type: str, first: int) -> Progress:
    """The pages of an Office document as images with their text; as text alone where they cannot be drawn."""
    from portfolios.inspection import office  # noqa: PLC0415  prepared before the limits

    try:
        pages: list[Page] = importlib.import_module(READERS[media_type]).pages_of(source)
    except ImportError:
        raise NotRendered(NO_OFFICE) from None
    try:
        drawn = pdf_of(office.laid_out(pages))
    except MemoryError:
        raise
    except BaseException as error:  # Typst's own panics are no exceptions
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        for number, page in enumerate(pages, 1):
            part = Part(number, page.label, page.text.strip()[:MOST_TEXT])
            part.undescribed = min(MOST_COUNTED, page.undescribed)
            put(target, part)
        return Progress(len(pages), 0)
    return _drawn(drawn, target, first, pages if len(pages) == len(drawn) else None)
