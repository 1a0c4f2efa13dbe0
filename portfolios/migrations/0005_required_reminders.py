"""Dates of portfolios that were open before reminders could be required get those that their policy requires."""

from collections import defaultdict
from typing import Any

from django.db import migrations
from django.utils import timezone

KEY = "reminder.required_offsets"
# The default of the day on which this was written; a later one is for dates that are made later.
DEFAULT = ["0d"]
KINDS = ("submission", "resubmission")
MANY = 1000


def required_of(portfolio: Any) -> list[str]:
    """The delivery's value, else the version's, else the one that it was approved with, else the default."""
    delivery = portfolio.enrolment.delivery
    for values in (delivery.policy_overrides, delivery.version.policy, delivery.version.approved_policy):
        if KEY in (values or {}):
            return list(values[KEY])
    return DEFAULT


def require(apps: Any, schema_editor: Any) -> None:
    """Write down what is required, and plan again what somebody went without although it is."""
    Deadline = apps.get_model("workflows", "Deadline")
    Reminder = apps.get_model("workflows", "Reminder")
    Portfolio = apps.get_model("portfolios", "Portfolio")
    rows = Deadline.objects.filter(
        subject_type="portfolios.portfolio", kind__in=KINDS, state="open", required=[]
    )
    known = list(rows.order_by("pk").values_list("pk", "subject_id"))
    for start in range(0, len(known), MANY):
        some = known[start : start + MANY]
        found = Portfolio.objects.select_related("enrolment__delivery__version").in_bulk(
            [subject for _key, subject in some]
        )
        alike = defaultdict(list)
        for key, subject in some:
            if subject in found and (wanted := required_of(found[subject])):
                alike[tuple(wanted)].append(key)
        for wanted, keys in alike.items():
            Deadline.objects.filter(pk__in=keys).update(required=list(wanted))
            Reminder.objects.filter(
                deadline__in=keys,
                offset__in=wanted,
                state="cancelled",
                because="The person goes without it.",
                fire_at__gt=timezone.now(),
            ).update(state="planned", because="")


class Migration(migrations.Migration):

    dependencies = [
        ("portfolios", "0004_captions_and_new_links"),
        ("catalogue", "0003_owner_of_minor_changes"),
        ("workflows", "0003_begun_messages"),
    ]

    operations = [
        migrations.RunPython(require, migrations.RunPython.noop, elidable=True),
    ]
