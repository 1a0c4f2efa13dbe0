"""Whether marking is ready for its next step. Each guard blocks the step and tells the screen why."""

from typing import TYPE_CHECKING, Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assessment.conflicts import conflicts_among
from assessment.enums import ASSESSES, Basis, Conclusion, Reading
from assessment.hashing import chance_of, policy_hash
from assessment.outcome import Result, within_tolerance
from portfolios.enums import SubmissionState
from workflows.guards import guard
from workflows.querysets import Composed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import Actor
    from assessment.models import AssessmentDecision, Lease, ReadingPlan
    from assessment.selectors.early import DecidedPlace
    from portfolios.models import Submission

START = "portfolios.submission.start_assessment"
HAND_BACK = "portfolios.submission.hand_back"
REFER = "portfolios.submission.refer"
RECORD = "portfolios.submission.record_decision"
DISAGREE = "portfolios.submission.disagree"
ADJUDICATE = "portfolios.submission.adjudicate"

composed = Composed()

DOUBLE = (Basis.ASSESSMENT, Basis.SECOND_ASSESSMENT)


def latest_of(submission: "Submission", actor: "Actor") -> "AssessmentDecision | None":
    """The newest decision this person wrote on the submission, draft or sealed."""
    found: AssessmentDecision | None = (
        submission.decisions.filter(author_id=getattr(actor, "pk", None))
        .order_by("-number")
        .first()
    )
    return found


def sealed_pair(
    submission: "Submission",
) -> "tuple[AssessmentDecision | None, AssessmentDecision | None]":
    """The newest sealed decision of the first and of the second assessor."""
    sealed = submission.decisions.filter(sealed_at__isnull=False).order_by("-number")
    return sealed.filter(basis=DOUBLE[0]).first(), sealed.filter(basis=DOUBLE[1]).first()


def agree(submission: "Submission", one: "AssessmentDecision", other: "AssessmentDecision") -> bool:
    """Same outcome, and no criterion further apart than the policy allows."""
    ranks: list[dict[object, int]] = [
        {key: rank for key, rank in rows if rank is not None}
        for rows in (
            decision.judgements.values_list("criterion_id", "level__rank")
            for decision in (one, other)
        )
    ]
    return within_tolerance(
        ranks[0],
        ranks[1],
        same_outcome=one.outcome == other.outcome,
        max_difference=submission.delivery.policy_value("double.max_level_difference"),
    )


def reading_plan_of(submission: "Submission") -> "ReadingPlan | None":
    """What the delivery asks of the submission's task; None where the policy says it. Asked once for each instance."""
    known = submission.__dict__
    if "reading_plan" not in known:
        plans = submission.delivery.reading_plans
        known["reading_plan"] = plans.filter(task=submission.task_id).first()
    found: ReadingPlan | None = known["reading_plan"]
    return found


def asks_for_two(submission: "Submission") -> bool:
    """Whether plan, draw or policy ask for two assessors. What was drawn stands; else it follows from the seed."""
    plan = reading_plan_of(submission)
    if plan is None:
        return bool(submission.delivery.policy_value("marking.double"))
    if plan.reading != Reading.SHARE:
        return plan.reading != Reading.SINGLE
    drawn = getattr(submission, "reading_draw", None)
    if drawn is not None:
        return bool(drawn.is_double)
    return chance_of(plan.seed, submission.pk) * 100 < plan.percent


def reads_blind(submission: "Submission") -> bool:
    """Whether two assessors are asked from the beginning, so that neither waits for the other.

    Not where the second may read the first decision. Of a share it holds for what was drawn, and neither of the
    two is told that theirs was.
    """
    plan = reading_plan_of(submission)
    if plan is not None and plan.reading == Reading.OPEN:
        return False
    return asks_for_two(submission)


def may_be_drawn(submission: "Submission") -> bool:
    """Whether a share of the task is read twice, so that nobody who marks it is to know which."""
    plan = reading_plan_of(submission)
    return plan is not None and plan.reading == Reading.SHARE


