"""Who is told what about the learner's work. Handlers may run twice; the notification knows."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef

from portfolios.actions.attestation import (
    ATTESTATION_DEADLINE,
    expire_attestations,
    remind_verifiers,
)
from portfolios.actions.drafting import CUT_OFF_DEADLINE, SUBMISSION_KINDS, running
from portfolios.actions.extension import ANSWER_DEADLINE
from portfolios.actions.keeping import keep_links
from portfolios.actions.rendering import make_renditions
from portfolios.actions.scanning import copy_missing, scan_waiting_evidence
from portfolios.actions.schedules import begin_missing_portfolios
from portfolios.actions.submission import CONSIDERATION_DEADLINE, submit_at_cut_off
from portfolios.actions.uploading import tend_uploads
from portfolios.enums import (
    ENDED_ATTEMPT,
    AttestationState,
    EvidenceState,
    ExtensionState,
    HoldKind,
)  # fmt: skip
from portfolios.models import (
    Attestation,
    EvidenceItem,
    ExtensionRequest,
    Hold,
    Portfolio,
    Submission,
)  # fmt: skip
from portfolios.selectors import administrators_of, in_words, leads_of
from workflows.definitions import (
    Concern,
    describe,
    each_round,
    extra_topics,
    handles,
    lies_in,
    offers_outside,
    quiet,
    reminder_batch,
    reminder_relevant,
    reminder_text,
    until_none,
)
from workflows.enums import Category, DeadlineState, Frequency, Lane
from workflows.models import Deadline, Notification, Reminder, TransitionRecord
from workflows.notifications import notify, still_relevant

quiet(
    "portfolios.evidenceitem.added",
    "portfolios.evidenceitem.stored",
    "portfolios.evidenceitem.scan_started",
    "portfolios.evidenceitem.ready",
    "portfolios.evidenceitem.removed",
    "portfolios.evidenceitem.restored",
    because="The learner sees the state of each item on the page.",
)
quiet(
    "portfolios.attestation.requested",
    because="The personal link leaves with the request itself; only its hash is kept.",
)
quiet(
    "portfolios.attestation.opened",
    because="Somebody may look before they answer.",
)
quiet(
    "portfolios.attestation.revoked",
    because="The learner did it, and the link says so to the verifier.",
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
        deadline=in_calendar(submission),
    )


def in_calendar(submission: Submission) -> Deadline | None:
    """The date of a submitted portfolio that a mail had put into the learner's calendar, to take it out again."""
    sent = Notification.objects.filter(
        recipient=submission.learner_id,
        deadline__subject_id=submission.portfolio_id,
        deadline__kind__in=SUBMISSION_KINDS,
        deadline__state=DeadlineState.CANCELLED,
    )
    newest = sent.select_related("deadline").order_by("-pk").first()
    return newest.deadline if newest is not None else None


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


def date_of(portfolio: Portfolio) -> Deadline | None:
    """The date that counts now; its calendar entry goes with the mail that names it."""
    return next(iter(running(portfolio, *SUBMISSION_KINDS)), None)


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


@handles(
    "portfolios.attestation.attested",
    "portfolios.attestation.declined",
    "portfolios.attestation.expired",
    tells=[
        "portfolios.attestation.attested",
        "portfolios.attestation.declined",
        "portfolios.attestation.expired",
    ],
)
def tell_of_answer(record: TransitionRecord) -> None:
    """That an answer came, or that none will; never what it says."""
    attestation = Attestation.objects.select_related("requested_by", "portfolio__task").get(
        pk=record.subject_id
    )
    notify(
        topic=f"portfolios.attestation.{attestation.state}",
        recipients=[attestation.requested_by],
        record=record,
        path=f"/learn/p/{attestation.portfolio_id}/ask/",
        context={"verifier": attestation.verifier_name, "task": attestation.portfolio.task.title},
    )


@handles("portfolios.attestation.disowned")
def tell_of_objection(record: TransitionRecord) -> None:
    """The learner, and the lead moderators, or who administers where there is none. No name but the task's."""
    attestation = Attestation.objects.select_related(
        "requested_by", "portfolio__task", "portfolio__enrolment__delivery__version"
    ).get(pk=record.subject_id)
    delivery = attestation.portfolio.enrolment.delivery
    submission = attestation.portfolio.submissions.order_by("-attempt").first()
    context = {
        "task": attestation.portfolio.task.title,
        "delivery": delivery.title,
        "reference": submission.reference if submission else "",
    }
    topic = "portfolios.attestation.disowned"
    path = f"/learn/p/{attestation.portfolio_id}/ask/"
    asker = attestation.requested_by
    notify(topic=topic, recipients=[asker], record=record, path=path, context=context)
    staff = [one for one in leads_of(delivery) or administrators_of(delivery) if one != asker]
    notify(topic=topic, recipients=staff, record=record, context=context)


