"""Who may confirm, publish, and look at what was awarded."""

from typing import TYPE_CHECKING

from accounts.models import CLOCK, SYSTEM
from catalogue.enums import DeliveryRoleKind
from catalogue.rules import has_delivery_role, is_programme_administrator

if TYPE_CHECKING:
    from accounts.models import Actor
    from awards.models import Credential
    from portfolios.models import Submission


def may_suspend(credential: "Credential", actor: "Actor") -> bool:
    """The system as part of a recall; ratifiers of the delivery."""
    return actor in (CLOCK, SYSTEM) or has_delivery_role(
        actor, credential.submission.delivery, DeliveryRoleKind.RATIFIER
    )


def may_issue_for(submission: "Submission", actor: "Actor") -> bool:
    """The system, on release; never a person by hand."""
    return actor in (CLOCK, SYSTEM)


def can_view_credential(credential: "Credential", actor: "Actor") -> bool:
    """The learner, and programme administrators of the delivery."""
    return credential.submission.learner_id == getattr(actor, "pk", None) or (
        is_programme_administrator(actor, credential.submission.delivery)
    )
