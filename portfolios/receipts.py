"""The receipt as a PDF for people and their screen readers (PDF/UA-1), made by Typst."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings

FONT = "PublicSans-Regular.ttf"


class FontsMissing(Exception):  # noqa: N818  reads as a fact
    """The fonts of the front end are not built, so no PDF can be made. The page holds the same facts."""


def fonts() -> Path:
    """The folder with the TrueType files; Typst reads no web fonts."""
    base = Path(settings.BASE_DIR)
    for folder in (
        base / "static" / "build" / "pdf-fonts",
        base / "staticfiles" / "pdf-fonts",
    ):
        if (folder / FONT).exists():
            return folder
    raise FontsMissing


def receipt_pdf(facts: dict[str, Any]) -> bytes:
    """One page: reference, time, fingerprint, the list of files."""
    return pdf("portfolios/receipt.typ", facts)


def pdf(template: str, facts: dict[str, Any]) -> bytes:
    """A tagged PDF (PDF/UA-1) from a Typst template in `templates/`. Values are data, never markup.

    Anything that Typst warns of (a letter without a glyph, a font that is missing) is an error here.
    """
    import typst  # noqa: PLC0415  7 MB, and wanted for documents only

    try:
        return _compile(template, facts)
    except typst.TypstError:
        # A letter that the font has not: better a question mark in a title than no document.
        return _compile(template, _latin(facts))


def _latin(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(c if ord(c) < 0x250 or c in "“”‘’–—…·" else "?" for c in value)
    if isinstance(value, dict):
        return {key: _latin(one) for key, one in value.items()}
    return [_latin(one) for one in value] if isinstance(value, list) else value


def _compile(template: str, facts: dict[str, Any]) -> bytes:
    import typst  # noqa: PLC0415  7 MB, and wanted for documents only

    made, warnings = typst.compile_with_warnings(
        str(Path(settings.BASE_DIR) / "templates" / template),
        pdf_standards=["ua-1"],
        font_paths=[str(fonts())],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(facts)},
    )
    if warnings:
        raise FontsMissing("; ".join(one.message for one in warnings))
    return bytes(made)
