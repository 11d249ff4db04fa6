"""A row of the sheet becomes five values, or all of its problems at once. A person's bad data is a value here.

Must not know other rows (duplicates are found above), sentences, or anything of Django.
"""

from collections.abc import Mapping
from typing import NamedTuple

from tagsync.mapping.characters import is_visible, storable
from tagsync.mapping.cleaning import EXCEL_EXACT_DIGITS, PLACEHOLDER_IN_IDENTIFIER, Params, clean_shown_tags
from tagsync.mapping.fields import CUSTOMER_ID, FIELDS, IDENTIFIERS
from tagsync.sheets.cells import Cell, Kind, Row

LONGER_THAN_HEADER = "row_longer_than_header"

# Every code a note can carry. Each stops its row; the two about the column are found when all of it is read.
CODES = {
    LONGER_THAN_HEADER: "a row of a text file with more cells than columns; the value is all of them as typed",
    "no_identifier": "no customer ID, openid, unionid or phone in the row",
    "no_tags": "no tag in the row; a delete without tags might mean all of them",
    "error_cell": "Excel shows an error here, such as #N/A",
    "formula_without_value": "a formula whose result was never saved in the file",
    "format_not_understood": "shown in a number format (format) that we don't reproduce; the value is what is stored",
    "cell_not_decoded": "not a text in the encoding of its file, or a likelier one in another encoding",
    "text_behind_quote": "of a row with text behind a closing quotation mark: where its cells end is unknown",
    "line_is_remark": "a comment, or text that no delimiter cuts, among the rows of a text file",
    "characters_lost": "nothing but question marks or U+FFFD, or what these become when read wrongly",
    "masked_value": "an identifier with its middle hidden, as our own exports show it",
    "number_too_long": "a number of 16 or more digits, or with an exponent: Excel has lost its last digits",
    "date_in_identifier": "Excel holds a date where an identifier belongs",
    "boolean_in_identifier": "Excel holds TRUE or FALSE where an identifier belongs",
    "date_in_tags": "Excel holds a date where tags belong, and has changed what was typed",
    "boolean_in_tags": "Excel holds TRUE or FALSE where tags belong",
    "customer_id_invalid": "not 1 to max_characters visible characters without spaces, or mere zeros",
    "openid_invalid": "not min_characters to max_characters letters, digits, _ or -",
    "unionid_invalid": "not min_characters to max_characters letters, digits, _ or -",
    PLACEHOLDER_IN_IDENTIFIER: "a word or dash (placeholder) for nothing, and no usable identifier beside it",
    "placeholder_in_tags": "a word or dash (placeholder) for nothing among the tags; only a person knows if it is one",
    "in_wrong_column": "looks like a value of another field (other: its key)",
    "id_ends_in_zeros": "so many long IDs end in zeros that Excel must have cut their last digits",
    "id_too_short": "shorter than the other IDs of the column, which begin with a zero: Excel has cut it off",
    "phone_invalid": "neither a mainland mobile nor + with 6 to 15 digits",
    "control_character": "holds a character that cannot be shown or was damaged",
    "tag_too_long": "a tag has more than max_characters characters",
}


class Note(NamedTuple):
    code: str
    field: str | None
    column: int | None  # zero-based
    value: str  # as typed: personal data
    params: Params


class Change(NamedTuple):
    """What cleaning did to one cell; `code` is a key of `cleaning.CHANGES`."""

    code: str
    field: str
    column: int  # zero-based
    before: str
    after: str


class Checked(NamedTuple):
    row_number: int
    values: dict[str, str]
    notes: tuple[Note, ...]
    changes: tuple[Change, ...] = ()


# What a row lacks, rather than what is wrong with one of its cells.
_MISSING = ("no_identifier", "no_tags")
_EMPTY = dict.fromkeys(FIELDS, "")
_PLAIN = {field.key: field.plain.fullmatch for field in FIELDS.values()}


def is_blank(row: Row) -> bool:
    """No visible text anywhere. A formula without a value is not blank: something was meant to stand there."""
    return not any(cell.kind is Kind.FORMULA or is_visible(cell.text) for cell in row.cells.values())


def check_row(row: Row, columns: Mapping[int, str], fixed_tags: str = "") -> Checked:
    """The row's values and every problem it has; a row without notes can be sent.

    `columns`: zero-based column -> field key, each field at most once, but tags as often as wanted. Values hold all
    five keys: clean where that field is fine, as typed where not, "" when empty; the tags of all columns and then
    `fixed_tags` (clean ones) are joined with a comma, each once.
    """
    values = _EMPTY.copy()
    notes: list[Note] = []
    changes: list[Change] = []
    cells = row.cells
    for column, key in columns.items():
        cell = cells.get(column)
        if cell is None:
            continue
        if (cell.kind is Kind.TEXT or _is_exact_number(cell)) and _PLAIN[key](cell.text):
            text = cell.text
        else:
            text = _check_cell(cell, key, column, notes, changes)
        values[key] = join_tags(values[key], text) if key == "tags" and values[key] else text
    if fixed_tags:
        values["tags"] = join_tags(values["tags"], fixed_tags)
    has_identifier = values[CUSTOMER_ID] or values["phone"] or values["openid"] or values["unionid"]
    if notes or not has_identifier or not values["tags"]:
        emptied = _empty_placeholders(values, notes)
        changes.extend(
            Change("placeholder_emptied", note.field or "", note.column or 0, note.value, "") for note in emptied
        )
        _note_missing(columns, values, notes, _typed_tags(row, columns))
    return Checked(row.number, values, tuple(notes), tuple(changes))


