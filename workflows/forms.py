"""What is typed about dates: a day in three fields, a local time that asks back, days off, lists of them."""

import datetime as dt
import zoneinfo
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from accounts.enums import MailLanguage
from accounts.files import File
from accounts.models import Organisation
from accounts.words import Text
from workflows.definitions import offers
from workflows.enums import Frequency, OffKind
from workflows.notifications.calling import NotAllowed, target_of
from workflows.words import clock, day_in_words
from workflows.working_days import REGIONS, is_skipped, moments_of, offset_words


def whole_number(text: str) -> int | None:
    """A number of at most nine plain digits, or None for anything else. For hidden fields and addresses."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def key_of(text: str) -> UUID | None:
    """A key, or None for nothing and for nonsense. For hidden fields and addresses."""
    try:
        return UUID(text)
    except ValueError:
        return None


class DayWidget(forms.MultiWidget):
    """Day, month and year in three fields."""

    day_parts = True

    def __init__(self) -> None:
        super().__init__([forms.TextInput(), forms.TextInput(), forms.TextInput()])

    def decompress(self, value: Any) -> list[Any]:
        return [value.day, value.month, value.year] if value else [None, None, None]


class HiddenDay(DayWidget):
    """The same, carried through a preview."""

    def __init__(self) -> None:
        forms.MultiWidget.__init__(self, [forms.HiddenInput() for _part in range(3)])


class DayField(forms.MultiValueField):
    """A date that a person types in three parts; says which part is wrong."""

    hidden_widget = HiddenDay

    def __init__(self, *, first_year: int = 2000, **options: Any) -> None:
        self.first_year = first_year
        required = options.get("required", True)
        part = forms.IntegerField(required=required)
        options.setdefault("error_messages", {"required": "Enter a date."})
        super().__init__(
            [part, part, part], widget=DayWidget(), require_all_fields=required, **options
        )

    def clean(self, value: Any) -> Any:
        parts = [str(part or "").strip() for part in value or []]
        if any(parts):
            missing = [
                name for name, part in zip(("day", "month", "year"), parts, strict=True) if not part
            ]
            if missing:
                raise ValidationError(f"The date needs a {' and a '.join(missing)}.")
            if not all(part.isascii() and part.isdigit() for part in parts):
                raise ValidationError("Enter the date in numbers, like 27 3 2026.")
        return super().clean(value)

    def compress(self, data_list: list[Any]) -> dt.date | None:
        if not data_list or not any(data_list):
            return None
        day, month, year = data_list
        try:
            made = dt.date(year, month, day)
        except (ValueError, OverflowError):
            raise ValidationError("There is no such day.") from None
        if not self.first_year <= made.year <= 2100:
            raise ValidationError("Enter the year with four digits.")
        return made


def clock_words(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """A moment as the zone's clock shows it, with what tells it from its twin."""
    local = moment.astimezone(zone)
    offset = local.strftime("%z")
    return f"{clock(local)} on {day_in_words(local)} (UTC{offset[:3]}:{offset[3:]})"