@handles("portfolios.extensionrequest.requested")
def tell_who_may_answer(record: TransitionRecord) -> None:
    """The delivery's programme administrators. The reason stays on the page."""
    request = extension(record)
    delivery = request.portfolio.enrolment.delivery
    notify(
        topic="portfolios.extensionrequest.requested",
        recipients=administrators_of(delivery),
        record=record,
        path=f"/manage/extensions/{request.pk}/",
        context={
            "task": request.portfolio.task.title,
            "delivery": delivery.title,
            "until": in_words(request.asked_until, delivery.zone),
        },
    )


@handles(
    "portfolios.extensionrequest.approved",
    "portfolios.extensionrequest.changed",
    "portfolios.extensionrequest.declined",
    tells=["portfolios.extensionrequest.decided"],
)
def tell_of_decision(record: TransitionRecord) -> None:
    """The date that counts from now on."""
    request = extension(record)
    portfolio = request.portfolio
    granted = request.state != ExtensionState.DECLINED
    notify(
        topic="portfolios.extensionrequest.decided",
        recipients=[request.requested_by],
        record=record,
        path=f"/learn/p/{portfolio.pk}/time/",
        context={
            "task": portfolio.task.title,
            "granted": granted,
            "due": in_words(portfolio.due_at, portfolio.enrolment.delivery.zone),
        },
        deadline=date_of(portfolio) if granted else None,
    )


def extension(record: TransitionRecord) -> ExtensionRequest:
    found: ExtensionRequest = ExtensionRequest.objects.select_related(
        "requested_by", "portfolio__task", "portfolio__enrolment__delivery__version"
    ).get(pk=record.subject_id)
    return found


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
    """Provider and client of the delivery. The reference names the work, never who did it."""
    submission = Submission.objects.select_related(
        "delivery__version__micro_credential", "task"
    ).get(pk=record.subject_id)
    delivery = submission.delivery
    credential = delivery.version.micro_credential
    owners = {credential.provider_id, delivery.client_id} - {None}
    return Concern(
        frozenset(owners),
        {
            "reference": submission.reference,
            "delivery": delivery.code,
            "micro_credential": credential.code,
        },
    )


@still_relevant("portfolios.attestation.link", "portfolios.attestation.reminder")
def link_still_wanted(notification: Notification) -> bool:
    """A link that was taken back or answered before its mail left is not sent."""
    key = notification.dedupe_key.split(":")[2]
    waiting = [AttestationState.REQUESTED, AttestationState.OPENED]
    return bool(Attestation.objects.filter(pk=key, state__in=waiting).exists())


@still_relevant("portfolios.evidenceitem.quarantined")
def still_refused(notification: Notification) -> bool:
    """Not where the learner has removed it meanwhile."""
    found = EvidenceItem.objects.filter(pk=notification.subject_id)
    return bool(found.filter(state=EvidenceState.QUARANTINED).exists())


@reminder_relevant(CONSIDERATION_DEADLINE)
def still_to_consider(deadline: Deadline) -> bool:
    """Not decided in the meantime."""
    holds = Hold.objects.open().filter(kind=HoldKind.SPECIAL_CONSIDERATION)
    return holds.filter(submission=deadline.subject_id).exists()


@lies_in(CONSIDERATION_DEADLINE)
def deliveries_of_considerations(keys: Iterable[Any]) -> dict[Any, Any]:
    """Where each submission lies."""
    return dict(Submission.objects.filter(pk__in=keys).values_list("pk", "delivery"))


@reminder_text(CONSIDERATION_DEADLINE, tells=["portfolios.consideration.due"])
def consideration_reminder(reminder: Reminder) -> tuple[str, str, dict[str, Any]]:
    submission = Submission.objects.select_related("task", "delivery").get(
        pk=reminder.deadline.subject_id
    )
    return (
        "portfolios.consideration.due",
        f"/manage/submissions/{submission.pk}/holds/",
        {
            "reference": submission.reference, "task": submission.task.title,
            "due": in_words(reminder.deadline.due_at, submission.delivery.zone),
        },
    )  # fmt: skip


@reminder_relevant(*SUBMISSION_KINDS, CUT_OFF_DEADLINE)
def still_to_submit(deadline: Deadline) -> bool:
    """Only while the learner is enrolled and has submitted nothing that still counts."""
    portfolio = Portfolio.objects.filter(pk=deadline.subject_id).first()
    return (
        portfolio is not None
        and portfolio.enrolment.ended_at is None
        and not portfolio.submissions.exclude(state__in=ENDED_ATTEMPT).exists()
    )


