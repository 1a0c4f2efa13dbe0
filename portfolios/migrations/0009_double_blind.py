from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portfolios', '0008_counted_pictures'),
    ]

    operations = [
        migrations.AddField(
            model_name='submission',
            name='double_blind',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='hold',
            name='evidence_due_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
