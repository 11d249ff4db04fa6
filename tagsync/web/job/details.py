"""What was asked of an import, for the column beside its progress: settings and columns in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext as _

from tagsync.imports.check.identification import order
from tagsync.imports.models import ImportJob
from tagsync.imports.models.choices import Match
from tagsync.mapping.fields import FIELDS


class Column(NamedTuple):
    column: int
    header: str
    field: str


@dataclass(frozen=True)
class Details:
    # only fuzzy matching knows a way; the platform decides otherwise
    identified_by: str
    columns: list[Column]
    unsent_columns: int


def details(job: ImportJob) -> Details:
    sent = [column for column in job.columns if column["field"]]
    keys = order(job.identify_way, job.connection) if job.match == Match.FUZZY and job.identify_way else ()
    return Details(
        identified_by=" > ".join(_(FIELDS[key].label) for key in keys),
        columns=[Column(c["column"], c["header"], _(FIELDS[c["field"]].label)) for c in sent],
        unsent_columns=sum(not (column["field"] or column.get("added")) for column in job.columns),
    )
