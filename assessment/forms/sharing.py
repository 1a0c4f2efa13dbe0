"""What pages of sharing out send: how much somebody takes, times, leave, pins, groups, a file of who gets what."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.words import Text, plain_text
from assessment.enums import Reading, Stand
from catalogue.models import AssessmentTask
from workflows.forms import DayField, RowsForm

COLUMNS = ("submission", "assessor")


class OfStaff(forms.Form):
    """Something about one assessor of a delivery."""

    assessor = forms.ChoiceField(
        label="Assessor", error_messages={"required": "Choose an assessor."}
    )

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(one.pk): one for one in people}
        choices = [("", "Choose"), *((key, one.name) for key, one in self.people.items())]
        self.fields["assessor"].choices = choices  # type: ignore[attr-defined]

    @property
    def chosen(self) -> User:
        return self.people[self.cleaned_data["assessor"]]


class CapacityForm(OfStaff):
    """How much somebody takes."""

    shares = forms.IntegerField(
        label="Shares",
        min_value=0,
        max_value=100,
        help_text="Somebody with 2 gets twice as much as somebody with 1; 0 gets nothing by share.",
        error_messages={"required": "Enter how many shares."},
    )
    hours = forms.IntegerField(
        label="Most hours waiting at once",
        min_value=1,
        max_value=1000,
        required=False,
        help_text="In all deliveries together. Leave empty for no limit.",
    )


class OfTask(forms.Form):
    """Something about one task of a delivery."""

    task = forms.ChoiceField(label="Task", error_messages={"required": "Choose a task."})

    def __init__(self, *args: Any, tasks: Iterable[AssessmentTask], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tasks = {str(one.pk): one for one in tasks}
        choices = [("", "Choose"), *((key, one.title) for key, one in self.tasks.items())]
        self.fields["task"].choices = choices  # type: ignore[attr-defined]

    @property
    def chosen(self) -> AssessmentTask:
        return self.tasks[self.cleaned_data["task"]]


class TimeForm(OfTask):
    """How long marking one submission of a task takes."""

    minutes = forms.IntegerField(
        label="Minutes for one submission",
        min_value=1,
        max_value=1440,
        required=False,
        help_text="Leave empty for the time that the policy says.",
    )


class LeaveForm(OfStaff):
    """Days on which somebody is away."""

    first_day = DayField(label="First day away")
    last_day = DayField(label="Last day away")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        first, last = cleaned.get("first_day"), cleaned.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "The last day cannot be before the first.")
        return cleaned


class PinForm(OfStaff):
    """Whose work always goes to whom."""

    learner = forms.ChoiceField(label="Learner", error_messages={"required": "Choose a learner."})

    def __init__(self, *args: Any, learners: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.learners = {str(one.pk): one for one in learners}
        choices = [("", "Choose"), *((key, one.name) for key, one in self.learners.items())]
        self.fields["learner"].choices = choices  # type: ignore[attr-defined]

    @property
    def chosen_learner(self) -> User:
        return self.learners[self.cleaned_data["learner"]]


class ReadingForm(OfTask):
    """How often one task is marked."""

    reading = forms.ChoiceField(
        label="How often is its work marked?",
        choices=Reading.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how often."},
    )
    percent = forms.IntegerField(
        label="Of 100 submissions, how many twice?",
        min_value=1,
        max_value=99,
        required=False,
        help_text="Only where a share is marked twice. Which ones is drawn at random.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("reading") == Reading.SHARE and not cleaned.get("percent"):
            self.add_error("percent", "Enter how many of 100.")
        return cleaned


class StandForm(forms.Form):
    """What one of two who disagree thinks and wants."""

    rationale = Text(
        label="What do you think, and why?",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="The other assessor reads it. It is kept.",
        error_messages={"required": "Say what you think, and why."},
    )
    stand = forms.ChoiceField(
        label="What do you want?",
        choices=Stand.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what you want."},
    )


HIDDEN = [("", "As the policy says"), ("yes", "Hidden until release"), ("no", "Shown")]


class NamesForm(OfTask):
    """Whose names are kept from whom, for one task."""

    learner = forms.ChoiceField(
        label="Learners’ names, for assessors", choices=HIDDEN, required=False
    )
    assessor = forms.ChoiceField(
        label="The assessor’s name, for the learner", choices=HIDDEN, required=False
    )
    between = forms.ChoiceField(
        label="The other assessor’s name, for assessors", choices=HIDDEN, required=False
    )

    @property
    def switches(self) -> dict[str, bool | None]:
        """What plan_names takes; None for what the policy says."""
        names = ("learner", "assessor", "between")
        return {one: {"yes": True, "no": False}.get(self.cleaned_data[one]) for one in names}


class AllocationFileForm(RowsForm):
    """Who gets what, as a CSV file: reference of the submission and e-mail address of the assessor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].help_text = "With the header row: submission, assessor."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors:
            cleaned["rows"] = list(read_rows(text_of(self), COLUMNS))
        return cleaned


LONGEST_NAME = 60


class GroupsForm(RowsForm):
    """Which learner is in which group, as a CSV file: e-mail address and name of the group."""

    def __init__(self, *args: Any, learners: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.learners = {one.email.casefold(): one for one in learners}
        self.fields[
            "text"
        ].help_text = "With the header row: learner, group. An empty group takes somebody out."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.errors:
            return cleaned
        found: dict[UUID, str] = {}
        problems = []
        for line, row in read_rows(text_of(self), ("learner", "group")):
            learner = self.learners.get(row["learner"].casefold())
            if not row["learner"]:
                problems.append(f"Line {line}: the e-mail address of the learner is missing.")
            elif learner is None:
                problems.append(f"Line {line}: {row['learner']} does not learn in this delivery.")
            elif learner.pk in found:
                problems.append(f"Line {line}: {row['learner']} is in the file twice.")
            elif len(row["group"]) > LONGEST_NAME:
                problems.append(
                    f"Line {line}: a name of a group has {LONGEST_NAME} characters at most."
                )
            else:
                found[learner.pk] = plain_text(row["group"])
        if problems:
            raise ValidationError([ValidationError(one) for one in problems])
        cleaned["groups"] = found
        return cleaned


def text_of(form: RowsForm) -> str:
    """What was sent, as text. ValidationError where it is not UTF-8."""
    try:
        return form.content().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValidationError("The file is not UTF-8. Save it as “CSV UTF-8”.") from None


def read_rows(text: str, wanted: Sequence[str]) -> Iterable[tuple[int, Mapping[str, str]]]:
    """Rows with the number of their line.

    ValidationError where the header is not the one that is asked for, and after a header without any row.
    """
    header = (text.splitlines() or [""])[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    columns = [one.strip().casefold() for one in next(reader, [])]
    if sorted(columns) != sorted(wanted):
        raise ValidationError(f"The first row has to be: {', '.join(wanted)}.")
    is_empty = True
    for cells in reader:
        if any(cell.strip() for cell in cells):
            is_empty = False
            filled = [cell.strip() for cell in cells] + [""] * len(columns)
            yield reader.line_num, dict(zip(columns, filled, strict=False))
    if is_empty:
        raise ValidationError("There is no row below the header.")
