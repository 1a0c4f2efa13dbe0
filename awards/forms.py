"""What people type when they confirm, publish, ask again, or take back."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from awards import selectors
from catalogue.models import Delivery


class DayWidget(forms.MultiWidget):
    """Day, month and year as three text boxes, in this order."""

    day_parts = True

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(
            [forms.TextInput(attrs={"inputmode": "numeric"}) for _part in range(3)], attrs
        )

    def decompress(self, value: Any) -> list[Any]:
        return [value.day, value.month, value.year] if value else ["", "", ""]


class DayField(forms.MultiValueField):
    """A date in three boxes; what is not a real day gets one sentence."""

    widget = DayWidget

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("require_all_fields", False)
        error = _("Enter a real date, for example 27 3 2027.")
        whole = [forms.IntegerField(error_messages={"invalid": error}) for _part in range(3)]
        super().__init__(tuple(whole), **kwargs)
        self.bad_day = error

    def compress(self, data_list: list[Any]) -> Any:
        if not data_list:
            return None
        try:
            day, month, year = (int(one) for one in data_list)
            return datetime(year, month, day, tzinfo=UTC).date()
        except (TypeError, ValueError) as error:
            raise forms.ValidationError(self.bad_day, code="invalid") from error


class LocalMomentForm(forms.Form):
    """A day and a clock time in the delivery's zone; `moment` is the same in UTC.

    A time that the clocks skip in spring does not exist and is refused; of the hour that comes twice in
    autumn, the first is meant.
    """

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

    @property
    def moment(self) -> datetime | None:
        """The moment in UTC; None where day or time is missing."""
        day, hour = self.cleaned_data.get("day"), self.cleaned_data.get("hour")
        if day is None or hour is None:
            return None
        return datetime.combine(day, hour, tzinfo=self.delivery.zone).astimezone(UTC)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        moment = self.moment
        if moment is not None:
            local = moment.astimezone(self.delivery.zone)
            if (local.date(), local.time()) != (cleaned["day"], cleaned["hour"]):
                self.add_error("hour", _("The clocks skip this time. Choose another one."))
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

    minute = forms.CharField(
        label=_("Minute"),
        help_text=_("Who met, what was discussed, what was decided. It is kept with the batch."),
        widget=forms.Textarea,
        error_messages={"required": _("Write the minute of the meeting.")},
    )


class SignForm(forms.Form):
    """A signature: that the person has read what is listed, and which list it was."""

    seen_hash = forms.CharField(widget=forms.HiddenInput)
    agreed = forms.BooleanField(
        label=_("I have read this batch and confirm its results."),
        error_messages={"required": _("Confirm that you have read this batch.")},
    )


class GroundsForm(forms.Form):
    """Why a learner wants a fresh look."""

    grounds = forms.CharField(
        label=_("Why should your result be looked at again?"),
        help_text=_("Say what you think was missed. Name the criterion if you can."),
        widget=forms.Textarea,
        max_length=5000,
        error_messages={"required": _("Say why your result should be looked at again.")},
    )


class ReasonForm(forms.Form):
    """A reason, for steps that need one."""

    reason = forms.CharField(
        label=_("Reason"),
        widget=forms.Textarea,
        max_length=5000,
        error_messages={"required": _("Give a reason.")},
    )


class ConclusionForm(forms.Form):
    """What the ratifier concludes; the learner reads it."""

    note = forms.CharField(
        label=_("What was looked at, and what is concluded?"),
        help_text=_("The learner reads this."),
        widget=forms.Textarea,
        max_length=5000,
        error_messages={"required": _("Write the conclusion.")},
    )


class OnBehalfForm(forms.Form):
    """Submit for a learner."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(
        label=_("Why do you submit for the learner?"),
        help_text=_("It stands in the history of the submission."),
        widget=forms.Textarea,
        max_length=2000,
        error_messages={"required": _("Say why you submit for the learner.")},
    )
    declared = forms.BooleanField(
        label=_("The learner has made the declaration below to me."),
        error_messages={"required": _("The learner has to make the declaration.")},
    )
