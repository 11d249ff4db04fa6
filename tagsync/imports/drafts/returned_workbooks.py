"""What an export writes into a workbook besides the sheet, and by which it is known when it comes back, corrected: the
columns behind those of the sheet, and a key. Knows no file and no page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from django.conf import settings
from django.core import signing
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tagsync.accounts.models import Person
from tagsync.imports.drafts.saved_mappings import fields_of
from tagsync.imports.models import ImportJob, SavedMapping
from tagsync.mapping.matching import column_name, header_kept, header_key
from tagsync.sheets.cells import Row

KEY_SHEET = "tagsync"
_SALT = "tagsync.export"
# A sheet may have a column of its own that is called like one of them; so many together are no accident.
ENOUGH_ADDED = 3


class Key(NamedTuple):
    """Which import the rows are of, and the header of the column with their row numbers."""

    import_id: int
    number_header: str


def added_headers() -> tuple[str, ...]:
    """The names of the columns that an export adds, in the active language and in their order: row numbers first."""
    advice = pgettext("about a failed row", "What to do")
    return (_("Row in the sheet"), _("State"), _("Reason"), advice, _("Tries"))


@cache
def _added_keys() -> list[tuple[str, ...]]:
    """The same of every language, as `header_key` has them."""
    found = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found.append(tuple(map(header_key, added_headers())))
    return found


def added_columns(headers: dict[int, str]) -> dict[int, str]:
    """Column → name of those that an export has written behind the sheet's own, in whatever language.

    They are no columns of the sheet: nobody is asked about them, and what is remembered of the sheet has none of them.
    """
    found: dict[int, str] = {}
    for number, *others in _added_keys():
        start = max((column for column, header in headers.items() if header_key(header) == number), default=None)
        if start is None:
            continue
        places = {header_key(header): column for column, header in reversed(headers.items()) if column > start}
        here = [start, *(places[other] for other in others if other in places)]
        if len(here) >= ENOUGH_ADDED:
            found |= {column: headers[column] for column in sorted(here)}
    return found


def written(key: Key) -> str:
    return signing.dumps(list(key), salt=_SALT)


def read(text: str) -> Key | None:
    """None for what this installation has not signed."""
    try:
        import_id, number_header = signing.loads(text, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return Key(int(import_id), str(number_header))


def import_of(key: Key, person: Person) -> ImportJob | None:
    """The import that the workbook was made from, if this person may see it."""
    return ImportJob.objects.visible_to(person).filter(pk=key.import_id).select_related("connection").first()


def header_row(key: Key, rows: Iterable[Row]) -> int | None:
    """The number of the row that holds the header of the row numbers."""
    named = (row for row in rows if any(header_kept(cell.text) == key.number_header for cell in row.cells.values()))
    return next((row.number for row in named), None)


def fields(original: ImportJob, headers: Mapping[int, str]) -> dict[int, str | None]:
    """Column → field as the import had it, by header.

    Where the sheet had no names for its columns, the export has named them by their letters.
    """
    named = [{**column, "header": column_name(column["header"], column["column"])} for column in original.columns]
    return fields_of(SavedMapping(columns=named), headers)


def number_column(key: Key, headers: dict[int, str]) -> int | None:
    """The last column of this name: a sheet may have had one before."""
    return next((column for column, header in reversed(headers.items()) if header == key.number_header), None)
