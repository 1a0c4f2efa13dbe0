"""Whether a round, a sample item or a submission in moderation is ready for its next step."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalogue.guards import TO_OPEN
from moderation.enums import EXTENSION, Disagreement, RoundDecision, RoundState, SampleState
from portfolios.enums import SubmissionState
from workflows.guards import guard

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from catalogue.models import Delivery
    from moderation.models import ModerationRound, SampleItem
    from portfolios.models import Submission

    Proof = tuple[datetime | None, Delivery]

DISAGREEMENTS = (Disagreement.GRADE, Disagreement.PASS_FAIL)
CLOSING = (RoundDecision.ACCEPT, RoundDecision.ACCEPT_WITH_ACTIONS, RoundDecision.ADJUST_SET)
BEFORE_MODERATION = (
    SubmissionState.SUBMITTED,
    SubmissionState.IN_ASSESSMENT,
    SubmissionState.IN_ADJUDICATION,
    SubmissionState.ASSESSED,
)


@guard("round_empty", _("There is nothing to moderate: no decision of this task is waiting."))
def round_has_members(moderation_round: "ModerationRound") -> bool:
    return moderation_round.members.exists()


@guard("round_is_open", _("A round of this task is open already. Close it first."))
def no_other_round(moderation_round: "ModerationRound") -> bool:
    """Asked of the round that is about to be born; the database holds it too."""
    others = type(moderation_round)._default_manager.open()
    return not others.filter(
        delivery=moderation_round.delivery, task=moderation_round.task
    ).exists()


@guard("not_frozen", _("The set must be frozen, with its fingerprint and seed stored, first."))
def frozen_before_draw(moderation_round: "ModerationRound") -> bool:
    """Nobody may choose a seed or a set after seeing what would be drawn (lifecycle 4.1)."""
    return bool(
        moderation_round.population_hash and moderation_round.seed and moderation_round.algorithm
    )


@guard("sample_unresolved", _("Every drawn item must be upheld or adjusted first."))
def every_item_resolved(moderation_round: "ModerationRound") -> bool:
    """Returned items wait for the assessor, escalated ones for the lead (lifecycle 4)."""
    return not moderation_round.items.unresolved().exists()


@guard(
    "escalation_open",
    _("The sample must be extended to the end first: more items are to be drawn."),
)
def escalations_extended(moderation_round: "ModerationRound") -> bool:
    return not moderation_round.extensions_owed


@guard("members_away", _("Some work of the set is with an assessor and has not come back yet."))
def every_member_back(moderation_round: "ModerationRound") -> bool:
    """Work that was returned or is assessed again must have entered moderation anew."""
    return not moderation_round.members.filter(submission__state__in=BEFORE_MODERATION).exists()


@guard("member_on_hold", _("Some work of the set is on hold."))
def no_member_on_hold(moderation_round: "ModerationRound") -> bool:
    return not moderation_round.members.filter(
        submission__holds__in=_open_holds(moderation_round)
    ).exists()


def _open_holds(moderation_round: "ModerationRound") -> Any:
    holds: Any = moderation_round.members.model._meta.get_field("submission").related_model
    hold_model = holds._meta.get_field("holds").related_model
    return hold_model._default_manager.open()


@guard("no_decision", _("The round needs a decision on the set."))
def decision_closes(moderation_round: "ModerationRound") -> bool:
    """Only accept, accept with actions and adjust the set close a round."""
    return moderation_round.decision in moderation_round.CLOSING_DECISIONS


@guard("second_approver_missing", _("Adjusting the set needs a second approver."))
def adjustment_approved(moderation_round: "ModerationRound") -> bool:
    """A second person, not the one who decided, approved the uniform rule."""
    if moderation_round.decision != RoundDecision.ADJUST_SET:
        return True
    return (
        moderation_round.approved_by_id is not None
        and moderation_round.approved_by_id != moderation_round.decided_by_id
    )


def is_recent(moment: datetime | None, delivery: "Delivery") -> bool:
    """Whether a proof of identity is at most the policy's minutes old. None, or one of the future, is none."""
    allowed = timedelta(minutes=delivery.policy_value("ratify.reauthenticate_minutes"))
    now = timezone.now()
    return moment is not None and now - allowed <= moment <= now


