"""For each rule and each question of assessment that is no step: what it keeps from whom.

A case takes the world and a word, most often a name, and gives what is about to be done. It passes for
`goes` and is refused for `stops`; with the rule replaced by one that always allows, it passes for `stops` too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getmembers, isfunction
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from assessment import conflicts, guards, rules
from assessment.actions import (
    allocation,
    calibration,
    double,
    exemplars,
    marking,
    preparing,
    revealing,
    seeding,
)
from assessment.actions import conflicts as about_conflicts
from assessment.actions.deciding import _seal
from assessment.enums import Reading
from assessment.models import (
    Allocation,
    AssessmentDecision,
    ConflictWaiver,
    Discussion,
    Exemplar,
    Lease,
    PreparedComment,
    ReadingPlan,
    Seed,
    SeedPlan,
)
from awards import rules as awarding
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery, DeliveryRole
from portfolios import rules as learning
from portfolios.enums import PartKind
from portfolios.models import Part, Submission
from tests.factories.assessment import marks
from tests.proofs.elsewhere import change
from tests.proofs.world import World, again
from workflows.guards import Guard, registered_rules

Deed = Callable[[], Any]


def yes(*_args: Any, **_named: Any) -> bool:
    return True


def no(*_args: Any, **_named: Any) -> bool:
    return False


def none(*_args: Any, **_named: Any) -> None:
    return None


def nothing_found(*_args: Any, **_named: Any) -> Any:
    """Runs among the names of the module whose function it stands for."""
    return Conflicts()  # type: ignore[name-defined]  # noqa: F821


@dataclass(frozen=True)
class Permitted:
    """`allows` is the answer with which nothing is kept from anybody; `belt`: the database refuses as well."""

    prepare: Callable[[World, str], Deed]
    goes: str
    stops: str
    allows: Callable[..., Any] = yes
    belt: bool = False


CASES: dict[str, Permitted] = {}
OF_HOLDS = (
    learning.may_hold,
    learning.may_lift,
    learning.may_read_supporting,
    learning.may_apply_for_consideration,
)
OF_RECONSIDERATION = (awarding.judged, awarding.leads, awarding.may_authorise_correction)
"""What follows marking, of other apps."""
LOOKED_UP = {"guards.latest_of", "guards.sealed_pair", "guards.reading_plan_of"}
"""They find a row and refuse nothing."""


def asked_for() -> dict[str, Callable[..., Any]]:
    """Every public function of the modules that say who may and whether the work is ready.

    Rules and guards of steps are left out: those have their cases by step.
    """
    steps = set(registered_rules().values())
    found: dict[str, Callable[..., Any]] = {}
    for module in (rules, guards, conflicts):
        short = module.__name__.rpartition(".")[2]
        for name, one in getmembers(module):
            is_here = getattr(one, "__module__", module.__name__) == module.__name__
            if isfunction(one) and is_here and not name.startswith("_") and one not in steps:
                found[f"{short}.{name}"] = one
            elif isinstance(one, Guard) and one.check.__module__ == module.__name__:
                found[f"{short}.{name}"] = one.check
    found["conflicts.Conflicts.blocks"] = conflicts.Conflicts.blocks
    return (
        found
        | {f"portfolios.{one.__name__}": one for one in OF_HOLDS}
        | {f"awards.{one.__name__}": one for one in OF_RECONSIDERATION}
    )


def case(
    of: str, **said: Any
) -> Callable[[Callable[[World, str], Deed]], Callable[[World, str], Deed]]:
    def wrap(prepare: Callable[[World, str], Deed]) -> Callable[[World, str], Deed]:
        CASES[of] = Permitted(prepare, **said)
        return prepare

    return wrap


def page(world: World, who: str, name: str, *args: Any) -> Deed:
    """Open a page as somebody."""
    client = Client()
    client.force_login(world.people[who])
    return lambda: client.get(reverse(name, args=args))


def marked(world: World) -> Submission:
    """Lena's work: Ada has it open, with a draft and the lease."""
    return again(world.submissions["in_assessment"])


