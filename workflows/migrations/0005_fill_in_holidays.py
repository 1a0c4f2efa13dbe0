"""Fill the calendar with public holidays and regional anniversaries of 2024 to 2036."""

from django.db import migrations

from workflows.working_days import computed_days


def fill_in(apps, schema_editor):
    days = apps.get_model("workflows", "NonWorkingDay")
    days.objects.bulk_create(
        days(
            day=day,
            name=name,
            kind="anniversary" if region else "holiday",
            region=region,
            source="rule",
        )
        for day, name, region in computed_days(2024, 2036)
    )


class Migration(migrations.Migration):

    dependencies = [
        ("workflows", "0004_working_days"),
    ]

    operations = [
        migrations.RunPython(fill_in, migrations.RunPython.noop, elidable=True),
    ]
