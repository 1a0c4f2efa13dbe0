"""Who is told what about evidence, submissions and holds."""

from collections.abc import Iterable
from typing import Any

from portfolios.actions.drafting import SUBMISSION_KINDS
from portfolios.actions.submission import CONSIDERATION_DEADLINE, CONSIDERATION_EVIDENCE
from portfolios.enums import EvidenceState, HoldKind
from portfolios.handlers.dates import date_of
from portfolios.models import EvidenceItem, Hold, Submission, SupportingEvidence
from workflows.definitions import (
    Concern,
    describe,
    handles,
    lies_in,
    offers_outside,
    quiet,
    reminder_relevant,
    reminder_text,
    still_relevant,
    when_moved,
)
from workflows.enums import Category, Lane
from workflows.models import Deadline, Notification, Reminder, TransitionRecord
from workflows.notifications import notify
from workflows.selectors.entries import entry_to_drop
from workflows.words import in_words

quiet(
    "portfolios.evidenceitem.added",
    "portfolios.evidenceitem.stored",
    "portfolios.evidenceitem.scan_started",
    "portfolios.evidenceitem.ready",
    "portfolios.evidenceitem.removed",
    "portfolios.evidenceitem.restored",
    because="The learner sees the state of each item on the page.",
)


@handles("portfolios.submission.submitted")
def send_receipt(record: TransitionRecord) -> None:
    """The receipt: reference and fingerprint, by which anybody can check it."""
    submission = Submission.objects.select_related("delivery", "task", "learner").get(
        pk=record.subject_id
    )
    notify(
        topic="portfolios.submission.submitted",
        recipients=[submission.learner],
        record=record,
        path=f"/learn/p/{submission.portfolio_id}/receipt/{submission.reference}/",
        lane=Lane.RECEIPT,
        context={
            "task": submission.task.title,
            "attempt": submission.attempt,
            "reference": submission.reference,
            "fingerprint": submission.fingerprint,
            "at": in_words(submission.submitted_at, submission.delivery.zone),
        },
        deadline=entry_to_drop(submission.learner_id, submission.portfolio_id, SUBMISSION_KINDS),
    )


@handles("portfolios.submission.withdrawn")
def confirm_withdrawal(record: TransitionRecord) -> None:
    """Tell the learner that the attempt was taken back and until when it can be submitted again."""
    submission = Submission.objects.select_related("delivery", "task", "portfolio", "learner").get(
        pk=record.subject_id
    )
    notify(
        topic="portfolios.submission.withdrawn",
        recipients=[submission.learner],
        record=record,
        path=f"/learn/p/{submission.portfolio_id}/",
        context={
            "task": submission.task.title,
            "reference": submission.reference,
            "due": in_words(submission.portfolio.due_at, submission.delivery.zone),
        },
        deadline=date_of(submission.portfolio),
    )


@handles("portfolios.evidenceitem.quarantined")
def tell_of_refused_file(record: TransitionRecord) -> None:
    """In the application only: the learner has just added it."""
    item = EvidenceItem.objects.select_related("owner").get(pk=record.subject_id)
    notify(
        topic="portfolios.evidenceitem.quarantined",
        recipients=[item.owner],
        record=record,
        path="/learn/evidence/",
        context={"title": item.title, "refusal": item.refusal},
        channels=("inapp",),
    )


@offers_outside(
    {
        "portfolios.submission.submitted": "A portfolio was submitted",
        "portfolios.submission.withdrawn": "A submission was taken back",
        "portfolios.submission.assessment_started": "Marking of a submission began",
        "portfolios.submission.moderation_entered": "A submission went into moderation",
        "portfolios.submission.released": "A result was published to its learner",
        "portfolios.submission.recalled": "A published result was recalled",
    }
)
def whose_submission(record: TransitionRecord) -> Concern:
    """Provider and client of the delivery. The reference names the work, never who did it.

    Nobody's business where it is a seed.
    """
    submission = Submission.objects.select_related(
        "delivery__version__micro_credential", "task"
    ).get(pk=record.subject_id)
    delivery = submission.delivery
    credential = delivery.version.micro_credential
    owners = (
        set() if delivery.holds_seeds else {credential.provider_id, delivery.client_id} - {None}
    )
    return Concern(
        frozenset(owners),
        {
            "reference": submission.reference,
            "delivery": delivery.code,
            "micro_credential": credential.code,
        },
    )