def draft_of(submission: Submission, author: User) -> AssessmentDecision:
    found: AssessmentDecision = submission.decisions.get(author=author)
    return found


def give_second_part(submission: Submission, person: User) -> None:
    Part.objects.create(submission=submission, person=person, kind=PartKind.SECOND_ASSESSOR)


def sealed(submission: Submission, author: User, **fields: Any) -> AssessmentDecision:
    """The author's draft as if it had been sealed."""
    one = draft_of(submission, author)
    change(one, sealed_at=timezone.now(), outcome="achieved", **fields)
    return one


def exemplar_of(world: World) -> Exemplar:
    return Exemplar.objects.create(
        task=world.cast.task, rubric_hash="1" * 64, code="EX-P", title="Just met", origin="written",
        outcome="achieved", rationale="Agreed.", made_by=world.cast.lea, content_hash="0" * 64,
    )  # fmt: skip


def hide_learners(delivery: Delivery) -> None:
    delivery.schedules.update(hides_learner=True)


# Whose turn it is ------------------------------------------------------------------------------------


@case("rules.is_turn", goes="ada", stops="abe")
def _turn(world: World, who: str) -> Deed:
    submission = marked(world)
    Lease.objects.filter(submission=submission).delete()
    return lambda: marking.renew_lease(submission, actor=world.people[who])


@case("rules.has_sealed", goes="draft", stops="sealed", allows=no)
def _sealed_once(world: World, how: str) -> Deed:
    submission = marked(world)
    if how == "sealed":
        sealed(submission, world.cast.ada)
    return lambda: marking.renew_lease(submission, actor=world.cast.ada)


@case("rules.decided_last", goes="abe", stops="ada")
def _decided_last(world: World, who: str) -> Deed:
    submission = marked(world)
    give_second_part(submission, world.cast.abe)
    now = timezone.now()
    one = sealed(submission, world.cast.ada)
    AssessmentDecision.objects.create(
        submission=submission, author=world.cast.abe, basis="second_assessment", number=9,
        manifest_hash=one.manifest_hash, rubric_hash=one.rubric_hash, policy_hash=one.policy_hash,
        outcome="achieved", sealed_at=now, final_at=now,
    )  # fmt: skip
    change(submission, returned_at=now)
    Lease.objects.filter(submission=submission).delete()
    return lambda: marking.renew_lease(again(submission), actor=world.people[who])


@case("rules.may_take_over", goes="lea", stops="abe")
def _take_over(world: World, who: str) -> Deed:
    return lambda: marking.take_over(marked(world), actor=world.people[who])


@case("rules.takes_part", goes="ada", stops="rita")
def _takes_part(world: World, who: str) -> Deed:
    released = world.submissions["released"]
    return page(world, who, "assessment:comments_table", released.pk)


@case("rules.works_here", goes="ada", stops="hone")
def _works_here(world: World, who: str) -> Deed:
    return page(world, who, "assessment:queue")


# Giving work to people -------------------------------------------------------------------------------


@case("rules.may_allocate", goes="pam", stops="ada")
def _allocates(world: World, who: str) -> Deed:
    one = Allocation.objects.current().get(submission=world.submissions["submitted"])
    return lambda: allocation.end_allocation(one, actor=world.people[who], reason="Ill")


@case("conflicts.Conflicts.blocks", goes="abe", stops="cora", allows=no)
def _blocked(world: World, who: str) -> Deed:
    pair = (again(world.submissions["submitted"]), world.people[who])
    return lambda: allocation.refuse_conflicts([pair])


@case("conflicts.conflicts_among", goes="abe", stops="cora", allows=nothing_found)
def _close(world: World, who: str) -> Deed:
    one = Allocation.objects.current().get(submission=world.submissions["submitted"])
    given = {"actor": world.cast.pam, "reason": "Ill"}
    return lambda: allocation.reallocate(one, world.people[who], **given)


