import re
import unicodedata

from django.db import migrations, models
from django.db.models import F

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
    while piece := list(jobs.filter(pk__gt=last).order_by("pk").only("title", "file_name")[:ROWS_AT_ONCE]):
        last = piece[-1].pk
        for job in piece:
            job.search_text = folded(f"{job.title}\n{job.file_name}")[:2000]
        jobs.bulk_update(piece, ["search_text"])


def fold_tags(apps, schema_editor):
    """Most are as they were, and are copied by the database itself."""
    tags = apps.get_model("imports", "JobTag").objects.using(schema_editor.connection.alias)
    last = 0
    while piece := list(tags.filter(pk__gt=last).order_by("pk")[:ROWS_AT_ONCE]):
        for one in piece:
            one.search_text = folded(one.tag)[:255]
        others = [one for one in piece if one.search_text != one.tag]
        # No row twice: PostgreSQL would put off the check of its foreign key, and build no index before that.
        rest = tags.filter(pk__gt=last, pk__lte=piece[-1].pk).exclude(pk__in=[one.pk for one in others])
        rest.update(search_text=F("tag"))
        tags.bulk_update(others, ["search_text"])
        last = piece[-1].pk


class Migration(migrations.Migration):
    """A search looks into columns of its own, folded: the databases do not agree on what is alike."""

    dependencies = [
        ("imports", "0016_customer_id"),
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
