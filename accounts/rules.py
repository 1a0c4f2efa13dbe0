"""Who stands in which relation to an organisation."""

import uuid
from typing import TYPE_CHECKING, Any, cast

from accounts.enums import OrganisationRole

if TYPE_CHECKING:
    from accounts.models import Actor


def has_organisation_role(
    actor: "Actor", organisation_id: uuid.UUID, role: OrganisationRole
) -> bool:
    """Whether `actor` is an active person with a live membership of that role there."""
    if not getattr(actor, "is_active", False):
        return False
    memberships: Any = cast("Any", actor).memberships  # only people are active
    return bool(memberships.current().filter(organisation_id=organisation_id, role=role).exists())
