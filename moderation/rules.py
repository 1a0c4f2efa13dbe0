"""Who may moderate what. Separation of duties is checked for each item, not for each account."""

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from accounts.models import SYSTEM
from assessment.enums import MARKED_AS, SHOWN_EXEMPLARS
from assessment.rules import keeps_exemplars, teaches
from catalogue.enums import DeliveryRoleKind
from catalogue.rules import has_delivery_role
from moderation.enums import RoundState, SampleState
from portfolios.enums import PartKind
from workflows.guards import bulk_rule, may

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from accounts.models import Actor
    from catalogue.models import AssessmentTask, Delivery
    from moderation.models import (
        ExternalReview,
        Meeting,
        ModerationRound,
        RequiredAction,
        SampleItem,
    )
    from portfolios.models import Submission

MARKING = tuple(MARKED_AS.values())
"""Bases of decisions that somebody wrote by judging the work itself."""

MODERATORS = (
    DeliveryRoleKind.LEAD_MODERATOR,
    DeliveryRoleKind.MODERATOR,
    DeliveryRoleKind.EXTERNAL_MODERATOR,
)


def leads_delivery(delivery: "Delivery", actor: "Actor") -> bool:
    """A lead moderator of the delivery."""
    return has_delivery_role(actor, delivery, DeliveryRoleKind.LEAD_MODERATOR)


def leads(moderation_round: "ModerationRound", actor: "Actor") -> bool:
    """A lead moderator of the round's delivery."""
    return leads_delivery(moderation_round.delivery, actor)


def can_view_round(moderation_round: "ModerationRound", actor: "Actor") -> bool:
    """Moderators and the lead of the delivery. Agrees with RoundQuerySet.visible_to."""
    return has_delivery_role(actor, moderation_round.delivery, *MODERATORS)


def can_view_action(action: "RequiredAction", actor: "Actor") -> bool:
    """Its owner and the moderators of the delivery; of a meeting, once it is signed, of the micro-credential.

    Agrees with RequiredActionQuerySet.visible_to.
    """
    owns = action.owner_id == getattr(actor, "pk", None) and getattr(actor, "is_active", False)
    if action.meeting is not None:
        asked = action.meeting.signed_at is not None
        return asked and (owns or teaches(action.meeting.task, actor, *MODERATORS))
    assert action.round is not None  # noqa: S101  a constraint of the database
    return owns or can_view_round(action.round, actor)


def closes_action(action: "RequiredAction", actor: "Actor") -> bool:
    """A lead moderator of the round's delivery; for a meeting, of the micro-credential."""
    if action.meeting is not None:
        return standardises(action.meeting.task, actor)
    assert action.round is not None  # noqa: S101  a constraint of the database
    return leads(action.round, actor)


def judged(submission: "Submission", actor: "Actor") -> bool:
    """Whether this person is the learner or ever had a marking part in the submission."""
    who = getattr(actor, "pk", None)
    return bool(
        submission.parts.filter(person_id=who).exclude(kind=PartKind.MODERATOR).exists()
        or submission.decisions.filter(author_id=who, basis__in=MARKING).exists()
    )


def holds_item(item: "SampleItem", actor: "Actor") -> bool:
    """The item was given to this person, who is still a moderator of the delivery and of this work."""
    if item.moderator_id is None or item.moderator_id != getattr(actor, "pk", None):
        return False
    if not has_delivery_role(actor, item.round.delivery, *MODERATORS):
        return False
    return bool(
        item.submission.parts.filter(
            person_id=item.moderator_id, kind=PartKind.MODERATOR, ended_at__isnull=True
        ).exists()
    )


def moderates(item: "SampleItem", actor: "Actor") -> bool:
    """The moderator to whom the item was given, who never judged it.

    The part is unique for a person and a submission, so nobody who assesses it can hold it; whoever
    judged it earlier and ended that part is refused here.
    """
    return holds_item(item, actor) and not judged(item.submission, actor)


def decides_item(item: "SampleItem", actor: "Actor") -> bool:
    """The item's moderator, or a lead who had no part in judging it. An escalated one is the lead's."""
    if leads(item.round, actor):
        return not judged(item.submission, actor)
    return item.state != SampleState.ESCALATED and moderates(item, actor)


def can_view_item(item: "SampleItem", actor: "Actor") -> bool:
    """The item's moderator and the lead. Agrees with SampleQuerySet.visible_to."""
    return holds_item(item, actor) or leads(item.round, actor)


