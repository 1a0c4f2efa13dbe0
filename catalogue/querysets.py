"""Which rows of the catalogue a person may see."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.enums import OrganisationRole
from catalogue.enums import DeliveryRoleKind, VersionState, Visibility

if TYPE_CHECKING:
    from accounts.models import User


class ValidityQuerySet(models.QuerySet[Any]):
    """Rows with `ended_at`."""

    def current(self, now: datetime | None = None) -> Self:
        """Those that have not ended at that moment, or now."""
        return self.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=now or timezone.now()))


class VersionQuerySet(models.QuerySet[Any]):
    """Micro-credential versions."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_version` says yes."""
        if not user.is_active:
            return self.none()
        providers = user.memberships.current().exclude(role=OrganisationRole.EMPLOYEE)
        return self.filter(
            Q(micro_credential__provider_id__in=providers.values("organisation_id"))
            | Q(
                micro_credential__visibility=Visibility.PUBLIC,
                state__in=[VersionState.PUBLISHED, VersionState.RETIRED],
                published_at__isnull=False,
            )
            | Q(pk__in=user.delivery_roles.current().values("delivery__version_id"))
            | Q(pk__in=user.enrolments.current().values("delivery__version_id"))
        )


class DeliveryQuerySet(models.QuerySet[Any]):
    """Deliveries."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_delivery` says yes."""
        if not user.is_active:
            return self.none()
        return self.filter(
            Q(pk__in=user.delivery_roles.current().values("delivery_id"))
            | Q(pk__in=user.enrolments.current().values("delivery_id"))
            | Q(
                version__micro_credential__provider_id__in=user.memberships.current()
                .filter(role=OrganisationRole.ADMINISTRATOR)
                .values("organisation_id")
            )
        )

    def administered_by(self, user: "User") -> Self:
        """Those the person administers, directly or through the provider."""
        if not user.is_active:
            return self.none()
        return self.filter(
            Q(
                pk__in=user.delivery_roles.current()
                .filter(role=DeliveryRoleKind.ADMINISTRATOR)
                .values("delivery_id")
            )
            | Q(
                version__micro_credential__provider_id__in=user.memberships.current()
                .filter(role=OrganisationRole.ADMINISTRATOR)
                .values("organisation_id")
            )
        )

    def with_role(self, user: "User", *roles: DeliveryRoleKind) -> Self:
        """Those in which the person has a live part of one of these kinds."""
        if not user.is_active:
            return self.none()
        return self.filter(
            pk__in=user.delivery_roles.current().filter(role__in=roles).values("delivery_id")
        )

    def of(self, delivery: Any) -> Self:
        """The delivery of this key, and what holds its seeds."""
        return self.filter(Q(pk=delivery) | Q(seeds_for=delivery))


class DeliveryManager(models.Manager.from_queryset(DeliveryQuerySet)):  # type: ignore[misc]
    """Cohorts alone: nothing that holds seeds."""

    def get_queryset(self) -> DeliveryQuerySet:
        found: DeliveryQuerySet = super().get_queryset().filter(seeds_for__isnull=True)
        return found
