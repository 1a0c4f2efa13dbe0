"""What pages of marking send. Drafts take anything; the guards ask at the verdict."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.utils.datastructures import MultiValueDict

from accounts.enums import ConflictGround, ConflictKind
from accounts.models import User
from accounts.words import Text
from assessment.definitions import Box, Judged, Marks, Remark
from assessment.enums import Audience, ChangeReason
from assessment.models import CommentEntry, CriterionJudgement
from assessment.selectors import Candidate
from catalogue.models import AssessmentTask, Criterion, Grade
from portfolios.enums import SubmissionState
from portfolios.models import EvidenceItem, Submission
from workflows.forms import whole_number

KNOWN_AS = [one for one in ConflictKind if one != ConflictKind.VERIFIER]
"""What people say of themselves; that somebody confirmed the work is noted when they do."""


def key_of(text: str) -> UUID | None:
    """A key, or None for nothing and for nonsense."""
    try:
        return UUID(text)
    except ValueError:
        return None


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


class OfflineForm(forms.Form):
    """What comes back from marking away from the system."""

    file = forms.FileField(
        label="ZIP or CSV file",
        max_length=1000,
        allow_empty_file=True,
        error_messages={"required": "Choose the file that you worked in."},
    )


class ReviewForm(forms.Form):
    """What an assessor wants to know of the feedback."""

    question = Text(
        label="What do you want to know?",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="No names. Lead moderators read it before they open the decision.",
        error_messages={"required": "Say what you want to know."},
    )


class LearnerReviewForm(forms.Form):
    """What a learner wants to know of the feedback."""

    question = Text(
        label="What is unclear, or what do you not agree with?",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": "Say what you want to know."},
    )


class ReviewAnswerForm(forms.Form):
    """What somebody senior thinks of the feedback."""

    answer = Text(
        label="Your answer",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": "Write your answer."},
    )


class HandBackForm(forms.Form):
    """Why the work goes back to the queue."""

    reason = Text(label="Why?", max_length=200, required=False)


def milliseconds(text: str) -> int | None:
    """1:23, 1:02:03 or 83.5 as milliseconds; None for nothing, ValidationError for nonsense."""
    text = text.strip()
    if not text:
        return None
    parts = text.split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    plain = all(
        part.replace(".", "", 1).isascii() and part.replace(".", "", 1).isdigit() for part in parts
    )
    if not numbers or len(numbers) > 3 or not plain or any(one >= 60 for one in numbers[1:]):
        raise forms.ValidationError("Enter a time like 1:23, or 1:02:03.")
    seconds = 0.0
    for one in numbers:
        seconds = seconds * 60 + one
    if seconds > 86_400:
        raise forms.ValidationError("Enter a time within the recording.")
    return round(seconds * 1000)


PAGED = "paged"
TIMED = "timed"
WORDS = "words"
"""What kind of place a piece of evidence has: pages, times, or only its words."""


def places_of(kind: str, media_type: str) -> str:
    """Which of the three a piece of evidence has."""
    if media_type.startswith(("video/", "audio/")):
        return TIMED
    if kind in ("note", "link") or media_type.startswith("text/"):
        return WORDS
    return PAGED


class CommentForm(forms.Form):
    """A comment on one piece of evidence, filled in without a pointer. `places` is what places_of says."""

    body = Text(
        label="Comment",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write the comment."},
    )
    page = forms.IntegerField(
        label="Page",
        required=False,
        min_value=1,
        max_value=9999,
        error_messages={"invalid": "Enter the page as a number.", "min_value": "Pages begin at 1."},
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    starts = Text(label="From", required=False, max_length=12)
    ends = Text(label="To", required=False, max_length=12)
    quote = Text(label="Words that it is about", required=False, max_length=1000)
    box = Text(
        label="Part of the page",
        required=False,
        max_length=30,
        help_text="Left, top, width and height in per cent, like 10 20 50 15.",
    )
    criterion = forms.ChoiceField(label="Criterion", required=False)
    audience = forms.ChoiceField(
        label="Who reads it?", choices=Audience.choices, initial=Audience.LEARNER
    )

    def __init__(
        self, *args: Any, places: str, criteria: Iterable[Criterion], prefix: str = "", **kw: Any
    ) -> None:
        kw.setdefault("auto_id", f"{prefix}_%s" if prefix else "id_%s")
        super().__init__(*args, **kw)
        kept = {PAGED: ("page", "box"), TIMED: ("starts", "ends"), WORDS: ()}[places]
        for name in ("page", "box", "starts", "ends"):
            if name not in kept:
                del self.fields[name]
        chosen = [("", "None"), *((str(one.pk), f"{one.code} {one.title}") for one in criteria)]
        self.fields["criterion"].choices = chosen  # type: ignore[attr-defined]

    def clean_starts(self) -> int | None:
        return milliseconds(self.cleaned_data["starts"])

    def clean_ends(self) -> int | None:
        return milliseconds(self.cleaned_data["ends"])

    def clean_box(self) -> Box | None:
        words = self.cleaned_data["box"].replace(",", " ").replace("%", " ").split()
        if not words:
            return None
        numbers = [whole_number(word) for word in words]
        if len(numbers) != 4 or any(one is None for one in numbers):
            raise forms.ValidationError("Enter four whole numbers, like 10 20 50 15.")
        left, top, width, height = (one or 0 for one in numbers)
        if not width or not height or left + width > 100 or top + height > 100:
            raise forms.ValidationError(
                "The part must lie on the page: left and width, and top and height, come to 100 at most."
            )
        return Box(left, top, width, height)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts, ends = cleaned.get("starts"), cleaned.get("ends")
        if ends is not None and "starts" not in self.errors and (starts is None or ends <= starts):
            self.add_error("ends", "The end must come after the beginning.")
        if (
            cleaned.get("box") is not None
            and cleaned.get("page") is None
            and "page" not in self.errors
        ):
            self.add_error("page", "Say on which page the part is.")
        return cleaned

    @property
    def remark(self) -> Remark:
        """What was filled in."""
        said = self.cleaned_data
        return Remark(
            said["body"],
            page=said.get("page"),
            quote=said["quote"],
            box=said.get("box"),
            starts_ms=said.get("starts"),
            ends_ms=said.get("ends"),
            criterion=key_of(said["criterion"]),
            audience=said["audience"],
        )


def filled_from(entry: CommentEntry, clock: Any) -> dict[str, Any]:
    """A comment as the form shows it. `clock` writes milliseconds as people do."""
    box = (entry.left, entry.top, entry.width, entry.height)
    return {
        "body": entry.body,
        "page": entry.page,
        "quote": entry.quote,
        "box": " ".join(map(str, box)) if entry.left is not None else "",
        "starts": "" if entry.starts_ms is None else clock(entry.starts_ms),
        "ends": "" if entry.ends_ms is None else clock(entry.ends_ms),
        "criterion": str(entry.criterion_id or ""),
        "audience": entry.audience,
    }


class PreparedForm(forms.Form):
    """A text for the comment bank. `fits` and `levels` are choices from selectors.prepared."""

    fits = forms.ChoiceField(
        label="What is it for?", error_messages={"required": "Choose what it is for."}
    )
    level_code = forms.ChoiceField(label="At which level?", required=False)
    text = Text(
        label="Comment",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Without names: it is used for many learners.",
        error_messages={"required": "Write the comment."},
    )
    is_shared = forms.BooleanField(
        label="Share it with everybody who marks this micro-credential", required=False
    )

    def __init__(self, *args: Any, fits: Any, levels: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["fits"].choices = fits  # type: ignore[attr-defined]
        self.fields["level_code"].choices = [("", "Any level"), *levels]  # type: ignore[attr-defined]

    @property
    def fitting(self) -> tuple[UUID, str]:
        """Micro-credential and code of the criterion."""
        key, _bar, code = self.cleaned_data["fits"].partition("|")
        return UUID(key), code

    def refuse(self, word: str) -> None:
        """Say which word is a learner's name."""
        self.add_error("text", f"“{word}” is the name of a learner. Write it without names.")


