"""What programme administrators and pre-moderators fill in."""

from collections.abc import Callable
from datetime import time
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.utils import timezone

from accounts.enums import ConflictGround
from accounts.models import Organisation, User
from accounts.querysets import search_key
from accounts.words import Text
from catalogue.actions.escalations import MAY_HEAR
from catalogue.checklist import ANSWERS, QUESTIONS, Answer, Examined
from catalogue.definitions import BLOCKS, WARNS
from catalogue.enums import DeliveryMode, DeliveryRoleKind, OverdueKind
from catalogue.models import (
    Delivery,
    MicroCredentialVersion,
    TaskSchedule,
    policy_defaults,
    words_of_policy,
)
from catalogue.selectors import writers_of
from workflows.forms import DayField, LocalTimes, RowsForm
from workflows.working_days import REGIONS

if TYPE_CHECKING:
    DeliveryBase = forms.ModelForm[Delivery]
else:
    DeliveryBase = forms.ModelForm

ZONES = [("Pacific/Auckland", "New Zealand"), ("Pacific/Chatham", "Chatham Islands")]


class DeliveryForm(DeliveryBase):
    """A new delivery of a version."""

    starts_on = DayField(label="First day")
    ends_on = DayField(label="Last day")
    time_zone = forms.ChoiceField(
        label="Time zone", choices=ZONES, help_text="Dates and times of this delivery are meant so."
    )

    class Meta:
        model = Delivery
        fields = ["title", "code", "mode", "client", "starts_on", "ends_on", "time_zone", "region"]
        field_classes = {"title": Text}
        labels = {
            "mode": "How it is taught",
            "client": "Client organisation",
            "region": "Anniversary day of",
        }
        help_texts = {
            "title": "For example: Digital Accessibility, winter cohort.",
            "code": "Small letters, digits and hyphens. It appears in file names.",
            "region": "The regional anniversary is then no working day.",
        }

    def __init__(self, *args: Any, version: MicroCredentialVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.version = version
        modes = [choice for choice in DeliveryMode.choices if choice[0] in version.delivery_modes]
        self.fields["mode"] = forms.ChoiceField(label="How it is taught", choices=modes)
        own = version.micro_credential.client_id
        clients = cast("forms.ModelChoiceField[Organisation]", self.fields["client"])
        clients.queryset = Organisation.objects.filter(kind="client")
        clients.empty_label = "None: open to everybody"
        regions = cast("forms.ChoiceField", self.fields["region"])
        regions.choices = [("", "None"), *REGIONS.items()]
        if own:
            clients.queryset = clients.queryset.filter(pk=own)
            clients.required = True

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        first, last = cleaned.get("starts_on"), cleaned.get("ends_on")
        if first and last and last <= first:
            self.add_error("ends_on", "The last day comes after the first.")
        return cleaned


class ScheduleForm(LocalTimes):
    """When a task opens, is due and closes, in the delivery's own zone."""

    opens_on = DayField(label="Opens on", help_text="From midnight on.")
    due_on = DayField(label="Due on")
    due_time = forms.TimeField(
        label="Due at",
        initial="17:00",
        input_formats=["%H:%M"],
        help_text="For example 17:00.",
        error_messages={"invalid": "Enter a time, like 17:00."},
    )
    cut_off_on = DayField(
        label="Closes on",
        required=False,
        help_text="Leave empty to close when it is due, or as many working days later as the policy says.",
    )
    reason = Text(
        label="Why the dates move",
        required=False,
        max_length=500,
        help_text="Kept with the change, where learners have dates already.",
    )

    def __init__(self, *args: Any, delivery: Delivery, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.delivery = delivery

    @staticmethod
    def initial_of(schedule: TaskSchedule | None) -> dict[str, Any]:
        """What the form shows for dates that are set already."""
        if schedule is None:
            return {}
        zone = schedule.delivery.zone
        due = schedule.due_at.astimezone(zone)
        later = schedule.cut_off_at > schedule.due_at
        return {
            "opens_on": schedule.opens_at.astimezone(zone).date(),
            "due_on": due.date(),
            "due_time": due.strftime("%H:%M"),
            "cut_off_on": schedule.cut_off_at.astimezone(zone).date() if later else None,
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        opens, due, at = (cleaned.get(name) for name in ("opens_on", "due_on", "due_time"))
        if not (opens and due and at):
            return cleaned
        zone = self.delivery.zone
        late: int = self.delivery.policy_value("submission.late_days")
        closes = cleaned.get("cut_off_on") or self.delivery.calendar.add(due, late)
        cleaned["opens_at"] = self.settle("opens_on", opens, time(), zone)
        cleaned["due_at"] = self.settle("due_time", due, at, zone)
        cleaned["cut_off_at"] = (
            cleaned["due_at"] if closes == due else self.settle("cut_off_on", closes, at, zone)
        )
        if None in (cleaned["opens_at"], cleaned["due_at"], cleaned["cut_off_at"]):
            return cleaned
        if cleaned["due_at"] <= cleaned["opens_at"]:
            self.add_error("due_on", "A task is due after it opens.")
        if cleaned["cut_off_at"] < cleaned["due_at"]:
            self.add_error("cut_off_on", "A task closes when it is due or later.")
        return cleaned


AFTER = [("1", "From the first day on"), ("3", "From the third day on")]


class EscalationForm(forms.Form):
    """For each kind of overdue work: who else hears, and from when on."""

    def __init__(self, *args: Any, delivery: Delivery, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = {one.kind: one for one in delivery.escalations.all()}
        roles = [(one.value, f"{one.label}s") for one in MAY_HEAR]
        for kind in OverdueKind:
            rule = kept.get(kind)
            self.fields[f"who_{kind}"] = forms.MultipleChoiceField(
                label=kind.label,
                choices=roles,
                widget=forms.CheckboxSelectMultiple,
                required=False,
                initial=rule.roles if rule else [],
            )
            self.fields[f"after_{kind}"] = forms.ChoiceField(
                label=f"{kind.label}: when",
                choices=AFTER,
                initial=str(rule.after) if rule else "1",
            )

    @property
    def kinds(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"who_{kind}"], self[f"after_{kind}"]) for kind in OverdueKind]

    def chosen(self) -> dict[str, tuple[int, list[str]]]:
        """What set_escalations takes."""
        cleaned = self.cleaned_data
        return {
            kind.value: (int(cleaned[f"after_{kind}"]), cleaned[f"who_{kind}"])
            for kind in OverdueKind
        }


WEIGHTS = {
    "blocks": "Keeps work from somebody",
    "warns": "Is pointed out",
    "nothing": "Does not count",
}
CONFLICT = "conflict_"


def weight_of(ground: str, policy: Callable[[str], Any]) -> str:
    """What a relation between assessor and learner does under a policy."""
    if ground in policy(BLOCKS):
        return "blocks"
    return "warns" if ground in policy(WARNS) else "nothing"


class PolicyForm(forms.Form):
    """The delivery's own policy values; an empty field keeps the version's value.

    What keeps work from somebody, and what is only pointed out, is asked by relation: none can be in both lists.
    Lists of moments and of reasons to draw come with the version alone.
    """

    def __init__(self, *args: Any, delivery: Delivery, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key, default in policy_defaults().items():
            if isinstance(default, list):
                continue
            name = key.replace(".", "__")
            field = self._field(key, default, delivery.version.policy_value(key))
            field.initial = delivery.policy_overrides.get(key)
            if isinstance(default, bool) and key in delivery.policy_overrides:
                field.initial = "yes" if delivery.policy_overrides[key] else "no"
            self.fields[name] = field
        self.version_weights = {
            str(one): weight_of(one, delivery.version.policy_value)
            for one in ConflictGround
            if one != ConflictGround.OWN
        }
        for ground, weight in self.version_weights.items():
            own = weight_of(ground, delivery.policy_value)
            self.fields[f"{CONFLICT}{ground}"] = forms.ChoiceField(
                label=f"Conflict of interest: {ConflictGround(ground).label}",
                required=False,
                choices=[("", f"As in the version ({WEIGHTS[weight].lower()})"), *WEIGHTS.items()],
                initial="" if own == weight else own,
            )

    @staticmethod
    def _field(key: str, default: Any, value: Any) -> forms.Field:
        label, unit = words_of_policy(key)
        options: dict[str, Any] = {"label": label, "required": False}
        if isinstance(default, bool):
            words = "yes" if value else "no"
            choices = [("", f"As in the version ({words})"), ("yes", "Yes"), ("no", "No")]
            return forms.ChoiceField(choices=choices, **options)
        options["help_text"] = f"In the version: {value} ({unit})"
        if isinstance(default, int):
            return forms.IntegerField(min_value=0, **options)
        return forms.FloatField(min_value=0, max_value=1, **options)

    def overrides(self) -> dict[str, Any]:
        """What was filled in, by policy key."""
        made = {}
        for name, value in self.cleaned_data.items():
            key = name.replace("__", ".")
            if value in (None, "") or name.startswith(CONFLICT):
                continue
            made[key] = value == "yes" if isinstance(policy_defaults()[key], bool) else value
        weights = {
            ground: self.cleaned_data.get(f"{CONFLICT}{ground}") or weight
            for ground, weight in self.version_weights.items()
        }
        if weights != self.version_weights:
            for key, wanted in ((BLOCKS, "blocks"), (WARNS, "warns")):
                made[key] = [ground for ground, weight in weights.items() if weight == wanted]
        return made


class PersonForm(forms.Form):
    """Add one person to a delivery: known by e-mail address, or invited."""

    email = forms.EmailField(label="E-mail address")
    name = Text(
        label="Name",
        required=False,
        max_length=200,
        help_text="Only for somebody who has no account yet.",
    )
    role = forms.ChoiceField(
        label="Part in this delivery",
        choices=[("learner", "Learner"), *DeliveryRoleKind.choices],
    )
    site = Text(
        label="Site",
        required=False,
        max_length=100,
        help_text="Only for learners: where they learn or work. Moderation compares sites.",
    )
    recognition = forms.BooleanField(
        label="Recognition of prior learning",
        required=False,
        help_text="Only for learners: what they submit is a claim on what they learnt before.",
    )
    person: User | None = None

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        email = cleaned.get("email")
        if email:
            self.person = User.objects.filter(email=email).first()
            if self.person is None and not cleaned.get("name"):
                self.add_error("name", "Nobody has this address yet. Enter a name to invite them.")
            if self.person is not None and not self.person.is_active:
                self.add_error("email", "This account is closed.")
        if cleaned.get("role") != "learner":
            for name in ("site", "recognition"):
                if cleaned.get(name):
                    self.add_error(name, f"{self.fields[name].label} is only for learners.")
        return cleaned


class ImportForm(RowsForm):
    """People of a delivery."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        columns = "name, email, role, organisation, site, recognition"
        self.fields["text"].help_text = f"With the header row: {columns}."


class RubricsForm(RowsForm):
    """Rubrics as the table that Canvas exports."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].help_text = (
            "With the header row: Rubric Name, Criteria Name, Criteria Description, Criteria Enable Range,"
            " Rating Name, Rating Description, Rating Points, and the last three again for each rating."
        )


class PreModerationForm(forms.Form):
    """The checklist, the decision and a note; all but a plain approval need the note, approvals every answer.

    Questions that the content settles are not asked; each of the others takes a note and the place where
    one looked. An approval is refused while the system's own answer to a question is no.
    """

    APPROVE, MINOR, BACK, REJECT = "approve", "approve_with_changes", "send_back", "reject"

    decision = forms.ChoiceField(
        label="What is your decision?",
        choices=[
            (APPROVE, "Approve"),
            (MINOR, "Approve with minor changes"),
            (BACK, "Ask for changes"),
            (REJECT, "Reject"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a decision."},
    )
    note = Text(
        label="What has to change, or a note",
        required=False,
        widget=forms.Textarea,
        max_length=5000,
    )

    owner = forms.ModelChoiceField(
        label="Who does the minor changes",
        queryset=User.objects.none(),
        required=False,
        help_text="Only to approve with minor changes.",
    )
    due_on = DayField(
        label="Done by", required=False, help_text="Only to approve with minor changes."
    )

    def __init__(
        self, *args: Any, version: MicroCredentialVersion, examined: Examined, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examined = examined
        owner: Any = self.fields["owner"]
        owner.queryset = writers_of(version).exclude(pk=version.author_id)
        owner.empty_label = f"The author, {version.author.name}"
        self.approving = self.data.get("decision") in (self.APPROVE, self.MINOR)
        decision: Any = self.fields["decision"]
        decision.choice_hints = {
            self.MINOR: "What you approve stays as it is. The author, or whom you choose, confirms that what "
            "you note is done; you do not look again.",
            self.BACK: "The author changes the version, and it is looked at again.",
            self.REJECT: "The version ends. A new one has to be loaded.",
        }
        for name, text in QUESTIONS.items():
            if not self.settled(name):
                self.fields[name] = forms.ChoiceField(
                    label=text,
                    choices=list(ANSWERS.items()),
                    required=self.approving,
                    widget=forms.RadioSelect,
                    error_messages={"required": f"Answer: {text}."},
                )
            self.fields[f"{name}_note"] = Text(
                label="Note",
                required=False,
                max_length=1000,
                widget=forms.Textarea(attrs={"rows": 2}),
            )
            self.fields[f"{name}_evidence"] = Text(
                label="Where you looked", required=False, max_length=300
            )

    def settled(self, name: str) -> str:
        """The system's own answer to a question; empty where a person answers."""
        found = self.examined.findings.get(name)
        return found.answer if found else ""

    @property
    def checks(self) -> list[dict[str, Any]]:
        """Each question with its fields, what was found about it, and the system's answer if there is one."""
        rows = []
        for name, text in QUESTIONS.items():
            found = self.examined.findings.get(name)
            rows.append(
                {
                    "text": text,
                    "field": None if self.settled(name) else self[name],
                    "answer": ANSWERS.get(self.settled(name), ""),
                    "found": found.lines if found else (),
                    "note": self[f"{name}_note"],
                    "evidence": self[f"{name}_evidence"],
                    "is_open": any(
                        self[f"{name}_{part}"].value() or self[f"{name}_{part}"].errors
                        for part in ("note", "evidence")
                    ),
                }
            )
        return rows

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.approving:
            for name, text in QUESTIONS.items():
                if self.settled(name) == "no":
                    self.add_error(None, f"This is not so, and only changes mend it: {text}.")
                elif cleaned.get(name) == "no":
                    self.add_error(name, f"Ask for changes, or answer otherwise: {text}.")
        wanted = cleaned.get("decision")
        if wanted and wanted != self.APPROVE and not str(cleaned.get("note", "")).strip():
            why = wanted == self.REJECT
            self.add_error("note", "Say why." if why else "Say what has to change.")
        if wanted == self.MINOR and not cleaned.get("due_on") and "due_on" not in self.errors:
            self.add_error("due_on", "Say by when the minor changes are to be done.")
        if wanted == self.MINOR and (day := cleaned.get("due_on")) and day < timezone.localdate():
            self.add_error("due_on", "This day is over. Choose one ahead.")
        return cleaned

    def asked(self) -> dict[str, Any]:
        """Owner and day of minor changes; nothing with any other decision."""
        if self.cleaned_data["decision"] != self.MINOR:
            return {}
        return {name: self.cleaned_data[name] for name in ("owner", "due_on")}

    def checklist(self) -> dict[str, Answer]:
        """Whatever was answered, noted or pointed to."""
        given = {
            name: Answer(
                self.cleaned_data.get(name, ""),
                self.cleaned_data[f"{name}_note"].strip(),
                self.cleaned_data[f"{name}_evidence"].strip(),
            )
            for name in QUESTIONS
        }
        return {name: answer for name, answer in given.items() if answer != Answer("")}


class FindForm(forms.Form):
    """Search in a list; macrons, case and doubled vowels do not matter."""

    q = Text(label="Find", required=False, max_length=100)

    def key(self) -> str:
        return search_key(str(self.cleaned_data["q"]).strip()) if self.is_valid() else ""
