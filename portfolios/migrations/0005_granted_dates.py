"""Copy dates that were granted before the column was there."""

from django.db import migrations


def copy(apps, schema_editor):
    requests = apps.get_model("portfolios", "ExtensionRequest")
    portfolios = apps.get_model("portfolios", "Portfolio")
    granted = requests.objects.filter(
        state__in=["approved", "changed"], granted_until__isnull=False, portfolio__attempt=1
    ).order_by("decided_at")
    for row in granted.iterator(chunk_size=1000):
        portfolios.objects.filter(pk=row.portfolio_id).update(granted_until=row.granted_until)


class Migration(migrations.Migration):

    dependencies = [
        ("portfolios", "0004_granted_and_automatic"),
    ]

    operations = [
        migrations.RunPython(copy, migrations.RunPython.noop, elidable=True),
    ]
