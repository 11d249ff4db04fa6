import re
import unicodedata

from django.db import migrations, models

ROWS_AT_ONCE = 2000
# As `mapping.characters.folded` was when this was written; who changes it there computes the columns anew.
ZERO_WIDTH = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb]"
)


def folded(text):
    composed = unicodedata.normalize("NFKC", ZERO_WIDTH.sub("", text)).casefold()
    return unicodedata.normalize("NFKC", composed)


def fold_names(apps, schema_editor):
    jobs = apps.get_model("imports", "ImportJob").objects.using(schema_editor.connection.alias)
    last = 0
    while piece := list(jobs.filter(pk__gt=last).order_by("pk").values_list("pk", "title", "file_name")[:ROWS_AT_ONCE]):
        last = piece[-1][0]
        write(schema_editor, jobs.model, [(folded(f"{title}\n{name}")[:2000], pk) for pk, title, name in piece])


def fold_tags(apps, schema_editor):
    tags = apps.get_model("imports", "JobTag").objects.using(schema_editor.connection.alias)
    last = 0
    while piece := list(tags.filter(pk__gt=last).order_by("pk").values_list("pk", "tag")[:ROWS_AT_ONCE]):
        last = piece[-1][0]
        write(schema_editor, tags.model, [(folded(tag)[:255], pk) for pk, tag in piece])


def write(schema_editor, model, texts):
    """Several times as fast as bulk_update, and each row once: after a second time PostgreSQL would put off the check
    of its foreign key, and build no index before that."""
    table = schema_editor.quote_name(model._meta.db_table)
    with schema_editor.connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET search_text = %s WHERE id = %s", texts)


class Migration(migrations.Migration):
    """A search looks into columns of its own, folded: the databases do not agree on what is alike."""

    dependencies = [
        ('imports', '0017_reading_of_the_file'),
    ]

    operations = [
        migrations.AddField(
            model_name="importjob",
            name="search_text",
            field=models.TextField(default="", editable=False),
        ),
        migrations.AddField(
            model_name="jobtag",
            name="search_text",
            field=models.TextField(default="", editable=False),
        ),
        migrations.RunPython(fold_names, migrations.RunPython.noop),
        migrations.RunPython(fold_tags, migrations.RunPython.noop),
        migrations.RemoveIndex(model_name="jobtag", name="tag_jobs"),
        migrations.AddIndex(
            model_name="jobtag",
            index=models.Index(fields=["job", "search_text"], name="tag_search"),
        ),
    ]