@reminder_text(
    *SUBMISSION_KINDS,
    tells=["portfolios.portfolio.due", "portfolios.portfolio.overdue"],
)
def reminder(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """What the learner is reminded of."""
    portfolio = Portfolio.objects.select_related("task", "enrolment__delivery").get(
        pk=row.deadline.subject_id
    )
    topic = "overdue" if row.offset.startswith("+") else "due"
    context = {
        "task": portfolio.task.title,
        "due": in_words(row.deadline.due_at, portfolio.enrolment.delivery.zone),
    }
    return f"portfolios.portfolio.{topic}", f"/learn/p/{portfolio.pk}/", context


@reminder_batch(*SUBMISSION_KINDS)
def submission_reminders(rows: list[Reminder]) -> dict[int, tuple[str, str, dict[str, Any]]]:
    """Both answers for many at once; the same as `still_to_submit` and `reminder`, in one query."""
    live = Submission.objects.filter(portfolio=OuterRef("pk")).exclude(state__in=ENDED_ATTEMPT)
    found = {
        one.pk: one
        for one in Portfolio.objects.filter(
            pk__in={row.deadline.subject_id for row in rows}, enrolment__ended_at__isnull=True
        )
        .annotate(is_submitted=Exists(live))
        .filter(is_submitted=False)
        .select_related("task", "enrolment__delivery")
    }
    texts = {}
    for row in rows:
        portfolio = found.get(row.deadline.subject_id)
        if portfolio is None:
            continue
        zone = portfolio.enrolment.delivery.zone
        topic = "overdue" if row.offset.startswith("+") else "due"
        texts[row.pk] = (
            f"portfolios.portfolio.{topic}",
            f"/learn/p/{portfolio.pk}/",
            {"task": portfolio.task.title, "due": in_words(row.deadline.due_at, zone)},
        )
    return texts


@lies_in(*SUBMISSION_KINDS)
def deliveries_of_portfolios(keys: Iterable[Any]) -> dict[Any, Any]:
    """Where each portfolio lies."""
    return dict(Portfolio.objects.filter(pk__in=keys).values_list("pk", "enrolment__delivery"))


@lies_in(ANSWER_DEADLINE)
def deliveries_of_requests(keys: Iterable[Any]) -> dict[Any, Any]:
    """Where each request for more time lies."""
    rows = ExtensionRequest.objects.filter(pk__in=keys)
    return dict(rows.values_list("pk", "portfolio__enrolment__delivery"))


@reminder_text(CUT_OFF_DEADLINE, tells=["portfolios.portfolio.closing"])
def closing_reminder(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """The last moment at which late work is taken."""
    portfolio = Portfolio.objects.select_related("task", "enrolment__delivery").get(
        pk=row.deadline.subject_id
    )
    context = {
        "task": portfolio.task.title,
        "closes": in_words(row.deadline.due_at, portfolio.enrolment.delivery.zone),
        "automatic": portfolio.auto_submit_asked_at is not None,
    }
    return "portfolios.portfolio.closing", f"/learn/p/{portfolio.pk}/", context


@reminder_relevant(ATTESTATION_DEADLINE)
def still_silent(deadline: Deadline) -> bool:
    """Only while nobody has answered."""
    waiting = [AttestationState.REQUESTED, AttestationState.OPENED]
    found = Attestation.objects.filter(pk=deadline.subject_id, state__in=waiting)
    return bool(found.exists())


@reminder_text(ATTESTATION_DEADLINE, tells=["portfolios.attestation.silent"])
def silent_reminder(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """The learner may ask somebody else."""
    found = Attestation.objects.select_related("portfolio__task").get(pk=row.deadline.subject_id)
    context = {"verifier": found.verifier_name, "task": found.portfolio.task.title}
    return "portfolios.attestation.silent", f"/learn/p/{found.portfolio_id}/ask/", context


@reminder_relevant(ANSWER_DEADLINE)
def still_to_answer(deadline: Deadline) -> bool:
    """Only while the request waits."""
    found = ExtensionRequest.objects.filter(pk=deadline.subject_id)
    return bool(found.filter(state=ExtensionState.REQUESTED).exists())


@reminder_text(ANSWER_DEADLINE, tells=["portfolios.extensionrequest.waiting"])
def answer_reminder(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """A learner waits for an answer."""
    found = ExtensionRequest.objects.select_related(
        "portfolio__task", "portfolio__enrolment__delivery"
    ).get(pk=row.deadline.subject_id)
    delivery = found.portfolio.enrolment.delivery
    context = {"task": found.portfolio.task.title, "delivery": delivery.title}
    return "portfolios.extensionrequest.waiting", f"/manage/extensions/{found.pk}/", context


# Sent by actions, without a transition of their own.
extra_topics.update(
    {
        "portfolios.attestation.notice",
        "portfolios.attestation.reminder",
        "portfolios.portfolio.moved",
        "portfolios.portfolio.not_submitted",
    }
)

each_round("submit_at_cut_off")(submit_at_cut_off)
each_round("expire_attestations")(expire_attestations)
each_round("remind_verifiers")(remind_verifiers)
each_round("begin_missing_portfolios")(begin_missing_portfolios)
each_round("scan_evidence")(until_none(scan_waiting_evidence))
each_round("copy_missing")(copy_missing)
each_round("make_renditions")(until_none(make_renditions))
each_round("keep_links")(until_none(keep_links))
each_round("tend_uploads")(tend_uploads)


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
describe(
    S + "attestation.attested",
    Category.CONFIRMING,
    who="The learner who asked",
    why="You asked somebody to confirm.",
    frequency=Frequency.DAILY,
    sample={"verifier": "Vic Harris", "task": T},
)
for one in ("declined", "expired"):
    describe(
        S + f"attestation.{one}",
        Category.CONFIRMING,
        who="The learner who asked, who now has to ask somebody else",
        why="You asked somebody to confirm.",
        asks=True,
        sample={"verifier": "Vic Harris", "task": T},
    )
describe(
    S + "attestation.silent",
    Category.CONFIRMING,
    who="The learner who asked",
    asks=True,
    why="You asked somebody to confirm.",
    sample={"verifier": "Vic Harris", "task": T},
)
describe(
    S + "attestation.link",
    Category.CONFIRMING,
    ways=("email",),
    who="The person at work who is asked",
    readers=frozenset(),
    why="Somebody asked you to confirm what you saw.",
    required=True,
    asks=True,
    sample={
        "verifier": "Vic",
        "learner": "Lena Tūhoe",
        "task": T,
        "message": "",
        "days": 21,
        "provider": "Te Rito",
    },
)
describe(
    S + "attestation.notice",
    Category.CONFIRMING,
    ways=("email",),
    who="The address in whose name somebody has confirmed",
    readers=frozenset(),
    why="Somebody has confirmed a learner’s work in your name.",
    required=True,
    sample={"learner": "Lena Tūhoe", "task": T},
)
describe(
    S + "attestation.disowned",
    Category.CONFIRMING,
    who="The learner, and the lead moderators of the delivery",
    why="Somebody says that a confirmation given in their name was not theirs.",
    required=True,
    asks=True,
    sample={"task": T, "delivery": "Winter cohort", "reference": "PF-2026-7K3QXP"},
)
describe(
    S + "attestation.reminder",
    Category.CONFIRMING,
    ways=("email",),
    who="The person at work who was asked and has not answered",
    readers=frozenset(),
    why="Somebody asked you to confirm what you saw.",
    required=True,
    asks=True,
    sample={"verifier": "Vic", "learner": "Lena Tūhoe", "task": T, "until": D},
)
describe(
    S + "extensionrequest.requested",
    Category.TIME,
    who="Programme administrators",
    asks=True,
    why="You administer this delivery.",
    sample={"task": T, "delivery": "Winter cohort", "until": D},
)
describe(
    S + "extensionrequest.waiting",
    Category.TIME,
    who="Programme administrators",
    asks=True,
    why="You administer this delivery.",
    sample={"task": T, "delivery": "Winter cohort"},
)
describe(
    S + "extensionrequest.decided",
    Category.TIME,
    who="The learner",
    required=True,
    readers=frozenset({"learner"}),
    why="You asked for more time.",
    sample={"task": T, "granted": True, "due": D},
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
for one in ("due", "overdue"):
    describe(
        S + f"portfolio.{one}",
        Category.DATES,
        who="The learner, while nothing is submitted",
        why=MINE,
        asks=True,
        sample={"task": T, "due": D},
    )
describe(
    S + "portfolio.closing",
    Category.DATES,
    who="The learner, while nothing is submitted",
    why=MINE,
    asks=True,
    sample={"task": T, "closes": D, "automatic": False},
)
describe(
    S + "portfolio.moved",
    Category.DATES,
    who="Each learner whose date moved",
    required=True,
    why=MINE,
    sample={"task": T, "due": D},
)
describe(
    S + "portfolio.not_submitted",
    Category.DATES,
    who="The learner who asked for it",
    required=True,
    asks=True,
    why="You asked us to submit it when the task closed.",
    sample={"task": T, "reasons": ["Every required criterion needs at least one evidence item."]},
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
