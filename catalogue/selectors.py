"""What the pages of the catalogue show, gathered in a fixed number of queries."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone

from accounts.enums import ConflictGround, OrganisationRole
from accounts.models import Membership, Organisation, User
from accounts.wording import percent
from catalogue.checklist import Examined, examine
from catalogue.enums import PreModerationDecision, VersionState
from catalogue.guards import moved_parts
from catalogue.hashing import PARTS, content_of
from catalogue.models import (
    AssessmentTask,
    Criterion,
    Delivery,
    DeliveryRole,
    Enrolment,
    Level,
    MicroCredentialVersion,
    PreModeration,
    TaskSchedule,
    policy_defaults,
    words_of_policy,
)
from workflows.machines import arrows_of
from workflows.models import TransitionRecord
from workflows.selectors.delivery import troubles_for
from workflows.working_days import offset_words


@dataclass(frozen=True)
class NextStep:
    """The one thing to do next, as components/next_card.html shows it."""

    title: str
    text: str
    view: str = ""
    pk: Any = None
    action: str = ""
    part: str = ""

    @property
    def url(self) -> str:
        """Where it is done; empty when nothing is to do. `pk` is one key, or a tuple of them; `part` of the page."""
        if not self.view:
            return ""
        keys = self.pk if isinstance(self.pk, tuple) else (self.pk,)
        address = reverse(self.view, args=[key for key in keys if key is not None])
        return f"{address}#{self.part}" if self.part else address


Waiting = Callable[[User], list[NextStep]]
_waiting: dict[int, Waiting] = {}


def waits_for_administrators(rank: int) -> Callable[[Waiting], Waiting]:
    """Register what of a higher app waits for an administrator; lower ranks stand further up the page."""

    def wrap(found: Waiting) -> Waiting:
        _waiting[rank] = found
        return found

    return wrap


def versions_for(user: User) -> QuerySet[MicroCredentialVersion]:
    """Versions a person sees, newest of each credential first, with how many deliveries they have."""
    found: QuerySet[MicroCredentialVersion] = (
        MicroCredentialVersion.objects.visible_to(user)
        .select_related("micro_credential__provider", "author")
        .annotate(
            delivery_count=Count(
                "deliveries", filter=Q(deliveries__seeds_for__isnull=True), distinct=True
            )
        )
        .order_by("micro_credential__code", "-number")
    )
    return found


def deliveries_for(user: User) -> QuerySet[Delivery]:
    """Deliveries a person administers, with the number of learners."""
    found: QuerySet[Delivery] = (
        Delivery.objects.administered_by(user)
        .select_related("version__micro_credential", "client")
        .annotate(
            learner_count=Count(
                "enrolments", filter=Q(enrolments__ended_at__isnull=True), distinct=True
            )
        )
        .order_by("-starts_on", "code")
    )
    return found


def versions_to_deliver(user: User) -> QuerySet[MicroCredentialVersion]:
    """Published versions of the providers that the person administers."""
    administered = user.memberships.current().filter(role=OrganisationRole.ADMINISTRATOR)
    found: QuerySet[MicroCredentialVersion] = MicroCredentialVersion.objects.filter(
        state=VersionState.PUBLISHED,
        micro_credential__provider_id__in=administered.values("organisation_id"),
    ).order_by("title", "-number")
    return found


def next_steps(user: User) -> list[NextStep]:
    """Everything that waits for this person, most urgent first; one step for each kind."""
    steps = [step for rank in sorted(_waiting) for step in _waiting[rank](user)]
    return [*steps, *own_steps(user)]


@waits_for_administrators(rank=5)
def troubles_with_messages(user: User) -> list[NextStep]:
    """Addresses that bounced, messages that are stuck or late, receivers that are suspended; each kind once."""
    found = troubles_for(user)
    steps = []
    if one := found.get("address"):
        who = one.label if one.number == 1 else f"{one.number} addresses"
        steps.append(
            NextStep(
                f"Mail to {who} does not arrive",
                "It came back, or was reported as unwanted. Nothing is sent there until you have looked.",
                "workflows:messages",
                action="See why",
                part="addresses",
            )
        )
    if one := found.get("message"):
        alone = one.number == 1
        steps.append(
            NextStep(
                f"{one.number} message{' is' if alone else 's are'} stuck",
                "Refused where it should go, or given up after three days."
                if alone
                else "Refused where they should go, or given up after three days.",
                "workflows:message" if alone else "workflows:messages",
                one.key if alone else None,
                "See what went wrong",
                "" if alone else "messages",
            )
        )
    if one := found.get("queue"):
        steps.append(
            NextStep(
                "Messages wait longer than they should",
                f"{one.number} {'was' if one.number == 1 else 'were'} due some time ago and did not leave.",
                "workflows:messages",
                action="See the queue",
                part="queue",
            )
        )
    if one := found.get("webhook"):
        alone = one.number == 1
        steps.append(
            NextStep(
                f"The webhook of {one.label} is suspended"
                if alone
                else f"{one.number} webhooks are suspended",
                "Its receiver does not take messages. They wait until somebody looks."
                if alone
                else "Their receivers do not take messages. They wait until somebody looks.",
                "workflows:webhook" if alone else "workflows:webhooks",
                UUID(one.key) if alone else None,
                "See why",
            )
        )
    return steps


def own_steps(user: User) -> Iterator[NextStep]:
    """Of the catalogue itself: a version to check, one to publish, a delivery to open, a draft to finish."""
    roles: dict[str, list[Any]] = {}
    for role, organisation in user.memberships.current().values_list("role", "organisation_id"):
        roles.setdefault(role, []).append(organisation)
    versions = MicroCredentialVersion.objects.order_by("created_at")
    to_check = versions.filter(
        state=VersionState.IN_PRE_MODERATION,
        micro_credential__provider_id__in=roles.get(OrganisationRole.PRE_MODERATOR, []),
    ).exclude(author=user)
    if found := to_check.first():
        yield NextStep(
            f"Check {found}",
            "It waits for pre-assessment moderation.",
            "catalogue:pre_moderation",
            found.pk,
            "Read and decide",
        )
    administers = roles.get(OrganisationRole.ADMINISTRATOR, [])
    unconfirmed = versions.filter(
        state=VersionState.APPROVED,
        changes_confirmed_at__isnull=True,
        pre_moderations__decision=PreModerationDecision.WITH_MINOR_CHANGES,
    )
    if found := unconfirmed.filter(
        Q(pre_moderations__owner=user) | Q(author=user, pre_moderations__owner__isnull=True)
    ).first():
        asked = found.changes_asked
        until = f", due {asked.due_on:%-d %B %Y}" if asked and asked.due_on else ""
        yield NextStep(
            f"Confirm changes of {found}",
            f"It is approved with minor changes{until}. It is published once you confirm that they are done.",
            "catalogue:version",
            found.pk,
            "Look at the changes",
        )
    approved = versions.filter(
        state=VersionState.APPROVED, micro_credential__provider_id__in=administers
    ).exclude(pk__in=unconfirmed.values("pk"))
    if found := approved.first():
        yield NextStep(
            f"Publish {found}",
            "It is approved. Deliveries can open on it once it is published.",
            "catalogue:version",
            found.pk,
            "Look at the version",
        )
    planned = Delivery.objects.administered_by(user).filter(opened_at__isnull=True)
    if delivery := planned.order_by("starts_on").first():
        yield NextStep(
            f"Prepare {delivery}",
            f"It starts on {delivery.starts_on:%-d %B %Y} and is not open yet.",
            "catalogue:delivery",
            delivery.pk,
            "Prepare the delivery",
        )
    drafts = versions.filter(state=VersionState.DRAFT, author=user)
    if found := drafts.first():
        yield NextStep(
            f"Finish {found}",
            "It is a draft. Send it to pre-assessment moderation when it is whole.",
            "catalogue:version",
            found.pk,
            "Look at the draft",
        )


def tasks_with_rubric(version: MicroCredentialVersion) -> list[AssessmentTask]:
    """Tasks of a version with criteria and levels, in four queries."""
    criteria = Criterion.objects.select_related("outcome").prefetch_related(
        Prefetch("levels", Level.objects.order_by("rank"))
    )
    return list(
        version.tasks.select_related("rubric").prefetch_related(
            Prefetch("rubric__criteria", criteria.order_by("number"))
        )
    )


@dataclass(frozen=True)
class BareRow:
    """One criterion on the least pass of its task."""

    code: str
    title: str
    outcome: int
    is_required: bool
    level: str
    is_met: bool


@dataclass(frozen=True)
class BareTask:
    """The least pass of one task as a table; no rows where nothing passes."""

    number: int
    rows: list[BareRow]
    percent: float | None
    pass_mark: int | None


@dataclass(frozen=True)
class CoverRow:
    """Where one outcome is assessed: for each task the criteria, and whether each is required."""

    number: int
    title: str
    cells: list[list[tuple[str, bool]]]
    is_proven: bool


@dataclass(frozen=True)
class ExaminedVersion:
    """What the system worked out about a version, ready to be read."""

    facts: Examined
    bare: list[BareTask]
    cover: list[CoverRow]


def examined(version: MicroCredentialVersion) -> ExaminedVersion:
    """The least pass of each task, where each outcome is assessed, and what the checklist needs."""
    facts = examine(content_of(version, {}))
    bare = [
        BareTask(
            one.task,
            [
                BareRow(
                    ladder.code,
                    ladder.title,
                    ladder.outcome,
                    ladder.is_required,
                    ladder.rungs[rank].label,
                    ladder.rungs[rank].is_met,
                )
                for ladder, rank in zip(one.ladders, one.ranks or (), strict=False)
            ],
            None if one.percent is None else float(one.percent),
            one.pass_mark,
        )
        for one in facts.passes
    ]
    cover = [
        CoverRow(
            outcome["number"],
            outcome["title"],
            [
                [
                    (one["code"], one["is_required"])
                    for one in rubric["criteria"]
                    if one["outcome"] == outcome["number"]
                ]
                for rubric in facts.content["rubrics"]
            ],
            outcome["number"] not in facts.unproven,
        )
        for outcome in facts.content["outcomes"]
    ]
    return ExaminedVersion(facts, bare, cover)


def writers_of(version: MicroCredentialVersion) -> QuerySet[User]:
    """Active people who may confirm minor changes: authors and administrators of the provider, by name."""
    parts = Membership.objects.current().filter(
        organisation=version.micro_credential.provider_id,
        role__in=[OrganisationRole.AUTHOR, OrganisationRole.ADMINISTRATOR],
    )
    found: QuerySet[User] = User.objects.filter(is_active=True, pk__in=parts.values("user_id"))
    return found.order_by("name")


def decisions_on(version: MicroCredentialVersion) -> list[PreModeration]:
    """What pre-assessment moderators decided about the version, newest first."""
    return list(version.pre_moderations.select_related("moderator", "owner").order_by("-number"))


def moved_since_approval(version: MicroCredentialVersion) -> list[str]:
    """In words, what is no longer as it was approved; nothing before an approval."""
    if version.approved_at is None:
        return []
    return [PARTS[part] for part in moved_parts(version)]


@dataclass(frozen=True)
class OfferedStep:
    """A step that the state offers and the person may take, with what is in its way."""

    name: str
    label: str
    missing: list[str]


def steps_on(version: MicroCredentialVersion, user: User) -> list[OfferedStep]:
    """The steps of a version that this person may take now."""
    return [
        OfferedStep(
            arrow.name,
            str(arrow.label),
            [str(one.message) for one in arrow.conditions if not one.holds(version, user)],
        )
        for arrow in arrows_of(MicroCredentialVersion)
        if not arrow.birth and arrow.source == version.state and arrow.permission(version, user)
    ]


def history_of(version: MicroCredentialVersion) -> list[dict[str, Any]]:
    """What happened to a version, newest first, as components/timeline.html shows it."""
    labels = {arrow.name: arrow.label for arrow in arrows_of(MicroCredentialVersion)}
    records = (
        TransitionRecord.objects.filter(
            subject_type=version._meta.label_lower, subject_id=version.pk
        )
        .select_related("label")
        .order_by("-seq")
    )
    return [
        {
            "title": labels.get(record.name, record.name),
            "at": record.at,
            "by": record.label.actor_label,
            "note": record.label.reason,
        }
        for record in records
    ]


@dataclass(frozen=True)
class PolicyLine:
    """One policy value, and whose it is."""

    key: str
    value: Any
    source: str

    @property
    def label(self) -> str:
        return words_of_policy(self.key)[0]

    @property
    def words(self) -> str:
        """The value with its unit; bytes and moments of reminders as people say them."""
        unit = words_of_policy(self.key)[1]
        if isinstance(self.value, bool):
            return "Yes" if self.value else "No"
        if self.key.startswith("conflict.") and isinstance(self.value, list):
            labels = [str(one.label) for one in ConflictGround if one in self.value]
            return ", ".join(labels) or "None"
        if isinstance(self.value, list):
            return ", ".join(map(offset_words, self.value)) or "Never"
        if unit == "bytes":
            return filesizeformat(self.value).replace("\xa0", " ")
        if unit == "0 to 1":
            return percent(self.value)
        if unit == "o’clock":
            return f"{self.value}:00"
        return f"{self.value} {unit[:-1] if self.value == 1 and unit.endswith('s') else unit}"


def policy_lines(
    version: MicroCredentialVersion, delivery: Delivery | None = None
) -> list[PolicyLine]:
    """Every policy value that holds, in the order of keys."""
    lines = []
    for key, default in policy_defaults().items():
        value = delivery.policy_value(key) if delivery else version.policy_value(key)
        own = version.policy_value(key)
        if delivery is not None and value != own:
            source = "This delivery"
        else:
            source = "This version" if own != default else "Default"
        lines.append(PolicyLine(key, value, source))
    return lines


@dataclass
class People:
    """Everybody in a delivery, by part."""

    roles: list[tuple[str, list[DeliveryRole]]] = field(default_factory=list)
    enrolments: list[Enrolment] = field(default_factory=list)


def people_of(delivery: Delivery) -> People:
    """Live roles by kind, and live enrolments by name."""
    parts = (
        delivery.roles.current().select_related("user").order_by("role", "user__search_key", "pk")
    )
    grouped = [
        (part_group[0].get_role_display(), part_group)
        for part_group in (list(found) for _role, found in groupby(parts, lambda part: part.role))
    ]
    enrolments = (
        delivery.enrolments.current()
        .select_related("learner", "employer")
        .order_by("learner__search_key", "pk")
    )
    return People(grouped, list(enrolments))


def schedules_of(delivery: Delivery) -> list[tuple[AssessmentTask, TaskSchedule | None]]:
    """Each task of the version with its dates in this delivery, where they are set."""
    dates = {schedule.task_id: schedule for schedule in delivery.schedules.all()}
    return [(task, dates.get(task.pk)) for task in delivery.version.tasks.order_by("number")]


def organisations_for(user: User) -> QuerySet[Organisation]:
    """All organisations with the number of people, for somebody who administers one."""
    now = timezone.now()
    live = Q(memberships__ended_at__isnull=True) | Q(memberships__ended_at__gt=now)
    found: QuerySet[Organisation] = Organisation.objects.annotate(
        people=Count("memberships__user", filter=live, distinct=True)
    ).order_by("name")
    administers = user.memberships.current().filter(role=OrganisationRole.ADMINISTRATOR)
    return (
        found
        if administers.exists()
        else found.filter(pk__in=user.memberships.values("organisation"))
    )
