"""Which rows of a file are no customers, in words: the same on pages and in what commands say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tagsync.imports.models import ImportJob
from tagsync.imports.sending.row_ranges import as_ranges


class FilePart(NamedTuple):
    label: str
    rows: int


def no_customers(job: ImportJob) -> list[FilePart]:
    """What is not blank and no row of the import: above the customers, with the numbers of the rows, or hidden."""
    header = [number for number in job.heading if number == job.header_row]
    above = [number for number in job.heading if number != job.header_row]
    found = []
    if above:
        text = ngettext("above the header row (row %(rows)s)", "above the header row (rows %(rows)s)", len(above))
        found.append(FilePart(text % {"rows": _spelt(above)}, len(above)))
    if header:
        found.append(FilePart(_("header row (row %(row)s)") % {"row": header[0]}, 1))
    if job.rows_left_hidden:
        found.append(FilePart(_("hidden in the sheet, left out"), job.rows_left_hidden))
    return found


def file_sentence(job: ImportJob) -> str:
    """The rows of the file as a sum."""
    parts = [*no_customers(job), FilePart(_("rows read"), job.total)]
    if job.blank_rows:
        parts.append(FilePart(_("blank"), job.blank_rows))
    text = ngettext("%(rows)s row in the file = %(parts)s.", "%(rows)s rows in the file = %(parts)s.", job.rows_in_file)
    spelt = " + ".join(_("%(rows)s %(label)s") % {"rows": f"{rows:,}", "label": label} for label, rows in parts)
    return text % {"rows": f"{job.rows_in_file:,}", "parts": spelt}


def _spelt(numbers: Sequence[int]) -> str:
    return ", ".join(f"{first}–{last}" if first != last else str(first) for first, last in as_ranges(numbers))
