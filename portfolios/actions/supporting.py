"""Evidence that supports a special consideration: taken in, and opened with a record. Never the learner's portfolio."""

import datetime as dt
import tempfile
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from accounts.words import plain_text
from catalogue.actions import expect_answer, when
from catalogue.models import Delivery
from portfolios import rules, storage
from portfolios.actions.scanning import ask_scanner
from portfolios.actions.submission import CONSIDERATION_DEADLINE, CONSIDERATION_EVIDENCE
from portfolios.enums import HoldKind
from portfolios.exceptions import ScanIncomplete, UploadRefused
from portfolios.inspection import InspectionBroken, inspect
from portfolios.models import Hold, Submission, SupportingEvidence
from portfolios.selectors import administrators_of
from workflows.actions import After, open_record, pass_on
from workflows.exceptions import NotPermitted, StaleState
from workflows.models import Deadline
from workflows.notifications import notify

APPLIED = "The learner applied for it."
LIMIT = 20 * 1024 * 1024
NOT_CHECKED = "We could not check this file now. Try again in a few minutes."


def _permitted(hold: Hold, actor: User) -> None:
    if hold.kind != HoldKind.SPECIAL_CONSIDERATION or not rules.may_read_supporting(
        hold.submission, actor
    ):
        raise NotPermitted(instance=hold)


def add_supporting(
    hold: Hold, *, actor: User, words: str = "", file: Any = None
) -> SupportingEvidence:
    """Put words, a file or both to an open special consideration. Nobody is told.

    The file is checked before anything is kept. Raises NotPermitted, StaleState where the hold is lifted,
    UploadRefused where the file cannot be taken.
    """
    _permitted(hold, actor)
    facts = {} if file is None else _stored(hold.submission, file)
    with transaction.atomic():
        fresh: Hold = Hold.objects.select_for_update(of=("self",)).get(pk=hold.pk)
        if fresh.closed_at is not None:
            raise StaleState(instance=fresh)
        return _added(fresh, actor, words, facts)


def _added(hold: Hold, actor: User, words: str, facts: dict[str, Any]) -> SupportingEvidence:
    """One more piece. The caller has locked what keeps two from getting the same number."""
    highest = hold.supporting.aggregate(highest=Max("number"))["highest"] or 0
    made: SupportingEvidence = SupportingEvidence.objects.create(
        hold=hold,
        number=highest + 1,
        words=plain_text(words).strip(),
        added_by=actor,
        **facts,
    )
    return made


def last_day_to_apply(submission: Submission) -> dt.datetime:
    """Until when the learner applies: the policy's working days after the due date or submission."""
    delivery = submission.delivery
    since = max(submission.portfolio.due_at, submission.submitted_at)
    days = After(since, delivery.policy_value("consideration.ask_days"))
    return days.resolve(delivery.zone, delivery.calendar)


def last_day_for(submission: Submission, hold: Hold | None) -> dt.datetime:
    """Until when the learner applies, or gives evidence for what they have applied for and is not decided."""
    due: dt.datetime | None = hold.evidence_due_at if hold is not None else None
    return due or last_day_to_apply(submission)


def open_consideration(submission: Submission) -> Hold | None:
    """The special consideration of the submission that is not decided."""
    holds = submission.holds.open().filter(kind=HoldKind.SPECIAL_CONSIDERATION)
    found: Hold | None = holds.first()
    return found


def apply_for_consideration(
    submission: Submission, *, actor: User, words: str = "", file: Any = None
) -> Hold:
    """The learner applies for special consideration, or adds to what they have applied for and is not decided.

    Evidence has a date of its own, the policy's working days after applying (domain 2.10); the learner is reminded
    of it while no file is there. The work is on hold until a programme administrator without a part in it decides,
    by a date with reminders that is counted from the first file, or else from the last day for evidence; they are
    told that somebody applied, not why. Nobody who marks or moderates reads any of it but the outcome.
    NotPermitted for others and other states, StaleState after the last day, UploadRefused as add_supporting.
    """
    if not rules.may_apply_for_consideration(submission, actor):
        raise NotPermitted(instance=submission)
    if timezone.now() > last_day_for(submission, open_consideration(submission)):
        raise StaleState(instance=submission)
    facts = {} if file is None else _stored(submission, file)
    with transaction.atomic():
        rows = Submission.objects.select_for_update(of=("self",), no_key=True)
        fresh = rows.select_related("delivery__version__micro_credential").get(pk=submission.pk)
        if not rules.may_apply_for_consideration(fresh, actor):
            raise NotPermitted(instance=fresh)
        hold, is_new = Hold.objects.get_or_create(
            submission=fresh,
            kind=HoldKind.SPECIAL_CONSIDERATION,
            closed_at=None,
            defaults={"reason": APPLIED, "opened_by": actor},
        )
        first_file = bool(facts) and not hold.supporting.exclude(key="").exists()
        _added(hold, actor, words, facts)
        if is_new:
            _ask_for_evidence(fresh, hold, actor)
        if is_new or first_file:
            since = timezone.now() if facts else hold.evidence_due_at
            _ask_to_decide(fresh, hold, actor, since or timezone.now())
    kept: Hold = hold
    return kept


