"""Copies of documents are made anew: those made until now still hold metadata of the pictures inside them."""

from django.db import migrations
from django.db.models import Q

DOCUMENTS = ("application/pdf", "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.")


def ask_anew(apps, schema_editor):
    """Documents count as not looked at; the next rounds of the media queue do it, and others see the old copy until then."""
    kinds = Q()
    for start in DOCUMENTS:
        kinds |= Q(copy_type__startswith=start)
    items = apps.get_model("portfolios", "EvidenceItem").objects
    items.filter(kinds, state="ready").update(inspected_at=None)


class Migration(migrations.Migration):
    dependencies = [("portfolios", "0009_double_blind")]

    operations = [migrations.RunPython(ask_anew, migrations.RunPython.noop)]
