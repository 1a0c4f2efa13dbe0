"""Preparing the pages of pages.py: one function for each state, by the name written there.

Each gets the cast and returns what the page's path is filled in with.
"""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import Membership
from catalogue.actions import plan_delivery, send_version_to_pre_moderation
from tests.factories.catalogue import draft_version
from tests.personas import Cast


def running_delivery(cast: Cast) -> dict[str, Any]:
    """The cast's open delivery as its administrator sees it."""
    part = cast.delivery.roles.get(user=cast.ada)
    return {
        "delivery": cast.delivery.pk,
        "version": cast.delivery.version_id,
        "task": cast.task.pk,
        "part": part.pk,
    }


def planned_delivery(cast: Cast) -> dict[str, Any]:
    """One that is not open, with everything missing."""
    membership(cast, OrganisationRole.ADMINISTRATOR)
    today = timezone.now().date()
    made = plan_delivery(
        cast.delivery.version, code="planned", title="Planned", mode="online_live",
        starts_on=today, ends_on=today + timedelta(days=9), actor=cast.pam,
    )  # fmt: skip
    return {"delivery": made.pk, "task": cast.task.pk, "version": made.version_id}


def version_to_check(cast: Cast) -> dict[str, Any]:
    """A version in pre-assessment moderation; pam is a pre-moderator too."""
    membership(cast, OrganisationRole.PRE_MODERATOR)
    draft = draft_version(cast.provider, code="tocheck")
    send_version_to_pre_moderation(draft, actor=draft.author)
    return {"version": draft.pk}


def membership(cast: Cast, role: OrganisationRole) -> None:
    Membership.objects.create(user=cast.pam, organisation=cast.provider, role=role)
