"""Who is told when a version moves."""

import zoneinfo
from calendar import monthrange
from datetime import date, datetime, time
from typing import Any

from django.urls import reverse

from accounts.actions import when_members_change
from accounts.enums import OrganisationRole
from accounts.models import SYSTEM, Membership, Organisation, User
from catalogue.actions.escalations import OVERDUE, tell_others
from catalogue.actions.versions import CHANGES_DEADLINE
from catalogue.enums import VersionState
from catalogue.models import Enrolment, MicroCredentialVersion
from workflows.actions import pass_on, set_deadline
from workflows.definitions import (
    Concern,
    also_tells,
    describe,
    extra_topics,
    handles,
    knows_relations,
    offers_outside,
    quiet,
    reminder_relevant,
    reminder_text,
)
from workflows.enums import Category
from workflows.models import Deadline, NonWorkingDay, Reminder, TransitionRecord
from workflows.notifications import notify
from workflows.words import day_in_words
from workflows.working_days import at_wall

MACHINE = "catalogue.microcredentialversion"
REVIEW_ZONE = "Pacific/Auckland"


also_tells(tell_others)
extra_topics.add(OVERDUE)
describe(
    OVERDUE,
    Category.DELIVERY,
    who="Those whom the delivery names for overdue work",
    readers=frozenset({"administrator", "lead_moderator"}),
    why="This delivery says that you hear of what is overdue.",
    asks=True,
    sample={
        "what": "3 submissions are not marked",
        "number": 3,
        "delivery": "Winter cohort",
        "due": "Friday 14 August 2026",
    },
)


@knows_relations
def relations_of(person: User) -> set[str]:
    """The person's live parts in organisations and deliveries."""
    found = set(person.memberships.current().values_list("role", flat=True))
    found.update(person.delivery_roles.current().values_list("role", flat=True))
    if Enrolment.objects.current().filter(learner=person).exists():
        found.add("learner")
    return found


@handles(f"{MACHINE}.sent_to_pre_moderation")
def ask_pre_moderators(record: TransitionRecord) -> None:
    """The provider's pre-moderators, but not the author."""
    version = MicroCredentialVersion.objects.select_related("micro_credential").get(
        pk=record.subject_id
    )
    asked = User.objects.filter(
        is_active=True,
        memberships__ended_at__isnull=True,
        memberships__role=OrganisationRole.PRE_MODERATOR,
        memberships__organisation_id=version.micro_credential.provider_id,
    ).exclude(pk=version.author_id)
    notify(
        topic=f"{MACHINE}.sent_to_pre_moderation",
        recipients=asked.distinct(),
        record=record,
        path=reverse("catalogue:pre_moderation", args=[version.pk]),
        context={"version": str(version)},
    )


DECIDED = {
    "approve": "approved",
    "approve_with_changes": "approved_with_changes",
    "send_back": "sent_back",
    "reject": "rejected",
}
"""What pre-assessment moderation can come to, by step: the author hears of each."""


@handles(*(f"{MACHINE}.{past}" for past in DECIDED.values()))
def tell_author(record: TransitionRecord) -> None:
    """The author learns what was decided, and whoever minor changes were given to; the note stands on the page."""
    version = MicroCredentialVersion.objects.select_related("author").get(pk=record.subject_id)
    asked = version.changes_asked
    owner = asked.owner if asked else None
    if asked is not None and asked.due_on is not None:
        set_deadline(
            subject=version,
            kind=CHANGES_DEADLINE,
            due_at=at_wall(
                datetime.combine(asked.due_on, time(17)), zoneinfo.ZoneInfo(REVIEW_ZONE)
            ),
            zone=REVIEW_ZONE,
            recipients=[owner or version.author],
            offsets=["-48h", "0d", "+1wd", "+3wd"],
            actor=SYSTEM,
        )
    notify(
        topic=f"{MACHINE}.{DECIDED[record.name]}",
        recipients=[version.author, *([owner] if owner else [])],
        record=record,
        path=reverse("catalogue:version", args=[version.pk]),
        context={"version": str(version)},
    )


quiet(f"{MACHINE}.drafted", because="The author has just written it.")
quiet(f"{MACHINE}.retired", because="Shown in the catalogue.")
quiet(f"{MACHINE}.changes_confirmed", because="Whoever publishes finds it among what waits.")


@offers_outside(
    {
        f"{MACHINE}.published": "A version of a micro-credential was published",
        f"{MACHINE}.retired": "A version of a micro-credential was retired",
    }
)
def whose_version(record: TransitionRecord) -> Concern:
    """The provider, and the client for whom alone it is."""
    version = MicroCredentialVersion.objects.select_related("micro_credential").get(
        pk=record.subject_id
    )
    credential = version.micro_credential
    owners = {credential.provider_id, credential.client_id} - {None}
    return Concern(
        frozenset(owners),
        {"micro_credential": credential.code, "version": str(version.number)},
    )


REVIEW_DEADLINE = "review"


