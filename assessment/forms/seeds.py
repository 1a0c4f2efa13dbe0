"""Withdrawing hidden agreed work."""

from django import forms

from accounts.words import Text


class WithdrawSeedForm(forms.Form):
    """Why it counts no more."""

    reason = Text(
        label="Why do you withdraw it?",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why you withdraw it."},
    )
