"""The title of an import: a name for people, which may change at any time because nothing depends on it."""

from __future__ import annotations

from tagsync.imports.models import ImportJob


def rename(job: ImportJob, title: str) -> None:
    """Without a title the file name is shown."""
    job.title = title.strip()[:200]
    job.save(update_fields=["title"])
