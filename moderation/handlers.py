"""Who is told about moderation, and what follows by itself. No mail names a result, a level or a learner."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import SYSTEM, User
from catalogue.enums import DeliveryRoleKind
from catalogue.models import Delivery, DeliveryRole
from moderation.actions import (
    ACTION_DEADLINE,
    ACTION_OVERDUE,
    MODERATION_DEADLINE,
    about_action,
    about_round,
    come_back,
    keep_severities,
    tell_owners_of_round,
    tell_reader,
    tell_waiting_over,
)
from moderation.enums import EXTENSION, RoundDecision, RoundState, SampleState
from moderation.guards import extension_open
from moderation.models import ExternalReview, ModerationRound, RequiredAction, SampleItem
from moderation.rules import judged_in, leads
from portfolios.models import Submission
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
    reminder_together,
    still_relevant,
    when_moved,
)
from workflows.enums import Category, Frequency
from workflows.models import Deadline, Notification, Reminder, TransitionRecord
from workflows.notifications import notify
from workflows.words import day_in_words, in_words


@offers_outside(
    {
        "moderation.moderationround.opened": "A moderation round was opened",
        "moderation.moderationround.closed": "A moderation round was closed",
    }
)
def whose_round(record: TransitionRecord) -> Concern:
    """Provider and client of the delivery; not what was decided."""
    found = ModerationRound.objects.select_related("delivery__version__micro_credential").get(
        pk=record.subject_id
    )
    delivery = found.delivery
    credential = delivery.version.micro_credential
    owners = {credential.provider_id, delivery.client_id} - {None}
    return Concern(
        frozenset(owners),
        {
            "delivery": delivery.code,
            "micro_credential": credential.code,
            "round": str(found.number),
        },
    )


quiet(
    "moderation.moderationround.opened",
    "moderation.moderationround.frozen",
    because="The lead did it; moderators are told when they have something to read.",
)
quiet(
    "moderation.moderationround.drawn",
    because="Each moderator is told of each item given to them.",
)
quiet(
    "moderation.moderationround.adjustment_approved",
    because="The round's page shows it to the lead, who closes the round.",
)
quiet(
    "moderation.moderationround.resumed",
    "moderation.moderationround.reopened",
    because="What follows gives somebody an item, and that is told.",
)
quiet(
    "moderation.sampleitem.upheld",
    "moderation.sampleitem.adjusted",
    because="Draft until verdict: assessor and learner learn nothing before the round closes.",
)
quiet(
    "moderation.sampleitem.returned",
    because="The assessor is told with the return of the submission.",
)
quiet(
    "portfolios.submission.moderation_entered",
    "portfolios.submission.moderated",
    because="The learner sees 'Being checked' all the time; ratifiers are told once for the round.",
)


def people_with(delivery: Delivery, *roles: DeliveryRoleKind) -> list[User]:
    """Active people with a live part of these kinds in the delivery."""
    rows = DeliveryRole.objects.current().filter(
        delivery=delivery, role__in=roles, user__is_active=True
    )
    return [row.user for row in rows.select_related("user")]


def round_of(record: TransitionRecord) -> ModerationRound:
    found: ModerationRound = ModerationRound.objects.select_related("delivery", "task").get(
        pk=record.subject_id
    )
    return found


def item_of(record: TransitionRecord) -> SampleItem:
    found: SampleItem = SampleItem.objects.select_related(
        "submission", "moderator", "round__delivery", "round__task"
    ).get(pk=record.subject_id)
    return found


@handles("moderation.sampleitem.drawn", tells=["moderation.item_given"])
def tell_moderator(record: TransitionRecord) -> None:
    """The moderator to whom the item was given. Why it was drawn is not said: that would tell the result."""
    item = item_of(record)
    if item.moderator is not None:
        tell_reader(item, record=record, actor=SYSTEM)


@reminder_relevant(MODERATION_DEADLINE)
def still_unread(deadline: Deadline) -> bool:
    """Only while the item waits for its first reading."""
    found = SampleItem.objects.live().filter(pk=deadline.subject_id, state=SampleState.DRAWN)
    return bool(found.exists())


@when_moved(MODERATION_DEADLINE)
def keep_reading_date(deadline: Deadline) -> None:
    """The item shows the date that was counted anew."""
    SampleItem.objects.filter(pk=deadline.subject_id).update(due_at=deadline.due_at)


@reminder_text(MODERATION_DEADLINE, tells=["moderation.item_due"])
def reading_reminder(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """Which set the item belongs to, and until when; never why it was drawn."""
    rows = SampleItem.objects.select_related("round__delivery", "round__task")
    return reading_text(rows.get(pk=row.deadline.subject_id), row)


@reminder_batch(MODERATION_DEADLINE)
def reading_texts(rows: list[Reminder]) -> dict[int, tuple[str, str, dict[str, Any]]]:
    """Both answers for many at once; the same as `still_unread` and `reading_reminder`, in one query."""
    unread = SampleItem.objects.live().filter(
        pk__in={row.deadline.subject_id for row in rows}, state=SampleState.DRAWN
    )
    items = {item.pk: item for item in unread.select_related("round__delivery", "round__task")}
    return {
        row.pk: reading_text(items[row.deadline.subject_id], row)
        for row in rows
        if row.deadline.subject_id in items
    }


def reading_text(item: SampleItem, row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """Which set the item belongs to, and until when; never why it was drawn."""
    due = in_words(row.deadline.due_at, item.round.delivery.zone)
    context = about_round(item.round) | {"due": due, "count": 1}
    return "moderation.item_due", f"/moderate/r/{item.pk}/mark/", context


@reminder_together(MODERATION_DEADLINE)
def reading_reminders(
    rows: list[Reminder],
) -> dict[int, tuple[str, tuple[str, str, dict[str, Any]]]]:
    """One for each person, round and moment, with how much is unread of what is due then. Two queries."""
    items = {
        item.pk: item
        for item in SampleItem.objects.filter(
            pk__in={row.deadline.subject_id for row in rows}
        ).select_related("round__delivery", "round__task")
    }
    unread = Counter(
        SampleItem.objects.live()
        .filter(
            round__in={item.round_id for item in items.values()},
            moderator__in={row.recipient_id for row in rows},
            state=SampleState.DRAWN,
        )
        .values_list("round_id", "moderator_id", "due_at")
    )
    found = {}
    for row in rows:
        item = items[row.deadline.subject_id]
        count = unread[item.round_id, row.recipient_id, row.deadline.due_at] or 1
        topic, path, context = reading_text(item, row)
        if count > 1:
            path = f"/moderate/rounds/{item.round_id}/"
        found[row.pk] = (str(item.round_id), (topic, path, context | {"count": count}))
    return found


@still_relevant("moderation.item_due")
def still_to_remind(notification: Notification) -> bool:
    """Not if nothing of that round is left for the person to read."""
    due = SampleItem.objects.filter(pk=notification.subject_id).first()
    return due is not None and bool(unread_with(due, notification).exists())


def unread_with(item: SampleItem, notification: Notification) -> QuerySet[SampleItem]:
    """What of the item's round the person who is told has still to read."""
    found: QuerySet[SampleItem] = SampleItem.objects.live().filter(
        round=item.round_id, moderator=notification.recipient, state=SampleState.DRAWN
    )
    return found


