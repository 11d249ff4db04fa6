from django.db import migrations, models

import tagsync.imports.models.row


class Migration(migrations.Migration):
    """The column is called as the field is in Python.

    Its index stays as it is, name and all: both databases write the new name of the column into it by themselves, and
    to build it anew would take minutes where there are many rows.
    """

    dependencies = [
        ("imports", "0015_params_of_events"),
    ]

    operations = [
        migrations.RenameField(model_name="importrow", old_name="audience_user_id", new_name="customer_id"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex(model_name="importrow", name="row_by_audience_user_id"),
                migrations.AddIndex(
                    model_name="importrow",
                    index=models.Index(
                        tagsync.imports.models.row.Shelf("id"),
                        models.F("customer_id"),
                        condition=models.Q(
                            models.Q(("customer_id", ""), _negated=True),
                            tagsync.imports.models.row.IsShort("customer_id"),
                        ),
                        name="row_by_audience_user_id",
                    ),
                ),
            ],
        ),
    ]
