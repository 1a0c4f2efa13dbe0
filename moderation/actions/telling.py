"""What somebody is to read or do, told to the person: the date with its reminders, and one message for all."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Actor, User
from catalogue.actions import when
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery, DeliveryRole
from moderation.enums import RoundState, SampleState
from moderation.guards import extension_open
from moderation.models import Meeting, ModerationRound, RequiredAction, SampleItem
from workflows.actions import pass_on, set_deadline
from workflows.models import Deadline, TransitionRecord
from workflows.notifications import notify
from workflows.words import day_in_words
from workflows.working_days import at_wall

MODERATION_DEADLINE = "moderation"
ACTION_DEADLINE = "action"
ACTION_OVERDUE = "action_overdue"
DECIDES_ITEMS = (RoundState.REVIEWING, RoundState.REOPENED)


def about_round(moderation_round: ModerationRound) -> dict[str, object]:
    """What messages about a round say of it."""
    return {
        "task": moderation_round.task.title,
        "delivery": moderation_round.delivery.title,
        "number": moderation_round.number,
    }


def tell_reader(item: SampleItem, *, actor: Actor, record: TransitionRecord | None = None) -> None:
    """Set the reading date of an item, for its moderator alone, and tell them.

    With the record of the draw: one message for everything that the draw gave this person, with how much.
    Without: the item was given on, and the message is of its own. Reminders of whoever had it end.
    """
    reader = item.moderator
    if reader is None:
        return
    delivery = item.round.delivery
    if item.due_at is not None:
        set_deadline(
            subject=item,
            kind=MODERATION_DEADLINE,
            due_at=item.due_at,
            zone=delivery.time_zone,
            region=delivery.region,
            recipients=[reader],
            offsets=["-48h", "+1wd"],
            actor=actor,
        )
    count, anchor = 1, f"{item.pk}:{item.allocated_at}"
    if record is not None:
        together = SampleItem.objects.filter(round=item.round_id, draw=item.draw, moderator=reader)
        count, anchor = together.count(), f"{item.round_id}:{item.draw}"
    notify(
        topic="moderation.item_given",
        recipients=[reader],
        record=record,
        subject=None if record is not None else item,
        dedupe=anchor,
        path=f"/moderate/r/{item.pk}/mark/" if count == 1 else f"/moderate/rounds/{item.round_id}/",
        context=about_round(item.round)
        | {"due": item.due_at.isoformat() if item.due_at else "", "count": count},
    )


def tell_waiting_over(
    moderation_round: ModerationRound, *, besides: SampleItem | None = None
) -> None:
    """What waited for an extension can be decided: once for each extension, each moderator and the leads.

    A moderator hears of items that they had read, `besides` the one just read; the lead of escalated ones.
    Nobody is told while more is to be drawn or read.
    """
    if extension_open(moderation_round) or moderation_round.state not in DECIDES_ITEMS:
        return
    waited = moderation_round.items.live()
    if besides is not None:
        waited = waited.exclude(pk=besides.pk)
    mine: dict[User, list[SampleItem]] = {}
    for item in waited.filter(state=SampleState.SCORED, moderator__isnull=False).select_related(
        "moderator"
    ):
        mine.setdefault(item.moderator, []).append(item)
    escalated = list(waited.filter(state=SampleState.ESCALATED))
    for person in leading([moderation_round.delivery_id]) if escalated else ():
        mine.setdefault(person, []).extend(escalated)
    for person, items in mine.items():
        alone = len(items) == 1
        notify(
            topic="moderation.waiting_over",
            recipients=[person],
            subject=moderation_round,
            dedupe=f"{moderation_round.pk}:{len(moderation_round.draws)}",
            path=f"/moderate/r/{items[0].pk}/compare/"
            if alone
            else f"/moderate/rounds/{moderation_round.pk}/",
            context=about_round(moderation_round) | {"count": len(items)},
        )


def about_action(action: RequiredAction) -> dict[str, object]:
    """What messages about an action say of who asks for it: a round, or the meeting of a day."""
    if action.round is not None:
        return about_round(action.round) | {"meeting": ""}
    assert action.meeting is not None  # noqa: S101  a constraint of the database
    return {"task": action.task.title, "meeting": f"{action.meeting.held_on:%-d %B %Y}"}


def leading(deliveries: Iterable[Any]) -> list[User]:
    """Active people who lead moderation in one of these deliveries."""
    rows = DeliveryRole.objects.current().filter(
        delivery__in=deliveries, role=DeliveryRoleKind.LEAD_MODERATOR, user__is_active=True
    )
    return list(User.objects.filter(pk__in=rows.values("user_id")))


def of_same_credential(meeting: Meeting) -> QuerySet[Delivery]:
    """Every delivery of the micro-credential whose standard the meeting settled, newest first."""
    found: QuerySet[Delivery] = Delivery.objects.filter(
        version__micro_credential=meeting.task.version.micro_credential_id
    ).order_by("-starts_on", "-pk")
    return found


@when("parts_changed")
def pass_overdue_on(*, delivery: Delivery, **facts: Any) -> None:
    """Who leads now hears of actions that are overdue, also who came later; who left does not."""
    credential = delivery.version.micro_credential_id
    rows = RequiredAction.objects.open().filter(
        Q(round__delivery=delivery) | Q(meeting__task__version__micro_credential=credential)
    )
    waiting = {one.pk: one for one in rows.select_related("round", "meeting__task__version")}
    for deadline in Deadline.objects.open().filter(kind=ACTION_OVERDUE, subject_id__in=waiting):
        action = waiting[deadline.subject_id]
        meeting = action.meeting
        pass_on(
            deadline,
            leading(of_same_credential(meeting).values("pk") if meeting else [delivery.pk]),
        )


def tell_owners_of_round(found: ModerationRound, *, record: TransitionRecord, actor: Actor) -> None:
    """Owners of what a closed round asks for. Reminders keep to the delivery's clock and holidays."""
    _tell_owners(
        found.actions.open().select_related("owner", "round__delivery", "round__task"),
        found.delivery,
        leading([found.delivery_id]),
        record=record,
        actor=actor,
    )


