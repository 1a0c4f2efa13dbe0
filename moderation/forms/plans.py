"""Forms of the sample plan: which rules are on, how large the random part is, and why that changed."""

from decimal import Decimal
from typing import Any

from django import forms

from accounts.words import Text
from moderation import sampling
from moderation.enums import ReadingMode

TARGETS = (
    (sampling.FAIL, "Not achieved", "Every decision that the learner did not pass."),
    (
        sampling.BORDERLINE,
        "At the pass boundary",
        "Passes that one level or two points would undo.",
    ),
    (
        sampling.PROBATION,
        "Assessors with few moderated decisions",
        "All work of assessors who are new.",
    ),
    (sampling.WATCH, "Assessors on watch", "All work of assessors that the lead put on watch."),
    (
        sampling.SEVERITY,
        "Assessors whose severity stands out",
        "Known from shared readings of closed rounds. It never changes a mark.",
    ),
    (
        sampling.EARLY,
        "The first of a new task",
        "The first submissions of a task version never moderated.",
    ),
    (sampling.RPL, "Recognition of prior learning", "Claims on what was learnt before."),
    (sampling.CONFLICT, "Declared conflicts", "Assessor and learner with a declared conflict."),
    (sampling.RESUBMISSION, "Resubmissions", "Second and later attempts."),
    (sampling.HOLD_CLEARED, "Was on hold", "Cleared integrity cases and special consideration."),
)
CUSTOMARY, ASSURANCE, SEQUENTIAL, CUSTOM = "customary", "assurance", "sequential", "custom"
SIZES = (
    (
        CUSTOMARY,
        "The customary rule",
        "The most of: so many for each assessor, the least, the share, the square root.",
    ),
    (
        ASSURANCE,
        "What gives the stated assurance",
        "So many that finding nothing rules out the share below.",
    ),
    (
        SEQUENTIAL,
        "Step by step",
        "Enough to accept if nothing is found; more is read while it is in doubt.",
    ),
    (
        CUSTOM,
        "A number of my own",
        "Never fewer than the least for each assessor, and one of each grade.",
    ),
)


CERTAIN = 100

MODES = (
    (
        ReadingMode.BLIND,
        "Blind",
        "Moderators choose their levels before they see the assessor’s. Agreement is then independent.",
    ),
    (
        ReadingMode.SIGHTED,
        "With the assessor’s decision in sight",
        "Quicker, but moderators agree more easily. The record says so, and agreement is not counted.",
    ),
)


def per_cent(
    label: str, *, least: str = "0.1", most: int = 50, help_text: str = ""
) -> forms.DecimalField:
    """A share or a risk, to a tenth of a per cent."""
    return forms.DecimalField(
        label=label,
        min_value=Decimal(least),
        max_value=most,
        decimal_places=1,
        help_text=help_text,
    )


