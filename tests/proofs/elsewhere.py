"""The same as `ready` for every other machine: rounds, their items, versions, confirmations, evidence, more time.

READY brings the world to the point where a step is taken, or a delivery or round opens. SPOILED makes
one thing wrong. Triggers that would refuse the spoiling itself are switched off for it; where one of
them refuses the step as well, the case says so (`belt`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import SYSTEM, Actor, Membership
from catalogue.actions import assign_role, open_delivery, plan_delivery
from catalogue.enums import DeliveryRoleKind as Role
from catalogue.enums import PreModerationDecision, VersionState
from catalogue.models import (
    Criterion,
    Delivery,
    DeliveryRole,
    LearningOutcome,
    Level,
    MicroCredentialVersion,
    TaskSchedule,
)
from moderation.actions import decide_round, open_round
from moderation.enums import Disagreement, RoundDecision, RoundState, SampleState
from moderation.models import (
    ModerationDecision,
    ModerationRound,
    ModeratorReading,
    RequiredAction,
    RoundMember,
)
from portfolios.actions.attestation import ask_to_confirm
from portfolios.actions.drafting import map_evidence, remove_evidence
from portfolios.actions.extension import ask_for_more_time
from portfolios.enums import HoldKind, SubmissionState
from portfolios.models import Attestation, EvidenceItem, ExtensionRequest, Hold, Submission
from tests.factories.catalogue import draft_version
from tests.factories.moderation import agreed, scored
from tests.factories.portfolios import note, submit
from tests.personas import make_user
from tests.proofs.ready import add_member, open_round_of, sample_item
from tests.proofs.ready import prepare as prepare_submission
from tests.proofs.world import World
from tests.tampering import tampering
from workflows.transitions import perform

ROUND = "moderation.moderationround"
ITEM = "moderation.sampleitem"
VERSION = "catalogue.microcredentialversion"
ATTESTATION = "portfolios.attestation"
EVIDENCE = "portfolios.evidenceitem"
MORE_TIME = "portfolios.extensionrequest"
DELIVERY = "catalogue.delivery"
"""Not a machine; its opening asks guards all the same."""


@dataclass
class Door:
    """A step about to be taken. `on` is the row that a spoiling changes."""

    on: Any
    take: Callable[[], Any]


Prepare = Callable[[World], Door]
Spoil = Callable[[World, Door], Door | None]
READY: dict[tuple[str, str], Prepare] = {}


@dataclass
class Spoiled:
    """One thing wrong. `also` are guards that cannot hold either; `belt`: the database refuses as well."""

    spoil: Spoil
    also: set[str] = field(default_factory=set)
    belt: bool = False


SPOILED: dict[tuple[str, str, str], Spoiled] = {}


def ready(machine: str, *steps: str) -> Callable[[Callable[[World, str], Door]], Any]:
    """Register a preparation, which is told the step."""

    def wrap(prepare: Callable[[World, str], Door]) -> Callable[[World, str], Door]:
        for step in steps:
            READY[machine, step] = partial(prepare, step=step)  # type: ignore[call-arg]
        return prepare

    return wrap


def spoiled(
    code: str, machine: str, *steps: str, also: set[str] | None = None, belt: bool = False
) -> Callable[[Spoil], Spoil]:
    def wrap(spoil: Spoil) -> Spoil:
        for step in steps:
            SPOILED[machine, step, code] = Spoiled(spoil, also or set(), belt)
        return spoil

    return wrap


def door(on: models.Model, step: str, actor: Actor, **inputs: Any) -> Door:
    """One step on a row that exists."""
    model = type(on)
    return Door(
        on,
        lambda: perform(model._default_manager.get(pk=on.pk), step, actor=actor, **inputs),
    )


def change(row: models.Model, **fields: Any) -> None:
    """Set columns as the owner of the database could."""
    with tampering():
        type(row)._default_manager.filter(pk=row.pk).update(**fields)


# Rounds and items ------------------------------------------------------------------------------------


def decided(world: World) -> ModerationRound:
    """The open round with its one item upheld, accepted by the lead."""
    agreed(sample_item(world))
    return decide_round(
        ModerationRound.objects.get(pk=open_round_of(world).pk),
        actor=world.people["lea"],
        decision=RoundDecision.ACCEPT,
        reason="As it should be.",
    )


def closed(world: World) -> ModerationRound:
    """The open round, decided and closed."""
    return perform(decided(world), "close", actor=world.people["lea"])


@ready(ROUND, "open")
def _open(world: World, step: str) -> Door:
    closed(world)
    cast = world.cast
    return Door(None, lambda: open_round(cast.delivery, cast.task, actor=world.people["lea"]))


@spoiled("round_is_open", ROUND, "open", belt=True)
def _another(world: World, case: Door) -> None:
    change(open_round_of(world), state=RoundState.DECIDED)


@ready(ROUND, "freeze", "draw")
def _young(world: World, step: str) -> Door:
    """The round as it was before its draw."""
    made = closed(world)
    change(made, state=RoundState.DRAFT if step == "freeze" else RoundState.FROZEN)
    return door(made, step, world.people["lea"])


@spoiled("round_empty", ROUND, "freeze")
def _nobody(world: World, case: Door) -> None:
    with tampering():
        RoundMember.objects.filter(round=case.on).delete()


@spoiled("not_frozen", ROUND, "draw")
def _no_seed(world: World, case: Door) -> None:
    change(case.on, seed="")


@ready(ROUND, "decide")
def _decide(world: World, step: str) -> Door:
    agreed(sample_item(world))
    return door(
        open_round_of(world),
        step,
        world.people["lea"],
        decision=RoundDecision.ACCEPT,
        because="As it should be.",
    )


@ready(ROUND, "close")
def _close(world: World, step: str) -> Door:
    return door(decided(world), step, world.people["lea"])


@spoiled("sample_unresolved", ROUND, "decide", "close", belt=True)
def _unresolved(world: World, case: Door) -> None:
    change(sample_item(world), state=SampleState.SCORED)


@spoiled("escalation_open", ROUND, "decide", "close", belt=True)
def _owed(world: World, case: Door) -> None:
    change(open_round_of(world), extensions_owed=[{"assessor": "A1", "plan": 1, "size": 1}])


@spoiled("disagreement_unanswered", ROUND, "decide", "close")
def _unanswered(world: World, case: Door) -> None:
    """The assessor of the one item also marked work that nobody has read."""
    item = sample_item(world)
    latest = item.decisions.latest("decided_at")
    with tampering():
        ModerationDecision.objects.filter(pk=latest.pk).update(disagreement=Disagreement.PASS_FAIL)
    unread = add_member(world, world.submissions["moderated"])
    RoundMember.objects.filter(pk=unread.pk).update(
        assessor_code=item.stratum.split("|", 1)[0], targeted_for=[]
    )


@spoiled("members_away", ROUND, "decide", "close")
def _away(world: World, case: Door) -> None:
    add_member(world, world.submissions["assessed"])


@spoiled("no_decision", ROUND, "close", belt=True)
def _undecided(world: World, case: Door) -> None:
    change(case.on, decision="")


@spoiled("second_approver_missing", ROUND, "close", belt=True)
def _one_person(world: World, case: Door) -> None:
    change(case.on, decision=RoundDecision.ADJUST_SET)


@spoiled("member_on_hold", ROUND, "close")
def _held(world: World, case: Door) -> None:
    Hold.objects.create(
        submission=world.submissions["in_moderation"],
        kind=HoldKind.INTEGRITY,
        reason="Two portfolios share a text.",
        opened_by=world.people["pam"],
    )


@ready(ROUND, "approve_adjustment")
def _approve_adjustment(world: World, step: str) -> Door:
    made = decided(world)
    change(made, decision=RoundDecision.ADJUST_SET)
    return door(made, step, world.people["moses"])


@spoiled("nothing_to_approve", ROUND, "approve_adjustment")
def _accepted(world: World, case: Door) -> None:
    change(case.on, decision=RoundDecision.ACCEPT)


@ready(ROUND, "reopen")
def _reopen(world: World, step: str) -> Door:
    """One result of the round was recalled; nothing else of the task is being moderated."""
    closed(world)
    prepare_submission(world, "recall").take()
    assert world.closed_round is not None
    return door(world.closed_round, step, world.people["lea"])


@spoiled("not_recalled", ROUND, "reopen")
def _released(world: World, case: Door) -> None:
    with tampering():
        Submission.objects.filter(round_members__round=case.on).update(
            state=SubmissionState.RELEASED
        )


@ready(ITEM, "score")
def _score(world: World, step: str) -> Door:
    """Read and sealed, and the item not moved yet."""
    item = sample_item(world)
    scored(item)
    change(item, state=SampleState.DRAWN)
    return door(item, step, world.people["moses"])


@spoiled("not_read_blind", ITEM, "score")
def _unsealed(world: World, case: Door) -> None:
    with tampering():
        ModeratorReading.objects.filter(item=case.on).update(sealed_at=None)


@ready(ITEM, "send_back")
def _send_back(world: World, step: str) -> Door:
    return door(scored(sample_item(world)), step, world.people["moses"])


@spoiled("extension_open", ITEM, "send_back")
def _extended(world: World, case: Door) -> None:
    _owed(world, case)


# Versions and the opening of a delivery ----------------------------------------------------------


def drafted(world: World) -> MicroCredentialVersion:
    return draft_version(world.cast.provider, code="mutant")


def member_of(world: World, role: OrganisationRole) -> Any:
    """Somebody of the provider with this part."""
    person = make_user(f"{role}-of-the-provider")
    Membership.objects.create(user=person, organisation=world.cast.provider, role=role)
    return person


def sent(world: World) -> MicroCredentialVersion:
    version = drafted(world)
    return perform(version, "send_to_pre_moderation", actor=version.author)


def approved(world: World, way: str = "approve", **more: Any) -> MicroCredentialVersion:
    checker = member_of(world, OrganisationRole.PRE_MODERATOR)
    return perform(sent(world), way, actor=checker, **more)


@ready(VERSION, "send_to_pre_moderation")
def _send(world: World, step: str) -> Door:
    version = drafted(world)
    return door(version, step, version.author)


@spoiled("definition_not_whole", VERSION, "send_to_pre_moderation")
def _no_not_yet(world: World, case: Door) -> None:
    Level.objects.filter(criterion__rubric__task__version=case.on, is_met=False).delete()


@ready(VERSION, "approve", "approve_with_changes")
def _approve(world: World, step: str) -> Door:
    more = {"note": "Say which browser."} if step == "approve_with_changes" else {}
    return door(sent(world), step, member_of(world, OrganisationRole.PRE_MODERATOR), **more)


@spoiled("least_pass_leaves_a_gap", VERSION, "approve", "approve_with_changes")
def _gap(world: World, case: Door) -> None:
    """An outcome whose only criterion need not be met."""
    with tampering():
        Criterion.objects.filter(rubric__task__version=case.on, code="C2").update(is_required=False)


@ready(VERSION, "confirm_changes")
def _confirm(world: World, step: str) -> Door:
    version = approved(world, "approve_with_changes", note="Say which browser.")
    return door(version, step, version.author)


@spoiled("no_minor_changes", VERSION, "confirm_changes")
def _none(world: World, case: Door) -> Door:
    """Approved by another person of that part, as it is."""
    version = draft_version(world.cast.provider, code="as-it-is")
    perform(version, "send_to_pre_moderation", actor=version.author)
    keeper = world.cast.provider.memberships.get(user__email__startswith="pre_moderator-of").user
    return door(perform(version, "approve", actor=keeper), "confirm_changes", version.author)


@ready(VERSION, "publish")
def _publish(world: World, step: str) -> Door:
    return door(approved(world), step, member_of(world, OrganisationRole.ADMINISTRATOR))


@spoiled("content_moved", VERSION, "publish")
def _moved(world: World, case: Door) -> None:
    with tampering():
        LearningOutcome.objects.filter(version=case.on, number=1).update(title="Something else")


@spoiled("minor_changes_open", VERSION, "publish")
def _unconfirmed(world: World, case: Door) -> None:
    with tampering():
        case.on.pre_moderations.update(
            decision=PreModerationDecision.WITH_MINOR_CHANGES, note="Say which browser."
        )


@ready(DELIVERY, "open")
def _open_delivery(world: World, step: str) -> Door:
    """Planned, dated and staffed, on the version that the world's cohort has."""
    people, today = world.people, timezone.now().date()
    keeper = member_of(world, OrganisationRole.ADMINISTRATOR)
    made = plan_delivery(
        world.cast.delivery.version,
        code="mutant",
        title="Mutant cohort",
        mode="online_live",
        starts_on=today,
        ends_on=today + timedelta(days=60),
        actor=keeper,
    )
    TaskSchedule.objects.create(
        delivery=made,
        task=world.cast.task,
        opens_at=timezone.now(),
        due_at=timezone.now() + timedelta(days=20),
        cut_off_at=timezone.now() + timedelta(days=20),
    )
    for name, role in (
        ("ada", Role.ASSESSOR),
        ("lea", Role.LEAD_MODERATOR),
        ("rita", Role.RATIFIER),
    ):
        assign_role(made, people[name], role, actor=keeper)
    return Door(made, lambda: open_delivery(Delivery.objects.get(pk=made.pk), actor=keeper))


