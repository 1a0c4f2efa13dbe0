"""For each step of a submission: a case in which it would be taken, and for each guard one change that stops it.

READY brings the world to the point where the step passes. SPOILED makes exactly one thing wrong. The
two together say of every refusal which guard it comes from.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.enums import ConflictKind
from accounts.models import CLOCK, SYSTEM, Actor, DeclaredConflict
from assessment.actions.allocation import allocate, lock
from assessment.actions.deciding import _seal
from assessment.enums import Basis
from assessment.hashing import policy_hash
from assessment.models import AssessmentDecision, CriterionJudgement, Discussion, EarlyCheck, Lease
from awards.models import RatificationSignature, Recall, Reconsideration, Release
from catalogue.models import AssessmentTask, Delivery, Enrolment, Level
from moderation.actions import decide_round
from moderation.enums import RoundDecision
from moderation.models import ModerationRound, RoundMember, SampleItem
from portfolios.actions.drafting import add_note, map_evidence
from portfolios.actions.submission import _frozen
from portfolios.enums import HoldKind
from portfolios.models import Hold, Portfolio, Submission
from portfolios.transitions import SUBMIT
from tests.factories.assessment import drafted
from tests.factories.awards import decide
from tests.factories.moderation import agreed, scored
from tests.factories.portfolios import submitted
from tests.personas import make_user
from tests.proofs.world import World, again, check_deferred
from tests.tampering import tampering
from workflows.transitions import begin, perform

MACHINE = "portfolios.submission"


@dataclass
class Case:
    """A step about to be taken: on what, and by whom."""

    step: str
    subject: Any
    actor: Actor

    def take(self) -> Submission:
        """Through the door; raises what the door raises."""
        if self.step == "submit":
            portfolio = Portfolio.objects.get(pk=self.subject.pk)
            return begin(
                SUBMIT, parent=portfolio, actor=self.actor, build=lambda: _frozen(portfolio)
            )
        return perform(again(self.subject), self.step, actor=self.actor)


Prepare = Callable[[World], Case]
Spoil = Callable[[World, Case], Case | None]
READY: dict[str, Prepare] = {}


@dataclass
class Spoiled:
    """One thing wrong. `also` are guards that cannot hold either when this one does not.

    `belt` is True where the database refuses as well once the guard is gone.
    """

    spoil: Spoil
    also: set[str] = field(default_factory=set)
    belt: bool = False


SPOILED: dict[tuple[str, str], Spoiled] = {}


def ready(step: str) -> Callable[[Prepare], Prepare]:
    def wrap(prepare: Prepare) -> Prepare:
        READY[step] = prepare
        return prepare

    return wrap


def spoiled(
    code: str, *steps: str, also: set[str] | None = None, belt: bool = False
) -> Callable[[Spoil], Spoil]:
    def wrap(spoil: Spoil) -> Spoil:
        for step in steps:
            SPOILED[step, code] = Spoiled(spoil, also or set(), belt)
        return spoil

    return wrap


# Ready ---------------------------------------------------------------------------------------


@ready("submit")
def _submit(world: World) -> Case:
    Portfolio.objects.filter(pk=world.ready.pk).update(
        declaration_accepted_at=timezone.now(), declaration_text="True."
    )
    return Case("submit", world.ready, world.people["hone"])


@ready("withdraw")
def _withdraw(world: World) -> Case:
    found = world.submissions["submitted"]
    return Case("withdraw", found, found.learner)


@ready("start_assessment")
def _start(world: World) -> Case:
    return Case("start_assessment", world.submissions["submitted"], world.people["ada"])


@ready("hand_back")
def _hand_back(world: World) -> Case:
    return Case("hand_back", world.submissions["in_assessment"], world.people["ada"])


@ready("refer")
@ready("record_decision")
def _mark(world: World) -> Case:
    """Every criterion not yet met, with feedback: it may be referred, or decided."""
    found = world.submissions["in_assessment"]
    drafted(found, world.people["ada"], "NY")
    return Case("", found, world.people["ada"])


@ready("disagree")
def _disagree(world: World) -> Case:
    """Two sealed decisions far apart, before anything followed from them."""
    found = double_marked(world)
    for name, levels in (("ada", "E"), ("abe", "NY")):
        seal(found, drafted(found, world.people[name], levels))
    return Case("disagree", found, SYSTEM)


@ready("adjudicate")
def _adjudicate(world: World) -> Case:
    found = world.submissions["in_adjudication"]
    drafted(found, world.people["ana"], "NY")
    return Case("adjudicate", found, world.people["ana"])


@ready("enter_moderation")
def _enter(world: World) -> Case:
    found = world.submissions["assessed"]
    add_member(world, found)
    return Case("enter_moderation", found, world.people["lea"])


@ready("return_to_assessor")
def _return(world: World) -> Case:
    item = sample_item(world)
    scored(item)
    perform(SampleItem.objects.get(pk=item.pk), "send_back", actor=world.people["moses"])
    return Case("return_to_assessor", world.submissions["in_moderation"], world.people["lea"])


@ready("conclude_moderation")
def _conclude(world: World) -> Case:
    agreed(sample_item(world))
    found = ModerationRound.objects.get(pk=open_round_of(world).pk)
    decided = decide_round(
        found, actor=world.people["lea"], decision=RoundDecision.ACCEPT, reason="As it should be."
    )
    perform(decided, "close", actor=world.people["lea"])
    return Case("conclude_moderation", world.submissions["in_moderation"], world.people["lea"])


@ready("ratify")
def _ratify(world: World) -> Case:
    RatificationSignature.objects.create(
        ratification=world.batch,
        ratifier=world.people["rita"],
        reauthenticated_at=timezone.now() - timedelta(minutes=1),
    )
    return Case("ratify", world.submissions["moderated"], world.people["rita"])


@ready("release")
def _release(world: World) -> Case:
    Release.objects.create(
        delivery=world.cast.delivery,
        task=world.cast.task,
        scheduled_for=timezone.now() - timedelta(minutes=1),
        created_by=world.people["pam"],
    )
    return Case("release", world.submissions["ratified"], CLOCK)


@ready("request_reconsideration")
def _ask_again(world: World) -> Case:
    found = world.submissions["released"]
    Reconsideration.objects.create(
        submission=found, grounds="Page 2 shows it.", decision_before=counting(found)
    )
    return Case("request_reconsideration", found, found.learner)


@ready("conclude_reconsideration")
def _conclude_again(world: World) -> Case:
    found = world.submissions["under_reconsideration"]
    made = decide(found, world.people["ana"], basis=Basis.RECONSIDERATION, final=False)
    Reconsideration.objects.filter(pk=reconsideration(world).pk).update(decision_after=made)
    return Case("conclude_reconsideration", found, world.people["rita"])


@ready("recall")
def _recall(world: World) -> Case:
    Recall.objects.create(
        delivery=world.cast.delivery,
        task=world.cast.task,
        reason="The rubric was read wrongly.",
        asked_by=world.people["lea"],
        confirmed_by=world.people["rita"],
        confirmed_at=timezone.now(),
    )
    return Case("recall", world.submissions["released"], world.people["rita"])


def prepare(world: World, step: str) -> Case:
    """The case in which this step passes."""
    case = READY[step](world)
    return Case(step, case.subject, case.actor)


# Helpers of the cases ------------------------------------------------------------------------


def double_marked(world: World) -> Submission:
    """A fresh submission of the double marked delivery, in assessment, given to ada and to abe."""
    people, cast = world.people, world.cast
    people["extra"] = make_user(f"extra{uuid.uuid4().hex[:6]}")
    cast.enrolments["extra"] = Enrolment.objects.create(
        delivery=world.double, learner=people["extra"], employer=cast.client
    )
    found = submitted(cast, "extra")
    allocate(found, people["ada"], actor=people["pam"])
    allocate(found, people["abe"], actor=people["pam"])
    drafted(found, people["ada"], "E")
    return again(found)


def seal(submission: Submission, draft: AssessmentDecision) -> AssessmentDecision:
    """Freeze a draft without what usually follows from it."""
    return _seal(lock(submission), draft, final=False)


def add_member(
    world: World, submission: Submission, decision: AssessmentDecision | None = None
) -> RoundMember:
    made: RoundMember = RoundMember.objects.create(
        round=open_round_of(world),
        submission=submission,
        decision=decision or counting(submission),
        position=900,
        assessor=world.people["ada"],
        stratum="x",
    )
    return made


def counting(submission: Submission) -> Any:
    """The decision that counts."""
    return AssessmentDecision.objects.final().filter(submission=submission).last()


def open_round_of(world: World) -> ModerationRound:
    assert world.open_round is not None
    return world.open_round


def sample_item(world: World) -> SampleItem:
    assert world.item is not None
    return SampleItem.objects.get(pk=world.item.pk)


def reconsideration(world: World) -> Reconsideration:
    assert world.reconsideration is not None
    return world.reconsideration


def draft_of(case: Case) -> AssessmentDecision:
    found = AssessmentDecision.objects.filter(submission=case.subject, author=case.actor)
    return found.order_by("-number")[0]


def set_policy(delivery: Delivery, **values: Any) -> None:
    """Another policy in force, as after an override that came in by the back door."""
    fresh = Delivery.objects.get(pk=delivery.pk)
    wanted = {key.replace("__", "."): value for key, value in values.items()}
    Delivery.objects.filter(pk=delivery.pk).update(policy_overrides=fresh.policy_overrides | wanted)


# Spoiled -------------------------------------------------------------------------------------

HELD = (
    "start_assessment",
    "refer",
    "record_decision",
    "disagree",
    "adjudicate",
    "enter_moderation",
    "conclude_moderation",
    "ratify",
    "release",
    "request_reconsideration",
    "conclude_reconsideration",
)
"""Forward steps. Withdrawing, handing back, returning and recalling go backward (lifecycle 2)."""


@spoiled("on_hold", *HELD)
def _on_hold(world: World, case: Case) -> None:
    Hold.objects.create(
        submission=case.subject,
        kind=HoldKind.INTEGRITY,
        reason="Two portfolios share a text.",
        opened_by=world.people["pam"],
    )


@spoiled("not_independent", "start_assessment", "refer", "record_decision", "adjudicate")
def _declared(world: World, case: Case) -> None:
    DeclaredConflict.objects.create(
        person=case.actor,
        other=case.subject.learner,
        kind=ConflictKind.values[0],
        declared_by=world.people["pam"],
    )


@spoiled("already_submitted", "submit", belt=True)
def _twice(world: World, case: Case) -> None:
    case.take()
    _submit(world)


@spoiled("window_closed", "submit")
def _late(world: World, case: Case) -> None:
    Portfolio.objects.filter(pk=case.subject.pk).update(
        cut_off_at=timezone.now() - timedelta(minutes=1)
    )


@spoiled("criterion_without_evidence", "submit")
def _unmapped(world: World, case: Case) -> None:
    required = case.subject.mappings.filter(criterion__is_required=True)
    case.subject.mappings.filter(criterion=required[0].criterion).delete()


@spoiled("evidence_not_ready", "submit")
def _unscanned(world: World, case: Case) -> None:
    """One more item, which the safety check has not seen."""
    item = add_note(case.subject, actor=world.people["hone"], title="More", note="I did more.")
    criterion = case.subject.mappings.all()[0].criterion
    map_evidence(case.subject, item, criterion, actor=world.people["hone"], claim="Shows it.")


@spoiled("evidence_too_much", "submit")
def _too_much(world: World, case: Case) -> None:
    set_policy(world.cast.delivery, evidence__submission_max_files=1)


@spoiled("attestation_missing", "submit")
def _unattested(world: World, case: Case) -> None:
    """The task asks for one. Published tasks are frozen by a trigger, so that is switched off; undone with the rest."""
    check_deferred()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE catalogue_assessmenttask DISABLE TRIGGER USER")
    AssessmentTask.objects.update(attestations_required=1)


@spoiled("declaration_not_accepted", "submit")
def _undeclared(world: World, case: Case) -> None:
    Portfolio.objects.filter(pk=case.subject.pk).update(declaration_accepted_at=None)


@spoiled("already_opened", "withdraw")
def _opened(world: World, case: Case) -> None:
    """Opened and handed back: the state is `submitted` again, and an assessor has seen it."""
    perform(case.subject, "start_assessment", actor=world.people["ada"])
    perform(again(case.subject), "hand_back", actor=world.people["ada"])


@spoiled("not_calibrated", "start_assessment")
def _uncalibrated(world: World, case: Case) -> None:
    set_policy(world.cast.delivery, marking__requires_calibration=True)


@spoiled("early_check_open", "start_assessment")
def _early_check_full(world: World, case: Case) -> None:
    """A new task whose places are all taken: there is none."""
    EarlyCheck.objects.create(delivery=case.subject.delivery, task=case.subject.task, size=0)


@spoiled("lease_taken", "start_assessment")
def _leased(world: World, case: Case) -> None:
    Lease.objects.create(
        submission=case.subject,
        holder=world.people["pam"],
        until=timezone.now() + timedelta(minutes=5),
    )


@spoiled("feedback_missing", "refer", "record_decision", "adjudicate")
def _silent(world: World, case: Case) -> None:
    draft_of(case).judgements.update(feedback=" ")


@spoiled("decision_stale", "refer", "record_decision", "adjudicate")
def _stale(world: World, case: Case) -> None:
    """The policy moved after the draft was bound to it."""
    set_policy(case.subject.delivery, double__max_level_difference=3)


@spoiled("nothing_to_refer", "refer")
def _all_met(world: World, case: Case) -> None:
    for one in draft_of(case).judgements.all():
        level = Level.objects.filter(criterion=one.criterion_id, is_met=True)[0]
        CriterionJudgement.objects.filter(pk=one.pk).update(level=level)


@spoiled("referrals_used_up", "refer")
def _referred_before(world: World, case: Case) -> None:
    set_policy(case.subject.delivery, referral__max=0)
    AssessmentDecision.objects.filter(pk=draft_of(case).pk).update(
        policy_hash=policy_hash(Delivery.objects.get(pk=case.subject.delivery_id))
    )


@spoiled("already_sealed", "refer")
def _sealed_before(world: World, case: Case) -> None:
    decide(case.subject, world.people["abe"], final=False)


@spoiled("being_moderated", "refer")
def _member(world: World, case: Case) -> None:
    add_member(world, case.subject, draft_of(case))


@spoiled("criterion_not_judged", "record_decision", "adjudicate")
def _unjudged(world: World, case: Case) -> None:
    CriterionJudgement.objects.filter(pk=draft_of(case).judgements.all()[0].pk).update(level=None)


@spoiled("revision_missing", "record_decision")
def _unrevised(world: World, case: Case) -> None:
    Submission.objects.filter(pk=case.subject.pk).update(returned_at=timezone.now())


@spoiled("second_decision_missing", "record_decision", also={"outside_tolerance"})
def _one_of_two(world: World, case: Case) -> Case:
    found = double_marked(world)
    drafted(found, world.people["ada"], "E")
    return Case(case.step, found, world.people["ada"])


@spoiled("outside_tolerance", "record_decision")
def _far_apart(world: World, case: Case) -> Case:
    return Case(case.step, _disagree(world).subject, world.people["abe"])


@spoiled("no_disagreement", "disagree")
def _agree(world: World, case: Case) -> None:
    other = AssessmentDecision.objects.get(submission=case.subject, author=world.people["abe"])
    first = AssessmentDecision.objects.get(submission=case.subject, author=world.people["ada"])
    for one in first.judgements.all():
        with tampering():
            other.judgements.filter(criterion=one.criterion_id).update(level=one.level_id)
    with tampering():
        AssessmentDecision.objects.filter(pk=other.pk).update(outcome=first.outcome)


@spoiled("discussion_open", "hand_back", "disagree")
def _still_talking(world: World, case: Case) -> None:
    """Two decisions about which their assessors talk."""
    found = case.subject.decisions.order_by("number")
    pair = list(found) if case.step == "disagree" else [found[0], found[0]]
    Discussion.objects.create(
        submission=case.subject, first=pair[0], second=pair[1], due_at=timezone.now()
    )


@spoiled("adjudicator_not_neither", "adjudicate")
def _was_first(world: World, case: Case) -> None:
    """The adjudicator had sealed a decision as an assessor of the same work."""
    decide(case.subject, case.actor, final=False)  # type: ignore[arg-type]


@spoiled("not_in_round", "enter_moderation")
def _alone(world: World, case: Case) -> None:
    RoundMember.objects.filter(submission=case.subject).delete()


@spoiled("not_decided", "enter_moderation", "conclude_moderation")
def _other_policy(world: World, case: Case) -> None:
    set_policy(case.subject.delivery, double__max_level_difference=3)


@spoiled("return_not_asked", "return_to_assessor")
def _superseded(world: World, case: Case) -> None:
    SampleItem.objects.filter(submission=case.subject).update(superseded_at=timezone.now())


@spoiled("round_open", "conclude_moderation")
def _undecided(world: World, case: Case) -> None:
    ModerationRound.objects.filter(pk=open_round_of(world).pk).update(decision="")


@spoiled(
    "not_in_batch",
    "ratify",
    also={"quorum_missing", "not_reauthenticated", "decision_changed"},
)
def _cancelled(world: World, case: Case) -> None:
    assert world.batch is not None
    type(world.batch).objects.filter(pk=world.batch.pk).update(cancelled_at=timezone.now())


@spoiled("quorum_missing", "ratify")
def _needs_two(world: World, case: Case) -> None:
    assert world.batch is not None
    type(world.batch).objects.filter(pk=world.batch.pk).update(quorum=2)


@spoiled("not_reauthenticated", "ratify")
def _an_hour_ago(world: World, case: Case) -> None:
    RatificationSignature.objects.filter(ratification=world.batch).update(
        reauthenticated_at=timezone.now() - timedelta(hours=1)
    )


@spoiled("decision_changed", "ratify")
def _changed(world: World, case: Case) -> None:
    set_policy(case.subject.delivery, double__max_level_difference=3)


@spoiled("release_not_due", "release")
def _too_soon(world: World, case: Case) -> None:
    Release.objects.filter(outcome="scheduled").update(
        scheduled_for=timezone.now() + timedelta(hours=1)
    )


@spoiled("reconsideration_window_over", "request_reconsideration")
def _too_late(world: World, case: Case) -> None:
    Submission.objects.filter(pk=case.subject.pk).update(
        released_at=timezone.now() - timedelta(days=60)
    )


@spoiled("grounds_missing", "request_reconsideration")
def _no_grounds(world: World, case: Case) -> None:
    Reconsideration.objects.filter(submission=case.subject).update(grounds="  ")


@spoiled("fresh_decision_missing", "conclude_reconsideration")
def _same_assessor(world: World, case: Case) -> None:
    """The decision is by the assessor who judged it before; nothing is lower."""
    found = AssessmentDecision.objects.filter(submission=case.subject, basis=Basis.RECONSIDERATION)
    with tampering():
        found.update(author=counting(case.subject).author)


@spoiled("lower_without_correction", "conclude_reconsideration")
def _lower(world: World, case: Case) -> None:
    made = decide(
        case.subject,
        world.people["abe"],
        achieved=False,
        basis=Basis.RECONSIDERATION,
        final=False,
    )
    Reconsideration.objects.filter(submission=case.subject).update(decision_after=made)


@spoiled("recall_needs_two", "recall")
def _one_person(world: World, case: Case) -> None:
    Recall.objects.update(confirmed_by=None, confirmed_at=None)
