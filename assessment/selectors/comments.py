"""Comments on evidence as lists: a person's own, and those that a learner may read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from assessment.enums import SHOWN_TO_LEARNER, Audience, Basis, Deed, Place
from assessment.models import AssessmentDecision, CommentEntry
from assessment.selectors import author_of_result, composed
from catalogue.tables import guarded
from portfolios.enums import SubmissionState
from portfolios.models import Submission


@dataclass(frozen=True)
class Comment:
    """One comment as it stands now, with its place in words."""

    pk: UUID
    number: int
    evidence: int
    evidence_id: UUID
    entry: CommentEntry

    @property
    def place(self) -> str:
        return place_in_words(self.entry)

    @property
    def anchor(self) -> str:
        """The part of the page that it is about."""
        page = f"-page-{self.entry.page}" if self.entry.page else ""
        return f"evidence-{self.evidence}{page}"

    @property
    def criterion(self) -> str:
        one = self.entry.criterion
        return f"{one.code} {one.title}" if one else ""

    @property
    def is_resolved(self) -> bool:
        return self.entry.deed == Deed.RESOLVED

    @property
    def for_learner(self) -> bool:
        """Whether the learner reads it after release, if this decision becomes the result."""
        return self.entry.audience == Audience.LEARNER and not self.is_resolved

    @property
    def order(self) -> tuple[int, int, int, int]:
        """By evidence, then by place within it, then by number."""
        return (self.evidence, self.entry.page or 0, self.entry.starts_ms or 0, self.number)


def clock(milliseconds: int) -> str:
    """1:23 or 1:02:03, with tenths where they are not nought."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    tenth = f".{rest // 100}" if rest >= 100 else ""
    words = f"{second:02d}{tenth}"
    return f"{hours}:{minute:02d}:{words}" if hours else f"{minute}:{words}"


def place_in_words(entry: CommentEntry) -> str:
    """Where a comment stands, for people who do not see the page."""
    if entry.place == Place.TIME:
        return f"At {clock(entry.starts_ms or 0)}"
    if entry.place == Place.RANGE:
        return f"From {clock(entry.starts_ms or 0)} to {clock(entry.ends_ms or 0)}"
    page = f"Page {entry.page}" if entry.page else ""
    quote = f"“{entry.quote}”" if entry.quote else ""
    if entry.place == Place.BOX:
        where = (
            f"a part {entry.left}\u00a0% from the left and {entry.top}\u00a0% from the top, "
            f"{entry.width}\u00a0% wide and {entry.height}\u00a0% high"
        )
        return ", ".join(filter(None, (page, where, quote))).capitalize()
    return ", ".join(filter(None, (page, quote))) or "The whole piece"


def comments_of(decision: AssessmentDecision) -> list[Comment]:
    """The comments that belong to a sealed decision, as they stood when it was sealed."""
    return comments_by(decision.submission_id, decision.author_id, until=decision.sealed_at)


def comments_by(submission: UUID, author: UUID, *, until: datetime | None = None) -> list[Comment]:
    """One person's comments on one submission as they stand now, in order of the evidence, without removed ones."""

    def build(values: Sequence[Any]) -> QuerySet[Any, Any]:
        on, by, *before = values
        entries = CommentEntry.objects.filter(comment__submission=on, comment__author=by)
        if before:
            entries = entries.filter(at__lte=before[0])
        return entries.select_related("criterion", "comment__pin").order_by("number")

    moments = [] if until is None else [until]
    entries = composed.instances("comments", build, [submission, author, *moments])
    newest = {one.comment_id: one for one in entries}
    found = [
        Comment(
            one.comment.pk,
            one.comment.number,
            one.comment.pin.number,
            one.comment.pin.evidence_id,
            one,
        )
        for one in newest.values()
        if one.deed != Deed.REMOVED
    ]
    return sorted(found, key=lambda one: one.order)


def shown_to_learner(comments: Sequence[Comment]) -> list[Comment]:
    """Of one assessor's comments, those that the learner reads after release."""
    return [one for one in comments if one.for_learner]


def referral_of(submission: Submission, learner: User) -> AssessmentDecision | None:
    """The decision with which the learner's own attempt was referred back."""
    found: AssessmentDecision | None = (
        AssessmentDecision.objects.referrals_of(learner)
        .filter(submission=submission)
        .exclude(basis__in=[Basis.MODERATION, Basis.CORRECTION])
        .first()
    )
    return found


def learner_comments(submission: Submission, learner: User) -> list[Comment]:
    """What the learner may read of them: the visible comments of whoever gave the result, after release.

    A version that moderation or a correction added keeps the comments of the decision it was made from;
    comments of a decision that did not become the result stay with staff. Nothing before release, but for a
    referral: its own comments, as they stood when it was sealed, come with its feedback.
    """
    if submission.learner_id != learner.pk:
        return []
    if submission.state == SubmissionState.REFERRED:
        referral = referral_of(submission, learner)
        return [] if referral is None else shown_to_learner(comments_of(referral))
    if submission.state not in SHOWN_TO_LEARNER:
        return []
    author = author_of_result(submission)
    return [] if author is None else shown_to_learner(comments_by(submission.pk, author.pk))


HEADINGS = ("Comment", "Evidence", "Place", "Criterion", "Comment text", "Who reads it", "State")


def table_of(comments: Iterable[Comment]) -> list[tuple[str, ...]]:
    """Rows of the table that people take away, headings first. Carries no name of anybody."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    for one in comments:
        row = (
            str(one.number), str(one.evidence), one.place, one.criterion, one.entry.body,
            str(Audience(one.entry.audience).label), "Resolved" if one.is_resolved else "Open",
        )  # fmt: skip
        rows.append(tuple(guarded(cell) for cell in row))
    return rows


def stamp(milliseconds: int) -> str:
    """A WebVTT timestamp: hh:mm:ss.ttt (W3C WebVTT 4.1)."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}.{rest:03d}"


MOMENT_MS = 5000
"""How long a comment on a moment is shown while the recording plays."""


def webvtt(comments: Iterable[Comment], evidence: int) -> str:
    """Comments on one recording as WebVTT, in order of time. Comments without a time are left out.

    Text is escaped as WebVTT asks; an arrow in it would end the cue's text, so it is escaped with the rest,
    and so is the blank line that would end the cue.
    """
    timed = [
        one for one in comments if one.evidence == evidence and one.entry.starts_ms is not None
    ]
    parts = ["WEBVTT"]
    for one in sorted(timed, key=lambda one: (one.entry.starts_ms or 0, one.number)):
        start = one.entry.starts_ms or 0
        end = one.entry.ends_ms or start + MOMENT_MS
        lines = [line for line in escaped(one.entry.body).splitlines() if line.strip()]
        if one.criterion:
            lines.insert(0, escaped(one.criterion))
        parts.append("\n".join([f"{one.number}", f"{stamp(start)} --> {stamp(end)}", *lines]))
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
