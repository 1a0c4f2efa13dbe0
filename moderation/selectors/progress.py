"""How far a round is: what each moderator has left, and what waits for somebody else."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from accounts.models import User
from catalogue.models import AssessmentTask, Level
from moderation.enums import RESOLVED, SampleState
from moderation.guards import BEFORE_MODERATION
from moderation.models import ModerationRound, SampleItem
from portfolios.models import Hold

READING = (SampleState.DRAWN, SampleState.SCORED)
"""States in which an item waits for its own moderator."""
FIRST = (
    SampleState.ESCALATED,
    SampleState.DRAWN,
    SampleState.SCORED,
    SampleState.RETURNED,
    SampleState.ADJUSTED,
    SampleState.UPHELD,
)
"""Items as the lead wants them: what waits for the lead first, what is done last."""


@dataclass
class Share:
    """What one moderator has of a round. `due` is the earliest date of what is unread."""

    moderator: User | None
    to_read: int = 0
    to_decide: int = 0
    decided: int = 0
    due: datetime | None = None

    @property
    def left(self) -> str:
        """In words, without what is decided."""
        said = [(self.to_read, "to read"), (self.to_decide, "to decide")]
        return ", ".join(f"{count} {words}" for count, words in said if count)


def shares_of(items: Iterable[SampleItem]) -> list[Share]:
    """One row for each moderator by name, then what nobody has. No query where moderators are joined."""
    found: dict[User | None, Share] = {}
    for item in items:
        share = found.setdefault(item.moderator, Share(item.moderator))
        if item.state == SampleState.DRAWN:
            share.to_read += 1
            share.due = min(filter(None, (share.due, item.due_at)), default=None)
        elif item.state == SampleState.SCORED:
            share.to_decide += 1
        elif item.state in RESOLVED:
            share.decided += 1
    return sorted(
        found.values(),
        key=lambda one: (one.moderator is None, one.moderator.name if one.moderator else ""),
    )


def unresolved_reasons(moderation_round: ModerationRound) -> list[str]:
    """Each piece of work that stands in the way of closing, by reference: a line for each moderator first."""
    rows = moderation_round.items.unresolved().filter(state__in=READING, moderator__isnull=False)
    items = list(rows.select_related("submission", "moderator").order_by("submission__reference"))
    said = []
    for share in shares_of(items):
        own = [one.submission.reference for one in items if one.moderator == share.moderator]
        name = share.moderator.name if share.moderator else ""
        said.append(f"{name}: {share.left} ({', '.join(own)})")
    return said + waiting_elsewhere(moderation_round)


def waiting_elsewhere(moderation_round: ModerationRound) -> list[str]:
    """What waits for the lead, an assessor, a hold or a draw, by reference with the reason."""
    said = []
    rows = moderation_round.items.unresolved().select_related(
        "submission", "moderator", "decision__author"
    )
    returned = {}
    for item in rows.exclude(state__in=READING, moderator__isnull=False):
        who = item.moderator.name if item.moderator else "nobody yet"
        if item.state == SampleState.RETURNED:
            who = item.decision.author.name
            returned[item.submission_id] = who
            if item.submission.state in BEFORE_MODERATION:
                continue
        said.append(f"{item.submission.reference}: {item.get_state_display()} ({who})")
    held = set(
        Hold.objects.open()
        .filter(submission__round_members__round=moderation_round)
        .values_list("submission_id", flat=True)
    )
    away = moderation_round.members.filter(
        Q(submission__state__in=BEFORE_MODERATION) | Q(submission__in=held)
    ).select_related("submission")
    for member in away:
        submission = member.submission
        if submission.state in BEFORE_MODERATION:
            back = f" (returned to {returned[submission.pk]})" if submission.pk in returned else ""
            said.append(f"{submission.reference}: {submission.get_state_display()}{back}")
        if submission.pk in held:
            said.append(f"{submission.reference}: On hold")
    for owed in moderation_round.extensions_owed:
        count = owed["count"]
        said.append(f"{count} more {'item is' if count == 1 else 'items are'} to be drawn")
    return said


def level_words(task: AssessmentTask) -> dict[tuple[str, str], str]:
    """The words of each level of a task, by the codes of criterion and level."""
    rows = Level.objects.filter(criterion__rubric__task=task)
    return {
        (criterion, code): label
        for criterion, code, label in rows.values_list("criterion__code", "code", "label")
    }
