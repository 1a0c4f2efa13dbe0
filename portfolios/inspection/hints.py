"""The texts of a file in which numbers and addresses of people are looked for (`patterns`)."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

import pypdfium2

from portfolios.definitions import is_office
from portfolios.inspection.patterns import MOST, hints_of

PAGES = 60
TEXT_PARTS = re.compile(
    r"(?:word/(?:document|comments|footnotes|endnotes|header\d*|footer\d*)"
    r"|xl/(?:sharedStrings|comments\d*|worksheets/sheet\d+|drawings/drawing\d+)"
    r"|ppt/(?:slides/slide|notesSlides/notesSlide)\d+"
    r"|^content|^styles)\.xml$"
)
SHARED = re.compile(r"""<(?:\w+:)?c\b[^>]*\bt=["']s["'][^>]*>\s*<(?:\w+:)?v>\d+</""")
TAG = re.compile(r"<[^>]+>")


def hints_in(file: BinaryIO, media_type: str) -> dict[str, int]:
    """How many of each are in the first two million letters. A text that cannot be read has none."""
    text = ""
    try:
        for piece in _texts(file, media_type):
            text += piece
            if len(text) > MOST:
                break
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  a hint is not worth a refusal
        return {}
    return hints_of(text)


def words_of(xml: str) -> str:
    """What stands between the tags. Numbers of spreadsheets' shared strings are no words."""
    return TAG.sub(" ", SHARED.sub(" ", xml))


def _texts(file: BinaryIO, media_type: str) -> Iterator[str]:
    file.seek(0)
    if media_type.startswith("text/"):
        raw = file.read(MOST)
        yield raw.decode("utf-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8", "replace")
    elif media_type == "application/pdf":
        document = pypdfium2.PdfDocument(io.BytesIO(file.read(64 * 1024 * 1024)))
        for number in range(min(PAGES, len(document))):
            yield document[number].get_textpage().get_text_bounded() + "\n"
    elif is_office(media_type):
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                if TEXT_PARTS.search(name):
                    with archive.open(name) as part:
                        yield words_of(part.read(MOST * 4).decode("utf-8", "replace"))
