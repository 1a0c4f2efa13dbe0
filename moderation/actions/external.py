"""Handing a round to somebody outside: invited, revoked, and the report that comes back."""

from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.words import plain_text
from catalogue.actions.people import invite
from moderation import rules
from moderation.enums import ExternalFinding, RoundState
from moderation.exceptions import InvitationRefused, ReportIncomplete
from moderation.models import ExternalComment, ExternalReview, ModerationRound, SampleItem
from workflows.exceptions import NotPermitted, StaleState
from workflows.notifications import notify
from workflows.words import day_in_words
from workflows.working_days import at_wall


@transaction.atomic
def invite_external(
    moderation_round: ModerationRound,
    *,
    actor: User,
    email: str,
    name: str,
    since: date,
    until: date,
    asked: str = "",
    achievement_record: str = "",
) -> ExternalReview:
    """Let somebody read a closed round, from the beginning of one day to the end of another.

    `achievement_record` says where their CV or Record of Achievement is; it stands in the round's record.

    Whoever has no account gets one and is asked to set a password; in any case the person is told. It gives
    no part in the delivery. InvitationRefused says why somebody cannot be asked: the round is not closed,
    the days are the wrong way round or over, or the person has a part in the delivery or in its work.
    """
    fresh: ModerationRound = (
        ModerationRound.objects.select_for_update(of=("self",))
        .select_related("delivery", "task")
        .get(pk=moderation_round.pk)
    )
    if not rules.leads(fresh, actor):
        raise NotPermitted(instance=fresh)
    if fresh.state != RoundState.CLOSED:
        raise InvitationRefused("Close the round first: an open one has no record yet.")
    zone = fresh.delivery.zone
    opens_at = at_wall(datetime.combine(since, time(0)), zone)
    closes_at = at_wall(datetime.combine(until + timedelta(days=1), time(0)), zone)
    if closes_at <= opens_at:
        raise InvitationRefused("The last day lies before the first.")
    if closes_at <= timezone.now():
        raise InvitationRefused("The last day is over already.")
    person = User.objects.filter(email=email.lower()).first()
    if person is None:
        if not name.strip():
            raise InvitationRefused("Nobody has this address yet. Enter a name to invite them.")
        person = invite(email=email, name=name.strip(), delivery=fresh.delivery, actor=actor)
    elif refusal := _why_not(fresh, person):
        raise InvitationRefused(refusal)
    made: ExternalReview = ExternalReview.objects.create(
        round=fresh,
        person=person,
        opens_at=opens_at,
        closes_at=closes_at,
        asked=plain_text(asked),
        achievement_record=plain_text(achievement_record).strip(),
        invited_by=actor,
    )
    notify(
        topic="moderation.external_invited",
        recipients=[person],
        dedupe=f"external:{made.pk}",
        path=reverse("moderation:external_round", args=[made.pk]),
        context={
            "task": fresh.task.title,
            "delivery": fresh.delivery.title,
            "number": fresh.number,
            "since": day_in_words(since),
            "until": day_in_words(until),
        },
    )
    return made


def _why_not(moderation_round: ModerationRound, person: User) -> str:
    """Why this person cannot be asked now; empty where they can. The round is locked, so the answer holds."""
    delivery = moderation_round.delivery
    if not person.is_active:
        return "This account is closed."
    if person.delivery_roles.filter(delivery=delivery).exists():
        return f"{person} has or had a part in this delivery, and is not from outside."
    if person.enrolments.filter(delivery=delivery).exists():
        return f"{person} is or was a learner of this delivery."
    members = moderation_round.members.values("submission_id")
    if person.parts.filter(submission__in=members).exists():
        return f"{person} had a part in work of this round."
    again = moderation_round.external_reviews.filter(
        person=person, revoked_at__isnull=True, closes_at__gt=timezone.now()
    )
    if again.exists():
        return f"{person} is invited already. Revoke that first, to give other days."
    return ""


def _lock(review: ExternalReview) -> ExternalReview:
    fresh: ExternalReview = (
        ExternalReview.objects.select_for_update(of=("self",))
        .select_related("round__delivery", "round__task", "person")
        .get(pk=review.pk)
    )
    return fresh


@transaction.atomic
def revoke_external(review: ExternalReview, *, actor: User) -> ExternalReview:
    """End the access now, as the lead. What was submitted stays. Twice is StaleState."""
    fresh = _lock(review)
    if not rules.leads(fresh.round, actor):
        raise NotPermitted(instance=fresh)
    if fresh.revoked_at is not None:
        raise StaleState(instance=fresh)
    fresh.revoked_by, fresh.revoked_at = actor, timezone.now()
    fresh.save(update_fields=["revoked_by", "revoked_at"])
    return fresh


def _writing(review: ExternalReview, actor: User) -> ExternalReview:
    """The locked row, for its person, while it is open and nothing was submitted."""
    fresh = _lock(review)
    if not rules.reads_external(fresh, actor):
        raise NotPermitted(instance=fresh)
    if fresh.submitted_at is not None:
        raise StaleState("The report was submitted already.", instance=fresh)
    return fresh


@transaction.atomic
def comment_on_item(
    review: ExternalReview, item: SampleItem, *, actor: User, text: str
) -> ExternalReview:
    """Save, change or (empty) take back what the external moderator says about one item of the round."""
    fresh = _writing(review, actor)
    if item.round_id != fresh.round_id:
        raise NotPermitted(instance=item)
    said = plain_text(text).strip()
    if said:
        ExternalComment.objects.update_or_create(
            review=fresh, item=item, defaults={"text": said, "saved_at": timezone.now()}
        )
    else:
        fresh.comments.filter(item=item).delete()
    return fresh


@transaction.atomic
def save_external_report(
    review: ExternalReview, *, actor: User, finding: str, report: str
) -> ExternalReview:
    """Keep the report as a draft that only its author sees."""
    fresh = _writing(review, actor)
    fresh.finding, fresh.report = finding, plain_text(report).strip()
    fresh.save(update_fields=["finding", "report"])
    return fresh


@transaction.atomic
def submit_external_report(
    review: ExternalReview, *, actor: User, finding: str, report: str
) -> ExternalReview:
    """Hand the report in, once and for good. The person who invited is told. No result changes."""
    fresh = _writing(review, actor)
    if finding not in ExternalFinding.values or not report.strip():
        raise ReportIncomplete
    fresh.finding, fresh.report = finding, plain_text(report).strip()
    fresh.submitted_at = timezone.now()
    fresh.save(update_fields=["finding", "report", "submitted_at"])
    notify(
        topic="moderation.external_report",
        recipients=[fresh.invited_by],
        dedupe=f"external-report:{fresh.pk}",
        path=reverse("moderation:external_access", args=[fresh.round_id]),
        context={
            "task": fresh.round.task.title,
            "delivery": fresh.round.delivery.title,
            "number": fresh.round.number,
        },
    )
    return fresh
