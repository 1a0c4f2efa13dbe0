"""The record of a standardisation meeting, and what is added to it."""

import re
from typing import Any

from django import forms

from accounts.models import User
from accounts.words import Text
from assessment.models import Exemplar
from catalogue.models import AssessmentTask
from moderation.actions import Minutes
from moderation.models import Meeting
from moderation.selectors.meetings import who_may_attend
from portfolios.models import Submission
from workflows.forms import DayField


class MeetingForm(forms.Form):
    """Who met when, about what, and what was agreed."""

    held_on = DayField(label="Date of the meeting")
    attendees = forms.ModelMultipleChoiceField(
        label="Who was there",
        queryset=User.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    others = Text(
        label="Others who were there",
        help_text="People without an account here, or of deliveries that you do not lead.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    references = Text(
        label="Submissions that were discussed",
        help_text="Their references, one on each line.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    exemplars = forms.ModelMultipleChoiceField(
        label="Exemplars that were discussed",
        queryset=Exemplar.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    readings = Text(
        label="Agreed readings",
        help_text="How criteria and levels are read from now on.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    decisions = Text(label="Decisions", required=False, widget=forms.Textarea(attrs={"rows": 4}))
    actions = Text(
        label="Actions noted as text",
        help_text="From before actions had an owner and a date. Nothing waits for what stands here.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, task: AssessmentTask, me: User, meeting: Meeting | None, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.task, self.me = task, me
        rows: dict[str, Any] = {
            "attendees": who_may_attend(task, me, meeting),
            "exemplars": Exemplar.objects.visible_to(me).filter(task=task),
        }
        for name, found in rows.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101  declared above
            field.queryset = found
        if meeting is None or not meeting.actions:
            del self.fields["actions"]
        if meeting is not None:
            for name in ("held_on", "others", "readings", "decisions", "actions", "version"):
                self.initial[name] = getattr(meeting, name)
            self.initial["attendees"] = [one.pk for one in meeting.attendees.all()]
            self.initial["exemplars"] = [one.pk for one in meeting.exemplars.all()]
            named = meeting.submissions.order_by("reference").values_list("reference", flat=True)
            self.initial["references"] = "\n".join(named)

    def clean_references(self) -> list[Submission]:
        """The submissions; every reference that names none of this task is said."""
        wanted = [
            one.upper() for one in re.split(r"[\s,;]+", self.cleaned_data["references"]) if one
        ]
        rows = Submission.objects.visible_to(self.me).filter(task=self.task, reference__in=wanted)
        found = {one.reference: one for one in rows.defer("manifest")}
        if unknown := sorted(set(wanted) - set(found)):
            raise forms.ValidationError(
                f"There is no submission of this task with the reference {', '.join(unknown)}."
            )
        return list(found.values())

    def minutes(self) -> Minutes:
        """What was sent, for the action."""
        given = self.cleaned_data
        return Minutes(
            held_on=given["held_on"],
            attendees=list(given["attendees"]),
            others=given["others"],
            submissions=given["references"],
            exemplars=list(given["exemplars"]),
            readings=given["readings"],
            decisions=given["decisions"],
            actions=given.get("actions"),
        )


class AmendmentForm(forms.Form):
    """What is added to a signed record."""

    text = Text(
        label="Amendment",
        help_text="What was signed stays as it is; this stands below it.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class MeetingActionForm(forms.Form):
    """One thing that was agreed to be done, by whom and until when."""

    prefix = "action"

    text = Text(label="What is to be done", widget=forms.Textarea(attrs={"rows": 2}))
    owner = forms.ModelChoiceField(
        label="Who does it",
        queryset=User.objects.none(),
        empty_label="Choose",
        error_messages={"required": "Who does it: choose a person."},
    )
    due_on = DayField(label="Done by")

    def __init__(self, meeting: Meeting, me: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["owner"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  declared above
        field.queryset = who_may_attend(meeting.task, me, meeting).filter(is_active=True)
