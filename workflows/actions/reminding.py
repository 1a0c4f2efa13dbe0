"""A person's choice of reminders, and their rows with it."""

from collections.abc import Collection, Mapping

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from workflows.actions.deadlines import WITHOUT, plan_again, reminders_ahead
from workflows.enums import DeadlineState, ReminderState
from workflows.models import Deadline, NonWorkingDay, Reminder, ReminderPreference
from workflows.selectors.offsets import Choices, kinds_for


@transaction.atomic
def choose_reminders(*, actor: User, wanted: Mapping[str, Collection[str]]) -> None:
    """Keep which reminders a person gets of each kind of date, and move their rows with it.

    `wanted` gives, for each kind that was asked about, those chosen of what `kinds_for` offers. What is not
    offered stays as it was; what has gone out stays. A reminder that a concurrent transaction writes by the
    choice before is found when its moment comes, and not sent.
    """
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    before = Choices.of([actor.pk])
    changed = []
    for row in kinds_for(actor):
        if row.kind not in wanted:
            continue
        old = before.without.get((str(actor.pk), row.kind), frozenset())
        new = (old - set(row.offered)) | (set(row.offered) - set(wanted[row.kind]))
        if new != old:
            changed.append(row.kind)
            ReminderPreference.objects.update_or_create(
                user=actor,
                kind=row.kind,
                defaults={"without": sorted(new), "changed_at": timezone.now()},
            )
    if changed:
        follow_choices(actor, changed)


def follow_choices(person: User, kinds: Collection[str]) -> None:
    """Set aside the planned reminders that the person goes without, and plan those that they want again."""
    choices = Choices.of([person.pk])
    mine = Reminder.objects.filter(recipient=person).values("deadline")
    deadlines = list(
        Deadline.objects.select_for_update(no_key=True)
        .filter(pk__in=mine, state=DeadlineState.OPEN, kind__in=kinds)
        .order_by("pk")
    )
    there = [one for one in deadlines if one.people is None or str(person.pk) in one.people]
    calendars = {
        region: NonWorkingDay.objects.calendar(region) for region in {one.region for one in there}
    }
    planned = Reminder.objects.filter(
        recipient=person, state=ReminderState.PLANNED, deadline__in=there
    ).select_related("deadline")
    aside = [row.pk for row in planned if not choices.is_wanted(row)]
    Reminder.objects.filter(pk__in=aside, state=ReminderState.PLANNED).update(
        state=ReminderState.CANCELLED, because=WITHOUT
    )
    fresh = [
        reminder
        for one in there
        for reminder in reminders_ahead(one, [person], calendars[one.region], choices)
    ]
    Reminder.objects.bulk_create(fresh, ignore_conflicts=True)
    plan_again(fresh)
