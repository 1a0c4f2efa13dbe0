"""The blind reading, the decision on an item, the decision on a set."""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django import forms

from accounts.models import User
from accounts.words import Text
from catalogue.models import Criterion
from moderation.actions import Levels
from moderation.enums import (
    FeedbackQuality,
    RoundDecision,
    SamplePart,
    SampleState,
    Sufficiency,
)
from moderation.models import ModerationRound, ModeratorReading, SampleItem
from workflows.forms import DayField, whole_number


class BlindForm(forms.Form):
    """The moderator's own level, comment and evidence for each criterion. Knows nothing of the assessor's.

    `evidence` are the numbers of what was submitted.
    """

    comment = Text(
        label="Comment on the whole", required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    sufficiency = forms.ChoiceField(
        label="Is the evidence enough to judge by?",
        choices=Sufficiency.choices,
        widget=forms.RadioSelect,
        required=False,
    )
    sufficiency_note = Text(
        label="What is missing or doubtful",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    inclusion_note = Text(
        label="Accessibility and te reo Māori",
        help_text="Adjustments, translation or language that had a bearing on the judgement.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    SAVED = ("comment", "sufficiency", "sufficiency_note", "inclusion_note")

    def __init__(
        self,
        criteria: list[Criterion],
        reading: ModeratorReading | None,
        evidence: Sequence[int],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.criteria = criteria
        saved = {one.criterion_id: one for one in reading.judgements.all()} if reading else {}
        for name in self.SAVED:
            self.initial[name] = getattr(reading, name) if reading else ""
        self.initial["version"] = reading.version if reading else None
        for criterion in criteria:
            levels = sorted(criterion.levels.all(), key=lambda level: level.rank)
            own = saved.get(criterion.pk)
            level_field = forms.TypedChoiceField(
                label=f"{criterion.code} {criterion.title}",
                choices=[(str(level.pk), level.label) for level in levels],
                coerce=UUID,
                empty_value=None,
                required=False,
                widget=forms.RadioSelect,
                initial=str(own.level_id) if own and own.level_id else None,
            )
            level_field.choice_hints = {  # type: ignore[attr-defined]
                str(level.pk): level.descriptor for level in levels
            }
            self.fields[f"level-{criterion.pk}"] = level_field
            self.fields[f"comment-{criterion.pk}"] = Text(
                label=f"Comment on {criterion.code}",
                required=False,
                widget=forms.Textarea(attrs={"rows": 2}),
                initial=own.comment if own else "",
            )
            self.fields[f"pointer_{criterion.pk}"] = forms.TypedMultipleChoiceField(
                label=f"Evidence for {criterion.code}",
                choices=[(str(number), f"Evidence {number}") for number in evidence],
                coerce=int,
                required=False,
                initial=[str(pin.number) for pin in own.pointers.all()] if own else [],
            )

    def rows(self) -> list[tuple[Criterion, Any, Any, set[int | None]]]:
        """Each criterion with its two fields, and the numbers of the evidence that is ticked."""
        return [
            (
                one,
                self[f"level-{one.pk}"],
                self[f"comment-{one.pk}"],
                set(map(whole_number, self[f"pointer_{one.pk}"].value() or [])),
            )
            for one in self.criteria
        ]

    def entered(self) -> Levels:
        """What was sent, for the action."""
        given = self.cleaned_data
        return Levels(
            levels={one.pk: given[f"level-{one.pk}"] for one in self.criteria},
            comments={one.pk: given[f"comment-{one.pk}"] for one in self.criteria},
            pointers={one.pk: given[f"pointer_{one.pk}"] for one in self.criteria},
            **{name: given[name] for name in self.SAVED},
        )


class Resumed(forms.Form):
    """A form whose answers can be changed once their effect was shown."""

    def as_entered(self) -> dict[str, Any]:
        """What was sent, to begin with once more: no answer is lost, and none is asked for yet."""
        return {
            one.name: one.field.widget.value_from_datadict(self.data, self.files, one.html_name)
            for one in self
        }


class ItemDecisionForm(Resumed):
    """What is your decision?"""

    UPHOLD, ADJUST, RETURN, ESCALATE = "uphold", "adjust", "return", "escalate"

    CHOICES = (
        (UPHOLD, "Uphold"),
        (ADJUST, "Adjust"),
        (RETURN, "Return to the assessor"),
        (ESCALATE, "Escalate to the lead moderator"),
    )

    decision = forms.ChoiceField(
        label="What is your decision?", choices=CHOICES, widget=forms.RadioSelect
    )
    reason = Text(
        label="Reason",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    action = Text(
        label="What should the assessor do?",
        help_text="Only for a return.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    feedback_quality = forms.ChoiceField(
        label="Does the assessor's feedback help the learner on?",
        choices=FeedbackQuality.choices,
        widget=forms.RadioSelect,
        required=False,
    )
    feedback_note = Text(
        label="What the feedback should say",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    factual_error = forms.BooleanField(
        label="It is a factual error: a criterion or evidence was missed, or added up wrongly",
        required=False,
    )
    integrity = forms.BooleanField(
        label="It is about academic integrity", help_text="Only to escalate.", required=False
    )

    NOT_NOW = (
        "Single results cannot change until everything that was drawn has been read. "
        "Uphold or escalate it now, or come back later: your reading is kept."
    )

    def __init__(
        self,
        item: SampleItem,
        differs: bool,
        *args: Any,
        extended: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.differs, self.extended = differs, extended
        self.targeted = item.part == SamplePart.TARGETED
        reason = self.fields["reason"]
        reason.help_text = (
            "Your levels differ, so every decision needs one."
            if differs
            else "Needed unless you uphold."
        )
        hidden = set() if differs else {self.ADJUST}
        if item.state == SampleState.ESCALATED:
            hidden.add(self.ESCALATE)
        field = self.fields["decision"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  declared above
        field.choices = [one for one in self.CHOICES if one[0] not in hidden]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        decision = given.get("decision")
        needs = decision != self.UPHOLD or self.differs
        if decision and needs and not given.get("reason", "").strip():
            self.add_error("reason", "Give a reason.")
        changes = decision == self.ADJUST and (self.targeted or given.get("factual_error"))
        if self.extended and (changes or decision == self.RETURN):
            self.add_error("decision", self.NOT_NOW)
        if decision == self.RETURN and not given.get("action", "").strip():
            self.add_error("action", "Say what the assessor should do.")
        return given


class RoundDecisionForm(Resumed):
    """What is your decision on the set?"""

    EFFECTS: ClassVar[dict[str, str]] = {
        RoundDecision.ACCEPT: "No result of the set changes but those that were settled by reading everything.",
        RoundDecision.ACCEPT_WITH_ACTIONS: "The same, and somebody has something to do before the next delivery.",
        RoundDecision.ADJUST_SET: "One rule for all: a criterion moves by a level. A second person approves it.",
        RoundDecision.REASSESS_SET: "All of one assessor is assessed again by another, and a new sample is drawn.",
        RoundDecision.EXTEND_SAMPLE: "More of one assessor is read before you decide.",
    }

    decision = forms.ChoiceField(
        label="What is your decision on the set?",
        choices=RoundDecision.choices,
        widget=forms.RadioSelect,
    )
    reason = Text(label="Reason", widget=forms.Textarea(attrs={"rows": 4}))
    required_actions = Text(
        label="Actions for the next delivery",
        help_text="Needed to accept with actions. One on each line. No other delivery opens until they are closed.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    owner = forms.ModelChoiceField(
        label="Who does them",
        queryset=User.objects.none(),
        required=False,
        help_text="Only to accept with actions.",
    )
    due_on = DayField(label="Done by", required=False, help_text="Only to accept with actions.")
    criterion = forms.ModelChoiceField(
        label="Criterion to adjust",
        queryset=Criterion.objects.none(),
        required=False,
        help_text="Only to adjust the set.",
    )
    shift = forms.TypedChoiceField(
        label="Move it by",
        choices=[("", "Choose"), (-1, "1 level lower"), (1, "1 level higher")],
        coerce=int,
        empty_value=None,
        required=False,
    )
    assessor = forms.ModelChoiceField(
        label="Assessor",
        queryset=User.objects.none(),
        required=False,
        help_text="Needed to reassess or to extend. To adjust: empty means the whole set.",
    )
    replacement = forms.ModelChoiceField(
        label="Who assesses it again",
        queryset=User.objects.none(),
        required=False,
        help_text="Only to reassess the set.",
    )
    count = forms.IntegerField(
        label="How many more items",
        min_value=1,
        required=False,
        help_text="Only to extend the sample.",
    )

    def __init__(self, moderation_round: ModerationRound, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        staff = moderation_round.delivery.roles.current().values("user_id")
        choices = {
            "owner": User.objects.filter(pk__in=staff, is_active=True),
            "criterion": Criterion.objects.filter(rubric__task=moderation_round.task_id),
            "assessor": User.objects.filter(pk__in=moderation_round.members.values("assessor_id")),
            "replacement": User.objects.filter(
                pk__in=moderation_round.delivery.roles.current()
                .filter(role="assessor")
                .values("user_id"),
                is_active=True,
            ),
        }
        for name, rows in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  declared above
            field.queryset = rows
            field.empty_label = "Choose"
        self.fields["decision"].choice_hints = self.EFFECTS  # type: ignore[attr-defined]

    NEEDS = {
        RoundDecision.ACCEPT_WITH_ACTIONS: ["required_actions", "owner", "due_on"],
        RoundDecision.ADJUST_SET: ["criterion", "shift"],
        RoundDecision.REASSESS_SET: ["assessor", "replacement"],
        RoundDecision.EXTEND_SAMPLE: ["assessor", "count"],
    }

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for name in self.NEEDS.get(given.get("decision", ""), []):
            if not given.get(name) and name not in self.errors:
                self.add_error(name, f"{self.fields[name].label}: needed for this decision.")
        if given.get("replacement") and given.get("replacement") == given.get("assessor"):
            self.add_error("replacement", "Choose somebody else than the first assessor.")
        return given

    def for_action(self) -> dict[str, Any]:
        """The arguments of decide_round."""
        given = self.cleaned_data
        rule = None
        if given["decision"] == RoundDecision.ADJUST_SET:
            rule = {
                "criterion": str(given["criterion"].pk),
                "shift": given["shift"],
                "assessor": str(given["assessor"].pk) if given["assessor"] else "",
            }
        return {
            "decision": given["decision"],
            "reason": given["reason"],
            "required_actions": given["required_actions"],
            "rule": rule,
            "assessor": given["assessor"],
            "replacement": given["replacement"],
            "count": given["count"] or 0,
            "owner": given["owner"],
            "due_on": given["due_on"],
        }


class ModeratorForm(forms.Form):
    """Who reads the item instead."""

    moderator = forms.ModelChoiceField(label="Moderator", queryset=User.objects.none())

    def __init__(self, people: list[User], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["moderator"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  declared above
        field.queryset = User.objects.filter(pk__in=[one.pk for one in people])
        field.empty_label = "Choose"


class WatchForm(forms.Form):
    """Read everything of an assessor."""

    assessor = forms.ModelChoiceField(
        label="Assessor", queryset=User.objects.none(), empty_label="Choose"
    )
    reason = Text(label="Reason", widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, people: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["assessor"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  declared above
        field.queryset = people


class ReasonForm(forms.Form):
    """A reason and nothing else."""

    reason = Text(label="Reason", widget=forms.Textarea(attrs={"rows": 3}))


class ResponseForm(forms.Form):
    """What the owner of an action did."""

    response = Text(
        label="What was done",
        help_text="Say what changed and where it can be seen.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class ClosingForm(forms.Form):
    """What the lead moderator saw when closing an action."""

    note = Text(
        label="What you looked at",
        help_text="Closing lets deliveries of this micro-credential open again.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