class ChangePreparedForm(PreparedForm):
    """A text of one's own that stands in the bank already."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, fits=[], levels=[], **kw)
        del self.fields["fits"], self.fields["level_code"]


class ReferenceForm(forms.Form):
    """Which submission an exemplar is made from."""

    reference = Text(
        label="Reference of a submission",
        max_length=20,
        help_text="Its texts and copies are put into the form below, for you to take names out.",
    )


class RetirementForm(forms.Form):
    """Why an exemplar is used no more."""

    reason = Text(label="Why is it retired?", widget=forms.Textarea(attrs={"rows": 3}))


class ExemplarForm(forms.Form):
    """Work without its learner, and what was agreed about it.

    `copies` are number and item of the evidence that may be taken along.
    """

    title = Text(
        label="Title",
        max_length=200,
        help_text="What it shows, like “Just met, thin evidence”. No names.",
    )
    whole = Text(
        label="Text on the whole", required=False, widget=forms.Textarea(attrs={"rows": 5})
    )
    boundary = forms.ModelChoiceField(
        label="At the lower edge of",
        queryset=Grade.objects.none(),
        required=False,
        empty_label="No edge: a clear case",
    )
    rationale = Text(label="Why these levels were agreed", widget=forms.Textarea(attrs={"rows": 4}))
    for_calibration = forms.BooleanField(
        label="Keep it for calibration",
        help_text="Assessors do not find it in the bank, so that they can mark it blind.",
        required=False,
    )
    anonymous = forms.BooleanField(
        label="I have read all of it, and nobody can be recognised",
        error_messages={"required": "Read it, take out what names somebody, and tick this."},
    )

    def __init__(
        self,
        task: AssessmentTask,
        source: Submission | None,
        copies: Sequence[tuple[int, EvidenceItem]],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.copies = list(copies)
        self.criteria = list(task.rubric.criteria.prefetch_related("levels").order_by("number"))
        boundary = self.fields["boundary"]
        assert isinstance(boundary, forms.ModelChoiceField)  # noqa: S101  declared above
        boundary.queryset = Grade.objects.filter(scheme=task.version.grade_scheme_id, is_pass=True)
        written = source.contents["reflections"] if source else []
        texts = {one["criterion"]: one["text"] for one in written}
        for criterion in self.criteria:
            levels = sorted(criterion.levels.all(), key=lambda level: level.rank)
            key = criterion.number
            level_field = forms.TypedChoiceField(
                label=f"Agreed level of {criterion.code}",
                choices=[(str(level.pk), level.label) for level in levels],
                coerce=UUID,
                widget=forms.RadioSelect,
                error_messages={"required": f"Choose the agreed level of {criterion.code}."},
            )
            level_field.choice_hints = {  # type: ignore[attr-defined]
                str(level.pk): level.descriptor for level in levels
            }
            self.fields[f"text_{key}"] = Text(
                label=f"Text on {criterion.code}",
                required=False,
                initial=texts.get(criterion.code, ""),
                widget=forms.Textarea(attrs={"rows": 5}),
            )
            self.fields[f"level_{key}"] = level_field
            self.fields[f"reason_{key}"] = Text(
                label=f"Why, for {criterion.code}",
                required=False,
                widget=forms.Textarea(attrs={"rows": 2}),
            )
        for number, _item in self.copies:
            self.fields[f"take_{number}"] = forms.BooleanField(
                label=f"Take evidence {number} along, as a copy", required=False
            )
            self.fields[f"about_{number}"] = Text(
                label=f"What evidence {number} is", required=False, max_length=500
            )
        if source is not None and source.state != SubmissionState.RELEASED:
            self.fields["consent"] = Text(
                label="How and when the learner agreed",
                help_text="The work is not released, so its learner has to agree.",
                widget=forms.Textarea(attrs={"rows": 2}),
            )

    def rows(self) -> list[tuple[Criterion, Any, Any, Any]]:
        """Each criterion with its three fields."""
        return [
            (
                one,
                self[f"text_{one.number}"],
                self[f"level_{one.number}"],
                self[f"reason_{one.number}"],
            )
            for one in self.criteria
        ]

    def evidence_rows(self) -> list[tuple[EvidenceItem, Any, Any]]:
        """Each copy with its two fields."""
        return [(item, self[f"take_{n}"], self[f"about_{n}"]) for n, item in self.copies]

    def agreed(self) -> dict[str, Any]:
        """The arguments of Agreed."""
        given = self.cleaned_data
        return {
            "levels": {one.pk: given[f"level_{one.number}"] for one in self.criteria},
            "reasons": {one.pk: given[f"reason_{one.number}"] for one in self.criteria},
            "rationale": given["rationale"],
            "boundary": given["boundary"],
        }

    def texts(self) -> list[tuple[str, str]]:
        given = self.cleaned_data
        own = [(one.code, given[f"text_{one.number}"]) for one in self.criteria]
        return [("", given["whole"]), *own]

    def chosen(self) -> list[tuple[EvidenceItem, str]]:
        given = self.cleaned_data
        return [(item, given[f"about_{n}"]) for n, item in self.copies if given[f"take_{n}"]]


class WaiverForm(forms.Form):
    """Why somebody may mark without calibration."""

    reason = Text(
        label="Why",
        max_length=2000,
        widget=forms.Textarea,
        help_text="It is kept with your name. For example: agreed the levels with us last year.",
    )
