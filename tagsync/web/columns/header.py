"""Which row holds the column names: what can be chosen, and what is to be asked about the choice."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tagsync.imports.drafts.sheet_view import SheetView
from tagsync.mapping.matching import HEADER_SEARCH_ROWS, customer_column
from tagsync.sheets.cells import Row
from tagsync.web.columns.sheet_columns import shown

ROW_CHARACTERS = 48
CELLS_SHOWN = 6


class HeaderChoice(NamedTuple):
    row: int
    label: str
    is_chosen: bool


class HeaderQuestion(NamedTuple):
    """`row`: what the button chooses, 0 for a sheet without column names. `is_doubt`: a customer may be lost."""

    title: str
    text: str
    button: str
    row: int
    is_doubt: bool


def header_choices(view: SheetView) -> list[HeaderChoice]:
    """No row at all, or one of the first, each with what stands in it."""
    rows = [row for row in view.preview.rows[:HEADER_SEARCH_ROWS] if row.number != view.header_row]
    rows += [row for row in view.preview.rows if row.number == view.header_row]
    named = [
        HeaderChoice(row.number, _("Row %(row)s: %(cells)s") % _told(row), row.number == view.header_row)
        for row in sorted(rows)
    ]
    return [HeaderChoice(0, _("There is no header row"), not view.header_row), *named]


def header_question(view: SheetView, seen: SheetView) -> HeaderQuestion | None:
    """None when nothing speaks against the choice. `seen`: the same sheet as it may be quoted."""
    quoted = {row.number: row for row in seen.preview.rows}
    if view.header_row:
        lost = [row for row in view.preview.rows if row.number <= view.header_row and customer_column(row) is not None]
        return _are_lost(len(lost), quoted[lost[0].number]) if lost else None
    first = view.body[0] if view.body else None
    return _is_header(quoted[first.number], customer_column(first) is None) if first else None


def _is_header(first: Row, is_doubt: bool) -> HeaderQuestion:
    return HeaderQuestion(
        _("This sheet has no header row: row %(row)s is treated as a customer and sent like the others.")
        % _told(first),
        _("Row %(row)s says: %(cells)s. If these are the column names, choose “Row %(row)s is the header row”.")
        % _told(first),
        _("Row %(row)s is the header row") % _told(first),
        first.number,
        is_doubt,
    )


def _are_lost(rows: int, first: Row) -> HeaderQuestion:
    title = ngettext(
        "A row that looks like a customer will not be sent: it is the header row or above it.",
        "%(n)s rows that look like customers will not be sent: they are in or above the header row.",
        rows,
    )
    return HeaderQuestion(
        title % {"n": rows},
        _("Row %(row)s says: %(cells)s. If it is a customer, choose “There is no header row”, or another row.")
        % _told(first),
        _("There is no header row"),
        0,
        is_doubt=True,
    )


def _told(row: Row) -> dict[str, object]:
    texts = [text for column in sorted(row.cells) if (text := shown(row.cells[column]))]
    return {"row": row.number, "cells": Truncator(" · ".join(texts[:CELLS_SHOWN])).chars(ROW_CHARACTERS)}
