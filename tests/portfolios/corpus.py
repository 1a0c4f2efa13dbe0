"""Files made for tests: documents and recordings full of names, and hostile ones."""

import io
import struct
import zipfile
import zlib
from typing import Any

from tests.factories.portfolios import pdf_of, png

TOKEN = "Tuhoe-Canary"
CONTENT_TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
PAGES = [
    "<</Type/Catalog/Pages 2 0 R>>",
    "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>",
]


def docx(parts: dict[str, str | bytes] | None = None, types: str = CONTENT_TYPES) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", f"<Types>{types}</Types>")
        archive.writestr("word/document.xml", "<w:document/>")
        for name, content in (parts or {}).items():
            archive.writestr(name, content)
    return made.getvalue()


def docx_with_names() -> bytes:
    """Author, last editor, company, a comment and a tracked change, a picture with EXIF, a thumbnail."""
    return docx(
        {
            "docProps/core.xml": f"<cp:coreProperties><dc:creator>{TOKEN}</dc:creator></cp:coreProperties>",
            "docProps/app.xml": f"<Properties><Company>{TOKEN}</Company></Properties>",
            "docProps/custom.xml": f"<Properties><p>{TOKEN}</p></Properties>",
            "docProps/thumbnail.jpeg": photo(),
            "word/comments.xml": f'<w:comment w:author="{TOKEN}" w:initials="{TOKEN}">kept</w:comment>',
            "word/footnotes.xml": f"<w:ins w:author='{TOKEN}'>kept too</w:ins>",
            "word/people.xml": f'<w15:person w15:author="{TOKEN}"><w15:info w15:userId="{TOKEN}"/></w15:person>',
            "word/media/image1.jpeg": photo(),
            "word/header.xml": f'\ufeff<w:del w:author="{TOKEN}"/>'.encode("utf-16-le"),
            "ppt/commentAuthors.xml": f'<p:cmAuthor id="1" name="{TOKEN}" initials="{TOKEN}"/>',
            "xl/comments1.xml": f"<authors><author>{TOKEN}</author></authors>",
        }
    )


ODF = "urn:oasis:names:tc:opendocument:xmlns:"
NAMESPACES = " ".join(
    [
        *(
            f'xmlns:{short}="{ODF}{name}:1.0"'
            for short, name in {
                "office": "office", "text": "text", "table": "table", "draw": "drawing", "style": "style",
                "script": "script", "presentation": "presentation", "meta": "meta", "manifest": "manifest",
                "svg": "svg-compatible", "fo": "xsl-fo-compatible",
            }.items()
        ),
        'xmlns:xlink="http://www.w3.org/1999/xlink"',
        'xmlns:dc="http://purl.org/dc/elements/1.1/"',
    ]
)  # fmt: skip
FAMILIES = {"odt": "text", "ods": "spreadsheet", "odp": "presentation"}


def odf(
    body: str = "<text:p>kept</text:p>",
    *,
    kind: str = "odt",
    parts: dict[str, str | bytes] | None = None,
    styles: str = "",
    automatic: str = "",
    head: str = "",
    mimetype: str = "",
) -> bytes:
    """An OpenDocument file as programs write it: its type first and unpacked, then its parts and their list."""
    made, family = io.BytesIO(), FAMILIES[kind]
    files: dict[str, str | bytes] = {
        "content.xml": f"<?xml version='1.0'?>{head}<office:document-content {NAMESPACES}>"
        f"<office:automatic-styles>{automatic}</office:automatic-styles><office:body>"
        f"<office:{family}>{body}</office:{family}></office:body></office:document-content>",
        "styles.xml": f"<office:document-styles {NAMESPACES}>{styles}</office:document-styles>",
        **(parts or {}),
    }
    entries = "".join(f'<manifest:file-entry manifest:full-path="{name}"/>' for name in files)
    listed = f"<manifest:manifest {NAMESPACES}>{entries}</manifest:manifest>"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            zipfile.ZipInfo("mimetype"),
            mimetype or f"application/vnd.oasis.opendocument.{family}",
        )
        for name, content in {"META-INF/manifest.xml": listed, **files}.items():
            archive.writestr(name, content)
    return made.getvalue()


def odt_with_names() -> bytes:
    """Author, comment, tracked change, fields, a file's name, EXIF, a thumbnail, a signature, a printer."""
    body = (
        f"<text:tracked-changes><text:changed-region><office:change-info><dc:creator>{TOKEN}</dc:creator>"
        "</office:change-info></text:changed-region></text:tracked-changes>"
        f"<text:p>kept <office:annotation><dc:creator>{TOKEN}</dc:creator><meta:creator-initials>{TOKEN}"
        f"</meta:creator-initials><text:p>too</text:p></office:annotation><text:author-name>{TOKEN}"
        f"</text:author-name><text:sender-email>{TOKEN}</text:sender-email><text:file-name>{TOKEN}.odt"
        f'</text:file-name><draw:frame draw:name="{TOKEN}.jpg"><draw:image xlink:href="Pictures/1.jpg"/>'
        f"<svg:title>{TOKEN}.jpg</svg:title></draw:frame></text:p>"
        f'<text:p><text:a xlink:href="file:///home/{TOKEN}/a.odt">kept</text:a></text:p>'
    )
    meta = f"<office:document-meta {NAMESPACES}><dc:creator>{TOKEN}</dc:creator></office:document-meta>"
    return odf(
        body,
        parts={
            "meta.xml": meta,
            "settings.xml": f"<x>{TOKEN}</x>",
            "Pictures/1.jpg": photo(),
            "Pictures/2.png": photo("PNG"),
            "Thumbnails/thumbnail.png": photo("PNG"),
            "META-INF/documentsignatures.xml": f"<x>{TOKEN}</x>",
            "Configurations2/accelerator/current.xml": f"<x>{TOKEN}</x>",
        },
    )


