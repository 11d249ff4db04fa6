from django.db import migrations


class Migration(migrations.Migration):
    """Exports and notices have rooms of their own. Their tables stay where they are: no statement is run."""

    dependencies = [
        ("imports", "0013_fence_of_events"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="Export"),
                migrations.DeleteModel(name="Notice"),
            ],
        ),
    ]
