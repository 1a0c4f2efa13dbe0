"""Names shown in spite of anonymous marking: one piece of work at a time, and each time noted."""

from django.db import transaction

from accounts.models import User
from accounts.words import plain_text
from assessment import rules
from assessment.selectors import author_of_result
from portfolios.models import Submission
from workflows.actions import open_record
from workflows.exceptions import NotPermitted

LEARNER_SHOWN = "Name of the learner shown."
ASSESSOR_SHOWN = "Name of the assessor shown to the learner."


@transaction.atomic
def reveal_learner(submission: Submission, *, actor: User, reason: str = "") -> str:
    """The learner's name. Writes an access record with as much of the reason as it holds.

    From release on for those who marked it; before that only for those who allocate the work, with a reason.
    Raises NotPermitted for everybody else.
    """
    why = plain_text(reason).strip()
    if not rules.may_reveal_learner(submission, actor, has_reason=bool(why)):
        raise NotPermitted(instance=submission)
    open_record(submission, actor=actor, purpose=f"{LEARNER_SHOWN} {why}".strip()[:100])
    return str(submission.learner.name)


@transaction.atomic
def reveal_assessor(submission: Submission, *, actor: User) -> str:
    """Who gave the result, for its learner from release on. Writes an access record.

    Never before, and never who gave a decision that did not become the result. NotPermitted otherwise.
    """
    author = author_of_result(submission)
    if author is None or not rules.may_reveal_assessor(submission, actor):
        raise NotPermitted(instance=submission)
    open_record(submission, actor=actor, purpose=ASSESSOR_SHOWN)
    return str(author.name)
