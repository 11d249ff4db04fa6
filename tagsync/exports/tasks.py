"""What RQ may call of this room. A doorway: an id in, one call, out."""

from __future__ import annotations

from tagsync.exports import lifecycle
from tagsync.schema import only_when_it_fits


@only_when_it_fits
def run_export(export_id: int) -> None:
    """Write an export, if it waits for that."""
    lifecycle.make(export_id)
