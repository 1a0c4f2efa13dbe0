"""The moderator's queue, who may read what, and both readings side by side."""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, When

from accounts.models import User
from assessment.conflicts import Weight, conflicts_among
from assessment.enums import Basis
from assessment.models import AssessmentDecision, CriterionJudgement
from assessment.selectors import manifest_of, result_for, results_for
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery, DeliveryRole
from moderation.enums import EXTENSION, RESOLVED, Disagreement, SamplePart, SampleState
from moderation.models import ModerationRound, ModeratorJudgement, ModeratorReading, SampleItem
from portfolios.enums import EvidenceState, PartKind
from portfolios.models import EvidenceItem, Part, Submission
from portfolios.selectors.viewing import views_of


def queue_of(user: User) -> QuerySet[Any]:
    """Items that wait for this person, what came back first, then by due date.

    Last what was read while the sample is being extended: most of it cannot be decided before the rest is
    read, and nobody gets to the rest if it stands in the way. `kept_waiting` says which.
    """
    found: QuerySet[Any] = (
        SampleItem.objects.visible_to(user)
        .live()
        .filter(moderator=user, state__in=[SampleState.DRAWN, SampleState.SCORED])
        .annotate(kept_waiting=_kept_waiting())
        .select_related("submission", "round__delivery", "round__task")
        .order_by("kept_waiting", "-state", "due_at", "pk")
    )
    return found


def _kept_waiting() -> Case:
    """As `guards.extension_open`, for items that were read and not decided."""
    unread = SampleItem.objects.live().filter(
        round=OuterRef("round"), state=SampleState.DRAWN, reasons=[EXTENSION]
    )
    being_extended = ~Q(round__extensions_owed=[]) | Exists(unread)
    return Case(When(Q(being_extended, state=SampleState.SCORED), then=True), default=False)


def rounds_led_by(user: User) -> QuerySet[Any]:
    """Open rounds of the deliveries that the person leads, oldest first.

    With how many items wait (`waiting`), and how many of them for the lead (`escalated`).
    """
    led = Delivery.objects.with_role(user, DeliveryRoleKind.LEAD_MODERATOR)
    waits = Q(items__superseded_at__isnull=True) & ~Q(items__state__in=RESOLVED)
    found: QuerySet[Any] = (
        ModerationRound.objects.open()
        .filter(delivery__in=led)
        .select_related("delivery", "task")
        .annotate(
            waiting=Count("items", filter=waits & Q(items__isnull=False)),
            escalated=Count("items", filter=waits & Q(items__state=SampleState.ESCALATED)),
        )
        .order_by("opened_at")
    )
    return found


def fully_read(item: SampleItem) -> bool:
    """Whether everything of the item's stratum, assessor × task, is in the sample, or it was targeted."""
    if item.part == SamplePart.TARGETED:
        return True
    members = item.round.members.filter(assessor=item.decision.author_id)
    drawn = item.round.items.live().values("submission")
    return not members.exclude(submission__in=drawn).exists()


def eligible_moderators(
    delivery: Delivery, submissions: list[Submission], *, warned: bool = False
) -> dict[UUID, list[User]]:
    """Who may read each submission: moderators of the delivery with no part in it and no conflict.

    Somebody about whom the policy warns, such as one of two who read most of each other's decisions, only
    where nobody else may, or with `warned`, for whoever chooses by hand. Fresh eyes first: who read the work in
    an earlier draw comes after those who did not. The lead sees plan and results of the round, so the lead
    reads only where nobody else may. A fixed number of queries.
    """
    roles = DeliveryRole.objects.current().filter(delivery=delivery, user__is_active=True)
    kinds: dict[User, set[str]] = {}
    for role in roles.filter(
        role__in=[
            DeliveryRoleKind.MODERATOR,
            DeliveryRoleKind.EXTERNAL_MODERATOR,
            DeliveryRoleKind.LEAD_MODERATOR,
        ]
    ).select_related("user"):
        kinds.setdefault(role.user, set()).add(role.role)
    people = sorted(kinds, key=lambda one: str(one.pk))
    taken: dict[UUID, set[UUID]] = {}
    known: dict[UUID, set[UUID]] = {}
    for key, person, kind, ended in Part.objects.filter(submission__in=submissions).values_list(
        "submission_id", "person_id", "kind", "ended_at"
    ):
        read_before = kind == PartKind.MODERATOR and ended is not None
        (known if read_before else taken).setdefault(key, set()).add(person)
    conflicts = conflicts_among([one.pk for one in people], submissions, reads=True)
    found = {}
    for submission in submissions:
        able = [
            one
            for one in people
            if one.pk not in taken.get(submission.pk, set())
            and not conflicts.blocks(one.pk, submission)
        ]
        calm = [one for one in able if conflicts.standing(one.pk, submission) < Weight.WARNS]
        able = able if warned else calm or able
        blind = [one for one in able if DeliveryRoleKind.LEAD_MODERATOR not in kinds[one]]
        unread = [one for one in blind if one.pk not in known.get(submission.pk, set())]
        found[submission.pk] = unread or blind or able
    return found