def tell_owners_of_meeting(meeting: Meeting, *, actor: Actor) -> None:
    """Owners of what a signed record asks for. Reminders keep to the clock of the newest delivery."""
    same = of_same_credential(meeting)
    _tell_owners(
        meeting.required_actions.open().select_related("owner", "meeting__task"),
        same[0],
        leading(same.values("pk")),
        actor=actor,
    )


def _tell_owners(
    rows: Iterable[RequiredAction],
    delivery: Delivery,
    leads: list[User],
    *,
    actor: Actor,
    record: TransitionRecord | None = None,
) -> None:
    """Each owner once, with the earliest date; each action has a deadline with reminders of its own.

    What is still open after its day goes to the lead moderators too: it keeps deliveries from opening.
    """
    first: dict[User, RequiredAction] = {}
    for action in rows:
        for kind, people, offsets in (
            (ACTION_DEADLINE, [action.owner], ["-7d", "-48h", "0d", "+1wd", "+3wd"]),
            (ACTION_OVERDUE, leads, ["+3wd", "+10wd"]),
        ):
            set_deadline(
                subject=action,
                kind=kind,
                due_at=at_wall(dt.datetime.combine(action.due_on, dt.time(17)), delivery.zone),
                zone=delivery.time_zone,
                region=delivery.region,
                recipients=people,
                offsets=offsets,
                actor=actor,
            )
        known = first.setdefault(action.owner, action)
        if action.due_on < known.due_on:
            first[action.owner] = action
    for owner, action in first.items():
        notify(
            topic="moderation.action_given",
            recipients=[owner],
            record=record,
            subject=None if record is not None else action.meeting,
            path="/moderate/actions/",
            context=about_action(action) | {"due": day_in_words(action.due_on)},
        )
