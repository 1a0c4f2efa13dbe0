"""Pictures on a page that carry no description: counted from now on, when pages are drawn."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("portfolios", "0006_names_and_discussions")]

    operations = [
        migrations.AddField(
            model_name="renditionpart",
            name="undescribed",
            field=models.PositiveSmallIntegerField(default=0, db_default=0),
        ),
    ]
