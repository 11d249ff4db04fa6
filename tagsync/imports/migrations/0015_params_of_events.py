from django.db import migrations, models

ROWS_AT_ONCE = 2000
# act → what the number in `why` was
NUMBERS = {"retry": "rows", "late_answer": "rows", "repair": "repair", "undo_repair": "repair"}


def take_numbers_out(apps, schema_editor):
    events = apps.get_model("imports", "JobEvent").objects.using(schema_editor.connection.alias)
    last = 0
    while piece := list(events.filter(act__in=NUMBERS, pk__gt=last).order_by("pk")[:ROWS_AT_ONCE]):
        last = piece[-1].pk
        told = [event for event in piece if event.why.isdecimal()]
        for event in told:
            event.params, event.why = {NUMBERS[event.act]: int(event.why)}, ""
        events.bulk_update(told, ["params", "why"])


def put_numbers_back(apps, schema_editor):
    events = apps.get_model("imports", "JobEvent").objects.using(schema_editor.connection.alias)
    last = 0
    while piece := list(events.filter(act__in=NUMBERS, pk__gt=last).order_by("pk")[:ROWS_AT_ONCE]):
        last = piece[-1].pk
        for event in piece:
            event.why = str(event.params.get(NUMBERS[event.act], ""))
        events.bulk_update(piece, ["why"])


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0014_exports_and_notices_move"),
    ]

    operations = [
        migrations.AddField(
            model_name="jobevent",
            name="params",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.RunPython(take_numbers_out, put_numbers_back),
    ]
