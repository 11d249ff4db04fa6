"""What a check is asked to check, as one digest, and whether what it staged agrees with that. Changes nothing.

Models call this: it must not import them.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from django.db.models import Count

if TYPE_CHECKING:
    from tagsync.imports.models.job import ImportJob


def asked_sha256(job: ImportJob) -> str:
    """Digest of everything that decides which rows there are and what is sent of each: file, sheet, columns, settings.

    Frozen copies of this stand in migrations: who adds to it computes the stored ones anew there.
    """
    asked = [job.file_sha256, job.sheet, job.header_row, job.columns, job.fixed_tags]
    way = [job.connection_id, job.operation, job.match, job.identify_way]
    return hashlib.sha256(json.dumps([*asked, *way], sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def is_as_asked(job: ImportJob) -> bool:
    """Whether its columns and settings are still those that its check was asked for."""
    return job.asked_sha256 == asked_sha256(job)


def counted(job: ImportJob) -> dict[str, int]:
    """State → rows, from the rows themselves."""
    return dict(job.rows.order_by().values_list("status").annotate(number=Count("id")))


def disagreement(job: ImportJob) -> str:
    """What of a staged import contradicts what, "" when all of it agrees. The caller has locked the import."""
    if not is_as_asked(job):
        return "asked"
    if counted(job) != job.counts:
        return "counts"
    return "" if _tags_agree(job) else "tags"


def _tags_agree(job: ImportJob) -> bool:
    """The tags on the page are those that were counted; without a summary there must be none."""
    shown = dict(job.summary.get("tags", []))
    kept = dict(job.tags.filter(tag__in=shown).values_list("tag", "rows"))
    number, told = job.tags.count(), job.summary.get("tag_count", 0)
    # Of very many tags only the most frequent are kept.
    return kept == shown and (number == told or len(shown) < number < told)
