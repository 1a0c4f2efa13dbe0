"""Agreed work, what is kept of it, and who may mark without having marked it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms

from accounts.words import Text
from assessment.selectors.exemplars import notes_of, supports_of
from catalogue.models import AssessmentTask, Criterion, Grade
from portfolios.enums import SubmissionState
from portfolios.manifest import Support
from portfolios.models import EvidenceItem, Submission

CLAIM, PLACE = 500, 100
"""How long they may be, as in EvidenceMapping."""


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

    `copies` are number and item of the evidence that may be taken along. Of a note its words are, where it was put to
    any criterion.
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
        notes = notes_of(source) if source else []
        self.put = self._put([*copies, *notes], supports_of(source) if source else {})
        self.notes_of_source = [(number, item) for number, item in notes if self.put[number]]
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
            self._ask_what_it_shows(number)
        for number, item in self.notes_of_source:
            self.fields[f"words_{number}"] = Text(
                label=f"Words of evidence {number}, a note",
                help_text="Take names out. Empty leaves it out.",
                required=False,
                initial=item.note,
                widget=forms.Textarea(attrs={"rows": 5}),
            )
            self._ask_what_it_shows(number)
        if source is not None:
            self.fields["ai_use"] = Text(
                label="What was declared on the use of AI",
                required=False,
                max_length=10_000,
                initial=source.contents["declaration"]["ai_use"],
                widget=forms.Textarea(attrs={"rows": 2}),
            )
        if source is not None and source.state != SubmissionState.RELEASED:
            self.fields["consent"] = Text(
                label="How and when the learner agreed",
                help_text="The work is not released, so its learner has to agree.",
                widget=forms.Textarea(attrs={"rows": 2}),
            )

    def _ask_what_it_shows(self, number: int) -> None:
        for criterion, said in self.put[number]:
            self.fields[f"shows_{number}_{criterion.number}"] = Text(
                label=f"What evidence {number} shows for {criterion.code}",
                required=False,
                max_length=CLAIM,
                initial=said.claim,
            )
            self.fields[f"where_{number}_{criterion.number}"] = Text(
                label=f"Where in evidence {number}, for {criterion.code}",
                required=False,
                max_length=PLACE,
                initial=said.locator,
            )

    def _put(
        self, pieces: Sequence[tuple[int, EvidenceItem]], said: Mapping[UUID, list[Support]]
    ) -> dict[int, list[tuple[Criterion, Support]]]:
        """By the number of each copy and note, the criteria to which its learner had put it, with the words."""
        return {
            number: [
                (criterion, one)
                for criterion in self.criteria
                for one in said.get(item.pk, ())
                if one.criterion == criterion.code
            ]
            for number, item in pieces
        }

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

    def evidence_rows(self) -> list[tuple[EvidenceItem, list[Any]]]:
        """Each copy with its fields."""
        return [(item, self._fields_of(n, "take", "about")) for n, item in self.copies]

    def note_rows(self) -> list[tuple[EvidenceItem, list[Any]]]:
        """Each note with its fields."""
        return [(item, self._fields_of(n, "words")) for n, item in self.notes_of_source]

    def _fields_of(self, number: int, *names: str) -> list[Any]:
        asked = [f"{name}_{number}" for name in names]
        for criterion, _said in self.put[number]:
            asked += [f"{name}_{number}_{criterion.number}" for name in ("shows", "where")]
        return [self[name] for name in asked]

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

    def supports(self) -> dict[UUID, list[Support]]:
        """What each copy shows and where, by its key."""
        return {item.pk: self._said_of(number) for number, item in self.copies}

    def notes(self) -> list[tuple[str, list[Support]]]:
        """The words of each note with what it shows."""
        return [
            (self.cleaned_data[f"words_{number}"], self._said_of(number))
            for number, _item in self.notes_of_source
        ]

    def _said_of(self, number: int) -> list[Support]:
        given = self.cleaned_data
        return [
            Support(
                one.code,
                given[f"shows_{number}_{one.number}"],
                given[f"where_{number}_{one.number}"],
            )
            for one, _said in self.put[number]
        ]


class WaiverForm(forms.Form):
    """Why somebody may mark without calibration."""

    reason = Text(
        label="Why",
        max_length=2000,
        widget=forms.Textarea,
        help_text="It is kept with your name. For example: agreed the levels with us last year.",
    )
