"""Who stands in which relation to an organisation or to another person."""

import uuid
from typing import TYPE_CHECKING, Any, cast

from accounts.enums import OrganisationKind, OrganisationRole

if TYPE_CHECKING:
    from accounts.models import Actor, User


def has_organisation_role(
    actor: "Actor", organisation_id: uuid.UUID, role: OrganisationRole
) -> bool:
    """Whether `actor` is an active person with a live membership of that role there."""
    if not getattr(actor, "is_active", False):
        return False
    memberships: Any = cast("Any", actor).memberships  # only people are active
    return bool(memberships.current().filter(organisation_id=organisation_id, role=role).exists())


def in_conflict(one: "User", other: "User") -> bool:
    """Whether a conflict between the two was declared, in either direction, or they share an employer.

    Sharing an employer means a live EMPLOYEE membership of the same client organisation
    (lifecycle: nobody judges a learner of their own employer, team or whānau).
    """
    if one.conflicts_declared.filter(other=other).exists():
        return True
    if one.conflicts_named_in.filter(person=other).exists():
        return True
    employers = (
        one.memberships.current()
        .filter(role=OrganisationRole.EMPLOYEE, organisation__kind=OrganisationKind.CLIENT)
        .values("organisation_id")
    )
    return bool(
        other.memberships.current()
        .filter(role=OrganisationRole.EMPLOYEE, organisation_id__in=employers)
        .exists()
    )
