"""Take personal links out of the clear, and write working days as policies do: "+1wd"."""

from django.db import migrations

from workflows.hashing import seal


def seal_links(apps, schema_editor):
    """A link whose mail is still to leave is encrypted; of the others nothing is kept."""
    notifications = apps.get_model("workflows", "Notification")
    messages = apps.get_model("workflows", "OutboxMessage")
    rows = notifications.objects.filter(path__startswith="/v/")
    waiting = set(
        messages.objects.filter(
            notification__in=rows, state__in=["pending", "failed", "dead"]
        ).values_list("notification", flat=True)
    )
    for row in rows.only("pk", "path").iterator(chunk_size=1000):
        sealed = seal(row.path) if row.pk in waiting else ""
        notifications.objects.filter(pk=row.pk).update(path="/", sealed_path=sealed)


def respell(apps, schema_editor):
    """"+1w" becomes "+1wd", in deadlines and in their reminders."""
    deadlines = apps.get_model("workflows", "Deadline")
    reminders = apps.get_model("workflows", "Reminder")
    old = [
        one
        for one in reminders.objects.order_by().values_list("offset", flat=True).distinct()
        if one.endswith("w")
    ]
    for offset in old:
        reminders.objects.filter(offset=offset).update(offset=f"{offset}d")
    for row in deadlines.objects.only("pk", "offsets").iterator(chunk_size=1000):
        spelt = [f"{one}d" if one.endswith("w") else one for one in row.offsets]
        if spelt != row.offsets:
            deadlines.objects.filter(pk=row.pk).update(offsets=spelt)


class Migration(migrations.Migration):

    dependencies = [
        ("workflows", "0002_sealed_links"),
    ]

    operations = [
        migrations.RunPython(seal_links, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(respell, migrations.RunPython.noop, elidable=True),
    ]
