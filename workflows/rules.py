"""Who may look after the machinery."""

from typing import TYPE_CHECKING

from accounts.enums import OrganisationKind, OrganisationRole

if TYPE_CHECKING:
    from accounts.models import User


def may_manage_messages(person: "User") -> bool:
    """Platform administrators, and programme administrators of a provider: stuck messages concern all."""
    if not person.is_active:
        return False
    provider = person.memberships.current().filter(
        role=OrganisationRole.ADMINISTRATOR, organisation__kind=OrganisationKind.PROVIDER
    )
    return person.is_staff or provider.exists()


def may_keep_calendar(person: "User") -> bool:
    """Who looks after messages keeps the working days too: both concern every delivery."""
    return may_manage_messages(person)