@spoiled("version_not_approved", DELIVERY, "open", also={"version_not_published"})
def _draft(world: World, case: Door) -> None:
    change(case.on.version, state=VersionState.DRAFT)


@spoiled("version_not_published", DELIVERY, "open")
def _retired(world: World, case: Door) -> None:
    change(case.on.version, state=VersionState.RETIRED)


@spoiled("content_moved", DELIVERY, "open")
def _moved_since(world: World, case: Door) -> None:
    with tampering():
        LearningOutcome.objects.filter(version=case.on.version, number=1).update(title="Other")


@spoiled("schedule_missing", DELIVERY, "open")
def _undated(world: World, case: Door) -> None:
    TaskSchedule.objects.filter(delivery=case.on).delete()


def _without(role: Role, world: World, case: Door) -> None:
    DeliveryRole.objects.filter(delivery=case.on, role=role).update(ended_at=timezone.now())


for _code, _role in (
    ("no_assessor", Role.ASSESSOR),
    ("no_lead_moderator", Role.LEAD_MODERATOR),
    ("no_ratifier", Role.RATIFIER),
):
    spoiled(_code, DELIVERY, "open")(partial(_without, _role))


@spoiled("actions_open", DELIVERY, "open")
def _asked_for(world: World, case: Door) -> None:
    RequiredAction.objects.create(
        round=world.closed_round,
        text="Say in criterion 2 what a quarter is.",
        owner=world.people["ada"],
        due_on=timezone.now().date(),
        made_by=world.people["lea"],
    )


