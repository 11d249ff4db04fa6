from django.db import migrations, models
from django.db.migrations.recorder import MigrationRecorder

import tagsync.queueing.models


def forget_django_rq(apps, schema_editor):
    """It made no table, and is no longer installed: what remains are migrations that nobody has on the disk."""
    MigrationRecorder(schema_editor.connection).migration_qs.filter(app="django_rq").delete()


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
        migrations.RunPython(forget_django_rq, migrations.RunPython.noop),
    ]
