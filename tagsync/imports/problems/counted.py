"""Sentences for how many rows ended in a state that is not "accepted": the same on pages, in notices and in letters."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import ngettext

from tagsync.imports.states import RowStatus

_TEXTS: dict[RowStatus, Callable[[int], str]] = {
    RowStatus.REJECTED: lambda rows: ngettext(
        "%(rows)s row was rejected by the platform.", "%(rows)s rows were rejected by the platform.", rows
    ),
    RowStatus.IN_DOUBT: lambda rows: ngettext(
        "%(rows)s row is in doubt: the platform may or may not have taken it.",
        "%(rows)s rows are in doubt: the platform may or may not have taken them.",
        rows,
    ),
    RowStatus.SUPERSEDED: lambda rows: ngettext(
        "%(rows)s row was superseded by a newer import.", "%(rows)s rows were superseded by a newer import.", rows
    ),
    RowStatus.TO_FIX: lambda rows: ngettext(
        "%(rows)s row has to be fixed in the sheet and was not sent.",
        "%(rows)s rows have to be fixed in the sheet and were not sent.",
        rows,
    ),
}
# In the order in which they are told.
NOT_ACCEPTED = tuple(_TEXTS)


def counted_sentence(status: RowStatus, rows: int) -> str:
    """Of one of NOT_ACCEPTED; `rows` is at least 1."""
    return _TEXTS[status](rows) % {"rows": f"{rows:,}"}
