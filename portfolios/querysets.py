"""Which of the learner's work a person may see. Each agrees with the rule of the same thing."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.enums import OrganisationRole
from catalogue.enums import DeliveryRoleKind
from portfolios.enums import ENDED_ATTEMPT, RATIFIER_SEES, EvidenceState, PartKind

if TYPE_CHECKING:
    from accounts.models import User


def in_delivery(
    user: "User", path: str, *roles: DeliveryRoleKind, now: datetime | None = None
) -> Q:
    """Condition: the delivery found at `path` is one in which the user has one of these parts."""
    live = user.delivery_roles.current(now).filter(role__in=roles)
    return Q(**{f"{path}__in": live.values("delivery_id")})


def administered(user: "User", path: str, *, now: datetime | None = None) -> Q:
    """Condition: the user administers the delivery found at `path`, or its provider. Never what holds seeds."""
    providers = user.memberships.current(now).filter(role=OrganisationRole.ADMINISTRATOR)
    return in_delivery(user, path, DeliveryRoleKind.ADMINISTRATOR, now=now) | Q(
        **{
            f"{path}__version__micro_credential__provider__in": providers.values("organisation_id"),
            f"{path}__seeds_for__isnull": True,
        }
    )


class PortfolioQuerySet(models.QuerySet[Any]):
    """Portfolios."""

    def visible_to(self, user: "User", *, now: datetime | None = None) -> Self:
        """Rows for which `rules.can_view_portfolio` says yes, at that moment or now."""
        if not user.is_active:
            return self.none()
        return self.filter(
            Q(enrolment__learner=user) | administered(user, "enrolment__delivery", now=now)
        )


class EvidenceQuerySet(models.QuerySet[Any]):
    """Evidence items."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.can_view_evidence` says yes."""
        if not user.is_active:
            return self.none()
        pins = self.model._meta.get_field("pins").related_model
        seen = pins._default_manager.filter(
            Q(
                submission__parts__person=user,
                submission__parts__ended_at__isnull=True,
                submission__parts__kind__in=[k for k in PartKind if k != PartKind.LEARNER],
            )
            | in_delivery(user, "submission__delivery", DeliveryRoleKind.LEAD_MODERATOR)
            | administered(user, "submission__delivery")
        )
        return self.filter(Q(owner=user) | Q(pk__in=seen.values("evidence_id")))

    def inspectable_by(self, user: "User") -> Self:
        """Rows for which `rules.may_inspect_original` says yes."""
        if not user.is_active:
            return self.none()
        return self.filter(administered(user, "delivery")).exclude(owner=user)

    def kept(self) -> Self:
        """Those that were not removed."""
        return self.exclude(state=EvidenceState.REMOVED)


class UploadQuerySet(models.QuerySet[Any]):
    """Uploads on their way in."""

    def visible_to(self, user: "User") -> Self:
        """Rows for which `rules.owns_upload` says yes."""
        return self.filter(owner=user) if user.is_active else self.none()

    def unfinished(self) -> Self:
        """Those that may still go on."""
        return self.filter(evidence__isnull=True, ended_at__isnull=True)


class SubmissionQuerySet(models.QuerySet[Any]):
    """Submissions."""

    def visible_to(self, user: "User", *, now: datetime | None = None) -> Self:
        """Rows for which `rules.can_view_submission` says yes, at that moment or now."""
        if not user.is_active:
            return self.none()
        parts = self.model._meta.get_field("parts").related_model
        mine = parts._default_manager.filter(person=user, ended_at__isnull=True).exclude(
            kind=PartKind.LEARNER
        )
        return self.filter(
            Q(learner=user)
            | Q(Exists(mine.filter(submission=OuterRef("pk"))))
            | in_delivery(user, "delivery", DeliveryRoleKind.LEAD_MODERATOR, now=now)
            | administered(user, "delivery", now=now)
            | (
                Q(state__in=RATIFIER_SEES)
                & in_delivery(user, "delivery", DeliveryRoleKind.RATIFIER, now=now)
            )
        )

    def live(self) -> Self:
        """Those that have not been withdrawn or referred."""
        return self.exclude(state__in=ENDED_ATTEMPT)


class HoldQuerySet(models.QuerySet[Any]):
    """Holds."""

    def open(self) -> Self:
        """Those that still block."""
        return self.filter(closed_at__isnull=True)


class ExtensionQuerySet(models.QuerySet[Any]):
    """Requests for more time."""

    def decidable_by(self, user: "User") -> Self:
        """Requests of deliveries that the person administers or assesses, their own excepted."""
        if not user.is_active:
            return self.none()
        path = "portfolio__enrolment__delivery"
        return self.filter(
            administered(user, path) | in_delivery(user, path, DeliveryRoleKind.ASSESSOR)
        ).exclude(portfolio__enrolment__learner=user)