# The learner's own -------------------------------------------------------------------------------


def asked(world: World) -> Attestation:
    return ask_to_confirm(
        world.ready, actor=world.people["hone"], name="Vic Harris", email="vic@ministry.example"
    )


@ready(ATTESTATION, "ask")
def _ask(world: World, step: str) -> Door:
    return Door(world.ready, lambda: asked(world))


@ready(ATTESTATION, "open", "decline")
def _visit(world: World, step: str) -> Door:
    return door(asked(world), step, SYSTEM)


@ready(ATTESTATION, "attest")
def _attest(world: World, step: str) -> Door:
    return door(perform(asked(world), "open", actor=SYSTEM), step, SYSTEM, answer={})


@spoiled("link_over", ATTESTATION, "open", "attest", "decline")
def _over(world: World, case: Door) -> None:
    change(case.on, expires_at=timezone.now() - timedelta(minutes=1))


@spoiled("verifier_assesses", ATTESTATION, "open", "attest")
def _assesses(world: World, case: Door) -> None:
    change(case.on, verifier_email=world.people["ada"].email.upper())


@ready(EVIDENCE, "remove")
def _remove(world: World, step: str) -> Door:
    return door(spare(world), step, world.people["hone"])


def spare(world: World) -> EvidenceItem:
    """Evidence that nothing uses."""
    item = note(world.ready, "Not used")
    change(item, state="ready")
    return item