class LocalTimes(forms.Form):
    """Times of a zone's clock. Where one means two moments, or none, the form asks which is meant."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asked: list[str] = []

    @property
    def asked(self) -> list[forms.BoundField]:
        """The questions that came up, for the template; none in nearly every case."""
        return [self[name] for name in self._asked]

    def settle(
        self, name: str, day: dt.date, at: dt.time, zone: zoneinfo.ZoneInfo
    ) -> dt.datetime | None:
        """The moment in UTC, or None after a question was added to the form.

        `name` is the field that holds the time; the question is called `name`_which.
        """
        wall = dt.datetime.combine(day, at)
        found = moments_of(wall, zone)
        if len(found) == 1:
            return found[0]
        skipped = is_skipped(wall, zone)
        which = f"{name}_which"
        choices = [(one.isoformat(), clock_words(one, zone)) for one in sorted(found)]
        self.fields[which] = forms.ChoiceField(
            label="Which time do you mean?",
            help_text="The clocks leap over this time on that day."
            if skipped
            else "The clocks go back on that day, and this time comes twice.",
            choices=choices,
            widget=forms.RadioSelect,
            required=False,
        )
        self._asked.append(which)
        chosen = self.data.get(self.add_prefix(which), "")
        if chosen in dict(choices):
            return dt.datetime.fromisoformat(chosen)
        self.add_error(
            which,
            "Clocks skip this time on that day. Choose which is meant."
            if skipped
            else "This time comes twice on that day. Choose which is meant.",
        )
        return None


class DayOffForm(forms.Form):
    """One more day on which nobody has to work."""

    day = DayField(label="Day")
    name = Text(
        label="Name",
        max_length=200,
        error_messages={"required": "Enter what the day is called."},
    )
    kind = forms.ChoiceField(label="Kind", choices=OffKind.choices, widget=forms.RadioSelect)
    region = forms.ChoiceField(
        label="Where", choices=[("", "Everywhere"), *REGIONS.items()], required=False
    )


class RowsForm(forms.Form):
    """A file with a header row, or rows pasted from a spreadsheet. What the columns are is the subclass's."""

    LARGEST = 1_000_000
    file = File(label="CSV file", required=False)
    text = Text(
        label="Or paste rows here",
        required=False,
        strip=False,
        max_length=LARGEST,
        widget=forms.Textarea,
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        given = cleaned.get("file") or str(cleaned.get("text", "")).strip()
        if not given and not self.errors:
            raise ValidationError("Choose a file or paste rows.")
        file = cleaned.get("file")
        if file and file.size > self.LARGEST:
            raise ValidationError("The file has more than 1 MB. Split it.")
        return cleaned

    def content(self) -> bytes:
        """The bytes as they came."""
        file = self.cleaned_data.get("file")
        return bytes(file.read()) if file else str(self.cleaned_data["text"]).encode()


class DayListForm(RowsForm):
    """Days on which nobody has to work."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].label = "CSV or calendar (.ics) file"
        self.fields["text"].help_text = "With the header row: day, name, kind, region."


class MessagesForm(forms.Form):
    """How often news comes by e-mail, when to be reminded of dates, and when it should be quiet."""

    language = forms.ChoiceField(
        label="Words of your e-mails", choices=MailLanguage.choices, widget=forms.RadioSelect
    )
    is_on = forms.BooleanField(
        label="Hold optional e-mails outside my hours, and send them at 7:30 am or, if later, when they end",
        required=False,
    )
    begins = forms.TimeField(
        label="Quiet from",
        input_formats=["%H:%M"],
        widget=forms.TimeInput(format="%H:%M"),
        error_messages={"invalid": "Enter a time, like 19:00.", "required": "Enter a time."},
    )
    ends = forms.TimeField(
        label="Quiet until",
        input_formats=["%H:%M"],
        widget=forms.TimeInput(format="%H:%M"),
        error_messages={"invalid": "Enter a time, like 07:00.", "required": "Enter a time."},
    )
    weekends = forms.BooleanField(label="Quiet at weekends", required=False)

    def __init__(self, *args: Any, rows: list[Any], kinds: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kinds = kinds
        for kind in kinds:
            self.fields[f"remind_{kind.kind}"] = forms.MultipleChoiceField(
                label=kind.label,
                help_text=kind.hint,
                choices=[
                    (one, words[:1].upper() + words[1:])
                    for one in kind.offered
                    if (words := offset_words(one))
                ],
                widget=forms.CheckboxSelectMultiple,
                initial=kind.chosen,
                required=False,
            )
        self.rows = [row for row in rows if row.optional]
        for row in self.rows:
            self.fields[f"often_{row.category}"] = forms.ChoiceField(
                label=row.category.label,
                choices=Frequency.choices,
                widget=forms.RadioSelect,
                initial=row.frequency,
            )

    @property
    def questions(self) -> list[forms.BoundField]:
        return [self[f"often_{row.category}"] for row in self.rows]

    @property
    def reminders(self) -> list[forms.BoundField]:
        return [self[f"remind_{kind.kind}"] for kind in self.kinds]

    def wanted(self) -> dict[str, list[str]]:
        """The reminders chosen for each kind of date."""
        return {kind.kind: self.cleaned_data[f"remind_{kind.kind}"] for kind in self.kinds}

    def frequencies(self) -> dict[str, str]:
        return {row.category: self.cleaned_data[f"often_{row.category}"] for row in self.rows}


class WordingForm(forms.Form):
    """An administrator's own words for a message."""

    subject = Text(label="Subject", required=False, max_length=200)
    body = Text(label="Text", required=False, widget=forms.Textarea, max_length=5000, strip=False)


class AddressForm(forms.Form):
    """Where a stuck message should go instead."""

    address = forms.EmailField(
        label="Send it to another address",
        error_messages={"required": "Enter an e-mail address."},
    )


class WebhookForm(forms.Form):
    """Where an organisation's own system listens, and what it wants to know."""

    organisation = forms.ModelChoiceField(
        Organisation.objects.none(),
        label="Organisation",
        empty_label=None,
        error_messages={"required": "Choose the organisation."},
    )
    address = Text(
        label="Address",
        max_length=500,
        help_text="It begins with https:// and is reachable from the internet.",
        error_messages={"required": "Enter the address of the receiver."},
    )
    topics = forms.MultipleChoiceField(
        label="What it is told",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )

    def __init__(
        self, *args: Any, organisations: "QuerySet[Organisation] | None", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        topics: Any = self.fields["topics"]
        topics.choices = [(code, label) for code, (label, _concern) in sorted(offers.items())]
        if organisations is None:
            del self.fields["organisation"]
        else:
            chosen: Any = self.fields["organisation"]
            chosen.queryset = organisations

    def clean_address(self) -> str:
        """The address, if it may be called now; it is looked at again before each call."""
        address = str(self.cleaned_data["address"]).strip()
        try:
            target_of(address)
        except NotAllowed as error:
            raise ValidationError(str(error)) from None
        except (OSError, UnicodeError):
            raise ValidationError(
                "There is no such host. Check the address for typing errors."
            ) from None
        return address