@still_relevant("portfolios.evidenceitem.quarantined")
def still_refused(notification: Notification) -> bool:
    """Not where the learner has removed it meanwhile."""
    found = EvidenceItem.objects.filter(pk=notification.subject_id)
    return bool(found.filter(state=EvidenceState.QUARANTINED).exists())


@reminder_relevant(CONSIDERATION_EVIDENCE)
def still_to_support(deadline: Deadline) -> bool:
    """Not decided in the meantime, and no file is there yet."""
    holds = Hold.objects.open().filter(kind=HoldKind.SPECIAL_CONSIDERATION)
    waiting = holds.filter(submission=deadline.subject_id)
    return waiting.exclude(supporting__in=SupportingEvidence.objects.exclude(key="")).exists()


@when_moved(CONSIDERATION_EVIDENCE)
def keep_evidence_dates(deadline: Deadline) -> None:
    """The learner's page shows the date that was counted anew, and the action goes by it."""
    holds = Hold.objects.open().filter(kind=HoldKind.SPECIAL_CONSIDERATION)
    holds.filter(submission=deadline.subject_id).update(evidence_due_at=deadline.due_at)


def considered(reminder: Reminder) -> tuple[Submission, dict[str, Any]]:
    """Whose consideration it is about, and the words of its mail."""
    submission = Submission.objects.select_related("task", "delivery").get(
        pk=reminder.deadline.subject_id
    )
    due = in_words(reminder.deadline.due_at, submission.delivery.zone)
    return submission, {
        "reference": submission.reference,
        "task": submission.task.title,
        "due": due,
    }


@reminder_text(CONSIDERATION_EVIDENCE, tells=["portfolios.consideration.evidence_due"])
def evidence_reminder(reminder: Reminder) -> tuple[str, str, dict[str, Any]]:
    submission, context = considered(reminder)
    return (
        "portfolios.consideration.evidence_due",
        f"/learn/p/{submission.portfolio_id}/consideration/",
        context,
    )


@reminder_relevant(CONSIDERATION_DEADLINE)
def still_to_consider(deadline: Deadline) -> bool:
    """Not decided in the meantime."""
    holds = Hold.objects.open().filter(kind=HoldKind.SPECIAL_CONSIDERATION)
    return holds.filter(submission=deadline.subject_id).exists()


@lies_in(CONSIDERATION_DEADLINE, CONSIDERATION_EVIDENCE)
def deliveries_of_considerations(keys: Iterable[Any]) -> dict[Any, Any]:
    """Where each submission lies."""
    return dict(Submission.objects.filter(pk__in=keys).values_list("pk", "delivery"))


@reminder_text(CONSIDERATION_DEADLINE, tells=["portfolios.consideration.due"])
def consideration_reminder(reminder: Reminder) -> tuple[str, str, dict[str, Any]]:
    submission, context = considered(reminder)
    return "portfolios.consideration.due", f"/manage/submissions/{submission.pk}/holds/", context


T, D = "Workplace portfolio", "Friday 14 August 2026, 5:00 pm"
MINE = "You build this portfolio."
S = "portfolios."

describe(
    S + "submission.submitted",
    Category.WORK,
    who="The learner",
    required=True,
    why="This is the receipt of your submission.",
    sample={
        "task": T,
        "attempt": 1,
        "reference": "MOD-2026-7K4W9",
        "fingerprint": "3f5a" * 16,
        "at": D,
    },
)
describe(
    S + "submission.withdrawn",
    Category.WORK,
    who="The learner",
    required=True,
    why="You took your submission back.",
    sample={"task": T, "reference": "MOD-2026-7K4W9", "due": D},
)
describe(
    S + "evidenceitem.quarantined",
    Category.WORK,
    who="The learner",
    ways=("inapp",),
    why=MINE,
    asks=True,
    sample={"title": "Report", "refusal": "The file could not be read."},
)
for one in ("placed", "lifted"):
    describe(
        S + f"hold.{one}",
        Category.WORK,
        who="The learner",
        required=True,
        why="This is about your submission.",
        sample={"task": T, "reference": "MOD-2026-7K4W9"},
    )
describe(
    S + "consideration.evidence_due",
    Category.DATES,
    who="The learner who applied, while no file is there",
    asks=True,
    why=MINE,
    sample={"task": T, "reference": "PF-2026-7K4W9", "due": D},
)
for _topic in ("consideration.asked", "consideration.due"):
    describe(
        S + _topic,
        Category.DELIVERY,
        who="Programme administrators without a part in the work",
        asks=True,
        why="You administer this delivery.",
        sample={"task": T, "reference": "PF-2026-7K4W9", "due": D},
    )
