"""Texts for the comment bank."""

from typing import Any
from uuid import UUID

from django import forms

from accounts.words import Text


class PreparedForm(forms.Form):
    """A text for the comment bank. `fits` and `levels` are choices from selectors.prepared."""

    fits = forms.ChoiceField(
        label="What is it for?", error_messages={"required": "Choose what it is for."}
    )
    level_code = forms.ChoiceField(label="At which level?", required=False)
    text = Text(
        label="Comment",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Without names: it is used for many learners.",
        error_messages={"required": "Write the comment."},
    )
    is_shared = forms.BooleanField(
        label="Share it with everybody who marks this micro-credential", required=False
    )

    def __init__(self, *args: Any, fits: Any, levels: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["fits"].choices = fits  # type: ignore[attr-defined]
        self.fields["level_code"].choices = [("", "Any level"), *levels]  # type: ignore[attr-defined]

    @property
    def fitting(self) -> tuple[UUID, str]:
        """Micro-credential and code of the criterion."""
        key, _bar, code = self.cleaned_data["fits"].partition("|")
        return UUID(key), code

    def refuse(self, word: str) -> None:
        """Say which word is a learner's name."""
        self.add_error("text", f"“{word}” is the name of a learner. Write it without names.")


class ChangePreparedForm(PreparedForm):
    """A text of one's own that stands in the bank already."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, fits=[], levels=[], **kw)
        del self.fields["fits"], self.fields["level_code"]
