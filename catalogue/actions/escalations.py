"""Who else hears when something is overdue, by delivery."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.enums import OrganisationRole
from accounts.models import Membership, User
from catalogue import rules
from catalogue.enums import DeliveryRoleKind, OverdueKind
from catalogue.models import Delivery, DeliveryRole, Escalation
from workflows.definitions import places
from workflows.enums import Lane
from workflows.exceptions import NotPermitted
from workflows.models import Notification, Reminder
from workflows.notifications import Draft
from workflows.words import day_in_words
from workflows.working_days import days_after

OVERDUE = "catalogue.deadline.overdue"
RESTS = timedelta(minutes=1)
"""So long the mail waits for what other batches of its moment bring; a mail that has left counts no more in."""
MAY_HEAR = (DeliveryRoleKind.LEAD_MODERATOR, DeliveryRoleKind.ADMINISTRATOR)
PATHS = {
    DeliveryRoleKind.LEAD_MODERATOR: "/moderate/",
    DeliveryRoleKind.ADMINISTRATOR: "/manage/deliveries/{}/board/",
}
MANY = {
    OverdueKind.SUBMISSION: "learners have not submitted",
    OverdueKind.RESUBMISSION: "learners have not sent further evidence",
    OverdueKind.MARKING: "submissions are not marked",
    OverdueKind.MODERATION: "items of a sample are not read",
    OverdueKind.EXTENSION_DECISION: "requests for more time are not answered",
}


@transaction.atomic
def set_escalations(
    delivery: Delivery, *, chosen: Mapping[str, tuple[int, Sequence[str]]], actor: User
) -> None:
    """Keep, for each kind, from how many days on which parts hear of it. Nobody chosen: nobody hears.

    Counts for what goes out from now on.
    """
    if not rules.is_programme_administrator(actor, delivery):
        raise NotPermitted
    for kind, (after, roles) in chosen.items():
        Escalation.objects.update_or_create(
            delivery=delivery,
            kind=OverdueKind(kind),
            defaults={
                "after": after,
                "roles": [one for one in MAY_HEAR if one in roles],
                "changed_by": actor,
                "changed_at": timezone.now(),
            },
        )


@dataclass(frozen=True)
class Overdue:
    """What comes to a person in one notice: things of a kind in a delivery whose reminder goes at one moment."""

    delivery: Any
    kind: str
    offset: str
    moment: datetime
    person: Any

    @property
    def anchor(self) -> str:
        """The part of the notification's key between topic and recipient."""
        at = f"{self.moment.timestamp():.0f}"
        return f"overdue:{self.kind}:{self.delivery}:{self.offset}:{at}"

    @property
    def key(self) -> str:
        return f"{OVERDUE}:{self.anchor}:{self.person}"


def tell_others(rows: Sequence[Reminder]) -> list[Draft]:
    """Drafts for those who hear of reminders of overdue things that go out now; one for all of a moment.

    They are written with the reminders, so that they are as sure as these are. Whoever is reminded anyway is
    not told of that thing. What another batch of the same moment brings is counted in the notice that is there:
    sweeps that have overdue things of one kind in a delivery come here one after the other.
    """
    by_kind: dict[str, list[Reminder]] = defaultdict(list)
    for row in rows:
        if row.deadline.kind in places and row.deadline.kind in OverdueKind.values:
            by_kind[row.deadline.kind].append(row)
    found: list[tuple[Reminder, Any]] = []
    for kind, some in by_kind.items():
        where = places[kind]({row.deadline.subject_id for row in some})
        found += [
            (row, where[row.deadline.subject_id])
            for row in some
            if row.deadline.subject_id in where
        ]
    wanted = rules_held({(place, row.deadline.kind) for row, place in found})
    if not wanted:
        return []
    people = people_of({place for place, _kind in wanted})
    gathered: dict[Overdue, list[Reminder]] = defaultdict(list)
    hearers: dict[Overdue, tuple[str, User]] = {}
    for row, place in found:
        kind = row.deadline.kind
        rule = wanted.get((place, kind))
        if rule is None or days_after(row.offset) < rule.after:
            continue
        told = {row.recipient_id}
        for role in rule.roles:
            for person in people[place, role]:
                if person.pk in told:
                    continue
                told.add(person.pk)
                about = Overdue(place, kind, row.offset, row.fire_at, person.pk)
                gathered[about].append(row)
                hearers.setdefault(about, (role, person))
    deliveries = Delivery.objects.in_bulk({place for place, _kind in wanted})
    known = count_in_known(gathered)
    return [
        draft_for(about, some, deliveries[about.delivery], *hearers[about])
        for about, some in gathered.items()
        if about.key not in known
    ]


