"""Exemplars keep what each piece of evidence shows, and what was declared on the use of AI."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assessment', '0011_seeds'),
    ]

    operations = [
        migrations.AddField(
            model_name='exemplar',
            name='ai_use',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='exemplarevidence',
            name='supports',
            field=models.JSONField(db_default=[], default=list),
        ),
    ]
