"""What is said about people who know each other."""

from collections.abc import Iterable
from typing import Any

from django import forms

from accounts.enums import ConflictGround, ConflictKind
from accounts.models import User
from accounts.words import Text

KNOWN_AS = [one for one in ConflictKind if one != ConflictKind.VERIFIER]
"""What people say of themselves; that somebody confirmed the work is noted when they do."""


class KnownForm(forms.Form):
    """How somebody knows a learner whose work they were to mark."""

    kind = forms.ChoiceField(
        label="How do you know each other?",
        choices=[(one.value, one.label) for one in KNOWN_AS],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how you know each other."},
    )


class RelationForm(forms.Form):
    """That somebody of the staff and a learner of a delivery are close."""

    person = forms.ChoiceField(
        label="Assessor or moderator", error_messages={"required": "Choose who it is about."}
    )
    learner = forms.ChoiceField(label="Learner", error_messages={"required": "Choose the learner."})
    kind = forms.ChoiceField(
        label="How they know each other",
        choices=[(one.value, one.label) for one in KNOWN_AS],
        error_messages={"required": "Choose how they know each other."},
    )

    def __init__(
        self, *args: Any, people: Iterable[User], learners: Iterable[User], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(one.pk): one for one in people}
        self.learners = {str(one.pk): one for one in learners}
        for name, known in (("person", self.people), ("learner", self.learners)):
            choices = [("", "Choose"), *((key, one.name) for key, one in known.items())]
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    @property
    def chosen(self) -> tuple[User, User, ConflictKind]:
        given = self.cleaned_data
        return (
            self.people[given["person"]],
            self.learners[given["learner"]],
            ConflictKind(given["kind"]),
        )


class ConflictWaiverForm(forms.Form):
    """Why a conflict should not count."""

    ground = forms.ChoiceField(
        label="Which conflict should not count?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one."},
    )
    reason = Text(
        label="Why?",
        help_text="For example that nobody else knows the field. Kept for good, and read by whoever signs.",
        max_length=2000,
        widget=forms.Textarea,
        error_messages={"required": "Say why it should not count."},
    )

    def __init__(self, *args: Any, grounds: Iterable[ConflictGround], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ground"].choices = [(one.value, one.label) for one in grounds]  # type: ignore[attr-defined]