@guard("not_reauthenticated", _("Confirm that it is you first, then approve within a few minutes."))
def freshly_proved(proof: "Proof") -> bool:
    """Two people stand for an adjustment, and the second one is really that person (reliability 6.2)."""
    moment, delivery = proof
    return is_recent(moment, delivery)


@guard("nothing_to_approve", _("The decision on this set is not an adjustment."))
def adjusts_set(moderation_round: "ModerationRound") -> bool:
    return moderation_round.decision == RoundDecision.ADJUST_SET


@guard("not_recalled", _("Only a recall opens a closed round again."))
def recalled(moderation_round: "ModerationRound") -> bool:
    """At least one result of the set was taken back into moderation."""
    return moderation_round.members.filter(submission__state=SubmissionState.IN_MODERATION).exists()


@guard("not_read_blind", _("Save your own levels first. The assessor's decision opens after that."))
def read_blind(item: "SampleItem") -> bool:
    return item.readings.filter(sealed_at__isnull=False).exists()


@guard(
    "extension_open",
    _("The sample is being extended. Single results cannot change until all of it has been read."),
)
def no_extension_open(item: "SampleItem") -> bool:
    """While an extension is open, single results may not change (lifecycle 4.4).

    It is open from the disagreement that set it off until each of its items has been read blind. The
    database refuses it too (moderation.triggers).
    """
    return not extension_open(item.round)


def extension_open(moderation_round: "ModerationRound") -> bool:
    """More is to be drawn, or something that was drawn by an extension has not been read."""
    unread = moderation_round.items.live().filter(state=SampleState.DRAWN, reasons=[EXTENSION])
    return bool(moderation_round.extensions_owed) or unread.exists()


@guard(
    "disagreement_unanswered",
    _("A disagreement has not had its consequence: the sample was not extended as the rule asks."),
)
def every_disagreement_answered(moderation_round: "ModerationRound") -> bool:
    """Each assessor with a disagreement was read further, or there is nothing left to read (lifecycle 4.4).

    A second one, or any on pass or fail, leaves nothing of that assessor's frame unread. Asked anew from the
    items themselves, so that a lost note of what is owed does not pass for an answer. While something is
    owed, `escalations_extended` speaks.
    """
    if moderation_round.extensions_owed:
        return True
    found = moderation_round.items.live().filter(
        decisions__factual_error=False, decisions__disagreement__in=DISAGREEMENTS
    )
    kinds: dict[str, dict[object, str]] = {}
    for key, stratum, kind in found.values_list("pk", "stratum", "decisions__disagreement"):
        own = kinds.setdefault(stratum.split("|", 1)[0], {})
        own[key] = max(own.get(key, ""), kind)
    if not kinds:
        return True
    drawn = moderation_round.items.live().values("submission")
    left = set(
        moderation_round.members.filter(assessor_code__in=list(kinds), targeted_for=[])
        .exclude(submission__in=drawn)
        .values_list("assessor_code", flat=True)
    )
    extended = {
        asked["assessor"] for draw in moderation_round.draws for asked in draw.get("asked", ())
    }
    whole = moderation_round.policy["escalate.full_on"]
    return not any(
        Disagreement.PASS_FAIL in own.values() or len(own) >= whole or code not in extended
        for code, own in kinds.items()
        if code in left
    )


# Steps of the submission that moderation drives. Each has a form for whole sets.


def _latest(path: str) -> Any:
    """A field of the newest membership of each submission in a round, as a subquery."""
    from django.apps import apps  # noqa: PLC0415  the models import this module

    members = apps.get_model("moderation", "RoundMember")._default_manager
    return Subquery(members.filter(submission=OuterRef("pk")).order_by("-pk").values(path)[:1])


def _membership(submission: "Submission") -> Any:
    return submission.round_members.select_related("round").order_by("-pk").first()


