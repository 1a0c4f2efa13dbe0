"""Two assessors who disagree: what each says, what they agree on, and when an adjudicator is asked instead."""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.words import plain_text
from assessment import rules
from assessment.actions.allocation import lock
from assessment.actions.deciding import ask_adjudicator, count, refer_by
from assessment.actions.double import DISCUSSION_DEADLINE
from assessment.enums import Conclusion, Stand
from assessment.models import AssessmentDecision, Discussion, DiscussionEntry
from portfolios.models import Submission
from workflows.actions import cancel_deadline
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import Deadline
from workflows.notifications import notify


def _locked(discussion: Discussion) -> tuple[Submission, Discussion]:
    """The submission and the discussion, kept from others. StaleState where it is concluded."""
    fresh = lock(discussion.submission)
    found: Discussion = (
        Discussion.objects.select_for_update(of=("self",), no_key=True)
        .select_related("first__author", "second__author", "first__grade", "second__grade")
        .get(pk=discussion.pk)
    )
    if found.concluded_at is not None:
        raise StaleState(instance=fresh)
    return fresh, found


@transaction.atomic
def say(discussion: Discussion, *, actor: User, rationale: str, stand: Stand) -> Discussion:
    """Write down what one thinks and wants. Where both want the same decision it counts, or goes to the learner.

    One who wants an adjudicator is enough for one to be asked, who reads nothing of this. The other assessor is
    told. NotPermitted for anybody but the two; StaleState where it is concluded; what perform() raises.
    """
    fresh, found = _locked(discussion)
    if found.own(actor) is None:
        raise NotPermitted(instance=fresh)
    words = plain_text(rationale).strip()
    if not words:
        raise ValueError("Whoever takes a stand says why.")
    DiscussionEntry.objects.create(discussion=found, author=actor, rationale=words, stand=stand)
    if stand == Stand.ADJUDICATOR:
        _conclude(found, Conclusion.ADJUDICATION, by=actor)
        ask_adjudicator(fresh, found.first, found.second)
        return found
    chosen = agreed_on(found)
    if chosen is None:
        other = found.others(actor)
        notify(
            topic="assessment.discussion_said",
            recipients=[other.author] if other else [],
            subject=fresh,
            path=f"/assess/m/{fresh.pk}/discussion/",
            context={"reference": fresh.reference, "task": fresh.task.title},
        )
        return found
    _conclude(found, Conclusion.AGREED, by=actor, chosen=chosen)
    if chosen.outcome:
        count(fresh, chosen, found.first, found.second, actor)
    else:
        refer_by(fresh, chosen, actor)
    return found


def agreed_on(discussion: Discussion) -> AssessmentDecision | None:
    """The decision that both want, by what each said last; None while they do not want the same."""
    wanted = {}
    for one in discussion.entries.select_related("author"):
        own, others = discussion.own(one.author), discussion.others(one.author)
        wanted[one.author_id] = {Stand.MINE: own, Stand.OTHERS: others}.get(Stand(one.stand))
    first, second = (
        wanted.get(author) for author in (discussion.first.author_id, discussion.second.author_id)
    )
    return first if first is not None and first == second else None


@transaction.atomic
def end_discussion(discussion: Discussion, *, actor: User, reason: str) -> Discussion:
    """Ask an adjudicator although the two still talk, for those who allocate the work, with a reason.

    NotPermitted for others; StaleState where it is concluded.
    """
    fresh, found = _locked(discussion)
    words = plain_text(reason).strip()
    if not words or found.own(actor) is not None or not rules.may_allocate(fresh.delivery, actor):
        raise NotPermitted(instance=fresh)
    _conclude(found, Conclusion.ADJUDICATION, by=actor, reason=words)
    ask_adjudicator(fresh, found.first, found.second)
    return found


def _conclude(
    discussion: Discussion,
    conclusion: Conclusion,
    *,
    by: User,
    chosen: AssessmentDecision | None = None,
    reason: str = "",
) -> None:
    discussion.conclusion, discussion.chosen = conclusion, chosen
    discussion.concluded_at, discussion.concluded_by = timezone.now(), by
    discussion.reason = reason
    discussion.save()
    rows = Deadline.objects.of(discussion.submission).open().filter(kind=DISCUSSION_DEADLINE)
    for deadline in rows:
        cancel_deadline(deadline, actor=by, reason="The discussion is concluded")