def _ask_for_evidence(submission: Submission, hold: Hold, actor: User) -> None:
    delivery = submission.delivery
    deadline = expect_answer(
        submission,
        kind=CONSIDERATION_EVIDENCE,
        delivery=delivery,
        policy="consideration.evidence_days",
        recipients=[actor],
        actor=actor,
        since=hold.opened_at,
    )
    hold.evidence_due_at = deadline.due_at
    hold.save(update_fields=["evidence_due_at"])


def _able(submission: Submission) -> list[User]:
    people = administrators_of(submission.delivery)
    return [one for one in people if rules.may_read_supporting(submission, one)]


@when("parts_changed")
def pass_applications_on(*, delivery: Delivery, **facts: Any) -> None:
    """Who may decide is reminded of what waits, also who came later; who left is not."""
    rows = Submission.objects.filter(delivery=delivery, holds__in=Hold.objects.open())
    waiting = {one.pk: one for one in rows.select_related("delivery__version__micro_credential")}
    for deadline in Deadline.objects.open().filter(
        kind=CONSIDERATION_DEADLINE, subject_id__in=waiting
    ):
        pass_on(deadline, _able(waiting[deadline.subject_id]))


def _ask_to_decide(submission: Submission, hold: Hold, actor: User, since: dt.datetime) -> None:
    delivery, able = submission.delivery, _able(submission)
    expect_answer(
        submission,
        kind=CONSIDERATION_DEADLINE,
        delivery=delivery,
        policy="consideration.answer_days",
        recipients=able,
        actor=actor,
        since=since,
    )
    notify(
        topic="portfolios.consideration.asked",
        recipients=able,
        subject=submission,
        path=f"/manage/submissions/{submission.pk}/holds/",
        context={"reference": submission.reference, "task": submission.task.title},
        dedupe=f"consideration:{hold.pk}",
    )


def _stored(submission: Submission, file: Any) -> dict[str, Any]:
    """Facts of the file's bytes, checked as a learner's file is and then put into the store."""
    name = storage.clean_name(file.name)
    if file.size > LIMIT:
        raise UploadRefused("This file is too big. The limit is 20 MB.", "too_big")
    address = settings.VIRUS_SCANNER
    with tempfile.TemporaryFile() as copy:
        for piece in file.chunks():
            copy.write(piece)
        copy.flush()
        copy.seek(0)
        try:
            if address and (found := ask_scanner(copy, address)):
                raise UploadRefused(f"The virus scanner refused this file ({found}).", "virus")
            report = inspect(copy, name)
        except (ScanIncomplete, InspectionBroken) as error:
            raise UploadRefused(NOT_CHECKED, "unchecked") from error
        if report.refusal:
            raise UploadRefused(report.refusal, "refused")
        copy.seek(0)
        provider = submission.delivery.version.micro_credential.provider_id
        kept = storage.store(
            iter(lambda: copy.read(storage.PIECE), b""), organisation_id=provider, limit=LIMIT
        )
    return {
        "name": name,
        "media_type": report.media_type,
        "size": kept.size,
        "sha256": kept.sha256,
        "key": kept.key,
    }


def open_supporting(hold: Hold, number: int, *, actor: User) -> SupportingEvidence:
    """One piece, for whoever may read it. Writes an access record each time. NotPermitted for others."""
    _permitted(hold, actor)
    found: SupportingEvidence = hold.supporting.get(number=number)
    open_record(
        hold.submission, actor=actor, purpose=f"Special consideration, evidence {number} opened"
    )
    return found
