"""The model forgets `pre_moderation_checklist`: answers are kept by PreModeration, and nothing reads it.

The column stays, with a default in the database, so that the code from before goes on writing while this runs, and
so that what was answered then is not lost.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalogue', '0004_kept_definition'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.AlterField(
                    model_name='microcredentialversion',
                    name='pre_moderation_checklist',
                    field=models.JSONField(blank=True, default=dict, db_default=models.Value({}, models.JSONField())),
                ),
            ],
            state_operations=[
                migrations.RemoveField(
                    model_name='microcredentialversion',
                    name='pre_moderation_checklist',
                ),
            ],
        ),
    ]
