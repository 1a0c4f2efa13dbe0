"""Asking somebody outside to look at a round, and what they say."""

from typing import Any

from django import forms

from accounts.words import Text
from moderation.enums import ExternalFinding
from workflows.forms import DayField


class InvitationForm(forms.Form):
    """Who may look, and from which day to which."""

    email = forms.EmailField(label="E-mail address")
    name = Text(
        label="Name",
        required=False,
        max_length=200,
        help_text="Only for somebody who has no account yet.",
    )
    achievement_record = Text(
        label="Where their CV or Record of Achievement is",
        required=False,
        max_length=300,
        help_text="An address or a file number. It stands in the record of the round, which names people by codes.",
    )
    since = DayField(label="First day")
    until = DayField(label="Last day", help_text="The page closes at the end of this day.")
    asked = Text(
        label="What you would like to know",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def for_action(self) -> dict[str, Any]:
        """The arguments of invite_external."""
        return dict(self.cleaned_data)


class CommentForm(forms.Form):
    """On one item of the sample."""

    text = Text(
        label="Your comment on this item",
        required=False,
        help_text="It is part of your report. Nobody else sees it before you submit that.",
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class ReportForm(forms.Form):
    """The finding on the round as a whole. A draft may leave it open."""

    finding = forms.ChoiceField(
        label="What do you find?",
        choices=ExternalFinding.choices,
        widget=forms.RadioSelect,
        required=False,
    )
    report = Text(
        label="Your report",
        required=False,
        widget=forms.Textarea(attrs={"rows": 10}),
    )

    def __init__(self, *args: Any, final: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.final = final

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.final and not given.get("finding"):
            self.add_error("finding", "Choose what you find.")
        if self.final and not given.get("report", "").strip():
            self.add_error("report", "Write your report.")
        return given
