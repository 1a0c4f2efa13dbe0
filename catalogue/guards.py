"""Whether a version is ready for its next step, and a delivery for its learners."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from catalogue.enums import APPROVALS, DeliveryRoleKind, VersionState
from catalogue.hashing import PARTS, content_of, fingerprints
from catalogue.minimum_pass import bare_passes, unproven
from workflows.guards import guard

if TYPE_CHECKING:
    from catalogue.models import Delivery, MicroCredentialVersion


@guard(
    "definition_not_whole",
    _(
        "Every outcome needs a criterion, and every criterion at least one met and one not-yet level."
    ),
)
def definition_whole(version: "MicroCredentialVersion") -> bool:
    """Nothing can be approved in which an outcome is never assessed (domain 2.2)."""
    outcomes = version.outcomes.prefetch_related("criteria__levels")
    return bool(outcomes) and all(
        criteria
        and all({level.is_met for level in one.levels.all()} == {True, False} for one in criteria)
        for criteria in (list(outcome.criteria.all()) for outcome in outcomes)
    )


@guard(
    "least_pass_leaves_a_gap",
    _("Somebody could pass and still not have shown every outcome. Ask the author for changes."),
)
def least_pass_proves_all(version: "MicroCredentialVersion") -> bool:
    """A learner with the minimum pass in every task has still achieved all outcomes (domain 2.2)."""
    content = content_of(version, {})
    passes = bare_passes(content)
    return all(one.ranks is not None for one in passes) and not unproven(content, passes)


def moved_parts(version: "MicroCredentialVersion") -> list[str]:
    """The bound parts that are no longer what the newest approval read; all of them without one."""
    approval = version.pre_moderations.filter(decision__in=APPROVALS).order_by("-number").first()
    if approval is None:
        return list(PARTS)
    policy = {key: version.policy_value(key) for key in approval.policy}
    now = fingerprints(content_of(version, policy))
    return [part for part in PARTS if now[part] != approval.parts.get(part)]


@guard(
    "content_moved",
    _(
        "What was approved has changed since, so the approval no longer holds."
        " It has to be loaded as a new version and checked again."
    ),
)
def content_as_approved(version: "MicroCredentialVersion") -> bool:
    """Any change of a bound thing ends the approval (domain 2.2)."""
    return not moved_parts(version)


@guard(
    "minor_changes_open",
    _(
        "It was approved with minor changes. Whoever they were given to has to confirm first that they are done."
    ),
)
def minor_changes_confirmed(version: "MicroCredentialVersion") -> bool:
    """Approved with minor changes: the author or another owner confirms, nobody looks a second time (domain 2.2)."""
    return not version.minor_changes


@guard("no_minor_changes", _("There are no minor changes to confirm."))
def minor_changes_open(version: "MicroCredentialVersion") -> bool:
    """They are confirmed once, and only where they were asked for."""
    return bool(version.minor_changes)


@guard("content_moved", content_as_approved.message)
def delivers_what_was_approved(delivery: "Delivery") -> bool:
    """No delivery opens on tasks, rubrics, grades or policy that nobody has approved as they are."""
    if not version_approved.holds(delivery):
        return True
    return not moved_parts(delivery.version)


@guard("version_not_approved", _("The version has to pass pre-assessment moderation first."))
def version_approved(delivery: "Delivery") -> bool:
    """No assessment is used before somebody else than its author has looked at it (domain 2.2)."""
    waits = delivery.version.state in {VersionState.DRAFT, VersionState.IN_PRE_MODERATION}
    return not waits and not delivery.version.is_rejected


@guard("version_not_published", _("The version is not published."))
def version_published(delivery: "Delivery") -> bool:
    """A retired version takes no new deliveries; an approved one is published first."""
    return bool(delivery.version.state == VersionState.PUBLISHED)


@guard("schedule_missing", _("Every task needs dates."))
def every_task_scheduled(delivery: "Delivery") -> bool:
    """Portfolios take their dates from the schedule when they begin."""
    scheduled = delivery.schedules.values("task_id")
    return not delivery.version.tasks.exclude(pk__in=scheduled).exists()


@guard("no_assessor", _("The delivery needs at least one assessor."))
def has_assessor(delivery: "Delivery") -> bool:
    return _has(delivery, DeliveryRoleKind.ASSESSOR)


@guard("no_lead_moderator", _("The delivery needs a lead moderator."))
def has_lead_moderator(delivery: "Delivery") -> bool:
    return _has(delivery, DeliveryRoleKind.LEAD_MODERATOR)


@guard("no_ratifier", _("The delivery needs at least one ratifier."))
def has_ratifier(delivery: "Delivery") -> bool:
    return _has(delivery, DeliveryRoleKind.RATIFIER)


def _has(delivery: "Delivery", role: DeliveryRoleKind) -> bool:
    return bool(delivery.roles.current().filter(role=role, user__is_active=True).exists())


TO_OPEN = [
    version_approved,
    delivers_what_was_approved,
    version_published,
    every_task_scheduled,
    has_assessor,
    has_lead_moderator,
    has_ratifier,
]
"""What has to be in place before a delivery opens. Moderation cannot be left for later: it is a gate.

A higher app appends what it knows."""