def free_to_read(submission: Submission) -> list[User]:
    """Who may read one submission."""
    return eligible_moderators(submission.delivery, [submission], warned=True)[submission.pk]


def open_items_of(people: list[User]) -> Counter[UUID]:
    """How many unresolved items each person has."""
    rows = (
        SampleItem.objects.unresolved()
        .filter(moderator__in=people)
        .order_by()
        .values_list("moderator_id")
        .annotate(count=Count("pk"))
    )
    return Counter(dict(rows))


@dataclass(frozen=True)
class ComparedCriterion:
    """One criterion as both judged it. `gap` is assessor minus moderator in levels."""

    criterion: Any
    assessor: CriterionJudgement | None
    moderator: Any
    gap: int | None

    @property
    def words(self) -> str:
        if self.gap is None:
            return "One of you did not judge it"
        return "Same" if self.gap == 0 else f"Differs by {abs(self.gap)}"

    @property
    def differs(self) -> bool:
        return self.gap != 0


CHANGED_BY: dict[str, str] = {
    Basis.MODERATION: "Moderation has changed the result since.",
    Basis.CORRECTION: "The result was corrected since.",
    Basis.RECONSIDERATION: "The result was reconsidered since.",
}
"""What is said of a result that was changed otherwise than by assessing the work anew for the round."""


@dataclass(frozen=True)
class Comparison:
    """Both readings of an item."""

    decision: AssessmentDecision
    frozen: AssessmentDecision
    reading: ModeratorReading
    criteria: list[ComparedCriterion]
    was_returned: bool = False

    @property
    def differences(self) -> list[dict[str, Any]]:
        return [
            {
                "criterion": one.criterion.code,
                "assessor": one.assessor.level.code if one.assessor and one.assessor.level else "",
                "moderator": one.moderator.level.code if one.moderator.level else "",
            }
            for one in self.criteria
            if one.differs
        ]

    @property
    def changes(self) -> list[str]:
        """What the moderator's levels would change, each in a sentence with the words of the rubric."""
        return [
            f"{one.criterion.code} changes from {label_of(one.assessor)} to {label_of(one.moderator)}."
            for one in self.criteria
            if one.differs
        ]

    @property
    def disagreement(self) -> str:
        """What adjusting would count as: another outcome, another level, or nothing."""
        if self.reading.outcome != self.decision.outcome:
            return Disagreement.PASS_FAIL
        return Disagreement.GRADE if self.differences else Disagreement.NONE

    @property
    def alike(self) -> list[ComparedCriterion]:
        """Criteria on which both gave the same level."""
        return [one for one in self.criteria if not one.differs]

    @property
    def revision(self) -> str:
        """Why another decision counts now than the one that was frozen; empty where it is the same."""
        if self.decision.pk == self.frozen.pk:
            return ""
        if self.decision.basis in CHANGED_BY:
            return CHANGED_BY[self.decision.basis]
        if self.was_returned:
            return "The assessor decided anew after the work was returned."
        return "The work was assessed again after the set was frozen."


def label_of(judged: Any) -> str:
    """The level in the words of the rubric."""
    return str(judged.level.label) if judged is not None and judged.level else "nothing"


def comparison_of(item: SampleItem) -> Comparison | None:
    """Assessor's decision that counts now beside the sealed blind reading; None before it is sealed."""
    reading = item.readings.filter(sealed_at__isnull=False).order_by("sealed_at").first()
    decision = result_for(item.submission)
    if reading is None or decision is None:
        return None
    theirs = {
        one.criterion_id: one
        for one in decision.judgements.select_related("level", "criterion").prefetch_related(
            "pointers"
        )
    }
    rows = []
    for mine in (
        reading.judgements.select_related("criterion", "level")
        .prefetch_related("pointers")
        .order_by("criterion__number")
    ):
        other = theirs.get(mine.criterion_id)
        gap = (
            other.level.rank - mine.level.rank
            if other is not None and other.level is not None and mine.level is not None
            else None
        )
        rows.append(ComparedCriterion(mine.criterion, other, mine, gap))
    revised = decision.pk != item.decision_id
    returned = revised and item.decisions.filter(outcome=SampleState.RETURNED).exists()
    return Comparison(decision, item.decision, reading, rows, was_returned=returned)


