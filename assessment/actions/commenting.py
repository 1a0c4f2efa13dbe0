"""Comments on evidence: written, changed, resolved and removed by adding an entry, while the draft is open."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from accounts.words import plain_text
from assessment.actions.marking import locked_draft
from assessment.definitions import Remark
from assessment.enums import Deed
from assessment.models import CommentEntry, EvidenceComment
from catalogue.models import Criterion
from portfolios.models import Submission, SubmissionEvidence
from workflows.exceptions import NotPermitted, StaleVersion

STATES = ("body", "place", "page", "quote", "left", "top", "width", "height", "starts_ms", "ends_ms",
          "criterion", "audience")  # fmt: skip
"""What an entry says, the deed itself left out."""


@transaction.atomic
def write_comment(
    submission: UUID, *, actor: User, evidence: int, remark: Remark
) -> EvidenceComment:
    """Comment on the evidence with this number in the manifest.

    Belongs to the person's open draft: NotPermitted without one or where there is no such evidence,
    StaleState where somebody took the workspace over. Nobody else sees it; the learner after release.
    """
    draft = locked_draft(submission, actor)
    pin = SubmissionEvidence.objects.filter(submission=submission, number=evidence).first()
    if pin is None:
        raise NotPermitted
    own = EvidenceComment.objects.filter(submission=submission, author=actor)
    highest = own.aggregate(highest=Max("number"))["highest"] or 0
    made: EvidenceComment = EvidenceComment.objects.create(
        submission=draft.submission, pin=pin, author=actor, number=highest + 1
    )
    _add(made, 1, Deed.WRITTEN, _said(draft.submission, remark))
    return made


@transaction.atomic
def change_comment(
    comment: EvidenceComment, *, actor: User, remark: Remark, seen_entry: int
) -> CommentEntry:
    """Say something else. What was said before stays in the history.

    StaleVersion where the comment was changed since the page was made, besides what write_comment raises.
    """
    newest = _newest(comment, actor)
    if newest.number != seen_entry:
        raise StaleVersion(mine=remark, theirs=newest)
    said = _said(comment.submission, remark)
    return _add(comment, newest.number + 1, Deed.CHANGED, said)


@transaction.atomic
def mark_comment(comment: EvidenceComment, *, actor: User, deed: Deed) -> CommentEntry:
    """Resolve, open again or remove: the learner does not see what is resolved or removed.

    The same deed twice adds nothing. Raises what change_comment raises, StaleVersion excepted.
    """
    if deed not in (Deed.RESOLVED, Deed.REOPENED, Deed.REMOVED):
        raise ValueError(deed)
    newest = _newest(comment, actor)
    if newest.deed in (deed, Deed.REMOVED):
        return newest
    said = {name: getattr(newest, name) for name in STATES}
    return _add(comment, newest.number + 1, deed, said)


def _newest(comment: EvidenceComment, actor: User) -> CommentEntry:
    """The entry that counts, with the person's draft locked. NotPermitted on anybody else's comment."""
    locked_draft(comment.submission_id, actor)
    if comment.author_id != actor.pk:
        raise NotPermitted
    found: CommentEntry = CommentEntry.objects.filter(comment=comment).latest("number")
    return found


def _add(comment: EvidenceComment, number: int, deed: Deed, said: dict[str, Any]) -> CommentEntry:
    made: CommentEntry = CommentEntry.objects.create(
        comment=comment, number=number, deed=deed, **said
    )
    return made


def _said(submission: Submission, remark: Remark) -> dict[str, Any]:
    """The entry's fields. A criterion that is not of the submission's rubric counts as not given."""
    criterion = None
    if remark.criterion is not None:
        criterion = Criterion.objects.filter(
            pk=remark.criterion, rubric=submission.rubric_id
        ).first()
    box = remark.box
    return {
        "body": plain_text(remark.body).strip(),
        "place": remark.place,
        "page": remark.page,
        "quote": plain_text(remark.quote).strip(),
        "left": box.left if box else None,
        "top": box.top if box else None,
        "width": box.width if box else None,
        "height": box.height if box else None,
        "starts_ms": remark.starts_ms,
        "ends_ms": remark.ends_ms,
        "criterion": criterion,
        "audience": remark.audience,
    }
