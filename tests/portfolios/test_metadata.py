"""What lies beside the content of pictures inside documents goes; what is seen stays."""

import io
import struct
import zipfile
import zlib

import docx
import openpyxl
import pikepdf
import pptx
import pypdfium2
import pytest
from PIL import Image

from portfolios.inspection.copies import make_copy
from portfolios.inspection.metadata import without_metadata
from portfolios.inspection.rendering import SHEETS, SLIDES, WORD
from tests.portfolios import corpus, described
from tests.portfolios.test_inspection import everything_in, looked_at


def forms() -> list[bytes]:
    return [corpus.TOKEN.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be")]


def named_in(raw: bytes) -> list[bytes]:
    found = everything_in(raw)
    return [form for form in forms() if form in found]


@pytest.mark.parametrize("kind", described.PICTURES)
def test_a_picture_keeps_its_pixels_and_loses_its_names(kind):
    raw = described.PICTURES[kind]()
    assert named_in(raw)
    bare = without_metadata(raw)
    assert named_in(bare) == []
    assert described.pixels(bare) == described.pixels(raw)
    with Image.open(io.BytesIO(bare)) as picture:
        assert not any(dict(picture.getexif().get_ifd(one)) for one in (0x8769, 0x8825))
        assert picture.info.get("comment", b"") in {b"", b" " * len(corpus.TOKEN)}
    assert without_metadata(bare) == bare


def test_of_a_png_only_what_is_seen_stays():
    assert set(described.chunks(without_metadata(described.png()))) == {b"IHDR", b"IDAT", b"IEND"}
    colours = described.saved("PNG", mode="P", transparency=0, dpi=(300, 300))
    assert without_metadata(colours) == colours


def test_colours_of_a_jpeg_stay():
    profile = b"a profile of colours" * 9
    raw = described.saved("JPEG", icc_profile=profile, comment=corpus.TOKEN)
    with Image.open(io.BytesIO(without_metadata(raw))) as picture:
        assert picture.info["icc_profile"] == profile
    four = described.saved("JPEG", mode="CMYK", comment=corpus.TOKEN)
    assert described.pixels(without_metadata(four)) == described.pixels(four)


@pytest.mark.parametrize("cut", [3, 9, 30, 200, 700])
@pytest.mark.parametrize("kind", [*described.PICTURES, "emf", "wmf"])
def test_a_damaged_picture_ends_nothing(kind, cut):
    raw = {**described.PICTURES, "emf": described.emf, "wmf": described.wmf}[kind]()
    for broken in (raw[:cut], raw[:cut] + b"\xff" * 50, raw[:cut] + bytes(50)):
        assert isinstance(without_metadata(broken), bytes)


def test_pictures_that_are_instructions_say_nothing_of_their_program():
    bare = without_metadata(described.svg())
    assert b"<text>kept</text>" in bare
    assert b"data:image/jpeg;base64,/9j/" in bare
    for word in (corpus.TOKEN.encode(), b"sodipodi:docname", b"<metadata"):
        assert word not in bare
    inside = bare.split(b"base64,")[1].split(b'"')[0]
    import base64

    assert named_in(base64.b64decode(inside)) == []
    assert named_in(without_metadata(described.emf())) == []
    drawn = described.wmf()
    bare = without_metadata(drawn)
    assert named_in(bare) == []
    assert bare == drawn.replace(corpus.TOKEN.encode(), bytes(len(corpus.TOKEN)))


def test_whatever_a_heic_says_beside_its_picture_goes():
    """Every place where the form has room for words, also those that pillow-heif does not write."""

    def box(kind: bytes, *parts: bytes) -> bytes:
        content = b"".join(parts)
        return struct.pack(">I4s", 8 + len(content), kind) + content

    def item(number: int, kind: bytes) -> bytes:
        return box(b"infe", b"\2\0\0\0", struct.pack(">HH", number, 0), kind, name, b"\0", name)

    name = corpus.TOKEN.encode()
    places = b"".join(
        struct.pack(">HHHHII", number, 1, 0, 1, at, size)
        for number, at, size in ((1, 0, 4), (2, 4, len(name)))
    )
    about = box(
        b"meta",
        bytes(4),
        box(b"hdlr", bytes(8), b"pict", bytes(12), name),
        box(b"iinf", bytes(4), b"\0\2", item(1, b"hvc1"), item(2, b"mime")),
        box(b"iloc", b"\1\0\0\0\x44\0\0\2", places),
        box(b"iprp", box(b"ipco", box(b"udes", bytes(4), name), box(b"ispe", b"size"))),
        box(b"idat", b"kept", name),
        box(b"xml ", bytes(4), name),
    )
    film = box(
        b"moov", box(b"trak", box(b"tkhd", b"track"), box(b"meta", name)), box(b"udta", name)
    )
    raw = box(b"ftyp", b"msf1", bytes(4)) + about + film + box(b"uuid", name)
    bare = without_metadata(raw)
    assert raw.count(name) == 11
    assert name not in bare
    assert len(bare) == len(raw)
    for kept in (b"hvc1", b"idatkept", b"ispesize", b"tkhdtrack"):
        assert kept in bare
    assert b"mime" not in bare


def test_a_pdf_looks_the_same_and_nobody_is_named_in_its_pictures():
    raw = described.pdf_with_pictures()
    assert len(named_in(raw)) == 1
    report, copy = looked_at(raw, "a.pdf")
    assert report.refusal == ""
    assert named_in(copy) == []
    seen = [pypdfium2.PdfDocument(one)[0].render(scale=2).to_pil() for one in (raw, copy)]
    assert seen[0].tobytes() == seen[1].tobytes()
    assert len(set(seen[0].get_flattened_data())) > 20
    with pikepdf.open(io.BytesIO(copy)) as document:
        (page,) = document.pages
        assert sorted(page.Resources.XObject.keys()) == ["/Newer", "/Packed", "/Plain"]
        assert str(page.Annots[0].Contents) == "kept"
        assert str(document.Root.AcroForm.Fields[0].T) == "signature"
        assert document.Root.OCProperties.OCGs[0].Name == "kept"


def saved(document) -> bytes:
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def with_parts(raw: bytes, parts: dict[str, bytes]) -> bytes:
    """The package with some of its parts exchanged or added."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    return described.zipped({**kept, **parts})


def copied(raw: bytes, media_type: str) -> io.BytesIO:
    made = io.BytesIO()
    make_copy(io.BytesIO(raw), made, media_type)
    return made


def test_the_copy_of_a_text_document_opens_and_shows_its_pictures():
    document = docx.Document()
    document.core_properties.author = corpus.TOKEN
    document.add_paragraph("kept")
    kinds = ("jpeg", "png", "gif", "tiff")
    for kind in kinds:
        document.add_picture(io.BytesIO(described.PICTURES[kind]()))
    copy = copied(saved(document), WORD)
    assert named_in(copy.getvalue()) == []
    again = docx.Document(copy)
    assert [one.text for one in again.paragraphs if one.text] == ["kept"]
    assert len(again.inline_shapes) == len(kinds)
    blobs = [one.blob for one in again.part.package.image_parts]
    wanted = [described.pixels(described.PICTURES[kind]()) for kind in kinds]
    assert [described.pixels(one) for one in blobs] == wanted
    # The picture of the first page is gone, and so is what pointed to it.
    assert not any("thumbnail" in one.reltype for one in again.part.package.rels.values())


def test_the_copy_of_a_presentation_opens_and_plays_its_film():
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    film, poster = corpus.recording("mp4"), io.BytesIO(described.png())
    slide.shapes.add_movie(io.BytesIO(film), 0, 0, 99, 99, poster, "video/mp4")
    deck.core_properties.author = corpus.TOKEN
    copy = copied(saved(deck), SLIDES)
    assert named_in(copy.getvalue()) == []
    (shape,) = pptx.Presentation(copy).slides[0].shapes
    with zipfile.ZipFile(copy) as archive:
        (inside,) = [archive.read(name) for name in archive.namelist() if name.endswith("mp4")]
    assert corpus.frames(inside) == corpus.frames(film)
    assert described.pixels(shape.poster_frame.blob) == described.pixels(described.png())


def test_the_copy_of_a_spreadsheet_opens_without_its_printer():
    book = openpyxl.Workbook()
    book.active["A1"] = "kept"
    book.properties.creator = corpus.TOKEN
    from openpyxl.comments import Comment

    book.active["A1"].comment = Comment(f"{corpus.TOKEN}:\nlook here", corpus.TOKEN)
    raw = saved(book)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
        rels = archive.read("xl/worksheets/_rels/sheet1.xml.rels")
    office = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    setup = b'<pageSetup paperSize="9" r:id="rId77" xmlns:r="' + office + b'"/><legacyDrawing '
    pointer = (
        b'<Relationship Id="rId77" Type="' + office + b'/printerSettings"'
        b' Target="../printerSettings/printerSettings1.bin"/></Relationships>'
    )
    raw = with_parts(
        raw,
        {
            "xl/worksheets/sheet1.xml": sheet.replace(b"<legacyDrawing ", setup),
            "xl/worksheets/_rels/sheet1.xml.rels": rels.replace(b"</Relationships>", pointer),
            "xl/printerSettings/printerSettings1.bin": corpus.TOKEN.encode("utf-16-le"),
        },
    )
    copy = copied(raw, SHEETS)
    assert named_in(copy.getvalue()) == []
    again = openpyxl.load_workbook(copy).active
    assert (again["A1"].value, again["A1"].comment.text) == ("kept", "\nlook here")
    assert again.page_setup.paperSize == 9
    with zipfile.ZipFile(copy) as archive:
        assert not any("printer" in name for name in archive.namelist())
        assert b"rId77" not in b"".join(archive.read(name) for name in archive.namelist())


def test_a_heic_inside_is_neither_broken_nor_named():
    raw = corpus.docx({"word/media/image1.heic": described.heic()})
    with zipfile.ZipFile(copied(raw, WORD)) as archive:
        inside = archive.read("word/media/image1.heic")
    assert named_in(inside) == []
    assert described.pixels(inside) == described.pixels(described.heic())


def test_a_film_inside_that_cannot_be_read_is_left_out():
    raw = corpus.docx({"word/media/media1.mp4": b"\0\0\0\x08ftyp" + b"\0\0\0\x02" + b"moov" * 9})
    with zipfile.ZipFile(copied(raw, WORD)) as archive:
        assert archive.read("word/media/media1.mp4") == b""


def test_packed_text_is_found_by_these_tests():
    """The search itself: it looks into what is packed in pictures and documents."""
    hidden = corpus.chunk(b"zTXt", b"Author\0\0" + zlib.compress(corpus.TOKEN.encode()))
    raw = described.saved("PNG")
    assert named_in(raw) == []
    assert named_in(raw[:33] + hidden + raw[33:])
