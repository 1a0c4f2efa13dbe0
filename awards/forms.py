"""What people type when they confirm, publish, ask again, or take back."""

from datetime import datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.words import Text
from awards import selectors
from awards.selectors import RecallScope
from catalogue.models import AssessmentTask, Criterion, Delivery
from workflows.forms import DayField, LocalTimes


class LocalMomentForm(LocalTimes):
    """A day and a clock time in the delivery's zone; `moment` is the same in UTC."""

    day = DayField(label=_("Day"))
    hour = forms.TimeField(
        label=_("Time"),
        input_formats=["%H:%M", "%I:%M %p", "%I %p", "%I%p", "%I:%M%p"],
        error_messages={"invalid": _("Enter a time, for example 10:00 am.")},
        widget=forms.TimeInput(format="%H:%M"),
    )

    def __init__(self, *args: Any, delivery: Delivery, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.delivery = delivery

    moment: datetime | None = None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        day, hour = cleaned.get("day"), cleaned.get("hour")
        if day is not None and hour is not None:
            self.moment = self.settle("hour", day, hour, self.delivery.zone)
        return cleaned


class ReleaseForm(LocalMomentForm):
    """When to publish: now, or at a time."""

    when = forms.ChoiceField(
        label=_("When do learners get their results?"),
        choices=[("scheduled", _("At a time")), ("now", _("Now"))],
        widget=forms.RadioSelect,
    )
    field_order = ["when", "day", "hour"]

    def __init__(self, *args: Any, delivery: Delivery, **kwargs: Any) -> None:
        local = selectors.default_release_time(delivery).astimezone(delivery.zone)
        kwargs.setdefault("initial", {}).update(
            when="scheduled", day=local.date(), hour=time(local.hour, local.minute)
        )
        super().__init__(*args, delivery=delivery, **kwargs)
        self.fields["day"].required = False
        self.fields["hour"].required = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("when") == "scheduled" and self.moment is None and not self.errors:
            self.add_error("day", _("Enter the day and the time."))
        return cleaned


class MinuteForm(forms.Form):
    """The minute of the meeting."""

    minute = Text(
        label=_("Minute"),
        help_text=_("Who met, what was discussed, what was decided. It is kept with the batch."),
        widget=forms.Textarea,
        error_messages={"required": _("Write the minute of the meeting.")},
    )


class SignForm(forms.Form):
    """A signature: that the person has read what is listed, and which list it was."""

    seen_hash = Text(widget=forms.HiddenInput)
    agreed = forms.BooleanField(
        label=_("I have read this batch and confirm its results."),
        error_messages={"required": _("Confirm that you have read this batch.")},
    )


class GroundsForm(forms.Form):
    """Why a learner wants a fresh look."""

    grounds = Text(
        label=_("Why should your result be looked at again?"),
        help_text=_("Say what you think was missed. Name the criterion if you can."),
        widget=forms.Textarea,
        max_length=5000,
        error_messages={"required": _("Say why your result should be looked at again.")},
    )


class ReasonForm(forms.Form):
    """A reason, for steps that need one."""

    reason = Text(
        label=_("Reason"),
        widget=forms.Textarea,
        max_length=5000,
        error_messages={"required": _("Give a reason.")},
    )


class ConclusionForm(forms.Form):
    """What the ratifier concludes; the learner reads it."""

    note = Text(
        label=_("What was looked at, and what is concluded?"),
        help_text=_("The learner reads this."),
        widget=forms.Textarea,
        max_length=5000,
        error_messages={"required": _("Write the conclusion.")},
    )


class OnBehalfForm(forms.Form):
    """Submit for a learner."""

    key = Text(widget=forms.HiddenInput, max_length=64)
    reason = Text(
        label=_("Why do you submit for the learner?"),
        help_text=_("It stands in the history of the submission."),
        widget=forms.Textarea,
        max_length=2000,
        error_messages={"required": _("Say why you submit for the learner.")},
    )
    declared = forms.BooleanField(
        label=_("The learner has made this declaration to me."),
        error_messages={"required": _("The learner has to make the declaration.")},
    )


class RecallScopeForm(forms.Form):
    """Narrows a recall to an assessor, a criterion, or the days on which was decided."""

    assessor = forms.ModelChoiceField(
        label=_("Judged by"), queryset=User.objects.none(), required=False, empty_label=_("Anybody")
    )
    criterion = forms.ModelChoiceField(
        label=_("Criterion"),
        queryset=Criterion.objects.none(),
        required=False,
        empty_label=_("Any"),
    )
    since = DayField(label=_("Decided from"), required=False)
    until = DayField(label=_("Decided until"), required=False)

    def __init__(self, delivery: Delivery, task: AssessmentTask, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        judged = User.objects.filter(
            decisions__submission__delivery=delivery, decisions__submission__task=task
        ).distinct()
        choices = {
            "assessor": judged,
            "criterion": Criterion.objects.filter(rubric__task=task).order_by("number"),
        }
        for name, rows in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  declared above
            field.queryset = rows

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("since") and given.get("until") and given["since"] > given["until"]:
            self.add_error("until", _("The last day lies before the first."))
        return given

    def scope(self) -> RecallScope:
        given = self.cleaned_data
        return RecallScope(given["assessor"], given["criterion"], given["since"], given["until"])