@spoiled("evidence_in_use", EVIDENCE, "remove")
def _used(world: World, case: Door) -> None:
    criterion = world.ready.mappings.all()[0].criterion
    map_evidence(world.ready, case.on, criterion, actor=world.people["hone"], claim="Shows it.")


@ready(EVIDENCE, "restore")
def _restore(world: World, step: str) -> Door:
    hone = world.people["hone"]
    return door(remove_evidence(spare(world), actor=hone), step, hone)


@spoiled("removal_final", EVIDENCE, "restore")
def _long_ago(world: World, case: Door) -> None:
    change(case.on, removed_at=timezone.now() - timedelta(days=400))


def more_time(world: World) -> ExtensionRequest:
    return ask_for_more_time(
        world.ready,
        actor=world.people["hone"],
        until=world.ready.due_at + timedelta(days=3),
        reason="work",
    )


@ready(MORE_TIME, "ask")
def _more_time(world: World, step: str) -> Door:
    return Door(world.ready, lambda: more_time(world))


@ready(MORE_TIME, "approve", "change", "decline")
def _answer(world: World, step: str) -> Door:
    more = {"until": world.ready.due_at + timedelta(days=1)} if step == "change" else {}
    return door(more_time(world), step, world.people["pam"], answer="Yes.", **more)


@spoiled("already_submitted", ATTESTATION, "ask")
@spoiled("already_submitted", MORE_TIME, "ask", "approve", "change")
def _submitted(world: World, case: Door) -> None:
    submit(world.ready)