def rules_held(about: Collection[tuple[Any, str]]) -> dict[tuple[Any, str], Escalation]:
    """Who is to hear of these kinds in these deliveries; held until the caller's commit, always in one order.

    Two sweeps that looked for the notice of a moment at once would both find none: the one written second is
    dropped by its key, and what it counted with it.
    """
    rows = Escalation.objects.filter(
        delivery__in={place for place, _kind in about}, kind__in={kind for _place, kind in about}
    )
    held = rows.order_by("pk").select_for_update(no_key=True)
    return {
        (one.delivery_id, one.kind): one
        for one in held
        if one.roles and (one.delivery_id, one.kind) in about
    }


def count_in_known(gathered: Mapping[Overdue, Sequence[Reminder]]) -> set[str]:
    """Count these things in the notices of their moment that are there already; gives the keys of those."""
    counts = {about.key: (about, len(some)) for about, some in gathered.items()}
    rows = list(Notification.objects.filter(dedupe_key__in=list(counts)))
    for row in rows:
        about, more = counts[row.dedupe_key]
        number = int(row.context["number"]) + more
        row.context |= {"number": number, "what": what_is_overdue(about.kind, number)}
    if rows:
        Notification.objects.bulk_update(rows, ["context"])
    return {row.dedupe_key for row in rows}


def what_is_overdue(kind: str, number: int) -> str:
    return OverdueKind(kind).label if number == 1 else f"{number} {MANY[OverdueKind(kind)]}"


def draft_for(
    about: Overdue, rows: Sequence[Reminder], delivery: Delivery, role: str, person: User
) -> Draft:
    """The notice; where it speaks of several things, of the date that is longest ago."""
    due = min(row.deadline.due_at for row in rows).astimezone(delivery.zone)
    one = rows[0].deadline
    return Draft(
        topic=OVERDUE,
        recipient=person,
        path=PATHS[DeliveryRoleKind(role)].format(delivery.pk),
        context={
            "what": what_is_overdue(about.kind, len(rows)),
            "number": len(rows),
            "delivery": delivery.title,
            "due": day_in_words(due),
        },
        lane=Lane.REMINDER,
        anchor=about.anchor,
        subject=(one.subject_type, one.subject_id),
        rests=RESTS,
    )


def people_of(deliveries: set[Any]) -> dict[tuple[Any, str], list[User]]:
    """Who holds these parts now; administrators of the provider administer each of its deliveries. Two queries."""
    found: dict[tuple[Any, str], list[User]] = defaultdict(list)
    parts = DeliveryRole.objects.current().filter(
        delivery__in=deliveries, role__in=MAY_HEAR, user__is_active=True
    )
    for part in parts.select_related("user"):
        found[part.delivery_id, part.role].append(part.user)
    members = (
        Membership.objects.current()
        .filter(role=OrganisationRole.ADMINISTRATOR, user__is_active=True)
        .annotate(place=F("organisation__micro_credentials__versions__deliveries"))
        .filter(place__in=deliveries)
    )
    for member in members.select_related("user"):
        found[member.place, DeliveryRoleKind.ADMINISTRATOR].append(member.user)
    return found
