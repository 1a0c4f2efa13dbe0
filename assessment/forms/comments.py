"""Comments on evidence, with the place that they are about."""

from collections.abc import Iterable
from typing import Any

from django import forms

from accounts.words import Text
from assessment.definitions import Box, Remark
from assessment.enums import Audience
from assessment.models import CommentEntry
from catalogue.models import Criterion
from workflows.forms import key_of, whole_number


def milliseconds(text: str) -> int | None:
    """1:23, 1:02:03 or 83.5 as milliseconds; None for nothing, ValidationError for nonsense."""
    text = text.strip()
    if not text:
        return None
    parts = text.split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    plain = all(
        part.replace(".", "", 1).isascii() and part.replace(".", "", 1).isdigit() for part in parts
    )
    if not numbers or len(numbers) > 3 or not plain or any(one >= 60 for one in numbers[1:]):
        raise forms.ValidationError("Enter a time like 1:23, or 1:02:03.")
    seconds = 0.0
    for one in numbers:
        seconds = seconds * 60 + one
    if seconds > 86_400:
        raise forms.ValidationError("Enter a time within the recording.")
    return round(seconds * 1000)


PAGED = "paged"
TIMED = "timed"
WORDS = "words"
"""What kind of place a piece of evidence has: pages, times, or only its words."""


def places_of(kind: str, media_type: str) -> str:
    """Which of the three a piece of evidence has."""
    if media_type.startswith(("video/", "audio/")):
        return TIMED
    if kind in ("note", "link") or media_type.startswith("text/"):
        return WORDS
    return PAGED


class CommentForm(forms.Form):
    """A comment on one piece of evidence, filled in without a pointer. `places` is what places_of says."""

    body = Text(
        label="Comment",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write the comment."},
    )
    page = forms.IntegerField(
        label="Page",
        required=False,
        min_value=1,
        max_value=9999,
        error_messages={"invalid": "Enter the page as a number.", "min_value": "Pages begin at 1."},
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    starts = Text(label="From", required=False, max_length=12)
    ends = Text(label="To", required=False, max_length=12)
    quote = Text(label="Words that it is about", required=False, max_length=1000)
    box = Text(
        label="Part of the page",
        required=False,
        max_length=30,
        help_text="Left, top, width and height in per cent, like 10 20 50 15.",
    )
    criterion = forms.ChoiceField(label="Criterion", required=False)
    audience = forms.ChoiceField(
        label="Who reads it?", choices=Audience.choices, initial=Audience.LEARNER
    )

    def __init__(
        self, *args: Any, places: str, criteria: Iterable[Criterion], prefix: str = "", **kw: Any
    ) -> None:
        kw.setdefault("auto_id", f"{prefix}_%s" if prefix else "id_%s")
        super().__init__(*args, **kw)
        kept = {PAGED: ("page", "box"), TIMED: ("starts", "ends"), WORDS: ()}[places]
        for name in ("page", "box", "starts", "ends"):
            if name not in kept:
                del self.fields[name]
        chosen = [("", "None"), *((str(one.pk), f"{one.code} {one.title}") for one in criteria)]
        self.fields["criterion"].choices = chosen  # type: ignore[attr-defined]

    def clean_starts(self) -> int | None:
        return milliseconds(self.cleaned_data["starts"])

    def clean_ends(self) -> int | None:
        return milliseconds(self.cleaned_data["ends"])

    def clean_box(self) -> Box | None:
        words = self.cleaned_data["box"].replace(",", " ").replace("%", " ").split()
        if not words:
            return None
        numbers = [whole_number(word) for word in words]
        if len(numbers) != 4 or any(one is None for one in numbers):
            raise forms.ValidationError("Enter four whole numbers, like 10 20 50 15.")
        left, top, width, height = (one or 0 for one in numbers)
        if not width or not height or left + width > 100 or top + height > 100:
            raise forms.ValidationError(
                "The part must lie on the page: left and width, and top and height, come to 100 at most."
            )
        return Box(left, top, width, height)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts, ends = cleaned.get("starts"), cleaned.get("ends")
        if ends is not None and "starts" not in self.errors and (starts is None or ends <= starts):
            self.add_error("ends", "The end must come after the beginning.")
        if (
            cleaned.get("box") is not None
            and cleaned.get("page") is None
            and "page" not in self.errors
        ):
            self.add_error("page", "Say on which page the part is.")
        return cleaned

    @property
    def remark(self) -> Remark:
        """What was filled in."""
        said = self.cleaned_data
        return Remark(
            said["body"],
            page=said.get("page"),
            quote=said["quote"],
            box=said.get("box"),
            starts_ms=said.get("starts"),
            ends_ms=said.get("ends"),
            criterion=key_of(said["criterion"]),
            audience=said["audience"],
        )


def filled_from(entry: CommentEntry, clock: Any) -> dict[str, Any]:
    """A comment as the form shows it. `clock` writes milliseconds as people do."""
    box = (entry.left, entry.top, entry.width, entry.height)
    return {
        "body": entry.body,
        "page": entry.page,
        "quote": entry.quote,
        "box": " ".join(map(str, box)) if entry.left is not None else "",
        "starts": "" if entry.starts_ms is None else clock(entry.starts_ms),
        "ends": "" if entry.ends_ms is None else clock(entry.ends_ms),
        "criterion": str(entry.criterion_id or ""),
        "audience": entry.audience,
    }
