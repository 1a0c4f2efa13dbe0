"""Reminders “on the day” of dates that are due by eight in the morning: they leave the morning before."""

from django.db import migrations
from django.db.models import F

from workflows.working_days import fire_time


def move_to_the_morning_before(apps, _schema_editor):
    reminder = apps.get_model("workflows", "Reminder")
    rows = reminder.objects.filter(
        offset="0d", state="planned", deadline__state="open", fire_at=F("deadline__due_at")
    )
    for row in rows.select_related("deadline").iterator():
        at = fire_time(row.deadline.due_at, "0d", row.deadline.zone)
        reminder.objects.filter(pk=row.pk).update(fire_at=at)


class Migration(migrations.Migration):

    dependencies = [
        ('workflows', '0004_openings_by_link'),
    ]

    operations = [
        migrations.RunPython(move_to_the_morning_before, migrations.RunPython.noop),
    ]
