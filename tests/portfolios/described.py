"""Pictures and documents with a name in every place beside the content where programs write one."""

import base64
import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

from tests.portfolios.corpus import TOKEN, recording

RAW = TOKEN.encode()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + RAW + b"</x:xmpmeta>"


def saved(kind: str, size: tuple[int, int] = (48, 32), mode: str = "RGB", **options: Any) -> bytes:
    from PIL import Image

    made = io.BytesIO()
    picture = Image.linear_gradient("L").resize(size).convert(mode)
    picture.save(made, kind, **options)
    return made.getvalue()


def exif() -> Any:
    from PIL import Image

    made = Image.Exif()
    for tag in (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298):
        made[tag] = TOKEN
    made.get_ifd(0x8769)[0xA430] = TOKEN
    made.get_ifd(0x8769)[0x927C] = RAW
    made.get_ifd(0x8825)[2] = (36.0, 50.0, 0.0)
    made.get_ifd(0x8825)[29] = TOKEN
    return made


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(progressive: bool = False) -> bytes:
    """EXIF, XMP, IPTC, a comment, a second picture and a film behind the end, as telephones write them."""
    plain = saved("JPEG", exif=exif(), comment=RAW, progressive=progressive)
    more = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)
    more += segment(0xED, b"Photoshop 3.0\0" + RAW) + segment(0xE2, b"FPXR\0" + RAW) + b"\xff"
    return plain[:20] + more + plain[20:] + saved("JPEG", comment=RAW) + recording("mp4")


def png() -> bytes:
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_text("Author", TOKEN)
    told.add_text("Comment", TOKEN, zip=True)
    told.add_itxt("XML:com.adobe.xmp", XMP.decode())
    told.add_itxt("Title", TOKEN, zip=True)
    told.add(b"tIME", struct.pack(">HBBBBB", 2026, 1, 1, 1, 1, 1))
    told.add(b"prVt", RAW)
    return saved("PNG", pnginfo=told, exif=exif()) + RAW


def emf() -> bytes:
    """The header alone, with the name of the program and of the picture."""
    name = f"{TOKEN}\0{TOKEN}\0\0".encode("utf-16-le")
    head = bytearray(88)
    struct.pack_into("<II", head, 0, 1, 88 + len(name))
    head[40:44] = b" EMF"
    struct.pack_into("<II", head, 60, len(name) // 2, 88)
    return bytes(head) + name


def svg() -> bytes:
    inner = base64.b64encode(jpeg()).decode()
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:sodipodi="s" xmlns:inkscape="i" xmlns:xlink="x"'
        f' sodipodi:docname="{TOKEN}.svg" inkscape:export-filename="/home/{TOKEN}/a.png"><!-- {TOKEN} -->'
        f"<metadata><dc:creator>{TOKEN}</dc:creator></metadata><sodipodi:namedview id='{TOKEN}'/>"
        f'<image xlink:href="data:image/jpeg;base64,{inner}"/><text>kept</text></svg>'
    ).encode()


def flat(colour: int) -> Any:
    from PIL import Image

    return Image.new("P", (48, 32), colour)


