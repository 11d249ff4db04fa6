"""What the check counted, kept true while repairs take rows into what will be sent and out of it.

Only what these rows touch is counted anew. Warnings about whole columns stay those of the check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tagsync.imports.check.duplicates import CONTENT_BITS, content_of
from tagsync.imports.check.summary import (
    LOOK_ALIKES_SHOWN,
    TAGS_KEPT,
    TAGS_SHOWN,
    fingerprint,
    present,
)
from tagsync.imports.models import ImportJob, JobTag
from tagsync.mapping.lookalikes import look_alikes

Values = Mapping[str, str]


def retally(job: ImportJob, come: Iterable[Values], gone: Iterable[Values]) -> None:
    """`come` and `gone`: the values of rows that will, and that will no longer, be sent.

    Changes `summary` and `content_sha256` of `job`, which the caller has locked and saves, and writes its tags.
    """
    come, gone = list(come), list(gone)
    if not come and not gone:
        return
    summary = job.check_summary
    content = int(summary["content"], 16) + _content(come) - _content(gone)
    sets = Counter({tuple(keys): rows for keys, rows in summary["identifiers"]})
    sets.update(present(values) for values in come)
    sets.subtract(present(values) for values in gone)
    summary["content"] = hex(content % 2**CONTENT_BITS)
    summary["identifiers"] = [(list(keys), rows) for keys, rows in (+sets).items()]
    _retally_tags(job, come, gone)
    job.content_sha256 = fingerprint(job, content)


def _content(rows: Iterable[Values]) -> int:
    return sum(int.from_bytes(content_of(values), "big") for values in rows)


def _retally_tags(job: ImportJob, come: Iterable[Values], gone: Iterable[Values]) -> None:
    change = Counter(tag for values in come for tag in values["tags"].split(","))
    change.subtract(tag for values in gone for tag in values["tags"].split(","))
    changed = {tag: rows for tag, rows in change.items() if rows}
    if not changed:
        return
    kept = {one.tag: one for one in JobTag.objects.filter(job=job, tag__in=changed)}
    for tag, one in kept.items():
        one.rows += changed[tag]
    JobTag.objects.bulk_update([one for one in kept.values() if one.rows > 0], ["rows"], batch_size=500)
    JobTag.objects.filter(pk__in=[one.pk for one in kept.values() if one.rows <= 0]).delete()
    # Beyond the kept ones nobody knows in how many rows a tag stands.
    if job.check_summary["tag_count"] <= TAGS_KEPT:
        new = [JobTag(job=job, tag=tag, rows=rows) for tag, rows in changed.items() if tag not in kept and rows > 0]
        JobTag.objects.bulk_create(new, batch_size=2000)
    _tell_tags(job)


def _tell_tags(job: ImportJob) -> None:
    tags = dict(JobTag.objects.filter(job=job).order_by("-rows", "pk").values_list("tag", "rows"))
    if job.check_summary["tag_count"] <= TAGS_KEPT:
        job.check_summary["tag_count"] = len(tags)
    job.check_summary["tags"] = list(tags.items())[:TAGS_SHOWN]
    job.check_summary["look_alikes"] = look_alikes(tags)[:LOOK_ALIKES_SHOWN]
