"""Reads of standardisation meetings."""

from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.models import User
from assessment.enums import SHOWN_EXEMPLARS
from catalogue.enums import DeliveryRoleKind
from catalogue.models import AssessmentTask, DeliveryRole
from moderation.models import Meeting


def meetings_of(user: User) -> QuerySet[Any]:
    """Records that the person may read, newest first, with how many were there."""
    found: QuerySet[Any] = (
        Meeting.objects.visible_to(user)
        .select_related("task__version", "signed_by")
        .annotate(people=Count("attendees"))
        .order_by("-held_on", "pk")
    )
    return found


def who_may_attend(
    task: AssessmentTask, lead: User, meeting: Meeting | None = None
) -> QuerySet[Any]:
    """Who assesses or moderates the micro-credential, or did, in deliveries that this person leads.

    Whom another lead has put on the record stays on it.
    """
    led = lead.delivery_roles.current().filter(
        role=DeliveryRoleKind.LEAD_MODERATOR,
        delivery__version__micro_credential=task.version.micro_credential_id,
    )
    parts = DeliveryRole.objects.filter(
        delivery__in=led.values("delivery_id"), role__in=SHOWN_EXEMPLARS
    )
    there = Q(pk__in=parts.values("user_id"))
    if meeting is not None:
        there |= Q(pk__in=meeting.attendees.values("pk"))
    found: QuerySet[Any] = User.objects.filter(there)
    return found