@guard(
    "not_in_round",
    _("Work enters moderation only as part of a frozen round."),
    on=["portfolios.submission.enter_moderation"],
)
def in_frozen_round(submission: "Submission") -> bool:
    """Its newest round is open, and the fingerprint of the set is stored."""
    member = _membership(submission)
    return bool(member and member.round.population_hash and member.round.state != RoundState.CLOSED)


@in_frozen_round.bulk_check
def _not_in_frozen_round(submissions: "QuerySet[Submission]") -> set[object]:
    found = submissions.annotate(
        of_state=_latest("round__state"), of_hash=_latest("round__population_hash")
    )
    good = (
        found.exclude(of_state=RoundState.CLOSED).exclude(of_hash="").filter(of_state__isnull=False)
    )
    return set(submissions.exclude(pk__in=good.values("pk")).values_list("pk", flat=True))


@guard(
    "return_not_asked",
    _("Work goes back to an assessor only from a round, by returning it or reassessing the set."),
    on=["portfolios.submission.return_to_assessor"],
)
def return_asked_for(submission: "Submission") -> bool:
    """Its item was returned, or its round decided to have the set assessed again."""
    member = _membership(submission)
    if member is None or member.round.state == RoundState.CLOSED:
        return False
    if member.round.decision == RoundDecision.REASSESS_SET:
        return True
    return bool(
        submission.sample_items.filter(
            round=member.round, state=SampleState.RETURNED, superseded_at__isnull=True
        ).exists()
    )


@return_asked_for.bulk_check
def _return_not_asked(submissions: "QuerySet[Submission]") -> set[object]:
    """For a set only reassessing it asks; single items are returned one at a time."""
    found = submissions.annotate(
        of_state=_latest("round__state"), of_decision=_latest("round__decision")
    )
    good = found.exclude(of_state=RoundState.CLOSED).filter(of_decision=RoundDecision.REASSESS_SET)
    return set(submissions.exclude(pk__in=good.values("pk")).values_list("pk", flat=True))


@guard(
    "round_open",
    _("The moderation round is not closed."),
    on=["portfolios.submission.conclude_moderation"],
)
def round_closed(submission: "Submission") -> bool:
    """Its newest round is closed, by a decision that closes. There is no way around it."""
    member = _membership(submission)
    return bool(
        member and member.round.state == RoundState.CLOSED and member.round.decision in CLOSING
    )


@round_closed.bulk_check
def _round_not_closed(submissions: "QuerySet[Submission]") -> set[object]:
    found = submissions.annotate(
        of_state=_latest("round__state"), of_decision=_latest("round__decision")
    )
    good = found.filter(of_state=RoundState.CLOSED, of_decision__in=CLOSING)
    return set(submissions.exclude(pk__in=good.values("pk")).values_list("pk", flat=True))


@guard(
    "being_moderated",
    _("This work is being moderated. Record a decision on it; it cannot be referred now."),
    on=["portfolios.submission.refer"],
)
def not_in_open_round(submission: "Submission") -> bool:
    """A referral would take one member out of a frozen set."""
    return not submission.round_members.exclude(round__state=RoundState.CLOSED).exists()


@guard(
    "actions_open",
    _("Moderation asked for actions on this micro-credential that are not closed yet."),
)
def no_open_action(delivery: "Delivery") -> bool:
    """What a round or a meeting asked for is done before the task is used again (domain 2.6).

    Asked of a delivery that is about to open; the delivery in which a round's action arose is open already.
    """
    from django.apps import apps  # noqa: PLC0415  the models import this module

    actions = apps.get_model("moderation", "RequiredAction")._default_manager.open()
    credential = delivery.version.micro_credential_id
    of_rounds = Q(round__delivery__version__micro_credential=credential) & ~Q(
        round__delivery=delivery
    )
    of_meetings = Q(meeting__task__version__micro_credential=credential)
    return not actions.filter(of_rounds | of_meetings).exists()


TO_OPEN.append(no_open_action)


TO_CLOSE = [
    every_item_resolved,
    escalations_extended,
    every_disagreement_answered,
    decision_closes,
    adjustment_approved,
    every_member_back,
    no_member_on_hold,
]
"""Asked before a round's last things are settled, and again by the step itself."""