def is_double_marked(submission: "Submission") -> bool:
    """Two sealed decisions are asked for, also after a return: the revision is held against the other one.

    Once an adjudicator has decided, theirs stands, and they alone revise it (docs/adr/0021).
    """
    if not asks_for_two(submission):
        return False
    sealed = submission.decisions.filter(sealed_at__isnull=False)
    return not sealed.filter(basis=Basis.ADJUDICATION).exists()


@guard(
    "not_independent",
    _(
        "A conflict of interest keeps this work from the person: it is their own, they are too close to the"
        " learner, or it is in te reo Māori and they do not mark in it."
    ),
    on=[START, REFER, RECORD, ADJUDICATE],
    needs_actor=True,
)
def independent_of_learner(submission: "Submission", actor: "Actor") -> bool:
    """Nobody judges their own work or a learner of their own employer, team or whānau (lifecycle 2).

    The policy's blocking relations, less what two administrators have waived; `conflicts` finds them.
    """
    person: Any = actor
    return not conflicts_among([person.pk], [submission]).blocks(person.pk, submission)


@guard(
    "not_calibrated",
    _(
        "This delivery asks assessors to calibrate first. Mark the agreed work under Calibration;"
        " when you have passed, this work opens."
    ),
    on=[START],
    needs_actor=True,
)
def calibrated_if_asked(submission: "Submission", actor: "Actor") -> bool:
    """Where the policy asks, a passed calibration on this very rubric, or a waiver, that has not run out.

    A new wording of the rubric has another fingerprint, so that what was passed on the old one no longer
    counts (domain 2.8).
    """
    if not submission.delivery.policy_value("marking.requires_calibration"):
        return True
    person: Any = actor
    if getattr(person, "pk", None) is None:
        return False
    held = {"rubric_hash": submission.rubric.content_hash, "valid_until__gt": timezone.now()}
    return bool(
        person.calibrations.filter(passed=True, **held).exists()
        or person.calibration_waivers.filter(**held).exists()
    )


@guard(
    "early_check_open",
    _(
        "This task is new, and its first decisions are read by a moderator before marking goes on."
        " You will be told when it does."
    ),
    on=[START],
)
def place_in_early_check(submission: "Submission") -> bool:
    """The first decisions of a task version are read before further marking continues (domain 2.4).

    Holds where nobody checks, where the work has its place already, and while a place is free.
    """
    check = submission.delivery.early_checks.filter(
        task=submission.task_id, passed_at__isnull=True
    ).first()
    if check is None or check.places.filter(submission=submission).exists():
        return True
    return bool(check.places.count() < check.size)


@guard("early_nothing_decided", _("No decision is there yet that could be read."))
def early_decided(places: "Sequence[DecidedPlace]") -> bool:
    return bool(places)


@guard("early_unread", _("Every decision that is there has to be read first."))
def early_read(places: "Sequence[DecidedPlace]") -> bool:
    """By anybody who may; a decision that came after the reading has to be read again."""
    return all(one.is_read for one in places)


@guard(
    "early_unanswered",
    _("A decision was sent back to its assessor, who has not answered yet."),
)
def early_answered(places: "Sequence[DecidedPlace]") -> bool:
    """Whoever still assesses here answers first; a decision that came after the question needs no answer."""
    return not any(one.waits_for_answer for one in places)


@guard(
    "lease_taken",
    _("Somebody else has this open now."),
    on=[START],
    needs_actor=True,
)
def lease_free(submission: "Submission", actor: "Actor") -> bool:
    return lease_against(submission, actor) is None


def lease_against(submission: "Submission", actor: "Actor") -> "Lease | None":
    """Somebody else's live lease. Two who mark blind do not stand in each other's way, nor learn of each other."""
    lease: Lease | None = getattr(submission, "lease", None)
    who: Any = getattr(actor, "pk", None)
    if lease is None or not lease.is_live or lease.holder_id == who:
        return None
    pair = submission.parts.filter(
        kind__in=ASSESSES, person__in=[who, lease.holder_id], ended_at__isnull=True
    )
    if reads_blind(submission) and pair.count() == len(ASSESSES):
        return None
    return lease


