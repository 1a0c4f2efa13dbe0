"""Who is told when a version moves."""

import zoneinfo
from calendar import monthrange
from datetime import date, datetime, time
from typing import Any

from django.urls import reverse

from accounts.enums import OrganisationRole
from accounts.models import SYSTEM, User
from catalogue.enums import VersionState
from catalogue.models import MicroCredentialVersion
from workflows.actions import set_deadline
from workflows.definitions import reminder_relevant, reminder_text
from workflows.models import Deadline, NonWorkingDay, Reminder, TransitionRecord
from workflows.notifications import notify
from workflows.outbox import handles, quiet
from workflows.working_days import at_wall

MACHINE = "catalogue.microcredentialversion"
REVIEW_ZONE = "Pacific/Auckland"


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


@handles(f"{MACHINE}.approved", f"{MACHINE}.sent_back")
def tell_author(record: TransitionRecord) -> None:
    """The author learns what was decided; the note stands on the page."""
    version = MicroCredentialVersion.objects.select_related("author").get(pk=record.subject_id)
    past = "approved" if record.name == "approve" else "sent_back"
    notify(
        topic=f"{MACHINE}.{past}",
        recipients=[version.author],
        record=record,
        path=reverse("catalogue:version", args=[version.pk]),
        context={"version": str(version)},
    )


quiet(f"{MACHINE}.drafted", because="The author has just written it.")
quiet(f"{MACHINE}.retired", because="Shown in the catalogue.")

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
        recipients=User.objects.filter(
            is_active=True,
            memberships__ended_at__isnull=True,
            memberships__role=OrganisationRole.ADMINISTRATOR,
            memberships__organisation_id=version.micro_credential.provider_id,
        ).distinct(),
        offsets=["-30d", "0d", "+3wd"],
        actor=SYSTEM,
    )


@reminder_relevant(REVIEW_DEADLINE)
def still_to_review(deadline: Deadline) -> bool:
    """Only while the version is the published one."""
    found = MicroCredentialVersion.objects.filter(
        pk=deadline.subject_id, state=VersionState.PUBLISHED
    )
    return bool(found.exists())


@reminder_text(REVIEW_DEADLINE, tells=[f"{MACHINE}.review_due"])
def review_reminder(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """Which version, and until when."""
    version = MicroCredentialVersion.objects.get(pk=row.deadline.subject_id)
    due = row.deadline.due_at.astimezone(zoneinfo.ZoneInfo(row.deadline.zone))
    context = {"version": str(version), "due": f"{due:%A} {due.day} {due:%B} {due.year}"}
    return f"{MACHINE}.review_due", reverse("catalogue:version", args=[version.pk]), context