class PlanForm(forms.Form):
    """The rules of a plan. `as_policy` gives the policy values that they stand for."""

    targeted = forms.MultipleChoiceField(
        label="Read in full",
        choices=[(key, label) for key, label, _hint in TARGETS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    all_if_n_le = forms.IntegerField(label="Read everything up to", min_value=0, max_value=1000)
    size = forms.ChoiceField(
        label="Size of the random part",
        choices=[(key, label) for key, label, _hint in SIZES],
        widget=forms.RadioSelect,
    )
    custom_size = forms.IntegerField(
        label="How many", min_value=1, max_value=100000, required=False,
        help_text="Only for a number of your own.",
    )  # fmt: skip
    min_per_assessor = forms.IntegerField(
        label="Least for each assessor", min_value=0, max_value=1000
    )
    minimum = forms.IntegerField(label="Least in all", min_value=0, max_value=1000)
    share = per_cent("Share of the frame in per cent", least="0", most=100)
    p_star = per_cent("Share of wrong decisions to rule out, in per cent", least="1")
    alpha = per_cent(
        "Risk of being wrong in that, in per cent",
        help_text="Also the risk of what the record says of the random part: 5 makes it 95 % sure.",
    )
    good = per_cent("Good enough with so many wrong, in per cent", most=99)
    bad = per_cent("Not to be accepted with so many wrong, in per cent", most=99)
    refuse_risk = per_cent("Risk of refusing a set that is good enough, in per cent")
    accept_risk = per_cent("Risk of accepting one that is not, in per cent")
    reading = forms.ChoiceField(
        label="How work is read",
        choices=[(key, label) for key, label, _hint in MODES],
        widget=forms.RadioSelect,
    )
    minutes = forms.IntegerField(label="Minutes to read one", min_value=1, max_value=600)

    FIELDS = (
        ("sample.all_if_n_le", "all_if_n_le", 1),
        ("sample.min_per_assessor", "min_per_assessor", 1),
        ("sample.min", "minimum", 1),
        ("sample.share", "share", 100),
        ("assurance.p_star", "p_star", 100),
        ("assurance.alpha", "alpha", 100),
        ("sequential.p1", "good", 100),
        ("sequential.p2", "bad", 100),
        ("sequential.alpha", "refuse_risk", 100),
        ("sequential.beta", "accept_risk", 100),
        ("moderation.minutes_per_item", "minutes", 1),
    )

    def __init__(self, policy: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.policy = policy
        for name, table in (("targeted", TARGETS), ("size", SIZES), ("reading", MODES)):
            if (field := self.fields.get(name)) is not None:
                field.choice_hints = {key: hint for key, _label, hint in table}  # type: ignore[attr-defined]
        self.initial = initial_of(policy) | dict(self.initial)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("size") == CUSTOM and not given.get("custom_size"):
            self.add_error("custom_size", "Say how many.")
        good, bad = given.get("good"), given.get("bad")
        if good is not None and bad is not None and good >= bad:
            self.add_error("bad", "This share has to be larger than the one that is good enough.")
        refuse, accept = given.get("refuse_risk"), given.get("accept_risk")
        if refuse is not None and accept is not None and refuse + accept >= CERTAIN:
            self.add_error("accept_risk", "Both risks together have to stay below 100 per cent.")
        return given

    def as_policy(self) -> dict[str, Any]:
        """The whole policy with what was entered."""
        given = self.cleaned_data
        made = dict(self.policy)
        for key, name, factor in self.FIELDS:
            made[key] = float(given[name]) / factor if factor > 1 else given[name]
        known = [key for key, _label, _hint in TARGETS]
        made["sample.targeted"] = [key for key in known if key in given["targeted"]]
        if "reading" in given:
            made["moderator.blind_first"] = given["reading"] == ReadingMode.BLIND
        made["sample.by_assurance"] = given["size"] == ASSURANCE
        made["sample.sequential"] = given["size"] == SEQUENTIAL
        made["sample.custom_size"] = given["custom_size"] if given["size"] == CUSTOM else 0
        return made


def initial_of(policy: dict[str, Any]) -> dict[str, Any]:
    """What the form shows for a policy."""
    if policy["sample.custom_size"]:
        size = CUSTOM
    elif policy["sample.sequential"]:
        size = SEQUENTIAL
    else:
        size = ASSURANCE if policy["sample.by_assurance"] else CUSTOMARY
    shown = {
        name: round(policy[key] * factor, 1) if factor > 1 else policy[key]
        for key, name, factor in PlanForm.FIELDS
    }
    return shown | {
        "targeted": policy["sample.targeted"],
        "size": size,
        "reading": ReadingMode.BLIND
        if policy.get("moderator.blind_first", True)
        else ReadingMode.SIGHTED,
        "custom_size": policy["sample.custom_size"] or None,
    }


class ReplayForm(PlanForm):
    """The rules that a replay can tell apart: how work is read changes neither workload nor what is met."""

    reading = None  # type: ignore[assignment]


class PlanChangeForm(PlanForm):
    """The same with the reason that a new version of the plan needs."""

    reason = Text(
        label="Why does the plan change?",
        help_text="It stands in the record with the plan.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
