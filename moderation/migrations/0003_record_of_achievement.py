from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('moderation', '0002_actions_of_meetings'),
    ]

    operations = [
        migrations.AddField(
            model_name='externalreview',
            name='achievement_record',
            field=models.CharField(blank=True, db_default='', max_length=300),
        ),
    ]
