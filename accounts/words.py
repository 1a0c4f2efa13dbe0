"""What people type: one spelling for equal words, whichever keyboard, browser or file it came from."""

import unicodedata
from typing import Any

from django import forms


def plain_text(text: str) -> str:
    """The text in NFC with one kind of line end and without NUL; macrons, spaces and all else stay."""
    cleaned = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return unicodedata.normalize("NFC", cleaned)


class Text(forms.CharField):
    """Words of a form as plain_text() has them, so that an ā typed on one machine equals one typed on another.

    NUL is not left out here: the field's own validator refuses it in words.
    """

    def to_python(self, value: Any) -> str:
        given = super().to_python(value) or ""
        return given if "\x00" in given else plain_text(given)
