"""What a moderator fills in when the first decisions on a new task are read."""

from typing import Any

from django import forms

from accounts.words import Text


class EarlyReadingForm(forms.Form):
    """Whether a decision is sound; a concern says why, and can be sent back to the assessor."""

    YES, CONCERN, BACK = "yes", "no", "back"

    is_sound = forms.ChoiceField(
        label="Does the decision apply the rubric as it is meant?",
        choices=[
            (YES, "Yes"),
            (CONCERN, "I have a concern"),
            (BACK, "I have a concern, and send it back to the assessor"),
        ],
        widget=forms.RadioSelect,
    )
    note = Text(label="Note", required=False, max_length=5000, widget=forms.Textarea)
    decision = forms.UUIDField(widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if (
            cleaned.get("is_sound") in (self.CONCERN, self.BACK)
            and not str(cleaned.get("note", "")).strip()
        ):
            self.add_error("note", "Say what your concern is.")
        return cleaned


class EarlyVerdictForm(forms.Form):
    """A note to the assessors. Whether it is needed depends on what was read."""

    note = Text(
        label="What you tell the assessors",
        required=False,
        max_length=5000,
        widget=forms.Textarea,
    )