@guard(
    "criterion_not_judged",
    _("Every criterion needs a level."),
    on=[RECORD, ADJUDICATE],
    needs_actor=True,
)
def every_criterion_judged(submission: "Submission", actor: "Actor") -> bool:
    """Each criterion of the submission's own rubric has a level in the person's newest decision."""
    decision = latest_of(submission, actor)
    if decision is None:
        return False
    judged = decision.judgements.filter(level__isnull=False).values("criterion_id")
    return not submission.rubric.criteria.exclude(pk__in=judged).exists()


@guard(
    "feedback_missing",
    _("Every criterion that is not yet met needs feedback."),
    on=[RECORD, ADJUDICATE, REFER],
    needs_actor=True,
)
def feedback_on_each_not_yet(submission: "Submission", actor: "Actor") -> bool:
    decision = latest_of(submission, actor)
    if decision is None:
        return False
    unmet = decision.judgements.filter(level__is_met=False).values_list("feedback", flat=True)
    return all(text.strip() for text in unmet)


@guard(
    "decision_stale",
    _(
        "What was judged has changed since: evidence, rubric or policy. Go back to it and press"
        " “I have looked at it again”."
    ),
    on=[RECORD, ADJUDICATE, REFER],
    needs_actor=True,
)
def decision_current(submission: "Submission", actor: "Actor") -> bool:
    """The decision names manifest, rubric and policy as they are now (lifecycle: freeze what was judged)."""
    decision = latest_of(submission, actor)
    return decision is not None and is_current(submission, decision)


def is_current(submission: "Submission", decision: "AssessmentDecision") -> bool:
    """Whether the decision is bound to what the submission is now."""
    return (
        decision.manifest_hash == submission.fingerprint
        and decision.rubric_hash == submission.rubric.content_hash
        and decision.policy_hash == policy_hash(submission.delivery)
    )


@guard(
    "nothing_to_refer",
    _("Only work with at least one criterion that is not yet met can be referred back."),
    on=[REFER],
    needs_actor=True,
)
def something_unmet(submission: "Submission", actor: "Actor") -> bool:
    decision = latest_of(submission, actor)
    return decision is not None and decision.judgements.filter(level__is_met=False).exists()


@guard(
    "referrals_used_up",
    _("This work has been referred back as often as the policy allows. Record a decision."),
    on=[REFER],
)
def referrals_left(submission: "Submission") -> bool:
    """Attempts of the same portfolio that ended in a referral, against `referral.max`."""
    used: int = submission.portfolio.submissions.filter(state=SubmissionState.REFERRED).count()
    return used < int(submission.delivery.policy_value("referral.max"))


@guard(
    "already_sealed",
    _("A decision on this attempt is sealed already, so it cannot be referred back."),
    on=[REFER],
    needs_actor=True,
)
def nothing_sealed(submission: "Submission", actor: "Actor") -> bool:
    """Neither another's sealed decision nor a recorded one may be undone by a referral.

    One without an outcome asks for more evidence as well.
    """
    own = latest_of(submission, actor)
    sealed = submission.decisions.filter(sealed_at__isnull=False).exclude(outcome="")
    return not sealed.exclude(pk=own.pk if own else None).exists()


@guard(
    "revision_missing",
    _("The moderator returned this: change the decision, choose why, and say what you changed."),
    on=[RECORD],
    needs_actor=True,
)
def revised_with_reason(submission: "Submission", actor: "Actor") -> bool:
    """After a return there is a decision newer than the return, with its reason as a code and in words."""
    if submission.returned_at is None:
        return True
    decision = latest_of(submission, actor)
    return (
        decision is not None
        and decision.created_at > submission.returned_at
        and bool(decision.reason.strip() and decision.reason_code)
    )


