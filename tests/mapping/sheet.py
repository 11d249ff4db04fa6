"""Rows and cells in one line, for the tests of this room."""

from tagsync.sheets.cells import Cell, Kind, Row


def text(value: str) -> Cell:
    return Cell(Kind.TEXT, value)


def number(value: str) -> Cell:
    return Cell(Kind.NUMBER, value)


def row(*values: str | Cell | None, at: int = 1) -> Row:
    cells = (text(value) if isinstance(value, str) else value for value in values)
    return Row(at, {column: cell for column, cell in enumerate(cells) if cell is not None})
