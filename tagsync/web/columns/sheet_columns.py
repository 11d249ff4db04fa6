"""The columns of the sheet as the page shows them: what stands in them, where they go, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.forms import BoundField
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from tagsync.imports.drafts.saved_mappings import fields_of
from tagsync.imports.drafts.sheet_view import SheetView
from tagsync.imports.problems import sentence
from tagsync.mapping.fields import CUSTOMER_ID, IDENTIFIERS
from tagsync.mapping.matching import ENOUGH_VALUES, Suggestion
from tagsync.sheets.cells import Cell, Kind, Row, column_letter
from tagsync.web.columns.forms import ColumnsForm, field_label, field_name, missing, taken_twice

SAMPLES = 3
SAMPLE_CHARACTERS = 24
CELL_CHARACTERS = 40
PREVIEW_ROWS = 8
ROWS_ABOVE_HEADER = 4
# More columns that are not sent are folded away.
MOST_UNSENT = 8


class Note(NamedTuple):
    """How a column came to its field. `suggested`: the label of a field that one press would choose."""

    tone: str
    icon: str
    text: str
    suggested: str = ""


@dataclass(frozen=True)
class ColumnCard:
    column: int
    header: str
    filled: int
    seen: int
    samples: list[str]
    select: BoundField
    chosen: str | None
    note: Note
    hidden: bool

    @property
    def letter(self) -> str:
        return column_letter(self.column)


@dataclass(frozen=True)
class PreviewRow:
    number: int
    is_header: bool
    is_above: bool
    is_hidden: bool
    cells: list[str]


class Gap(NamedTuple):
    title: str
    advice: str


@dataclass(frozen=True)
class Standing:
    """What is still missing, or what the choice amounts to."""

    gaps: list[Gap]
    identifiers: list[str]
    tag_columns: list[str]
    fixed_tags: str
    open_columns: list[str]

    @property
    def is_complete(self) -> bool:
        return not self.gaps


def column_cards(view: SheetView, form: ColumnsForm) -> list[ColumnCard]:
    chosen = form.chosen()
    owners = _first_owners(chosen)
    remembered = _remembered(view)
    return [
        _card(view, suggestion, form, chosen, owners, remembered.get(suggestion.column))
        for suggestion in view.suggestions
    ]


def folded(cards: Sequence[ColumnCard]) -> list[ColumnCard]:
    """Those that are not sent and ask for nothing, when they are many."""
    quiet = [card for card in cards if not (card.chosen or card.note.suggested or card.select.errors)]
    return quiet if len(quiet) > MOST_UNSENT else []


def _remembered(view: SheetView) -> dict[int, str | None]:
    if view.remembered is None:
        return {}
    return fields_of(view.remembered, {suggestion.column: suggestion.header for suggestion in view.suggestions})


def standing(chosen: Mapping[int, str | None], fixed_tags: str, cards: Sequence[ColumnCard]) -> Standing:
    owners = _first_owners(chosen)
    doubles = [key for column, key in chosen.items() if key and key != "tags" and owners[key] != column]
    gone = missing(list(chosen.values()), fixed_tags)
    problems = [("field_taken_twice", key) for key in dict.fromkeys(doubles)] + gone
    sentences = [sentence(code, {"field": key}) for code, key in problems]
    return Standing(
        gaps=[Gap(one.title, one.advice) for one in sentences],
        identifiers=[field_label(key) for key in IDENTIFIERS if key in owners],
        tag_columns=[column_letter(column) for column, key in chosen.items() if key == "tags"],
        fixed_tags=fixed_tags,
        open_columns=[column_letter(card.column) for card in cards if card.note.suggested],
    )


def preview_rows(view: SheetView) -> list[PreviewRow]:
    """A few rows above the header, the header, the first rows below it."""
    columns = [suggestion.column for suggestion in view.suggestions]
    above = [row for row in view.preview.rows if row.number < view.header_row][-ROWS_ABOVE_HEADER:]
    header = [row for row in view.preview.rows if row.number == view.header_row]
    return [
        PreviewRow(
            number=row.number,
            is_header=row.number == view.header_row,
            is_above=row.number < view.header_row,
            is_hidden=row.hidden,
            cells=[shown(row.cells.get(column)) for column in columns],
        )
        for row in [*above, *header, *view.body[:PREVIEW_ROWS]]
    ]


def shown(cell: Cell | None, characters: int = CELL_CHARACTERS) -> str:
    """A cell in a few characters, on one line."""
    if cell is None:
        return ""
    if cell.kind is Kind.FORMULA:
        return _("(formula without a saved result)")
    return Truncator(" ".join(cell.text.split())).chars(characters)


def _first_owners(chosen: Mapping[int, str | None]) -> dict[str, int]:
    owners: dict[str, int] = {}
    for column, key in chosen.items():
        if key:
            owners.setdefault(key, column)
    return owners


def _card(
    view: SheetView,
    suggestion: Suggestion,
    form: ColumnsForm,
    chosen: Mapping[int, str | None],
    owners: Mapping[str, int],
    remembered: str | None,
) -> ColumnCard:
    column, body = suggestion.column, view.body
    return ColumnCard(
        column=column,
        header=suggestion.header,
        filled=sum(column in row.cells for row in body),
        seen=len(body),
        samples=list(_samples(body, column)),
        select=form[field_name(column)],
        chosen=chosen[column],
        note=_note(suggestion, chosen[column], owners, remembered),
        hidden=column in view.preview.hidden_columns,
    )


def _samples(body: Sequence[Row], column: int) -> Iterator[str]:
    texts = dict.fromkeys(text for row in body if (text := shown(row.cells.get(column), SAMPLE_CHARACTERS)))
    yield from list(texts)[:SAMPLES]


def _note(suggestion: Suggestion, chosen: str | None, owners: Mapping[str, int], remembered: str | None) -> Note:
    if chosen:
        return _note_of_chosen(suggestion, chosen, owners[chosen], remembered)
    key = suggestion.field
    if key is None or suggestion.exact:
        return Note("muted", "eye-off", _("Will not be sent"))
    label = field_label(key)
    if key == "tags" and key in owners:
        joined = _("Will not be sent. Its tags could be joined with those of column %(column)s.")
        return Note("info", "sparkles", joined % {"column": column_letter(owners[key])}, suggested=label)
    if key in owners:
        taken = _("Will not be sent. It looks like “%(field)s”, which column %(column)s already gives.")
        return Note("muted", "eye-off", taken % {"field": label, "column": column_letter(owners[key])})
    return Note("info", "sparkles", _reason(suggestion), suggested=label)


def _note_of_chosen(suggestion: Suggestion, chosen: str, owner: int, remembered: str | None) -> Note:
    if owner != suggestion.column and chosen == "tags":
        return Note(
            "ok", "circle-check", _("Joined with the tags of column %(column)s") % {"column": column_letter(owner)}
        )
    if owner != suggestion.column:
        return Note("bad", "circle-x", taken_twice(chosen, owner))
    if suggestion.contradicts(chosen):
        doubt = _("Check this column: %(fitting)s of %(values)s values look like “%(field)s”.")
        return Note("warn", "triangle-alert", doubt % _figures(suggestion, suggestion.looks_like))
    if chosen == CUSTOMER_ID and suggestion.values >= ENOUGH_VALUES and not suggestion.looks_as(chosen):
        doubt = _(
            "Check this column: the platform's customer IDs usually have 17 or 18 digits; most values here do not. "
            "If it is another number of yours, choose not to send it."
        )
        return Note("warn", "triangle-alert", doubt)
    if suggestion.exact and suggestion.field == chosen:
        return Note("ok", "circle-check", _("Matched by its header"))
    if remembered == chosen:
        return Note("ok", "circle-check", _("As saved"))
    if suggestion.field == chosen:
        return Note("ok", "circle-check", _("Suggestion used"))
    return Note("ok", "circle-check", _("Chosen by you"))


def _figures(suggestion: Suggestion, key: str) -> dict[str, object]:
    return {"fitting": suggestion.fitting, "values": suggestion.values, "field": field_label(key)}


def _reason(suggestion: Suggestion) -> str:
    texts = {
        "contains": _("Is this “%(field)s”? The header contains “%(name)s”."),
        "similar": _("Is this “%(field)s”? The header is spelt almost like “%(name)s”."),
        "content": _("Is this “%(field)s”? %(fitting)s of %(values)s values look like it."),
    }
    text = texts.get(suggestion.reason, _("Is this “%(field)s”?"))
    return text % {**_figures(suggestion, str(suggestion.field)), "name": suggestion.matched}
