"""What each check was asked to check, as a digest; of known checks it is what their columns and settings say now."""

import hashlib
import json

from django.db import migrations, models

ROWS_AT_ONCE = 500


def asked_sha256(job):
    asked = [job.file_sha256, job.sheet, job.header_row, job.columns, job.fixed_tags]
    way = [job.connection_id, job.operation, job.match, job.identify_way]
    return hashlib.sha256(json.dumps([*asked, *way], sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def fill_in(apps, schema_editor):
    """Of what may still be started."""
    ImportJob = apps.get_model("imports", "ImportJob")
    checked = ImportJob.objects.filter(status__in=("checking", "ready", "unreadable"))
    for job in checked.iterator(ROWS_AT_ONCE):
        ImportJob.objects.filter(pk=job.pk).update(asked_sha256=asked_sha256(job))


class Migration(migrations.Migration):

    dependencies = [
        ("imports", "0010_fate_of_known_rows"),
    ]

    operations = [
        migrations.AddField(
            model_name="importjob",
            name="asked_sha256",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
    ]
