"""What stands in a sheet beside its customers: rows above them, and cells where no column has a name.

Counted while the rows go by, because nobody can tell from the first rows what comes later. Writes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from tagsync.imports.check.summary import EXAMPLES, Example, Group, warning
from tagsync.imports.models import ImportJob
from tagsync.imports.models.summary import WarningSummary
from tagsync.mapping.characters import is_visible, storable
from tagsync.mapping.matching import customer_column
from tagsync.mapping.rows import LONGER_THAN_HEADER, Note, is_blank
from tagsync.sheets.cells import Cell, Kind, Row, column_letter

# Which columns most rows fill is guessed from so many; all of them have the last word.
ROWS_TRIED = 2000
BETWEEN_CELLS = " | "
CHARACTERS_KEPT = 2000


class Surroundings:
    """`shifts`: one cell too many moves all that follow it, as in text files. Then a row that has more cells than there
    are columns is stopped; a column is also what most rows fill. In workbooks nothing moves: it is only told."""

    def __init__(self, job: ImportJob, *, shifts: bool, usual: frozenset[int] | None = None) -> None:
        self.heading: list[int] = []
        self.blank_above = 0
        self._header_row = job.header_row or 0
        mapped = job.mapped_columns().keys()
        self._named = mapped | {column["column"] for column in job.columns if column["header"]}
        # Of a sheet without names, all columns were shown and left out by whoever chose.
        known = self._named if self._header_row else mapped | {column["column"] for column in job.columns}
        self._shifts, self._usual = shifts, usual
        self._rows = 0
        self._filled: Counter[int] = Counter()
        self._stopped: Counter[int] = Counter()
        self._examples: dict[int, list[Example]] = defaultdict(list)
        # columns of which nobody needs to see more
        self._seen_enough = set(known)
        self._customers = Group()

    def below(self, source: Iterable[Row]) -> Iterator[Row]:
        """The rows of customers; those above are counted. For files that shift, which columns are usual is guessed."""
        rows = iter(source)
        found = chain(self._pass_heading(rows), rows)
        if self._shifts and self._usual is None:
            tried = list(islice(found, ROWS_TRIED))
            self._usual = self._usual_of(row for row in tried if not is_blank(row))
            found = chain(tried, found)
        return found

    def _pass_heading(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            if row.number > self._header_row:
                yield row
                return
            self._see_heading(row)

    def _see_heading(self, row: Row) -> None:
        if is_blank(row):
            self.blank_above += 1
            return
        self.heading.append(row.number)
        if (column := customer_column(row)) is not None:
            self._customers.add(_example(row, column))

    def _usual_of(self, rows: Iterable[Row]) -> frozenset[int]:
        outside = [self._outside(row) for row in rows]
        return _most(Counter(chain.from_iterable(outside)), len(outside))

    def see(self, row: Row) -> Note | None:
        """Count a row that is not blank; why it is stopped."""
        self._rows += 1
        if self._named.issuperset(row.cells):
            return None
        outside = self._outside(row)
        filled = self._filled
        for column in outside:
            filled[column] += 1
        if self._shifts and (surplus := self._surplus(row, outside)) is not None:
            self._stopped.update(outside)
            return Note(LONGER_THAN_HEADER, None, surplus, _typed(row), {})
        if not self._seen_enough.issuperset(outside):
            self._keep_examples(row, outside)
        return None

    def _outside(self, row: Row) -> list[int]:
        named = self._named
        return [column for column, cell in row.cells.items() if column not in named and _is_filled(cell)]

    def _surplus(self, row: Row, outside: list[int]) -> int | None:
        """The first column in which the row has a cell too many."""
        usual = self._usual or frozenset()
        if usual.issuperset(outside):
            return None
        columns = self._named | usual
        beside = [column for column in outside if column not in columns]
        # An empty cell before them may hide that there are too many; without names, nobody knows how many there are.
        is_behind = beside[-1] > max(columns, default=-1)
        is_many = self._header_row and sum(map(_is_filled, row.cells.values())) > len(columns)
        return beside[0] if is_behind or is_many else None

    def _keep_examples(self, row: Row, outside: list[int]) -> None:
        for column in outside:
            if column not in self._seen_enough:
                self._examples[column].append(_example(row, column))
                if len(self._examples[column]) == EXAMPLES:
                    self._seen_enough.add(column)

    def were_misjudged(self) -> bool:
        """Whether all rows say otherwise than the first ones which columns are usual."""
        return self._shifts and self._usual != self.usual

    @property
    def usual(self) -> frozenset[int]:
        return _most(self._filled, self._rows)

    @property
    def width(self) -> int:
        """How many columns there are up to the last one without a name that holds anything."""
        return max(self._filled, default=-1) + 1

    def warnings(self) -> list[WarningSummary]:
        found = [
            warning("unnamed_column", {"column": column_letter(column)}, Group(self._unstopped(column), examples))
            for column, examples in sorted(self._examples.items())
        ]
        if self._customers.rows:
            found.append(warning("customer_above", {}, self._customers))
        return found

    def _unstopped(self, column: int) -> int:
        return self._filled[column] - self._stopped[column]


def _most(filled: Counter[int], rows: int) -> frozenset[int]:
    return frozenset(column for column, number in filled.items() if number > rows / 2)


def _is_filled(cell: Cell) -> bool:
    return is_visible(cell.text) or cell.kind is Kind.FORMULA


def _example(row: Row, column: int) -> Example:
    return [row.number, f"{column_letter(column)}{row.number}", storable(row.cells[column].text)]


def _typed(row: Row) -> str:
    texts = (row.cells[column].text if column in row.cells else "" for column in range(max(row.cells) + 1))
    return storable(BETWEEN_CELLS.join(texts))[:CHARACTERS_KEPT]