@case("rules.marks_blind", goes="lea", stops="pam", allows=no)
def _marks_blind(world: World, who: str) -> Deed:
    delivery = world.cast.delivery
    hide_learners(delivery)
    DeliveryRole.objects.create(
        delivery=delivery, user=world.cast.pam, role=DeliveryRoleKind.ASSESSOR
    )
    work = world.submissions["submitted"].pk
    return page(world, who, "assessment:waive_conflict", delivery.pk, work, world.people["cora"].pk)


@case("rules.may_sign_waiver", goes="lea", stops="pam", belt=True)
def _signs(world: World, who: str) -> Deed:
    waiver = ConflictWaiver.objects.create(
        delivery=world.cast.delivery, person=world.cast.ada, learner=world.cast.lena,
        ground="team", reason="Needed.", asked_by=world.cast.pam,
    )  # fmt: skip
    return lambda: about_conflicts.sign_waiver(waiver, actor=world.people[who])


# Two assessors ---------------------------------------------------------------------------------------


@case("rules.may_open_first_decision", goes="abe", stops="ana")
def _reads_first(world: World, who: str) -> Deed:
    submission = marked(world)
    ReadingPlan.objects.create(
        delivery=world.cast.delivery, task=world.cast.task, reading=Reading.OPEN,
        set_by=world.cast.pam,
    )  # fmt: skip
    give_second_part(submission, world.cast.abe)
    sealed(submission, world.cast.ada)
    return lambda: double.open_first_decision(again(submission), actor=world.people[who])


@case("rules.may_read_discussion", goes="ada", stops="ana")
def _discussion(world: World, who: str) -> Deed:
    submission = world.submissions["in_adjudication"]
    first, second = guards.sealed_pair(submission)
    Discussion.objects.create(
        submission=submission, first=first, second=second, due_at=timezone.now()
    )
    return page(world, who, "assessment:discussion", submission.pk)


def far_apart(world: World) -> Submission:
    """Two sealed decisions that an adjudicator is asked about."""
    return again(world.submissions["in_adjudication"])


@case("guards.agree", goes="tolerant", stops="strict")
@case("guards.settled", goes="tolerant", stops="strict")
@case("guards.asks_for_two", goes="tolerant", stops="strict", allows=no)
@case("guards.is_double_marked", goes="tolerant", stops="strict", allows=no)
def _tolerance(world: World, how: str) -> Deed:
    submission = far_apart(world)
    if how == "tolerant":
        first, second = guards.sealed_pair(submission)
        assert first is not None
        assert second is not None
        change(second, outcome=first.outcome)
        submission.delivery.policy_overrides = {
            **submission.delivery.policy_overrides, "double.max_level_difference": 9
        }  # fmt: skip
    return lambda: guards.decisions_agree.holds(submission)


@case("guards.lease_against", goes="abe", stops="ada", allows=none)
def _lease(world: World, holder: str) -> Deed:
    """Ada saves; whoever has the lease may stop her."""
    submission = marked(world)
    if holder != "ada":
        change(submission.lease, holder=world.cast.ada)
    else:
        change(submission.lease, holder=world.cast.abe)
    draft = draft_of(submission, world.cast.ada)
    return lambda: marking.save_draft(
        submission.pk, actor=world.cast.ada, marks=marks(submission), seen_version=draft.version
    )


@case("guards.reads_blind", goes="ada", stops="abe")
def _second_waits(world: World, who: str) -> Deed:
    """Where nobody marks blind, one of two keeps the workspace from the other."""
    submission = marked(world)
    give_second_part(submission, world.cast.abe)
    return lambda: marking.renew_lease(submission, actor=world.people[who])


@case("guards.may_be_drawn", goes="single", stops="share", allows=no)
def _drawn(world: World, reading: str) -> Deed:
    """Where a share is marked twice, the page of the verdict says so to everybody, and promises less."""
    ReadingPlan.objects.create(
        delivery=world.cast.delivery, task=world.cast.task, reading=reading, percent=1,
        set_by=world.cast.pam, seed="s",
    )  # fmt: skip
    submission = marked(world)
    draft = draft_of(submission, world.cast.ada)
    marking.save_draft(
        submission.pk,
        actor=world.cast.ada,
        marks=marks(submission, "NY"),
        seen_version=draft.version,
    )
    read = page(world, "ada", "assessment:finish", submission.pk)
    return lambda: "the learner will see, at once" in read().content.decode()


