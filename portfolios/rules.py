"""Who may see and do what with the learner's work. Pure reads of relations, on each request."""

from typing import TYPE_CHECKING, Any

from accounts.models import CLOCK, SYSTEM
from catalogue.enums import DeliveryRoleKind
from catalogue.rules import (
    administers_anything,
    has_delivery_role,
    is_programme_administrator,
)
from portfolios.enums import CONSIDERABLE, RATIFIER_SEES, HoldKind, PartKind
from portfolios.guards import assesses
from workflows.querysets import Composed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from accounts.models import Actor
    from portfolios.models import (
        Attestation,
        EvidenceItem,
        ExtensionRequest,
        Hold,
        Portfolio,
        Submission,
        UploadSession,
    )

composed = Composed()


def is_person(actor: "Actor") -> bool:
    """An active account, not a system actor."""
    return bool(getattr(actor, "is_active", False))


def owns_portfolio(portfolio: "Portfolio", actor: "Actor") -> bool:
    """The learner whose portfolio it is."""
    return is_person(actor) and portfolio.enrolment.learner_id == getattr(actor, "pk", None)


def may_ask_to_confirm(portfolio: "Portfolio", actor: "Actor") -> bool:
    """The learner; the system for a verifier whose link is over, while the learner is enrolled."""
    if actor is SYSTEM:
        return portfolio.enrolment.ended_at is None
    return owns_portfolio(portfolio, actor)


def can_view_portfolio(portfolio: "Portfolio", actor: "Actor") -> bool:
    """The learner, and programme administrators of the delivery. Agrees with visible_to."""
    return owns_portfolio(portfolio, actor) or is_programme_administrator(
        actor, portfolio.enrolment.delivery
    )


def can_submit(portfolio: "Portfolio", actor: "Actor") -> bool:
    """The learner while enrolled; a programme administrator on the learner's behalf (lifecycle 2).

    The clock too, where the learner has asked it to submit at the cut-off.
    """
    if actor is CLOCK:
        return portfolio.auto_submit_asked_at is not None and portfolio.enrolment.ended_at is None
    if owns_portfolio(portfolio, actor):
        return portfolio.enrolment.ended_at is None
    return is_programme_administrator(actor, portfolio.enrolment.delivery)


def is_learner(submission: "Submission", actor: "Actor") -> bool:
    """The learner whose attempt it is."""
    return is_person(actor) and submission.learner_id == getattr(actor, "pk", None)


def has_part(submission: "Submission", actor: "Actor", *kinds: PartKind) -> bool:
    """Whether `actor` has a live part in the submission, of one of these kinds if any are named."""
    if not is_person(actor):
        return False
    parts = submission.parts.model

    def build(values: "Sequence[Any]") -> "QuerySet[Any, Any]":
        key, person = values
        live = parts.objects.filter(submission=key, person=person, ended_at__isnull=True)
        return (live.filter(kind__in=kinds) if kinds else live).values_list("pk")

    asked: list[Any] = [submission.pk, getattr(actor, "pk", None)]
    return bool(composed.rows(("part", kinds), build, asked, limit=1))


def has_staff_part(submission: "Submission", actor: "Actor") -> bool:
    """A live part other than the learner's."""
    return has_part(submission, actor, *(kind for kind in PartKind if kind != PartKind.LEARNER))


def can_view_submission(submission: "Submission", actor: "Actor") -> bool:
    """The learner; people with a live part; lead moderator and administrators; ratifiers once moderated.

    Agrees with SubmissionQuerySet.visible_to.
    """
    return bool(
        is_learner(submission, actor)
        or has_staff_part(submission, actor)
        or has_delivery_role(actor, submission.delivery, DeliveryRoleKind.LEAD_MODERATOR)
        or is_programme_administrator(actor, submission.delivery)
        or (
            submission.state in RATIFIER_SEES
            and has_delivery_role(actor, submission.delivery, DeliveryRoleKind.RATIFIER)
        )
    )


def owns_evidence(evidence: "EvidenceItem", actor: "Actor") -> bool:
    """The learner who added it."""
    return is_person(actor) and evidence.owner_id == getattr(actor, "pk", None)


def owns_upload(upload: "UploadSession", actor: "Actor") -> bool:
    """The learner who sends it."""
    return is_person(actor) and upload.owner_id == getattr(actor, "pk", None)