def check_sent(row: Row, columns: Mapping[int, str], fixed_tags: str = "") -> Checked:
    """`check_row` for a file that we wrote of what was sent: its values were clean, and are what they are.

    Cleaned once more they might become others: a tag `5.0` that a person saw and meant is no `5`.
    """
    values = _EMPTY.copy()
    for column, key in columns.items():
        text = storable(row.cells[column].text) if column in row.cells else ""
        values[key] = join_tags(values[key], text) if key == "tags" and values[key] and text else text or values[key]
    if fixed_tags:
        values["tags"] = join_tags(values["tags"], fixed_tags)
    notes: list[Note] = []
    _note_missing(columns, values, notes, "")
    return Checked(row.number, values, tuple(notes))


def check_again(
    checked: Checked, field: str, text: str, columns: Mapping[int, str], fixed_tags: str = "", meant: str = ""
) -> Checked:
    """The row after a person typed `text` into one of its fields: what stood there is forgotten, what the other
    fields say still holds. Typed tags stand for those of all columns; `fixed_tags` still come after them. `meant`:
    a tag that looks like a placeholder, of which she says that it is a tag.
    """
    is_tags = field == "tags"
    cleaned = clean_shown_tags(text, meant) if is_tags else FIELDS[field].clean(Cell(Kind.TEXT, text))
    typed = storable(text)
    value = typed if cleaned.flaws else cleaned.value
    if is_tags and value and fixed_tags:
        value = join_tags(value, fixed_tags)
    column = next((column for column, key in columns.items() if key == field), None)
    kept = [note for note in checked.notes if note.field != field and note.code not in _MISSING]
    notes = [*kept, *(Note(flaw.code, field, column, typed, flaw.params) for flaw in cleaned.flaws)]
    values = checked.values | {field: value}
    _empty_placeholders(values, notes)
    _note_missing(columns, values, notes, typed if is_tags else "")
    return Checked(checked.row_number, values, tuple(notes))


def join_tags(*lists: str) -> str:
    """Clean tags of several cells as one list, each tag once, in their order."""
    return ",".join(dict.fromkeys(tag for tags in lists if tags for tag in tags.split(",")))


def _is_exact_number(cell: Cell) -> bool:
    return cell.kind is Kind.NUMBER and len(cell.text) <= EXCEL_EXACT_DIGITS and cell.text.isdigit()


def _check_cell(cell: Cell, key: str, column: int, notes: list[Note], changes: list[Change]) -> str:
    cleaned = FIELDS[key].clean(cell)
    if not cleaned.flaws:
        for code in cleaned.changes:
            changes.append(Change(code, key, column, storable(cell.text), cleaned.value))
        return cleaned.value
    typed = storable(cell.text)
    notes.extend(Note(flaw.code, key, column, typed, flaw.params) for flaw in cleaned.flaws)
    return typed


def _typed_tags(row: Row, columns: Mapping[int, str]) -> str:
    column = next((column for column, key in columns.items() if key == "tags"), None)
    return storable(row.cells[column].text) if column in row.cells else ""


def _empty_placeholders(values: dict[str, str], notes: list[Note]) -> list[Note]:
    """Beside a usable identifier, what stands for nothing in another one is nothing. Returns the notes about it."""
    noted = {note.field for note in notes}
    found = [note for note in notes if note.code == PLACEHOLDER_IN_IDENTIFIER]
    if not found or not any(values[key] and key not in noted for key in IDENTIFIERS):
        return []
    notes[:] = [note for note in notes if note.code != PLACEHOLDER_IN_IDENTIFIER]
    values.update({note.field: "" for note in found if note.field})
    return found


def _note_missing(columns: Mapping[int, str], values: Mapping[str, str], notes: list[Note], typed_tags: str) -> None:
    """Adds what the row lacks and puts the notes in the order of the fields."""
    noted = {note.field for note in notes}
    if not any(values[key] or key in noted for key in IDENTIFIERS):
        notes.append(Note("no_identifier", None, None, "", {}))
    if not values["tags"] and "tags" not in noted:
        column = next((column for column, key in columns.items() if key == "tags"), None)
        notes.append(Note("no_tags", "tags", column, typed_tags, {}))
    order = (None, *FIELDS)
    # A placeholder comes last: where another identifier can be mended, that is the cause.
    notes.sort(key=lambda note: (note.code == PLACEHOLDER_IN_IDENTIFIER, order.index(note.field)))


def identifiers(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(field key, value) of each identifier present. Two rows are one customer when any of these is equal."""
    return tuple((key, values[key]) for key in IDENTIFIERS if values.get(key))
