"""The moderator's own levels, before the assessor's may be seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.words import plain_text
from assessment.models import AssessmentDecision
from catalogue.models import Criterion, Level
from moderation import rules, selectors
from moderation.enums import ReadingMode, SampleState, Sufficiency
from moderation.exceptions import IncompleteReading
from moderation.models import ModeratorJudgement, ModeratorReading, SampleItem
from workflows.actions import open_record
from workflows.exceptions import NotPermitted, StaleState, StaleVersion
from workflows.transitions import perform


@dataclass(frozen=True)
class Levels:
    """What the moderator entered: a level and a comment for each criterion, and what is said on all.

    `pointers` are the numbers of the evidence that a level rests on; of a criterion that is not named they
    stay as they are. `sufficiency` is a value of moderation.enums.Sufficiency, empty where not answered yet.
    """

    levels: Mapping[UUID, UUID | None]
    comments: Mapping[UUID, str]
    comment: str = ""
    sufficiency: str = ""
    sufficiency_note: str = ""
    inclusion_note: str = ""
    pointers: Mapping[UUID, Sequence[int]] = field(default_factory=dict)


SUFFICIENCY = "Evidence"
"""Stands among the missing codes where it was not said whether the evidence suffices."""

INDEPENDENCE = "I had no part in producing or assessing this work, and I know of nothing that could bias my reading."
"""What a moderator declares by saving a blind reading for good; the page says it above the button."""


@transaction.atomic
def save_reading(
    item: SampleItem, entered: Levels, *, actor: User, seen_version: int | None = None
) -> ModeratorReading:
    """Keep the draft of a blind reading. Nobody else sees it. A fixed number of statements.

    Raises StaleVersion where another window saved first, StaleState once it is sealed.
    """
    fresh: SampleItem = SampleItem.objects.select_for_update(of=("self",)).get(pk=item.pk)
    if not rules.moderates(fresh, actor):
        raise NotPermitted(instance=fresh)
    if fresh.state != SampleState.DRAWN:
        raise StaleState(instance=fresh)
    reading: ModeratorReading
    reading, _made = ModeratorReading.objects.get_or_create(item=fresh, moderator=actor)
    if seen_version is not None and seen_version != reading.version:
        raise StaleVersion(entered, reading)
    reading.comment = plain_text(entered.comment)
    reading.sufficiency = entered.sufficiency if entered.sufficiency in Sufficiency else ""
    reading.sufficiency_note = plain_text(entered.sufficiency_note)
    reading.inclusion_note = plain_text(entered.inclusion_note)
    reading.version += 1
    reading.saved_at = timezone.now()
    reading.save(
        update_fields=[
            "comment", "sufficiency", "sufficiency_note", "inclusion_note", "version", "saved_at",
        ]
    )  # fmt: skip
    known = {
        (level.criterion_id, level.pk)
        for level in Level.objects.filter(criterion__rubric=fresh.submission.rubric_id)
    }
    judged = {one.criterion_id: one for one in reading.judgements.prefetch_related("pointers")}
    missing = [one for one in {criterion for criterion, _level in known} if one not in judged]
    for made in ModeratorJudgement.objects.bulk_create(
        ModeratorJudgement(reading=reading, criterion_id=one) for one in missing
    ):
        judged[made.criterion_id] = made
    for criterion, judgement in judged.items():
        level = entered.levels.get(criterion)
        judgement.level_id = level if (criterion, level) in known else None
        judgement.comment = plain_text(entered.comments.get(criterion, ""))
    ModeratorJudgement.objects.bulk_update(judged.values(), ["level", "comment"])
    _point(fresh, judged, entered.pointers)
    return reading


def _point(
    item: SampleItem,
    judged: Mapping[UUID, ModeratorJudgement],
    wanted: Mapping[UUID, Sequence[int]],
) -> None:
    """Set the pointers by the numbers of the evidence in the manifest; numbers that are not there are left out."""
    pins = dict(item.submission.pins.values_list("number", "pk"))
    before = {
        (one.pk, pin.pk)
        for criterion, one in judged.items()
        if criterion in wanted
        for pin in one.pointers.all()
    }
    after = {
        (judged[criterion].pk, pins[number])
        for criterion, numbers in wanted.items()
        if criterion in judged
        for number in numbers
        if number in pins
    }
    through = ModeratorJudgement.pointers.through
    if gone := before - after:
        rows = through.objects.filter(moderatorjudgement__in=[one.pk for one in judged.values()])
        kept = [
            one.pk for one in rows if (one.moderatorjudgement_id, one.submissionevidence_id) in gone
        ]
        through.objects.filter(pk__in=kept).delete()
    through.objects.bulk_create(
        through(moderatorjudgement_id=judgement, submissionevidence_id=pin)
        for judgement, pin in sorted(after - before)
    )


@transaction.atomic
def open_in_sight(item: SampleItem, *, actor: User) -> AssessmentDecision | None:
    """The decision that a moderator may see while reading, and note that it was opened.

    None where the round is read blind, which is the rule unless its plan says otherwise: nothing is opened.
    """
    if not rules.moderates(item, actor):
        raise NotPermitted(instance=item)
    if item.round.reads_blind:
        return None
    open_record(item.decision, actor=actor, purpose="Reading in sight of the decision")
    return item.decision


@transaction.atomic
def seal_reading(
    item: SampleItem, entered: Levels, *, actor: User, seen_version: int | None = None
) -> SampleItem:
    """Save, seal, and open the comparison. From now on the reading cannot change.

    Every criterion needs a level, and it must be said whether the evidence suffices; the outcome follows
    from the levels under the scheme. The moderator declares independence by it. Raises IncompleteReading
    with what is missing.
    """
    reading = save_reading(item, entered, actor=actor, seen_version=seen_version)
    judgements = list(
        reading.judgements.select_related("criterion", "level").order_by("criterion__number")
    )
    found = {one.criterion_id for one in judgements if one.level_id}
    missing = [
        one.code
        for one in Criterion.objects.filter(rubric=item.submission.rubric_id).order_by("number")
        if one.pk not in found
    ]
    if not reading.sufficiency:
        missing.append(SUFFICIENCY)
    if missing:
        raise IncompleteReading(missing)
    reading.mode = ReadingMode.BLIND if item.round.reads_blind else ReadingMode.SIGHTED
    reading.outcome = str(selectors.result_of_reading(item.round, judgements).outcome or "")
    reading.declaration = INDEPENDENCE
    reading.sealed_at = timezone.now()
    reading.save(update_fields=["mode", "outcome", "declaration", "sealed_at"])
    return perform(item, "score", actor=actor)
