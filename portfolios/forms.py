"""What learners, verifiers and administrators type. Forms check shape; actions decide."""

import datetime as dt
import zoneinfo
from typing import Any

from django import forms
from django.core.validators import URLValidator

from accounts.files import File
from accounts.words import Text
from catalogue.enums import AiPolicy
from catalogue.models import Criterion
from portfolios.captions import BadCaptions, as_webvtt, decoded, look_like_captions
from portfolios.enums import (
    AskedBy,
    Confidentiality,
    ConsiderationOutcome,
    EvidenceKind,
    HoldKind,
)
from portfolios.models import (
    AttestationStatement,
    EvidenceItem,
    ExtensionRequest,
    Hold,
    Portfolio,
    UploadSession,
)
from portfolios.selectors import UploadLimits
from workflows.forms import DayField, LocalTimes

MOST_WORDS = 500_000
MOST_CAPTIONS = 1024 * 1024


def area(**kwargs: Any) -> Text:
    return Text(widget=forms.Textarea, strip=False, **kwargs)


class KindForm(forms.Form):
    """What are you adding?"""

    kind = forms.ChoiceField(
        label="What are you adding?", choices=EvidenceKind.choices, widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choice_hints = {  # type: ignore[attr-defined]
            EvidenceKind.PHOTO: "Take one now or choose one you have",
            EvidenceKind.MEDIA: "MP4, MOV, WebM, MP3, M4A or WAV",
            EvidenceKind.FILE: "A document, table or presentation",
            EvidenceKind.LINK: "An address on the web",
            EvidenceKind.NOTE: "Words you write here",
        }


class AddForm(forms.Form):
    """Title and what it shows, asked of every kind."""

    title = Text(label="Title", max_length=200, required=False)
    description = area(label="What does this show?", max_length=10_000, required=False)
    criterion = Text(required=False, widget=forms.HiddenInput)


class FileForm(AddForm):
    """One file, its kind judged by its bytes later. The limit is stated before choosing."""

    upload = File(label="File", max_length=1000, allow_empty_file=True)
    uploaded: list[UploadSession] = []
    field_order = ["upload", "title", "description"]

    def __init__(self, *args: Any, kind: str, limits: UploadLimits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["upload"].help_text = limits.sentence
        accept = {"photo": "image/*", "media": "video/*,audio/*"}.get(
            kind, ",".join(f".{one}" for one in limits.extensions)
        )
        self.fields["upload"].widget.attrs["accept"] = accept
        self.fields["upload"].error_messages["required"] = "Choose a file."
        self.fields["title"].help_text = (
            "Assessors do not see the name of the file. Leave your own name out of the title too."
            if limits.anonymous
            else "Left empty, the name of the file is taken."
        )

    def sent_before(self, uploaded: list[UploadSession]) -> None:
        """The files came by resumable upload already; the form only names them."""
        self.uploaded = uploaded
        self.fields["upload"].required = not uploaded


class PhotoForm(FileForm):
    """Two ways to the same field: the camera of the phone, or a picture that is there already."""

    capture = File(label="Take a photo", required=False, max_length=1000, allow_empty_file=True)
    field_order = ["capture", "upload", "title", "description"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["upload"].required = False
        self.fields["upload"].label = "Choose a photo or file"
        self.fields["capture"].widget.attrs |= {"accept": "image/*", "capture": "environment"}
        self.fields[
            "capture"
        ].help_text = "Opens the camera of a phone. We remove location from what others see."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        cleaned["upload"] = cleaned.get("upload") or cleaned.get("capture")
        refused = {"upload", "capture"} & set(self.errors)
        if not cleaned["upload"] and not self.uploaded and not refused:
            self.add_error("upload", "Take a photo or choose a file.")
        return cleaned


class LinkForm(AddForm):
    """An address. A copy of the page's words is kept; the page behind it can change."""

    link = Text(
        label="Address",
        max_length=2000,
        validators=[
            URLValidator(
                schemes=["http", "https"], message="Enter a full address, starting with https://"
            )
        ],
        widget=forms.URLInput,
        help_text="Starts with https:// . Assessors must be able to open it without your password."
        " We keep a copy of its words.",
    )
    field_order = ["link", "title", "description"]


class NoteForm(AddForm):
    """Words as evidence; they do not change afterwards."""

    note = area(label="Your note", max_length=50_000)
    field_order = ["title", "note", "description"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].required = True


CAPTIONS = (
    "Captions or transcript",
    (
        "For people who cannot hear the sound or see the picture. Captions may be pasted as WebVTT or SRT; they are"
        " then shown with the film."
    ),
)
DESCRIPTION = (
    "Description of the picture",
    "For people who cannot see it: what does it show that matters here?",
)
IN_WORDS = (
    "What the pages show, in words",
    (
        "For people who cannot see them. A screen reader reads the text of a document aloud; describe what it"
        " cannot read: pictures, charts, handwriting, scanned pages. A few sentences are enough. Leave it empty"
        " where the text says everything."
    ),
)


def words_asked_of(item: EvidenceItem) -> tuple[str, str] | None:
    """Label and hint of the text alternative; None for notes, links and plain text, which are words already."""
    if item.is_recording:
        return CAPTIONS
    if item.needs_text_alternative:
        return DESCRIPTION
    return IN_WORDS if item.is_document else None


class DescribeForm(forms.Form):
    """What an item shows, and which criteria it supports."""

    title = Text(label="Title", max_length=200)
    description = area(label="What does this show?", max_length=10_000, required=False)
    text_alternative = area(label="Words", max_length=MOST_WORDS, required=False)
    captions = File(
        label="Captions as a file",
        required=False,
        help_text="WebVTT (.vtt) or SRT (.srt), up to 1 MB. It takes the place of the words above; those are kept"
        " as an earlier version.",
        widget=forms.FileInput(attrs={"accept": ".vtt,.srt,text/vtt"}),
    )
    happened_on = DayField(
        label="When was it done?",
        required=False,
        first_year=1900,
        help_text="For example 14 8 2026",
    )
    confidentiality = forms.ChoiceField(
        label="Who may know of it?",
        choices=Confidentiality.choices,
        widget=forms.RadioSelect,
        help_text="Remove or cover personal and security information before you add it.",
    )
    consent_given = forms.BooleanField(
        label="People who can be recognised in it have agreed", required=False
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, portfolio: Portfolio, item: EvidenceItem, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if asked := words_asked_of(item):
            field = self.fields["text_alternative"]
            field.label, field.help_text = asked
        else:
            del self.fields["text_alternative"]
        if not item.is_recording:
            del self.fields["captions"]
        self.open_criteria = list(portfolio.open_criteria().order_by("number"))
        self.fields["criteria"] = forms.MultipleChoiceField(
            label="Which criteria does it support?",
            choices=[(str(one.pk), str(one)) for one in self.open_criteria],
            widget=forms.CheckboxSelectMultiple,
            required=False,
        )

    def clean_text_alternative(self) -> str:
        """Typed words as they are; captions as plain WebVTT, with what is wrong told by line."""
        typed = str(self.cleaned_data["text_alternative"])
        if "captions" not in self.fields or not look_like_captions(typed):
            return typed
        try:
            return as_webvtt(typed)
        except BadCaptions as error:
            raise forms.ValidationError(error.problems) from error

    def clean_captions(self) -> str:
        """The captions of the file as WebVTT; empty where none was chosen."""
        file = self.cleaned_data["captions"]
        if not file:
            return ""
        if file.size > MOST_CAPTIONS:
            raise forms.ValidationError("The file is larger than 1 MB. Captions are text only.")
        try:
            made = as_webvtt(decoded(file.read()))
        except BadCaptions as error:
            raise forms.ValidationError(error.problems) from error
        if len(made) > MOST_WORDS:
            raise forms.ValidationError("These captions are too long. Leave some out.")
        return made

    @property
    def words(self) -> str | None:
        """The text alternative to keep: the file's captions before what was typed; None where none is asked."""
        return self.cleaned_data.get("captions") or self.cleaned_data.get("text_alternative")

    @property
    def chosen(self) -> list[Criterion]:
        keys = set(self.cleaned_data["criteria"])
        return [one for one in self.open_criteria if str(one.pk) in keys]


class ReflectionForm(forms.Form):
    """The learner's words on one criterion."""

    text = area(label="Reflection", max_length=50_000, required=False)
    version = forms.IntegerField(
        widget=forms.HiddenInput, initial=0, min_value=0, max_value=2**31 - 1
    )


class SubmitForm(forms.Form):
    """Declaration and button. The key makes a double tap harmless."""

    key = Text(max_length=64, widget=forms.HiddenInput)
    ai_use = area(label="How did you use AI tools?", max_length=10_000, required=False)
    in_reo = forms.BooleanField(
        label="This work is in te reo Māori",
        required=False,
        help_text="It goes to people who mark in te reo Māori. That may take longer, and changes no result.",
    )
    accept = forms.BooleanField(
        label="I accept this declaration",
        error_messages={"required": "Accept the declaration to submit."},
    )

    def __init__(self, *args: Any, ai_policy: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if ai_policy == AiPolicy.NOT_ALLOWED:
            del self.fields["ai_use"]
        elif ai_policy == AiPolicy.REQUIRED:
            self.fields["ai_use"].required = True
        else:
            self.fields[
                "ai_use"
            ].help_text = "Name the tools and what for. Write “none” if you used none."


class WithdrawForm(forms.Form):
    """Why, if the learner wants to say."""

    reason = area(label="Why do you take it back?", max_length=2000, required=False)


class AskForm(forms.Form):
    """Whom to ask, how, and about what."""

    way = forms.ChoiceField(
        label="How do you ask?",
        choices=AskedBy.choices,
        widget=forms.RadioSelect,
        initial=AskedBy.EMAIL,
        required=False,
    )
    name = Text(label="Their name", max_length=200)
    email = forms.EmailField(
        label="Their e-mail address",
        help_text="At work, where they have one: assessors see how sure the answer is. A free address says less.",
    )
    relationship = Text(
        label="Who they are to you",
        max_length=200,
        required=False,
        help_text="For example: my manager",
    )
    message = area(label="A message to them", max_length=2000, required=False)

    def __init__(
        self,
        *args: Any,
        evidence: list[EvidenceItem],
        criteria: list[Criterion],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.items, self.criteria = evidence, criteria
        self.fields["evidence"] = forms.MultipleChoiceField(
            label="Evidence that they may look at",
            choices=[(str(one.pk), one.title) for one in evidence],
            widget=forms.CheckboxSelectMultiple,
            required=False,
        )
        self.fields["criteria"] = forms.MultipleChoiceField(
            label="What should they confirm?",
            help_text="Choose what they really saw. If you choose nothing, they are asked about everything.",
            choices=[(str(one.pk), str(one)) for one in criteria],
            widget=forms.CheckboxSelectMultiple,
            required=False,
        )

    def clean_way(self) -> str:
        return str(self.cleaned_data["way"] or AskedBy.EMAIL)

    @property
    def chosen_criteria(self) -> list[Criterion]:
        keys = set(self.cleaned_data["criteria"])
        return [one for one in self.criteria if str(one.pk) in keys]

    @property
    def chosen(self) -> list[EvidenceItem]:
        keys = set(self.cleaned_data["evidence"])
        return [one for one in self.items if str(one.pk) in keys]


class SameClock(LocalTimes):
    """A day at a time of day that is given: that at which the work is due. `until_at` is the moment."""

    def __init__(self, *args: Any, zone: zoneinfo.ZoneInfo, clock: dt.time, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone, self.clock = zone, clock

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("until"):
            cleaned["until_at"] = self.settle("until", cleaned["until"], self.clock, self.zone)
        return cleaned


class MoreTimeForm(SameClock):
    """A category and a date; no medical proof is asked for."""

    reason = forms.ChoiceField(
        label="Why do you need more time?",
        choices=ExtensionRequest.Reason.choices,
        widget=forms.RadioSelect,
        help_text="You do not have to send any proof.",
    )
    until = DayField(label="Until when?", help_text="The time of day stays the same.")
    note = area(label="Anything else we should know", max_length=2000, required=False)


class EventForm(SameClock):
    """One later date for everybody, and what happened. The time of day stays the same."""

    until = DayField(label="New date for everybody", help_text="The time of day stays the same.")
    reason = Text(
        label="What happened?",
        max_length=500,
        help_text="For example: the storm of 12 February. It is kept with each change.",
        error_messages={"required": "Say what happened."},
    )


class AnswerForm(SameClock):
    """The answer to a request for more time."""

    APPROVE, CHANGE, DECLINE = "approve", "change", "decline"
    decision = forms.ChoiceField(
        label="Your answer",
        choices=[
            (APPROVE, "Approve the date asked for"),
            (CHANGE, "Approve another date"),
            (DECLINE, "Decline"),
        ],
        widget=forms.RadioSelect,
    )
    until = DayField(label="Another date", required=False)
    answer = area(label="What the learner reads", max_length=2000, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("decision") == self.CHANGE and not cleaned.get("until"):
            self.add_error("until", "Enter the other date.")
        if cleaned.get("decision") == self.DECLINE and not cleaned.get("answer", "").strip():
            self.add_error("answer", "Tell the learner why.")
        return cleaned


class HoldForm(forms.Form):
    """Why a submission has to wait; the learner does not see the reason."""

    kind = forms.ChoiceField(
        label="Kind of hold", choices=HoldKind.choices, widget=forms.RadioSelect
    )
    reason = area(
        label="Reason, for staff only",
        max_length=5000,
        help_text="For a special consideration, leave out anything medical: it has a place of its own.",
    )


class LiftForm(forms.Form):
    """What came of a hold; several of these stand on one page, so that their ids carry the hold's."""

    outcome = forms.ChoiceField(
        label="What came of it",
        help_text="Assessors read this and nothing else of it.",
        choices=ConsiderationOutcome.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what came of it."},
    )
    note = Text(label="Note", max_length=2000, required=False)

    def __init__(self, data: Any = None, *, hold: Hold) -> None:
        super().__init__(data, auto_id=f"{hold.pk}-%s")
        self.hold = hold.pk
        self.considers = hold.kind == HoldKind.SPECIAL_CONSIDERATION
        if not self.considers:
            del self.fields["outcome"]


class SupportingForm(forms.Form):
    """What supports a special consideration: words, a file, or both."""

    missing = "Write what was said, or choose a file."
    words = area(label="What was said", max_length=20000, required=False)
    file = File(
        label="File",
        max_length=1000,
        required=False,
        help_text="PDF, Word or a picture, up to 20 MB",
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not self.errors and not str(given.get("words", "")).strip() and not given.get("file"):
            self.add_error("words", self.missing)
        return given


class ApplyForm(SupportingForm):
    """What happened, from the learner."""

    missing = "Write what happened, or choose a file."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["words"].label = "What happened, and what did it do to your work?"
        self.fields["words"].help_text = "Only programme administrators read this and your file."


class WaiveForm(forms.Form):
    """Why no confirmation is needed."""

    reason = area(label="Why is no confirmation needed?", max_length=5000)


class ReceiptForm(forms.Form):
    """Reference and fingerprint, as they stand on a receipt; spaces do not matter."""

    reference = Text(label="Reference", max_length=20, help_text="For example PF-2026-7K3QXP")
    fingerprint = Text(
        label="Fingerprint", max_length=200, help_text="64 letters and digits; spaces do not matter"
    )

    def clean_reference(self) -> str:
        return "".join(str(self.cleaned_data["reference"]).upper().split())

    def clean_fingerprint(self) -> str:
        return "".join(str(self.cleaned_data["fingerprint"]).lower().split())


class DeclineForm(forms.Form):
    """Why not, if they want to say."""

    reason = area(label="Why not?", max_length=2000, required=False)


class ConfirmForm(forms.Form):
    """What a verifier saw, criterion by criterion."""

    relationship = Text(label="Who you are to the learner", max_length=200)
    period_observed = Text(
        label="When did you see this work?",
        max_length=200,
        help_text="For example: March to June 2026",
    )
    comment = area(label="Anything else", max_length=5000, required=False)
    has_conflict = forms.ChoiceField(
        label="Are you close to the learner in another way?",
        help_text="For example whānau, a close friend, or a business together.",
        choices=[("no", "No"), ("yes", "Yes")],
        widget=forms.RadioSelect,
        error_messages={"required": "Say whether you are close to the learner in another way."},
    )
    conflict_note = area(label="If yes: in which way?", max_length=2000, required=False)
    authentic = forms.BooleanField(
        label="What I say here is true, and I am the person who was asked",
        error_messages={"required": "Confirm that this is true to send it."},
    )

    def __init__(self, *args: Any, criteria: list[Criterion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.criteria = criteria
        for one in criteria:
            self.fields[f"answer_{one.pk}"] = forms.ChoiceField(
                label=str(one),
                help_text=one.description,
                choices=AttestationStatement.Answer.choices,
                widget=forms.RadioSelect,
                error_messages={"required": f"Choose an answer for {one}."},
            )
            self.fields[f"words_{one.pk}"] = area(
                label=f"Comment on {one.code}", max_length=2000, required=False
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        cleaned["has_conflict"] = cleaned.get("has_conflict") == "yes"
        if cleaned["has_conflict"] and not cleaned.get("conflict_note", "").strip():
            self.add_error("conflict_note", "Say in which way you are close to the learner.")
        return cleaned

    @property
    def questions(self) -> list[tuple[Any, Any]]:
        """Answer and comment of each criterion, as bound fields."""
        return [(self[f"answer_{one.pk}"], self[f"words_{one.pk}"]) for one in self.criteria]

    @property
    def statements(self) -> dict[Criterion, tuple[str, str]]:
        return {
            one: (self.cleaned_data[f"answer_{one.pk}"], self.cleaned_data[f"words_{one.pk}"])
            for one in self.criteria
        }