def may_approve_adjustment(moderation_round: "ModerationRound", actor: "Actor") -> bool:
    """Another moderator of the delivery than the one who decided, who judged nothing of the set."""
    who = getattr(actor, "pk", None)
    return (
        can_view_round(moderation_round, actor)
        and moderation_round.decided_by_id != who
        and not judged_in(moderation_round, actor)
    )


def judged_in(moderation_round: "ModerationRound", actor: "Actor") -> bool:
    """Whether this person judged any work of the set."""
    return moderation_round.members.filter(
        submission__decisions__author_id=getattr(actor, "pk", None),
        submission__decisions__basis__in=MARKING,
    ).exists()


def decides_set(moderation_round: "ModerationRound", actor: "Actor") -> bool:
    """A lead who judged nothing of the set: nobody accepts their own marking."""
    return leads(moderation_round, actor) and not judged_in(moderation_round, actor)


def reads_external(review: "ExternalReview", actor: "Actor") -> bool:
    """The person who was invited, within the span, while nobody has revoked it."""
    return (
        review.person_id == getattr(actor, "pk", None)
        and bool(getattr(actor, "is_active", False))
        and review.revoked_at is None
        and review.opens_at <= timezone.now() < review.closes_at
    )


def can_view_external(review: "ExternalReview", actor: "Actor") -> bool:
    """Whoever may read under it now, and the lead. Agrees with ExternalReviewQuerySet.visible_to."""
    return reads_external(review, actor) or leads(review.round, actor)


def standardises(task: "AssessmentTask", actor: "Actor") -> bool:
    """Lead moderators of the micro-credential keep its meetings, as they keep its exemplars."""
    return keeps_exemplars(task, actor)


def can_view_meeting(meeting: "Meeting", actor: "Actor") -> bool:
    """The lead; once it is signed also assessors and moderators of the micro-credential, and who was there.

    Agrees with MeetingQuerySet.visible_to.
    """
    if not getattr(actor, "is_active", False):
        return False
    if standardises(meeting.task, actor):
        return True
    if meeting.signed_at is None:
        return False
    return (
        teaches(meeting.task, actor, *SHOWN_EXEMPLARS)
        or meeting.attendees.filter(pk=getattr(actor, "pk", None)).exists()
    )


# Steps of the submission that moderation drives.


@may("portfolios.submission.enter_moderation")
def may_enter(submission: "Submission", actor: "Actor") -> bool:
    """The lead moderator with a whole set; the system when returned work comes back."""
    return actor == SYSTEM or leads_delivery(submission.delivery, actor)


@bulk_rule(may_enter)
def _may_enter(submissions: "QuerySet[Submission]", actor: "Actor") -> "Iterable[Any]":
    if actor == SYSTEM:
        return submissions.values_list("pk", flat=True)
    return _led(submissions, actor)


@may("portfolios.submission.conclude_moderation")
def may_conclude(submission: "Submission", actor: "Actor") -> bool:
    """The lead moderator closing the round."""
    return leads_delivery(submission.delivery, actor)


@bulk_rule(may_conclude)
def _led(submissions: "QuerySet[Submission]", actor: "Actor") -> "Iterable[Any]":
    if not getattr(actor, "is_active", False):
        return []
    person: Any = actor
    roles = person.delivery_roles.current().filter(role=DeliveryRoleKind.LEAD_MODERATOR)
    found = submissions.filter(delivery__in=roles.values("delivery_id"))
    return found.values_list("pk", flat=True)


@may("portfolios.submission.return_to_assessor")
def may_return(submission: "Submission", actor: "Actor") -> bool:
    """The lead; the moderator of an item of an open round that was just returned."""
    if leads_delivery(submission.delivery, actor):
        return not judged(submission, actor)
    items = submission.sample_items.filter(superseded_at__isnull=True).exclude(
        round__state=RoundState.CLOSED
    )
    return any(moderates(item, actor) for item in items.select_related("submission"))


@bulk_rule(may_return)
def _may_return(submissions: "QuerySet[Submission]", actor: "Actor") -> "Iterable[Any]":
    """A whole set is returned by the lead only, without what the lead judged."""
    mine = submissions.filter(
        decisions__author_id=getattr(actor, "pk", None), decisions__basis__in=MARKING
    )
    return set(_led(submissions, actor)) - set(mine.values_list("pk", flat=True))
