"""Who may mark, refer, hand back, decide, adjudicate and allocate. Registered for the submission's steps."""

from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import SYSTEM, User
from assessment.enums import (
    AFTER_MODERATION,
    ASSESSES,
    EARLY_READERS,
    MARKING_PARTS,
    REVIEWABLE,
    SHARES_BANK,
    SHOWN_EXEMPLARS,
    SHOWN_TO_LEARNER,
    Basis,
    Reading,
)
from catalogue.enums import DeliveryRoleKind
from catalogue.rules import has_delivery_role, is_programme_administrator
from portfolios.enums import PartKind, SubmissionState
from portfolios.rules import has_part, is_learner
from workflows.guards import may
from workflows.querysets import Composed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from accounts.models import Actor
    from assessment.models import (
        CalibrationAttempt,
        ConflictWaiver,
        Discussion,
        EarlyCheck,
        EvidenceComment,
        Exemplar,
        FeedbackReview,
        PreparedComment,
        Seed,
        SeedPlan,
    )
    from catalogue.models import AssessmentTask, Delivery, MicroCredential
    from portfolios.models import Submission

S = SubmissionState
composed = Composed()


def has_sealed(submission: "Submission", actor: "Actor") -> bool:
    """Whether this person sealed a decision on the submission."""
    decisions = submission.decisions.model

    def build(values: "Sequence[Any]") -> "QuerySet[Any, Any]":
        key, author = values
        sealed = decisions.objects.sealed().filter(submission=key, author=author)
        return sealed.order_by().values_list("pk")

    asked: list[Any] = [submission.pk, getattr(actor, "pk", None)]
    return bool(composed.rows("sealed", build, asked, limit=1))


def decided_last(submission: "Submission", actor: "Actor") -> bool:
    """Whether the decision that counts is this person's."""
    last = submission.decisions.filter(final_at__isnull=False).order_by("-number").first()
    return last is not None and last.author_id == getattr(actor, "pk", None)


def is_turn(submission: "Submission", actor: "Actor") -> bool:
    """Whether the submission waits for this person to mark it. Agrees with `querysets.waiting_for`.

    What a moderator returned goes to the author of the decision that counts, or to somebody newly
    allocated; whoever sealed a decision has done their part.
    """
    if submission.state in (S.SUBMITTED, S.IN_ASSESSMENT):
        if has_part(submission, actor, *ASSESSES) and not has_sealed(submission, actor):
            return True
        return (
            submission.state == S.IN_ASSESSMENT
            and submission.returned_at is not None
            and has_part(submission, actor, *ASSESSES, PartKind.ADJUDICATOR)
            and decided_last(submission, actor)
        )
    if submission.state == S.IN_ADJUDICATION:
        return has_part(submission, actor, PartKind.ADJUDICATOR) and not has_sealed(
            submission, actor
        )
    if submission.state == S.UNDER_RECONSIDERATION:
        return has_part(submission, actor, PartKind.RECONSIDERATION_ASSESSOR) and not has_sealed(
            submission, actor
        )
    return False


@may("portfolios.submission.start_assessment")
def may_start(submission: "Submission", actor: "Actor") -> bool:
    """The allocated assessor. Claiming from the pool allocates first."""
    return is_turn(submission, actor)


@may("portfolios.submission.hand_back")
def may_hand_back(submission: "Submission", actor: "Actor") -> bool:
    """The assessor who has it, or a programme administrator."""
    return is_turn(submission, actor) or is_programme_administrator(actor, submission.delivery)


@may("portfolios.submission.refer")
def may_refer(submission: "Submission", actor: "Actor") -> bool:
    """The allocated assessor."""
    return has_part(submission, actor, *ASSESSES)


@may("portfolios.submission.record_decision")
def may_record(submission: "Submission", actor: "Actor") -> bool:
    """The allocated assessor; the adjudicator where a moderator returned the adjudication."""
    if has_part(submission, actor, *ASSESSES):
        return True
    return (
        submission.returned_at is not None
        and has_part(submission, actor, PartKind.ADJUDICATOR)
        and submission.decisions.filter(
            author_id=getattr(actor, "pk", None), basis=Basis.ADJUDICATION
        ).exists()
    )


