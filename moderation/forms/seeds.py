"""Hiding agreed work among live work."""

from typing import Any

from django import forms

from assessment.enums import Telling
from assessment.models.seeds import MOST_PERCENT


class SeedPlanForm(forms.Form):
    """How much, and whether assessors are told afterwards."""

    percent = forms.IntegerField(
        label="Pieces of agreed work for each 100 pieces of live work",
        min_value=1,
        max_value=MOST_PERCENT,
        initial=5,
        help_text="5 is usual.",
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    telling = forms.ChoiceField(
        label="Are assessors told which work it was?",
        choices=Telling.choices,
        initial=Telling.AFTER,
        widget=forms.RadioSelect,
    )

    def for_action(self) -> dict[str, Any]:
        """The arguments of begin_seeds."""
        return dict(self.cleaned_data)
