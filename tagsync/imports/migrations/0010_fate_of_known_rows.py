"""What the new columns say of imports that there are: their order, and which rows a call of unknown fate has carried."""

from functools import reduce
from operator import or_

from django.db import migrations
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber


def number_confirmations(apps, schema_editor):
    """Ranks by first confirmation. None is above the connection's counter, which every start has moved on."""
    ImportJob = apps.get_model("imports", "ImportJob")
    confirmed = ImportJob.objects.filter(first_confirmed_at__isnull=False, connection__isnull=False)
    ranks = confirmed.annotate(
        rank=Window(RowNumber(), partition_by="connection", order_by=[F("first_confirmed_at").asc(), F("pk").asc()])
    )
    for pk, rank in ranks.values_list("pk", "rank"):
        ImportJob.objects.filter(pk=pk).update(first_queue_number=rank)


def mark_unanswered(apps, schema_editor):
    Delivery, ImportRow = apps.get_model("imports", "Delivery"), apps.get_model("imports", "ImportRow")
    unknown = Delivery.objects.filter(Q(outcome__in=("unanswered", "worker_died")) | Q(state="sending"), row_count__gt=0)
    for job, ranges, at, created_at in unknown.values_list("job", "row_ranges", "answered_at", "created_at"):
        numbers = reduce(or_, (Q(row_number__range=(first, last)) for first, last in ranges))
        rows = ImportRow.objects.filter(numbers, job=job).exclude(status="accepted")
        rows.update(unanswered_at=at or created_at)


class Migration(migrations.Migration):

    dependencies = [("imports", "0009_fate_of_rows")]

    operations = [
        migrations.RunPython(number_confirmations, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(mark_unanswered, migrations.RunPython.noop, elidable=True),
    ]