@handles(f"{MACHINE}.published", tells=[])
def plan_review(record: TransitionRecord) -> None:
    """A published version is to be looked at again after its review interval (domain 1.2)."""
    version = MicroCredentialVersion.objects.select_related("micro_credential").get(
        pk=record.subject_id
    )
    published = version.published_at or record.at
    zone = zoneinfo.ZoneInfo(REVIEW_ZONE)
    local = published.astimezone(zone)
    month = local.month - 1 + version.review_interval_months
    year, month = local.year + month // 12, month % 12 + 1
    day = min(local.day, monthrange(year, month)[1])
    due = datetime.combine(NonWorkingDay.objects.calendar().next(date(year, month, day)), time(17))
    set_deadline(
        subject=version,
        kind=REVIEW_DEADLINE,
        due_at=at_wall(due, zone),
        zone=REVIEW_ZONE,
        recipients=reviewers(version.micro_credential.provider_id),
        offsets=["-30d", "0d", "+3wd"],
        actor=SYSTEM,
    )


def reviewers(provider: Any) -> list[User]:
    """Who administers the provider now."""
    parts = Membership.objects.current().filter(
        organisation=provider, role=OrganisationRole.ADMINISTRATOR
    )
    return list(User.objects.filter(is_active=True, pk__in=parts.values("user_id")))


@when_members_change
def pass_reviews_on(*, organisation: Organisation, **facts: Any) -> None:
    """Who administers the provider now is reminded of its reviews; who left is not."""
    versions = MicroCredentialVersion.objects.filter(micro_credential__provider=organisation)
    for deadline in Deadline.objects.open().filter(
        kind=REVIEW_DEADLINE, subject_id__in=versions.values("pk")
    ):
        pass_on(deadline, reviewers(organisation.pk))


@reminder_relevant(REVIEW_DEADLINE)
def still_to_review(deadline: Deadline) -> bool:
    """Only while the version is the published one."""
    found = MicroCredentialVersion.objects.filter(
        pk=deadline.subject_id, state=VersionState.PUBLISHED
    )
    return bool(found.exists())


def version_and_day(row: Reminder) -> tuple[str, dict[str, Any]]:
    """The version's address, its name and the day."""
    version = MicroCredentialVersion.objects.get(pk=row.deadline.subject_id)
    due = row.deadline.due_at.astimezone(zoneinfo.ZoneInfo(row.deadline.zone))
    context = {"version": str(version), "due": day_in_words(due)}
    return reverse("catalogue:version", args=[version.pk]), context


@reminder_text(REVIEW_DEADLINE, tells=[f"{MACHINE}.review_due"])
def review_reminder(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """Which version, and until when."""
    return (f"{MACHINE}.review_due", *version_and_day(row))


@reminder_relevant(CHANGES_DEADLINE)
def changes_still_open(deadline: Deadline) -> bool:
    """Only while nobody has confirmed them."""
    found = MicroCredentialVersion.objects.filter(
        pk=deadline.subject_id, state=VersionState.APPROVED, changes_confirmed_at__isnull=True
    )
    return bool(found.exists())


@reminder_text(CHANGES_DEADLINE, tells=[f"{MACHINE}.changes_due"])
def changes_reminder(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """Which version, and until when; the changes stand on its page."""
    return (f"{MACHINE}.changes_due", *version_and_day(row))


VERSION = {"version": "Digital Accessibility, version 2"}
describe(
    f"{MACHINE}.sent_to_pre_moderation",
    Category.CATALOGUE,
    who="Pre-moderators",
    asks=True,
    why="You check micro-credentials before they are used.",
    sample=VERSION,
)
for past in DECIDED.values():
    describe(
        f"{MACHINE}.{past}",
        Category.CATALOGUE,
        who="The author, and whoever minor changes were given to",
        why="You wrote this version, or changes to it were given to you.",
        asks=past != "approved",
        sample=VERSION,
    )
describe(
    f"{MACHINE}.changes_due",
    Category.CATALOGUE,
    who="Whoever minor changes were given to, while they are not confirmed",
    asks=True,
    why="You wrote this version, or changes to it were given to you.",
    sample={**VERSION, "due": "Friday 14 August 2026"},
)
describe(
    f"{MACHINE}.review_due",
    Category.CATALOGUE,
    who="Administrators of the provider",
    asks=True,
    why="You administer the provider.",
    sample={**VERSION, "due": "Friday 14 August 2026"},
)
describe(
    "catalogue.enrolment.made",
    Category.ACCOUNT,
    who="The learner",
    required=True,
    why="You were enrolled.",
    sample={"delivery": "Winter cohort"},
)
describe(
    "catalogue.role.assigned",
    Category.ACCOUNT,
    who="The person who got the part",
    required=True,
    why="You were given a part.",
    sample={"delivery": "Winter cohort", "role": "Assessor"},
)
describe(
    "accounts.person.invited",
    Category.ACCOUNT,
    ways=("email",),
    who="The person who is invited",
    required=True,
    why="You were invited.",
    asks=True,
    sample={"delivery": "Winter cohort", "invited_by": "Pam Parker"},
)
# Sent by actions, without a transition of their own.
extra_topics.update(
    {"catalogue.enrolment.made", "catalogue.role.assigned", "accounts.person.invited"}
)