@may("portfolios.submission.disagree")
def may_disagree(submission: "Submission", actor: "Actor") -> bool:
    """The system, on the second sealed decision; never a person."""
    return actor == SYSTEM


@may("portfolios.submission.adjudicate")
def may_adjudicate(submission: "Submission", actor: "Actor") -> bool:
    """The allocated adjudicator."""
    return has_part(submission, actor, PartKind.ADJUDICATOR)


def may_allocate(delivery: "Delivery", actor: "Actor") -> bool:
    """Programme administrators and lead moderators of the delivery."""
    return is_programme_administrator(actor, delivery) or has_delivery_role(
        actor, delivery, DeliveryRoleKind.LEAD_MODERATOR
    )


def marks_blind(delivery: "Delivery", actor: "Actor") -> bool:
    """Whether this person marks in the delivery without names: beside a code, a ground would tell whose it is."""
    if not delivery.hides_any_learner():
        return False
    if has_delivery_role(actor, delivery, DeliveryRoleKind.ASSESSOR):
        return True
    asks: Any = actor
    parts = asks.parts.filter(ended_at__isnull=True, kind__in=MARKING_PARTS)
    return bool(parts.filter(submission__delivery=delivery).exists())


def can_view_conflict_waiver(waiver: "ConflictWaiver", actor: "Actor") -> bool:
    """Those who allocate in the delivery. Agrees with ConflictWaiverQuerySet.visible_to."""
    return may_allocate(waiver.delivery, actor)


def may_sign_waiver(waiver: "ConflictWaiver", actor: "Actor") -> bool:
    """Somebody who allocates, other than the one who asked for it, and never the person concerned."""
    asks = getattr(actor, "pk", None)
    return asks not in (waiver.asked_by_id, waiver.person_id) and may_allocate(
        waiver.delivery, actor
    )


def may_open_first_decision(submission: "Submission", actor: "Actor") -> bool:
    """The second assessor while it is their turn, where the task is read in the open; nobody where it is blind."""
    plan = submission.delivery.reading_plans.filter(task=submission.task_id).first()
    return (
        plan is not None
        and plan.reading == Reading.OPEN
        and has_part(submission, actor, PartKind.SECOND_ASSESSOR)
        and is_turn(submission, actor)
    )


def may_read_discussion(discussion: "Discussion", actor: "Actor") -> bool:
    """The two assessors; who allocates the work once it is moderated, so that nobody reads it who reads blind.

    Never the adjudicator, unless they lead the work as well, and then not before.
    """
    who = getattr(actor, "pk", None)
    if who is not None and who in (discussion.first.author_id, discussion.second.author_id):
        return True
    submission = discussion.submission
    return submission.state in AFTER_MODERATION and may_allocate(submission.delivery, actor)


def may_take_over(submission: "Submission", actor: "Actor") -> bool:
    """Lead moderators and programme administrators free what somebody left open."""
    return may_allocate(submission.delivery, actor)


def may_reveal_learner(submission: "Submission", actor: "Actor", *, has_reason: bool) -> bool:
    """Who may see the name behind a code: who marked it, once it is released; who allocates it, with a reason."""
    if may_allocate(submission.delivery, actor) and has_reason:
        return True
    return submission.state == S.RELEASED and has_part(submission, actor, *MARKING_PARTS)


def may_reveal_assessor(submission: "Submission", actor: "Actor") -> bool:
    """The learner, once the result is released."""
    return submission.state in SHOWN_TO_LEARNER and is_learner(submission, actor)


def takes_part(submission: "Submission", actor: "Actor") -> bool:
    """Those who mark the submission, and those who allocate it."""
    return has_part(submission, actor, *MARKING_PARTS) or may_allocate(submission.delivery, actor)


