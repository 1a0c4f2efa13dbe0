"""A learner asks for a fresh look; a ratifier concludes it."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from assessment.actions.allocation import allocate_automatically
from assessment.enums import Basis
from assessment.models import AssessmentDecision, CriterionJudgement
from awards import exceptions, guards, rules, selectors
from awards.actions.credentials import settle_credential
from awards.models import Reconsideration
from portfolios.models import Submission
from workflows.exceptions import GuardsNotMet, NotPermitted, StaleState
from workflows.transitions import perform


def request_reconsideration(
    submission: Submission, *, actor: User, grounds: str
) -> Reconsideration:
    """Ask, with grounds and in time, that somebody else assesses the same work again.

    Keeps the released decision as the one before, moves the submission, and allocates an assessor who
    has not seen it; where nobody is free to, it waits on the board for an administrator. Programme
    administrators are told through the outbox. The result stays visible. Raises what perform() raises.
    """
    before = selectors.current_decision(submission)
    if before is None:
        raise StaleState(instance=submission)
    try:
        with transaction.atomic():
            made = Reconsideration.objects.create(
                submission=submission, grounds=grounds.strip(), decision_before=before
            )
            perform(
                submission,
                "request_reconsideration",
                actor=actor,
                facts={"reconsideration": str(made.pk), "decision": str(before.pk)},
            )
            allocate_automatically(submission)
    except IntegrityError as error:
        raise GuardsNotMet([exceptions.RECONSIDERATION_OPEN], instance=submission) from error
    return made


@transaction.atomic
def conclude_reconsideration(
    reconsideration: Reconsideration, *, actor: User, note: str
) -> Reconsideration:
    """Conclude with the fresh assessor's decision: a higher result replaces the released one.

    An equal or lower one leaves it as it stands, unless a lead moderator authorised the lower result as
    a correction. The credential is revoked and issued anew where the result changed. The learner is
    told through the outbox. Raises what perform() raises.
    """
    locked: Reconsideration = (
        Reconsideration.objects.select_for_update(of=("self",))
        .select_related("submission", "decision_before__grade")
        .get(pk=reconsideration.pk)
    )
    if locked.concluded_at is not None:
        raise StaleState(instance=locked.submission)
    if not note.strip():
        raise GuardsNotMet([exceptions.REASON_MISSING], instance=locked.submission)
    before, fresh = locked.decision_before, guards.fresh_decision(locked)
    after = before
    if fresh is not None and (
        guards.standing(fresh) > guards.standing(before) or guards.is_authorised_correction(fresh)
    ):
        after = fresh
    locked.decision_after, locked.concluded_by = after, actor
    locked.conclusion = note.strip()
    locked.save(update_fields=["decision_after", "concluded_by", "conclusion"])
    moved = perform(
        locked.submission,
        "conclude_reconsideration",
        actor=actor,
        reason=locked.conclusion,
        facts={
            "reconsideration": str(locked.pk),
            "before": str(before.pk),
            "after": str(after.pk),
        },
    )
    locked.concluded_at = timezone.now()
    locked.save(update_fields=["concluded_at"])
    if after != before:
        after.final_at = locked.concluded_at
        after.save(update_fields=["final_at"])
        settle_credential(moved)
    return locked


@transaction.atomic
def authorise_correction(
    reconsideration: Reconsideration, *, actor: User, reason: str
) -> AssessmentDecision:
    """Let a lower result through: the fresh decision again, as a correction that this person approved.

    A new decision version with its own number; nothing that exists is changed, and nothing is visible
    before a ratifier concludes. Raises NotPermitted, StaleState or GuardsNotMet.
    """
    locked: Reconsideration = (
        Reconsideration.objects.select_for_update(of=("self",))
        .select_related("submission__delivery", "decision_before__grade")
        .get(pk=reconsideration.pk)
    )
    submission = locked.submission
    if not rules.may_authorise_correction(submission, actor):
        raise NotPermitted(instance=submission)
    if locked.concluded_at is not None:
        raise StaleState(instance=submission)
    fresh = guards.fresh_decision(locked)
    unmet = [
        guard
        for guard, holds in (
            (guards.freshly_decided, fresh is not None),
            (exceptions.REASON_MISSING, bool(reason.strip())),
            (
                exceptions.NOT_LOWER,
                fresh is None
                or (
                    guards.standing(fresh) < guards.standing(locked.decision_before)
                    and fresh.basis != Basis.CORRECTION
                ),
            ),
        )
        if not holds
    ]
    if unmet or fresh is None:
        raise GuardsNotMet(unmet, instance=submission)
    return copy_as_correction(fresh, approved_by=actor, reason=reason.strip())


def copy_as_correction(
    decision: AssessmentDecision, *, approved_by: User, reason: str
) -> AssessmentDecision:
    """The same levels under the next number, sealed, with basis, reason and approver."""
    now = timezone.now()
    judgements = list(decision.judgements.prefetch_related("pointers"))
    newest = decision.submission.decisions.order_by("-number").values_list("number", flat=True)[0]
    made = AssessmentDecision.objects.create(
        submission=decision.submission,
        author=decision.author,
        basis=Basis.CORRECTION,
        number=newest + 1,
        manifest_hash=decision.manifest_hash,
        rubric_hash=decision.rubric_hash,
        policy_hash=decision.policy_hash,
        outcome=decision.outcome,
        grade=decision.grade,
        percent=decision.percent,
        feedback=decision.feedback,
        staff_note=decision.staff_note,
        reason=reason,
        approved_by=approved_by,
        sealed_at=now,
    )
    for judgement in judgements:
        copied = CriterionJudgement.objects.create(
            decision=made,
            criterion=judgement.criterion,
            level=judgement.level,
            feedback=judgement.feedback,
            staff_note=judgement.staff_note,
            carried_over=judgement.carried_over,
        )
        copied.pointers.set(judgement.pointers.all())
    return made
