"""Who is asked to mark one piece of work."""

from collections.abc import Iterable
from typing import Any

from django import forms

from accounts.models import User
from accounts.words import Text
from assessment.selectors import Candidate


class AllocationForm(forms.Form):
    """One person for one piece of work."""

    assessor = forms.ChoiceField(
        label="Who should mark it?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose an assessor."},
    )
    reason = Text(
        label="Why is it moved?",
        max_length=200,
        error_messages={"required": "Say why the work is moved."},
    )

    def __init__(
        self,
        *args: Any,
        candidates: Iterable[Candidate],
        moves: bool,
        blind: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        able = [one for one in candidates if one.is_able]
        self.people = {str(one.person.pk): one.person for one in able}
        field = self.fields["assessor"]
        field.choices = [(key, one.name) for key, one in self.people.items()]  # type: ignore[attr-defined]
        field.choice_hints = {  # type: ignore[attr-defined]
            str(one.person.pk): f"{one.load} waiting. {one.words_for(blind=blind)}".removesuffix(
                ". "
            )
            for one in able
        }
        if not moves:
            del self.fields["reason"]

    @property
    def chosen(self) -> User:
        return self.people[self.cleaned_data["assessor"]]
