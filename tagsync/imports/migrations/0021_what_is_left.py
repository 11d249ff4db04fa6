"""What became of the failures of each import is kept with it, so that lists need not count rows."""

from collections import Counter

from django.db import migrations, models
from django.db.models import Count

# As they were when these columns came; the program has its own by now.
ENDED = ("stopped", "blocked", "finished")
FAILURES = ("rejected", "in_doubt", "to_fix")


def count_what_is_left(apps, schema_editor):
    """What became of the failures of imports that there are."""
    ImportJob = apps.get_model("imports", "ImportJob")
    corrected = {}
    for pk, original in ImportJob.objects.exclude(corrects=None).order_by("pk").values_list("pk", "corrects"):
        corrected.setdefault(original, []).append(pk)
    ended = ImportJob.objects.filter(status__in=ENDED).order_by("pk")
    for pk, original, counts in list(ended.values_list("pk", "corrects", "counts")):
        if any(counts.get(state) for state in FAILURES):
            later = [other for other in corrected.get(original, []) if other > pk]
            ImportJob.objects.filter(pk=pk).update(**left_of(apps, pk, corrected, later))


def left_of(apps, pk, corrected, later):
    Problem, ImportRow = apps.get_model("imports", "Problem"), apps.get_model("imports", "ImportRow")
    own = accepted_for(ImportRow, corrected.get(pk, []), corrected)
    in_their_place = accepted_for(ImportRow, later, corrected)
    problems = {one.pk: one for one in Problem.objects.filter(job=pk)}
    rows = ImportRow.objects.filter(job=pk, status__in=FAILURES)
    failed = Counter(dict_of(rows.order_by().values_list("problem", "status").annotate(Count("pk"))))
    fixed = Counter()
    if own or in_their_place:
        for number, corrects, problem, status in rows.values_list("row_number", "corrects_row", "problem", "status"):
            if number in own or corrects in in_their_place:
                fixed[problem, status] += 1
    settled, left, to_owner = 0, Counter(), 0
    for (problem, state), number in (failed - fixed).items():
        found = problems.get(problem)
        if found is not None and found.settled_at is not None:
            settled += number
            continue
        left[problem] += number
        is_owners = state == "to_fix" or (found is not None and found.code == "row_too_large")
        to_owner += number if is_owners else 0
    biggest = sorted(((problem, number) for problem, number in left.items() if problem), key=lambda one: (-one[1], one[0]))
    return {
        "fixed_failures": fixed.total(),
        "settled_failures": settled,
        "left_to_owner": to_owner,
        "left_to_admins": left.total() - to_owner,
        "left_causes": [[problem, number] for problem, number in biggest[:3]],
    }


def accepted_for(ImportRow, corrections, corrected):
    """The numbers of the rows that these corrections, or corrections of them, brought to the platform."""
    found = set()
    for pk in corrections:
        again = accepted_for(ImportRow, corrected.get(pk, []), corrected)
        rows = ImportRow.objects.filter(job=pk, corrects_row__isnull=False)
        found.update(rows.filter(status="accepted").values_list("corrects_row", flat=True))
        if again:
            pairs = rows.exclude(status="accepted").values_list("row_number", "corrects_row")
            found.update(corrects for number, corrects in pairs if number in again)
    return found


def dict_of(rows):
    return {(problem, state): number for problem, state, number in rows}


class Migration(migrations.Migration):

    dependencies = [
        ('imports', '0020_saved_drafts'),
    ]

    operations = [
        migrations.AddField(
            model_name='importjob',
            name='fixed_failures',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='importjob',
            name='left_causes',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='importjob',
            name='left_to_admins',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='importjob',
            name='left_to_owner',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='importjob',
            name='settled_failures',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.RunPython(count_what_is_left, migrations.RunPython.noop, elidable=True),
    ]