@still_relevant("moderation.item_given")
def still_to_read(notification: Notification) -> bool:
    """Not if all that was given with it was read, or given to somebody else, meanwhile."""
    given = SampleItem.objects.filter(pk=notification.subject_id).first()
    if given is None:
        return True
    return bool(unread_with(given, notification).filter(draw=given.draw).exists())


@handles("moderation.sampleitem.scored", tells=["moderation.waiting_over"])
def tell_who_waited(record: TransitionRecord) -> None:
    """Moderators whose items waited for an extension, when the last of it has been read. Nobody else is told."""
    item = item_of(record)
    if item.reasons == [EXTENSION]:
        tell_waiting_over(item.round, besides=item)


@still_relevant("moderation.waiting_over")
def still_waits(notification: Notification) -> bool:
    """Not if all was decided meanwhile, or the sample is being extended again."""
    found = ModerationRound.objects.filter(pk=notification.subject_id).first()
    reader = notification.recipient
    if found is None or reader is None or extension_open(found):
        return False
    waits = Q(state=SampleState.SCORED, moderator=reader)
    if leads(found, reader):
        waits |= Q(state=SampleState.ESCALATED)
    return bool(found.items.live().filter(waits).exists())


@handles("moderation.sampleitem.escalated", tells=["moderation.item_escalated"])
def tell_lead(record: TransitionRecord) -> None:
    """The lead moderators decide."""
    item = item_of(record)
    notify(
        topic="moderation.item_escalated",
        recipients=people_with(item.round.delivery, DeliveryRoleKind.LEAD_MODERATOR),
        record=record,
        path=f"/moderate/r/{item.pk}/compare/",
        context=about_round(item.round) | {"reference": item.submission.reference},
    )


