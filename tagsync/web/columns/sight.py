"""The beginning of a sheet as this person may see it: as it is, or with identifiers masked.

Masked for everybody but who uploaded it; also in an undo, whose file is not what anybody typed. What is asked about the
sheet (is that row a customer?) is asked about the real one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from tagsync.accounts.models import Person
from tagsync.imports.drafts.sheet_view import SheetView
from tagsync.imports.models import ImportJob
from tagsync.imports.models.row import VALUE_COLUMNS
from tagsync.imports.permissions import typed_herself
from tagsync.mapping.fields import IDENTIFIERS
from tagsync.mapping.masking import mask_cell
from tagsync.sheets.cells import Row
from tagsync.sheets.reading import Question
from tagsync.web.columns.first_request import Look

_words = re.compile(r"[A-Za-z0-9_+-]{6,}")


def as_seen(person: Person, job: ImportJob, view: SheetView, chosen: Mapping[int, str | None]) -> SheetView:
    """`chosen`: column → field as the form has it."""
    if typed_herself(person, job):
        return view
    fields = _hidden_as(job, view, chosen)
    rows = tuple(_masked(row, fields) for row in view.preview.rows)
    questions = tuple(_masked_samples(question) for question in view.preview.questions)
    return replace(view, preview=replace(view.preview, rows=rows, questions=questions))


def look_as_seen(person: Person, job: ImportJob, look: Look) -> Look:
    if typed_herself(person, job):
        return look
    return replace(look, sendable=[row._replace(values=_masked_values(row.values)) for row in look.sendable])


def _hidden_as(job: ImportJob, view: SheetView, chosen: Mapping[int, str | None]) -> dict[int, str]:
    """Column → identifier that its cells are masked as; choosing that they are tags shows nobody more.

    Whoever knows of an identifier counts: the file when we wrote it, what is kept, its header, what is chosen.
    """
    ours = dict(enumerate(VALUE_COLUMNS)) if job.undoes_id else {}
    named = {one.column: one.field for one in view.suggestions if one.exact}
    known = [(column, key) for said in (chosen, named, job.mapped_columns(), ours) for column, key in said.items()]
    return {column: key for column, key in known if key in IDENTIFIERS}


def _masked_values(values: Mapping[str, str]) -> dict[str, str]:
    tags = ",".join(mask_cell("", tag) for tag in values["tags"].split(","))
    return {**{key: mask_cell(key, text) for key, text in values.items()}, "tags": tags}


def _masked(row: Row, fields: Mapping[int, str]) -> Row:
    cells = {
        column: cell._replace(text=mask_cell(fields.get(column, ""), cell.text)) for column, cell in row.cells.items()
    }
    return row._replace(cells=cells)


def _masked_samples(question: Question) -> Question:
    samples = {
        answer: [_words.sub(lambda found: mask_cell("", found[0]), text) for text in texts]
        for answer, texts in question.facts.get("samples", {}).items()
    }
    return question._replace(facts={**question.facts, "samples": samples})
