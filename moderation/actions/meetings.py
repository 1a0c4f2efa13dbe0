"""Records of standardisation meetings: drafted, signed for good, and amended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.words import plain_text
from assessment.models import Exemplar
from catalogue.models import AssessmentTask
from moderation import rules
from moderation.actions.telling import tell_owners_of_meeting
from moderation.exceptions import MeetingIncomplete, ReasonNeeded
from moderation.models import Meeting, MeetingAmendment, RequiredAction
from portfolios.models import Submission
from workflows.exceptions import NotPermitted, StaleState, StaleVersion


@dataclass(frozen=True)
class Minutes:
    """What the page sends of a meeting."""

    held_on: date
    attendees: Iterable[User] = ()
    others: str = ""
    submissions: Iterable[Submission] = ()
    exemplars: Iterable[Exemplar] = ()
    readings: str = ""
    decisions: str = ""
    actions: str | None = None
    """Text from before actions had owners; None leaves what is there."""


def _write(meeting: Meeting, minutes: Minutes) -> Meeting:
    meeting.held_on = minutes.held_on
    for name in ("others", "readings", "decisions"):
        setattr(meeting, name, plain_text(getattr(minutes, name)).strip())
    if minutes.actions is not None:
        meeting.actions = plain_text(minutes.actions).strip()
    meeting.save()
    meeting.attendees.set(minutes.attendees)
    meeting.submissions.set(minutes.submissions)
    meeting.exemplars.set(minutes.exemplars)
    return meeting


@transaction.atomic
def record_meeting(task: AssessmentTask, minutes: Minutes, *, actor: User) -> Meeting:
    """Begin the record of a meeting, as a lead moderator of the micro-credential. Others see it once signed."""
    if not rules.standardises(task, actor):
        raise NotPermitted(instance=task)
    return _write(Meeting(task=task, made_by=actor), minutes)


def _lock(meeting: Meeting, actor: User) -> Meeting:
    fresh: Meeting = (
        Meeting.objects.select_for_update(of=("self",))
        .select_related("task__version")
        .get(pk=meeting.pk)
    )
    if not rules.standardises(fresh.task, actor):
        raise NotPermitted(instance=fresh)
    return fresh


@transaction.atomic
def change_meeting(
    meeting: Meeting, minutes: Minutes, *, actor: User, seen_version: int
) -> Meeting:
    """Rewrite a record that is not signed. StaleVersion where somebody else saved first."""
    fresh = _lock_draft(meeting, actor)
    if fresh.version != seen_version:
        raise StaleVersion(mine=minutes, theirs=fresh)
    fresh.version += 1
    return _write(fresh, minutes)


def _lock_draft(meeting: Meeting, actor: User) -> Meeting:
    fresh = _lock(meeting, actor)
    if fresh.is_signed:
        raise StaleState("This record was signed already.", instance=fresh)
    return fresh


@transaction.atomic
def add_meeting_action(
    meeting: Meeting, *, actor: User, text: str, owner: User, due_on: date
) -> RequiredAction:
    """Put an action with its owner and date into the draft. Nobody is told before the record is signed."""
    fresh = _lock_draft(meeting, actor)
    said = plain_text(text).strip()
    if not said:
        raise ReasonNeeded
    made: RequiredAction = fresh.required_actions.create(
        text=said, owner=owner, due_on=due_on, made_by=actor
    )
    _moved_on(fresh)
    return made


@transaction.atomic
def drop_meeting_action(meeting: Meeting, key: UUID, *, actor: User) -> None:
    """Take an action out of the draft. One that has gone already is no error."""
    fresh = _lock_draft(meeting, actor)
    if fresh.required_actions.filter(pk=key).delete()[0]:
        _moved_on(fresh)


def _moved_on(meeting: Meeting) -> None:
    """Whoever looks at the draft as it was has to look again before signing."""
    meeting.version += 1
    meeting.save(update_fields=["version"])


@transaction.atomic
def sign_meeting(meeting: Meeting, *, actor: User, seen_version: int) -> Meeting:
    """Stand for the record as it was shown. From now on it never changes, and its people may read it.

    Its actions are asked for: each owner is told, and no other delivery opens until they are closed.

    MeetingIncomplete where nobody was there, nothing was agreed, or the day lies ahead.
    """
    fresh = _lock_draft(meeting, actor)
    if fresh.version != seen_version:
        raise StaleVersion(mine=None, theirs=fresh)
    missing = []
    if not fresh.attendees.exists():
        missing.append("Say who attended.")
    if not fresh.readings and not fresh.decisions:
        missing.append("Say what was agreed or decided.")
    if fresh.held_on > timezone.localdate():
        missing.append("The day of the meeting lies ahead.")
    if missing:
        raise MeetingIncomplete(missing)
    fresh.signed_by, fresh.signed_at = actor, timezone.now()
    fresh.save(update_fields=["signed_by", "signed_at"])
    tell_owners_of_meeting(fresh, actor=actor)
    return fresh


@transaction.atomic
def amend_meeting(meeting: Meeting, *, actor: User, text: str) -> MeetingAmendment:
    """Add something to a signed record; what was signed stays as it is."""
    fresh = _lock(meeting, actor)
    if not fresh.is_signed:
        raise StaleState("This record is not signed yet. Change it instead.", instance=fresh)
    said = plain_text(text).strip()
    if not said:
        raise ReasonNeeded
    made: MeetingAmendment = fresh.amendments.create(text=said, made_by=actor)
    return made
