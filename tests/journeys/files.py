"""Real files, made when a test asks for them: what learners' phones and offices produce."""

import io
import unicodedata
import zipfile
from pathlib import Path

import typst
from PIL import Image, ImageDraw

from tests.factories.recordings import film_of

MACRON_NAME = unicodedata.normalize("NFD", "Whānau hui, Ōtautahi.jpg")
"""As some phones write it: the macron apart from its letter."""
ORIENTATION, GPS = 0x0112, 0x8825
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def pdf() -> bytes:
    """A report of two pages."""
    source = (
        b"= Evaluation of the booking form\nWe tested three journeys.\n#pagebreak()\n= Findings"
    )
    return bytes(typst.compile(source, format="pdf"))


def picture(colour: str = "#0a4f5c") -> Image.Image:
    made = Image.new("RGB", (320, 200), "white")
    ImageDraw.Draw(made).rectangle((0, 0, 160, 200), fill=colour)
    return made


def png() -> bytes:
    """A screenshot."""
    made = io.BytesIO()
    picture().save(made, "PNG")
    return made.getvalue()


def phone_jpeg() -> bytes:
    """A photo held upright: stored lying, with the turn and the place in its EXIF data."""
    made = picture("#aa2211")
    exif = made.getexif()
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS).update({1: "S", 2: (41.0, 17.0, 24.0), 3: "E", 4: (174.0, 46.0, 12.0)})
    kept = io.BytesIO()
    made.save(kept, "JPEG", exif=exif)
    return kept.getvalue()


def docx() -> bytes:
    """A document of one sentence, as Word would open it."""
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{WORD}.main+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
        'officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/'
        'main"><w:body><w:p><w:r><w:t>Our definition of done asks for a keyboard test.</w:t></w:r></w:p>'
        "</w:body></w:document>",
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return made.getvalue()


def all_kinds(folder: Path) -> dict[str, Path]:
    """One of each on disk, by kind."""
    made = {
        "pdf": ("evaluation.pdf", pdf()),
        "photo": (MACRON_NAME, phone_jpeg()),
        "docx": ("definition of done.docx", docx()),
        "mp4": ("walkthrough.mp4", film_of()),
        "png": ("after.png", png()),
    }
    found = {}
    for kind, (name, content) in made.items():
        found[kind] = folder / name
        found[kind].write_bytes(content)
    return found
