"""Which rounds and sample items a person may see."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from assessment.enums import SHOWN_EXEMPLARS
from catalogue.enums import DeliveryRoleKind
from moderation.enums import RoundState, SampleState
from portfolios.enums import PartKind

if TYPE_CHECKING:
    from accounts.models import User


MODERATORS = (
    DeliveryRoleKind.LEAD_MODERATOR,
    DeliveryRoleKind.MODERATOR,
    DeliveryRoleKind.EXTERNAL_MODERATOR,
)


class RoundQuerySet(models.QuerySet[Any]):
    """Moderation rounds."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_round` says yes."""
        if not user.is_active:
            return self.none()
        live = user.delivery_roles.current().filter(role__in=MODERATORS)
        return self.filter(delivery__in=live.values("delivery_id"))

    def open(self) -> Self:
        """Those that are not closed."""
        return self.exclude(state=RoundState.CLOSED)


class SampleQuerySet(models.QuerySet[Any]):
    """Sample items."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_item` says yes."""
        if not user.is_active:
            return self.none()
        roles = user.delivery_roles.current()
        leading = roles.filter(role=DeliveryRoleKind.LEAD_MODERATOR)
        moderating = roles.filter(role__in=MODERATORS)
        parts = user.parts.filter(kind=PartKind.MODERATOR, ended_at__isnull=True)
        return self.filter(
            Q(round__delivery__in=leading.values("delivery_id"))
            | Q(
                moderator=user,
                submission__in=parts.values("submission_id"),
                round__delivery__in=moderating.values("delivery_id"),
            )
        )

    def live(self) -> Self:
        """Those that were not superseded when their set was assessed again."""
        return self.filter(superseded_at__isnull=True)

    def unresolved(self) -> Self:
        """Live ones that still need somebody."""
        return self.live().filter(
            state__in=[
                SampleState.DRAWN,
                SampleState.SCORED,
                SampleState.RETURNED,
                SampleState.ESCALATED,
            ]
        )


class RequiredActionQuerySet(models.QuerySet[Any]):
    """Actions that rounds and meetings ask for."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_action` says yes."""
        if not user.is_active:
            return self.none()
        live = user.delivery_roles.current().filter(role__in=MODERATORS)
        credentials = live.values("delivery__version__micro_credential_id")
        return self.asked().filter(
            Q(owner=user)
            | Q(round__delivery__in=live.values("delivery_id"))
            | Q(meeting__task__version__micro_credential__in=credentials)
        )

    def asked(self) -> Self:
        """All but those in the draft of a record that nobody has signed."""
        return self.filter(Q(meeting__isnull=True) | Q(meeting__signed_at__isnull=False))

    def open(self) -> Self:
        """Those that were asked for and that nobody has closed."""
        return self.asked().filter(closed_at__isnull=True)


class ExternalReviewQuerySet(models.QuerySet[Any]):
    """Invitations of people from outside to one round."""

    def open_to(self, user: "User", now: datetime | None = None) -> Self:
        """Those under which the person may read at that moment, or now: not ahead, over or revoked."""
        if not user.is_active:
            return self.none()
        now = now or timezone.now()
        return self.filter(
            person=user, opens_at__lte=now, closes_at__gt=now, revoked_at__isnull=True
        )

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_external` says yes."""
        if not user.is_active:
            return self.none()
        leading = user.delivery_roles.current().filter(role=DeliveryRoleKind.LEAD_MODERATOR)
        return self.filter(
            Q(pk__in=self.model._default_manager.open_to(user).values("pk"))
            | Q(round__delivery__in=leading.values("delivery_id"))
        )


class MeetingQuerySet(models.QuerySet[Any]):
    """Records of standardisation meetings."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_meeting` says yes."""
        if not user.is_active:
            return self.none()
        roles = user.delivery_roles.current().filter(role__in=SHOWN_EXEMPLARS)
        leading = roles.filter(role=DeliveryRoleKind.LEAD_MODERATOR)
        of = "delivery__version__micro_credential_id"
        home = "task__version__micro_credential__in"
        there = self.model.attendees.through.objects.filter(user=user)
        return self.filter(
            Q(**{home: leading.values(of)})
            | Q(**{home: roles.values(of)}, signed_at__isnull=False)
            | Q(pk__in=there.values("meeting_id"), signed_at__isnull=False)
        )