def can_view_evidence(evidence: "EvidenceItem", actor: "Actor") -> bool:
    """The learner, and who may see a submission that pins it, ratifiers excepted."""
    if owns_evidence(evidence, actor):
        return True
    if not is_person(actor):
        return False
    return any(
        has_staff_part(pin.submission, actor)
        or has_delivery_role(actor, pin.submission.delivery, DeliveryRoleKind.LEAD_MODERATOR)
        or is_programme_administrator(actor, pin.submission.delivery)
        for pin in evidence.pins.select_related("submission__delivery__version__micro_credential")
    )


def may_inspect_original(evidence: "EvidenceItem", actor: "Actor") -> bool:
    """Programme administrators of the delivery it was added in; the learner has the original anyway."""
    if evidence.delivery is None or owns_evidence(evidence, actor):
        return False
    return is_programme_administrator(actor, evidence.delivery)


def is_system(instance: object, actor: "Actor") -> bool:
    """The system itself: the clock or a handler."""
    return actor in (CLOCK, SYSTEM)


def may_answer_attestation(attestation: "Attestation", actor: "Actor") -> bool:
    """The verifier acts through a personal link and has no account; the view proves the link."""
    return actor == SYSTEM


def may_confirm(attestation: "Attestation", visitor: "Actor | None") -> bool:
    """Whoever has the link, unless they are signed in as somebody who assesses this learner."""
    if visitor is None or not is_person(visitor):
        return True
    return not assesses(attestation.portfolio, pk=getattr(visitor, "pk", None))


def may_revoke_attestation(attestation: "Attestation", actor: "Actor") -> bool:
    """The learner who asked."""
    return owns_portfolio(attestation.portfolio, actor)


def may_decide_extension(request: "ExtensionRequest", actor: "Actor") -> bool:
    """Programme administrators always; an assessor of the delivery up to the policy's working days."""
    delivery = request.portfolio.enrolment.delivery
    if owns_portfolio(request.portfolio, actor):
        return False
    if is_programme_administrator(actor, delivery):
        return True
    return request.within_assessor_limit and has_delivery_role(
        actor, delivery, DeliveryRoleKind.ASSESSOR
    )


def decides_extensions(actor: "Actor") -> bool:
    """Whoever could be asked for more time at all: programme administrators and assessors of anything."""
    if administers_anything(actor):
        return True
    if not is_person(actor):
        return False
    person: Any = actor
    assesses = person.delivery_roles.current().filter(role=DeliveryRoleKind.ASSESSOR)
    return bool(assesses.exists())


def may_waive_attestation(portfolio: "Portfolio", actor: "Actor") -> bool:
    """Programme administrators of the delivery, never for their own work."""
    return not owns_portfolio(portfolio, actor) and is_programme_administrator(
        actor, portfolio.enrolment.delivery
    )


def may_read_supporting(submission: "Submission", actor: "Actor") -> bool:
    """Who handles a special consideration and its evidence: programme administrators, and nobody else.

    Not the lead moderator, who may place the hold, and nobody with a part in the submission, so that
    whoever judges the work never knows why it waited (domain 2.10).
    """
    return (
        not is_learner(submission, actor)
        and is_programme_administrator(actor, submission.delivery)
        and not has_part(submission, actor)
    )


def may_apply_for_consideration(submission: "Submission", actor: "Actor") -> bool:
    """The learner, while the work is handed in and not yet moderated; until which day the action says."""
    return is_learner(submission, actor) and submission.state in CONSIDERABLE


def may_lift(hold: "Hold", actor: "Actor") -> bool:
    """Who may hold, may lift; a special consideration, whoever may read what supports it."""
    if hold.kind == HoldKind.SPECIAL_CONSIDERATION:
        return may_read_supporting(hold.submission, actor)
    return may_hold(hold.submission, actor)


def may_hold(submission: "Submission", actor: "Actor") -> bool:
    """Programme administrators and the lead moderator of the delivery; nobody on their own work."""
    return not is_learner(submission, actor) and (
        is_programme_administrator(actor, submission.delivery)
        or has_delivery_role(actor, submission.delivery, DeliveryRoleKind.LEAD_MODERATOR)
    )