@handles("moderation.sampleitem.assessed_again", tells=["moderation.item_back"])
def tell_that_it_is_back(record: TransitionRecord) -> None:
    """The moderator compares again; the lead may too."""
    item = item_of(record)
    notify(
        topic="moderation.item_back",
        recipients=[item.moderator] if item.moderator else [],
        record=record,
        path=f"/moderate/r/{item.pk}/compare/",
        context=about_round(item.round) | {"reference": item.submission.reference},
    )


@handles("moderation.moderationround.decided", tells=["moderation.second_approver_asked"])
def ask_second_approver(record: TransitionRecord) -> None:
    """Moderators of the delivery who could stand for an adjustment of the set. Other decisions tell nobody."""
    found = round_of(record)
    if found.decision != RoundDecision.ADJUST_SET:
        return
    people = people_with(
        found.delivery,
        DeliveryRoleKind.LEAD_MODERATOR,
        DeliveryRoleKind.MODERATOR,
        DeliveryRoleKind.EXTERNAL_MODERATOR,
    )
    notify(
        topic="moderation.second_approver_asked",
        recipients=[
            one for one in people if one.pk != found.decided_by_id and not judged_in(found, one)
        ],
        record=record,
        path=f"/moderate/rounds/{found.pk}/",
        context=about_round(found),
    )


@still_relevant("moderation.second_approver_asked")
def still_to_approve(notification: Notification) -> bool:
    record = notification.record
    return record is None or bool(
        ModerationRound.objects.filter(
            pk=record.subject_id, state=RoundState.DECIDED, approved_by__isnull=True
        ).exists()
    )


@handles(
    "moderation.moderationround.closed",
    tells=["moderation.round_closed", "moderation.action_given"],
)
def tell_ratifiers(record: TransitionRecord) -> None:
    """A set is ready to be ratified; owners of actions have something to do."""
    found = round_of(record)
    tell_owners_of_round(found, record=record, actor=SYSTEM)
    notify(
        topic="moderation.round_closed",
        recipients=people_with(found.delivery, DeliveryRoleKind.RATIFIER),
        record=record,
        path="/ratify/",
        context=about_round(found),
    )


@lies_in(MODERATION_DEADLINE)
def deliveries_of_items(keys: Iterable[Any]) -> dict[Any, Any]:
    """Where each item of a sample lies."""
    return dict(SampleItem.objects.filter(pk__in=keys).values_list("pk", "round__delivery"))


@reminder_relevant(ACTION_DEADLINE, ACTION_OVERDUE)
def still_to_do(deadline: Deadline) -> bool:
    """Only while the lead has not closed the action."""
    return bool(RequiredAction.objects.open().filter(pk=deadline.subject_id).exists())


