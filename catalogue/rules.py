"""Who may do what to versions and deliveries, and who has which part in a delivery."""

from typing import TYPE_CHECKING, Any, cast

from accounts.enums import OrganisationRole
from accounts.rules import has_organisation_role
from catalogue.enums import DeliveryRoleKind, Visibility

if TYPE_CHECKING:
    from accounts.models import Actor
    from catalogue.models import Delivery, MicroCredential, MicroCredentialVersion


def has_delivery_role(actor: "Actor", delivery: "Delivery", *roles: DeliveryRoleKind) -> bool:
    """Whether `actor` is an active person with a live part of one of these kinds in the delivery."""
    if not getattr(actor, "is_active", False):
        return False
    parts: Any = cast("Any", actor).delivery_roles
    return bool(parts.current().filter(delivery_id=delivery.pk, role__in=roles).exists())


def is_programme_administrator(actor: "Actor", delivery: "Delivery") -> bool:
    """Administrator of the delivery itself, or of the organisation that provides it.

    Nobody administers what holds seeds: whoever runs a cohort learns nothing of them.
    """
    provider = delivery.version.micro_credential.provider_id
    administers = has_delivery_role(actor, delivery, DeliveryRoleKind.ADMINISTRATOR) or (
        has_organisation_role(actor, provider, OrganisationRole.ADMINISTRATOR)
    )
    # Asked last, so that the same is asked of the database whatever it is.
    return administers and not delivery.holds_seeds


def is_author(version: "MicroCredentialVersion", actor: "Actor") -> bool:
    """The person who wrote this version, while still an author or administrator of the provider."""
    return version.author_id == getattr(actor, "pk", None) and writes_for_provider(version, actor)


def writes_for_provider(version: "MicroCredentialVersion", actor: "Actor") -> bool:
    """An author or administrator of the provider."""
    provider = version.micro_credential.provider_id
    return has_organisation_role(actor, provider, OrganisationRole.AUTHOR) or has_organisation_role(
        actor, provider, OrganisationRole.ADMINISTRATOR
    )


def confirms_changes(version: "MicroCredentialVersion", actor: "Actor") -> bool:
    """The author, and whoever the minor changes were given to, while an author or administrator of the provider."""
    asked = version.changes_asked
    owns = asked is not None and asked.owner_id == getattr(actor, "pk", None)
    return is_author(version, actor) or (owns and writes_for_provider(version, actor))


def is_pre_moderator(version: "MicroCredentialVersion", actor: "Actor") -> bool:
    """A pre-assessment moderator of the provider who is not the author (domain 2.2)."""
    provider = version.micro_credential.provider_id
    return version.author_id != getattr(actor, "pk", None) and has_organisation_role(
        actor, provider, OrganisationRole.PRE_MODERATOR
    )


def administers_version(version: "MicroCredentialVersion", actor: "Actor") -> bool:
    """A programme administrator of the provider."""
    return has_organisation_role(
        actor, version.micro_credential.provider_id, OrganisationRole.ADMINISTRATOR
    )


def can_view_version(version: "MicroCredentialVersion", actor: "Actor") -> bool:
    """People of the provider; anybody with a part in a delivery of it. Agrees with visible_to."""
    if not getattr(actor, "is_active", False):
        return False
    person: Any = actor
    if (
        person.memberships.current()
        .filter(organisation_id=version.micro_credential.provider_id)
        .exclude(role=OrganisationRole.EMPLOYEE)
        .exists()
    ):
        return True
    if version.micro_credential.visibility == Visibility.PUBLIC and version.is_published:
        return True
    return bool(
        person.delivery_roles.current().filter(delivery__version=version).exists()
        or person.enrolments.current().filter(delivery__version=version).exists()
    )


def can_view_delivery(delivery: "Delivery", actor: "Actor") -> bool:
    """Anybody with a live part in it, its learners, and the provider's administrators."""
    if not getattr(actor, "is_active", False):
        return False
    person: Any = actor
    if delivery.holds_seeds:
        return False
    return bool(
        is_programme_administrator(actor, delivery)
        or person.delivery_roles.current().filter(delivery=delivery).exists()
        or person.enrolments.current().filter(delivery=delivery).exists()
    )


def writes_for(micro_credential: "MicroCredential", actor: "Actor") -> bool:
    """Authors and programme administrators of the provider write versions."""
    provider = micro_credential.provider_id
    return has_organisation_role(actor, provider, OrganisationRole.AUTHOR) or (
        has_organisation_role(actor, provider, OrganisationRole.ADMINISTRATOR)
    )


def administers_anything(actor: "Actor") -> bool:
    """Programme administrators of any delivery or organisation, also where nothing is there to run yet."""
    if not getattr(actor, "is_active", False):
        return False
    person: Any = actor
    return bool(
        person.memberships.current().filter(role=OrganisationRole.ADMINISTRATOR).exists()
        or person.delivery_roles.current().filter(role=DeliveryRoleKind.ADMINISTRATOR).exists()
    )


def works_in_catalogue(actor: "Actor") -> bool:
    """Administrators, authors and pre-moderators of any organisation, and administrators of a delivery."""
    if not getattr(actor, "is_active", False):
        return False
    person: Any = actor
    return bool(
        person.memberships.current().exclude(role=OrganisationRole.EMPLOYEE).exists()
        or person.delivery_roles.current().filter(role=DeliveryRoleKind.ADMINISTRATOR).exists()
    )
