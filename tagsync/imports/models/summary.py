"""What a check saw, as `ImportJob.summary` keeps it for the pages."""

from __future__ import annotations

from typing import Any, TypedDict


class ChangeSummary(TypedDict):
    """One way of cleaning, with examples: [row number, cell, what stood there, what it became]."""

    field: str
    code: str
    rows: int
    examples: list[list[Any]]


class WarningSummary(TypedDict):
    """What is worth a look and stops no row; examples as its sentence wants them."""

    code: str
    params: dict[str, str]
    rows: int
    examples: list[list[Any]]


class Summary(TypedDict, total=False):
    """Empty before the check has ended."""

    # the most frequent, with their rows
    tags: list[tuple[str, int]]
    tag_count: int
    # every combination of identifiers with its rows: each order of identification can be computed from it
    identifiers: list[tuple[list[str], int]]
    changes: list[ChangeSummary]
    warnings: list[WarningSummary]
    # numbers of the rows, not blank, that are no customers: those above the header, and it
    heading: list[int]
    # how many columns the sheet has up to the last one without a name that holds anything
    width: int
    look_alikes: list[list[tuple[str, int]]]
    # rows with anything in them that were hidden in the sheet and left out, as a person said
    hidden_rows: int
    # identifiers were put back where the workbook of an export hides them: the rows tell more than the file
    unmasked: bool
    # hexadecimal: what `check.duplicates` makes of all rows that would be sent
    content: str
