from django.db import migrations, models


class Migration(migrations.Migration):
    """A limit of rows said nothing of bytes, and stayed for good: what is stored of it is forgotten."""

    dependencies = [
        ("connections", "0007_sandbox_is_here"),
    ]

    operations = [
        migrations.RemoveField(model_name="connection", name="effective_rows_per_call"),
        migrations.AddField(
            model_name="connection",
            name="max_body_bytes",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
    ]
