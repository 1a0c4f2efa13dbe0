"""The comment bank: kept, changed, shared, removed and counted. Never with a learner's name in it."""

from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from accounts.words import plain_text
from assessment import rules
from assessment.exceptions import NameInPreparedComment
from assessment.models import PreparedComment
from assessment.selectors.prepared import learners_of, name_in
from catalogue.models import MicroCredential
from workflows.exceptions import NotPermitted


def _checked(text: str, micro_credential: MicroCredential) -> str:
    text = plain_text(text).strip()
    if found := name_in(text, learners_of(micro_credential)):
        raise NameInPreparedComment(found)
    return text


@transaction.atomic
def prepare_comment(
    *,
    actor: User,
    micro_credential: MicroCredential,
    text: str,
    criterion_code: str = "",
    level_code: str = "",
    is_shared: bool = False,
) -> PreparedComment:
    """Keep a text for later. NotPermitted for whoever marks nothing of the micro-credential.

    NameInPreparedComment where it holds a name of one of its learners: prepared texts go to others.
    """
    if not rules.marks_micro_credential(micro_credential, actor):
        raise NotPermitted
    made: PreparedComment = PreparedComment.objects.create(
        owner=actor,
        micro_credential=micro_credential,
        criterion_code=criterion_code,
        level_code=level_code,
        text=_checked(text, micro_credential),
        is_shared=is_shared,
    )
    return made


@transaction.atomic
def change_prepared(
    comment: PreparedComment, *, actor: User, text: str, is_shared: bool
) -> PreparedComment:
    """Change one's own. NotPermitted on anybody else's, NameInPreparedComment as when it was kept."""
    if not rules.owns_prepared(comment, actor):
        raise NotPermitted
    comment.text = _checked(text, comment.micro_credential)
    comment.is_shared = is_shared
    comment.save(update_fields=["text", "search_key", "is_shared"])
    return comment


@transaction.atomic
def remove_prepared(comment: PreparedComment, *, actor: User) -> None:
    """Take one's own out of the bank; what was written with it stays as it is."""
    if not rules.owns_prepared(comment, actor):
        raise NotPermitted
    comment.removed_at = timezone.now()
    comment.save(update_fields=["removed_at"])


def count_use(comment: UUID, *, actor: User) -> bool:
    """Count that it was put into feedback. False where the person sees no such comment."""
    seen = PreparedComment.objects.visible_to(actor).kept().filter(pk=comment)
    return bool(PreparedComment.objects.filter(pk__in=seen.values("pk")).update(uses=F("uses") + 1))
