"""Which batches, releases and credentials a person may see. Each agrees with the rule of the same thing."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from awards.enums import CredentialState, ReleaseOutcome
from catalogue.enums import DeliveryRoleKind
from portfolios.querysets import administered, in_delivery

if TYPE_CHECKING:
    from accounts.models import User


class RatificationQuerySet(models.QuerySet[Any]):
    """Batches for ratification."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_batch` says yes."""
        if not user.is_active:
            return self.none()
        return self.filter(
            in_delivery(user, "delivery", DeliveryRoleKind.RATIFIER)
            | administered(user, "delivery")
        )

    def open(self) -> Self:
        """Those that still wait for signatures."""
        return self.filter(completed_at__isnull=True, cancelled_at__isnull=True)


class ReleaseQuerySet(models.QuerySet[Any]):
    """Releases."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_release` says yes."""
        if not user.is_active:
            return self.none()
        return self.filter(administered(user, "delivery"))

    def scheduled(self) -> Self:
        """Those that are still to come, soonest first."""
        return self.filter(outcome=ReleaseOutcome.SCHEDULED).order_by("scheduled_for", "id")

    def due(self) -> Self:
        """Those whose time has come."""
        return self.scheduled().filter(scheduled_for__lte=timezone.now())


class ReconsiderationQuerySet(models.QuerySet[Any]):
    """Requests for a fresh look."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_reconsideration` says yes."""
        if not user.is_active:
            return self.none()
        return self.filter(
            in_delivery(
                user,
                "submission__delivery",
                DeliveryRoleKind.RATIFIER,
                DeliveryRoleKind.LEAD_MODERATOR,
            )
            | administered(user, "submission__delivery")
        )

    def open(self) -> Self:
        """Those that are not concluded."""
        return self.filter(concluded_at__isnull=True)


class RecallQuerySet(models.QuerySet[Any]):
    """Recalls."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_recall` says yes."""
        if not user.is_active:
            return self.none()
        return self.filter(
            in_delivery(
                user, "delivery", DeliveryRoleKind.RATIFIER, DeliveryRoleKind.LEAD_MODERATOR
            )
            | administered(user, "delivery")
        )

    def open(self) -> Self:
        """Those that wait for the second person."""
        return self.filter(confirmed_at__isnull=True, cancelled_at__isnull=True)


class CredentialQuerySet(models.QuerySet[Any]):
    """Credentials."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_credential` says yes."""
        if not user.is_active:
            return self.none()
        return self.filter(Q(submission__learner=user) | administered(user, "submission__delivery"))

    def live(self) -> Self:
        """Those that were not revoked."""
        return self.exclude(state=CredentialState.REVOKED)
