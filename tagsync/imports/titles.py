"""The title of an import: a name for people, which may change at any time because nothing depends on it."""

from __future__ import annotations

from tagsync.imports.models import ImportJob
from tagsync.imports.models.folded import FoldedField
from tagsync.imports.states import JobStatus
from tagsync.sheets.names import on_one_line

FOLDED: FoldedField = ImportJob._meta.get_field("search_text")


def title_kept(text: str) -> str:
    """On one line and not longer than its column."""
    return on_one_line(text).strip()[:200]


def rename(job: ImportJob, title: str) -> bool:
    """Without a title the file name is shown. False when the import has been discarded meanwhile."""
    job.title = title_kept(title)
    kept = ImportJob.objects.exclude(status=JobStatus.DISCARDED)
    searched = FOLDED.made_of(job.title, job.file_name)
    return bool(kept.filter(pk=job.pk).update(title=job.title, search_text=searched))