@guard(
    "second_decision_missing",
    _("This work is marked twice, and the other decision is not sealed yet."),
    on=[RECORD],
)
def both_sealed(submission: "Submission") -> bool:
    if not is_double_marked(submission):
        return True
    first, second = sealed_pair(submission)
    return first is not None and second is not None and first.author_id != second.author_id


@guard(
    "outside_tolerance",
    _("The two decisions are too far apart, so an adjudicator decides."),
    on=[RECORD],
)
def decisions_agree(submission: "Submission") -> bool:
    if not is_double_marked(submission):
        return True
    first, second = sealed_pair(submission)
    if first is None or second is None:
        return False
    return agree(submission, first, second) or settled(submission, first, second)


def settled(
    submission: "Submission", first: "AssessmentDecision", second: "AssessmentDecision"
) -> bool:
    """Whether the two assessors agreed on one of exactly these decisions after they had read each other's."""
    agreed = submission.discussions.filter(conclusion=Conclusion.AGREED)
    return bool(agreed.filter(first=first, second=second).exists())


@guard(
    "discussion_open",
    _("The two assessors still talk about their decisions."),
    on=[DISAGREE, HAND_BACK],
)
def no_open_discussion(submission: "Submission") -> bool:
    return not submission.discussions.filter(concluded_at__isnull=True).exists()


@guard(
    "no_disagreement",
    _("There are no two sealed decisions that are too far apart."),
    on=[DISAGREE],
)
def decisions_differ(submission: "Submission") -> bool:
    """Double marking only, both sealed, outside the tolerance."""
    first, second = sealed_pair(submission)
    return (
        is_double_marked(submission)
        and first is not None
        and second is not None
        and not agree(submission, first, second)
        and not settled(submission, first, second)
    )


@guard(
    "adjudicator_not_neither",
    _("The adjudicator must be neither of the two assessors."),
    on=[ADJUDICATE],
    needs_actor=True,
)
def adjudicator_is_neither(submission: "Submission", actor: "Actor") -> bool:
    earlier = submission.decisions.filter(basis__in=DOUBLE, sealed_at__isnull=False)
    return not earlier.filter(author_id=getattr(actor, "pk", None)).exists()


@guard("no_result", _("These levels come to no result under the grade scheme."))
def has_result(result: Result) -> bool:
    return result.outcome is not None


@guard(
    "not_decided",
    _("There is no decision that fits what was submitted, the rubric and the policy."),
    on=[
        "portfolios.submission.enter_moderation",
        "portfolios.submission.conclude_moderation",
    ],
)
def finally_decided(submission: "Submission") -> bool:
    """The newest final decision is bound to what the submission is now."""
    return submission.pk not in _undecided(
        type(submission)._default_manager.filter(pk=submission.pk)
    )


@finally_decided.bulk_check
def _undecided(submissions: "QuerySet[Submission]") -> set[Any]:
    decisions = submissions.model._meta.get_field("decisions").related_model
    newest = (
        decisions._default_manager.filter(submission=OuterRef("pk"), final_at__isnull=False)
        .order_by("-number")
        .values("pk")[:1]
    )
    rows = (
        submissions.order_by()
        .annotate(newest=Subquery(newest))
        .filter(
            decisions__pk=F("newest"),
            decisions__manifest_hash=F("fingerprint"),
            decisions__rubric_hash=F("rubric__content_hash"),
        )
        .values_list("pk", "delivery_id", "decisions__policy_hash")
    )
    bound = list(rows)
    deliveries: Any = submissions.model._meta.get_field("delivery").related_model
    wanted = {
        one.pk: policy_hash(one)
        for one in deliveries._default_manager.filter(
            pk__in={delivery for _pk, delivery, _hash in bound}
        ).select_related("version")
    }
    # What holds seeds is no delivery here, so that no decision on a seed ever counts as one.
    fine = {pk for pk, delivery, found in bound if found == wanted.get(delivery)}
    return set(submissions.order_by().values_list("pk", flat=True)) - fine
