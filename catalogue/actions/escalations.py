"""Who else hears when something is overdue, by delivery."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
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
from workflows.models import Reminder
from workflows.notifications import Draft
from workflows.working_days import days_after

OVERDUE = "catalogue.deadline.overdue"
MAY_HEAR = (DeliveryRoleKind.LEAD_MODERATOR, DeliveryRoleKind.ADMINISTRATOR)
PATHS = {
    DeliveryRoleKind.LEAD_MODERATOR: "/moderate/",
    DeliveryRoleKind.ADMINISTRATOR: "/manage/deliveries/{}/board/",
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


def tell_others(rows: Sequence[Reminder]) -> list[Draft]:
    """Drafts for those who hear of reminders of overdue things that go out now.

    They are written with the reminder, so that they are as sure, and once in a generation, as it is. Whoever
    is reminded anyway is not told twice.
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
    wanted = {
        (one.delivery_id, one.kind): one
        for one in Escalation.objects.filter(delivery__in={place for _row, place in found})
        if one.roles
    }
    if not wanted:
        return []
    people = people_of({place for place, _kind in wanted})
    deliveries = Delivery.objects.in_bulk({place for place, _kind in wanted})
    drafts = []
    for row, place in found:
        rule = wanted.get((place, row.deadline.kind))
        if rule is None or days_after(row.offset) < rule.after:
            continue
        told = {row.recipient_id}
        for role in rule.roles:
            for person in people[place, role]:
                if person.pk in told:
                    continue
                told.add(person.pk)
                drafts.append(draft_for(row, deliveries[place], DeliveryRoleKind(role), person))
    return drafts


def draft_for(row: Reminder, delivery: Delivery, role: DeliveryRoleKind, person: User) -> Draft:
    due = row.deadline.due_at.astimezone(delivery.zone)
    return Draft(
        topic=OVERDUE,
        recipient=person,
        path=PATHS[role].format(delivery.pk),
        context={
            "what": OverdueKind(row.deadline.kind).label,
            "delivery": delivery.title,
            "due": f"{due:%A} {due.day} {due:%B} {due.year}",
        },
        lane=Lane.REMINDER,
        anchor=f"overdue:{row.deadline_id}:{row.offset}:{row.generation}",
        subject=(row.deadline.subject_type, row.deadline.subject_id),
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
