"""What the workspace of marking sends. Drafts take anything; the guards ask at the verdict."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict

from accounts.files import File
from accounts.words import Text
from assessment.definitions import Judged, Marks
from assessment.enums import ChangeReason
from assessment.models import CriterionJudgement
from workflows.forms import key_of, whole_number


def _known(code: object) -> str:
    """A reason for a change, or nothing."""
    return str(code) if code in ChangeReason.values else ""


def read_marks(data: "MultiValueDict[str, Any]") -> Marks:
    """The draft that a page sent: `level_2`, `feedback_2`, `note_2`, `pointer_2`, numbered as the rubric."""
    criteria = {}
    for name in data:
        kind, _underline, number = name.partition("_")
        place = whole_number(number)
        if kind != "feedback" or place is None:
            continue
        pointers = data.getlist(f"pointer_{number}")
        criteria[place] = Judged(
            level=key_of(str(data.get(f"level_{number}", ""))),
            feedback=str(data[name]),
            staff_note=str(data.get(f"note_{number}", "")),
            pointers=[one for one in map(whole_number, map(str, pointers)) if one is not None],
        )
    return Marks(
        criteria,
        feedback=str(data.get("feedback", "")),
        staff_note=str(data.get("staff_note", "")),
        reason=str(data.get("reason", "")),
        reason_code=_known(data.get("reason_code")),
    )


def written(judgements: Iterable[CriterionJudgement]) -> Mapping[str, str]:
    """Fields of a saved draft as the page names them, to set beside what came too late."""
    found = {}
    for one in judgements:
        number = one.criterion.number
        found[f"level_{number}"] = str(one.level_id or "")
        found[f"feedback_{number}"] = one.feedback
        found[f"note_{number}"] = one.staff_note
    return found


class FinishForm(forms.Form):
    """The one verdict."""

    RECORD, REFER, HOLD = "record", "refer", "hold"
    VERDICTS = [
        (RECORD, "Record the decision"),
        (REFER, "Refer back to the learner for more evidence"),
        (HOLD, "Raise an integrity concern"),
    ]

    verdict = forms.ChoiceField(
        label="What is your verdict?",
        choices=VERDICTS,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one verdict."},
    )
    concern = Text(
        label="What is the concern?",
        help_text="Only for an integrity concern. Staff read this, the learner does not.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, can_refer: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not can_refer:
            field = self.fields["verdict"]
            field.choices = [one for one in self.VERDICTS if one[0] != self.REFER]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("verdict") == self.HOLD and not cleaned.get("concern", "").strip():
            self.add_error("concern", "Say what the concern is.")
        return cleaned


class HandBackForm(forms.Form):
    """Why the work goes back to the queue."""

    reason = Text(label="Why?", max_length=200, required=False)


class OfflineForm(forms.Form):
    """What comes back from marking away from the system."""

    file = File(
        label="ZIP or CSV file",
        max_length=1000,
        allow_empty_file=True,
        error_messages={"required": "Choose the file that you worked in."},
    )


class EarlyAnswerForm(forms.Form):
    """What an assessor says to a concern about one of the first decisions."""

    would_change = forms.ChoiceField(
        label="Having looked again, what do you think?",
        choices=[("yes", "I would judge it otherwise"), ("no", "I keep my decision")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether you would judge it otherwise."},
    )
    text = Text(
        label="What you would change, or why you keep it",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Say what you would change, or why you keep it."},
    )
