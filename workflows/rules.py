"""Who may look after the machinery."""

from typing import TYPE_CHECKING

from accounts.enums import OrganisationKind, OrganisationRole
from accounts.rules import has_organisation_role

if TYPE_CHECKING:
    from accounts.models import User
    from workflows.models import Webhook


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


def may_keep_webhook(hook: "Webhook", person: "User") -> bool:
    """Administrators of its organisation, and platform administrators. Agrees with visible_to."""
    if hook.removed_at is not None or not person.is_active:
        return False
    return person.is_staff or has_organisation_role(
        person, hook.organisation_id, OrganisationRole.ADMINISTRATOR
    )
