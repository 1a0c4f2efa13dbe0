"""What is asked before something is done to work that was chosen in the queue; and the person's own views of it."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import User
from accounts.words import Text
from assessment.enums import Act
from assessment.selectors.filters import MOST_VIEWS, SavedView
from catalogue.models import Delivery
from workflows.forms import DayField
from workflows.working_days import at_wall

CLOSES = dt.time(17)
"""Marking is due at five in the afternoon of the delivery's zone, as where the policy counts it."""


class ActForm(forms.Form):
    """To whom work goes, until when it may be marked, and why; each act asks only what it needs."""

    to = forms.ChoiceField(
        label="Who should have it?", required=False, help_text="Conflicts and leave are minded."
    )
    day = DayField(
        label="Marked by",
        help_text="At five in the afternoon. For example 27 3 2027.",
        error_messages={"required": "Enter the day by which it is to be marked."},
    )
    reason = Text(
        label="Why?", max_length=200, error_messages={"required": "Say why. It is kept with the work."}
    )  # fmt: skip

    def __init__(
        self, *args: Any, act: Act, delivery: Delivery, people: Iterable[User], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.delivery = delivery
        self.people = {str(one.pk): one for one in people}
        field: Any = self.fields["to"]
        field.choices = [
            ("", "Whoever has least to do"),
            *((key, one.name) for key, one in self.people.items()),
        ]
        asked = {Act.ALLOCATE: {"to"}, Act.MOVE: {"to", "reason"}, Act.EXTEND: {"day", "reason"}}
        for name in set(self.fields) - asked.get(act, set()):
            del self.fields[name]

    def clean_day(self) -> dt.date:
        day: dt.date = self.cleaned_data["day"]
        if at_wall(dt.datetime.combine(day, CLOSES), self.delivery.zone) <= timezone.now():
            raise forms.ValidationError("Choose a day that is still to come.")
        return day

    @property
    def chosen(self) -> User | None:
        return self.people.get(self.cleaned_data.get("to", ""))

    @property
    def due_at(self) -> dt.datetime | None:
        day = self.cleaned_data.get("day")
        return at_wall(dt.datetime.combine(day, CLOSES), self.delivery.zone) if day else None

    @property
    def why(self) -> str:
        return str(self.cleaned_data.get("reason", ""))


class SavedViewForm(forms.Form):
    """A name for what the queue shows now."""

    name = Text(
        label="Name of this view", max_length=40, error_messages={"required": "Give the view a name."}
    )  # fmt: skip
    is_default = forms.BooleanField(label="Show this view first", required=False)

    def __init__(self, *args: Any, views: Iterable[SavedView], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.views = list(views)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        known = {one.name.casefold() for one in self.views}
        if name.casefold() not in known and len(known) >= MOST_VIEWS:
            raise forms.ValidationError(f"You have {MOST_VIEWS} views. Remove one first.")
        return name
