"""Who stands in which relation to an organisation or to another person."""

import uuid
from typing import TYPE_CHECKING, Any, cast

from django.db.models import Q

from accounts.enums import OrganisationKind, OrganisationRole

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import Actor, User


def has_organisation_role(
    actor: "Actor", organisation_id: uuid.UUID, role: OrganisationRole
) -> bool:
    """Whether `actor` is an active person with a live membership of that role there."""
    if not getattr(actor, "is_active", False):
        return False
    memberships: Any = cast("Any", actor).memberships  # only people are active
    return bool(memberships.current().filter(organisation_id=organisation_id, role=role).exists())


def too_close_to(person: "User", now: "datetime | None" = None) -> Q:
    """Condition on users: a conflict with the person was declared, in either direction, or they share an employer.

    Sharing an employer means a live EMPLOYEE membership of the same client organisation
    (lifecycle: nobody judges a learner of their own employer, team or whānau).
    """
    employed = person.memberships.current(now).filter(role=OrganisationRole.EMPLOYEE)
    clients = employed.filter(organisation__kind=OrganisationKind.CLIENT)
    colleagues = person.memberships.model.objects.current(now).filter(
        role=OrganisationRole.EMPLOYEE, organisation__in=clients.values("organisation")
    )
    return (
        Q(pk__in=person.conflicts_declared.values("other"))
        | Q(pk__in=person.conflicts_named_in.values("person"))
        | Q(pk__in=colleagues.values("user"))
    )
