from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalogue', '0006_names_of_tasks'),
    ]

    operations = [
        migrations.AddField(
            model_name='assessmenttask',
            name='marking_minutes',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
    ]