@case("guards.is_current", goes="same", stops="changed")
def _bound(world: World, how: str) -> Deed:
    submission = marked(world)
    if how == "changed":
        change(draft_of(submission, world.cast.ada), manifest_hash="0" * 64)
    return lambda: guards.decision_current.holds(submission, world.cast.ada)


@case("guards.has_result", goes="marked", stops="empty")
def _has_result(world: World, how: str) -> Deed:
    submission = marked(world)
    draft = draft_of(submission, world.cast.ada)
    if how == "marked":
        draft = marking.save_draft(
            submission.pk, actor=world.cast.ada, marks=marks(submission), seen_version=draft.version
        )
    return lambda: _seal(submission, draft, final=False)


# Names -----------------------------------------------------------------------------------------------


@case("rules.may_reveal_learner", goes="ada", stops="moses")
def _learner_shown(world: World, who: str) -> Deed:
    released = world.submissions["released"]
    return lambda: revealing.reveal_learner(again(released), actor=world.people[who])


@case("rules.may_reveal_assessor", goes="mere", stops="hone")
def _assessor_shown(world: World, who: str) -> Deed:
    released = world.submissions["released"]
    return lambda: revealing.reveal_assessor(again(released), actor=world.people[who])


# Exemplars, calibration and seeds --------------------------------------------------------------------


@case("rules.teaches", goes="lea", stops="ada")
@case("rules.keeps_exemplars", goes="lea", stops="ada")
def _retires(world: World, who: str) -> Deed:
    one = exemplar_of(world)
    return lambda: exemplars.retire_exemplar(one, actor=world.people[who], reason="Old")


@case("rules.uses_exemplars", goes="ada", stops="pam")
def _uses(world: World, who: str) -> Deed:
    return page(world, who, "assessment:exemplars")


@case("rules.calibrates_on", goes="ana", stops="moses")
def _calibrates(world: World, who: str) -> Deed:
    given = {"actor": world.cast.lea, "reason": "Marked elsewhere for years"}
    return lambda: calibration.waive_calibration(world.cast.task, world.people[who], **given)


def plan_of(world: World) -> SeedPlan:
    return SeedPlan.objects.create(
        delivery=world.cast.delivery, task=world.cast.task, percent=5, telling="never",
        chance="x", begun_by=world.cast.lea,
    )  # fmt: skip


@case("rules.may_seed", goes="lea", stops="pam")
def _withdraws(world: World, who: str) -> Deed:
    seed = Seed.objects.create(
        plan=plan_of(world), exemplar=exemplar_of(world), assessor=world.cast.ada,
        submission=world.submissions["submitted"],
    )  # fmt: skip
    return lambda: seeding.withdraw_seed(seed, actor=world.people[who], reason="Shown round")


@case("rules.can_view_seed_plan", goes="lea", stops="pam")
def _ends(world: World, who: str) -> Deed:
    plan = plan_of(world)
    return lambda: seeding.end_seeds(plan, actor=world.people[who])


# The bank --------------------------------------------------------------------------------------------


@case("rules.marks_micro_credential", goes="ada", stops="moses")
def _keeps(world: World, who: str) -> Deed:
    given = {
        "micro_credential": world.cast.task.version.micro_credential,
        "text": "Say what changed.",
    }
    return lambda: preparing.prepare_comment(actor=world.people[who], **given)


@case("rules.owns_prepared", goes="ada", stops="abe")
def _owns(world: World, who: str) -> Deed:
    kept = PreparedComment.objects.create(
        owner=world.cast.ada, micro_credential=world.cast.task.version.micro_credential,
        text="Say what changed.", search_key="say what changed", is_shared=True,
    )  # fmt: skip
    return lambda: preparing.remove_prepared(kept, actor=world.people[who])
