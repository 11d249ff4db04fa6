from django.db import migrations, models

import tagsync.queueing.models


class Migration(migrations.Migration):
    """The row is made behind this and every other migration, by `installation.make`."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                (
                    "identifier",
                    models.CharField(default=tagsync.queueing.models.new_identifier, editable=False, max_length=12),
                ),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_installation")],
            },
        ),
    ]
