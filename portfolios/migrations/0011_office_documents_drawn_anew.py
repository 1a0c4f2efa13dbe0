"""Office documents are drawn again, some each night: headers of spreadsheets and numbers of charts were left out."""

from django.db import migrations

OFFICE = ("application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.")


def ask_anew(apps, schema_editor):
    """They count as drawn by an earlier version; what there is stays until the new pages are there."""
    made = apps.get_model("portfolios", "Rendition").objects.filter(state="made")
    for start in OFFICE:
        made.filter(media_type__startswith=start).update(counted=False)


class Migration(migrations.Migration):
    dependencies = [("portfolios", "0010_copies_of_documents_anew")]

    operations = [migrations.RunPython(ask_anew, migrations.RunPython.noop)]