def works_here(actor: "Actor") -> bool:
    """Assessors, lead moderators and programme administrators of any delivery, and whoever marks anything."""
    asks: Any = actor
    if not getattr(asks, "is_active", False):
        return False
    roles = (
        DeliveryRoleKind.ASSESSOR,
        DeliveryRoleKind.LEAD_MODERATOR,
        DeliveryRoleKind.ADMINISTRATOR,
    )

    def build(values: "Sequence[Any]") -> "QuerySet[Any, Any]":
        person, now = User(pk=values[0]), values[1]
        held = person.delivery_roles.current(now).filter(role__in=roles).order_by()
        offices = person.memberships.current(now).filter(role=OrganisationRole.ADMINISTRATOR)
        parts = person.parts.filter(ended_at__isnull=True, kind__in=MARKING_PARTS).order_by()
        # Without an order: SQLite takes none inside a union.
        return held.values_list("role").union(
            offices.order_by().values_list("role"), parts.values_list("kind"), all=True
        )

    return bool(composed.rows("works here", build, [asks.pk, timezone.now()], limit=1))


def teaches(task: "AssessmentTask", actor: "Actor", *roles: DeliveryRoleKind) -> bool:
    """Whether this person has one of these parts in any delivery of the task's micro-credential."""
    person: Any = actor
    if not getattr(person, "is_active", False):
        return False
    parts = person.delivery_roles.current().filter(role__in=roles)
    credential = task.version.micro_credential_id
    return bool(parts.filter(delivery__version__micro_credential=credential).exists())


def can_view_exemplar(exemplar: "Exemplar", actor: "Actor") -> bool:
    """Assessors and moderators of the micro-credential. Agrees with ExemplarQuerySet.visible_to.

    What is kept for calibration only moderators find: assessors would know the levels beforehand.
    """
    hidden = {DeliveryRoleKind.ASSESSOR} if exemplar.for_calibration else set()
    return teaches(exemplar.task, actor, *(set(SHOWN_EXEMPLARS) - hidden))


def uses_exemplars(actor: "Actor") -> bool:
    """Assessors and moderators of any delivery: there may be exemplars for them."""
    person: Any = actor
    if not getattr(person, "is_active", False):
        return False
    return bool(person.delivery_roles.current().filter(role__in=SHOWN_EXEMPLARS).exists())


def keeps_exemplars(task: "AssessmentTask", actor: "Actor") -> bool:
    """Lead moderators of the micro-credential freeze and retire exemplars."""
    return teaches(task, actor, DeliveryRoleKind.LEAD_MODERATOR)


def marks_micro_credential(micro_credential: "MicroCredential", actor: "Actor") -> bool:
    """Assessors and lead moderators of any delivery of it, who share its comment bank."""
    person: Any = actor
    if not getattr(person, "is_active", False):
        return False
    parts = person.delivery_roles.current().filter(role__in=SHARES_BANK)
    return bool(parts.filter(delivery__version__micro_credential=micro_credential).exists())


def can_view_comment(comment: "EvidenceComment", actor: "Actor") -> bool:
    """Whoever wrote it; learners and moderators read comments with the decision. Agrees with the queryset."""
    person: Any = actor
    return bool(getattr(person, "is_active", False) and comment.author_id == person.pk)


def can_view_prepared(comment: "PreparedComment", actor: "Actor") -> bool:
    """One's own, and the shared ones of what one marks or leads. Agrees with PreparedQuerySet.visible_to."""
    if not getattr(actor, "is_active", False):
        return False
    shared = comment.is_shared and marks_micro_credential(comment.micro_credential, actor)
    return shared or owns_prepared(comment, actor)


def owns_prepared(comment: "PreparedComment", actor: "Actor") -> bool:
    """Whoever keeps a prepared comment; nobody changes another's."""
    return comment.owner_id == getattr(actor, "pk", None)


def can_view_early_check(check: "EarlyCheck", actor: "Actor") -> bool:
    """Moderators and lead moderators of the delivery. Agrees with EarlyCheckQuerySet.visible_to."""
    return has_delivery_role(actor, check.delivery, *EARLY_READERS)


