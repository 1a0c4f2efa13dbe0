"""Who may confirm, publish, and look at what was awarded."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from accounts.models import CLOCK, SYSTEM
from catalogue.enums import DeliveryRoleKind
from catalogue.rules import has_delivery_role, is_programme_administrator
from portfolios.enums import PartKind
from portfolios.querysets import administered, in_delivery
from portfolios.rules import is_learner
from workflows.guards import bulk_rule, may

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import Actor
    from awards.models import Credential, Ratification, Recall, Reconsideration, Release
    from catalogue.models import Delivery
    from portfolios.models import Submission

JUDGED = (
    PartKind.ASSESSOR,
    PartKind.SECOND_ASSESSOR,
    PartKind.ADJUDICATOR,
    PartKind.RECONSIDERATION_ASSESSOR,
)
"""Parts of those who judged a submission. Moderators check the standard; they do not judge it."""


def judged(submission: "Submission", actor: "Actor") -> bool:
    """Whether the person has, or ever had, a part in judging this submission."""
    found: bool = submission.parts.filter(
        person_id=getattr(actor, "pk", None), kind__in=JUDGED
    ).exists()
    return found


def ratifies(delivery: "Delivery", actor: "Actor") -> bool:
    """A ratifier of the delivery."""
    return has_delivery_role(actor, delivery, DeliveryRoleKind.RATIFIER)


def leads(delivery: "Delivery", actor: "Actor") -> bool:
    """A lead moderator of the delivery."""
    return has_delivery_role(actor, delivery, DeliveryRoleKind.LEAD_MODERATOR)


@may("portfolios.submission.ratify")
def may_ratify(submission: "Submission", actor: "Actor") -> bool:
    """A ratifier of the delivery. Whether the signatures suffice is a guard."""
    return ratifies(submission.delivery, actor)


@bulk_rule(may_ratify)
def _may_ratify_set(submissions: "QuerySet[Submission]", actor: "Actor") -> Iterable[Any]:
    if not getattr(actor, "is_active", False):
        return []
    person: Any = actor
    return submissions.filter(
        in_delivery(person, "delivery", DeliveryRoleKind.RATIFIER)
    ).values_list("pk", flat=True)


@may("portfolios.submission.release")
def may_release(submission: "Submission", actor: "Actor") -> bool:
    """A programme administrator of the delivery, or the clock at the scheduled time."""
    return actor == CLOCK or is_programme_administrator(actor, submission.delivery)


@bulk_rule(may_release)
def _may_release_set(submissions: "QuerySet[Submission]", actor: "Actor") -> Iterable[Any]:
    keys = submissions.values_list("pk", flat=True)
    if actor == CLOCK:
        return keys
    if not getattr(actor, "is_active", False):
        return []
    person: Any = actor
    return submissions.filter(administered(person, "delivery")).values_list("pk", flat=True)


@may("portfolios.submission.conclude_reconsideration")
def may_conclude_reconsideration(submission: "Submission", actor: "Actor") -> bool:
    """A ratifier of the delivery who never judged this work."""
    return ratifies(submission.delivery, actor) and not judged(submission, actor)


@may("portfolios.submission.recall")
def may_recall(submission: "Submission", actor: "Actor") -> bool:
    """A lead moderator or a ratifier; that both agreed is a guard."""
    return leads(submission.delivery, actor) or ratifies(submission.delivery, actor)


@bulk_rule(may_recall)
def _may_recall_set(submissions: "QuerySet[Submission]", actor: "Actor") -> Iterable[Any]:
    if not getattr(actor, "is_active", False):
        return []
    person: Any = actor
    return submissions.filter(
        in_delivery(person, "delivery", DeliveryRoleKind.LEAD_MODERATOR, DeliveryRoleKind.RATIFIER)
    ).values_list("pk", flat=True)


def may_suspend(credential: "Credential", actor: "Actor") -> bool:
    """The system, as part of a recall, a release or a reconsideration; never a person by hand."""
    return actor in (CLOCK, SYSTEM)


@bulk_rule(may_suspend)
def _may_suspend_set(credentials: "QuerySet[Credential]", actor: "Actor") -> Iterable[Any]:
    return credentials.values_list("pk", flat=True) if actor in (CLOCK, SYSTEM) else []


def may_issue_for(submission: "Submission", actor: "Actor") -> bool:
    """The system, on release; never a person by hand."""
    return actor in (CLOCK, SYSTEM)


def may_authorise_correction(submission: "Submission", actor: "Actor") -> bool:
    """A lead moderator who never judged this work lets a lower result through after release."""
    return leads(submission.delivery, actor) and not judged(submission, actor)


def may_open_batch(delivery: "Delivery", actor: "Actor") -> bool:
    """Ratifiers, and the programme administrators who prepare their meeting."""
    return ratifies(delivery, actor) or is_programme_administrator(actor, delivery)


def may_ask_recall(delivery: "Delivery", actor: "Actor") -> bool:
    """A lead moderator or a ratifier."""
    return leads(delivery, actor) or ratifies(delivery, actor)


def may_confirm_recall(recall: "Recall", actor: "Actor") -> bool:
    """The second of the two: somebody else, and the two together are lead moderator and ratifier."""
    if recall.asked_by_id == getattr(actor, "pk", None):
        return False
    one, delivery = recall.asked_by, recall.delivery
    return (leads(delivery, one) and ratifies(delivery, actor)) or (
        ratifies(delivery, one) and leads(delivery, actor)
    )


def can_view_batch(batch: "Ratification", actor: "Actor") -> bool:
    """Ratifiers and programme administrators of the delivery. Agrees with visible_to."""
    return may_open_batch(batch.delivery, actor)


def can_view_release(release: "Release", actor: "Actor") -> bool:
    """Programme administrators of the delivery. Agrees with visible_to."""
    return is_programme_administrator(actor, release.delivery)


def can_view_reconsideration(reconsideration: "Reconsideration", actor: "Actor") -> bool:
    """Ratifiers, the lead moderator and programme administrators. Agrees with visible_to."""
    delivery = reconsideration.submission.delivery
    return may_ask_recall(delivery, actor) or is_programme_administrator(actor, delivery)


def can_view_recall(recall: "Recall", actor: "Actor") -> bool:
    """Ratifiers, the lead moderator and programme administrators. Agrees with visible_to."""
    return may_ask_recall(recall.delivery, actor) or is_programme_administrator(
        actor, recall.delivery
    )


def can_view_credential(credential: "Credential", actor: "Actor") -> bool:
    """The learner, and programme administrators of the delivery. Agrees with visible_to."""
    return is_learner(credential.submission, actor) or (
        is_programme_administrator(actor, credential.submission.delivery)
    )
