"""An import that was started again with other settings: the same file once more, of which only those rows are sent that
the first import has not brought to the platform. Its rows are those with the same numbers. Changes nothing.
"""

from __future__ import annotations

from tagsync.imports.check.corrections import Original
from tagsync.imports.models import ImportJob
from tagsync.imports.states import RowStatus
from tagsync.mapping.rows import Checked, Note


def is_started_again(job: ImportJob) -> bool:
    """Whether it is the same sheet of the same file as the import that it corrects.

    Who uploads a file once more and has what was accepted left out can take that back: that is a repair.
    """
    first = job.corrects
    return first is not None and is_same_file(job, first) and not job.repairs.filter(earlier=first).exists()


def is_same_file(job: ImportJob, other: ImportJob) -> bool:
    """Then rows of the same number are the same rows."""
    return (job.file_sha256, job.sheet) == (other.file_sha256, other.sheet)


class StaysOut:
    """Which rows are not sent again, whatever other settings make of their values."""

    def __init__(self) -> None:
        self._delivered: set[int] = set()

    def state_of(self, checked: Checked, original: Original) -> tuple[RowStatus, tuple[Note, ...]] | None:
        """Its state, and why; None when it is checked like any other."""
        about: dict[str, str | int] = {"import": original.import_id, "row": original.row_number}
        if original.status == RowStatus.ACCEPTED:
            return self._out(original, Note("accepted_before", None, None, "", about))
        if original.fixed is not None:
            return self._out(original, Note("fixed_before", None, None, "", about))
        if original.status == RowStatus.LEFT_OUT:
            # The first of several may have left it out because one before had brought it to the platform.
            kept = [note for note in original.notes if note.code in ("accepted_before", "fixed_before")]
            return self._out(original, *kept) if kept else _left_out(Note("left_out_before", None, None, "", about))
        if original.status == RowStatus.SUPERSEDED:
            return _left_out(*original.notes)
        if self._is_twin_of_delivered(checked, original):
            return RowStatus.DUPLICATE, original.notes
        return None

    def _out(self, original: Original, *why: Note) -> tuple[RowStatus, tuple[Note, ...]]:
        self._delivered.add(original.row_number)
        return _left_out(*why)

    def _is_twin_of_delivered(self, checked: Checked, original: Original) -> bool:
        """It was not sent because an earlier row says the same; as long as it does, that one was sent for both."""
        if original.status != RowStatus.DUPLICATE or checked.values != original.values:
            return False
        return any(note.params.get("row") in self._delivered for note in original.notes)


def _left_out(*why: Note) -> tuple[RowStatus, tuple[Note, ...]]:
    return RowStatus.LEFT_OUT, why
