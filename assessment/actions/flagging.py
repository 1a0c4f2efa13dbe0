"""Putting a work, or a piece of its evidence, aside for later."""

from typing import Any

from django.db import transaction

from accounts.models import User
from assessment.enums import MARKING_PARTS
from assessment.models import WorkFlag
from portfolios.models import Submission
from portfolios.rules import has_part
from workflows.exceptions import NotPermitted


@transaction.atomic
def set_flag(submission: Submission, *, actor: User, number: int, flagged: bool) -> None:
    """Put the person's own flag on, or take it off; twice is the same as once. `number` 0 is the whole work.

    NotPermitted for whoever does not mark it, and where there is no such piece.
    """
    exists = number == 0 or submission.pins.filter(number=number).exists()
    if not exists or not has_part(submission, actor, *MARKING_PARTS):
        raise NotPermitted(instance=submission)
    own: dict[str, Any] = {"person": actor, "submission": submission, "number": number}
    if flagged:
        WorkFlag.objects.get_or_create(**own)
    else:
        WorkFlag.objects.filter(**own).delete()