@reminder_text(ACTION_DEADLINE, tells=["moderation.action_due"])
def action_reminder(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """Which round or meeting asks, and until when; what it asks for stands on the page."""
    action = action_of(row.deadline)
    context = about_action(action) | {"due": day_in_words(action.due_on)}
    return "moderation.action_due", f"/moderate/actions/{action.pk}/", context


@reminder_text(ACTION_OVERDUE, tells=["moderation.action_overdue"])
def overdue_action(row: Reminder) -> tuple[str, str, dict[str, Any]]:
    """To the lead moderators: whose action is late, and since when."""
    action = action_of(row.deadline)
    context = about_action(action) | {
        "due": day_in_words(action.due_on),
        "owner": action.owner.name,
    }
    return "moderation.action_overdue", f"/moderate/actions/{action.pk}/", context


def action_of(deadline: Deadline) -> RequiredAction:
    rows = RequiredAction.objects.select_related(
        "round__delivery", "round__task", "meeting__task", "owner"
    )
    found: RequiredAction = rows.get(pk=deadline.subject_id)
    return found


@still_relevant("moderation.external_invited")
def still_open_to_outside(notification: Notification) -> bool:
    """Not once the access was revoked or is over: the address would be a missing page."""
    key = notification.path.rstrip("/").rpartition("/")[2]
    found = ExternalReview.objects.filter(
        pk=key, revoked_at__isnull=True, closes_at__gt=timezone.now()
    )
    return bool(found.exists())


@handles("portfolios.submission.assessed", "portfolios.submission.adjudicated", tells=[])
def take_back_into_round(record: TransitionRecord) -> None:
    """Work that a round waits for enters it again. Draft until verdict: nobody is told of a decision."""
    found = Submission.objects.filter(pk=record.subject_id).first()
    if found is not None:
        come_back(found)


SET = {"task": "Workplace portfolio", "delivery": "Winter cohort", "number": 1}
READS = "You moderate in this delivery."
M = "moderation."
describe(
    M + "item_given",
    Category.MODERATION,
    who="The moderator",
    why=READS,
    asks=True,
    frequency=Frequency.DAILY,
    sample={**SET, "due": "", "count": 3},
)
describe(
    M + "item_due",
    Category.MODERATION,
    who="The moderator, while it is not read",
    why=READS,
    asks=True,
    sample={**SET, "due": "Friday 14 August 2026, 5:00 pm", "count": 3},
)
describe(
    M + "waiting_over",
    Category.MODERATION,
    who="Moderators whose items waited for an extension; lead moderators for what was escalated",
    why=READS,
    asks=True,
    sample={**SET, "count": 3},
)
for one, who in (("item_escalated", "Lead moderators"), ("item_back", "The moderator")):
    describe(
        M + one,
        Category.MODERATION,
        who=who,
        why=READS,
        asks=True,
        sample={**SET, "reference": "MOD-2026-7K4W9"},
    )
describe(
    M + "second_approver_asked",
    Category.MODERATION,
    who="Moderators who judged none of the set",
    why=READS,
    asks=True,
    sample=SET,
)
describe(
    M + "round_closed",
    Category.SIGN_OFF,
    who="Ratifiers",
    readers=frozenset({"ratifier"}),
    why="You ratify in this delivery.",
    asks=True,
    frequency=Frequency.DAILY,
    sample=SET,
)
for one in ("action_given", "action_due"):
    describe(
        M + one,
        Category.MODERATION,
        who="The owner of the action",
        why="A moderation round or a standardisation meeting gave you something to do.",
        asks=True,
        sample={**SET, "meeting": "", "due": "Friday 14 August 2026"},
    )
describe(
    M + "action_overdue",
    Category.MODERATION,
    who="Lead moderators, while a late action is open",
    why="You lead moderation in this delivery.",
    asks=True,
    sample={**SET, "meeting": "", "due": "Friday 14 August 2026", "owner": "Ada Assessor"},
)
describe(
    M + "external_invited",
    Category.MODERATION,
    who="Somebody from outside who may look at a round",
    why="You were asked to look at a moderation round.",
    asks=True,
    sample={**SET, "since": "Monday 3 August 2026", "until": "Friday 14 August 2026"},
)
describe(
    M + "external_report",
    Category.MODERATION,
    who="Whoever invited the external moderator",
    why="You asked an external moderator to look at a round.",
    sample=SET,
)
extra_topics.update({M + "external_invited", M + "external_report"})
each_round("keep_severities")(keep_severities)