def pdf_with_names() -> bytes:
    """Author in Info and XMP, and the author of a comment."""
    xmp = f"<x>{TOKEN}</x>"
    objects = [
        "<</Type/Catalog/Pages 2 0 R/Metadata 5 0 R>>",
        PAGES[1],
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Annots[6 0 R]>>",
        f"<</Author({TOKEN})/Creator({TOKEN})>>",
        f"<</Type/Metadata/Subtype/XML/Length {len(xmp)}>>stream\n{xmp}\nendstream\n",
        f"<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Contents(kept)/T({TOKEN})>>",
    ]
    return pdf_of(objects, trailer="/Info 4 0 R")


def photo(kind: str = "JPEG", size: tuple[int, int] = (40, 20)) -> bytes:
    """A picture lying on its side, with name, device and place."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x013B] = TOKEN
    exif[0x0110] = TOKEN
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[2] = (36.0, 50.0, 0.0)
    exif.get_ifd(0x8825)[29] = TOKEN
    made = io.BytesIO()
    Image.new("RGB", size, "teal").save(made, kind, exif=exif)
    return made.getvalue()


def heic() -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return photo("HEIF", (64, 64))


def recording(kind: str) -> bytes:
    """Half a second of sound, with a picture where the kind has one, and a name in its description."""
    import av

    made = io.BytesIO()
    with av.open(made, "w", format=kind) as container:
        container.metadata["artist"] = TOKEN
        container.metadata["title"] = TOKEN
        container.metadata["location"] = f"+36.8+174.7/{TOKEN}"
        codec = {"mp4": "aac", "mov": "aac", "webm": "libopus", "mp3": "mp3", "wav": "pcm_s16le"}[
            kind
        ]
        sound: Any = container.add_stream(codec, rate=48000)
        sound.metadata["title"] = TOKEN
        sound.layout = "mono"
        resampler = av.AudioResampler(
            format=sound.format if kind != "webm" else "s16", layout="mono", rate=48000,
            frame_size=sound.frame_size or 1024,
        )  # fmt: skip
        frame = av.AudioFrame(format="s16", layout="mono", samples=24000)
        frame.sample_rate = 48000
        frame.planes[0].update(bytes(48000))
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(sound.encode(piece))
        container.mux(sound.encode(None))
    return made.getvalue()


def frames(raw: bytes) -> list[bytes]:
    """What a player would decode."""
    import av

    with av.open(io.BytesIO(raw)) as container:
        return [bytes(frame.planes[0]) for frame in container.decode(audio=0)]


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return made.getvalue()


def hostile() -> dict[str, tuple[str, bytes]]:
    """Name of the file and its bytes, for each way that a file may try to hurt."""
    laughs = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha">]><a>&b;</a>'
    external = '<Relationship Type="…/attachedTemplate" Target="http://e.example/t.dotm" TargetMode="External"/>'
    acting = [*PAGES, "<</S/JavaScript/JS(app.alert(1))>>"]
    holding = [*PAGES, "<</Type/Filespec/EF<</F 5 0 R>>>>", "<</Length 1>>stream\nx\nendstream\n"]
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    big = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )
    return {
        "eicar in an image": (
            "a.png",
            b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
        ),
        "svg": ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        "svg as png": ("a.png", b"<svg onload=alert(1)>"),
        "html as pdf": ("a.pdf", b"<html><script>alert(1)</script>"),
        "html before a pdf": ("a.pdf", b"<html><script>alert(1)</script>" + pdf_of(PAGES)),
        "html as docx": ("a.docx", b"<html><script>alert(1)</script>"),
        "two extensions": ("report.pdf.exe", b"MZ" + bytes(99)),
        "reversed name": ("report\u202efdp.exe", b"MZ" + bytes(99)),
        "zip behind a picture": ("a.png", png() + zipped(a=b"x")),
        "zip behind a pdf": ("a.pdf", pdf_of(PAGES) + zipped(a=b"x")),
        "svg behind a picture": ("a.jpg", photo() + b"<svg onload=alert(1)></svg>"),
        "svg far behind a picture": ("a.png", png() + bytes(9000) + b"<svg onload=alert(1)></svg>"),
        "pdf with a program": ("a.pdf", pdf_of(acting)),
        "pdf with a launch": ("a.pdf", pdf_of([*PAGES, "<</S/Launch/F(cmd.exe)>>"])),
        "pdf with a file inside": ("a.pdf", pdf_of(holding)),
        "pdf cut off": ("a.pdf", pdf_of(PAGES)[:60]),
        "entities": ("a.docx", docx({"word/styles.xml": laughs})),
        "entities behind a long comment": (
            "a.docx",
            docx(
                {
                    "word/styles.xml": f"<!--{'x' * 70_000}--><!DOCTYPE a [<!ENTITY b 'ha'>]><a>&b;</a>"
                }
            ),
        ),
        "entities in utf-16": ("a.docx", docx({"word/styles.xml": laughs.encode("utf-16")})),
        "macros by another name": ("a.docx", docx({"word/vbaProject2.bin": b"x"})),
        "macros of a spreadsheet": ("a.docx", docx({"xl/macrosheets/sheet1.xml": "<x/>"})),
        "a template elsewhere": ("a.docx", docx({"word/_rels/settings.xml.rels": external})),
        "an object that runs": (
            "a.docx",
            docx({"word/embeddings/oleObject1.bin": b"\xd0\xcf\x11\xe0" + bytes(9)}),
        ),
        "a control": ("a.docx", docx({"word/activeX/activeX1.bin": b"x"})),
        "an archive with macros inside": (
            "a.docx",
            docx({"word/embeddings/a.docx": docx({"word/vbaProject.bin": b"x"})}),
        ),
        "a bomb": ("a.docx", docx({"word/a.bin": bytes(80 * 1024 * 1024)})),
        "a bomb inside": (
            "a.docx",
            docx({"word/embeddings/a.xlsx": zipped(a=bytes(80 * 1024 * 1024))}),
        ),
        "many pixels": ("a.png", big),
        **hostile_open_documents(),
    }


def hostile_open_documents() -> dict[str, tuple[str, bytes]]:
    """OpenDocument files that run something, fetch something, burst, or are something else."""
    laughs = '<!DOCTYPE a [<!ENTITY b "ha">]>'
    listener = (
        '<text:p><office:event-listeners><script:event-listener xlink:href="vnd.sun.star.script:a"/>'
        "</office:event-listeners></text:p>"
    )
    far = '<draw:frame><draw:image xlink:href="http://e.example/a.png"/></draw:frame>'
    near = '<draw:frame><draw:image xlink:href="../../secret.png"/></draw:frame>'
    pressed = '<draw:custom-shape><presentation:event-listener presentation:action="execute"/></draw:custom-shape>'
    locked = f"<manifest:manifest {NAMESPACES}><manifest:encryption-data/></manifest:manifest>"
    word = {"[Content_Types].xml": f"<Types>{CONTENT_TYPES}</Types>", "word/document.xml": "<x/>"}
    made: dict[str, tuple[str, bytes]] = {
        "macros of an odt": ("a.odt", odf(parts={"Basic/Standard/Module1.xml": "<x/>"})),
        "a script of an odt": ("a.odt", odf(parts={"Scripts/python/a.py": "import os"})),
        "macros in a chart": ("a.odt", odf(parts={"Object 1/Basic/Standard/M.xml": "<x/>"})),
        "an odt that calls a macro": ("a.odt", odf(listener)),
        "macros by another prefix": (
            "a.odt",
            odf(f'<e:event-listener xmlns:e="{ODF}script:1.0"/>'),
        ),
        "an odp that starts a program": ("a.odp", odf(pressed, kind="odp")),
        "an applet": ("a.odt", odf("<draw:applet/>")),
        "a page in a page": ("a.odt", odf('<draw:floating-frame xlink:href="http://e.example"/>')),
        "a picture from the web": ("a.odt", odf(far)),
        "a picture from the disk": ("a.odt", odf(near)),
        "a section from elsewhere": (
            "a.odt",
            odf("<text:section><text:section-source/></text:section>"),
        ),
        "cells from elsewhere": ("a.ods", odf("<table:table-source/>", kind="ods")),
        "a chart from the web": (
            "a.odt",
            odf(parts={"Object 1/content.xml": f"<x {NAMESPACES}>{far}</x>"}),
        ),
        "entities of an odt": ("a.odt", odf(head=laughs)),
        "entities far down": ("a.odt", odf(head=f"<!--{'x' * 70_000}-->{laughs}")),
        "an odt with a password": ("a.odt", odf(parts={"META-INF/manifest.xml": locked})),
        "an ole object in an odt": (
            "a.odt",
            odf(parts={"Object 1": b"\xd0\xcf\x11\xe0" + bytes(9)}),
        ),
        "an odt with a bomb": ("a.odt", odf(parts={"Pictures/1.png": bytes(80 * 1024 * 1024)})),
        "an ods by the name of odt": ("a.odt", odf(kind="ods")),
        "an odt by the name of docx": ("a.docx", odf()),
        "odt and docx at once": ("a.odt", odf(parts=word)),
        "an odt of no known type": (
            "a.odt",
            odf(mimetype="application/vnd.oasis.opendocument.database"),
        ),
        "an odt that is cut off": ("a.odt", odf("<text:p>")),
    }
    return made