def reads_early(check: "EarlyCheck", actor: "Actor") -> bool:
    """A moderator of the delivery who marked none of the first pieces of work."""
    who = getattr(actor, "pk", None)
    if not can_view_early_check(check, actor):
        return False
    marked = check.places.filter(
        Q(submission__decisions__author=who)
        | Q(submission__parts__person=who, submission__parts__kind__in=MARKING_PARTS)
    )
    return not marked.exists()


def answers_early(check: "EarlyCheck", actor: "Actor") -> bool:
    """Assessors of the delivery, each for their own decisions. Agrees with EarlyCheckQuerySet.answered_by."""
    return has_delivery_role(actor, check.delivery, DeliveryRoleKind.ASSESSOR)


def may_ask_review(submission: "Submission", actor: "Actor") -> bool:
    """Whoever marks it and has a decision on it, draft or sealed, until it is moderated."""
    return (
        submission.state in REVIEWABLE
        and has_part(submission, actor, *MARKING_PARTS)
        and submission.decisions.filter(author_id=getattr(actor, "pk", None)).exists()
    )


def may_ask_about_result(submission: "Submission", actor: "Actor") -> bool:
    """The learner, once the result is released; until when is for the page and the action to say."""
    return submission.state in SHOWN_TO_LEARNER and is_learner(submission, actor)


def can_view_review(review: "FeedbackReview", actor: "Actor") -> bool:
    """Lead moderators of the delivery without a live part in the work. Agrees with ReviewQuerySet.visible_to.

    Of a seed, those of the cohort beside which it lies, so that whoever asks has an answer.
    """
    submission = review.submission
    return (
        has_delivery_role(actor, submission.delivery.cohort, DeliveryRoleKind.LEAD_MODERATOR)
        and review.asked_by_id != getattr(actor, "pk", None)
        and not has_part(submission, actor)
    )


def may_take_review(review: "FeedbackReview", actor: "Actor") -> bool:
    """A lead who never had any part in the work, and is not its learner: reading the feedback is one."""
    submission = review.submission
    return (
        can_view_review(review, actor)
        and not is_learner(submission, actor)
        and not submission.parts.filter(person_id=getattr(actor, "pk", None)).exists()
    )


def may_seed(delivery: "Delivery", actor: "Actor") -> bool:
    """Lead moderators of the delivery, and nobody else: who runs a cohort learns nothing of seeds."""
    return has_delivery_role(actor, delivery, DeliveryRoleKind.LEAD_MODERATOR)


def can_view_seed_plan(plan: "SeedPlan", actor: "Actor") -> bool:
    """Lead moderators of the delivery. Agrees with SeedPlanQuerySet.visible_to."""
    return may_seed(plan.delivery, actor)


def can_view_seed(seed: "Seed", actor: "Actor") -> bool:
    """Lead moderators, those that were hidden for themselves excepted; its assessor once they were told.

    Agrees with SeedQuerySet.visible_to.
    """
    if not getattr(actor, "is_active", False):
        return False
    if seed.assessor_id != getattr(actor, "pk", None):
        return may_seed(seed.plan.delivery, actor)
    return (
        seed.plan.told_at is not None
        and not hasattr(seed, "withdrawal")
        and seed.submission.decisions.filter(
            author_id=seed.assessor_id, sealed_at__isnull=False
        ).exists()
    )


def calibrates_on(task: "AssessmentTask", actor: "Actor") -> bool:
    """An assessor of any delivery of the micro-credential."""
    return teaches(task, actor, DeliveryRoleKind.ASSESSOR)


def can_view_calibration(attempt: "CalibrationAttempt", actor: "Actor") -> bool:
    """The assessor; lead moderators of the micro-credential once it is concluded.

    Agrees with CalibrationQuerySet.visible_to.
    """
    if not getattr(actor, "is_active", False):
        return False
    return attempt.assessor_id == getattr(actor, "pk", None) or (
        attempt.concluded_at is not None and keeps_exemplars(attempt.task, actor)
    )