def heic() -> bytes:
    """EXIF and XMP as items beside the picture, as telephones write them."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    return saved("HEIF", (64, 64), exif=exif(), xmp=XMP)


def wmf() -> bytes:
    """A rectangle, and a comment of the program that drew it."""
    comment = struct.pack("<HH", 15, len(RAW)) + RAW + bytes(len(RAW) % 2)
    records = [(0x0626, comment), (0x041B, struct.pack("<4H", 9, 9, 0, 0)), (0, b"")]
    body = b"".join(struct.pack("<IH", 3 + len(raw) // 2, does) + raw for does, raw in records)
    head = struct.pack("<HHHIHIH", 1, 9, 0x300, 9 + len(body) // 2, 0, 3 + len(comment) // 2, 0)
    return b"\xd7\xcd\xc6\x9a" + bytes(18) + head + body


PICTURES: dict[str, Callable[[], bytes]] = {
    "jpeg": jpeg,
    "jpg": lambda: jpeg(progressive=True),
    "png": png,
    "gif": lambda: saved(
        "GIF", mode="P", comment=RAW, save_all=True, loop=3,
        append_images=[flat(9)],
    ),
    "webp": lambda: saved("WEBP", exif=exif(), xmp=XMP, lossless=True),
    "tiff": lambda: saved("TIFF", exif=exif()),
    "jp2": lambda: saved("JPEG2000", comment=RAW) + struct.pack(">I4s", 8 + len(XMP), b"xml ") + XMP,
    "j2k": lambda: saved("JPEG2000", comment=RAW, no_jp2=True),
    "heic": heic,
}  # fmt: skip


def pixels(raw: bytes) -> list[bytes]:
    """What is seen, every frame of it."""
    from PIL import Image, ImageSequence

    with Image.open(io.BytesIO(raw)) as picture:
        return [one.convert("RGBA").tobytes() for one in ImageSequence.Iterator(picture)]


def zipped(parts: dict[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


def parts_of_office() -> dict[str, str | bytes]:
    """What else lies in Office documents and names somebody, beside `docx_with_names`."""
    sheet = {
        "docProps/core.xml": f"<x>{TOKEN}</x>",
        "xl/media/image1.png": png(),
        "xl/comments1.xml": f"<authors><author>{TOKEN}</author></authors><t>{TOKEN}:</t><t>kept</t>",
    }
    pointer = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail"
    printer = "http://x.example/officeDocument/2006/relationships/printerSettings"
    return {
        "_rels/.rels": f'<Relationships><Relationship Id="r9" Type="{pointer}" Target="docProps/thumbnail.emf"/>'
        "</Relationships>",
        "docProps/thumbnail.emf": emf(),
        "_xmlsignatures/sig1.xml": f"<x>{TOKEN}</x>",
        "customXml/item1.xml": f"<CoverPage><CompanyEmail>{TOKEN}</CompanyEmail></CoverPage>",
        "word/settings.xml": '<w:settings><w:rsids><w:rsidRoot w:val="00AB12CD"/></w:rsids>'
        '<w15:docId w15:val="{00AB12CD}"/></w:settings>',
        "word/endnotes.xml": '<w:p w:rsidR="00AB12CD"><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText'
        ' xml:space="preserve"> AUTHOR </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        f'<w:r><w:t>{TOKEN}</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r><w:r><w:t>kept</w:t></w:r></w:p>'
        '<w:sdt><w:sdtPr><w:dataBinding w:xpath="/a:coreProperties/b:creator"/></w:sdtPr><w:sdtContent>'
        f"<w:r><w:t>{TOKEN}</w:t></w:r></w:sdtContent></w:sdt>",
        "word/_rels/document.xml.rels": f'<Relationship Id="r1" Target="file:///C:/Users/{TOKEN}/a.docx"'
        ' TargetMode="External"/>',
        "word/glossary/document.xml": f'<a b="C:\\Users\\{TOKEN}\\a.txt"/>',
        "ppt/changesInfos/changesInfo1.xml": f'<pc:chgData name="{TOKEN}" userId="{TOKEN}" providerId="AD"/>',
        "ppt/media/media1.mp4": recording("mp4"),
        "xl/workbook.xml": f'<x15ac:absPath url="C:\\Users\\{TOKEN}\\Documents\\"/>',
        "xl/printerSettings/printerSettings1.bin": TOKEN.encode("utf-16-le"),
        "xl/worksheets/_rels/sheet1.xml.rels": f'<Relationship Id="r1" Type="{printer}" Target="../p.bin"/>',
        "xl/worksheets/sheet1.xml": '<pageSetup paperSize="9" r:id="r1"/>',
        "word/embeddings/sheet.xlsx": zipped(sheet),
        **{f"word/media/image.{kind}": make() for kind, make in PICTURES.items()},
        "word/media/image.svg": svg(),
        "word/media/image.emf": emf(),
        "word/media/image.wmf": wmf(),
    }


def pdf_with_pictures() -> bytes:
    """Pictures in every form that a PDF leaves as it is, and names in comments, layers, signatures and parts."""
    import zlib

    import pikepdf

    made = pikepdf.new()
    page = made.add_blank_page(page_size=(200, 200))

    def picture(raw: bytes, filters: Any) -> Any:
        return made.make_stream(
            raw, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=48, Height=32,
            ColorSpace=pikepdf.Name.DeviceRGB, BitsPerComponent=8, Filter=filters,
            Metadata=made.make_stream(XMP, Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML),
        )  # fmt: skip

    names, both = pikepdf.Name, pikepdf.Array([pikepdf.Name.FlateDecode, pikepdf.Name.DCTDecode])
    shown = {
        "/Plain": picture(jpeg(), names.DCTDecode),
        "/Packed": picture(zlib.compress(jpeg()), both),
        "/Newer": picture(PICTURES["jp2"](), names.JPXDecode),
    }
    inline = saved("JPEG", (48, 32), comment=RAW)
    drawing = b"".join(
        b"q 90 0 0 60 %d 10 cm %s Do Q\n" % (10 + 30 * at, name.encode())
        for at, name in enumerate(shown)
    )
    drawing += b"q 50 0 0 50 10 120 cm BI /W 48 /H 32 /CS /RGB /BPC 8 /F /DCT ID " + inline
    page.obj.Contents = made.make_stream(drawing + b"\nEI Q\n")
    page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(shown))
    note = pikepdf.Dictionary(
        Type=names.Annot, Subtype=names.Text, Rect=[0, 0, 9, 9], Contents="kept", T=TOKEN, NM=TOKEN
    )
    signed = pikepdf.Dictionary(
        Type=names.Sig, ByteRange=[0, 1, 2, 3], Name=TOKEN, Location=TOKEN, Contents=RAW
    )
    field = pikepdf.Dictionary(FT=names.Sig, T="signature", V=made.make_indirect(signed))
    page.obj.Annots = pikepdf.Array([note])  # directly, not as an object of its own
    page.obj.PieceInfo = pikepdf.Dictionary(Program=pikepdf.Dictionary(Private=TOKEN))
    made.Root.AcroForm = pikepdf.Dictionary(
        Fields=pikepdf.Array([made.make_indirect(field)]), XFA=made.make_stream(XMP)
    )
    made.Root.OCProperties = pikepdf.Dictionary(
        OCGs=[
            made.make_indirect(
                pikepdf.Dictionary(
                    Type=names.OCG, Name="kept",
                    Usage=pikepdf.Dictionary(User=pikepdf.Dictionary(Name=TOKEN)),
                )
            )
        ],
        D=pikepdf.Dictionary(),
    )  # fmt: skip
    made.docinfo["/Author"] = TOKEN
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def chunks(raw: bytes) -> list[bytes]:
    """The kinds of chunk of a PNG."""
    found, at = [], 8
    while at + 12 <= len(raw):
        size, kind = struct.unpack_from(">I4s", raw, at)
        found.append(kind)
        at += 12 + size
    return found