def evidence_open_to(user: User, comparison: Comparison) -> set[UUID]:
    """What either of both pointed to, as far as the person may open it in the viewer. One query."""
    pointed = {
        pin.evidence_id
        for row in comparison.criteria
        for judged in (row.assessor, row.moderator)
        if judged is not None
        for pin in judged.pointers.all()
    }
    found = EvidenceItem.objects.visible_to(user).filter(pk__in=pointed, state=EvidenceState.READY)
    return set(found.values_list("pk", flat=True))


def evidence_in_place(submission: Submission) -> dict[str, Any]:
    """What was submitted, as frozen, each file with its `item` and the `view` that shows it on the page.

    As many queries for one file as for many. Whether somebody may see it is the caller's to ask.
    """
    manifest = manifest_of(submission)
    pins = submission.pins.select_related("evidence")
    items = {str(pin.evidence_id): pin.evidence for pin in pins}
    views = views_of(items.values())
    for file in manifest["files"]:
        if item := items.get(file["id"]):
            file |= {"item": item, "view": views[item.pk]}
    return manifest


def change_between(
    one: AssessmentDecision, other: AssessmentDecision
) -> tuple[str, list[dict[str, str]]]:
    """How a decision differs from the one that was frozen: kind of disagreement, and where."""
    if one.pk == other.pk:
        return Disagreement.NONE, []
    levels: list[dict[str, str]] = []
    before = {j.criterion_id: j for j in one.judgements.select_related("level", "criterion")}
    for after in other.judgements.select_related("level", "criterion"):
        earlier = before.get(after.criterion_id)
        if earlier is None or earlier.level_id != after.level_id:
            levels.append(
                {
                    "criterion": after.criterion.code,
                    "assessor": earlier.level.code if earlier and earlier.level else "",
                    "moderator": after.level.code if after.level else "",
                }
            )
    if one.outcome != other.outcome:
        return Disagreement.PASS_FAIL, levels
    return (Disagreement.GRADE if levels else Disagreement.NONE), levels


def effect_of(item: SampleItem, comparison: Comparison, owed: dict[str, Any] | None) -> list[str]:
    """What adjusting this item would do, in words, before anybody confirms it (lifecycle 4.5)."""
    if comparison.disagreement == Disagreement.NONE:
        return ["Your levels are the same, so there is nothing to adjust."]
    changes = comparison.changes
    if item.part == SamplePart.TARGETED:
        said = [*changes, "The learner has not been told anything."]
    elif fully_read(item):
        said = ["All of this assessor's work is being read.", *changes]
        said.append("This happens when the round is closed.")
    else:
        said = ["This counts as a disagreement. The result does not change by itself;"]
        said[0] += " the round's decision covers the whole set."
    if owed:
        count = owed["count"]
        said.append(f"{count} more {'item' if count == 1 else 'items'} will be drawn.")
    return said


def levels_to_settle(items: list[SampleItem]) -> dict[UUID, dict[UUID, UUID]]:
    """The moderator's levels where they differ from the result that counts now, by submission.

    A fixed number of queries, however many items take effect.
    """
    results = results_for([item.submission_id for item in items])
    theirs = {
        (decision, criterion): level
        for decision, criterion, level in CriterionJudgement.objects.filter(
            decision__in=[one.pk for one in results.values()]
        ).values_list("decision_id", "criterion_id", "level_id")
    }
    levels: dict[UUID, dict[UUID, UUID]] = {item.submission_id: {} for item in items}
    for submission, criterion, level in ModeratorJudgement.objects.filter(
        reading__item__in=items, reading__sealed_at__isnull=False, level__isnull=False
    ).values_list("reading__item__submission_id", "criterion_id", "level_id"):
        if theirs.get((results[submission].pk, criterion)) != level:
            levels[submission][criterion] = level
    return levels


def read_alike(user: User) -> list[SampleItem]:
    """Items that the person has read blind with the very levels and outcome of the assessor.

    A fixed number of queries. Work whose decision was revised after a return is left out: that is looked at.
    """
    rows = queue_of(user).filter(state=SampleState.SCORED).select_related("decision")
    items = list(rows.exclude(decisions__outcome=SampleState.RETURNED).order_by("round", "pk"))
    outcomes = dict(
        ModeratorReading.objects.filter(item__in=items, sealed_at__isnull=False).values_list(
            "item_id", "outcome"
        )
    )
    differing = levels_to_settle(items)
    return [
        item
        for item in items
        if not differing[item.submission_id] and outcomes.get(item.pk) == item.decision.outcome
    ]
