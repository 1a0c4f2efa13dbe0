"""Who is told what about people at work who confirm."""

from typing import Any

from portfolios.actions.attestation import ATTESTATION_DEADLINE
from portfolios.enums import AttestationState
from portfolios.models import Attestation
from portfolios.selectors import administrators_of, leads_of
from workflows.definitions import (
    describe,
    extra_topics,
    handles,
    quiet,
    reminder_relevant,
    reminder_text,
    still_relevant,
)
from workflows.enums import Category, Frequency
from workflows.models import Deadline, Notification, Reminder, TransitionRecord
from workflows.notifications import notify

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


@still_relevant("portfolios.attestation.link", "portfolios.attestation.reminder")
def link_still_wanted(notification: Notification) -> bool:
    """A link that was taken back or answered before its mail left is not sent."""
    key = notification.dedupe_key.split(":")[2]
    waiting = [AttestationState.REQUESTED, AttestationState.OPENED]
    return bool(Attestation.objects.filter(pk=key, state__in=waiting).exists())


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


# Sent by actions, without a transition of their own.
extra_topics.update({"portfolios.attestation.notice", "portfolios.attestation.reminder"})

T, D = "Workplace portfolio", "Friday 14 August 2026, 5:00 pm"
S = "portfolios."

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
